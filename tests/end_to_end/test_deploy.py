"""The stack's life: deployed, deployed again, changed, destroyed."""

from __future__ import annotations

import json

from project import CHEAP, INSTANCE_TYPE, REGION, SUBNETS, Project, prices

BUCKET = f"spotstack-artifacts-000000000000-{REGION}"


def test_the_whole_loop_leaves_nothing_but_the_artifacts(project, world):
    """Deploy, a job, Spot from 0 to 1, idle, 0, destroy: nothing of the stack is left, and the bucket stays."""
    assert project.leftovers() == []
    project.deploy()
    gpu = project.pair()
    gpu.becomes(spot=0, on_demand=0)
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    gpu.work_ends()
    gpu.becomes(spot=0, on_demand=0)
    project.run("destroy", "--yes").ok()
    assert project.stack is None
    assert project.leftovers() == []
    assert [bucket["Name"] for bucket in world.client("s3").list_buckets()["Buckets"]] == [BUCKET]


def test_a_deploy_says_what_it_makes_and_where_it_is(project):
    """Standard error tells the story in the user's words; the stack's outputs name groups, queue and function."""
    said = project.deploy().said
    for word in ("media-workers", REGION, "Spot", "On-Demand"):
        assert word in said
    outputs = {each["OutputKey"]: each["OutputValue"] for each in project.stack["Outputs"]}
    gpu = project.pair()
    assert outputs == {
        "GpuSpotGroupName": gpu.ids["SpotGroup"],
        "GpuOnDemandGroupName": gpu.ids["OnDemandGroup"],
        "GpuQueueUrl": gpu.environment["QUEUE_URL"],
        "GpuSpotManagerName": gpu.ids["SpotManager"],
    }
    assert {"Key": "team", "Value": "media"} in project.stack["Tags"]


def test_deploying_again_without_a_change_does_nothing(project, world):
    """The second time there is nothing to do: exit 0, no event, no change set left behind."""
    project.deploy()
    events = _events(world, project)
    assert "nothing to" in project.deploy().said.lower()
    assert _events(world, project) == events
    assert _change_sets(world, project) == []


def test_a_new_max_price_changes_the_launch_and_not_the_fleet(project, world):
    """The Spot group uses the new version with the new price; instances and both desired capacities stay."""
    project.deploy()
    gpu = project.pair()
    gpu.work_arrives(2)
    gpu.becomes(spot=2, on_demand=0)
    before, workers = gpu.groups(), _instances(gpu.groups())
    project.write(spot={"max_price": 0.7})
    project.deploy()
    after = gpu.groups()
    assert (_price(world, before[0]), _price(world, after[0])) == ("0.55", "0.7")
    assert _version(after[0]) > _version(before[0])
    assert after[1]["LaunchTemplate"] == before[1]["LaunchTemplate"]
    assert (gpu.desired(), _instances(after)) == ((2, 0), workers)
    assert project.pair().environment["MAX_PRICE"] == "0.7"
    gpu.becomes(spot=2, on_demand=0)


def test_another_maximum_reaches_groups_policies_and_function(project):
    """`workers: max` from 2 to 3, while two work: the third job then brings a third worker."""
    project.deploy()
    gpu = project.pair()
    gpu.work_arrives(3)
    gpu.becomes(spot=2, on_demand=0)
    project.write(workers={"max": 3})
    project.deploy()
    gpu.look()
    gpu.becomes(spot=3, on_demand=0)


def test_a_deployment_can_be_slow(serve, tmp_path):
    """With a CloudFormation that takes its time, deploy waits for the end and destroy too."""
    world = serve("--no-ticks", "--resource-seconds", "0.05")
    project = Project(tmp_path / "project", world)
    project.deploy()
    assert project.stack["StackStatus"] == "CREATE_COMPLETE"
    project.run("destroy", "--yes").ok()
    assert project.leftovers() == []


def test_without_execution_the_change_set_waits(project, world):
    """`--no-execute` makes the change set for somebody to review, and nothing of the stack."""
    ran = project.run("deploy", "--no-execute").ok()
    (change_set,) = _change_sets(world, project)
    assert change_set["ExecutionStatus"] == "AVAILABLE"
    assert change_set["ChangeSetName"] in ran.out + ran.err
    assert project.stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert world.groups() == []
    project.deploy()
    assert project.stack["StackStatus"] == "CREATE_COMPLETE"


