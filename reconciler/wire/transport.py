"""Connections: direct ones and those through proxies, each wait of which ends at the deadline of the request that it is for.

httpx measures the time between two received pieces only, so a server that sends its headers byte by byte could hold a request for days.
Here httpcore's network streams (https://www.encode.io/httpcore/network-backends/, the documented place for this) wait no longer than is
left until the deadline. httpx offers no way to give its own transport such a backend; this is why proxies are chosen here: those of the
environment, as the standard library reads it (`http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`), which is where httpx takes them from.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from reconciler.errors import PreconditionFailed

DEADLINE: Final = "deadline"
"""The extension of a request that says until when, on the monotonic clock, it may take."""
TOO_LONG: Final = "the answer takes too long"
FAULTS: Final = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)
"""What sending a request and reading its answer may raise: all of it may be different another time."""

_MAX_CONNECTIONS: Final = 64
_MAX_IDLE: Final = 32
_IDLE_SECONDS: Final = 5.0


class Transport(httpx.BaseTransport):
    """Pools of connections, one for each proxy; may be used by several threads at once."""

    def __init__(self) -> None:
        """PreconditionFailed if proxies or certificates of the environment cannot be used."""
        self._backend = _Backend()
        self._tls = _trusted()
        self._direct = httpcore.ConnectionPool(**self._pool_options())
        proxies = {scheme: address for scheme, address in getproxies().items() if scheme in {"http", "https", "all"} and address}
        pools = {address: self._through(scheme, address) for scheme, address in sorted(proxies.items())}
        self._proxied: Mapping[str, httpcore.ConnectionPool] = {scheme: pools[address] for scheme, address in proxies.items()}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request, whose body is in memory. Raises FAULTS, and so does reading the answer."""
        self._backend.clock.deadline = request.extensions[DEADLINE]
        url = httpcore.URL(scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path)
        body, extensions = request.read(), request.extensions
        asked = httpcore.Request(method=request.method, url=url, headers=request.headers.raw, content=body, extensions=extensions)
        answer = self._pool(request.url).handle_request(asked)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        for pool in {self._direct, *self._proxied.values()}:
            pool.close()

    def _pool(self, url: httpx.URL) -> httpcore.ConnectionPool:
        pool = self._proxied.get(url.scheme) or self._proxied.get("all")
        return self._direct if pool is None or proxy_bypass(url.netloc.decode("ascii")) else pool

    def _pool_options(self) -> dict[str, Any]:
        return {
            "ssl_context": self._tls,
            "max_connections": _MAX_CONNECTIONS,
            "max_keepalive_connections": _MAX_IDLE,
            "keepalive_expiry": _IDLE_SECONDS,
            "network_backend": self._backend,
        }

    def _through(self, scheme: str, address: str) -> httpcore.ConnectionPool:
        try:
            proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
            target = httpcore.URL(scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=b"/")
            kind = httpcore.SOCKSProxy if proxy.url.scheme.startswith("socks") else httpcore.HTTPProxy
            return kind(proxy_url=target, proxy_auth=proxy.raw_auth, **self._pool_options())
        except (ValueError, RuntimeError, httpx.InvalidURL):  # RuntimeError: what SOCKS needs is not installed
            # Neither the address, which may have a password, nor what the error cites of it.
            message = f"the proxy that the environment names in {scheme}_proxy is none that can be used"
            raise PreconditionFailed(message) from None


def _trusted() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except (OSError, ValueError) as error:
        message = f"the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read: {error}"
        raise PreconditionFailed(message) from error


class _Body(httpx.SyncByteStream):
    """The body of an answer, as it is received."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Clock(threading.local):
    """How long this thread may wait: a request is sent and its answer read by one thread."""

    deadline: float = 0.0

    def left(self, seconds: float | None) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout(TOO_LONG)
        return left if seconds is None else min(seconds, left)


class _Backend(httpcore.NetworkBackend):
    """Opens connections whose streams look at the clock."""

    def __init__(self) -> None:
        self.clock: Final = _Clock()
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options: Any = None
    ) -> httpcore.NetworkStream:
        stream = self._backend.connect_tcp(host, port, self.clock.left(timeout), local_address, socket_options)
        return _Stream(stream, self.clock)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, clock: _Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._stream.read(max_bytes, self._clock.left(timeout))
        except httpcore.ReadTimeout:
            self._clock.left(timeout)  # says so where the time is over for the whole request
            raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._clock.left(timeout)), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
