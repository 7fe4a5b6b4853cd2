"""Starts one local AWS and keeps it until it is told to stop.

Two processes: this one owns the port, the state directory and the end; its child runs ministack with
our additions. The child begins with an environment written here from nothing, because a function that
ministack runs sees what its server saw. The child and every Lambda bootstrap under it form one
process group, which goes when this process goes, however it goes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import asdict
from pathlib import Path

from localaws.settings import Settings

HERE = Path(__file__).resolve().parent
START_SECONDS = 60
STOP_SECONDS = 5


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A local AWS for spotstack: ministack and what it lacks.")
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument("--ready-file", type=Path, help="gets the endpoint URL once it answers")
    parser.add_argument("--auth", action="store_true", help="check signatures and IAM policies; the key `test` is root")
    parser.add_argument("--function-endpoint", metavar="URL", help="where functions call AWS (default: this server)")
    parser.add_argument("--no-ticks", action="store_true", help="schedules fire only when told to")
    parser.add_argument("--no-launch-events", action="store_true", help="lose the events about launches")
    parser.add_argument("--no-launch-configurations", action="store_true", help="refuse them, as newer accounts do")
    parser.add_argument(
        "--retry-seconds", type=float, default=0, help="unfilled groups try again this often; 0 (default): when told to"
    )
    parser.add_argument(
        "--resource-seconds", type=float, default=0, help="how long CloudFormation takes for each resource"
    )
    parser.add_argument("--verbose", action="store_true", help="ministack's log on stderr")
    return parser.parse_args()


def listening_socket(port: int) -> socket.socket:
    """Bound before the child starts: a chosen free port cannot be lost to another server."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        sys.exit(f"serve.py: port {port}: {error.strerror}")
    listener.listen(128)
    return listener


def environment(port: int, state: Path, options: argparse.Namespace) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(state),
        "TMPDIR": str(state),
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "BIND_HOST": "127.0.0.1",
        "LOG_LEVEL": "INFO" if options.verbose else "CRITICAL",
        "AUTH": "true" if options.auth else "false",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": options.function_endpoint or f"http://127.0.0.1:{port}",
        "DOCKER_HOST": f"unix://{state}/no-docker.sock",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
    }


def start(listener: socket.socket, state: Path, options: argparse.Namespace) -> subprocess.Popen:
    settings = Settings(
        socket_fd=listener.fileno(),
        state_folder=str(state),
        ticks=not options.no_ticks,
        launch_events=not options.no_launch_events,
        launch_configurations=not options.no_launch_configurations,
        retry_seconds=options.retry_seconds,
        resource_seconds=options.resource_seconds,
    )
    return subprocess.Popen(
        [sys.executable, "-m", "localaws", json.dumps(asdict(settings))],
        env=environment(listener.getsockname()[1], state, options),
        cwd=state,
        stdin=subprocess.PIPE,  # its end tells the child that this process is gone
        stdout=sys.stderr,
        pass_fds=[listener.fileno()],
        start_new_session=True,
    )


def wait_until_it_answers(endpoint: str) -> None:
    """The socket already listens, so one request waits for the server to come up; nothing polls."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        f"{endpoint}/_local/", timeout=START_SECONDS
    ):
        pass


def stop(child: subprocess.Popen) -> None:
    """The whole process group: the server and the bootstraps that it runs."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, sent)
            child.wait(STOP_SECONDS)
        except (ProcessLookupError, PermissionError):
            return
        except subprocess.TimeoutExpired:
            continue


def main() -> int:
    options = arguments()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    state = Path(tempfile.mkdtemp(prefix="spotstack-local-aws-"))
    child = None
    try:
        listener = listening_socket(options.port)
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        child = start(listener, state, options)
        listener.close()
        try:
            wait_until_it_answers(endpoint)
        except OSError as error:
            print(f"serve.py: the server did not come up: {error}", file=sys.stderr)
            return 1
        print(endpoint, flush=True)
        if options.ready_file:
            written = options.ready_file.with_name(options.ready_file.name + ".part")
            written.write_text(endpoint)
            written.replace(options.ready_file)
        return child.wait()
    finally:
        if child:
            stop(child)
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
