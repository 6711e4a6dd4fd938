"""Subresource Integrity: digests of a file as indexes and lock files write them, "sha512-<base64>".

https://www.w3.org/TR/SRI/, with SHA-1 as npm writes it for packages from before 2017. Of several algorithms the strongest alone
decides, as the specification says; of several digests of it one must fit. An unknown algorithm says nothing.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from typing import BinaryIO, Final

MAX_LENGTH: Final = 4096

_ALGORITHMS: Final = ("sha512", "sha384", "sha256", "sha1")
"""Strongest first."""
_CHUNK_BYTES: Final = 1024 * 1024
_TOKEN: Final = re.compile(r"([a-z0-9]+)-([A-Za-z0-9+/]+={0,2})(?:\?\S*)?", re.ASCII)


def integrity_of(algorithm: str, digest: bytes) -> str:
    """A digest in this form."""
    return f"{algorithm}-{b64encode(digest).decode()}"


def strongest(integrity: str) -> str | None:
    """What decides: the digests of the strongest algorithm, without options; None if there is none that can be compared."""
    digests = _digests(integrity)
    algorithm = _decisive(digests)
    return None if algorithm is None else " ".join(integrity_of(algorithm, digest) for digest in digests[algorithm])


def matches_integrity(integrity: str, stream: BinaryIO) -> bool | None:
    """Whether the bytes of a stream, from where it stands to its end, are those meant; None if that cannot be told."""
    digests = _digests(integrity)
    algorithm = _decisive(digests)
    if algorithm is None:
        return None
    found = hashlib.new(algorithm, usedforsecurity=False)
    while chunk := stream.read(_CHUNK_BYTES):
        found.update(chunk)
    return found.digest() in digests[algorithm]


def _decisive(digests: dict[str, list[bytes]]) -> str | None:
    return next((algorithm for algorithm in _ALGORITHMS if algorithm in digests), None)


def _digests(integrity: str) -> dict[str, list[bytes]]:
    """Well-formed digests by algorithm, in the order in which they are written."""
    found: dict[str, list[bytes]] = {}
    for token in integrity.split() if len(integrity) <= MAX_LENGTH else ():
        match = _TOKEN.fullmatch(token)
        if match is None or match[1] not in _ALGORITHMS:
            continue
        try:
            digest = b64decode(match[2], validate=True)
        except ValueError:
            continue
        if len(digest) == hashlib.new(match[1], usedforsecurity=False).digest_size and digest not in found.get(match[1], ()):
            found.setdefault(match[1], []).append(digest)
    return found
