"""NuGet: V3 protocol and .nupkg archives. The package itself satisfies `Ecosystem`.

names.py         ids and file names
versions.py      versions and ranges
index.py         discover: service index and registrations of an upstream
archive.py       inspect: a .nupkg
nuspec.py        the manifest inside it
traits.py        what rules ask of a package
content_hash.py  the digest that survives re-signing
pages.py         render: the static pages of a feed
targeting.py     which dependencies apply for what
frameworks/      target frameworks
"""

from __future__ import annotations

from typing import Final

from reconciler.ecosystems.nuget import targeting
from reconciler.ecosystems.nuget.archive import inspect
from reconciler.ecosystems.nuget.index import discover
from reconciler.ecosystems.nuget.names import PACKAGE_SUFFIX, normalize_name
from reconciler.ecosystems.nuget.pages import render
from reconciler.ecosystems.nuget.versions import contains, parse_version
from reconciler.model.serving import Index

osv_ecosystem: Final = "NuGet"
layout: Final = "v3/flatcontainer/{package}/{version}/{file}"
file_suffixes: Final = (PACKAGE_SUFFIX,)
file_name: Final = "{package}.{version}.nupkg"
indexes: Final[tuple[Index, ...]] = ()

__all__ = [
    "contains",
    "discover",
    "file_name",
    "file_suffixes",
    "indexes",
    "inspect",
    "layout",
    "normalize_name",
    "osv_ecosystem",
    "parse_version",
    "render",
    "targeting",
]
