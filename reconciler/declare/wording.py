"""How places and found texts are written in problems.

Everything found comes from a file that anybody may have proposed, so it is shown with Python's own escapes and cut to a length:
nothing of it reaches a terminal or a log as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

Location: TypeAlias = tuple[str | int, ...]
"""The keys and list indices that lead to a value."""

MAX_SHOWN: Final = 80
MAX_SENTENCE: Final = 300
MAX_NAMES: Final = 30
PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_@-]+")


def quoted(text: str) -> str:
    """The text between quotes, escaped, and cut where it is long."""
    return repr(text) if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]!r}..."


def inert(text: str) -> str:
    """A sentence that may quote hostile text: characters that are not seen are escaped, and it is cut where it is long."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:MAX_SENTENCE])
    return shown if len(text) <= MAX_SENTENCE else f"{shown}..."


def key_path(location: Location) -> str:
    """The location as in `permissions[2].allow` or `files["a-1.0.whl"].size`."""
    parts = ""
    for part in location:
        if isinstance(part, int):
            parts += f"[{part}]"
        elif PLAIN_KEY.fullmatch(part) and len(part) <= MAX_SHOWN:
            parts += f".{part}" if parts else part
        else:
            parts += f"[{quoted(part)}]"
    return parts


def described(value: object) -> str:
    """A value as a problem says that it was found."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return quoted(value) if isinstance(value, str) else "nothing"


def one_of(names: Iterable[str]) -> str:
    """The names that were possible, sorted, the first of them where there are many."""
    listed = sorted(names)
    if not listed:
        return "none (there are none yet)"
    more = f" and {len(listed) - MAX_NAMES} more" if len(listed) > MAX_NAMES else ""
    return f"one of: {', '.join(listed[:MAX_NAMES])}{more}" if len(listed) > 1 else listed[0]
