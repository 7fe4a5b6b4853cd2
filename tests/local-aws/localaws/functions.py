"""The environment of a function: what AWS gives it and what its configuration says, nothing of this machine."""

from __future__ import annotations

import os

from ministack.services import lambda_svc

#: AWS sets these too; a function without PATH could not even start a shell script.
KEPT = ("PATH", "LANG", "AWS_ENDPOINT_URL")

_inherited = lambda_svc._provided_worker_env


def _environment(config: dict, code_dir: str, port: int) -> dict[str, str]:
    own = lambda_svc._runtime_env_vars(config)
    env = _inherited(config, code_dir, port)
    env = {k: v for k, v in env.items() if k in own or k in KEPT or k.startswith("AWS_") or k not in os.environ}
    logging = config.get("LoggingConfig") or {}
    env["AWS_LAMBDA_LOG_GROUP_NAME"] = logging.get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    env["AWS_LAMBDA_LOG_FORMAT"] = logging.get("LogFormat", "Text")
    if env["AWS_LAMBDA_LOG_FORMAT"] == "JSON":
        env["AWS_LAMBDA_LOG_LEVEL"] = logging.get("ApplicationLogLevel", "INFO")
    env["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand"
    return env


def install() -> None:
    lambda_svc._provided_worker_env = _environment
