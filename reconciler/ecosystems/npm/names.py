"""Names of npm packages, with and without a scope.

Rules: https://github.com/npm/validate-npm-package-name, those for old packages, since such packages are in use: capital letters and
`~'!()*` are taken, and case is kept, because the registry has `JSONStream` beside `jsonstream`. Beyond them, names of more than 214
characters are refused as for new packages, and so is `-` after a scope: below `-` lie a package's files.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from reconciler.model.words import PackageKey

MAX_NAME: Final = 214

_CHARACTERS: Final = r"A-Za-z0-9~!*'()"
_NAME: Final = re.compile(
    rf"[{_CHARACTERS}][{_CHARACTERS}._-]*+|@[{_CHARACTERS}_-][{_CHARACTERS}._-]*+/(?!-\Z)[{_CHARACTERS}_-][{_CHARACTERS}._-]*+"
)
_RESERVED: Final = frozenset({"node_modules", "favicon.ico"})


def normalize_name(name: str, /) -> PackageKey:
    """The name itself: npm has one spelling for each. ValueError, with the reason, for what is no name of a package."""
    if len(name) > MAX_NAME:
        message = f"{name[:80]!a}... is no npm package name: it has more than {MAX_NAME} characters"
        raise ValueError(message)
    if not _NAME.fullmatch(name) or name.lower() in _RESERVED:
        message = f"{name!a} is no npm package name: expected name or @scope/name of characters safe in addresses, not beginning with . _ -"
        raise ValueError(message)
    return PackageKey(name)


def encoded(package: PackageKey) -> str:
    """The name as one segment of an address, as npm itself writes it: `@scope%2fname`."""
    return quote(package, safe="@~!*'()").replace("%2F", "%2f")


def basename(package: PackageKey) -> str:
    """The name without its scope, with which file names begin."""
    return package.rpartition("/")[2]
