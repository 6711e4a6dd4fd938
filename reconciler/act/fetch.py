"""One approved version, fetched and proven: every file is the reviewed one and says that it is the package it should be.

What a file must be is said in `ecosystems/proof.py`. Nothing is put into feed storage before all files of the version have passed. What lies there already is proven in place instead of
fetched again: after a killed pass, and where only one of several files has to be repaired. A repair brings back the recorded bytes;
those that the registry has signed again since are the reviewed ones, too, but not the published ones.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Protocol

from reconciler.act.feed_storage import Content, FeedStorage
from reconciler.ecosystems.interface import Ecosystem
from reconciler.ecosystems.proof import most_bytes, prove
from reconciler.errors import ArchiveRefused, ContentMismatch, IntegrityError
from reconciler.model.declared import ApprovedFile
from reconciler.model.marks import traits_of
from reconciler.model.packages import Inspection, PublishedFile, RemoteFile, companion_name
from reconciler.model.plan import Change
from reconciler.model.words import Identity, Sha256
from reconciler.stores.spool import spooling
from reconciler.wire import Downloaded


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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Proven:
    """The bytes of a file that passed; `path` is empty for what lies in feed storage already."""

    path: Path
    got: Downloaded
    inspection: Inspection


def fetch(change: Change, source: Source, storage: FeedStorage, ecosystem: Ecosystem, *, folder: Path) -> tuple[Delivery, ...]:
    """The approved files, downloaded into a folder of this change's own or found in feed storage; raises what upstream or content earn."""
    remotes: Mapping[str, RemoteFile] = {file.name: file for file in change.release.files} if change.release else {}
    recorded = _recorded(change, storage)
    deliveries = []
    for number, approved in enumerate(change.files):
        remote, before = remotes[approved.name], recorded.get(approved.name)
        proven = _in_place(change.identity, approved, storage, ecosystem)
        if proven is None:
            path = folder / str(number)  # never a name from outside
            proven = _download(change.identity, approved, source, ecosystem, remote=remote, path=path)
        if before is None:
            fetched = {suffix: source.fetch_companion(remote, suffix) for suffix in sorted(remote.companions)}
            companions: Mapping[str, bytes] = fetched | dict(proven.inspection.companions)
            published = _published(approved, proven, companions, remote=remote)
            _require_judged(change, published)
        else:
            published = before
            companions = _as_recorded(before, proven, change.identity, storage, source=source, remote=remote)
        deliveries.append(_delivery(proven, published, companions))
    return tuple(deliveries)


def reread(change: Change, storage: FeedStorage, ecosystem: Ecosystem) -> tuple[Delivery, ...]:
    """The files of a version that lies in feed storage without a record, proven in place."""
    deliveries = []
    for approved in change.files:
        proven = _in_place(change.identity, approved, storage, ecosystem)
        if proven is None:
            message = f"{approved.name} has vanished from feed storage"
            raise IntegrityError(message)
        companions = proven.inspection.companions
        published = _published(approved, proven, companions, remote=None)
        _require_judged(change, published)
        deliveries.append(_delivery(proven, published, companions))
    return tuple(deliveries)


def _recorded(change: Change, storage: FeedStorage) -> Mapping[str, PublishedFile]:
    """The files that the feed's record of this version names."""
    package = storage.packages.get(change.identity.package)
    versions = package.versions if package else ()
    return {file.name: file for version in versions if version.version.key == change.identity.version for file in version.files}


# --- bytes ------------------------------------------------------------------------------------------------------------------------


def _download(
    identity: Identity, approved: ApprovedFile, source: Source, ecosystem: Ecosystem, *, remote: RemoteFile, path: Path
) -> _Proven:
    with spooling(approved.name, approved.size), path.open("w+b") as sink:
        got = source.fetch(remote, sink, max_bytes=most_bytes(approved))
        sink.seek(0)
        inspection = prove(identity, approved, sink, sha256=got.sha256, size=got.size, ecosystem=ecosystem)
        return _Proven(path=path, got=got, inspection=inspection)


