"""PyPI: the Python package index and everything that speaks its simple repository API.

    names.py      names, versions, ranges, file names
    markup.py     the links of an HTML page
    index.py      discover: a project's page at an upstream, HTML or JSON
    metadata.py   core metadata (METADATA, PKG-INFO)
    licenses.py   what its license fields come to
    traits.py     what rules ask of a file
    archive.py    inspect: wheels and sdists
    pages.py      render: the pages of a feed
    targeting.py  which dependencies apply for what
    markers.py    environment markers

Several files make one version here: wheels for different platforms and the sdist. Wheels (`.whl`) and sdists (`.tar.gz`, `.zip`)
are package files; eggs, installers and other formats that pip no longer installs are not.
"""

from __future__ import annotations

from typing import Final

from reconciler.ecosystems.pypi import targeting
from reconciler.ecosystems.pypi.archive import inspect
from reconciler.ecosystems.pypi.index import discover
from reconciler.ecosystems.pypi.names import contains, normalize_name, parse_version
from reconciler.ecosystems.pypi.pages import HTML, JSON, LAYOUT, render
from reconciler.model.serving import Index

osv_ecosystem: Final = "PyPI"
layout: Final = LAYOUT
file_suffixes: Final = (".whl", ".tar.gz", ".zip")
file_name: Final = "{file}"
indexes: Final = (
    Index(file="index.json", content_type=JSON, accept=JSON, relative=True),  # PEP 691
    Index(file="index.html", content_type=HTML, relative=True),
)

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
