"""What goes wrong at the command line: said plainly, with what to do next, and nothing left half-made."""

from __future__ import annotations

import io
import zipfile

import pytest

from project import SUBNETS, Listener, Project, eventually


# Before any call


@pytest.fixture
def listener():
    """An endpoint that only notices whether it was called."""
    with Listener() as listener:
        yield listener


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_without_a_terminal_it_wants_yes_before_any_call(project, listener, command):
    """Nobody can answer a question in a pipeline: it says `--yes`, and AWS has not heard of it."""
    project.run(command, endpoint=listener.url).failed("there is no terminal to ask on", "--yes")
    assert listener.calls() == 0


@pytest.mark.parametrize(
    "spec, words",
    [
        ("", ["spotstack.yaml", "empty"]),
        ("# nothing but a comment\n", ["spotstack.yaml"]),
        ("stack: [", ["spotstack.yaml"]),
        ("just a text\n", ["spotstack.yaml"]),
        ("stack: media\nnetwrok: {}\n", ["unknown key", "netwrok", "did you mean `network`?"]),
        ("stack: 7\n", ["spotstack.yaml", "stack"]),
    ],
    ids=["empty", "comment", "broken", "text", "unknown key", "wrong type"],
)
def test_a_wrong_spec_is_shown_and_nothing_is_called(project, listener, spec, words):
    """Whatever is wrong with the file is said with its name before any call."""
    (project.folder / "spotstack.yaml").write_text(spec)
    project.run("deploy", "--yes", endpoint=listener.url).failed(*words)
    assert listener.calls() == 0


def test_a_missing_spec_says_how_to_get_one(project, listener):
    """No spotstack.yaml: `spotstack init` writes one."""
    (project.folder / "spotstack.yaml").unlink()
    project.run("deploy", "--yes", endpoint=listener.url).failed("spotstack.yaml", "spotstack init")
    assert listener.calls() == 0


def test_a_missing_worker_script_is_shown_where_the_spec_names_it(project, listener):
    """The path is relative to the spec, and the caret stands under it."""
    project.write(launch={"user_data": "no-such.sh"})
    project.run("deploy", "--yes", endpoint=listener.url).failed("no-such.sh", "spotstack.yaml")
    assert listener.calls() == 0


def test_no_credentials(project):
    """Nothing says who we are: which ways there are to say it."""
    environment = {name: project.environment[name] for name in ("PATH", "HOME", "AWS_EC2_METADATA_DISABLED")}
    ran = project.run("deploy", "--yes", environment=environment).failed("AWS_ACCESS_KEY_ID")
    assert "aws sso login" in ran.said and "panicked" not in ran.err
    assert project.stack is None


def test_an_empty_environment(project):
    """Even without PATH and HOME it fails with words and not with a panic."""
    ran = project.run("deploy", "--yes", environment={"AWS_EC2_METADATA_DISABLED": "true"}).failed("AWS_ACCESS_KEY_ID")
    assert "panicked" not in ran.err


def test_no_region(project):
    """Nothing says where: the ways there are to say it."""
    del project.spec["region"]
    project.write()
    project.run("deploy", "--yes").failed("--region", "AWS_REGION")


# On the way to AWS


def test_an_endpoint_that_nobody_answers_at(project):
    """The endpoint is named, and what may be wrong with it."""
    project.run("deploy", "--yes", endpoint="http://127.0.0.1:9").failed("--endpoint-url")


def test_a_bucket_of_somebody_else_is_not_used(project, world):
    """Our bucket's name is taken by another account: nothing is uploaded, nothing made, and the way out is named."""
    other = type(world)(world.endpoint, world.region, access_key="999999999999")
    bucket = f"spotstack-artifacts-000000000000-{world.region}"
    location = {"LocationConstraint": world.region}
    other.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
    ran = project.run("deploy", "--yes").failed(bucket, "--artifact-bucket")
    assert "nothing was uploaded" in ran.said
    assert project.stack is None and project.leftovers() == []
    assert "Contents" not in other.client("s3").list_objects_v2(Bucket=bucket)


def test_a_bucket_that_was_asked_for_is_used_and_never_made(project, world):
    """`--artifact-bucket` names one that exists; one that does not is an error."""
    project.run("deploy", "--yes", "--artifact-bucket", "ours").failed("there is no bucket `ours`")
    assert project.stack is None
    world.client("s3").create_bucket(Bucket="ours", CreateBucketConfiguration={"LocationConstraint": world.region})
    project.deploy("--artifact-bucket", "ours")
    assert [bucket["Name"] for bucket in world.client("s3").list_buckets()["Buckets"]] == ["ours"]


