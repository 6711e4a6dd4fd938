"""Archives of what may be promoted, looked into before anything is decided: rules judge the reviewed bytes, never what an index says of
them (npm's index repeats what the publisher sent, whatever is in the archive: "manifest confusion").

What is in an archive depends on its bytes only, so it is kept by their digest between passes (the cache folder). What had to be fetched is
handed on to apply by `source`, so that a pass fetches every file once, however many feeds promote it; only what is beyond `HELD_BYTES` is
fetched again, since the temporary folder may be memory. One of the places with threads.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, Final, TypeAlias

from pydantic import TypeAdapter, ValidationError

from reconciler import __version__
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.proof import most_bytes, prove
from reconciler.errors import ReconcilerError
from reconciler.model.declared import ApprovedFile
from reconciler.model.packages import Dependency, Document, RemoteFile, Traits
from reconciler.model.words import Identity
from reconciler.observe.upstreams import Upstream
from reconciler.stores.spool import spooling
from reconciler.wire import Downloaded, copy
from reconciler.wire.cache import Kept, Key, PageCache

LOOKS_AT_ONCE: Final = 8
HELD_BYTES: Final = 2 << 30
"""Bytes of fetched files that lie in the temporary folder until apply asks for them."""

KEPT_SHAPE: Final = 2
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


@dataclass(kw_only=True, slots=True)
class _Held:
    """A fetched file that lies in the temporary folder, and how many will still ask for it."""

    path: Path
    size: int
    asked_by: int


class Archives:
    """What one pass looks into; `kept` is the folder where contents are kept between passes (None: nowhere)."""

    def __init__(self, kept: Path | None = None) -> None:
        self._kept = PageCache(kept) if kept is not None else None
        self._held: dict[str, _Held] = {}
        self._remembered: dict[str, Key] = {}
        self._lock = Lock()
        self._spool: Path | None = None

    def look_into(self, wanted: Iterable[Wanted]) -> dict[tuple[Identity, str], Answer]:
        """The answer for each file, by identity and name; each is fetched and proven unless its content is known.

        What several feeds want of one address, by the same approval of it, is looked into once.
        """
        groups: dict[tuple[Any, ...], list[Wanted]] = {}
        for one in wanted:
            about = (one.remote.url, one.type, one.identity.package, one.identity.version, one.approved)
            groups.setdefault(about, []).append(one)
        if not groups:
            return {}
        with ThreadPoolExecutor(LOOKS_AT_ONCE, thread_name_prefix="look") as pool:
            answers = pool.map(self._answer, groups.values())
            return {(w.identity, w.approved.name): answer for group, answer in zip(groups.values(), answers, strict=True) for w in group}

    def source(self, upstream: Upstream) -> Upstream:
        """The upstream, of which what was fetched already is not fetched again."""
        return _Handed(upstream, self)

    def take(self, url: str) -> BinaryIO | None:
        """The file that was fetched from an address, open, for one of those that wanted it; None if there is none.

        What was kept of it is given up then: it has served, or else it is about other bytes than those that are fetched now (signed
        otherwise), which are looked into next time.
        """
        with self._lock:
            held, key = self._held.get(url), self._remembered.pop(url, None)
            if key is not None and self._kept is not None:
                self._kept.keep(key, None)
            if held is None:
                return None
            held.asked_by -= 1
            try:
                return held.path.open("rb")
            except OSError:
                held.asked_by = 0  # somebody has cleared the temporary folder
                return None
            finally:
                if held.asked_by <= 0:
                    del self._held[url]
                    held.path.unlink(missing_ok=True)

    def _answer(self, group: Sequence[Wanted]) -> Answer:
        try:
            return self._known(group[0]) or self._fetch(group[0], asked_by=len(group))
        except ReconcilerError as error:
            return error

    def _known(self, wanted: Wanted) -> Content | None:
        if self._kept is None:
            return None
        key = self._key(self._kept, wanted)
        kept = self._kept.find(key)
        content = _decoded(kept.document.body) if kept else None
        if content is not None:
            with self._lock:
                self._remembered[wanted.remote.url] = key
        return content

    def _fetch(self, wanted: Wanted, *, asked_by: int) -> Content:
        """Nothing stays of what does not pass."""
        approved = wanted.approved
        with spooling(approved.name, approved.size):
            descriptor, name = tempfile.mkstemp(dir=self._folder())
            path, held = Path(name), False
            try:
                with os.fdopen(descriptor, "w+b") as sink:
                    got = wanted.upstream.fetch(wanted.remote, sink, max_bytes=most_bytes(approved))
                    sink.seek(0)
                    ecosystem = ECOSYSTEMS[wanted.type]
                    inspection = prove(wanted.identity, approved, sink, sha256=got.sha256, size=got.size, ecosystem=ecosystem)
                held = self._hold(wanted.remote.url, _Held(path=path, size=got.size, asked_by=asked_by))
            finally:
                if not held:
                    path.unlink(missing_ok=True)
        content = Content(traits=inspection.traits, dependencies=inspection.dependencies)
        if self._kept and not (approved.content_hash and not content.traits.provenance):  # which may yet be signed, and be the same
            document = Document(url=approved.name, content_type=_JSON, body=_encoded(content))
            self._kept.keep(self._key(self._kept, wanted), Kept(document=document, etag=approved.sha256, last_modified=""))
        return content

    def _hold(self, url: str, new: _Held) -> bool:
        """Whether the file stays for apply: not where another approval of the same address has brought it, or where it is too much."""
        with self._lock:
            if url in self._held:
                self._held[url].asked_by += new.asked_by
                return False
            if sum(one.size for one in self._held.values()) + new.size > HELD_BYTES:
                return False
            self._held[url] = new
            return True

    def _key(self, kept: PageCache, wanted: Wanted) -> Key:
        """By everything that decides what is told: the bytes, whose they should be, and the version of this program."""
        about = [wanted.type, wanted.identity.package, wanted.identity.version, wanted.approved.name, __version__, KEPT_SHAPE]
        return kept.key(url=wanted.approved.sha256, accept=json.dumps(about), authorization=None)

    def _folder(self) -> Path:
        """The pass's own temporary folder, gone with this object, or with the process."""
        with self._lock:
            if self._spool is None:
                self._spool = Path(tempfile.mkdtemp(prefix="reconciler-"))
                weakref.finalize(self, shutil.rmtree, self._spool, ignore_errors=True)
            return self._spool


class _Handed:
    """An upstream with what was fetched from it already."""

    def __init__(self, upstream: Upstream, archives: Archives) -> None:
        self.name: Final = upstream.name
        self.discover = upstream.discover
        self.fetch_companion = upstream.fetch_companion
        self._upstream, self._archives = upstream, archives

    def fetch(self, file: RemoteFile, sink: BinaryIO, *, max_bytes: int) -> Downloaded:
        fetched = self._archives.take(file.url)
        if fetched is None:
            return self._upstream.fetch(file, sink, max_bytes=max_bytes)
        with fetched:
            return copy(iter(lambda: fetched.read(_PIECE_BYTES), b""), sink, max_bytes=max_bytes, source=file.name)


def _encoded(content: Content) -> bytes:
    return json.dumps(asdict(content)).encode("ascii")


def _decoded(body: bytes) -> Content | None:
    """What was kept; None for what is not exactly as it is kept: another version of this program wrote it, or somebody else."""
    try:
        content = _shape().validate_json(body, strict=True)
    except ValidationError:
        return None
    return content if _encoded(content) == body else None


@cache
def _shape() -> TypeAdapter[Content]:
    return TypeAdapter(Content)
