"""Whatever AWS's answers say is printed without acting on the terminal, by every command that prints it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from faults import Call, Proxy
from project import Project

#: Sets the title of a terminal, rings its bell, and turns the direction of what follows.
HOSTILE = "\x1b]0;owned\x07\u202e"

#: What every AWS service calls a text that people read, and that spotstack never sends back.
TEXTS = "StackStatusReason ResourceStatusReason StatusReason StateReason StatusMessage Message Description Cause".split()


class Altering(Proxy):
    """Passes everything on, the answers changed."""

    #: By a call's name and what AWS answered.
    alter: Callable[[str, bytes], bytes] | None = None

    def meet(self, call: Call) -> None:
        answer = call.forward()
        if self.alter:
            answer = answer._replace(content=self.alter(call.name, answer.content))
        call.answer(answer)


def hostile_texts(call: str, content: bytes) -> bytes:
    """The texts of an answer made hostile; what it names and counts stays."""
    if content.startswith(b"{"):
        return json.dumps(within(json.loads(content), lambda text: " " in text)).encode()
    names = "|".join(TEXTS)
    return re.sub(rf"<({names})>([^<]+)<".encode(), lambda found: b"<%s>%s<" % (found[1], tainted(found[2])), content)


def all_hostile(call: str, content: bytes) -> bytes:
    """Every word of an answer made hostile: names, states and kinds as well."""
    if content.startswith(b"{"):
        return json.dumps(within(json.loads(content), lambda _: True)).encode()
    return re.sub(rb">([^<]*[A-Za-z][^<]*)<", lambda found: b">%s<" % tainted(found[1]), content)


def tainted(text: bytes) -> bytes:
    """In XML, where a reference brings any character."""
    return text + "".join(f"&#{ord(character)};" for character in HOSTILE).encode()


def within(value: Any, chosen: Callable[[str], bool]) -> Any:
    """The strings of a JSON document that are chosen, and those of the documents that it has as strings: logs are such."""
    match value:
        case dict():
            return {key: within(each, chosen) for key, each in value.items()}
        case list():
            return [within(each, chosen) for each in value]
        case str() if value.startswith("{"):
            return json.dumps(within(json.loads(value), chosen))
        case str() if chosen(value):
            return value + HOSTILE
    return value


@pytest.fixture
def proxy(world):
    with Altering(world.endpoint) as proxy:
        yield proxy


LOOKS = ["status", "logs", "logs --all", "explain", "diff", "prices", "recover --yes"]


def harmless(ran) -> None:
    """It ended as commands end, and what it printed has the hostile text as characters or not at all."""
    assert ran.code in (0, 1, 2), ran
    for said in (ran.out, ran.err):
        found = [line for line in said.splitlines() if "\x1b]0;" in line or "\x07" in line or "\u202e" in line]
        assert not found, found


@pytest.mark.parametrize("look", LOOKS)
def test_looking(project: Project, gpu, proxy, look):
    """The texts of all answers at once, then every word of one call's answer after the other's."""
    gpu.work_arrives()
    gpu.becomes(spot=1, on_demand=0)
    proxy.alter = hostile_texts
    harmless(project.run(*look.split(), endpoint=proxy.url))
    calls, proxy.alter = sorted(set(proxy.calls)), None
    assert calls
    for struck in calls:
        proxy.alter = lambda call, content, struck=struck: all_hostile(call, content) if call == struck else content
        harmless(project.run(*look.split(), endpoint=proxy.url))


@pytest.mark.parametrize("on_a_terminal", [False, True])
def test_a_deploy_that_fails(project, proxy, on_a_terminal):
    """Progress, root cause and what to do next, as lines and as the tree."""
    project.spec["network"]["subnets"] = ["subnet-0123456789abcdef0"]
    project.write()
    proxy.alter = hostile_texts
    words = ["deploy", "--yes"]
    ran = project.answer("", *words, endpoint=proxy.url) if on_a_terminal else project.run(*words, endpoint=proxy.url)
    assert "The subnet ID 'subnet-0123456789abcdef0' does not exist" in ran.said
    assert r"\u{1b}]0;owned\u{7}\u{202e}" in ran.said.replace(" ", ""), "the reason is printed whole"
    harmless(ran)


def test_a_life(project, proxy):
    """What succeeds prints AWS's texts as well."""
    proxy.alter = hostile_texts
    for words in ("deploy --yes", "deploy --yes --progress json", "status --format json", "destroy --yes"):
        harmless(project.run(*words.split(), endpoint=proxy.url).ok())
