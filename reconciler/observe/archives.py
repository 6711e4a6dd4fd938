"""Archives of what may be promoted, looked into before anything is decided: rules judge the reviewed bytes, never what an index says of
them (npm's index repeats what the publisher sent, whatever is in the archive: "manifest confusion").

What is in an archive depends on its bytes only, so it is kept by their digest between passes (the cache folder). What had to be fetched is
handed on to apply by `source`, so that a pass fetches every file once. One of the places with threads.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, Final, TypeAlias

from reconciler import __version__
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import ArchiveRefused, ContentMismatch, ReconcilerError
from reconciler.model.declared import ApprovedFile
from reconciler.model.packages import Dependency, Document, License, RemoteFile, Traits
from reconciler.model.words import Identity
from reconciler.observe.upstreams import Upstream
from reconciler.stores.spool import spooling
from reconciler.wire import Downloaded, copy
from reconciler.wire.cache import Kept, PageCache

LOOKS_AT_ONCE: Final = 8
RESIGNING_BYTES: Final = 1 << 20
"""How much larger a package may be than the reviewed one where its content hash decides: a signature and its timestamps."""

KEPT_SHAPE: Final = 1
"""Another number whenever looking into an archive tells something else than before: what is kept is not believed then."""

_JSON: Final = "application/json"
_PIECE_BYTES: Final = 256 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """An approved file to look into: whose it is, how its index announces it, and who has it."""

    identity: Identity
    type: str
    approved: ApprovedFile
    remote: RemoteFile
    upstream: Upstream


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What is in an archive, as far as rules and closure ask for it."""

    traits: Traits
    dependencies: tuple[Dependency, ...]


Answer: TypeAlias = Content | ReconcilerError
"""What is in the approved archive, or why that cannot be told; a `ContentMismatch` if the upstream has other bytes now."""


class Archives:
    """What one pass looks into; `kept` is the folder where contents are kept between passes (None: nowhere)."""

    def __init__(self, kept: Path | None = None) -> None:
        self._kept = PageCache(kept) if kept is not None else None
        self._fetched: dict[str, Path] = {}
        self._lock = Lock()
        self._spool: Path | None = None

    def look_into(self, wanted: Iterable[Wanted]) -> dict[tuple[Identity, str], Answer]:
        """The answer for each file, by identity and name; each is fetched and proven unless its content is known."""
        ordered = tuple(wanted)
        if not ordered:
            return {}
        self._open_spool()
        with ThreadPoolExecutor(LOOKS_AT_ONCE, thread_name_prefix="look") as pool:
            return {(w.identity, w.approved.name): answer for w, answer in zip(ordered, pool.map(self._answer, ordered), strict=True)}

    def source(self, upstream: Upstream) -> Upstream:
        """The upstream, of which what was fetched already is not fetched again."""
        return _Handed(upstream, self)

    def take(self, url: str) -> Path | None:
        """The file that was fetched from an address, handed over once; None if there is none."""
        with self._lock:
            return self._fetched.pop(url, None)

    def _answer(self, wanted: Wanted) -> Answer:
        try:
            return self._known(wanted) or self._fetch(wanted)
        except ReconcilerError as error:
            return error

    def _known(self, wanted: Wanted) -> Content | None:
        kept = self._kept.find(self._key(self._kept, wanted)) if self._kept else None
        return _decoded(kept.document.body) if kept else None

    def _fetch(self, wanted: Wanted) -> Content:
        approved, identity = wanted.approved, wanted.identity
        path = self._place(wanted.remote.url)
        with spooling(approved.name, approved.size), path.open("w+b") as sink:
            most = approved.size + (RESIGNING_BYTES if approved.content_hash else 0)
            got = wanted.upstream.fetch(wanted.remote, sink, max_bytes=most)
            sink.seek(0)
            if got.sha256 != approved.sha256 and approved.content_hash is None:
                message = f"{approved.name}: these bytes are not the approved ones (sha256 {got.sha256}, {got.size} bytes; approved {approved.sha256}, {approved.size} bytes)"
                raise ContentMismatch(message)
            ecosystem = ECOSYSTEMS[wanted.type]
            inspection = ecosystem.inspect(approved.name, sink)
            if got.sha256 != approved.sha256 and inspection.content_hash != approved.content_hash:
                message = f"{approved.name}: neither sha256 ({got.sha256}) nor content hash ({inspection.content_hash}) is the approved one"
                raise ContentMismatch(message)
            if inspection.version.key != identity.version or ecosystem.normalize_name(inspection.name) != identity.package:
                message = f"{approved.name} says that it is {inspection.name[:200]!a} {inspection.version.text}, not {identity.package} {identity.version}"
                raise ArchiveRefused(message)
        content = Content(traits=inspection.traits, dependencies=inspection.dependencies)
        with self._lock:
            self._fetched[wanted.remote.url] = path
        if self._kept:
            document = Document(url=approved.name, content_type=_JSON, body=json.dumps(asdict(content)).encode())
            self._kept.keep(self._key(self._kept, wanted), Kept(document=document, etag=approved.sha256, last_modified=""))
        return content

    def _key(self, kept: PageCache, wanted: Wanted) -> Any:
        """By everything that decides what is told: the bytes, whose they should be, and the version of this program."""
        about = [wanted.type, wanted.identity.package, wanted.identity.version, wanted.approved.name, __version__, KEPT_SHAPE]
        return kept.key(url=wanted.approved.sha256, accept=json.dumps(about), authorization=None)

    def _place(self, url: str) -> Path:
        assert self._spool is not None, "opened before anything is fetched"  # noqa: S101
        return self._spool / sha256(url.encode("utf-8", "surrogatepass")).hexdigest()

    def _open_spool(self) -> None:
        """Before there are threads; the folder is gone with this object, or with the process."""
        if self._spool is None:
            with spooling("what is downloaded", None):
                self._spool = Path(tempfile.mkdtemp(prefix="reconciler-"))
            weakref.finalize(self, shutil.rmtree, self._spool, ignore_errors=True)


class _Handed:
    """An upstream with what was fetched from it already."""

    def __init__(self, upstream: Upstream, archives: Archives) -> None:
        self.name: Final = upstream.name
        self.discover = upstream.discover
        self.fetch_companion = upstream.fetch_companion
        self._upstream, self._archives = upstream, archives

    def fetch(self, file: RemoteFile, sink: BinaryIO, *, max_bytes: int) -> Downloaded:
        path = self._archives.take(file.url)
        if path is None:
            return self._upstream.fetch(file, sink, max_bytes=max_bytes)
        try:
            with path.open("rb") as fetched:
                return copy(iter(lambda: fetched.read(_PIECE_BYTES), b""), sink, max_bytes=max_bytes, source=file.name)
        finally:
            with suppress(OSError):
                path.unlink()


def _decoded(body: bytes) -> Content | None:
    """What was kept; None for what another version of this program wrote."""
    try:
        told: Mapping[str, Any] = json.loads(body)
        traits = told["traits"]
        lists = {name: tuple(value) for name, value in traits.items() if name != "license"}
        return Content(
            traits=Traits(license=License(**traits["license"]), **lists),
            dependencies=tuple(Dependency(**one) for one in told["dependencies"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
