"""Our own calls, under /_local/: what AWS decides and no AWS call can. JSON in, JSON out, no credentials.

An error is answered as {"error": …} with status 400. Calls act in the Region that they name.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from ministack.core.responses import get_account_id, request_scope

from localaws import capacity, events, failures, groups, moment, prices, queues, settings
from localaws.query import Refused

Call = Callable[[dict], Any]


def _about(_: dict) -> dict:
    return {"settings": asdict(settings.current), "failures": failures.KINDS}


def _price(body: dict) -> dict:
    at = moment.parse(body["at"]) if "at" in body else moment.now()
    price = prices.Price(body["type"], body["zone"], body.get("product", prices.LINUX), str(body["usd"]), at)
    prices.seed(price)
    return asdict(price) | {"at": moment.to_milliseconds(at)}


def _clear_prices(_: dict) -> dict:
    prices.forget()
    return {}


def _capacity(body: dict) -> dict:
    limit, market, because = body["limit"], body["market"], body.get("because", "insufficient")
    if market not in failures.MARKETS:
        raise ValueError(f"market {market}: one of {', '.join(failures.MARKETS)}")
    if because not in failures.KINDS:
        raise ValueError(f"because {because}: one of {', '.join(failures.KINDS)}")
    supply = capacity.Supply(None if limit == "unlimited" else int(limit), because)
    capacity.set_supply(market, body.get("zone") or capacity.EVERYWHERE, supply)
    return asdict(supply)


def _retry(_: dict) -> dict:
    return {"launched": groups.retry_unfilled()}


def _interrupt(body: dict) -> dict:
    groups.interrupt(body["instance"], warn_only=body.get("warn_only", False))
    return {}


def _metrics(body: dict) -> dict:
    return queues.publish(queues.find(body["queue"]), int(body.get("minutes", 1)))


def _launch_events(body: dict) -> dict:
    settings.current.launch_events = bool(body["on"])
    return {"on": settings.current.launch_events}


def _tick(_: dict) -> dict:
    events.tick()
    return {}


CALLS: dict[tuple[str, str], Call] = {
    ("GET", ""): _about,
    ("POST", "prices"): _price,
    ("DELETE", "prices"): _clear_prices,
    ("POST", "capacity"): _capacity,
    ("POST", "retry"): _retry,
    ("POST", "interrupt"): _interrupt,
    ("POST", "metrics"): _metrics,
    ("POST", "launch-events"): _launch_events,
    ("POST", "tick"): _tick,
}


def in_front_of(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def application(scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/_local/"):
            await app(scope, receive, send)
            return
        status, answer = _answer(scope, await _body(receive))
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    return application


async def _body(receive: Callable) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def _answer(scope: dict, raw: bytes) -> tuple[int, Any]:
    call = CALLS.get((scope["method"], scope["path"].removeprefix("/_local/")))
    if call is None:
        return 404, {"error": f"no call {scope['method']} {scope['path']}"}
    try:
        body = json.loads(raw or b"{}")
        with request_scope(get_account_id(), body.get("region") or "us-east-1"):
            return 200, call(body)
    except KeyError as missing:
        return 400, {"error": f"{missing.args[0]} is missing"}
    except (LookupError, ValueError, Refused) as error:
        return 400, {"error": str(error)}
