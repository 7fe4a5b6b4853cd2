"""What a deploy would change, found out without changing anything, and without leaving anything behind."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import zipfile

from faults import Call, Proxy
from project import BINARY, Listener, Ran, eventually


def different(ran: Ran) -> Ran:
    assert ran.code == 2, f"exit {ran.code}\n{ran.out}\n{ran.err}"
    return ran


def change_sets(world, project) -> list[dict]:
    return world.client("cloudformation").list_change_sets(StackName=project.spec["stack"])["Summaries"]


def test_without_a_stack_everything_is_new_and_none_is_made(project):
    """Exit 2, every resource an addition, and no empty stack is left in review."""
    ran = different(project.run("diff"))
    assert "28 to add, 0 to change, 0 to replace, 0 to remove" in ran.out
    assert "there is no such stack" in ran.out
    assert project.stack is None
    assert project.leftovers() == []


def test_what_is_as_the_spec_says_has_no_differences(project, world):
    """Exit 0, nothing on standard output, no change set and no event left behind."""
    project.deploy()
    made = [each["ChangeSetId"] for each in change_sets(world, project)]
    for words in [(), ("--online=false",)]:
        ran = project.run("diff", *words).ok()
        assert (ran.out, "no differences" in ran.said) == ("", True)
    assert json.loads(project.run("diff", "--format", "json").ok().out)["different"] is False
    assert [each["ChangeSetId"] for each in change_sets(world, project)] == made


def test_a_price_is_told_with_its_consequence_and_not_done(project, world):
    """The launch definition and the function's environment, from → to; the stack stays as it is."""
    project.deploy()
    before, made = project.stack, change_sets(world, project)
    project.write(spot={"max_price": 0.7})
    for words in [(), ("--online=false",)]:
        out = different(project.run("diff", *words)).out
        assert "MaxPrice: 0.55 → 0.7" in out and "MAX_PRICE: 0.55 → 0.7" in out
        assert "instances keep running; new ones are launched the new way" in out
        assert "to replace, 0 to remove" in out
    assert project.stack == before
    assert change_sets(world, project) == made
    project.deploy()
    project.run("diff").ok()


def test_a_queue_s_new_name_is_a_replacement_in_every_format(project):
    """Text, JSON and Markdown agree; the comment can be found again by its first line."""
    project.deploy()
    project.write(queue={"name": "frames"})
    out = different(project.run("diff")).out
    assert "-/+ GpuQueue" in out and "QueueName: render-jobs → frames" in out
    told = json.loads(different(project.run("diff", "--format", "json")).out)
    marks = {item["logical_id"]: item["mark"] for section in told["sections"] for item in section["items"]}
    assert (told["format"], told["stack"], marks["GpuQueue"]) == (1, "media-workers", "replace")
    comment = different(project.run("diff", "--format", "markdown")).out
    assert comment.startswith("<!-- spotstack diff: media-workers -->\n")
    assert "| `-/+` | `GpuQueue` | gpu: the jobs | `QueueName`: `render-jobs` → `frames`" in comment


def test_another_handler_is_told_although_the_template_is_the_same(project, world):
    """The handler's key is a parameter with the hash of the bytes in it; nothing is uploaded to find that out."""
    project.deploy()
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in project.stack["Parameters"]}
    bucket, key = parameters["ArtifactBucket"], parameters["HandlerKey"]
    s3 = world.client("s3")
    other = io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    with zipfile.ZipFile(other, "a") as handler:
        handler.writestr("remark.txt", "another one")
    (project.folder / "other.zip").write_bytes(other.getvalue())
    out = different(project.run("diff", "--online=false", "--handler", "other.zip")).out
    assert "HandlerKey" in out and key in out.replace("\n", "")
    out = different(project.run("diff", "--handler", "other.zip")).out
    assert "the SpotManager runs another handler from then on" in out
    assert len(s3.list_objects_v2(Bucket=bucket)["Contents"]) == 1


def test_against_a_file_no_call_is_made(project):
    """Two files are compared without AWS, credentials or a Region."""
    project.run("render", "-o", "template.yaml").ok()
    with Listener() as listener:
        project.run("diff", "--against", "template.yaml", endpoint=listener.url, environment={}).ok()
        project.write(workers={"max": 3})
        ran = project.run("diff", "--against", "template.yaml", endpoint=listener.url, environment={})
        assert "MaxSize: 2 → 3" in different(ran).out
        assert listener.calls() == 0


def test_ctrl_c_while_cloudformation_prepares_leaves_no_change_set(project, world):
    """The change set that was asked for is deleted before the command ends, with 1."""
    project.deploy()
    made = change_sets(world, project)
    project.write(spot={"max_price": 0.7})
    with Pending(world.endpoint) as pending:
        command = [str(BINARY), "diff", "--endpoint-url", pending.url]
        running = subprocess.Popen(
            command, cwd=project.folder, env=project.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        eventually(lambda: "DescribeChangeSet" in pending.calls)
        assert len(change_sets(world, project)) == len(made) + 1
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    Ran(running.returncode, out, err).failed("interrupted; nothing was changed, and nothing is left behind")
    assert change_sets(world, project) == made


class Pending(Proxy):
    """In front of an endpoint: its change sets are never ready."""

    def meet(self, call: Call) -> None:
        answer = call.forward()
        if call.name == "DescribeChangeSet":
            content = answer.content.replace(b"<Status>CREATE_COMPLETE<", b"<Status>CREATE_IN_PROGRESS<")
            answer = answer._replace(content=content)
        call.answer(answer)
