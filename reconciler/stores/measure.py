"""Reading an object of a store to its end, holding none of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from reconciler.model.words import Sha256
from reconciler.stores.interface import Store

CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """An object as it lies in the store: its size in bytes and their digest."""

    size: int
    sha256: Sha256


def measure(store: Store, key: str) -> Measured | None:
    """Size and digest of an object; None where there is none."""
    stream = store.open(key)
    if stream is None:
        return None
    digest, size = hashlib.sha256(), 0
    with stream:
        for piece in pieces(stream):
            digest.update(piece)
            size += len(piece)
    return Measured(size=size, sha256=Sha256(digest.hexdigest()))


def pieces(stream: BinaryIO) -> Iterator[bytes]:
    """What is left of a stream, at most CHUNK_BYTES at a time."""
    while piece := stream.read(CHUNK_BYTES):
        yield piece
