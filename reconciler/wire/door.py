"""`Wire`: asks for documents and files, again where that may help, and follows redirects by our own rules.

- Time: the whole request with its retries has a limit, against answers that drip.
- Retries: what may pass is asked three times: no connection, time-out, cut-off answer, 408, 425, 429, 5xx.
- Redirects are followed here, one request each: credentials go to their own host only, none leads from https to http, and none from a
  public upstream to an address inside this network. Cookies are not kept: an answer does not depend on earlier ones.
- What is posted is sent once, and follows no redirect: nobody knows whether a try that failed was carried out.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final, Self, TypeAlias, TypeVar

import httpx

from reconciler import __version__
from reconciler.errors import Malformed, Unreachable
from reconciler.model.packages import Document
from reconciler.wire.addresses import parsed, redacted, redirect_target, require_outside
from reconciler.wire.answers import DENIALS, Downloaded, Reply, Transient, check_status, copy, read_page
from reconciler.wire.cache import Kept, PageCache, worth_keeping
from reconciler.wire.credentials import Credentials
from reconciler.wire.transport import DEADLINE, FAULTS, Transport

MAX_REDIRECTS: Final = 5
TRIES: Final = 3

_MAX_REASON: Final = 500
"""Characters: the libraries cite what they cannot read, however long it is."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_NO_VARIABLES: Final[Mapping[str, str]] = MappingProxyType({})
_T = TypeVar("_T")
_Receive: TypeAlias = Callable[[httpx.Response], _T]
"""Reads an answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds: to connect; between two received pieces; before the second try; for a whole request with its retries."""

    connect: float = 10.0
    read: float = 30.0
    pause: float = 0.2
    document: float = 120.0
    download: float = 1800.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Question:
    """What is asked for, of the upstream with this declared address; `kept` is the page of an earlier pass."""

    url: str
    headers: Mapping[str, str]
    upstream: httpx.URL
    kept: Kept | None = field(default=None, repr=False)
    posted: bytes | None = field(default=None, repr=False)


