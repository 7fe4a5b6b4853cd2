"""The child process: ministack's application with every patch on it, served on an inherited socket."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import sys
import threading
import time

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack

from localaws import (
    activities,
    alarms,
    at_once,
    control,
    events,
    functions,
    group_calls,
    groups,
    launch,
    network,
    permissions,
    prices,
    scaling,
    settings,
    stacks,
)

PARTS = [activities, alarms, at_once, events, functions, group_calls, launch, network, permissions, prices, scaling, stacks]


def end_with_the_parent() -> None:
    """Standard input is a pipe that nobody writes to: its end means that the parent is gone, without cleaning up."""
    sys.stdin.buffer.read()
    shutil.rmtree(settings.current.state_folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def retry_for_ever(seconds: float) -> None:
    while True:
        time.sleep(seconds)
        groups.retry_unfilled()


def install() -> None:
    for part in PARTS:
        part.install()


def main() -> None:
    for name, value in json.loads(sys.argv[1]).items():
        setattr(settings.current, name, value)
    install()
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))  # nothing here is worth saving
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    if settings.current.retry_seconds:
        threading.Thread(target=retry_for_ever, args=[settings.current.retry_seconds], daemon=True).start()
    config = Config()
    config.bind = [f"fd://{settings.current.socket_fd}"]
    config.loglevel = logging.getLevelName(ministack.logger.getEffectiveLevel())
    config.keep_alive_timeout = 75
    asyncio.run(serve(control.in_front_of(ministack.app), config, shutdown_trigger=asyncio.Event().wait))