def _in_place(identity: Identity, approved: ApprovedFile, storage: FeedStorage, ecosystem: Ecosystem) -> _Proven | None:
    """The file as it lies in feed storage; None where there is none, IntegrityError for any other than the approved one."""
    stream = storage.open(identity, approved.name)
    if stream is None:
        return None
    with stream:
        sha256 = Sha256(hashlib.file_digest(stream, "sha256").hexdigest())  # type: ignore[arg-type]  # wants a wider type than it uses
        got = Downloaded(size=stream.seek(0, os.SEEK_END), sha256=sha256)  # file_digest may leave the position where it was
        stream.seek(0)
        try:
            inspection = prove(identity, approved, stream, sha256=got.sha256, size=got.size, ecosystem=ecosystem)
            return _Proven(path=Path(), got=got, inspection=inspection)
        except (ContentMismatch, ArchiveRefused) as error:
            message = (
                f"{approved.name} of {identity.package} {identity.version} lies in feed storage and cannot be what was approved: {error}"
            )
            raise IntegrityError(message, remedy="nothing was overwritten; find out who wrote it, then remove it by hand") from error


# --- what is published of them ----------------------------------------------------------------------------------------------------


def _as_recorded(
    before: PublishedFile, proven: _Proven, identity: Identity, storage: FeedStorage, *, source: Source, remote: RemoteFile
) -> Mapping[str, bytes]:
    """The companions as they were recorded, from feed storage or else from upstream; ContentMismatch if only other bytes can be had."""
    if proven.got.sha256 != before.sha256:
        message = f"{before.name}: signed otherwise than the published file (sha256 {proven.got.sha256}; published was {before.sha256})"
        raise ContentMismatch(message, remedy="restore the file from a backup of the store")
    found: dict[str, bytes] = {}
    for suffix, digest in sorted(before.companions.items()):
        data = _read(storage, identity, companion_name(before.name, suffix))
        if data is None or hashlib.sha256(data).hexdigest() != digest:
            data = proven.inspection.companions.get(suffix) or source.fetch_companion(remote, suffix)
        if hashlib.sha256(data).hexdigest() != digest:
            message = (
                f"{companion_name(before.name, suffix)}: only other bytes than the recorded ones can be had (sha256 {digest} was recorded)"
            )
            raise ContentMismatch(message, remedy="restore the file from a backup of the store")
        found[suffix] = data
    return found


def _read(storage: FeedStorage, identity: Identity, file: str) -> bytes | None:
    stream = storage.open(identity, file)
    if stream is None:
        return None
    with stream:
        return stream.read()


def _published(approved: ApprovedFile, proven: _Proven, companions: Mapping[str, bytes], *, remote: RemoteFile | None) -> PublishedFile:
    return PublishedFile(
        name=approved.name,
        size=proven.got.size,
        sha256=proven.got.sha256,
        content_hash=proven.inspection.content_hash,
        uploaded_at=remote.uploaded_at if remote else None,
        yanked=remote.yanked if remote else None,
        companions={suffix: Sha256(hashlib.sha256(data).hexdigest()) for suffix, data in companions.items()},
        metadata=proven.inspection.metadata,
        announced=remote.announced if remote else {},
        traits=traits_of(proven.inspection, remote),
    )


def _require_judged(change: Change, published: PublishedFile) -> None:
    """ContentMismatch if the policies have judged something else: what a content hash does not cover, a signature, is there no more."""
    judged, traits = change.traits.get(published.name), published.traits
    if judged is None or traits is None:
        return
    gone = sorted(set(judged.provenance) - set(traits.provenance))
    if gone or replace(judged, provenance=()) != replace(traits, provenance=()):
        message = f"{published.name}: not as it was judged{f', without its {gone[0]}' if gone else ''}"
        raise ContentMismatch(message, remedy="the next pass looks into it again")


def _delivery(proven: _Proven, published: PublishedFile, companions: Mapping[str, bytes]) -> Delivery:
    return Delivery(content=Content(path=proven.path, published=published, companions=companions), inspection=proven.inspection)
