"""How rules put into words what they found: texts from outside inert and bounded, long lists cut, times and sizes for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

LONGEST: Final = 200
"""Characters of one quoted text."""
MOST: Final = 5
"""Files or scripts that one reason names."""


def quoted(text: str) -> str:
    """A text from outside on one line: what is not seen is escaped, and it is cut where it is long."""
    line = " ".join(text[: LONGEST * 4].split())
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode("ascii") for c in line[:LONGEST])
    return shown if len(line) <= LONGEST and len(text) <= LONGEST * 4 else f"{shown}..."


def enumerated(things: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(things) - MOST} more" if len(things) > MOST else ""
    return f"{', '.join(things[:MOST])}{more}"


def instant(when: datetime) -> str:
    """An instant to the minute, in UTC."""
    return f"{when.astimezone(UTC).replace(second=0, microsecond=0, tzinfo=None).isoformat(timespec='minutes')}Z"


def size(count: int) -> str:
    """A number of bytes: exact where a unit divides it, else with that, too."""
    for word, scale in (("GiB", 2**30), ("GB", 10**9), ("MiB", 2**20), ("MB", 10**6), ("KiB", 2**10), ("kB", 10**3)):
        if count and not count % scale:
            return f"{count // scale} {word}"
    for word, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= scale:
            return f"{count / scale:.1f} {word} ({count} bytes)"
    return f"{count} bytes"
