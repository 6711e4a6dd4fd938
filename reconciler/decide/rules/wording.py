"""How rules put into words what they found: texts from outside inert and bounded, long lists cut, times and sizes for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
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


def ago(past: timedelta) -> str:
    """How long something is ago, in the largest unit that fits."""
    for word, unit in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        if past >= unit:
            return f"{past // unit} {word}{'s' if past // unit > 1 else ''} ago"
    return "less than a minute ago"


def duration(length: timedelta) -> str:
    """A time as policies write it."""
    for letter, unit in (("d", timedelta(days=1)), ("h", timedelta(hours=1))):
        if not length % unit:
            return f"{length // unit}{letter}"
    return f"{length // timedelta(minutes=1)}m"


def size(count: int) -> str:
    """A number of bytes: exact where a unit divides it, else with that, too."""
    for word, scale in (("GiB", 2**30), ("GB", 10**9), ("MiB", 2**20), ("MB", 10**6), ("KiB", 2**10), ("kB", 10**3)):
        if count and not count % scale:
            return f"{count // scale} {word}"
    for word, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= scale:
            return f"{count / scale:.1f} {word} ({count} bytes)"
    return f"{count} bytes"
