"""A proxy between the function and AWS that has one call go wrong, in one of the ways in which calls go wrong."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: How a call may go wrong. AWS has done what was asked in the last three, and the caller does not learn it.
MODES = ["throttle", "500", "drop", "time-out", "AccessDenied", "lost", "truncated", "garbage"]

#: Longer than any patience of the function's with one attempt.
HANG_SECONDS = 12

CODES = {"throttle": (400, "Throttling"), "500": (500, "InternalFailure"), "AccessDenied": (403, "AccessDenied")}


class FaultProxy:
    """Everything passes but the call named in `fault`, as long as it is."""

    def __init__(self) -> None:
        self.target = ""
        self.fault: tuple[str, str] | None = None
        self.seen: set[str] = set()
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = _call(self.headers, body)
                proxy.seen.add(call)
                mode = proxy.fault[1] if proxy.fault and proxy.fault[0] == call else None
                if mode in CODES:
                    status, code = CODES[mode]
                    self._answer(status, *_error(self.headers, call, code))
                elif mode == "drop":
                    self.close_connection = True
                elif mode == "time-out":
                    proxy._over.wait(HANG_SECONDS)
                    self.close_connection = True
                else:
                    status, kind, answer = proxy._forward(self.path, self.headers, body)
                    if mode == "lost":
                        self.close_connection = True
                    elif mode == "truncated":
                        # The length is right, so that it is the answer that is cut and not the connection.
                        self._answer(status, kind, answer[: len(answer) // 2])
                    elif mode == "garbage":
                        self._answer(200, "text/html", b"<html><body>Welcome to the hotel</body></html>")
                    else:
                        self._answer(status, kind, answer)

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _forward(self, path: str, headers, body: bytes) -> tuple[int, str, bytes]:
        passed = {name: value for name, value in headers.items() if name.lower() not in ("connection", "content-length")}
        request = urllib.request.Request(self.target + path, body, passed, method="POST")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.headers.get("Content-Type", ""), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("Content-Type", ""), error.read()


def _call(headers, body: bytes) -> str:
    """By its name in AWS: SQS says it in a header, the query services in the form."""
    if target := headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    return urllib.parse.parse_qs(body.decode()).get("Action", ["?"])[0]


def _error(headers, call: str, code: str) -> tuple[str, bytes]:
    """An error in the protocol of the service."""
    if headers.get("X-Amz-Target"):
        return "application/x-amz-json-1.0", json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": "No."}).encode()
    if call == "DescribeSpotPriceHistory":
        error = f"<Response><Errors><Error><Code>{code}</Code><Message>No.</Message></Error></Errors></Response>"
        return "text/xml", error.encode()
    error = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>No.</Message></Error></ErrorResponse>"
    return "text/xml", error.encode()
