"""What goes wrong at the command line: said plainly, with what to do next, and nothing left half-made."""

from __future__ import annotations

import io
import signal
import subprocess
import time
import zipfile

import pytest

from project import BINARY, SUBNETS, Listener, Project, Ran, eventually


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
        "The subnet ID 'subnet-0123456789abcdef0' does not exist",
        "ROLLBACK_COMPLETE",
        "deploy again",
        "in the spec: spotstack.yaml:7:5, network.subnets",
        "describe-subnets",
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
    project.run("deploy", "--yes").failed(
        "Launch Configuration creation operation is not available in your account",
        "pairs.gpu.launch.kind",
        "write `kind: template`",
    )
    assert project.leftovers() == []


def test_a_stack_that_takes_longer_than_the_timeout_goes_on(serve, tmp_path):
    """`--timeout`: exit 1 and how to come back. The same deploy again finds what it has begun; another one is refused, or waits."""
    project = Project(tmp_path / "project", serve("--no-ticks", "--resource-seconds", "0.35"))
    ran = project.run("deploy", "--yes", "--timeout", "1s")
    ran.failed("has not finished in 1.0s", "CREATE_IN_PROGRESS now", "spotstack status --watch")
    first = project.stack["StackId"]
    project.write(workers={"max": 3})
    project.run("deploy", "--yes").failed(
        "CloudFormation is at work on `media-workers`", "CREATE_IN_PROGRESS", "another run of spotstack", "--wait-for-lock"
    )
    project.run("destroy", "--yes").failed("CloudFormation is at work on `media-workers`")
    project.write(workers={"max": 2})
    assert "an earlier run has begun this very deploy" in project.deploy().said
    assert (project.stack["StackStatus"], project.stack["StackId"]) == ("CREATE_COMPLETE", first)


def test_a_busy_stack_is_waited_for_where_that_is_asked_for(serve, tmp_path):
    """`--wait-for-lock`: the other operation is followed to its end, then it goes on."""
    project = Project(tmp_path / "project", serve("--no-ticks", "--resource-seconds", "0.15"))
    ran = project.run("deploy", "--yes", "--detach").ok()
    assert "status --watch" in ran.said and project.stack["StackStatus"] == "CREATE_IN_PROGRESS"
    project.write(workers={"max": 3})
    ran = project.deploy("--wait-for-lock", "1m")
    assert "for another run of spotstack (CREATE_IN_PROGRESS); waiting, " in ran.said
    assert project.stack["StackStatus"] == "UPDATE_COMPLETE"


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM"])
def test_a_pipeline_that_is_stopped_leaves_the_stack_to_cloudformation(serve, tmp_path, signal_name):
    """Ctrl-C and SIGTERM without a terminal: exit 1, the stack's state, and how to come back; coming back, it is whole."""
    project = Project(tmp_path / "project", serve("--no-ticks", "--resource-seconds", "0.2"))
    running = subprocess.Popen(
        [str(BINARY), "deploy", "--yes", "--endpoint-url", project.world.endpoint],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: (project.stack or {}).get("StackStatus") == "CREATE_IN_PROGRESS")
    time.sleep(0.5)
    running.send_signal(signal.Signals[signal_name])
    out, err = running.communicate(timeout=30)
    Ran(running.returncode, out, err).failed("goes on without us (CREATE_IN_PROGRESS now)", "the same command again")
    assert "an earlier run" in project.deploy().said
    assert project.stack["StackStatus"] == "CREATE_COMPLETE"


def test_on_a_terminal_ctrl_c_can_call_it_off(serve, tmp_path):
    """Ctrl-C, then «c»: the stack is deleted, and the command says so with exit 1."""
    project = Project(tmp_path / "project", serve("--no-ticks", "--resource-seconds", "0.2"))
    ran = project.press_ctrl_c("c", "deploy", "--yes")
    ran.failed("[d]etach", "[c]ancel", "called off: `media-workers` is in DELETE_COMPLETE")
    # Resources may be left: the local AWS goes on making those that it is at.
    assert project.stack is None


def test_a_stack_of_somebody_else_is_left_alone(project, world):
    """A stack of this name that spotstack did not make is neither updated nor destroyed."""
    template = "Resources: {Topic: {Type: 'AWS::SNS::Topic'}}"
    world.client("cloudformation").create_stack(StackName=project.spec["stack"], TemplateBody=template)
    world.client("cloudformation").get_waiter("stack_create_complete").wait(
        StackName=project.spec["stack"], WaiterConfig={"Delay": 1}
    )
    for command in ("deploy", "destroy", "recover"):
        project.run(command, "--yes").failed("that spotstack did not make", "left alone")
    assert project.stack["StackStatus"] == "CREATE_COMPLETE"
    ran = project.deploy("--adopt")
    assert "Topic" in ran.said and "1 to remove" in ran.said
    assert project.stack["StackStatus"] == "UPDATE_COMPLETE"


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
