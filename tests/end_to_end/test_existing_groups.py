"""A pair of groups that another template made: one in that stack, one in a stack nested in it."""

from __future__ import annotations

import json

import pytest
import yaml

from project import INSTANCE_TYPE, REGION, SUBNETS, Pair, Project

OTHER = "encoder-prod"


def launch_template(market: bool, instance_type: str = INSTANCE_TYPE) -> dict:
    spot = {"MarketType": "spot", "SpotOptions": {"MaxPrice": "0.55", "SpotInstanceType": "one-time"}}
    data = {"ImageId": "ami-0123456789abcdef0", "InstanceType": instance_type}
    data |= {"InstanceMarketOptions": spot} if market else {}
    return {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}}


def launch_configuration(market: bool) -> dict:
    properties = {"ImageId": "ami-0123456789abcdef0", "InstanceType": INSTANCE_TYPE, "InstanceMonitoring": False}
    properties |= {"SpotPrice": "0.55"} if market else {}
    return {"Type": "AWS::AutoScaling::LaunchConfiguration", "Properties": properties}


def group(launch: str, kind: str, **more: object) -> dict:
    version = {"Fn::GetAtt": [launch, "LatestVersionNumber"]}
    definition = {
        "AWS::EC2::LaunchTemplate": {"LaunchTemplate": {"LaunchTemplateId": {"Ref": launch}, "Version": version}},
        "AWS::AutoScaling::LaunchConfiguration": {"LaunchConfigurationName": {"Ref": launch}},
    }[kind]
    properties = {"MinSize": "0", "MaxSize": "2", "VPCZoneIdentifier": SUBNETS} | definition | more
    return {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": properties}


def twins(market: bool, definition=launch_template, **more: object) -> dict:
    """A launch definition and its group, under the names that the article's stack gives them."""
    name, launch = ("asgGPUSpot", "launchGPUSpot") if market else ("asgGPU", "launchGPU")
    made = definition(market)
    return {launch: made, name: group(launch, made["Type"], **more)}


def put(world, resources: dict, nested: dict | None = None) -> None:
    """Makes or updates the other stack; what is `nested` is in a stack of its own, by a template in S3."""
    cloudformation, s3 = world.client("cloudformation"), world.client("s3")
    if nested is not None:
        s3.create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="templates", Key="spot.json", Body=json.dumps({"Resources": nested}))
        url = f"{world.endpoint}/templates/spot.json"
        resources = resources | {"Spots": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}}
    arguments = {"StackName": OTHER, "TemplateBody": json.dumps({"Resources": resources})}
    try:
        cloudformation.create_stack(**arguments)
        done = "stack_create_complete"
    except cloudformation.exceptions.AlreadyExistsException:
        cloudformation.update_stack(**arguments)
        done = "stack_update_complete"
    cloudformation.get_waiter(done).wait(StackName=OTHER, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})


@pytest.fixture
def project(project: Project) -> Project:
    """A spec that manages the groups of the other stack."""
    del project.spec["network"]
    project.spec["stack"] = "encoder-spot"
    project.spec["pairs"] = {
        "encode": {
            "groups": {"stack": OTHER, "spot": "asgGPUSpot", "on_demand": "asgGPU"},
            "queue": {"arn": f"arn:aws:sqs:{REGION}:000000000000:encode-jobs"},
            "spot": {"max_price": 0.55},
            "workers": {"max": 2},
        }
    }
    project.world.client("sqs").create_queue(QueueName="encode-jobs")
    save(project)
    return project


def save(project: Project, **groups: str | None) -> None:
    """Writes the spec, its `groups` changed key by key; None takes a key out."""
    named = project.spec["pairs"]["encode"]["groups"] | groups
    project.spec["pairs"]["encode"]["groups"] = {key: name for key, name in named.items() if name}
    (project.folder / "spotstack.yaml").write_text(yaml.safe_dump(project.spec, sort_keys=False))


def encode(project: Project) -> Pair:
    pair = project.pair("encode")
    pair.ids |= {"SpotGroup": pair.environment["SPOT_GROUP"], "OnDemandGroup": pair.environment["ON_DEMAND_GROUP"]}
    return pair


