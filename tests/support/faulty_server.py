"""An HTTP server on loopback that answers as it is told, faults included.

    with FaultyServer() as server:
        server.answers["/simple/"] = [Answer(status=503), Answer(body=b"...")]     # in turn; the last one stays
        ... server.url + "/simple/" ...
        assert server.requests[0].headers["accept"] == "*/*"

A path is compared with its query. What is not in `answers` is 404. A request whose condition the answer's own ETag or Last-Modified
fulfils gets 304. With `tls` it speaks https, as `localhost` and 127.0.0.1 where the certificate says so.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Self


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request that arrived; names of headers are in lower case."""

    path: str
    headers: Mapping[str, str]
    method: str = "GET"
    body: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer. `body` is sent piece by piece, `drip` seconds apart, after `wait` seconds."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""
    length: int | None = None
    """The Content-Length that is claimed; None: the true one for bytes, and for pieces none, so that the end is the connection's."""
    wait: float = 0.0
    drip: float = 0.0
    raw: bool = False
    """The body is all that is sent, status line and headers included; then the connection ends."""

    def unless_known(self, asked: Asked) -> Answer:
        """This answer, or 304 for who has it already."""
        conditions = (("if-none-match", "ETag"), ("if-modified-since", "Last-Modified"))
        known = any(asked.headers.get(condition, None) == self.headers.get(name, "") for condition, name in conditions)
        return replace(self, status=304, body=b"") if known else self


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that breaks a connection off is what many tests are about."""


class FaultyServer:
    """Runs between `with` and its end, each connection in a thread of its own."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[Asked] = []
        self._lock = Lock()
        self._stop = Event()
        self._server = _Quiet(("127.0.0.1", 0), self._handler())
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.002}, daemon=True)

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return self._server.server_port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _next(self, asked: Asked) -> Answer:
        with self._lock:
            self.requests.append(asked)
            waiting = self.answers.get(asked.path, [Answer(status=404)])
            return (waiting.pop(0) if len(waiting) > 1 else waiting[0]).unless_known(asked)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        faulty = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._serve(b"")

            def do_POST(self) -> None:
                self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def _serve(self, body: bytes) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(path=self.path, headers=headers, method=self.command, body=body)
                try:
                    faulty._send(self, faulty._next(asked))
                except ConnectionError:  # the client has gone, as it should for some answers
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Tests read `requests` instead."""

        return Handler

    def _send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        self._stop.wait(answer.wait)
        pieces = [answer.body] if isinstance(answer.body, bytes) else answer.body
        length = len(answer.body) if answer.length is None and isinstance(answer.body, bytes) else answer.length
        if not answer.raw:
            self._send_headers(handler, answer, length)
        for piece in pieces:
            handler.wfile.write(piece)
            handler.wfile.flush()
            if self._stop.wait(answer.drip) if answer.drip else self._stop.is_set():
                break
        whole = not answer.raw and isinstance(answer.body, bytes) and length == len(answer.body)
        handler.close_connection = not whole

    @staticmethod
    def _send_headers(handler: BaseHTTPRequestHandler, answer: Answer, length: int | None) -> None:
        handler.send_response_only(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if length is not None and answer.status not in {204, 304}:
            handler.send_header("Content-Length", str(length))
        handler.end_headers()
