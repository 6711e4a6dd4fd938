"""What a lock file says, whatever its format: which versions of which packages, and which bytes they were when it was written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

MAX_PINS: Final = 50_000
"""Entries of one lock file; the largest real ones have a few thousand."""
MAX_NAME: Final = 400
"""Characters of a name or version; every ecosystem allows fewer."""

AsideKind: TypeAlias = Literal["unpinned", "foreign", "local"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What a lock file says of one file: it has one of the digests `integrity` ("sha256-<base64>"), or NuGet's `content_hash`.

    `file` is its name; "" means every file of the version.
    """

    file: str = ""
    integrity: frozenset[str] = frozenset()
    content_hash: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One version that a lock file names, as it spells it, and where."""

    name: str
    version: str
    place: str
    claims: frozenset[Claim] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Aside:
    """What a lock file names and no feed can have: `unpinned` (any version would do), `foreign` (from a repository or an address, past
    all feeds), `local` (a part of the project, or of another package)."""

    kind: AsideKind
    name: str
    place: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """All that a lock file names, in its order; a version that is there twice is there twice."""

    pins: tuple[Pin, ...]
    aside: tuple[Aside, ...]


class LockError(ValueError):
    """A lock file that cannot be read: where ("line 3", "packages[4].version") and why."""

    def __init__(self, *, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}" if place else reason)


class ReadLock(Protocol):
    """A format: the text of a file as it lies on disk, read without following anything that it names."""

    def __call__(self, data: bytes, /) -> Lock:
        """What it names. LockError for what is not of this format, or says it in the wrong shape."""


def gathered(entries: Iterable[Pin | Aside]) -> Lock:
    """The lock of these entries; LockError for too many, or for a name that no package has."""
    pins: list[Pin] = []
    aside: list[Aside] = []
    for number, entry in enumerate(entries):
        if number >= MAX_PINS:
            raise LockError(place="", reason=f"more than {MAX_PINS:,} entries")
        if isinstance(entry, Aside):
            aside.append(entry)
            continue
        for text in (entry.name, entry.version):
            if not 0 < len(text) <= MAX_NAME:
                raise LockError(place=entry.place, reason=f"{text[:40]!r} is no name or version")
        pins.append(entry)
    return Lock(pins=tuple(pins), aside=tuple(aside))