@pytest.mark.parametrize("definition", [launch_template, launch_configuration])
def test_groups_of_another_stack_are_scaled_and_stay(project, world, definition):
    """Jobs: Spot. Spot refused: On-Demand. Idle: none. Destroyed: the groups are there as before."""
    put(world, twins(False, definition), nested=twins(True, definition))
    before = {each["AutoScalingGroupName"] for each in world.groups()}
    said = project.deploy().said
    assert f"encode: {INSTANCE_TYPE}, Spot by" in said and "warning" not in said, said
    pair = encode(project)
    assert pair.environment["INSTANCE_TYPE"] == INSTANCE_TYPE
    assert {pair.ids["SpotGroup"], pair.ids["OnDemandGroup"]} == before
    assert world.market(pair.groups()[0]) == "spot" and world.market(pair.groups()[1]) == "on-demand"

    world.capacity("spot", 1, zone=f"{REGION}a")
    world.capacity("spot", 0, zone=f"{REGION}b")
    pair.work_arrives()
    pair.becomes(spot=1, on_demand=0)
    pair.send()
    pair.look()
    pair.becomes(spot=1, on_demand=1)
    status = project.run("status").ok().out
    assert "groups     asgGPUSpot and asgGPU of the stack encoder-prod" in status
    assert "encode" in project.run("explain").ok().out
    assert "nothing to" in project.deploy().said.lower()
    pair.work_ends()
    pair.becomes(spot=0, on_demand=0)

    said = project.run("destroy", "--yes").ok().said
    assert "EncodeSpotGroup encode: the Spot workers, asgGPUSpot of the stack encoder-prod" in said
    assert {each["AutoScalingGroupName"] for each in world.groups()} == before
    assert world.client("autoscaling").describe_policies()["ScalingPolicies"] == []


def test_groups_named_by_their_names(project, world):
    """Without `stack` the spec has the groups' names, and the template says them."""
    put(world, twins(False) | twins(True))
    names = {world.market(each): each["AutoScalingGroupName"] for each in world.groups()}
    save(project, stack=None, spot=names["spot"], on_demand=names["on-demand"])
    project.deploy()
    pair = encode(project)
    pair.work_arrives()
    pair.becomes(spot=1, on_demand=0)
    save(project, spot="asgGPUSpto")
    project.run("deploy", "--yes").failed("there is no Auto Scaling group `asgGPUSpto`")


def test_a_wrong_logical_id_is_said_with_what_is_there(project, world):
    """Before anything is made: no bucket, no stack, and all that is wrong at once."""
    put(world, twins(False), nested=twins(True))
    save(project, spot="asgGPUspot2", on_demand="launchGPU")
    project.run("deploy", "--yes").failed(
        "there is no `asgGPUspot2` in the stack `encoder-prod` or the one nested in it",
        "did you mean `asgGPUSpot`?",
        "`launchGPU` of the stack `encoder-prod` is an AWS::EC2::LaunchTemplate, and not an Auto Scaling group",
        "The Auto Scaling groups there: asgGPU, Spots/asgGPUSpot",
    )
    assert project.stack is None
    assert [each["Name"] for each in world.client("s3").list_buckets()["Buckets"]] == ["templates"]
    save(project, stack="encoder", spot="asgGPUSpot", on_demand="asgGPU")
    project.run("deploy", "--yes").failed("there is no stack `encoder` in this account and Region")
    save(project, stack=OTHER, spot="asgGPU", on_demand="asgGPUSpot")
    project.run("deploy", "--yes").failed("`spot` asks for On-Demand, and `on_demand` asks for Spot")


def test_what_surprises_is_said(project, world):
    """A fleet that the other template resets, limits that are too low, a policy that acts on the group as well."""
    autoscaling = world.client("autoscaling")
    put(world, twins(False, DesiredCapacity="0", MaxSize="1") | twins(True, NewInstancesProtectedFromScaleIn=True))
    (on_demand,) = [each["AutoScalingGroupName"] for each in world.groups() if world.market(each) == "on-demand"]
    autoscaling.put_scaling_policy(
        AutoScalingGroupName=on_demand, PolicyName="by-hand", AdjustmentType="ChangeInCapacity", ScalingAdjustment=1
    )
    autoscaling.suspend_processes(AutoScalingGroupName=on_demand, ScalingProcesses=["AZRebalance"])
    said = project.deploy("--no-execute").said
    for warning in (
        "asgGPU has MaxSize 1, and `workers: max` is 2",
        "asgGPUSpot protects new instances from scale-in",
        "the template of asgGPU sets its DesiredCapacity",
        "asgGPU has scaling policies already: by-hand (SimpleScaling)",
        "asgGPU has its AZRebalance process suspended",
    ):
        assert warning in said, said


def test_a_replaced_group_is_found_by_deploying_again(project, world):
    """The other stack makes the Spot group anew, under another name: status says what to do, and deploy does it."""
    put(world, twins(False) | twins(True))
    project.deploy()
    before = encode(project).ids["SpotGroup"]
    renamed = twins(True)
    renamed["asgGPUSpot"]["Properties"]["AutoScalingGroupName"] = "encoder-gpu-spot"
    put(world, twins(False) | renamed)
    assert before not in {each["AutoScalingGroupName"] for each in world.groups()}
    status = " ".join(project.run("status").ok().out.split())
    assert f"there is no Auto Scaling group `{before}`" in status
    assert "`spotstack deploy` finds the new ones" in status
    project.deploy()
    pair = encode(project)
    assert pair.ids["SpotGroup"] == "encoder-gpu-spot"
    pair.work_arrives()
    pair.becomes(spot=1, on_demand=0)
