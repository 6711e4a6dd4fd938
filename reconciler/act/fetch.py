"""One approved version, fetched and proven: every file is the reviewed one and says that it is the package it should be.

A file is accepted when its SHA-256 is the approved one or, for a package that its registry has signed again, its content hash.
Nothing is put into feed storage before all files of the version have passed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from reconciler.act.feed_storage import Content, FeedStorage
from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import ContentMismatch, IntegrityError
from reconciler.model.declared import ApprovedFile
from reconciler.model.packages import Inspection, PublishedFile, RemoteFile
from reconciler.model.plan import Change
from reconciler.model.words import Identity, Sha256
from reconciler.wire import Downloaded

RESIGNING_BYTES = 1 << 20
"""How much larger a package may be than the reviewed one where its content hash decides: a signature and its timestamps."""


class Source(Protocol):
    """Where bytes come from; `observe.upstreams.Upstream` is one."""

    def fetch(self, file: RemoteFile, sink: BinaryIO, *, max_bytes: int) -> Downloaded:
        """Streams a file into the sink; its size and digest."""

    def fetch_companion(self, file: RemoteFile, suffix: str) -> bytes:
        """What belongs to a file and is not inside it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A file that passed."""

    content: Content
    inspection: Inspection


def fetch(change: Change, source: Source, ecosystem: Ecosystem, folder: Path) -> tuple[Delivery, ...]:
    """Downloads the approved files into a folder of this change's own, verified; raises what the upstream or the content earns."""
    remotes: Mapping[str, RemoteFile] = {file.name: file for file in change.release.files} if change.release else {}
    deliveries = []
    for number, approved in enumerate(change.files):
        path = folder / str(number)  # never a name from outside
        remote = remotes[approved.name]
        allowance = RESIGNING_BYTES if approved.content_hash else 0
        with path.open("w+b") as sink:
            got = source.fetch(remote, sink, max_bytes=approved.size + allowance)
            sink.seek(0)
            inspection = _prove(change.identity, approved, sink, got=got, ecosystem=ecosystem)
        companions = {suffix: source.fetch_companion(remote, suffix) for suffix in sorted(remote.companions)} | dict(inspection.companions)
        published = _published(approved, inspection, companions, remote=remote, got=got)
        deliveries.append(Delivery(content=Content(path=path, published=published, companions=companions), inspection=inspection))
    return tuple(deliveries)


def reread(change: Change, storage: FeedStorage, ecosystem: Ecosystem) -> tuple[Delivery, ...]:
    """The files of a version that lies in feed storage without a record, proven in place."""
    deliveries = []
    for approved in change.files:
        stream = storage.open(change.identity, approved.name)
        if stream is None:
            message = f"{approved.name} has vanished from feed storage"
            raise IntegrityError(message)
        with stream:
            sha256 = Sha256(hashlib.file_digest(stream, "sha256").hexdigest())  # type: ignore[arg-type]  # wants a wider type than it uses
            got = Downloaded(size=stream.tell(), sha256=sha256)
            stream.seek(0)
            inspection = _prove(change.identity, approved, stream, got=got, ecosystem=ecosystem)
        published = _published(approved, inspection, inspection.companions, remote=None, got=got)
        content = Content(path=Path(), published=published, companions=inspection.companions)
        deliveries.append(Delivery(content=content, inspection=inspection))
    return tuple(deliveries)


def _prove(identity: Identity, approved: ApprovedFile, stream: BinaryIO, *, got: Downloaded, ecosystem: Ecosystem) -> Inspection:
    if got.sha256 != approved.sha256 and approved.content_hash is None:
        message = f"{approved.name}: the upstream's bytes are not the approved ones (sha256 {got.sha256}, {got.size} bytes; approved {approved.sha256}, {approved.size} bytes)"
        raise ContentMismatch(message)
    inspection = ecosystem.inspect(approved.name, stream)
    if got.sha256 != approved.sha256 and inspection.content_hash != approved.content_hash:
        message = f"{approved.name}: neither sha256 ({got.sha256}) nor content hash ({inspection.content_hash}) is the approved one"
        raise ContentMismatch(message)
    inside = Identity(feed=identity.feed, package=ecosystem.normalize_name(inspection.name), version=inspection.version.key)
    if inside != identity:
        message = f"{approved.name} says that it is {inspection.name} {inspection.version.text}, not {identity.package} {identity.version}"
        raise ContentMismatch(message)
    return inspection


def _published(
    approved: ApprovedFile, inspection: Inspection, companions: Mapping[str, bytes], *, remote: RemoteFile | None, got: Downloaded
) -> PublishedFile:
    return PublishedFile(
        name=approved.name,
        size=got.size,
        sha256=got.sha256,
        content_hash=inspection.content_hash,
        uploaded_at=remote.uploaded_at if remote else None,
        yanked=remote.yanked if remote else None,
        companions={suffix: Sha256(hashlib.sha256(data).hexdigest()) for suffix, data in companions.items()},
        metadata=inspection.metadata,
    )
