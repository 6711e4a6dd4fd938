"""A store in memory that passes the same contract suite as the real ones (`tests/contracts/test_store.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from reconciler.errors import RevisionConflict
from reconciler.stores.interface import Entry, Revision, Stored
from reconciler.stores.local import check_key, check_prefix, revision_of


class MemoryStore:
    """`objects` and `content_types`, by key, may be looked at and spoiled by a test."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.content_types: dict[str, str] = {}
        self._lock = Lock()

    def get(self, key: str) -> Stored | None:
        check_key(key)
        data = self.objects.get(key)
        return None if data is None else Stored(data=data, revision=revision_of(data))

    def open(self, key: str) -> BinaryIO | None:
        found = self.get(key)
        return None if found is None else BytesIO(found.data)

    def list(self, prefix: str) -> Iterator[Entry]:
        check_prefix(prefix)
        found = sorted((key, len(data)) for key, data in self.objects.copy().items() if key.startswith(prefix))
        return (Entry(key=key, size=size) for key, size in found)

    def put(self, key: str, content: bytes | Path, *, content_type: str) -> None:
        check_key(key)
        if isinstance(content, Path):
            data = content.read_bytes()
            content.unlink()
        else:
            data = content
        self.objects[key] = data
        self.content_types[key] = content_type

    def put_if(self, key: str, data: bytes, *, content_type: str, expected: Revision | None) -> Revision:
        with self._lock:
            found = self.get(key)
            if (found and found.revision) != expected:
                message = f"{key} is not at the expected revision"
                raise RevisionConflict(message)
            self.put(key, data, content_type=content_type)
        return revision_of(data)

    def delete(self, key: str) -> None:
        check_key(key)
        with self._lock:
            self.objects.pop(key, None)
            self.content_types.pop(key, None)
