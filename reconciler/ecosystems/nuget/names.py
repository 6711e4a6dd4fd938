"""NuGet package ids, and the file name that an id and a version make.

Rules: https://learn.microsoft.com/en-us/nuget/reference/nuspec#id. NuGet's own client accepts words joined by single dots and
hyphens, at most 100 characters, and takes "word" from .NET, where it means letters of every script. Here only ASCII letters are
accepted: nuget.org has held ids like Anotar.Serilog.Fody with a Cyrillic e and o, which differ from a well-known id by nothing that a
reviewer can see (malicious package MAL-2024-4003), and an id that is also a folder must not depend on Unicode's case
rules. The few honest ids in other scripts cannot be approved; that is the price.
"""

from __future__ import annotations

import re
from typing import Final

from reconciler.model.words import PackageKey, VersionKey

MAX_ID_LENGTH: Final = 100
"""https://learn.microsoft.com/en-us/nuget/reference/nuspec#id"""

PACKAGE_SUFFIX: Final = ".nupkg"

_ID: Final = re.compile(r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*")


def normalize_name(name: str, /) -> PackageKey:
    """The id in lower case: what ids are compared by, and what addresses are made of. ValueError for what is no id."""
    if len(name) > MAX_ID_LENGTH:
        message = f"{name[:40]!a}... is no NuGet package id: longer than {MAX_ID_LENGTH} characters"
        raise ValueError(message)
    if not _ID.fullmatch(name):
        message = f"{name!a} is no NuGet package id: expected A-Z, a-z, 0-9, _ in words joined by single dots or hyphens"
        raise ValueError(message)
    return PackageKey(name.lower())


def file_name(package: PackageKey, version: VersionKey) -> str:
    """The name of a package's file in the flat container."""
    return f"{package}.{version}{PACKAGE_SUFFIX}"
