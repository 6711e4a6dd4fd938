"""Debian's nginx in front of a store, on a free port of loopback, with the configuration that `reconciler serve --print-nginx` gives.

    with Nginx(folder) as server:          # the port is reserved before, so that it can be the public_url
        server.start(configuration)        # ... printed for server.url, between apply and here, or later
        assert server.served()[0].path == "/approved-pypi/simple/mk-app/"

One process in the foreground, as whoever runs the tests, with everything that it writes in `folder`; ended by its process id.
"""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

SECONDS: Final = 10.0
"""How long it may take to start or to end."""
MAIN: Final = """\
daemon off;
master_process off;
pid nginx.pid;
error_log error.log notice;
events {}
http {
    client_body_temp_path temp/body;
    proxy_temp_path temp/proxy;
    fastcgi_temp_path temp/fastcgi;
    uwsgi_temp_path temp/uwsgi;
    scgi_temp_path temp/scgi;
    log_format served escape=json '$status\\t$request_method\\t$request_uri\\t$sent_http_content_type';
    access_log access.log served;
    include conf.d/*.conf;
}
"""
PLACES: Final = ("/usr/sbin/nginx", "/usr/local/sbin/nginx")
"""Where it is although it is on nobody's PATH but root's."""


def find_nginx() -> str | None:
    """The program."""
    return shutil.which("nginx") or next((place for place in PLACES if Path(place).is_file()), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """An answer that was given; the path as the client spelled it."""

    status: int
    method: str
    path: str
    content_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a client sees; names of headers in lower case, those that come twice joined as HTTP says."""

    status: int
    headers: dict[str, str]
    body: bytes


class Nginx:
    """`folder` is where it works: its configuration, logs and temporary files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._port = socket.socket()
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as nginx does: both may bind it, only nginx listens
        self._port.bind(("127.0.0.1", 0))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return int(self._port.getsockname()[1])

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=SECONDS)
        self._port.close()

    def write(self, configuration: str) -> None:
        """Puts the file into conf.d/, beside a plain nginx.conf."""
        for name in ("conf.d", "temp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "nginx.conf").write_text(MAIN, encoding="utf-8")
        (self.folder / "conf.d/feeds.conf").write_text(configuration, encoding="utf-8")

    def check(self) -> str:
        """What `nginx -t` says of the configuration, which must be well-formed and give no warning."""
        done = subprocess.run([*self._command(), "-t"], capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        assert "[warn]" not in done.stderr, done.stderr
        return done.stderr

    def start(self, configuration: str) -> None:
        """Returns when it answers."""
        self.write(configuration)
        self._process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                self.ask("GET", "/")
            except OSError:
                time.sleep(0.02)
            else:
                (self.folder / "access.log").write_bytes(b"")
                return
        raise AssertionError((self.folder / "error.log").read_text(encoding="utf-8"))

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Answer:
        """The answer to a request whose path is sent as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True, skip_host="Host" in (headers or {}))
            for name, value in {**(headers or {}), **({} if body is None else {"Content-Length": str(len(body))})}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            found: dict[str, str] = {}
            for name, value in response.getheaders():
                found[name.lower()] = f"{found[name.lower()]}, {value}" if name.lower() in found else value
            return Answer(status=response.status, headers=found, body=response.read())
        finally:
            connection.close()

    def served(self) -> list[Served]:
        """What clients have got since the start or the last `forget`; nginx writes a line after each answer, so one more is asked for."""
        self.ask("GET", "/-/last")
        rows = [line.split("\t") for line in (self.folder / "access.log").read_text(encoding="utf-8").splitlines()]
        served = (Served(status=int(row[0]), method=row[1], path=row[2], content_type=row[3]) for row in rows)
        return [one for one in served if one.path != "/-/last"]

    def forget(self) -> None:
        """Begins `served` anew."""
        self.served()
        (self.folder / "access.log").write_bytes(b"")

    def _command(self) -> list[str]:
        program = find_nginx()
        assert program is not None, "the test lacks the marker client('nginx')"
        return [program, "-p", str(self.folder), "-e", "error.log", "-c", "nginx.conf"]
