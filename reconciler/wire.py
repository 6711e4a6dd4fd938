"""The one HTTP door: every byte from the network comes through a `Wire`, bounded in size and time.

HTTP/1.1 (RFC 9110, RFC 9112) by httpx. Proxies (`HTTPS_PROXY`, `NO_PROXY`, ...), `SSL_CERT_FILE` and `~/.netrc` are taken from
the environment, as pip and curl do. What httpx leaves open is decided here:

- Size: gzip is the only coding asked for, and is unpacked in steps, since one received piece may unpack to a thousand
  times its size. A download asks for no coding at all, as its digest is that of the file.
- Time: the whole request with its retries has a limit, against answers that drip. It is looked at whenever a piece of the body
  arrives (httpx offers no hook while headers arrive; these are bounded in size).
- Retries: what may pass is asked three times: no connection, time-out, cut-off answer, 408, 425, 429, 5xx.
- Redirects are followed here, one request each: a user name, password or netrc entry goes to its own host only, and none leads
  from https to http. Cookies are not kept: an answer does not depend on earlier ones.
- Only 404 and 410 mean "there is none". Messages show addresses without user name, password and query.
"""

from __future__ import annotations

import math
import random
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http.cookiejar import CookieJar, DefaultCookiePolicy
from netrc import NetrcParseError
from typing import BinaryIO, Final, Self, TypeAlias, TypeVar

import httpx

from reconciler import __version__
from reconciler.errors import ContentMismatch, Malformed, NotThere, PreconditionFailed, Unreachable
from reconciler.model.packages import Document
from reconciler.model.words import Sha256

MAX_INDEX_BYTES: Final = 64 * 1024 * 1024
"""The largest page of an index, unpacked: the largest packuments and simple pages are near 40 MiB."""
MAX_REDIRECTS: Final = 5
TRIES: Final = 3
MAX_RETRY_AFTER: Final = 10.0
"""Seconds."""

_PIECE_BYTES: Final = 256 * 1024
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TRANSIENT: Final = frozenset({408, 425, 429})
_T = TypeVar("_T")
_Receive: TypeAlias = Callable[[httpx.Response, float], _T]
"""Reads an answer, until a deadline of the monotonic clock."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds: to connect; between two received pieces; before the second try; for a whole request with its retries."""

    connect: float = 10.0
    read: float = 30.0
    pause: float = 0.2
    document: float = 120.0
    download: float = 1800.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Downloaded:
    """What was written to the sink: `size` in bytes."""

    size: int
    sha256: Sha256


class _Transient(Exception):
    """An answer, or none, that may be another one soon; `after` seconds if the server says so."""

    def __init__(self, reason: str, *, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class Wire:
    """A pool of connections, to be closed by `with`; may be used by several threads at once."""

    def __init__(self, timeouts: Timeouts = Timeouts()) -> None:
        self._timeouts = timeouts
        try:
            self._client = httpx.Client(
                auth=_netrc(),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                headers={"User-Agent": f"reconciler/{__version__}"},
                limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
            )
        except (OSError, ValueError, ImportError, NetrcParseError, httpx.InvalidURL) as error:
            message = f"HTTP cannot be set up as the environment asks (proxies, SSL_CERT_FILE, ~/.netrc): {error}"
            raise PreconditionFailed(message) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, url: str, /, *, accept: str = "*/*") -> Document:
        """The decoded answer, of at most MAX_INDEX_BYTES.

        NotThere for 404 and 410, Unreachable for everything that may be different another time, Malformed for an address that
        is none, an answer that is too large or cannot be decoded, and a redirect to where none may lead.
        """

        def receive(response: httpx.Response, deadline: float) -> Document:
            body = bytearray()
            try:
                for piece in _decoded(_pieces(response, deadline), response):
                    body += piece
                    if len(body) > MAX_INDEX_BYTES:
                        message = f"{redacted(url)} answers with more than {MAX_INDEX_BYTES} bytes"
                        raise Malformed(message)
            except zlib.error as error:
                message = f"{redacted(url)} answers with damaged gzip: {error}"
                raise Malformed(message) from error
            media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            return Document(url=str(response.request.url), content_type=media_type, body=bytes(body))

        return self._ask(url, {"Accept": accept, "Accept-Encoding": "gzip"}, receive=receive, seconds=self._timeouts.document)

    def download(self, url: str, sink: BinaryIO, *, max_bytes: int) -> Downloaded:
        """Streams a file into the sink, from where this stands; it must be seekable, as a second try begins there again.

        ContentMismatch as soon as the file is larger than `max_bytes`; otherwise as `get`. What the sink raises passes.
        """
        start = sink.tell()

        def receive(response: httpx.Response, deadline: float) -> Downloaded:
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                message = f"{redacted(url)} answers with an encoded file"
                raise Malformed(message)
            sink.seek(start)
            sink.truncate()
            return copy(_pieces(response, deadline), sink, max_bytes=max_bytes, source=redacted(url))

        return self._ask(url, {"Accept-Encoding": "identity"}, receive=receive, seconds=self._timeouts.download)

    def _ask(self, url: str, headers: Mapping[str, str], *, receive: _Receive[_T], seconds: float) -> _T:
        deadline = time.monotonic() + seconds
        for pause in (*(self._timeouts.pause * 2**number for number in range(TRIES - 1)), math.inf):
            try:
                return self._follow(url, headers, receive=receive, deadline=deadline)
            except (_Transient, httpx.TransportError) as error:
                after = error.after if isinstance(error, _Transient) else 0.0
                wait = max(after, pause * random.uniform(1, 1.5))  # noqa: S311  # spreads load, is no secret
                if time.monotonic() + wait > deadline:
                    message = f"{redacted(url)} cannot be read: {str(error) or type(error).__name__}"
                    raise Unreachable(message, remedy="Run again when the upstream answers.") from error
            time.sleep(wait)
        raise AssertionError  # the last round returns or raises

    def _follow(self, url: str, headers: Mapping[str, str], *, receive: _Receive[_T], deadline: float) -> _T:
        place = url
        for _ in range(MAX_REDIRECTS + 1):
            address = _parsed(place)
            auth = httpx.BasicAuth(address.username, address.password) if address.userinfo else httpx.USE_CLIENT_DEFAULT
            bare = address.copy_with(userinfo=b"", fragment=None)
            left = max(deadline - time.monotonic(), 0.001)
            timeout = httpx.Timeout(min(self._timeouts.read, left), connect=min(self._timeouts.connect, left))
            request = self._client.build_request("GET", bare, headers=headers, timeout=timeout)
            try:
                answer = self._client.send(request, stream=True, auth=auth, follow_redirects=False)
            except (httpx.InvalidURL, ValueError) as error:  # httpx reads a Location even if it is not to follow it
                message = f"{redacted(place)} redirects to what is no address"
                raise Malformed(message) from error
            with closing(answer) as response:
                if response.status_code not in _REDIRECTS:
                    _check_status(response)
                    return receive(response, deadline)
            place = redirect_target(place, response.headers.get("location", ""))
        message = f"{redacted(url)} redirects more than {MAX_REDIRECTS} times"
        raise Unreachable(message)


