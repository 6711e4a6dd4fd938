"""Any static web server: the one that the README names, `python -m http.server`, on a free port of loopback.

    with StaticServer(project.feeds) as server:         # the port is bound before, so that it can be the public_url
        ... server.url ...
        assert server.served[0].path == "/approved-pypi/simple/mk-app/"

`indexes` adds the one thing that it lacks and that the nginx in front of a feed has: the pages that answer for a folder, each for
whom it is meant. Whatever else is asked for is the standard library's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final, Self

from reconciler.model.serving import Index

SIMPLE_JSON: Final = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """An answer that was given."""

    path: str
    status: int
    content_type: str


class _Handler(SimpleHTTPRequestHandler):
    """The standard library's own, which also writes down what it answers."""

    def __init__(self, *args: Any, served: list[Served], indexes: Sequence[Index], **extra: Any) -> None:
        self._served = served
        self._indexes = indexes
        self._status = 0
        self._content_type = ""
        super().__init__(*args, **extra)

    def translate_path(self, path: str) -> str:
        folder, accept = super().translate_path(path), self.headers.get("Accept", "")
        asked = (Path(folder) / i.file for i in self._indexes if i.accept in accept and (path.endswith("/") or not i.relative))
        return next((str(page) for page in asked if page.is_file()), folder)

    def guess_type(self, path: Any) -> str:
        known = (index.content_type for index in self._indexes if index.file == Path(path).name)
        return next(known, None) or super().guess_type(path)

    def send_header(self, keyword: str, value: str) -> None:
        if keyword.lower() == "content-type":
            self._content_type = value
        super().send_header(keyword, value)

    def end_headers(self) -> None:
        if len(self._indexes) > 1:
            self.send_header("Vary", "Accept")
        self._served.append(Served(path=self.path, status=self._status, content_type=self._content_type))
        super().end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        self._status = int(code)

    def log_message(self, *_: object) -> None:
        """Tests read `served` instead."""


class StaticServer:
    """Serves a folder, which need not be there yet, between `with` and its end."""

    def __init__(self, folder: Path, *, indexes: Sequence[Index] = ()) -> None:
        self.served: list[Served] = []
        handler = partial(_Handler, directory=str(folder), served=self.served, indexes=indexes)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
