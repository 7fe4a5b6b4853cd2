"""What SECURITY.md says of the bucket, and of what is never said, held against a whole life of a stack."""

from __future__ import annotations

import json

import pytest
from faults import Call, Proxy
from project import Project

OURS = "000000000000"


class Witness(Proxy):
    """Passes everything on, and notes which account each call to S3 says that the bucket must belong to."""

    def __init__(self, endpoint: str):
        super().__init__(endpoint)
        self.owners: list[tuple[str, str | None]] = []

    def meet(self, call: Call) -> None:
        if "/s3/" in call.headers.get("Authorization", ""):
            what = f"{call.method} {call.path.partition('?')[0]}"
            self.owners.append((what, call.headers.get("x-amz-expected-bucket-owner")))
        super().meet(call)


@pytest.fixture
def witness(world):
    with Witness(world.endpoint) as witness:
        yield witness


def test_every_call_to_a_bucket_says_whose_it_must_be(project, witness):
    """But for the one that makes it. Somebody else's bucket of that name gets nothing, and gives nothing."""
    project.run("deploy", "--yes", endpoint=witness.url).ok()
    project.write(spot={"max_price": 0.7})
    project.run("deploy", "--yes", endpoint=witness.url).ok()
    without = [what for what, owner in witness.owners if owner != OURS]
    assert len(witness.owners) >= 6 and len(without) == 1, witness.owners
    assert without[0].rstrip("/").count("/") == 1 and without[0].startswith("PUT /spotstack-artifacts-"), without


def test_the_bucket_is_private_encrypted_and_over_tls_only(project, world):
    """As S3 says itself."""
    project.deploy()
    s3 = world.client("s3")
    (bucket,) = [each["Name"] for each in s3.list_buckets()["Buckets"]]
    blocks = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert len(blocks) == 4 and all(blocks.values()), blocks
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


USER_DATA, KEY, SECRET, TOKEN = "hunter2-in-the-script", "AKIDTHISISTHEKEY0000", "wJalrThisIsTheSecret", "FwoGThisIsTheToken"

LIFE = [
    "check",
    "deploy --yes --debug debug.log",
    "status",
    "status --format json",
    "explain",
    "logs --all",
    "diff --debug debug.log",
    "deploy --yes --progress json",
    "deploy --yes",
    "recover --yes",
    "destroy --yes --debug debug.log",
]


def test_user_data_and_credentials_are_never_said(project: Project):
    """Neither in what commands print, nor in a debug log; not in a deploy that works, nor in one that fails."""
    (project.folder / "worker.sh").write_text(f"#!/bin/sh\npassword={USER_DATA}\n")
    project.write(launch={"user_data": "worker.sh"})
    credentials = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
    environment = project.environment | credentials
    said = []
    for words in LIFE:
        if words == "deploy --yes":
            # This update cannot be made.
            project.spec["network"]["subnets"] = ["subnet-0123456789abcdef0"]
            project.write()
        ran = project.run(*words.split(), environment=environment)
        assert ran.code == (1 if words == "deploy --yes" else 0), (words, ran)
        said += [(words, ran.out), (words, ran.err)]
    log = project.folder / "debug.log"
    assert log.stat().st_mode & 0o777 == 0o600
    log = log.read_text()
    assert "CreateChangeSet" in log
    for words, text in [*said, ("the debug log", log)]:
        for secret in (USER_DATA, KEY, SECRET, TOKEN):
            assert secret not in text, (words, secret, text)
