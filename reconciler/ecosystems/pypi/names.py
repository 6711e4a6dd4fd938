"""Names, versions, ranges and file names of Python packages, by the library that pip itself uses.

https://packaging.python.org/en/latest/specifications/name-normalization/
https://packaging.python.org/en/latest/specifications/version-specifiers/ (PEP 440)

A version's key drops trailing zeros, since PEP 440 says that `1.0` and `1.0.0` are one version; a local version (`+cu121`) is a
version of its own. A range admits prereleases: what is approved was chosen by a person, and whether a client may pick a
prerelease is that client's setting.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, canonicalize_version, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version as Pep440Version

from reconciler.model.words import PackageKey, Version, VersionKey

_MAX_NAME: Final = 200
"""No specification bounds a name; a file name of 255 bytes, the most that file systems take, has to hold name, version and tags."""
_MAX_VERSION: Final = 200
"""As for names: `1.0` may be written with any number of zeros."""
_EXTRAS: Final = re.compile(r"\[[^\[\]]*+\]")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,254}")


def normalize_name(name: str, /) -> PackageKey:
    """PEP 503: lower case, runs of `-`, `_` and `.` are one `-`. ValueError for what is no project name."""
    if not name.isascii() or len(name) > _MAX_NAME:
        message = f"{name[:80]!a} is not a project name: only ASCII letters, digits, '.', '_' and '-', at most {_MAX_NAME} of them"
        raise ValueError(message)
    return PackageKey(canonicalize_name(name, validate=True))


def parse_version(text: str, /) -> Version:
    """A PEP 440 version in any of its spellings; ValueError for anything else, legacy versions and endless ones included."""
    if len(text) > _MAX_VERSION:
        message = f"{text[:80]!a}... is not a version: longer than {_MAX_VERSION} characters"
        raise ValueError(message)
    return _version(Pep440Version(text), text.strip())


def _version(parsed: Pep440Version, text: str) -> Version:
    return Version(key=VersionKey(canonicalize_version(parsed)), text=text, prerelease=parsed.is_prerelease, order=parsed)


def contains(version_range: str, version: Version, /) -> bool:
    """Whether a range admits the version: what PEP 508 allows after a name, `[extras]` and version specifiers.

    ValueError for what is no range, such as the `@ https://...` of a direct reference.
    """
    if not version_range.isascii():
        # The library takes letters that only look like those of "preview" (dotless i), and stumbles over them later.
        message = f"{version_range[:80]!a} is not a version range: it has characters beyond ASCII"
        raise ValueError(message)
    return _specifiers(version_range).contains(version.order, prereleases=True)


@lru_cache(maxsize=4096)
def _specifiers(version_range: str) -> SpecifierSet:
    return SpecifierSet(split_extras(version_range)[1])


def split_extras(version_range: str) -> tuple[tuple[str, ...], str]:
    """The extras that stand before a range, normalised (PEP 685), sorted, each once; and the rest of it."""
    extras = _EXTRAS.match(version_range)
    if extras is None:
        return (), version_range
    named = {canonicalize_name(name.strip()) for name in extras[0][1:-1].split(",") if name.strip()}
    return tuple(sorted(named)), version_range[extras.end() :]


def parse_file_name(name: str) -> tuple[PackageKey, Version]:
    """Project and version of a wheel's or sdist's file name. ValueError for every other name, and for one that is not safe
    as the last component of a path or an address.
    """
    if not _FILE_NAME.fullmatch(name):
        message = f"{name[:80]!a} is not the file name of a wheel or sdist"
        raise ValueError(message)
    if name.endswith(".whl"):
        project, version, _, _ = parse_wheel_filename(name)
    else:
        project, version = parse_sdist_filename(name)
    return normalize_name(project), _version(version, str(version))
