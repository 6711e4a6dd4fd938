"""Where the dump of an ecosystem is: what `advisories: {source: ...}` in feeds.yaml means.

osv.dev       the dumps that OSV publishes (https://google.github.io/osv.dev/data/#data-dumps)
https://...   a mirror of them: <address>/<ecosystem>/all.zip
./advisories  a folder, relative to the repository, or absolute: <folder>/<ecosystem>/all.zip, or the records themselves in
              <folder>/<ecosystem>/: *.json, *.jsonl, *.jsonl.gz
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast
from urllib.parse import quote

from reconciler.errors import NotThere, Unreachable
from reconciler.model.declared import OSV
from reconciler.observe.osv.members import Member, folder_members, zip_members
from reconciler.stores.spool import spooling
from reconciler.wire import Wire, redacted

ADDRESS: Final = "https://storage.googleapis.com/osv-vulnerabilities"
ARCHIVE: Final = "all.zip"
MAX_DUMP_BYTES: Final = 4 * 1024**3
"""The largest one, npm's, has several hundred MB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenDump:
    """A dump: how messages name it, and its records, to be read once."""

    name: str
    members: Iterator[Member]


@contextmanager
def open_dump(source: str, ecosystem: str, *, wire: Wire, base: Path) -> Iterator[OpenDump]:
    """The dump of an ecosystem, as OSV names it; `base` is the root of the repository.

    Raises NotThere and Unreachable for what cannot be read, ContentMismatch for what is larger than MAX_DUMP_BYTES, StoreUnavailable
    where it cannot be kept in the meantime; and reading its members DumpRefused.
    """
    if source == OSV or source.lower().startswith(("http://", "https://")):
        url = f"{(ADDRESS if source == OSV else source).rstrip('/')}/{quote(ecosystem)}/{ARCHIVE}"
        with _temporary(url) as spool:
            with spooling(redacted(url), None):
                wire.download(url, spool, max_bytes=MAX_DUMP_BYTES)
            yield OpenDump(name=redacted(url), members=zip_members(spool, redacted(url)))
        return
    folder = base / source / ecosystem
    archive = folder / ARCHIVE
    try:
        if archive.is_file():
            with archive.open("rb") as stream:
                yield OpenDump(name=str(archive), members=zip_members(stream, str(archive)))
            return
        there = folder.is_dir()
    except OSError as error:
        message = f"the advisories in {folder} cannot be read: {error.strerror or error}"
        raise Unreachable(message) from error
    if not there:
        message = f"there are no advisories for {ecosystem} in {base / source}: expected {ecosystem}/{ARCHIVE}, or records in {ecosystem}/"
        raise NotThere(message)
    yield OpenDump(name=str(folder), members=folder_members(folder))


@contextmanager
def _temporary(url: str) -> Iterator[BinaryIO]:
    """A file that is gone at the end."""
    with spooling(redacted(url), None):
        file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - closed below
    with file:
        yield file
