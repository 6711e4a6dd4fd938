"""Where a proxy feed's packages come from: what the text of a connector's `upstream:` means.

    https://...       an index; the ecosystem's `discover` reads it
    nuget.org, ...    a well-known index (`well_known.py`)
    ./packages        a folder with package files, relative to the repository, or absolute
    feed:name         another feed of this repository (`feed_upstream.py`)

In a folder nothing is believed but the bytes: name and version are those inside each file, its name is only a first filter, and
there is no upload time (a file's times tell when it was copied). Symbolic links and hidden files are left out; so is a damaged
file. What cannot be read at all makes the upstream unreachable: a failed read is never an empty listing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import file_digest
from io import BufferedReader
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from reconciler.ecosystems.interface import Ecosystem
from reconciler.ecosystems.layout import name_of
from reconciler.errors import ArchiveRefused, NotThere, Refused, Unreachable
from reconciler.model.packages import Document, Inspection, Listing, Release, RemoteFile
from reconciler.model.words import PackageKey, Sha256, VersionKey
from reconciler.observe.well_known import WELL_KNOWN
from reconciler.wire import Downloaded, Wire, copy, redacted, with_credentials, without_credentials

MAX_FOLDER_DEPTH: Final = 8
MAX_FOLDER_FILES: Final = 100_000

_PIECE_BYTES: Final = 256 * 1024
_SHOWN_REASONS: Final = 5


class Upstream(Protocol):
    """Where packages are looked up and fetched, by several threads at once; the contract suite is `tests/contracts/test_upstream.py`.

    Everything may raise NotThere, Unreachable and Malformed, and a feed of this repository what its store raises.
    """

    @property
    def name(self) -> str:
        """As it is written in feeds.yaml, without credentials."""

    def discover(self, package_name: str) -> Listing:
        """All releases of a package, in ascending order of version; NotThere for an unknown name and for what is none."""

    def fetch(self, file: RemoteFile, sink: BinaryIO, *, max_bytes: int) -> Downloaded:
        """Streams a file of a listing into a seekable sink, from where that stands; ContentMismatch, before more is written, as soon as
        it is larger than `max_bytes`."""

    def fetch_companion(self, file: RemoteFile, suffix: str) -> bytes:
        """What belongs to a file, such as its ".provenance"; bounded in size."""


def open_upstream(
    connector_upstream: str, *, feed_type: str, ecosystem: Ecosystem, wire: Wire, base: Path, environment: Mapping[str, str]
) -> Upstream:
    """The upstream that a connector of a feed of this type names; `base` is the root of the repository.

    In the `environment` the settings of pip and npm are looked up. Refused for a well-known name of another type and for an address
    that is neither http nor https. Nothing is read yet.
    """
    well_known = WELL_KNOWN.get(connector_upstream)
    if well_known is not None:
        if well_known.type != feed_type:
            message = f"upstream {connector_upstream} serves feeds of type {well_known.type}, and this one is {feed_type}"
            raise Refused(message, remedy=f"Choose another upstream, or write ./{connector_upstream} for a folder of this name.")
        return HttpUpstream(connector_upstream, address=partial(well_known.address, environment), ecosystem=ecosystem, wire=wire)
    if connector_upstream.lower().startswith(("http://", "https://")):
        return HttpUpstream(redacted(connector_upstream), address=lambda: connector_upstream, ecosystem=ecosystem, wire=wire)
    if "://" in connector_upstream or not connector_upstream or "\0" in connector_upstream:
        message = f"upstream {redacted(connector_upstream)!r} is none of: an http or https address, a folder, {', '.join(WELL_KNOWN)}"
        raise Refused(message)
    return FolderUpstream(connector_upstream, folder=base / connector_upstream, ecosystem=ecosystem)


class HttpUpstream:
    """An index at an address. A user name and password in it go to this host and port only, and stay out of listings."""

    def __init__(self, name: str, *, address: Callable[[], str], ecosystem: Ecosystem, wire: Wire) -> None:
        self.name: Final = name
        self._find_address = address
        self._ecosystem = ecosystem
        self._wire = wire

    @cached_property
    def _address(self) -> str:
        return self._find_address()

    def discover(self, package_name: str) -> Listing:
        return self._ecosystem.discover(self._get, without_credentials(self._address), package_name)

    def fetch(self, file: RemoteFile, sink: BinaryIO, *, max_bytes: int) -> Downloaded:
        url = with_credentials(file.url, of=self._address)
        return self._wire.download(url, sink, max_bytes=max_bytes, upstream=self._address)

    def fetch_companion(self, file: RemoteFile, suffix: str) -> bytes:
        url = file.companions.get(suffix)
        if url is None:
            message = f"{self.name} has no {suffix} for {file.name}"
            raise NotThere(message)
        return self._get(url).body

    def _get(self, url: str, /, *, accept: str = "*/*") -> Document:
        return self._wire.get(with_credentials(url, of=self._address), accept=accept, upstream=self._address)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    """A package file in a folder, as its own content says."""

    key: PackageKey
    file: RemoteFile
    inspection: Inspection


class FolderUpstream:
    """A folder with package files, in it or below; listed once, when first asked."""

    def __init__(self, name: str, *, folder: Path, ecosystem: Ecosystem) -> None:
        self.name: Final = name
        self._folder = folder.absolute()
        self._ecosystem = ecosystem

    def discover(self, package_name: str) -> Listing:
        try:
            key = self._ecosystem.normalize_name(package_name)
        except ValueError as error:
            message = f"{package_name[:200]!r} is no name of a package: {error}"
            raise NotThere(message) from error
        found: list[_Candidate] = []
        refused: list[str] = []
        for path in self._named_like(key):
            try:
                candidate = self._read(path)
            except (ArchiveRefused, ValueError) as error:  # ValueError: it calls itself what is no name
                refused.append(f"{path.name}: {error}")
                continue
            if candidate.key == key:
                found.append(candidate)
        releases = _releases(found, refused)
        if not releases:
            reasons = "; ".join(refused[:_SHOWN_REASONS])
            message = f"folder {self.name} has no package {package_name}{f' ({reasons})' if reasons else ''}"
            raise NotThere(message)
        newest = max(found, key=attrgetter("inspection.version"))
        return Listing(name=newest.inspection.name, releases=releases, marks=False)

    def fetch(self, file: RemoteFile, sink: BinaryIO, *, max_bytes: int) -> Downloaded:
        # Found among the listed files rather than by its address, so that none outside the folder can be meant.
        path = next((path for path in self._files if path.as_uri() == file.url), None)
        if path is None:
            message = f"folder {self.name} has no file {file.name}"
            raise NotThere(message)
        with self._open(path) as archive:
            return copy(self._pieces(archive, path), sink, max_bytes=max_bytes, source=f"{file.name} in folder {self.name}")

    def fetch_companion(self, file: RemoteFile, suffix: str) -> bytes:
        message = f"folder {self.name} has no {suffix} for {file.name}"
        raise NotThere(message)

    @cached_property
    def _files(self) -> tuple[Path, ...]:
        """All package files, sorted."""
        found = tuple(islice(self._walk(), MAX_FOLDER_FILES + 1))
        if len(found) > MAX_FOLDER_FILES:
            message = f"folder {self.name} holds more than {MAX_FOLDER_FILES} package files"
            raise Unreachable(message)
        return tuple(sorted(found))

    def _walk(self) -> Iterator[Path]:
        if not self._folder.is_dir():
            message = f"folder {self.name} does not exist"
            raise Unreachable(message, remedy=f"Well-known names of upstreams are: {', '.join(WELL_KNOWN)}.")
        waiting = [(self._folder, 1)]
        while waiting:
            folder, depth = waiting.pop()
            with self._explained(folder), os.scandir(folder) as entries:
                visible = [entry for entry in entries if entry.name.isprintable() and not entry.name.startswith(".")]
            for entry in visible:
                if entry.is_dir(follow_symlinks=False) and depth < MAX_FOLDER_DEPTH:
                    waiting.append((Path(entry.path), depth + 1))
                elif entry.is_file(follow_symlinks=False) and entry.name.lower().endswith(self._ecosystem.file_suffixes):
                    yield Path(entry.path)

    def _named_like(self, key: PackageKey) -> Iterator[Path]:
        """Files whose names begin as the package's files must; the others need not be opened."""
        # `npm pack` calls @scope/name `scope-name-1.0.0.tgz`, its registry `name-1.0.0.tgz`.
        beginnings = (f"{_folded(re.split('[/:]', key)[-1])}-", f"{_folded(re.sub('[/:]', '-', key.removeprefix('@')))}-")
        return (path for path in self._files if _folded(path.name).startswith(beginnings))

    def _read(self, path: Path) -> _Candidate:
        with self._open(path) as archive, self._explained(path):
            inspection = self._ecosystem.inspect(path.name, archive)
            archive.seek(0)
            digest = file_digest(archive, "sha256").hexdigest()
            size = archive.tell()
        key = self._ecosystem.normalize_name(inspection.name)
        name = name_of(self._ecosystem.file_name, package=key, version=inspection.version.key, file=path.name)
        return _Candidate(key=key, inspection=inspection, file=RemoteFile(name=name, url=path.as_uri(), size=size, sha256=Sha256(digest)))

    def _open(self, path: Path) -> BufferedReader:
        with self._explained(path):
            return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")

    def _pieces(self, archive: BinaryIO, path: Path) -> Iterator[bytes]:
        while True:
            with self._explained(path):
                piece = archive.read(_PIECE_BYTES)
            if not piece:
                return
            yield piece

    @contextmanager
    def _explained(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = f"{path} in folder {self.name} cannot be read: {error.strerror or error}"
            raise Unreachable(message) from error


def _folded(name: str) -> str:
    """Spelled so that names which any ecosystem takes for equal are equal."""
    return re.sub(r"[-_.]+", "-", name.casefold())


def _releases(found: list[_Candidate], refused: list[str]) -> tuple[Release, ...]:
    """One release a version, ascending; of copies of one file the first counts, and different files of one name are refused."""
    versions: dict[VersionKey, dict[str, list[_Candidate]]] = {}
    for candidate in found:
        versions.setdefault(candidate.inspection.version.key, {}).setdefault(candidate.file.name, []).append(candidate)
    releases = []
    for names in versions.values():
        files = []
        for name, candidates in sorted(names.items()):
            if len({candidate.file.sha256 for candidate in candidates}) > 1:
                refused.append(f"{name}: the folder has different files for this name")
            else:
                files.append(candidates[0])
        if files:
            releases.append(Release(version=files[0].inspection.version, files=tuple(file.file for file in files)))
    return tuple(sorted(releases, key=attrgetter("version")))
