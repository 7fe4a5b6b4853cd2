"""Answering AutoScaling calls: AWS's query protocol, with refusals as exceptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import autoscaling


class Refused(Exception):
    """An error that AWS would answer."""

    def __init__(self, code: str, message: str, status: int = 400):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def invalid(message: str) -> Refused:
    return Refused("ValidationError", message)


class Request:
    """The parameters of one call."""

    def __init__(self, params: dict):
        self.params = params

    def text(self, name: str) -> str:
        return autoscaling._p(self.params, name)

    def required(self, name: str) -> str:
        value = self.text(name)
        if value == "":
            field = name[0].lower() + name[1:]
            found = f"1 validation error detected: Value null at '{field}' failed to satisfy constraint"
            raise invalid(f"{found}: Member must not be null")
        return value

    def number(self, name: str) -> float | None:
        value = self.text(name)
        return float(value) if value != "" else None

    def flag(self, name: str) -> bool:
        return self.text(name) == "true"

    def list(self, name: str) -> list[str]:
        return autoscaling._parse_member_list(self.params, name)

    def tree(self, name: str) -> Any:
        """Nested members as dictionaries and lists."""
        return autoscaling._parse_nested(self.params, name)


def page(rows: list, request: Request, default: int, most: int) -> tuple[list, str | None]:
    """One page, and the token of the next one or None after the last, as AutoScaling omits it there."""
    size = min(int(request.number("MaxRecords") or default), most)
    start = int(request.text("NextToken") or 0)
    following = start + size
    return rows[start:following], str(following) if following < len(rows) else None


def without_nothing(value: Any) -> Any:
    """AWS leaves out what it has no value for."""
    if isinstance(value, dict):
        return {key: without_nothing(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nothing(inner) for inner in value]
    return value


def answer_with(handlers: dict[str, Callable[[Request], dict | None]]) -> None:
    """Puts these handlers in the place of ministack's."""
    for action, handler in handlers.items():
        autoscaling._ACTION_MAP[action] = _answering(action, handler)


def _answering(action: str, handler: Callable[[Request], dict | None]) -> Callable[[dict], tuple]:
    def answered(params: dict) -> tuple:
        try:
            result = handler(Request(params))
        except Refused as refused:
            return autoscaling._error(refused.code, escape(refused.message), refused.status)
        body = autoscaling._member_xml(without_nothing(result or {}))
        return autoscaling._xml(200, f"{action}Response", f"<{action}Result>{body}</{action}Result>")

    return answered
