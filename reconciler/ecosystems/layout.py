"""Where package files lie and what they are called: the templates `layout` and `file_name` of an ecosystem, filled in and read back.

Fields are {package} and {version} (keys), {file} (a file's name) and {basename}, the last segment of the package's key, which npm
needs: its clients build the address `@scope/name/-/name-1.0.0.tgz` themselves, from a lock file, whatever a page says.

A layout that does not name {file} says by its last segment what files are called there. A given name takes that place as it is,
so that companions, whose names are longer, lie beside their file and not on it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from reconciler.model.words import PackageKey

_FIELD: Final = re.compile(r"\{(\w+)\}")
_PATTERNS: Final = {
    "package": r"(?P<package>(?:.+/)?(?P<last>[^/]+))",
    "version": r"(?P<version>[^/]+)",
    "file": r"(?P<file>[^/]+)",
    "basename": r"(?P=last)",
}


class Place(NamedTuple):
    """What a path in a feed's folder is for; `version` and `package` as the path spells them, checked by nobody."""

    package: PackageKey
    version: str
    file: str


def path_of(layout: str, *, package: str, version: str, file: str) -> str:
    """The path of a package file, or of a companion of it, in the feed's folder."""
    folder, slash, last = layout.rpartition("/")
    template = layout if "{file}" in last else f"{folder}{slash}{{file}}"
    return name_of(template, package=package, version=version, file=file)


def name_of(file_name: str, *, package: str, version: str, file: str) -> str:
    """What a package file is called in feeds that is called `file` elsewhere."""
    return file_name.format(package=package, version=version, file=file, basename=package.rpartition("/")[2])


def place_of(layout: str, path: str) -> Place | None:
    """What a path is for; None if it is none that this layout gives to any package file."""
    match = _pattern(layout).fullmatch(path)
    if match is None:
        return None
    file = match["file"] if "{file}" in layout else path.rpartition("/")[2]
    return Place(package=PackageKey(match["package"]), version=match["version"], file=file)


@cache
def _pattern(layout: str) -> re.Pattern[str]:
    """The template as a pattern; a field that comes twice must read the same. The package comes before its basename."""
    pattern, seen = "", set[str]()
    for text, field in zip(*[iter([*_FIELD.split(layout), ""])] * 2, strict=True):
        pattern += re.escape(text)
        if field:
            pattern += f"(?P={field})" if field in seen else _PATTERNS[field]
            seen.add(field)
    return re.compile(pattern)
