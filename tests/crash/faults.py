"""A store that fails at the n-th write, in the ways in which real ones do; else it is the store that it wraps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Literal, TypeAlias

from reconciler.errors import StoreUnavailable
from reconciler.stores.interface import Entry, Revision, Store, Stored

Fault: TypeAlias = Literal["killed", "refused", "unacknowledged"]
"""What happens at the write: the process dies before it, so after the one before; the store says no, once; or it writes and yet says no."""


class Killed(BaseException):
    """The process is gone: no handler for errors sees this."""


class FaultyStore:
    """Fails at write number `at` (from 1; 0: never). A killed process writes nothing any more, in whatever thread. `log` has all writes."""

    def __init__(self, store: Store, *, at: int = 0, fault: Fault = "killed") -> None:
        self.log: list[str] = []
        self._store = store
        self._at = at
        self._fault = fault
        self._dead = False
        self._lock = Lock()

    def get(self, key: str) -> Stored | None:
        return self._store.get(key)

    def open(self, key: str) -> BinaryIO | None:
        return self._store.open(key)

    def list(self, prefix: str) -> Iterator[Entry]:
        return self._store.list(prefix)

    def put(self, key: str, content: bytes | Path, *, content_type: str) -> None:
        with self._lock:
            self._before(f"put {key}")
            self._store.put(key, content, content_type=content_type)
            self._after()

    def put_if(self, key: str, data: bytes, *, content_type: str, expected: Revision | None) -> Revision:
        with self._lock:
            self._before(f"put_if {key}")
            revision = self._store.put_if(key, data, content_type=content_type, expected=expected)
            self._after()
        return revision

    def delete(self, key: str) -> None:
        with self._lock:
            self._before(f"delete {key}")
            self._store.delete(key)
            self._after()

    def _before(self, what: str) -> None:
        if self._dead:
            raise Killed
        self.log.append(what)
        if len(self.log) == self._at and self._fault == "killed":
            self._dead = True
            raise Killed
        if len(self.log) == self._at and self._fault == "refused":
            message = "no answer"
            raise StoreUnavailable(message)

    def _after(self) -> None:
        if len(self.log) == self._at and self._fault == "unacknowledged":
            message = "no answer"
            raise StoreUnavailable(message)
