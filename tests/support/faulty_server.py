"""An HTTP server on loopback that answers as it is told, faults included.

    with FaultyServer() as server:
        server.answers["/simple/"] = [Answer(status=503), Answer(body=b"...")]     # in turn; the last one stays
        ... server.url + "/simple/" ...
        assert server.requests[0].headers["accept"] == "*/*"

A path is compared with its query. What is not in `answers` is 404.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Self


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request that arrived; names of headers are in lower case."""

    path: str
    headers: Mapping[str, str]


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that breaks a connection off is what many tests are about."""


class FaultyServer:
    """Runs between `with` and its end, each connection in a thread of its own."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[Asked] = []
        self._lock = Lock()
        self._stop = Event()
        self._server = _Quiet(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.002}, daemon=True)

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

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
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        faulty = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked = Asked(path=self.path, headers={name.lower(): value for name, value in self.headers.items()})
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
        handler.send_response_only(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if length is not None:
            handler.send_header("Content-Length", str(length))
        handler.end_headers()
        for piece in pieces:
            handler.wfile.write(piece)
            handler.wfile.flush()
            if self._stop.wait(answer.drip) if answer.drip else self._stop.is_set():
                break
        handler.close_connection = length is None or not isinstance(answer.body, bytes) or length != len(answer.body)
