"""Pairs of every kind: launch configurations, a queue that exists, two in one stack."""

from __future__ import annotations

import copy

from project import CHEAP, DEAR, SPEC, prices


def test_launch_configurations_work_and_update(project, world):
    """`kind: configuration`: twins that differ in SpotPrice alone, scaled like any other, replaced by an update."""
    project.write(launch={"kind": "configuration"})
    project.deploy()
    gpu = project.pair()
    autoscaling = world.client("autoscaling")

    def twins() -> list[dict]:
        names = [group["LaunchConfigurationName"] for group in gpu.groups()]
        found = autoscaling.describe_launch_configurations(LaunchConfigurationNames=names)["LaunchConfigurations"]
        return sorted(found, key=lambda each: names.index(each["LaunchConfigurationName"]))

    spot, on_demand = twins()
    names = {"LaunchConfigurationName", "LaunchConfigurationARN", "CreatedTime"}
    assert {key for key in spot.keys() | on_demand.keys() if spot.get(key) != on_demand.get(key)} - names == {
        "SpotPrice"
    }
    assert (spot["SpotPrice"], on_demand.get("SpotPrice")) == ("0.55", None)

    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    project.write(spot={"max_price": 0.4})
    project.deploy()
    assert [each.get("SpotPrice") for each in twins()] == ["0.4", None]
    assert twins()[1]["LaunchConfigurationName"] == on_demand["LaunchConfigurationName"]
    assert spot["LaunchConfigurationName"] not in str(autoscaling.describe_launch_configurations())
    gpu.becomes(spot=1, on_demand=0)


def test_launch_templates_are_twins_but_for_the_market(gpu, world):
    """What AWS stores of both launch templates differs in InstanceMarketOptions alone."""
    stored = []
    for group in gpu.groups():
        template = group["LaunchTemplate"]
        asked = {"LaunchTemplateId": template["LaunchTemplateId"], "Versions": [template["Version"]]}
        (version,) = world.client("ec2").describe_launch_template_versions(**asked)["LaunchTemplateVersions"]
        stored.append(version["LaunchTemplateData"])
    spot, on_demand = stored
    assert spot.pop("InstanceMarketOptions") == {
        "MarketType": "spot",
        "SpotOptions": {"MaxPrice": "0.55", "SpotInstanceType": "one-time"},
    }
    assert spot == on_demand


def test_a_queue_that_exists_is_used_and_stays(project, world):
    """`queue: arn:` makes no queue, serves that one, and leaves it when the stack goes."""
    world.client("sqs").create_queue(QueueName="encode-jobs")
    project.spec["pairs"]["gpu"]["queue"] = {"arn": "arn:aws:sqs:eu-west-1:000000000000:encode-jobs"}
    project.write()
    project.deploy()
    gpu = project.pair()
    assert "Queue" not in gpu.ids and "DeadLetterQueue" not in gpu.ids
    assert gpu.queue == "encode-jobs"
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    gpu.work_ends()
    gpu.becomes(spot=0, on_demand=0)
    project.run("destroy", "--yes").ok()
    assert world.queue_url("encode-jobs")


def test_two_pairs_in_one_stack_know_nothing_of_each_other(project, world):
    """Each has its queue, its policy and its groups: what one does, the other does not."""
    cpu = copy.deepcopy(SPEC["pairs"]["gpu"]) | {"queue": {"name": "encode-jobs"}, "spot": {"max_price": 0.90}}
    project.spec["pairs"]["cpu"] = cpu
    project.write()
    project.deploy()
    gpu, cpu = project.pair("gpu"), project.pair("cpu")
    prices(world, DEAR)  # for the one, not for the other
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=1)
    cpu.becomes(spot=0, on_demand=0)
    assert cpu.records() == []
    cpu.work_arrives(2)
    cpu.becomes(spot=2, on_demand=0)
    gpu.becomes(spot=0, on_demand=1)
    prices(world, CHEAP)
    gpu.work_ends()
    gpu.becomes(spot=0, on_demand=0)
    cpu.becomes(spot=2, on_demand=0)
    # One that cannot say anything does not silence the other.
    name = gpu.ids["SpotGroup"]
    world.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    said = project.run("explain").failed("the SpotManager of `gpu` fails").out
    assert said.startswith("cpu: ") and "gpu: " not in said, said


def test_a_fifo_queue_works(deploy):
    """A queue whose name ends with `.fifo` is made as one, with its dead-letter queue, and serves."""
    gpu = deploy(queue={"name": "render-jobs.fifo"})
    sqs = gpu.world.client("sqs")
    sqs.send_message(
        QueueUrl=gpu.world.queue_url(gpu.queue), MessageBody="job", MessageGroupId="a", MessageDeduplicationId="1"
    )
    gpu.look()
    gpu.becomes(spot=1, on_demand=0)
