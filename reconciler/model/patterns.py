"""Patterns for the names of feeds and packages: how a file writes them, and what they match.

`*` stands for any characters, `?` for one. Packages are compared folded, so that no spelling escapes a pattern: `Newtonsoft.*` means
newtonsoft.json and newtonsoft-json, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Annotated, Final, TypeAlias

from reconciler.model.text import one_or_more, texts
from reconciler.model.words import PackageKey

PATTERN: Final = re.compile(r"[^\s\[\]!]{1,200}")
ANY: Final = "*"
PATTERN_SCHEMA: Final = {"type": ["string", "integer"], "pattern": rf"^{PATTERN.pattern}$"}

Pattern: TypeAlias = Annotated[
    str, *texts('a pattern as in "approved-*": no blanks, brackets or "!"', lambda t: t if PATTERN.fullmatch(t) else None)
]
Patterns: TypeAlias = Annotated[
    list[Pattern],
    *one_or_more("a pattern, or a list of patterns", PATTERN_SCHEMA),
]


def matching(patterns: Iterable[str], name: str) -> str | None:
    """The first of the patterns that matches a name as it stands; None if none does."""
    return next((pattern for pattern in patterns if pattern == ANY or fnmatchcase(name, pattern)), None)


def matching_package(patterns: Iterable[str], package: PackageKey) -> str | None:
    """The first of the patterns that matches a package (normalised), whatever the case and the separators of both."""
    forms = _forms(package)
    return next((one for one in patterns if one == ANY or any(fnmatchcase(form, ways) for ways in _forms(one) for form in forms)), None)


@lru_cache(maxsize=1024)
def _forms(text: str) -> tuple[str, ...]:
    """A name or pattern in lower case, as it stands and with the separators that PyPI treats alike as one; kept, since patterns are few."""
    lower = text.lower()
    alike = lower.replace("_", "-").replace(".", "-")
    return (lower,) if alike == lower else (lower, alike)
