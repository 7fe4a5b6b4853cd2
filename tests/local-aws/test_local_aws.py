"""What the local AWS must do as AWS does it. Every test has a server of its own."""

from __future__ import annotations

import io
import json
import re
import signal
import sys
import time
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from world import World

HERE = Path(__file__).resolve().parent
REGION = "eu-west-1"
ZONES = [f"{REGION}{letter}" for letter in "abc"]
SUBNETS = [f"subnet-0a1b2c3d4e5f6000{number}" for number in (1, 2, 3)]
BUCKET, KEY = "artifacts", "handler.zip"

# Logs each event and its environment's names, and calls what the event says with the role's credentials.
BOOTSTRAP = f"""#!{sys.executable}
import json, os, urllib.request
api = f"http://{{os.environ['AWS_LAMBDA_RUNTIME_API']}}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{{api}}/next") as request:
        number, event = request.headers["Lambda-Runtime-Aws-Request-Id"], json.load(request)
    print(json.dumps(event), flush=True)
    answer = {{"event": event, "env": dict(os.environ)}}
    for service, operation, arguments in event.get("calls", []):
        import boto3
        try:
            getattr(boto3.client(service), operation)(**arguments)
            answer.setdefault("calls", []).append("ok")
        except Exception as error:
            answer.setdefault("calls", []).append(str(error))
    urllib.request.urlopen(urllib.request.Request(f"{{api}}/{{number}}/response", json.dumps(answer).encode()))
"""


@pytest.fixture
def world(serve):
    return serve("--no-ticks")


def upload_handler(world: World) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, BOOTSTRAP)
    s3 = world.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=packed.getvalue())


def start_stack(world: World, name: str = "pair", **parameters: str) -> dict:
    values = {"ArtifactBucket": BUCKET, "HandlerKey": KEY} | parameters
    world.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=(HERE / "test_stack.yaml").read_text(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
    )
    return describe_stack(world, name)


def create_stack(world: World, name: str = "pair", **parameters: str) -> dict:
    start_stack(world, name, **parameters)
    return settled_stack(world, name)


def settled_stack(world: World, name: str = "pair") -> dict:
    return eventually(
        lambda: describe_stack(world, name), lambda stack: not stack["StackStatus"].endswith("_IN_PROGRESS")
    )


def describe_stack(world: World, name: str) -> dict:
    return world.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]


def outputs(stack: dict) -> dict[str, str]:
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def deploy(world: World, **parameters: str) -> dict[str, str]:
    upload_handler(world)
    stack = create_stack(world, **parameters)
    assert stack["StackStatus"] == "CREATE_COMPLETE", failures_of(world)
    return outputs(stack)


def failures_of(world: World, name: str = "pair") -> list[str]:
    events = world.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return [event["ResourceStatusReason"] for event in events if event["ResourceStatus"].endswith("_FAILED")]


def eventually(what, good=bool, seconds: float = 15):
    deadline = time.monotonic() + seconds
    while not good(value := what()):
        assert time.monotonic() < deadline, value
        time.sleep(0.05)
    return value


def make_group(
    world: World, name: str = "workers", *, bid: str | None = "0.55", maximum: int = 4, minimum: int = 0, **more
) -> str:
    """A Spot group of g5.xlarge; On-Demand without a bid."""
    autoscaling = world.client("autoscaling")
    spot = {"SpotPrice": bid} if bid else {}
    autoscaling.create_launch_configuration(
        LaunchConfigurationName=name, ImageId="ami-1", InstanceType="g5.xlarge", **spot
    )
    where = {"VPCZoneIdentifier": ",".join(SUBNETS[:2])} | more
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=minimum, MaxSize=maximum, **where
    )
    return name


def desire(world: World, group: str, desired: int, **more) -> None:
    world.client("autoscaling").set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=desired, **more)


def zones_of(world: World, group: str) -> list[str]:
    return sorted(instance["AvailabilityZone"] for instance in world.group(group)["Instances"])


