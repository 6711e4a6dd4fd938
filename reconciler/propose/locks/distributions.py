"""The wheels and the source archive of a version, as lock files of Python list them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from reconciler.propose.locks.texts import field, mapping, tables


def distributions(package: Mapping[str, Any], place: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each with its place, its name, and what is said of it; those without a name are left out."""
    files = list(tables(package, "wheels", place))
    if "sdist" in package:
        files.append((f"{place}.sdist", mapping(package["sdist"], f"{place}.sdist")))
    for where, file in files:
        address = field(file, "url", where) or field(file, "path", where) or ""
        if name := field(file, "name", where) or _last_part(address) or field(file, "filename", where):
            yield where, name, file


def _last_part(address: str) -> str:
    """The file of an address or path, decoded, without query and fragment."""
    path = address.partition("#")[0].partition("?")[0].replace("\\", "/")
    return unquote(path.rpartition("/")[2])
