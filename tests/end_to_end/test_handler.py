"""The handler that the command line carries, as it arrives in AWS."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile

import pytest

#: What AWS Lambda's provided.al2023 has.
LAMBDA_GLIBC = (2, 34)


@pytest.fixture
def deployed(project, world):
    """The uploaded zip, its key, and what Lambda says of the function's code."""
    project.deploy()
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in project.stack["Parameters"]}
    body = world.client("s3").get_object(Bucket=parameters["ArtifactBucket"], Key=parameters["HandlerKey"])["Body"]
    function = world.client("lambda").get_function_configuration(FunctionName=project.pair().ids["SpotManager"])
    return body.read(), parameters["HandlerKey"], function


def test_the_carried_handler_is_what_lambda_runs(deployed):
    """One executable entry, `bootstrap`; key and CodeSha256 are the zip's hash; Lambda's glibc is new enough."""
    packed, key, function = deployed
    digest = hashlib.sha256(packed)
    assert key == f"spotstack/handler/x86_64/{digest.hexdigest()}.zip"
    assert function["CodeSha256"] == base64.b64encode(digest.digest()).decode()
    assert (function["Runtime"], function["Handler"], function["Architectures"]) == (
        "provided.al2023",
        "bootstrap",
        ["x86_64"],
    )
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        (entry,) = archive.infolist()
        program = archive.read(entry)
    assert (entry.filename, oct(entry.external_attr >> 16)) == ("bootstrap", "0o100755")
    assert entry.date_time == (1980, 1, 1, 0, 0, 0)
    assert program.startswith(b"\x7fELF\x02\x01") and program[18:20] == b"\x3e\x00", "64-bit, for x86-64"
    needed = {tuple(int(part) for part in found.split(b".")) for found in re.findall(rb"\0GLIBC_(2\.\d+)", program)}
    assert needed and max(needed) <= LAMBDA_GLIBC
    assert len(packed) < 5_000_000, "the zip is read at every cold start"


def test_the_handler_has_nothing_of_the_machine_that_built_it(deployed):
    """No path of whoever built it is in the program."""
    packed, _, _ = deployed
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        program = archive.read("bootstrap")
    assert b"/home/" not in program and b"/root/" not in program


def test_two_handlers_of_one_build_are_one_object(project, world):
    """A second stack uploads nothing: the key is the content."""
    project.deploy()
    project.spec["stack"] = "second"
    project.write(queue={"name": "other-jobs"})
    project.deploy()
    bucket = world.client("s3").list_buckets()["Buckets"][0]["Name"]
    assert len(world.client("s3").list_objects_v2(Bucket=bucket, Prefix="spotstack/handler/")["Contents"]) == 1
