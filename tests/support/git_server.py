"""A git server over HTTP on loopback: `git http-backend` as a CGI program behind the standard library's server.

    with GitServer(folder) as server:                 # every bare repository in the folder
        git clone {server.url}/place.git

https://git-scm.com/docs/git-http-backend, https://www.rfc-editor.org/rfc/rfc3875 (CGI). Whoever asks may read; pushing is git's to refuse.
`down` makes it answer 503 from then on, `asked` are the requests so far.
"""

from __future__ import annotations

import subprocess
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

from tests.support.repositories import isolated_environment

BACKEND: Final = ("git", "http-backend")


class _Bridge(BaseHTTPRequestHandler):
    """One request, one process of the backend."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, of: GitServer, **extra: Any) -> None:
        self._of = of
        super().__init__(*args, **extra)

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def _body(self) -> bytes:
        """What the client sends: of a length that it says, or in chunks, as git does from a megabyte on."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = bytearray()
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(found)

    def _answer(self, body: bytes) -> None:
        self._of.asked.append(self.path)
        if self._of.down:
            self._send(503, [("Content-Type", "text/plain")], b"Service unavailable\n")
            return
        done = subprocess.run(BACKEND, input=body, env=self._environment(len(body)), stdout=subprocess.PIPE, check=False, timeout=60)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in head.decode().splitlines())]
        status = next((int(value.split()[0]) for name, value in fields if name.lower() == "status"), 200 if head else 500)
        self._send(status, [field for field in fields if field[0].lower() != "status"], content)

    def _environment(self, length: int) -> dict[str, str]:
        address = urlsplit(self.path)
        return isolated_environment(
            GIT_PROJECT_ROOT=str(self._of.folder),
            GIT_HTTP_EXPORT_ALL="1",
            GIT_PROTOCOL=self.headers.get("Git-Protocol", ""),
            REQUEST_METHOD=self.command,
            PATH_INFO=unquote(address.path),
            QUERY_STRING=address.query,
            CONTENT_TYPE=self.headers.get("Content-Type", ""),
            CONTENT_LENGTH=str(length),
            HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
            REMOTE_ADDR=self.client_address[0],
        )

    def _send(self, status: int, fields: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Tests read `asked` instead."""


class GitServer:
    """Serves the bare repositories of a folder between `with` and its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.down = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Bridge, of=self))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def publish(self, repository: Path, name: str) -> str:
        """Serves a bare copy of a repository, which takes pushes of anybody and gives parts of objects; its address."""
        target = self.folder / name
        run = partial(subprocess.run, env=isolated_environment(), check=True, capture_output=True)
        run(["git", "clone", "-q", "--bare", "--no-local", str(repository), str(target)])
        for key in ("http.receivepack", "uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
            run(["git", "-C", str(target), "config", key, "true"])
        return f"{self.url}/{name}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
