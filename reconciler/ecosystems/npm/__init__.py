"""npm: packages of the registry for JavaScript, and everything that speaks its protocol. The package itself satisfies `Ecosystem`.

names.py      names, with and without a scope
versions.py   versions
ranges.py     what a dependency admits
json_text.py  JSON from outside
index.py      discover: a package's document at an upstream
licenses.py   what the license fields of package.json come to
manifest.py   package.json
targeting.py  which dependencies apply
scripts.py    what npm runs when it installs one
archive.py    inspect: a .tgz
pages.py      render: the documents of a feed
"""

from __future__ import annotations

from typing import Final

from reconciler.ecosystems.npm import targeting
from reconciler.ecosystems.npm.archive import SUFFIX, inspect
from reconciler.ecosystems.npm.index import discover
from reconciler.ecosystems.npm.names import normalize_name
from reconciler.ecosystems.npm.pages import INDEX, JSON, LAYOUT, render
from reconciler.ecosystems.npm.ranges import contains
from reconciler.ecosystems.npm.versions import parse_version
from reconciler.model.serving import Index

osv_ecosystem: Final = "npm"
layout: Final = LAYOUT
file_suffixes: Final = (SUFFIX,)
file_name: Final = "{basename}-{version}.tgz"
indexes: Final = (Index(file=INDEX, content_type=JSON),)

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
