"""An upstream in memory, with everything that a registry has and a folder has not: upload times, marks, companions, faults.

It passes the same contract suite as the real ones (`tests/contracts/test_upstream.py`).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from operator import attrgetter
from typing import BinaryIO, Final

from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import NotThere, ReconcilerError, Unreachable
from reconciler.model.packages import Listing, Release, RemoteFile
from reconciler.model.words import PackageKey, Sha256, Version
from reconciler.wire import Downloaded, copy

PACKAGES: Final = "https://packages.example/"
_ATTESTATIONS: Final = frozenset({".provenance", ".attestations"})
"""Companions that vouch for their file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A file on the shelf. `data` is what is announced; its name and version are those inside it."""

    data: bytes
    name: str
    key: PackageKey
    version: Version
    uploaded_at: datetime | None = None
    yanked: str | None = None
    companions: Mapping[str, bytes] = field(default_factory=dict)
    digest: bool = True


class Shelf:
    """An `Upstream`. A test may fill it, take it down, and let it serve other bytes than it announces.

    `served` replaces what is sent for a file, by name, with bytes or an error; `asked` lists what was looked up and fetched.
    """

    def __init__(self, name: str, ecosystem: Ecosystem) -> None:
        self.name = name
        self.items: dict[str, Item] = {}
        self.deprecated: dict[str, str] = {}
        self.served: dict[str, bytes | ReconcilerError] = {}
        self.down = False
        self.asked: list[str] = []
        self._ecosystem = ecosystem

    def place(
        self,
        filename: str,
        data: bytes,
        *,
        uploaded_at: datetime | None = None,
        yanked: str | None = None,
        companions: Mapping[str, bytes] | None = None,
        digest: bool = True,
    ) -> None:
        """Puts a file on the shelf, or replaces it; `digest`: whether the index announces size and digest."""
        inside = self._ecosystem.inspect(filename, io.BytesIO(data))
        self.items[filename] = Item(
            data=data,
            name=inside.name,
            key=self._ecosystem.normalize_name(inside.name),
            version=inside.version,
            uploaded_at=uploaded_at,
            yanked=yanked,
            companions=companions or {},
            digest=digest,
        )

    def discover(self, package_name: str) -> Listing:
        self._ask(package_name)
        found = [(name, item) for name, item in sorted(self.items.items()) if item.key == self._key(package_name)]
        if not found:
            message = f"{self.name} has no package {package_name}"
            raise NotThere(message)
        releases: dict[Version, list[RemoteFile]] = {}
        for name, item in found:
            releases.setdefault(item.version, []).append(_announced(name, item))
        listed = [Release(version=v, files=tuple(files), deprecated=self.deprecated.get(v.text)) for v, files in releases.items()]
        newest = max((item for _, item in found), key=attrgetter("version"))
        return Listing(name=newest.name, releases=tuple(sorted(listed, key=attrgetter("version"))))

    def fetch(self, file: RemoteFile, sink: BinaryIO, *, max_bytes: int) -> Downloaded:
        self._ask(file.name)
        data = self._sent(file.name, self._item(file).data)
        return copy(_pieces(data), sink, max_bytes=max_bytes, source=f"{file.name} of {self.name}")

    def fetch_companion(self, file: RemoteFile, suffix: str) -> bytes:
        self._ask(file.name + suffix)
        companions = self._item(file).companions
        if suffix not in companions:
            message = f"{self.name} has no {suffix} for {file.name}"
            raise NotThere(message)
        return self._sent(file.name + suffix, companions[suffix])

    def _key(self, package_name: str) -> PackageKey:
        try:
            return self._ecosystem.normalize_name(package_name)
        except ValueError as error:
            message = f"{package_name!r} is no name of a package: {error}"
            raise NotThere(message) from error

    def _item(self, file: RemoteFile) -> Item:
        """The file at this address, as for a registry."""
        item = self.items.get(file.url.removeprefix(PACKAGES))
        if item is None or not file.url.startswith(PACKAGES):
            message = f"{self.name} has no file {file.name}"
            raise NotThere(message)
        return item

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.down:
            message = f"{self.name} does not answer"
            raise Unreachable(message)

    def _sent(self, name: str, data: bytes) -> bytes:
        sent = self.served.get(name, data)
        if isinstance(sent, ReconcilerError):
            raise sent
        return sent


def _announced(name: str, item: Item) -> RemoteFile:
    return RemoteFile(
        name=name,
        url=PACKAGES + name,
        size=len(item.data) if item.digest else None,
        sha256=Sha256(sha256(item.data).hexdigest()) if item.digest else None,
        uploaded_at=item.uploaded_at,
        yanked=item.yanked,
        companions={suffix: f"{PACKAGES}{name}{suffix}" for suffix in item.companions},
        provenance=("attestation",) if item.companions.keys() & _ATTESTATIONS else (),
    )


def _pieces(data: bytes) -> Iterator[bytes]:
    middle = len(data) // 2
    yield data[:middle]
    yield data[middle:]