class Wire:
    """A pool of connections, to be closed by `with`; may be used by several threads at once."""

    def __init__(
        self, timeouts: Timeouts = Timeouts(), *, environment: Mapping[str, str] = _NO_VARIABLES, cache: Path | None = None
    ) -> None:
        """`environment` has the variables of `credentials.py`; `cache` is the folder of `cache.py`, None for none.

        PreconditionFailed if HTTP cannot be set up as the environment asks.
        """
        self._timeouts = timeouts
        self._credentials = Credentials(environment)
        self._cache = PageCache(cache) if cache else None
        self._client = httpx.Client(
            transport=Transport(),
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": f"reconciler/{__version__}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, url: str, /, *, accept: str = "*/*", upstream: str | None = None) -> Document:
        """The decoded answer, of at most MAX_INDEX_BYTES, to a question of the upstream whose declared address is `upstream`.

        Without one the address is the user's own word. NotThere for 404 and 410, Unreachable for everything that may be different
        another time, Malformed for an address that is none, an answer that is too large or cannot be decoded, and a redirect (or
        address) to where none may lead.
        """
        declared = parsed(upstream or url)
        key, kept = None, None
        if self._cache:
            authorization = self._credentials.authorization(parsed(url), upstream=declared)
            key = self._cache.key(url=str(_bare(parsed(url))), accept=accept, authorization=authorization)
            kept = self._cache.find(key)

        def receive(response: httpx.Response) -> Document:
            if kept is not None and response.status_code == httpx.codes.NOT_MODIFIED:
                return kept.document
            body = read_page(response, source=redacted(url))
            media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            document = Document(url=str(response.request.url), content_type=media_type, body=body)
            if self._cache and key:
                new = worth_keeping(document, response.headers)
                if new or kept:
                    self._cache.keep(key, new)
            return document

        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        question = _Question(url=url, headers=headers, upstream=declared, kept=kept)
        return self._ask(question, receive=receive, seconds=self._timeouts.document)

    def download(self, url: str, sink: BinaryIO, *, max_bytes: int, upstream: str | None = None) -> Downloaded:
        """Streams a file into the sink, from where this stands; it must be seekable, as a second try begins there again.

        ContentMismatch as soon as the file is larger than `max_bytes`; otherwise as `get`. What the sink raises passes.
        """
        start = sink.tell()

        def receive(response: httpx.Response) -> Downloaded:
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                message = f"{redacted(url)} answers with an encoded file"
                raise Malformed(message)
            sink.seek(start)
            sink.truncate()
            return copy(response.iter_raw(), sink, max_bytes=max_bytes, source=redacted(url))

        question = _Question(url=url, headers={"Accept-Encoding": "identity"}, upstream=parsed(upstream or url))
        return self._ask(question, receive=receive, seconds=self._timeouts.download)

    def may_log_in(self, url: str, /) -> bool:
        """Whether there is a secret for this address."""
        return self._credentials.authorization(parsed(url), upstream=parsed(url)) is not None

    def post(self, url: str, document: bytes, /, *, accept: str, upstream: str) -> Reply:
        """Sends a JSON document, once; what was made of it, or why not (400, 409, 422).

        NotThere for 404 and 410, Unreachable for every other answer, a redirect too, and for none in time; Malformed as `get`.
        """
        headers = {"Accept": accept, "Accept-Encoding": "gzip", "Content-Type": "application/json"}
        question = _Question(url=url, headers=headers, upstream=parsed(upstream), posted=document)
        request = self._request(parsed(url), question, time.monotonic() + self._timeouts.document)
        try:
            with closing(self._client.send(request, stream=True, follow_redirects=False)) as response:
                if response.status_code in _REDIRECTS:
                    message = f"{redacted(url)} answers from elsewhere ({response.status_code})"
                    raise Unreachable(message)
                if response.status_code not in {httpx.codes.CREATED, *DENIALS}:
                    check_status(response)
                return Reply(status=response.status_code, body=read_page(response, source=redacted(url)))
        except (httpx.InvalidURL, ValueError) as error:  # as in `_follow`
            message = f"{redacted(url)} redirects to what is no address"
            raise Malformed(message) from error
        except (Transient, httpx.TransportError, *FAULTS) as error:
            raise _silent(url, error) from error

    def _ask(self, question: _Question, *, receive: _Receive[_T], seconds: float) -> _T:
        deadline = time.monotonic() + seconds
        for pause in (*(self._timeouts.pause * 2**number for number in range(TRIES - 1)), math.inf):
            try:
                return self._follow(question, receive=receive, deadline=deadline)
            except (Transient, httpx.TransportError, *FAULTS) as error:
                after = error.after if isinstance(error, Transient) else 0.0
                wait = max(after, pause * random.uniform(1, 1.5))  # noqa: S311  # spreads load, is no secret
                if time.monotonic() + wait > deadline:
                    raise _silent(question.url, error) from error
            time.sleep(wait)
        raise AssertionError  # the last round returns or raises

    def _follow(self, question: _Question, *, receive: _Receive[_T], deadline: float) -> _T:
        place = question.url
        for _ in range(MAX_REDIRECTS + 1):
            request = self._request(parsed(place), question, deadline)
            try:
                answer = self._client.send(request, stream=True, follow_redirects=False)
            except (httpx.InvalidURL, ValueError) as error:  # httpx reads a Location even if it is not to follow it
                message = f"{redacted(place)} redirects to what is no address"
                raise Malformed(message) from error
            with closing(answer) as response:
                if response.status_code not in _REDIRECTS:
                    if response.status_code != httpx.codes.NOT_MODIFIED or not _is_conditional(request):
                        check_status(response)
                    return receive(response)
            place = redirect_target(place, response.headers.get("location", ""))
        message = f"{redacted(question.url)} redirects more than {MAX_REDIRECTS} times"
        raise Unreachable(message)

    def _request(self, address: httpx.URL, question: _Question, deadline: float) -> httpx.Request:
        require_outside(address, upstream=question.upstream)
        headers = dict(question.headers)
        authorization = self._credentials.authorization(address, upstream=question.upstream)
        if authorization is not None:
            headers["Authorization"] = authorization
        bare = _bare(address)
        if question.kept is not None and question.kept.document.url == str(bare):
            headers |= question.kept.conditions
        timeout = httpx.Timeout(self._timeouts.read, connect=self._timeouts.connect)
        method = "GET" if question.posted is None else "POST"
        extensions = {DEADLINE: deadline}
        return self._client.build_request(method, bare, headers=headers, content=question.posted, timeout=timeout, extensions=extensions)


def _silent(url: str, error: Exception) -> Unreachable:
    message = f"{redacted(url)} cannot be read: {str(error)[:_MAX_REASON] or type(error).__name__}"
    return Unreachable(message, remedy="Run again when the upstream answers.")


def _bare(address: httpx.URL) -> httpx.URL:
    """As it is asked for: user name and password travel in a header, a fragment not at all."""
    return address.copy_with(userinfo=b"", fragment=None)


def _is_conditional(request: httpx.Request) -> bool:
    return "if-none-match" in request.headers or "if-modified-since" in request.headers
