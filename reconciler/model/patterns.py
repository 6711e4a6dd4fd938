"""Patterns for the names of feeds and packages: how a file writes them, and what they match.

`*` stands for any characters, `?` for one. Packages are compared folded, so that no spelling escapes a pattern: `Newtonsoft.*` means
newtonsoft.json and newtonsoft-json, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema

from reconciler.model.text import Expected, listed, texts
from reconciler.model.words import PackageKey

PATTERN: Final = re.compile(r"[^\s\[\]!]{1,200}")
PATTERN_SCHEMA: Final = {"type": ["string", "integer"], "pattern": rf"^{PATTERN.pattern}$"}

Pattern: TypeAlias = Annotated[
    str, *texts('a pattern as in "approved-*": no blanks, brackets or "!"', lambda t: t if PATTERN.fullmatch(t) else None)
]
Patterns: TypeAlias = Annotated[
    list[Pattern],
    BeforeValidator(listed),
    Field(min_length=1),
    Expected("a pattern, or a list of patterns"),
    WithJsonSchema({"anyOf": [PATTERN_SCHEMA, {"type": "array", "items": PATTERN_SCHEMA, "minItems": 1}]}),
]


def matching(patterns: Iterable[str], name: str) -> str | None:
    """The first of the patterns that matches a name as it stands; None if none does."""
    return next((pattern for pattern in patterns if fnmatchcase(name, pattern)), None)


def matching_package(patterns: Iterable[str], package: PackageKey) -> str | None:
    """The first of the patterns that matches a package (normalised), whatever the case and the separators of both."""
    forms = set(_forms(package))
    return next((pattern for pattern in patterns if any(fnmatchcase(form, one) for one in _forms(pattern) for form in forms)), None)


def _forms(text: str) -> Iterator[str]:
    """A name or pattern in lower case, as it stands and with the separators that PyPI treats alike as one."""
    lower = text.lower()
    yield lower
    yield lower.replace("_", "-").replace(".", "-")
