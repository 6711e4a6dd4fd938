"""What an answer means, and its body, bounded in size.

gzip is the only coding asked for, and is unpacked in steps, since one received piece may unpack to a thousand times its size. A download
asks for no coding at all, as its digest is that of the file.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import BinaryIO, Final

import httpx

from reconciler.errors import ContentMismatch, Malformed, NotThere, Unreachable
from reconciler.model.words import Sha256
from reconciler.wire.addresses import redacted
from reconciler.wire.credentials import how_to_log_in

MAX_INDEX_BYTES: Final = 64 * 1024 * 1024
"""The largest page of an index, unpacked: the largest packuments and simple pages are near 40 MiB."""
MAX_RETRY_AFTER: Final = 10.0
"""Seconds."""

DENIALS: Final = frozenset({400, 409, 422})
"""Answers to what was posted that say why nothing was made of it."""

_PIECE_BYTES: Final = 256 * 1024
_TRANSIENT: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, kw_only=True, slots=True)
class Downloaded:
    """What was written to the sink: `size` in bytes."""

    size: int
    sha256: Sha256


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a server says of a document that was sent to it."""

    status: int
    body: bytes

    @property
    def denied(self) -> bool:
        """Whether nothing was made of it."""
        return self.status in DENIALS


class Transient(Exception):
    """An answer, or none, that may be another one soon; `after` seconds if the server says so."""

    def __init__(self, reason: str, *, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


def check_status(response: httpx.Response) -> None:
    """Raises NotThere, Transient or Unreachable for all but 200."""
    if (status := response.status_code) == httpx.codes.OK:
        return
    message = f"{redacted(str(response.request.url))} answered {status}"
    if status in {404, 410}:
        raise NotThere(message)
    if status in _TRANSIENT or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise Transient(message, after=_retry_after(response.headers))
    if status == httpx.codes.FORBIDDEN and _is_used_up(response.headers):
        message += ": for now it takes no more requests"
        raise Transient(message, after=_retry_after(response.headers)) if "retry-after" in response.headers else Unreachable(message)
    if status in {401, 403}:
        # In the message and not the remedy: of an upstream that cannot be read, a plan tells the message only.
        message += f"; {how_to_log_in(response.request.url)}"
    raise Unreachable(message)


def _is_used_up(headers: Mapping[str, str]) -> bool:
    """Whether a refusal means "later": GitHub refuses so who has asked too often (.../rest/using-the-rest-api/rate-limits-for-the-rest-api)."""
    return "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"


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


def read_page(response: httpx.Response, *, source: str) -> bytes:
    """The decoded body; Malformed for more than MAX_INDEX_BYTES, and for what cannot be decoded."""
    body = bytearray()
    try:
        for piece in _decoded(response):
            body += piece
            if len(body) > MAX_INDEX_BYTES:
                message = f"{source} answers with more than {MAX_INDEX_BYTES} bytes"
                raise Malformed(message)
    except zlib.error as error:
        message = f"{source} answers with damaged gzip: {error}"
        raise Malformed(message) from error
    return bytes(body)


def _decoded(response: httpx.Response) -> Iterator[bytes]:
    coding = response.headers.get("content-encoding", "identity").lower()
    if coding in {"identity", "gzip", "x-gzip"}:
        return response.iter_raw() if coding == "identity" else _unzipped(response.iter_raw())
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
        raise Transient(message)


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
