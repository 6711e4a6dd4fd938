"""Lock files of projects: one pure module a format, and the table of them.

Adding one: a module with `read` (`interface.ReadLock`), a row here, rows in `tests/propose/locks/`. A lock file may come from anybody: its
size is bounded before it is read, nothing that it names is followed, and whatever is wrong with it is one error with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from reconciler.errors import NotFound, Refused
from reconciler.propose.locks import package_lock, packages_config, packages_lock, pylock, requirements, uv
from reconciler.propose.locks.interface import Lock, LockError, ReadLock

_MIB: Final = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class LockFormat:
    """A format: the type of the feeds that its packages are from, what its files are called, how large one may be (bytes), its reader."""

    type: str
    names: tuple[str, ...]
    max_bytes: int
    read: ReadLock


FORMATS: Final[Mapping[str, LockFormat]] = {
    "requirements.txt": LockFormat(
        type="pypi", names=("*requirements*.txt", "*requirements*.lock", "*constraints*.txt"), max_bytes=16 * _MIB, read=requirements.read
    ),
    "pylock.toml": LockFormat(type="pypi", names=("pylock.toml", "pylock.*.toml"), max_bytes=8 * _MIB, read=pylock.read),
    "uv.lock": LockFormat(type="pypi", names=("uv.lock",), max_bytes=8 * _MIB, read=uv.read),
    "package-lock.json": LockFormat(
        type="npm", names=("package-lock.json", "npm-shrinkwrap.json"), max_bytes=16 * _MIB, read=package_lock.read
    ),
    "packages.lock.json": LockFormat(
        type="nuget", names=("packages.lock.json", "packages.*.lock.json"), max_bytes=16 * _MIB, read=packages_lock.read
    ),
    "packages.config": LockFormat(
        type="nuget", names=("packages.config", "packages.*.config"), max_bytes=2 * _MIB, read=packages_config.read
    ),
}
"""By the name that --lock-format takes. TOML is read slowly (5 MB a second at best), so its files may not be as large."""


def format_of(name: str) -> str:
    """The format of a file by its name; NotFound for a name that says nothing."""
    found = next((key for key, one in FORMATS.items() if any(fnmatchcase(name.lower(), pattern) for pattern in one.names)), None)
    if found is None:
        message = f"{name!r} is not the name of a lock file that is known here"
        raise NotFound(message, remedy=f"say --lock-format with one of: {', '.join(FORMATS)}")
    return found


def read_lock(name: str, data: bytes, format_: LockFormat) -> Lock:
    """What a file names; Refused, with file and place, for one that cannot be read."""
    if len(data) > format_.max_bytes:
        message = f"{name}: more than {format_.max_bytes:,} bytes"
        raise Refused(message)
    try:
        return format_.read(data)
    except LockError as error:
        message = f"{name}: {error}"
        raise Refused(message) from error