def redacted(url: str) -> str:
    """An address without user name, password, query and fragment: fit for messages. Takes any text."""
    scheme, separator, rest = url.partition("#")[0].partition("?")[0].partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"[:300]


def with_credentials(url: str, *, of: str) -> str:
    """The address with the user name and password of another one, if scheme, host and port are the same, else with none."""
    address, owner = _parsed(url), _parsed(of)
    same = (address.scheme, address.host, address.port) == (owner.scheme, owner.host, owner.port)
    return str(address.copy_with(userinfo=owner.userinfo if same else b""))


def without_credentials(url: str) -> str:
    return str(_parsed(url).copy_with(userinfo=b""))


def redirect_target(url: str, location: str) -> str:
    """Where an answer of `url` with this `Location` leads; Malformed for all but http and https, and from https to http."""
    address = _parsed(url)
    try:
        target = _parsed(str(address.join(location)))
    except (Malformed, httpx.InvalidURL, ValueError) as error:
        message = f"{redacted(url)} redirects to what is no http or https address: {redacted(location)!r}"
        raise Malformed(message) from error
    if not location or (address.scheme, target.scheme) == ("https", "http"):
        message = f"{redacted(url)} redirects {'from https to http' if location else 'without saying where'}"
        raise Malformed(message)
    return with_credentials(str(target), of=url)


def copy(pieces: Iterator[bytes], sink: BinaryIO, *, max_bytes: int, source: str) -> Downloaded:
    """Writes to the sink and digests; ContentMismatch as soon as there is more than `max_bytes`."""
    size, digest = 0, sha256()
    for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            message = f"{source} is larger than the {max_bytes} bytes that are admitted"
            raise ContentMismatch(message)
        digest.update(piece)
        sink.write(piece)
    return Downloaded(size=size, sha256=Sha256(digest.hexdigest()))


def _netrc() -> httpx.Auth | None:
    """The user's netrc file, as httpx knows it (looked up by host for each request)."""
    try:
        return httpx.NetRCAuth()
    except FileNotFoundError:
        return None


def _parsed(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
        if address.scheme in {"http", "https"} and address.host:
            return address
    except (httpx.InvalidURL, ValueError):
        pass
    # What is no URL may have its password anywhere before the "@".
    message = f"{redacted(url.rpartition('@')[2])!r} is no http or https address"
    raise Malformed(message)


def _check_status(response: httpx.Response) -> None:
    if (status := response.status_code) == httpx.codes.OK:
        return
    message = f"{redacted(str(response.request.url))} answered {status}"
    if status in {404, 410}:
        raise NotThere(message)
    if status in _TRANSIENT or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise _Transient(message, after=_retry_after(response.headers))
    if status in {401, 403}:
        raise Unreachable(message, remedy="Put user name and password for this host into ~/.netrc or the upstream's address.")
    raise Unreachable(message)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds to wait, as the server says, up to MAX_RETRY_AFTER; a date is compared with the server's own (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), MAX_RETRY_AFTER)
    try:
        seconds = (parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _pieces(response: httpx.Response, deadline: float) -> Iterator[bytes]:
    """The body as it is received, until the deadline."""
    for piece in response.iter_raw():
        if time.monotonic() > deadline:
            message = "the answer takes too long"
            raise _Transient(message)
        yield piece


def _decoded(pieces: Iterator[bytes], response: httpx.Response) -> Iterator[bytes]:
    coding = response.headers.get("content-encoding", "identity").lower()
    if coding in {"identity", "gzip", "x-gzip"}:
        return pieces if coding == "identity" else _unzipped(pieces)
    message = f"{redacted(str(response.request.url))} answers in the coding {coding[:40]!r}, which was not asked for"
    raise Malformed(message)


def _unzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Unpacks gzip (RFC 1952, several members too), at most _PIECE_BYTES at a time."""
    unpacker = None
    for received in pieces:
        piece, more = received, False
        while piece or more:
            unpacker = unpacker or zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            unpacked = unpacker.decompress(piece, _PIECE_BYTES)
            yield unpacked
            piece, more = unpacker.unconsumed_tail, len(unpacked) == _PIECE_BYTES
            if unpacker.eof:
                piece, more, unpacker = unpacker.unused_data, False, None
    if unpacker is not None:
        message = "the answer ends in the middle"
        raise _Transient(message)
