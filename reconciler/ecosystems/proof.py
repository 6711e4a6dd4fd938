"""Whether an archive is the one that was approved: before anything is decided by what is in it, and again before it is published.

A file is accepted when its SHA-256 is the approved one or, for a package that its registry has signed again, its content hash; and when it
says itself that it is the version that was approved.
"""

from __future__ import annotations

from typing import BinaryIO, Final

from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import ContentMismatch
from reconciler.model.declared import ApprovedFile
from reconciler.model.packages import Inspection
from reconciler.model.words import Identity, Sha256

RESIGNING_BYTES: Final = 1 << 20
"""How much larger a package may be than the reviewed one where its content hash decides: a signature and its timestamps."""


def most_bytes(approved: ApprovedFile) -> int:
    """What an approved file may have at most."""
    return approved.size + (RESIGNING_BYTES if approved.content_hash else 0)


def prove(identity: Identity, approved: ApprovedFile, archive: BinaryIO, *, sha256: Sha256, size: int, ecosystem: Ecosystem) -> Inspection:
    """What is in the archive (at position 0; its digest and its size in bytes are given).

    ContentMismatch where it is not what was approved, ArchiveRefused where it cannot be read.
    """
    if sha256 != approved.sha256 and approved.content_hash is None:
        message = f"{approved.name}: these bytes are not the approved ones (sha256 {sha256}, {size} bytes; approved {approved.sha256}, {approved.size} bytes)"
        raise ContentMismatch(message)
    inspection = ecosystem.inspect(approved.name, archive)
    if sha256 != approved.sha256 and inspection.content_hash != approved.content_hash:
        message = f"{approved.name}: neither sha256 ({sha256}) nor content hash ({inspection.content_hash}) is the approved one"
        raise ContentMismatch(message)
    try:
        inside = Identity(feed=identity.feed, package=ecosystem.normalize_name(inspection.name), version=inspection.version.key)
    except ValueError:  # it calls itself what is no name
        inside = None
    if inside != identity:
        message = f"{approved.name} says that it is {inspection.name[:200]!a} {inspection.version.text}, not {identity.package} {identity.version}"
        raise ContentMismatch(message)
    return inspection
