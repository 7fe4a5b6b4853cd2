"""What a stack gets into, and the way out: plans that are held to, recovery, protection, busy workers."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

from project import Project, eventually


def test_a_plan_is_done_as_it_was_seen_or_not_at_all(project, world):
    """`diff --out`, then `deploy --plan`: the very change set; for another spec it is refused; a second time it is used up."""
    ran = project.run("diff", "-o", "plan.json")
    assert ran.code == 2 and "deploy --plan plan.json" in ran.said
    plan = json.loads((project.folder / "plan.json").read_text())
    assert (plan["stack"], plan["account"], plan["region"]) == ("media-workers", "000000000000", world.region)
    assert project.stack["StackStatus"] == "REVIEW_IN_PROGRESS" and world.groups() == []

    project.write(spot={"max_price": 0.7})
    project.run("deploy", "--yes", "--plan", "plan.json").failed("this is not what was planned", "the spec is", "the template is")
    project.write(spot={"max_price": 0.55})
    project.deploy("--plan", "plan.json")
    assert project.stack["StackStatus"] == "CREATE_COMPLETE"
    project.run("deploy", "--yes", "--plan", "plan.json").failed("cannot be carried out", "nothing was changed")

    # A plan is stale once the stack was changed otherwise.
    project.write(workers={"max": 3})
    assert project.run("diff", "--out", "plan.json").code == 2
    project.write(workers={"max": 4})
    assert "another change set waits on this stack" in project.deploy().said
    project.write(workers={"max": 3})
    project.run("deploy", "--yes", "--plan", "plan.json").failed("cannot be carried out")
    project.write(workers={"max": 4})
    project.run("diff", "--out", "plan.json").ok()
    assert "nothing to do" in project.deploy("--plan", "plan.json").said


def test_tags_and_topics_of_the_command_line_reach_the_stack(project, world):
    """`--tag` beside the spec's tags, `--notification-arn`; without the topic the stack keeps it."""
    topic = world.client("sns").create_topic(Name="events")["TopicArn"]
    project.deploy("--tag", "owner=render=farm", "--notification-arn", topic)
    tags = {each["Key"]: each["Value"] for each in project.stack["Tags"]}
    assert tags == {"team": "media", "owner": "render=farm"}
    project.run("deploy", "--yes", "--tag", "aws:x=y").failed("AWS's own")


def test_termination_protection_is_respected(project, world):
    """`destroy` says who may switch it off and how, and deletes nothing."""
    project.deploy()
    client = world.client("cloudformation")
    client.update_termination_protection(StackName="media-workers", EnableTerminationProtection=True)
    project.run("destroy", "--yes").failed("termination protection", "--no-enable-termination-protection")
    assert project.stack["StackStatus"] == "CREATE_COMPLETE"
    client.update_termination_protection(StackName="media-workers", EnableTerminationProtection=False)
    project.run("destroy", "--yes").ok()
    assert project.leftovers() == []


def test_busy_workers_are_named_before_they_go(project, world):
    """Protected instances: said with their number, let go, and nothing is left."""
    project.write(workers={"protect": True})
    project.deploy()
    gpu = project.pair()
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    ran = project.run("destroy", "--yes").ok()
    assert "runs 1 instance, 1 of them protected" in ran.said
    assert project.leftovers() == []


def test_a_running_fallback_is_named_before_an_update_and_left_alone(project, world, serve):
    """On-Demand stands in for Spot: the review says so, the update goes through, and it goes on working."""
    project.deploy()
    gpu = project.pair()
    world.capacity("spot", 0)
    gpu.work_arrives()
    gpu.becomes(spot=0, on_demand=1)
    workers = [each["InstanceId"] for each in gpu.groups()[1]["Instances"]]
    project.write(workers={"max": 3})
    assert "gpu: a fallback is running: 1 instance On-Demand" in project.deploy().said
    assert [each["InstanceId"] for each in gpu.groups()[1]["Instances"]] == workers
    ran = project.deploy("--refresh")
    assert "replacing its instances, 100 %" in ran.said


def test_a_stack_that_is_stuck_is_recovered(project, world):
    """UPDATE_ROLLBACK_FAILED: deploy names the command, `recover` what is stuck and why, and once that is mended it goes through."""
    project.deploy()
    assert "is not stuck" in project.run("recover", "--yes").ok().said
    put_back = stick(world, project)
    project.run("deploy", "--yes").failed("is stuck in UPDATE_ROLLBACK_FAILED", "spotstack recover")
    project.run("recover", "--yes", "--skip", "GpuTopic").failed("`GpuTopic` cannot be skipped", "GpuSpotManager")
    project.run("recover").failed("--yes")
    ran = project.run("recover", "--yes").failed("was not recovered: UPDATE_ROLLBACK_FAILED")
    assert "tried again: GpuSpotManager" in ran.said and "NoSuchKey" in ran.said and "somebody deleted it" in ran.said
    put_back()
    assert "as it was before the update" in project.run("recover", "--yes").ok().said
    assert project.stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    project.deploy()


def test_what_cannot_be_brought_back_can_be_skipped(project, world):
    """`recover --skip`: the stack goes on, and the next deploy finds out what was left as it was."""
    project.deploy()
    stick(world, project)
    ran = project.answer("y", "recover", "--skip", "GpuSpotManager").ok()
    assert "skipped: GpuSpotManager" in ran.said and "Go back, and skip 1 resource?" in ran.said
    assert project.stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    project.run("deploy", "--yes").failed("runs other code than the stack says")


def stick(world, project: Project) -> Callable[[], object]:
    """An update by hand that fails when the old handler is not there any more: its way back fails as well. How to mend that."""
    client, s3 = world.client("cloudformation"), world.client("s3")
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in project.stack["Parameters"]}
    bucket, key = parameters["ArtifactBucket"], parameters["HandlerKey"]
    handler = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    other = io.BytesIO(handler)
    with zipfile.ZipFile(other, "a") as archive:
        archive.writestr("remark.txt", "another one")
    s3.put_object(Bucket=bucket, Key="spotstack/handler/x86_64/other.zip", Body=other.getvalue())
    s3.delete_object(Bucket=bucket, Key=key)
    late = """Resources:
  Late:
    Type: AWS::Lambda::Function
    DependsOn: GpuSpotManager
    Properties:
      Code: {S3Bucket: !Ref ArtifactBucket, S3Key: missing.zip}
      Handler: bootstrap
      Runtime: provided.al2023
      Role: !GetAtt GpuSpotManagerRole.Arn
"""
    template = client.get_template(StackName="media-workers", TemplateStage="Original")["TemplateBody"]
    client.update_stack(
        StackName="media-workers",
        TemplateBody=template.replace("\nResources:\n", f"\n{late}", 1),
        Parameters=[
            {"ParameterKey": "ArtifactBucket", "ParameterValue": bucket},
            {"ParameterKey": "HandlerKey", "ParameterValue": "spotstack/handler/x86_64/other.zip"},
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    eventually(lambda: project.stack["StackStatus"], lambda status: status == "UPDATE_ROLLBACK_FAILED")
    return lambda: s3.put_object(Bucket=bucket, Key=key, Body=handler)