def refused(call, *arguments, **named) -> str:
    """Code and message of the error that a call must end in."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


# Scaling policies


def test_simple_policy_adds_honours_cooldown_and_clamps(world):
    autoscaling, group = world.client("autoscaling"), make_group(world, maximum=2)
    policy = {"AutoScalingGroupName": group, "PolicyName": "up"}
    arn = autoscaling.put_scaling_policy(**policy, AdjustmentType="ChangeInCapacity", ScalingAdjustment=1, Cooldown=60)[
        "PolicyARN"
    ]
    autoscaling.execute_policy(**policy)
    assert "is in progress and blocks this action" in refused(autoscaling.execute_policy, **policy, HonorCooldown=True)
    autoscaling.execute_policy(PolicyName=arn)
    autoscaling.execute_policy(PolicyName=arn)
    assert world.group(group)["DesiredCapacity"] == 2
    assert "MetricValue" in refused(autoscaling.execute_policy, **policy, MetricValue=1, BreachThreshold=0)


def test_step_policy_finds_its_step(world):
    autoscaling, group = world.client("autoscaling"), make_group(world)
    policy = {"AutoScalingGroupName": group, "PolicyName": "to"}
    steps = [
        {"MetricIntervalLowerBound": 1, "MetricIntervalUpperBound": 2, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 2, "ScalingAdjustment": 3},
    ]
    autoscaling.put_scaling_policy(
        **policy, PolicyType="StepScaling", AdjustmentType="ExactCapacity", StepAdjustments=steps
    )
    for value, desired in ((2, 3), (1, 1), (1.5, 1), (9, 3)):
        autoscaling.execute_policy(**policy, MetricValue=value, BreachThreshold=0)
        assert world.group(group)["DesiredCapacity"] == desired
    assert refused(autoscaling.execute_policy, **policy).startswith("ValidationError: MetricValue")
    missed = refused(autoscaling.execute_policy, **policy, MetricValue=0, BreachThreshold=0)
    assert missed == "ValidationError: No step adjustment found for metric value [0.0] and breach threshold 0.0"


@pytest.mark.parametrize(
    "start, percent, least, end", [(4, 50, None, 6), (3, 10, None, 4), (4, -10, None, 3), (5, 10, 3, 8), (0, 50, 2, 0)]
)
def test_percentages_round_towards_zero_but_never_to_nothing(start, percent, least, end):
    from localaws.scaling import _adjusted

    assert (
        _adjusted(start, percent, {"AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": least}) == end
    )


def test_a_policy_belongs_to_its_group(world):
    autoscaling = world.client("autoscaling")
    mine, other = make_group(world, "mine"), make_group(world, "other")
    arn = autoscaling.put_scaling_policy(
        AutoScalingGroupName=mine, PolicyName="up", AdjustmentType="ChangeInCapacity", ScalingAdjustment=1
    )["PolicyARN"]
    assert refused(autoscaling.execute_policy, AutoScalingGroupName=other, PolicyName=arn).startswith("ValidationError")
    assert refused(autoscaling.execute_policy, AutoScalingGroupName=other, PolicyName="up").startswith(
        "ValidationError"
    )
    assert refused(autoscaling.execute_policy, AutoScalingGroupName="none", PolicyName="up") == (
        "ValidationError: AutoScalingGroup name not found - AutoScalingGroup none not found"
    )


def test_desired_capacity_has_limits(world):
    group, set_desired = make_group(world, minimum=1, maximum=2), world.client("autoscaling").set_desired_capacity
    above = refused(set_desired, AutoScalingGroupName=group, DesiredCapacity=3)
    assert above == "ValidationError: New SetDesiredCapacity value 3 is above max value 2 for the AutoScalingGroup."
    below = refused(set_desired, AutoScalingGroupName=group, DesiredCapacity=0)
    assert below == "ValidationError: New SetDesiredCapacity value 0 is below min value 1 for the AutoScalingGroup."


# Markets


def test_instances_are_balanced_over_the_zones_of_the_subnets(world):
    group = make_group(world, VPCZoneIdentifier=",".join(SUBNETS))
    desire(world, group, 4)
    assert zones_of(world, group) == [ZONES[0], *ZONES]
    assert world.group(group)["AvailabilityZones"] == ZONES
    desire(world, group, 3)
    assert zones_of(world, group) == ZONES
    newest, *_, oldest = world.activities(group)
    assert newest["Description"].startswith("Terminating EC2 instance: i-")
    assert "shrinking the capacity from 4 to 3." in newest["Cause"]
    assert oldest["Description"].startswith("Launching a new EC2 instance: i-")


def test_refused_spot_keeps_its_desired_capacity_and_tells_why(world):
    group = make_group(world)
    world.capacity("spot", 0)
    desire(world, group, 1)
    assert (world.group(group)["DesiredCapacity"], world.group(group)["Instances"]) == (1, [])
    activities = world.activities(group)
    assert [json.loads(each["Details"])["Availability Zone"] for each in activities] == [ZONES[1], ZONES[0]]
    failed = activities[1]
    assert failed["StatusCode"] == "Failed" and failed["Progress"] == 100
    assert failed["StatusMessage"] == (
        "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that "
        "matches your request. Launching EC2 instance failed."
    )
    assert failed["Description"] == f"Launching a new EC2 instance.  Status Reason: {failed['StatusMessage']}"
    assert json.loads(failed["Details"])["Subnet ID"] == SUBNETS[0]
    moment = r"At \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(
        f"{moment} a user request explicitly set group desired capacity changing the desired capacity from 0 to 1\\.  "
        f"{moment} an instance was started in response to a difference between desired and actual capacity, "
        "increasing the capacity from 0 to 1\\.",
        failed["Cause"],
    )
    assert world.retry() == 0
    world.capacity("spot", "unlimited")
    assert world.retry() == 1
    assert zones_of(world, group) == [ZONES[0]]
    assert world.retry() == 0


def test_a_refusing_zone_is_passed_over(world):
    group = make_group(world)
    world.capacity("spot", 1, zone=ZONES[1])
    world.capacity("spot", 0, zone=ZONES[0], because="unfulfillable")
    desire(world, group, 2)
    assert zones_of(world, group) == [ZONES[1]]
    assert "UnfulfillableCapacity - Unable to fulfill capacity" in str(
        [each.get("StatusMessage") for each in world.activities(group)]
    )


@pytest.mark.parametrize(
    "market, because, text",
    [
        ("spot", "quota", "Max spot instance count exceeded."),
        ("spot", "configuration", "The requested configuration is currently not supported."),
        ("spot", "free-tier", "The specified instance type is not eligible for Free Tier."),
        (
            "on-demand",
            "insufficient",
            f"sufficient g5.xlarge capacity in the Availability Zone you requested ({ZONES[0]})",
        ),
        (
            "on-demand",
            "quota",
            "VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU limit",
        ),
        ("on-demand", "kms", "Client.InternalError: Client error on launch."),
    ],
)
def test_every_failure_has_its_own_words(world, market, because, text):
    group = make_group(world, bid="0.55" if market == "spot" else None)
    world.capacity(market, 0, because=because)
    desire(world, group, 1)
    assert text in world.activities(group)[-1]["StatusMessage"]


def test_a_price_above_the_bid_refuses(world):
    group = make_group(world, bid="0.30")
    world.price("g5.xlarge", ZONES[0], "0.20", ago=7200)
    world.price("g5.xlarge", ZONES[0], "0.4123", ago=60)
    world.price("g5.xlarge", ZONES[1], "0.29", ago=60)
    desire(world, group, 1)
    assert zones_of(world, group) == [ZONES[1]]
    assert world.activities(group)[1]["StatusMessage"].startswith(
        "Your Spot request price of 0.30 is lower than the minimum required Spot request fulfillment price of 0.4123."
    )


def test_a_spot_request_can_stay_open(world):
    group = make_group(world)
    world.capacity("spot", 0, because="waiting")
    desire(world, group, 1)
    world.retry()
    assert [each["StatusCode"] for each in world.activities(group)] == ["WaitingForSpotInstanceId"] * 2
    world.capacity("spot", "unlimited")
    world.retry()
    assert sorted(each["StatusCode"] for each in world.activities(group)) == ["Cancelled", "Successful", "Successful"]


def test_unfilled_groups_fill_by_themselves_on_a_timer(serve):
    world = serve("--retry-seconds", "0.2")
    group = make_group(world)
    world.capacity("spot", 0)
    desire(world, group, 1)
    world.capacity("spot", "unlimited")
    eventually(lambda: zones_of(world, group))


def test_protected_instances_stay_until_they_are_free(world):
    group = make_group(world, NewInstancesProtectedFromScaleIn=True)
    desire(world, group, 1)
    desire(world, group, 0)
    (instance,) = world.group(group)["Instances"]
    assert instance["ProtectedFromScaleIn"] and world.group(group)["DesiredCapacity"] == 0
    assert world.activities(group)[0]["StatusMessage"].endswith("all remaining instances are protected from scale-in.")
    desire(world, group, 1)
    assert len(world.group(group)["Instances"]) == 1
    desire(world, group, 0)
    world.client("autoscaling").set_instance_protection(
        InstanceIds=[instance["InstanceId"]], AutoScalingGroupName=group, ProtectedFromScaleIn=False
    )
    assert world.group(group)["Instances"] == []


def test_an_instance_can_end_itself(world):
    autoscaling, group = world.client("autoscaling"), make_group(world, NewInstancesProtectedFromScaleIn=True)
    desire(world, group, 1)
    (instance,) = world.group(group)["Instances"]
    ended = autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=instance["InstanceId"], ShouldDecrementDesiredCapacity=True
    )
    assert ended["Activity"]["Description"] == f"Terminating EC2 instance: {instance['InstanceId']}"
    assert (world.group(group)["DesiredCapacity"], world.group(group)["Instances"]) == (0, [])


def test_instances_are_launched_at_once_or_not_at_all(world):
    """One zone, a typed error for what it lacks, and nothing left asked for; a token is answered once."""
    autoscaling, ec2 = world.client("autoscaling"), world.client("ec2")
    market = {"MarketType": "spot", "SpotOptions": {"SpotInstanceType": "one-time"}}
    ec2.create_launch_template(
        LaunchTemplateName="worker",
        LaunchTemplateData={"ImageId": "ami-1", "InstanceType": "g5.xlarge", "InstanceMarketOptions": market},
    )
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="workers",
        LaunchTemplate={"LaunchTemplateName": "worker", "Version": "$Latest"},
        MinSize=0,
        MaxSize=4,
        VPCZoneIdentifier=",".join(SUBNETS[:2]),
    )
    zone = f"{world.region}a"
    world.capacity("spot", 1, zone=zone)

    def launch(count: int, token: str, **where) -> dict:
        where = where or {"AvailabilityZones": [zone]}
        return autoscaling.launch_instances(
            AutoScalingGroupName="workers", RequestedCapacity=count, ClientToken=token, **where
        )

    first = launch(2, "one")
    (came,), (error,) = first["Instances"], first["Errors"]
    assert (len(came["InstanceIds"]), came["AvailabilityZone"], came["MarketType"]) == (1, zone, "spot")
    assert (error["ErrorCode"], error["AvailabilityZone"]) == ("InsufficientInstanceCapacity", zone)
    assert "no Spot capacity available" in error["ErrorMessage"]
    assert launch(2, "one")["Instances"] == first["Instances"]
    assert (world.group("workers")["DesiredCapacity"], zones_of(world, "workers")) == (1, [zone])
    assert world.retry() == 0
    assert "IdempotentParameterMismatch" in refused(launch, 1, "one")
    assert "exceed the maximum" in refused(launch, 4, "two", AvailabilityZones=[f"{world.region}b"])
    assert "Exactly one Availability Zone" in refused(launch, 1, "three", RetryStrategy="none")
    make_group(world, "old")
    old = {"AutoScalingGroupName": "old", "RequestedCapacity": 1, "ClientToken": "four", "AvailabilityZones": [zone]}
    assert "launch configuration" in refused(autoscaling.launch_instances, **old)


def test_a_suspended_launch_process_launches_nothing(world):
    autoscaling, group = world.client("autoscaling"), make_group(world)
    autoscaling.suspend_processes(AutoScalingGroupName=group, ScalingProcesses=["Launch"])
    desire(world, group, 1)
    assert [each["ProcessName"] for each in world.group(group)["SuspendedProcesses"]] == ["Launch"]
    assert world.activities(group) == [] and world.group(group)["Instances"] == []
    autoscaling.resume_processes(AutoScalingGroupName=group, ScalingProcesses=["Launch"])
    assert len(world.group(group)["Instances"]) == 1


def test_activities_are_paged_and_bounded(world):
    autoscaling, group = world.client("autoscaling"), make_group(world)
    desire(world, group, 3)
    first = autoscaling.describe_scaling_activities(AutoScalingGroupName=group, MaxRecords=2)
    rest = autoscaling.describe_scaling_activities(
        AutoScalingGroupName=group, MaxRecords=2, NextToken=first["NextToken"]
    )
    assert [len(first["Activities"]), len(rest["Activities"])] == [2, 1] and "NextToken" not in rest
    soon = (datetime.now(timezone.utc) + timedelta(minutes=1)).isoformat()
    later = [{"Name": "StartTimeLowerBound", "Values": [soon]}]
    assert autoscaling.describe_scaling_activities(AutoScalingGroupName=group, Filters=later)["Activities"] == []


def test_groups_know_their_subnets(world):
    subnet = world.client("ec2").create_subnet(
        VpcId="vpc-00000001", CidrBlock="172.31.200.0/24", AvailabilityZone=ZONES[2]
    )["Subnet"]["SubnetId"]
    group = make_group(world, VPCZoneIdentifier=subnet)
    desire(world, group, 1)
    assert zones_of(world, group) == [ZONES[2]]
    update = world.client("autoscaling").update_auto_scaling_group
    assert (
        refused(update, AutoScalingGroupName=group, VPCZoneIdentifier="subnet-nowhere")
        == "ValidationError: The subnet ID 'subnet-nowhere' does not exist"
    )
    assert world.group(group)["VPCZoneIdentifier"] == subnet


# Launch definitions


def test_a_launch_configuration_keeps_what_it_was_given(world):
    autoscaling = world.client("autoscaling")
    given = {
        "SpotPrice": "0.55",
        "IamInstanceProfile": "worker",
        "UserData": "#!/bin/bash\n",
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 100, "VolumeType": "gp3"}}],
        "MetadataOptions": {"HttpTokens": "required"},
        "InstanceMonitoring": {"Enabled": False},
        "SecurityGroups": ["sg-0a1b2c3d4e5f60001"],
    }
    autoscaling.create_launch_configuration(
        LaunchConfigurationName="spot", ImageId="ami-1", InstanceType="g5.xlarge", **given
    )
    (stored,) = autoscaling.describe_launch_configurations()["LaunchConfigurations"]
    assert {key: stored[key] for key in given} == given | {"UserData": "IyEvYmluL2Jhc2gK"}


def test_launch_configurations_can_be_unavailable(serve):
    world = serve("--no-launch-configurations")
    assert refused(make_group, world) == (
        "UnsupportedOperation: The Launch Configuration creation operation is not available in your account. "
        "Use launch templates to create configuration templates for your Auto Scaling groups."
    )
    upload_handler(world)
    assert create_stack(world, Kind="configuration")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("is not available in your account" in reason for reason in failures_of(world))


def test_a_launch_template_shows_its_market(world):
    ec2 = world.client("ec2")
    options = {"MarketType": "spot", "SpotOptions": {"MaxPrice": "0.55", "SpotInstanceType": "one-time"}}
    ec2.create_launch_template(
        LaunchTemplateName="spot", LaunchTemplateData={"InstanceType": "g5.xlarge", "InstanceMarketOptions": options}
    )
    (version,) = ec2.describe_launch_template_versions(LaunchTemplateName="spot")["LaunchTemplateVersions"]
    assert version["LaunchTemplateData"]["InstanceMarketOptions"] == options


# Prices


def test_price_history_carries_the_price_in_force_in(world):
    for ago, usd in ((7200, "0.50"), (5400, "0.40"), (1800, "0.30")):
        world.price("g5.xlarge", ZONES[0], usd, ago=ago)
    world.price("g5.xlarge", ZONES[1], "0.60", ago=7200)
    world.price("g5.xlarge", ZONES[0], "0.90", ago=100, product="Windows")
    now = datetime.now(timezone.utc)
    asked = {
        "InstanceTypes": ["g5.xlarge"],
        "ProductDescriptions": ["Linux/UNIX"],
        "StartTime": now - timedelta(hours=1),
        "EndTime": now,
    }
    history = world.client("ec2").describe_spot_price_history
    rows = history(**asked)["SpotPriceHistory"]
    assert [(row["AvailabilityZone"], row["SpotPrice"]) for row in rows] == [
        (ZONES[0], "0.30"),
        (ZONES[0], "0.40"),
        (ZONES[1], "0.60"),
    ]
    zone = [{"Name": "availability-zone", "Values": [ZONES[1]]}]
    assert [row["SpotPrice"] for row in history(**asked, Filters=zone)["SpotPriceHistory"]] == ["0.60"]
    first = history(**asked, MaxResults=2)
    last = history(**asked, MaxResults=2, NextToken=first["NextToken"])
    assert len(last["SpotPriceHistory"]) == 1 and last["NextToken"] == ""
    world.clear_prices()
    assert history(**asked)["SpotPriceHistory"] == []


# Alarms


@pytest.mark.parametrize(
    "missing, values, state",
    [
        ("notBreaching", [0, None], "OK"),
        ("notBreaching", [0, 0], "ALARM"),
        ("breaching", [None, None], "ALARM"),
        ("missing", [None, None], "INSUFFICIENT_DATA"),
        ("missing", [0, None], "ALARM"),
        ("missing", [3, None], "OK"),
        ("ignore", [0, None], None),
    ],
)
def test_missing_data_is_treated_as_configured(missing, values, state):
    from localaws.alarms import judge

    alarm = {"ComparisonOperator": "LessThanOrEqualToThreshold", "Threshold": 0, "TreatMissingData": missing}
    assert judge(alarm, values) == state


def test_metric_math_counts_a_missing_value_as_zero():
    from localaws.metric_math import evaluate

    assert evaluate("visible + in_flight", {"visible": 2, "in_flight": None}) == 2
    assert evaluate("visible + in_flight", {"visible": None, "in_flight": None}) is None
    assert evaluate("(FILL(m, 3) - 1) * 2", {"m": None}) == 4


def test_alarms_watch_their_own_queue(world):
    sqs, cloudwatch = world.client("sqs"), world.client("cloudwatch")
    for name in ("mine", "other"):
        sqs.create_queue(QueueName=name)
    watched = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": "mine"}],
    }
    judged = {
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    cloudwatch.put_metric_alarm(AlarmName="jobs", **watched, **judged)

    def state():
        return cloudwatch.describe_alarms(AlarmNames=["jobs"])["MetricAlarms"][0]["StateValue"]

    world.send_job("other")
    assert world.metrics("other") == {
        "ApproximateNumberOfMessagesVisible": 1,
        "ApproximateNumberOfMessagesNotVisible": 0,
    }
    assert state() == "INSUFFICIENT_DATA"
    world.send_job("mine")
    world.metrics("mine")
    assert state() == "ALARM"
    job = world.receive_job("mine")
    assert world.metrics("mine")["ApproximateNumberOfMessagesNotVisible"] == 1
    assert state() == "OK"
    world.finish_job("mine", job["ReceiptHandle"])
    assert world.metrics("mine")["ApproximateNumberOfMessagesNotVisible"] == 0


# Stacks


@pytest.mark.parametrize("kind", ["template", "configuration"])
def test_a_stack_goes_up_by_policy_and_down_by_alarm(world, kind):
    out = deploy(world, Kind=kind)
    assert out["Image"] == "ami-0c2023a1b2c3d4e5f"
    assert out["FifoQueue"].endswith(".fifo") and out["LogsArn"].endswith(f":log-group:{out['Logs']}:*")
    assert out["WorkerProfileArn"] == f"arn:aws:iam::000000000000:instance-profile/{out['WorkerProfile']}"
    assert {"Key": "team", "Value": "media"}.items() <= world.group(out["SpotGroup"])["Tags"][0].items()
    autoscaling = world.client("autoscaling")
    autoscaling.execute_policy(PolicyName=out["SpotScaleUp"], MetricValue=2, BreachThreshold=0)
    autoscaling.execute_policy(AutoScalingGroupName=out["OnDemandGroup"], PolicyName=out["OnDemandScaleUp"])
    groups = [out["SpotGroup"], out["OnDemandGroup"]]
    assert [len(world.group(group)["Instances"]) for group in groups] == [2, 1]
    assert [world.market(world.group(group)) for group in groups] == ["spot", "on-demand"]
    world.set_alarm(out["IdleAlarm"], "ALARM")
    assert [len(world.group(group)["Instances"]) for group in groups] == [0, 0]
    (alarm,) = world.client("cloudwatch").describe_alarms(AlarmNames=[out["IdleAlarm"]])["MetricAlarms"]
    assert [metric["Id"] for metric in alarm["Metrics"]] == ["jobs", "visible", "in_flight"]


def test_the_idle_alarm_waits_for_all_its_minutes(world):
    out = deploy(world)
    desire(world, out["SpotGroup"], 1)
    world.metrics(out["QueueName"], minutes=4)
    assert world.group(out["SpotGroup"])["DesiredCapacity"] == 1
    world.metrics(out["QueueName"], minutes=5)
    assert world.group(out["SpotGroup"])["DesiredCapacity"] == 0
    desire(world, out["SpotGroup"], 1)
    world.metrics(out["QueueName"], minutes=5)  # still in alarm: scaling policies alone run again
    assert world.group(out["SpotGroup"])["DesiredCapacity"] == 0


def test_jobs_wake_the_function_through_the_topic(world):
    out = deploy(world)
    world.send_job(out["Queue"])
    world.metrics(out["Queue"])
    _, lines = eventually(lambda: world.invocations(out["Function"]), lambda found: found[0] == 1)
    record = json.loads(next(line for line in lines if line.startswith('{"Records"')))
    message = json.loads(record["Records"][0]["Sns"]["Message"])
    assert message["AlarmName"] == out["JobsWaitingAlarm"] and message["NewStateValue"] == "ALARM"
    assert message["Trigger"]["Dimensions"] == [{"value": out["QueueName"], "name": "QueueName"}]
    world.metrics(out["Queue"])  # no transition: no second message
    time.sleep(0.3)
    assert world.invocations(out["Function"])[0] == 1


def test_failed_launches_and_interruptions_are_events(world):
    out = deploy(world)
    world.capacity("spot", 0, zone=ZONES[0])
    desire(world, out["SpotGroup"], 1)
    _, lines = eventually(lambda: world.invocations(out["Function"]), lambda found: found[0] == 1)
    event = json.loads(next(line for line in lines if "Launch Unsuccessful" in line))
    assert event["source"] == "aws.autoscaling" and event["resources"] == [out["SpotGroupArn"]]
    detail = event["detail"]
    assert (detail["StatusCode"], detail["AutoScalingGroupName"], detail["EC2InstanceId"]) == (
        "Failed",
        out["SpotGroup"],
        "",
    )
    assert detail["Details"] == {"Subnet ID": SUBNETS[0], "Availability Zone": ZONES[0]}
    assert "There is no Spot capacity available" in detail["StatusMessage"]

    (instance,) = world.group(out["SpotGroup"])["Instances"]
    world.interrupt(instance["InstanceId"])
    count, lines = eventually(lambda: world.invocations(out["Function"]), lambda found: found[0] == 3)
    assert any("Interruption Warning" in line and instance["InstanceId"] in line for line in lines)
    assert instance["InstanceId"] not in str(world.group(out["SpotGroup"])["Instances"])

    world.launch_events(False)
    desire(world, out["SpotGroup"], 2)
    time.sleep(0.3)
    assert world.invocations(out["Function"])[0] == count
    world.tick()
    _, lines = eventually(lambda: world.invocations(out["Function"]), lambda found: found[0] == count + 1)
    assert '{"tick": true}' in lines


def test_a_missing_subnet_rolls_back(world):
    upload_handler(world)
    assert create_stack(world, Subnets="subnet-nowhere")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("The subnet ID 'subnet-nowhere' does not exist" in reason for reason in failures_of(world))
    assert world.groups() == []


def test_missing_code_rolls_back(world):
    world.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    assert create_stack(world)["StackStatus"] == "ROLLBACK_COMPLETE"
    expected = (
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
    )
    assert any(expected in reason for reason in failures_of(world))


def test_an_update_keeps_the_fleet_and_a_delete_leaves_nothing(world):
    out, cloudformation = deploy(world), world.client("cloudformation")
    desire(world, out["SpotGroup"], 2)
    previous = [{"ParameterKey": key, "UsePreviousValue": True} for key in ("ArtifactBucket", "HandlerKey")]
    changed = [*previous, {"ParameterKey": "MaxSize", "ParameterValue": "7"}]
    cloudformation.update_stack(
        StackName="pair", UsePreviousTemplate=True, Parameters=changed, Capabilities=["CAPABILITY_IAM"]
    )
    assert settled_stack(world)["StackStatus"] == "UPDATE_COMPLETE"
    group = world.group(out["SpotGroup"])
    assert (group["MaxSize"], group["DesiredCapacity"], len(group["Instances"])) == (7, 2, 2)
    identifier = describe_stack(world, "pair")["StackId"]
    cloudformation.delete_stack(StackName="pair")
    eventually(lambda: describe_stack(world, identifier)["StackStatus"] == "DELETE_COMPLETE")
    assert world.groups() == [] and world.client("autoscaling").describe_policies()["ScalingPolicies"] == []


def test_a_deployment_can_take_its_time(serve):
    world = serve("--resource-seconds", "0.03")
    upload_handler(world)
    stack = start_stack(world)
    assert stack["StackStatus"] == "CREATE_IN_PROGRESS"
    assert settled_stack(world)["StackStatus"] == "CREATE_COMPLETE"
    world.client("cloudformation").delete_stack(StackName="pair")
    assert describe_stack(world, stack["StackId"])["StackStatus"] == "DELETE_IN_PROGRESS"
    assert settled_stack(world, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


# The function


def test_the_function_sees_its_own_environment_only(serve, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_HOST", "1")
    world = serve("--no-ticks", "--function-endpoint", "http://127.0.0.1:9")
    out = deploy(world)
    answer = world.client("lambda").invoke(FunctionName=out["Function"], Payload=b"{}")
    env = json.load(answer["Payload"])["env"]
    assert env["SPOT_GROUP"] == out["SpotGroup"] and env["AWS_REGION"] == REGION
    assert env["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert env["AWS_LAMBDA_LOG_GROUP_NAME"] == out["Logs"]
    strangers = {
        "SECRET_OF_THE_HOST",
        "HOME",
        "TMPDIR",
        "PYTHONPATH",
        "GATEWAY_PORT",
        "AUTH",
        "LOG_LEVEL",
        "MINISTACK_HOST",
    }
    assert not strangers & env.keys()


def test_roles_are_held_to_their_policies(serve):
    world = serve("--auth", "--no-ticks")
    out, autoscaling = deploy(world), world.client("autoscaling")
    foreign = {"AutoScalingGroupName": make_group(world, "foreign"), "PolicyName": "up"}
    arn = autoscaling.put_scaling_policy(**foreign, AdjustmentType="ChangeInCapacity", ScalingAdjustment=1)["PolicyARN"]
    spot, step = {"AutoScalingGroupName": out["SpotGroup"]}, {"MetricValue": 1, "BreachThreshold": 0}
    allowed = [
        ("autoscaling", "execute_policy", {"PolicyName": out["SpotScaleUp"], **step}),
        ("autoscaling", "execute_policy", {**spot, "PolicyName": out["SpotScaleUpName"], **step}),
        ("autoscaling", "set_desired_capacity", {**spot, "DesiredCapacity": 1}),
        ("autoscaling", "describe_auto_scaling_groups", {}),
        ("ec2", "describe_spot_price_history", {}),
        ("sqs", "get_queue_attributes", {"QueueUrl": out["Queue"], "AttributeNames": ["All"]}),
        ("logs", "create_log_stream", {"logGroupName": out["Logs"], "logStreamName": "mine"}),
    ]
    denied = [
        ("autoscaling", "execute_policy", {"PolicyName": arn}),
        ("autoscaling", "execute_policy", foreign),
        ("autoscaling", "set_desired_capacity", {"AutoScalingGroupName": out["OnDemandGroup"], "DesiredCapacity": 1}),
        ("autoscaling", "describe_policies", {}),
        ("sqs", "send_message", {"QueueUrl": out["Queue"], "MessageBody": "job"}),
        ("logs", "create_log_stream", {"logGroupName": "other", "logStreamName": "mine"}),
    ]
    payload = json.dumps({"calls": allowed + denied}).encode()
    answer = world.client("lambda").invoke(FunctionName=out["Function"], Payload=payload)
    results = json.load(answer["Payload"])["calls"]
    assert results[: len(allowed)] == ["ok"] * len(allowed)
    assert all("not authorized" in result for result in results[len(allowed) :]), results
    nobody = World(world.endpoint, REGION, "AKIANOBODY", "x")
    assert "security token included in the request is invalid" in refused(nobody.client("sts").get_caller_identity)


def test_group_tags_are_condition_keys(serve):
    world = serve("--auth")
    iam = world.client("iam")
    for name in ("mine", "other"):
        make_group(world, name, Tags=[{"Key": "stack", "Value": name, "PropagateAtLaunch": True}])
        desire(world, name, 1)
    condition = {"StringEquals": {"autoscaling:ResourceTag/stack": "mine"}}
    ends = "autoscaling:TerminateInstanceInAutoScalingGroup"
    statement = {"Effect": "Allow", "Action": ends, "Resource": "*", "Condition": condition}
    iam.create_user(UserName="worker")
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="worker", PolicyName="end", PolicyDocument=document)
    key = iam.create_access_key(UserName="worker")["AccessKey"]
    worker = World(world.endpoint, REGION, key["AccessKeyId"], key["SecretAccessKey"]).client("autoscaling")

    def end_one_of(group: str) -> None:
        (instance,) = world.group(group)["Instances"]
        end = worker.terminate_instance_in_auto_scaling_group
        end(InstanceId=instance["InstanceId"], ShouldDecrementDesiredCapacity=True)

    end_one_of("mine")
    assert "not authorized" in refused(end_one_of, "other")


# The server


def test_servers_stop_with_their_functions_and_leave_nothing(serve):
    first, second = serve("--no-ticks"), serve("--no-ticks")
    out = deploy(first)
    first.client("lambda").invoke(FunctionName=out["Function"], Payload=b"{}")
    assert second.client("s3").list_buckets()["Buckets"] == []
    one, other = serve.processes
    children = children_of(one.pid)
    assert len(children) == 2  # the server and the bootstrap
    one.send_signal(signal.SIGKILL)  # even so
    eventually(lambda: not any(is_alive(pid) for pid in children))
    other.terminate()
    assert other.wait(10) == 0


def children_of(pid: int) -> list[int]:
    """All of its descendants."""
    direct = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return direct + [each for child in direct for each in children_of(child)]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
