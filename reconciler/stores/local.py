"""A store in a folder: each object is a file under its key, so that any static web server can serve a feed.

    <root>/feeds/approved-pypi/...     objects
    <root>/.tmp/                       objects that are being written
    <root>/.lock                       held (flock) for compare-and-swap and for removal

- An object is written under `.tmp`, synced, and renamed to its place (POSIX rename(2): readers see the old content or the new),
  and then its folder is synced.
- A revision is the SHA-256 of the content: there is no state beside the files, and a copied store is a store.
- Compare-and-swap excludes other threads and processes of this machine by flock(2); the kernel releases it when its holder dies.
- What a killed writer leaves in `.tmp` is removed by a later writer, at its first write. A writer holds a lock on its temporary
  file until the file is renamed; what is not locked and older than LEFTOVER_SECONDS (by the file system's own clock; the
  age covers the instant between creating and locking) has no writer any more.
- Below the root no symbolic link is followed; one that lies in the way is an error, as is everything but files and folders.
- Modes are the umask's: whoever may read the folder may read the feed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, Final, Literal

from reconciler.errors import Refused, RevisionConflict, StoreUnavailable
from reconciler.stores.interface import Entry, Revision, Stored

LEFTOVER_SECONDS: Final = 3600.0

_SEGMENT: Final = r"(?!\.)[ -.0-~]+"
_KEY: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_REMEDIES: Final[Mapping[int, str]] = {
    errno.EACCES: "Let the user who runs reconciler read and write the store's folder.",
    errno.EPERM: "Let the user who runs reconciler read and write the store's folder.",
    errno.EROFS: "The file system is mounted read-only: mount it for writing, or choose another folder as `store` in feeds.yaml.",
    errno.ENOSPC: "Make room on the store's disk and run again.",
    errno.EDQUOT: "Make room in the disk quota and run again.",
    errno.ENOTDIR: "Choose a folder as `store` in feeds.yaml.",
}


def check_key(key: str) -> None:
    """Refused, if this is no key of a store (see `reconciler/stores/interface.py`)."""
    if not _KEY.fullmatch(key):
        message = f"{key[:200]!r} is no key of a store: segments of printable ASCII, joined by '/', none empty or beginning with '.'"
        raise Refused(message)


def check_prefix(prefix: str) -> None:
    """Refused, if this is no prefix for a listing: neither "" nor a key with "/" after it."""
    if prefix:
        check_key(prefix.removesuffix("/") if prefix.endswith("/") else "")


def revision_of(data: bytes) -> Revision:
    return Revision(sha256(data).hexdigest())


class LocalStore:
    """A `Store` in the folder `root`: read as empty while there is no such folder, made at the first write."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._swept = False

    def get(self, key: str) -> Stored | None:
        stream = self.open(key)
        if stream is None:
            return None
        with stream, self._explained(f"read {key}"):
            data = stream.read()
        return Stored(data=data, revision=revision_of(data))

    def open(self, key: str) -> BinaryIO | None:
        check_key(key)
        with self._explained(f"read {key}"):
            path = self._find(key)
            try:
                return None if path is None else _open(path, os.O_RDONLY, "rb")
            except FileNotFoundError:  # removed since it was found
                return None

    def list(self, prefix: str) -> Iterator[Entry]:
        check_prefix(prefix)
        return self._walk(prefix)

    def put(self, key: str, content: bytes | Path, *, content_type: str) -> None:
        del content_type  # a web server tells it by the suffix
        check_key(key)
        with self._explained(f"write {key}"), self._temporary() as (temporary, path):
            target = self._make_way(key)
            if isinstance(content, bytes):
                temporary.write(content)
            elif _moved(content, target, mode=stat.S_IMODE(os.fstat(temporary.fileno()).st_mode)):
                return
            else:
                with content.open("rb") as source:
                    shutil.copyfileobj(source, temporary)
            temporary.flush()
            os.fsync(temporary.fileno())
            path.replace(target)
            _sync_folder(target.parent)
            if isinstance(content, Path):
                content.unlink()

    def put_if(self, key: str, data: bytes, *, content_type: str, expected: Revision | None) -> Revision:
        check_key(key)
        with self._locked(f"write {key}"):
            found = self.get(key)
            if (found and found.revision) != expected:
                message = f"{key} in the store {self._root} is not at the expected revision: somebody else has written it"
                raise RevisionConflict(message, remedy="Run again: the pass starts from what is there now.")
            self.put(key, data, content_type=content_type)
        return revision_of(data)

    def delete(self, key: str) -> None:
        check_key(key)
        if not self._exists():
            return
        with self._locked(f"remove {key}"):
            path = self._find(key)
            if path is not None:
                path.unlink()
                _sync_folder(path.parent)

    def _exists(self) -> bool:
        """Whether there is a root; StoreUnavailable if something else than a folder is in its place."""
        with self._explained("read"):
            try:
                found = self._root.stat()
            except FileNotFoundError:
                return False
            if not stat.S_ISDIR(found.st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            return True

    def _paths(self, key: str) -> Iterator[Path]:
        """The path of each folder on the way to an object, from the top, and at last its own."""
        path = self._root
        for segment in key.split("/"):
            path /= segment
            yield path

    def _find(self, key: str) -> Path | None:
        """The path of an object; None where there is none."""
        if not self._exists():
            return None
        *folders, path = self._paths(key)
        if not all(map(_is_folder, folders)):
            return None
        found = _look(path)
        return path if found and stat.S_ISREG(found.st_mode) else None

    def _make_way(self, key: str) -> Path:
        """The path for an object, after its folders are made."""
        *folders, path = self._paths(key)
        for folder in folders:
            if _look(folder) is None:
                folder.mkdir(exist_ok=True)
            elif not _is_folder(folder):
                message = f"cannot write {key}: {folder} is a file, where a folder is needed"
                raise StoreUnavailable(message)
        if _is_folder(path):
            message = f"cannot write {key}: {path} is a folder"
            raise StoreUnavailable(message)
        return path

    def _walk(self, prefix: str) -> Iterator[Entry]:
        """Entries in the order of keys; a stack instead of recursion, as folders may be nested deeper than Python allows."""
        with self._explained("list"):
            if not self._exists() or not all(map(_is_folder, self._paths(prefix)) if prefix else ()):
                return
        waiting = [Entry(key=prefix, size=0)]
        while waiting:
            entry = waiting.pop()
            if entry.key and not entry.key.endswith("/"):
                yield entry
                continue
            with self._explained(f"list {entry.key or 'objects'}"):
                # A folder sorts as its objects do: "a/" is behind "a-b" and before "a0".
                waiting += sorted(self._children(entry.key), key=attrgetter("key"), reverse=True)

    def _children(self, folder: str) -> Iterator[Entry]:
        """The objects in a folder, and its folders with "/" after their keys. A name that is no key names no object."""
        for path in (self._root / folder).iterdir():
            found = _look(path) if _KEY.fullmatch(path.name) else None
            if found is not None:
                yield Entry(key=f"{folder}{path.name}{'/' if stat.S_ISDIR(found.st_mode) else ''}", size=found.st_size)

    @contextmanager
    def _temporary(self) -> Iterator[tuple[BinaryIO, Path]]:
        """A new file under `.tmp`, locked; removed at the end unless it was renamed."""
        folder = self._root / ".tmp"
        if not self._exists() or _look(folder) is None:
            folder.mkdir(parents=True, exist_ok=True)
        path = folder / secrets.token_hex(16)
        with _open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, "wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if not self._swept:
                    self._swept = True
                    _sweep(folder, now=os.fstat(file.fileno()).st_mtime)
                yield file, path
            finally:
                path.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, doing: str) -> Iterator[None]:
        """Excludes every other thread and process that changes objects by comparison or removes them."""
        with self._explained(doing):
            self._root.mkdir(parents=True, exist_ok=True)
            with _open(self._root / ".lock", os.O_RDWR | os.O_CREAT, "r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = f"cannot {doing} in the store {self._root}: {error.strerror or error}"
            raise StoreUnavailable(message, remedy=_REMEDIES.get(error.errno or 0, "")) from error


def _look(path: Path) -> os.stat_result | None:
    """A file or folder below the root; None for nothing, StoreUnavailable for what no object can be."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode):
        return found
    what = "a symbolic link, and the store follows none" if stat.S_ISLNK(found.st_mode) else "neither a file nor a folder"
    message = f"{path} is {what}"
    raise StoreUnavailable(message, remedy="Remove it from the store's folder.")


def _is_folder(path: Path) -> bool:
    found = _look(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def _open(path: Path, flags: int, mode: Literal["rb", "r+b", "wb"]) -> BinaryIO:
    return os.fdopen(os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666), mode)


def _moved(source: Path, target: Path, *, mode: int) -> bool:
    """Renames a file into the store; False, and it stays where it is, if that is another file system."""
    with _open(source, os.O_RDONLY, "rb") as file:
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
        try:
            source.replace(target)
        except OSError as error:
            if error.errno == errno.EXDEV:
                return False
            raise
    _sync_folder(target.parent)
    return True


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _sweep(folder: Path, *, now: float) -> None:
    """Removes what writers that are gone have left."""
    for path in folder.iterdir():
        # Whoever still writes, or sweeps too, makes this fail for a file, which is then left to them.
        with suppress(OSError):
            if now - path.lstat().st_mtime > LEFTOVER_SECONDS:
                with _open(path, os.O_RDONLY | os.O_NONBLOCK, "rb") as leftover:
                    fcntl.flock(leftover, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