# In the stack


def test_a_missing_subnet_rolls_back_and_the_next_deploy_repairs(project):
    """The root cause, exit 1, nothing left but the empty stack; with the right subnet the next deploy makes it anew."""
    project.spec["network"]["subnets"] = ["subnet-0123456789abcdef0"]
    project.write()
    ran = project.run("deploy", "--yes").failed(
        "The subnet ID 'subnet-0123456789abcdef0' does not exist", "ROLLBACK_COMPLETE", "deploy again"
    )
    assert "SpotGroup" in ran.said or "OnDemandGroup" in ran.said
    assert project.stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert project.leftovers() == []

    project.spec["network"]["subnets"] = SUBNETS
    project.write()
    project.run("deploy").failed("--yes")  # deleting the empty stack is a question, too
    assert project.stack["StackStatus"] == "ROLLBACK_COMPLETE"
    project.deploy()
    assert project.stack["StackStatus"] == "CREATE_COMPLETE"
    project.pair().becomes(spot=0, on_demand=0)


def test_a_failed_update_leaves_all_as_it_was(project, gpu):
    """A missing subnet in an update: rolled back, the cause shown, and the pair goes on as before."""
    project.spec["network"]["subnets"] = [SUBNETS[0], "subnet-0123456789abcdef0"]
    project.write(spot={"max_price": 0.7})
    project.run("deploy", "--yes").failed(
        "does not exist", "UPDATE_ROLLBACK_COMPLETE", "everything is as it was before"
    )
    assert project.pair().environment["MAX_PRICE"] == "0.55"
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    project.run("destroy", "--yes").ok()
    assert project.leftovers() == []


def test_accounts_without_launch_configurations_are_told_what_to_write(serve, tmp_path):
    """AWS refuses them in newer accounts: its words, and nothing left."""
    project = Project(tmp_path / "project", serve("--no-ticks", "--no-launch-configurations"))
    project.write(launch={"kind": "configuration"})
    project.run("deploy", "--yes").failed("Launch Configuration creation operation is not available in your account")
    assert project.leftovers() == []


def test_a_stack_that_takes_longer_than_the_timeout_goes_on(serve, tmp_path):
    """`--timeout`: exit 1 and how to come back; another deploy is refused meanwhile, and the stack is there in the end."""
    project = Project(tmp_path / "project", serve("--no-ticks", "--resource-seconds", "0.15"))
    project.run("deploy", "--yes", "--timeout", "1s").failed("has not finished in 1.0s", "spotstack status --watch")
    project.run("deploy", "--yes").failed("CloudFormation is at work on `media-workers`", "CREATE_IN_PROGRESS")
    eventually(lambda: project.stack["StackStatus"] == "CREATE_COMPLETE")
    project.deploy()


def test_a_stack_of_somebody_else_is_left_alone(project, world):
    """A stack of this name that spotstack did not make is neither updated nor destroyed."""
    template = "Resources: {Topic: {Type: 'AWS::SNS::Topic'}}"
    world.client("cloudformation").create_stack(StackName=project.spec["stack"], TemplateBody=template)
    world.client("cloudformation").get_waiter("stack_create_complete").wait(
        StackName=project.spec["stack"], WaiterConfig={"Delay": 1}
    )
    for command in ("deploy", "destroy"):
        project.run(command, "--yes").failed("that spotstack did not make", "left alone")
    assert project.stack["StackStatus"] == "CREATE_COMPLETE"


def test_a_function_changed_by_hand_is_found_out(project, gpu, world):
    """Other code behind CloudFormation's back: deploy says so although CloudFormation sees no change."""
    world.client("lambda").update_function_code(
        FunctionName=gpu.ids["SpotManager"], ZipFile=_zip({"bootstrap": b"#!/bin/sh\nexit 1\n"})
    )
    project.run("deploy", "--yes").failed("runs other code than the stack says", "update-function-code")


def test_destroying_what_is_not_there_is_done_already(project):
    """No stack: exit 0, and it says so."""
    assert project.spec["stack"] in project.run("destroy", "--yes").ok().said


def _zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()
