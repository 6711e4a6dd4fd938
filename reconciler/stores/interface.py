"""What a store is: objects under keys, with compare-and-swap for the few that change.

A key is a relative path of printable ASCII segments joined by "/", without empty, "." and ".." segments and without a
segment that begins with "." (those are the store's own). Adding a store: a module with a class that satisfies `Store`, a row in
`reconciler/stores/__init__.py`; the contract suite in `tests/contracts/` picks it up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NewType, Protocol

Revision = NewType("Revision", str)
"""Opaque; equal revisions of one key mean equal content."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """An object that was read."""

    data: bytes
    revision: Revision


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An object in a listing; `size` in bytes."""

    key: str
    size: int


class Store(Protocol):
    """Feed storage as objects. Every method raises StoreUnavailable when the store cannot be read or written.

    A reader sees an object whole or not at all, the old or the new content, never a mixture: also when the writer is killed.
    """

    def get(self, key: str) -> Stored | None:
        """The object, or None where there is none."""

    def open(self, key: str) -> BinaryIO | None:
        """The object as a stream, for what is too large for memory; None where there is none. The caller closes it."""

    def list(self, prefix: str) -> Iterator[Entry]:
        """All objects whose key begins with the prefix ("" or ending in "/"), sorted by key. Nothing half-written is listed."""

    def put(self, key: str, content: bytes | Path, *, content_type: str) -> None:
        """Writes an object that nobody else writes differently (content-addressed, or verified by digest before).

        A Path is consumed: the file may be moved into the store.
        """

    def put_if(self, key: str, data: bytes, *, content_type: str, expected: Revision | None) -> Revision:
        """Compare-and-swap: writes if the object is at `expected` (None: if there is no object), returns the new revision.

        Raises RevisionConflict, and writes nothing, otherwise.
        """

    def delete(self, key: str) -> None:
        """Removes the object; nothing happens where there is none."""
