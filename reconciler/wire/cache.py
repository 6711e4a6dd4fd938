"""Pages of earlier passes, kept on disk with what their server said to recognise them by (RFC 9110, 8.8).

Every page is asked for again, under a condition (`If-None-Match`, else `If-Modified-Since`): an answer 304 costs a round trip and no body.
How long a page stays fresh is never guessed, so a pass sees what the upstream has now. `no-store` and `Vary: *` are respected.

hishel and cachecontrol do more, and not this: they decide by RFC 9111 that a page need not be asked for, keep answers of every size, and
stand between client and transport, where redirects are followed by their rules and bodies are read before our bounds see them.

An entry is one file: the digest of all that follows, a line of JSON, the body. It is written beside and renamed, so that processes may
share the folder; whatever is wrong with it makes it none. Names are keyed digests (HMAC) of address, `Accept` and credential, so that
nobody's page is another's and a file tells of no secret. A folder that cannot be written, or belongs to somebody else, is no cache.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Final, NewType

from reconciler.model.packages import Document
from reconciler.wire.answers import MAX_INDEX_BYTES

MAX_CACHE_BYTES: Final = 512 * 1024 * 1024

_KEPT_SHARE: Final = 0.8
"""What is left of MAX_CACHE_BYTES when room is made, so that it is not made for each page."""
_MAX_LINE_BYTES: Final = 64 * 1024
_SALT_BYTES: Final = 32
_DIGEST_LENGTH: Final = 64
_ABANDONED_SECONDS: Final = 3600.0
_VALIDATOR: Final = re.compile("[ -~]{1,512}")
_ENTRY_NAME: Final = re.compile("[0-9a-f]{64}")

Key = NewType("Key", str)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A page with its validators, of which at least one is not empty."""

    document: Document
    etag: str
    last_modified: str

    @property
    def conditions(self) -> Mapping[str, str]:
        """The headers that ask for the page only if it is another one now (RFC 9110, 13.1)."""
        return {"If-None-Match": self.etag} if self.etag else {"If-Modified-Since": self.last_modified}


def worth_keeping(document: Document, headers: Mapping[str, str]) -> Kept | None:
    """A page as it may be kept; None if its server forbids that, or gives nothing to recognise it by.

    Nor is a page kept that came from an address with a query: such as a redirect leads to, it may be signed for one use.
    """
    if "?" in document.url:
        return None
    directives = {part.partition("=")[0].strip().lower() for part in headers.get("cache-control", "").split(",")}
    if "no-store" in directives or "*" in headers.get("vary", ""):
        return None
    etag, last_modified = (value if _VALIDATOR.fullmatch(value := headers.get(name, "")) else "" for name in ("etag", "last-modified"))
    return Kept(document=document, etag=etag, last_modified=last_modified) if etag or last_modified else None


class PageCache:
    """A folder of kept pages, for several threads and processes. Never raises for what is on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._salt = _salt(folder)
        self._room: int | None = None
        """Bytes that may be written before the folder is measured again; None: not measured yet."""

    def key(self, *, url: str, accept: str, authorization: str | None) -> Key:
        """Where a page is kept that is asked for like this."""
        asked = json.dumps([url, accept, authorization]).encode("ascii")
        return Key(hmac.digest(self._salt or b"", asked, "sha256").hex())

    def find(self, key: Key) -> Kept | None:
        """What is kept and undamaged. It counts as used now: what was not used for longest goes first."""
        if self._salt is None:
            return None
        path = self._folder / key
        data = _read(path, MAX_INDEX_BYTES + _MAX_LINE_BYTES)
        if data is None:
            return None
        with suppress(OSError):
            os.utime(path)
        return _decoded(data)

    def keep(self, key: Key, kept: Kept | None) -> None:
        """Replaces what is kept; None removes it."""
        if self._salt is None:
            return
        with suppress(OSError):
            if kept is None:
                (self._folder / key).unlink(missing_ok=True)
                return
            data = _encoded(kept)
            self._make_room(len(data))
            _write(self._folder / key, data)

    def _make_room(self, size: int) -> None:
        with self._lock:
            if self._room is None or self._room < size:
                self._room = _make_room(self._folder, MAX_CACHE_BYTES - size)
            self._room -= size


def _encoded(kept: Kept) -> bytes:
    document = kept.document
    told = {"url": document.url, "content_type": document.content_type, "etag": kept.etag, "last_modified": kept.last_modified}
    content = json.dumps(told).encode("ascii") + b"\n" + document.body
    return sha256(content).hexdigest().encode("ascii") + b"\n" + content


def _decoded(data: bytes) -> Kept | None:
    view = memoryview(data)[_DIGEST_LENGTH + 1 :]
    if data[: _DIGEST_LENGTH + 1] != sha256(view).hexdigest().encode("ascii") + b"\n":
        return None
    end = data.find(b"\n", _DIGEST_LENGTH + 1)
    try:
        told: Any = json.loads(data[_DIGEST_LENGTH + 1 : end])
        document = Document(url=str(told["url"]), content_type=str(told["content_type"]), body=data[end + 1 :])
        return Kept(document=document, etag=str(told["etag"]), last_modified=str(told["last_modified"]))
    except (ValueError, KeyError, TypeError, RecursionError):  # of another version of this program
        return None


def _salt(folder: Path) -> bytes | None:
    """The key of the names, made when there is none; None where the folder cannot be used, or is not ours alone to write."""
    path = folder / "salt"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            return None
        salt = _read(path, _SALT_BYTES)
        if salt is not None and len(salt) != _SALT_BYTES:
            path.unlink(missing_ok=True)
            salt = None
        if salt is None:
            _write(path, os.urandom(_SALT_BYTES), place=_link)
            salt = _read(path, _SALT_BYTES)  # of whoever came first, if several came at once
    except OSError:
        return None
    return salt


def _read(path: Path, most: int) -> bytes | None:
    """A file's content; None where there is none that is plain and of at most this size."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            data = file.read(most + 1)
    except OSError:
        return None
    return data if len(data) <= most else None


def _link(new: Path, path: Path) -> None:
    """Puts a file where there is none; one that is there stays."""
    with suppress(FileExistsError):
        os.link(new, path)
    new.unlink()


def _write(path: Path, data: bytes, *, place: Callable[[Path, Path], object] = Path.replace) -> None:
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)  # for the owner only (0600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        place(Path(name), path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _make_room(folder: Path, most: int) -> int:
    """Removes what was not used for longest if there are more than `most` bytes; how many there may still come."""
    entries = sorted(_entries(folder))
    total = sum(size for _, size, _ in entries)
    if total > most:
        for _, size, path in entries:
            if total <= most * _KEPT_SHARE:
                break
            with suppress(OSError):
                path.unlink()
                total -= size
    return most - total


def _entries(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """When it was last used, size, and place of each entry; removes what a killed process has left half written."""
    with os.scandir(folder) as found:
        for entry in found:
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if _ENTRY_NAME.fullmatch(entry.name):
                    yield status.st_mtime, status.st_size, Path(entry.path)
                elif entry.name.startswith(".new-") and status.st_mtime < time.time() - _ABANDONED_SECONDS:
                    Path(entry.path).unlink()
