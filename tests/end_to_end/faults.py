"""A proxy in front of an endpoint that breaks one call in one way, and counts what goes through it."""

from __future__ import annotations

import http.client
import http.server
import re
import socket
import threading
import urllib.parse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

def refusal(call: str, mode: str) -> tuple[int, bytes, list[tuple[str, str]]]:
    """How AWS says that it was asked too much, or that it has failed itself: each service in its own words."""
    throttled = mode == "throttled"
    if call in ("Invoke", "GetFunctionConfiguration"):
        status, code = (429, "TooManyRequestsException") if throttled else (500, "ServiceException")
        body = b'{"Type":"User","message":"Rate Exceeded."}'
        return status, body, [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)]
    if call.endswith(("Object", "Bucket")) or call.startswith("Put"):
        status, code = (503, "SlowDown") if throttled else (500, "InternalError")
        body = f"<Error><Code>{code}</Code><Message>Please reduce your request rate.</Message></Error>".encode()
        return status, body, [("Content-Type", "application/xml")]
    status, code = (400, "Throttling") if throttled else (500, "InternalFailure")
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>Rate exceeded</Message></Error>"
    body = f"<ErrorResponse>{error}<RequestId>fault</RequestId></ErrorResponse>".encode()
    return status, body, [("Content-Type", "text/xml")]


#: How a call goes wrong. Of the last two AWS has done what it was asked when the answer is lost.
MODES = ("throttled", "broken", "refused", "answer lost", "answer cut")


@dataclass
class Fault:
    """What goes wrong, and at how many attempts of each call; without a name, at every call."""

    mode: str
    call: str | None = None
    times: int = 1
    #: How often each call was struck.
    struck: Counter[str] = field(default_factory=Counter)

    def strikes(self, call: str) -> bool:
        if self.call not in (None, call) or self.struck[call] >= self.times:
            return False
        self.struck[call] += 1
        return True


class FaultProxy:
    """Passes everything on to an endpoint, but for what the fault says."""

    def __init__(self, endpoint: str):
        self._target = urllib.parse.urlsplit(endpoint)
        self.fault: Fault | None = None
        #: Changes the answer to a call, by its name and what AWS answered.
        self.alter: Callable[[str, bytes], bytes] | None = None
        #: Every call that arrived, by its name, in order.
        self.calls: list[str] = []
        self._lock = threading.Lock()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                proxy._answer(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _any

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"] or 0))
        call = name_of(handler.command, handler.path, body)
        with self._lock:
            self.calls.append(call)
            fault = self.fault
            strikes = fault is not None and fault.strikes(call)
        if strikes and fault.mode == "refused":
            return hang_up(handler)
        if strikes and fault.mode in ("throttled", "broken"):
            return send(handler, *refusal(call, fault.mode))
        connection = http.client.HTTPConnection(self._target.hostname, self._target.port, timeout=60)
        # Signatures are not checked; the host is the one that it arrives at.
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in ("host", "connection")}
        connection.request(handler.command, handler.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if strikes and fault.mode == "answer lost":
            return hang_up(handler)
        if self.alter:
            content = self.alter(call, content)
        send(handler, answer.status, content, answer.getheaders(), cut=strikes)
        return None


def hang_up(handler: http.server.BaseHTTPRequestHandler) -> None:
    """The connection is gone, without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def send(handler, status: int, content: bytes, headers: list[tuple[str, str]], *, cut: bool = False) -> None:
    handler.send_response(status)
    for name, value in headers:
        if name.lower() not in ("content-length", "transfer-encoding", "connection", "server", "date"):
            handler.send_header(name, value)
    length = {name.lower(): value for name, value in headers}.get("content-length")
    handler.send_header("Content-Length", length if handler.command == "HEAD" and length else str(len(content)))
    handler.end_headers()
    if handler.command == "HEAD":
        return None
    handler.wfile.write(content[: len(content) // 2] if cut else content)
    if cut:
        handler.wfile.flush()
        return hang_up(handler)
    return None


def name_of(method: str, path: str, body: bytes) -> str:
    """AWS's name of a call, by the protocol of its service."""
    if found := re.search(rb"(?:^|&)Action=(\w+)", body):
        return found.group(1).decode()
    path = urllib.parse.urlsplit(path)
    if path.path.startswith("/2015-03-31/functions/"):
        return "Invoke" if method == "POST" else "GetFunctionConfiguration"
    what = "Object" if path.path.strip("/").count("/") else "Bucket"
    extra = {"publicAccessBlock": "PublicAccessBlock", "encryption": "BucketEncryption", "policy": "BucketPolicy", "tagging": "BucketTagging"}
    for key, name in extra.items():
        if key in urllib.parse.parse_qs(path.query, keep_blank_values=True):
            return f"Put{name}"
    verb = {"HEAD": "Head", "PUT": "Put" if what == "Object" else "Create", "DELETE": "Delete", "GET": "Get"}
    return f"{verb.get(method, method)}{what}"
