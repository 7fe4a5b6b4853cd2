"""A proxy in front of an endpoint that has calls go wrong, in the ways in which calls go wrong."""

from __future__ import annotations

import http.client
import http.server
import json
import re
import socket
import threading
import urllib.parse
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

#: AWS does nothing of what it was asked.
NOT_DONE = ("throttled", "broken", "denied", "refused", "silent")

#: AWS has done it, and the caller does not learn it.
DONE = ("answer lost", "answer cut", "answer halved", "answer of another")

#: Longer than any patience with one attempt.
SILENT_SECONDS = 12

#: As many attempts as anybody makes.
EVER = 10_000


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


class Answer(NamedTuple):
    status: int
    content: bytes
    headers: list[tuple[str, str]]


class Call:
    """A request to AWS on its way."""

    def __init__(self, endpoint: str, handler: http.server.BaseHTTPRequestHandler):
        self._endpoint, self._handler = urllib.parse.urlsplit(endpoint), handler
        self._body = handler.rfile.read(int(handler.headers["Content-Length"] or 0))
        self.method, self.path, self.headers = handler.command, handler.path, handler.headers
        self.service, self.name = name_of(self.method, self.path, self.headers, self._body)

    def forward(self) -> Answer:
        """What the endpoint answers. Signatures are not checked there; the host is the one that it arrives at."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        connection = http.client.HTTPConnection(self._endpoint.hostname, self._endpoint.port, timeout=60)
        connection.request(self.method, self.path, self._body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return Answer(answer.status, content, answer.getheaders())

    def answer(self, answer: Answer, *, cut: bool = False) -> None:
        """Answers; `cut`, the connection is lost in the middle of it."""
        handler, (status, content, headers) = self._handler, answer
        handler.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "server", "date"):
                handler.send_header(name, value)
        length = {name.lower(): value for name, value in headers}.get("content-length")
        of_head = self.method == "HEAD"
        handler.send_header("Content-Length", length if of_head and length else str(len(content)))
        handler.end_headers()
        if not of_head:
            handler.wfile.write(content[: len(content) // 2] if cut else content)
            handler.wfile.flush()
        if cut:
            self.hang_up()

    def hang_up(self) -> None:
        """The connection is gone, without an answer."""
        self._handler.close_connection = True
        self._handler.connection.shutdown(socket.SHUT_RDWR)


class Proxy:
    """Passes everything on to an endpoint."""

    def __init__(self, endpoint: str = ""):
        self.endpoint = endpoint
        #: Every call that arrived, by its name, in order.
        self.calls: list[str] = []
        self.over = threading.Event()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                call = Call(proxy.endpoint, self)
                proxy.calls.append(call.name)
                proxy.meet(call)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _any

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def meet(self, call: Call) -> None:
        """What becomes of a call."""
        call.answer(call.forward())

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


class FaultyProxy(Proxy):
    """Passes everything on, but for what the fault strikes."""

    def __init__(self, endpoint: str = ""):
        super().__init__(endpoint)
        self.fault: Fault | None = None
        self._lock = threading.Lock()

    def meet(self, call: Call) -> None:
        with self._lock:
            fault = self.fault
            mode = fault.mode if fault and fault.strikes(call.name) else None
        match mode:
            case None:
                call.answer(call.forward())
            case "throttled" | "broken" | "denied":
                call.answer(refusal(call.service, mode))
            case "refused":
                call.hang_up()
            case "silent":
                self.over.wait(SILENT_SECONDS)
                call.hang_up()
            case "answer lost":
                call.forward()
                call.hang_up()
            case "answer cut":
                call.answer(call.forward(), cut=True)
            case "answer halved":
                # The length is right, so that it is the answer that is cut and not the connection.
                answer = call.forward()
                call.answer(answer._replace(content=answer.content[: len(answer.content) // 2]))
            case "answer of another":
                call.forward()
                page = b"<html><body>Welcome to the hotel</body></html>"
                call.answer(Answer(200, page, [("Content-Type", "text/html")]))
            case _:
                raise ValueError(mode)


_REFUSALS = {
    ("lambda", "throttled"): (429, "TooManyRequestsException"),
    ("lambda", "broken"): (500, "ServiceException"),
    ("s3", "throttled"): (503, "SlowDown"),
    ("s3", "broken"): (500, "InternalError"),
    (None, "throttled"): (400, "Throttling"),
    (None, "broken"): (500, "InternalFailure"),
    (None, "denied"): (403, "AccessDenied"),
}


def refusal(service: str, mode: str) -> Answer:
    """How AWS says that it was asked too much, has failed itself, or will not: each service in its own words."""
    status, code = _REFUSALS.get((service, mode)) or _REFUSALS[None, mode]
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>No.</Message></Error>"
    match service:
        case "lambda":
            headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)]
            return Answer(status, b'{"Type":"User","message":"No."}', headers)
        case "sqs":
            body = json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": "No."})
            return Answer(status, body.encode(), [("Content-Type", "application/x-amz-json-1.0")])
        case "s3":
            return Answer(status, error.encode(), [("Content-Type", "application/xml")])
        case "ec2":
            body = f"<Response><Errors>{error}</Errors></Response>"
        case _:
            body = f"<ErrorResponse>{error}<RequestId>fault</RequestId></ErrorResponse>"
    return Answer(status, body.encode(), [("Content-Type", "text/xml")])


def name_of(method: str, path: str, headers, body: bytes) -> tuple[str, str]:
    """The service of a call, as far as it matters, and AWS's name of the call: each protocol says it elsewhere."""
    if target := headers.get("X-Amz-Target"):
        return "sqs", target.rpartition(".")[2]
    if found := re.search(rb"(?:^|&)Action=(\w+)", body):
        name = found.group(1).decode()
        return "ec2" if name == "DescribeSpotPriceHistory" else "query", name
    path = urllib.parse.urlsplit(path)
    if path.path.startswith("/2015-03-31/functions/"):
        return "lambda", "Invoke" if method == "POST" else "GetFunctionConfiguration"
    what = "Object" if path.path.strip("/").count("/") else "Bucket"
    extra = {
        "publicAccessBlock": "PublicAccessBlock",
        "encryption": "BucketEncryption",
        "policy": "BucketPolicy",
        "tagging": "BucketTagging",
    }
    for key, name in extra.items():
        if key in urllib.parse.parse_qs(path.query, keep_blank_values=True):
            return "s3", f"Put{name}"
    verb = {"HEAD": "Head", "PUT": "Put" if what == "Object" else "Create", "DELETE": "Delete", "GET": "Get"}
    return "s3", f"{verb.get(method, method)}{what}"
