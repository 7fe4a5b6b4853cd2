"""The worker script of examples/: the real script and the AWS CLI, against a queue of the local AWS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from project import REPOSITORY, SUBNETS, eventually
from world import World

SCRIPT = REPOSITORY / "examples/worker.sh"
AWS = Path(sys.executable).parent / "aws"
GROUP = "workers"


def script(path: Path, commands: str) -> Path:
    """An executable bash script."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/bash\n{commands}\n")
    path.chmod(0o755)
    return path


class Metadata(BaseHTTPRequestHandler):
    """IMDSv2 of one instance: a token is asked for with PUT and needed for everything else."""

    instance = ""
    interrupted = False

    def do_PUT(self) -> None:
        self._answer(200 if self.path == "/latest/api/token" else 404, "a-token")

    def do_GET(self) -> None:
        values = {"/latest/meta-data/instance-id": self.instance}
        if self.interrupted:
            values["/latest/meta-data/spot/instance-action"] = '{"action": "terminate", "time": "2026-11-23T10:02:00Z"}'
        known = self.headers.get("X-aws-ec2-metadata-token") == "a-token"
        self._answer((200 if self.path in values else 404) if known else 401, values.get(self.path, ""))

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


class Worker:
    """An instance of a group, the script on it, and what its job command writes."""

    def __init__(self, world: World, folder: Path, url: str, metadata: type[Metadata]):
        self.world, self.folder, self.url, self.metadata = world, folder, url, metadata
        self.process: subprocess.Popen | None = None

    def start(self, command: str, **environment: str) -> None:
        """Starts the script; its jobs are done by this command, in the test's folder."""
        job = script(self.folder / "job", f"cd {self.folder}\n{command}")
        # This version of the CLI does not let AWS_ENDPOINT_URL speak for SQS.
        aws = script(self.folder / "bin/aws", f'exec {AWS} --endpoint-url {self.world.endpoint} "$@"')
        self.process = subprocess.Popen(
            [str(SCRIPT)],
            env={
                "PATH": f"{aws.parent}:{os.environ['PATH']}",
                "HOME": str(self.folder),
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": self.world.region,
                "AWS_DEFAULT_REGION": self.world.region,
                "QUEUE_URL": self.world.queue_url("jobs"),
                "WORKER_COMMAND": str(job),
                "WORKER_POLL": "1",
                "WORKER_IMDS": self.url,
            }
            | environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def end(self) -> str:
        """Waits for the script's end, which must be an orderly one, and gives what it said."""
        assert self.process
        _, said = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, said
        return said

    def stop(self) -> str:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def depth(self) -> tuple[int, int]:
        """Jobs that wait, and jobs in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.world.client("sqs").get_queue_attributes(
            QueueUrl=self.world.queue_url("jobs"), AttributeNames=names
        )
        return tuple(int(answer["Attributes"][name]) for name in names)

    def protected(self) -> bool:
        (instance,) = self.world.group(GROUP)["Instances"]
        return instance["ProtectedFromScaleIn"]


@pytest.fixture
def worker(serve: Callable[..., World], tmp_path: Path) -> Iterator[Worker]:
    """An instance that began protected, as those of a pair with `protect: true` do, and a queue."""
    world = serve("--no-ticks")
    world.client("sqs").create_queue(QueueName="jobs")
    autoscaling = world.client("autoscaling")
    launch = {"LaunchConfigurationName": GROUP}
    autoscaling.create_launch_configuration(**launch, ImageId="ami-1", InstanceType="g5.xlarge")
    group = {"AutoScalingGroupName": GROUP, "MinSize": 0, "MaxSize": 1, "DesiredCapacity": 1}
    autoscaling.create_auto_scaling_group(
        **group, **launch, VPCZoneIdentifier=SUBNETS[0], NewInstancesProtectedFromScaleIn=True
    )
    instance = world.group(GROUP)["Instances"][0]["InstanceId"]

    metadata = type("ThisMetadata", (Metadata,), {"instance": instance})
    server = ThreadingHTTPServer(("127.0.0.1", 0), metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    worker = Worker(world, tmp_path, f"http://127.0.0.1:{server.server_port}", metadata)
    yield worker
    if worker.process and worker.process.poll() is None:
        os.killpg(worker.process.pid, signal.SIGKILL)
        worker.process.wait()
    server.shutdown()
    server.server_close()


def test_jobs_are_done_one_by_one_and_deleted(worker):
    """Every job comes whole on the command's standard input, newlines, tabs and all, and leaves the queue."""
    bodies = ["first", 'two\tcolumns\nand "two" lines $HOME `x` ü\n\n', "None", "\t", "last"]
    for body in bodies:
        worker.world.send_job("jobs", body)
    worker.start("cat >>done; printf '|' >>done")
    eventually(lambda: worker.depth(), lambda depth: depth == (0, 0))
    assert "waiting for jobs of http" in worker.stop()
    assert sorted(worker.read("done").split("|")[:-1]) == sorted(bodies)


def test_a_failed_job_goes_back_at_once(worker):
    """A command that fails leaves the job in the queue, for this worker or another, without waiting for the lease."""
    worker.world.send_job("jobs", "try me")
    worker.start('echo x >>tries; [ "$(wc -l <tries)" = 3 ]')
    eventually(lambda: worker.depth(), lambda depth: depth == (0, 0))
    said = worker.stop()
    assert said.count("the job goes back to the queue: ") == 2 and "job ended with 1" in said
    assert worker.read("tries") == "x\n" * 3


def test_a_long_job_stays_hidden(worker):
    """A job that takes longer than the lease is not given to anybody else: the heartbeat keeps it."""
    worker.world.send_job("jobs")
    worker.start("echo x >>begun; sleep 5; touch finished", WORKER_LEASE="3")
    eventually(lambda: worker.read("begun"))
    eventually(lambda: worker.depth(), lambda depth: depth != (0, 1))
    assert (worker.folder / "finished").exists() and worker.depth() == (0, 0)
    assert worker.read("begun") == "x\n"
    worker.stop()


def test_a_spot_interruption_gives_the_job_back(worker):
    """The notice comes while a job runs: the job, with all its children, is ended, and waits for another worker."""
    worker.world.send_job("jobs", "long")
    worker.start("trap 'echo ended >>log' TERM; echo begun >>log; sleep 60 & wait")
    eventually(lambda: worker.read("log"))
    worker.metadata.interrupted = True
    said = worker.end()
    assert "the job goes back to the queue: AWS takes this instance back" in said
    assert worker.depth() == (1, 0)
    assert worker.read("log") == "begun\nended\n"


def test_a_job_that_does_not_want_to_end_is_ended(worker):
    """A job that ignores SIGTERM is killed after a while, and goes back too."""
    worker.world.send_job("jobs")
    worker.start("trap '' TERM; echo $$ >>log; while true; do sleep 1; done", WORKER_GRACE="1")
    pid = int(eventually(lambda: worker.read("log")))
    assert "the job goes back to the queue: this worker is stopped" in worker.stop()
    assert worker.depth() == (1, 0)
    eventually(lambda: not Path(f"/proc/{pid}").exists())


def test_an_interrupted_instance_takes_no_job(worker):
    """A worker that starts, or looks again, after the notice leaves the jobs to others."""
    worker.world.send_job("jobs")
    worker.metadata.interrupted = True
    worker.start("touch begun")
    assert "no more jobs: AWS takes this instance back" in worker.end()
    assert worker.depth() == (1, 0) and not (worker.folder / "begun").exists()


def test_a_stopped_worker_gives_its_job_back(worker):
    """SIGTERM while a job runs: the job waits for another worker, and the script ends in order."""
    worker.world.send_job("jobs")
    worker.start("echo begun >>log; sleep 60")
    eventually(lambda: worker.read("log"))
    assert "the job goes back to the queue: this worker is stopped" in worker.stop()
    assert worker.depth() == (1, 0)


def test_protection_is_on_while_busy_and_off_while_free(worker):
    """A free worker may be scaled in, a busy one may not, and one that ends gives its protection up."""
    worker.start("touch begun; until [ -e go ]; do sleep 0.05; done", SPOTSTACK_PROTECT="true")
    eventually(lambda: not worker.protected())
    worker.world.send_job("jobs")
    eventually(lambda: (worker.folder / "begun").exists())
    assert worker.protected()
    (worker.folder / "go").touch()
    eventually(lambda: not worker.protected())
    assert worker.depth() == (0, 0)
    worker.stop()


def test_without_protect_nobody_asks_for_it(worker):
    """SPOTSTACK_PROTECT=false: the worker's role may not change protection, so the script does not try."""
    worker.world.send_job("jobs")
    worker.start("touch begun", SPOTSTACK_PROTECT="false")
    eventually(lambda: worker.depth(), lambda depth: depth == (0, 0))
    assert "rror" not in worker.stop()
    assert worker.protected()


@pytest.mark.parametrize("missing", ["QUEUE_URL", "AWS_REGION", "WORKER_COMMAND"])
def test_what_is_missing_is_named(worker, missing):
    """Without its queue, its Region or its command the script ends at once and says which."""
    worker.start("true", **{missing: "/no/such/command" if missing == "WORKER_COMMAND" else ""})
    _, said = worker.process.communicate(timeout=20)
    assert worker.process.returncode != 0 and missing in said


def test_the_script_fits_into_user_data():
    """EC2 takes 16 KB of user data, and the template adds some of its own."""
    assert SCRIPT.stat().st_size < 15_000 and os.access(SCRIPT, os.X_OK)