def test_on_a_terminal_it_shows_what_it_would_do_and_asks(project, world):
    """«n» changes nothing and leaves no change set; «y» deploys."""
    ran = project.answer("n", "deploy").failed("Do this? [y/N]", "28 to add", "not confirmed, so nothing was changed")
    assert "GpuSpotGroup" in ran.said
    assert project.leftovers() == []
    project.answer("y", "deploy").ok()
    assert project.stack["StackStatus"] == "CREATE_COMPLETE"
    assert _change_sets(world, project) == []


def test_on_a_terminal_destroying_wants_the_stack_s_name(project):
    """A mere «y» destroys nothing."""
    project.deploy()
    project.answer("y", "destroy").failed("not confirmed, so nothing was changed")
    assert project.stack["StackStatus"] == "CREATE_COMPLETE"
    project.answer("media-workers", "destroy").ok()
    assert project.leftovers() == []


def test_progress_as_json_is_all_that_is_on_standard_output(project):
    """For programs: each line is an object that says what moment it is, the outputs among them."""
    moments = [json.loads(line) for line in project.deploy("--progress", "json").out.splitlines()]
    names = [each["moment"] for each in moments]
    assert names[0] == "target" and {"stored", "reviewed", "step", "ended", "self_tested"} <= set(names)
    ended = moments[names.index("ended")]
    assert ended["status"] == "CREATE_COMPLETE" and "GpuSpotGroupName" in ended["outputs"]


def test_quiet_says_results_only(project):
    """`-q`: the outputs on standard output, and no talk."""
    ran = project.deploy("-q")
    assert ran.err == ""
    assert ran.out.count("\n") == 4 and "GpuSpotManagerName" in ran.out


def test_a_spec_elsewhere_is_deployed_from_anywhere(project, tmp_path):
    """`-f` names the spec; its worker script is found beside it."""
    (project.folder / "work.sh").write_text("#!/bin/bash\necho hello\n")
    project.write(launch={"user_data": "work.sh"})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    spec, project.folder = project.folder / "spotstack.yaml", elsewhere
    project.run("-f", str(spec), "deploy", "--yes").ok()
    assert project.stack["StackStatus"] == "CREATE_COMPLETE"


def test_what_init_writes_can_be_deployed(project, world):
    """`init`, then `deploy`: the spec to start from is a whole one, and its worker script fits."""
    project.spec["stack"] = "begun"
    project.folder = project.folder / "begun"
    words = f"""init --yes --dir {project.folder} --stack begun --pair gpu --queue begun-jobs
        --subnets {",".join(SUBNETS)} --security-groups sg-0a1b2c3d4e5f60001 --image ami-0123456789abcdef0
        --instance-type {INSTANCE_TYPE} --max-price 0.55 --max-workers 2 --region {REGION}"""
    project.folder.mkdir()
    project.run(*words.split()).ok()
    project.deploy()
    prices(world, CHEAP)
    gpu = project.pair()
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)


def _events(world, project) -> int:
    answer = world.client("cloudformation").describe_stack_events(StackName=project.spec["stack"])
    return len(answer["StackEvents"])


def _change_sets(world, project) -> list[dict]:
    found = world.client("cloudformation").list_change_sets(StackName=project.spec["stack"])["Summaries"]
    return [each for each in found if each["ExecutionStatus"] == "AVAILABLE" or each["Status"] == "FAILED"]


def _instances(groups) -> list[str]:
    return sorted(each["InstanceId"] for group in groups for each in group["Instances"])


def _version(group: dict) -> int:
    return int(group["LaunchTemplate"]["Version"])


def _price(world, group: dict) -> str:
    template = group["LaunchTemplate"]
    asked = {"LaunchTemplateId": template["LaunchTemplateId"], "Versions": [template["Version"]]}
    (version,) = world.client("ec2").describe_launch_template_versions(**asked)["LaunchTemplateVersions"]
    return version["LaunchTemplateData"]["InstanceMarketOptions"]["SpotOptions"]["MaxPrice"]
