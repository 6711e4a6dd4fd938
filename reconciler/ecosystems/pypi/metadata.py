"""Core metadata: what METADATA of a wheel and PKG-INFO of an sdist say.

https://packaging.python.org/en/latest/specifications/core-metadata/

As lenient as pip, since a package that pip installs should not be refused for its form: any metadata version, unknown and
invalid fields. Only Name and Version must be there, once, and be valid. A requirement that PEP 508 does not admit stays a
dependency, with its whole text as a range, which is none: it is seen, and never taken for satisfied. The description, which is most of the
text and may hold anything, is cut off before the fields are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from packaging.metadata import RawMetadata, parse_email
from packaging.requirements import InvalidRequirement, Requirement

from reconciler.ecosystems.pypi.licenses import LicenseFields
from reconciler.ecosystems.pypi.names import normalize_name, parse_version
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Dependency
from reconciler.model.words import PackageKey, Version

MAX_METADATA_BYTES: Final = 4 * 1024 * 1024
"""Long descriptions reach some hundred kilobytes."""
MAX_HEAD_LENGTH: Final = 1024 * 1024
"""Characters of all fields together, without the description."""
MAX_REQUIREMENT_LENGTH: Final = 10_000
"""The parser takes minutes for a range of a megabyte."""
MAX_FIELDS: Final = 20_000
"""Fields that repeat (Requires-Dist, Classifier) reach a few thousand."""
MAX_FIELD_NAMES: Final = 200
"""There are about forty; the parser looks through all fields once for each name."""

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_BLANK_LINE: Final = re.compile(r"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
_NAME: Final = re.compile(r"\s*+([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_LICENSE_CLASSIFIER: Final = "License :: "


@dataclass(frozen=True, kw_only=True, slots=True)
class CoreMetadata:
    """What is used of core metadata; `license` is the most precise of its `license_fields`, unjudged; `requires_python` None where
    nothing is said."""

    name: str
    key: PackageKey
    version: Version
    license: str | None
    license_fields: LicenseFields
    requires_python: str | None
    dependencies: tuple[Dependency, ...]


def read_metadata(content: bytes, file: str) -> CoreMetadata:
    """Reads METADATA or PKG-INFO, which is called `file` in messages. Raises ArchiveRefused where name or version are no such."""
    raw = _fields(content, file)
    name, version = raw.get("name", ""), raw.get("version", "")
    try:
        key, parsed = normalize_name(name), parse_version(version)
    except ValueError as error:
        message = f"{file} must have one valid Name and one valid Version; found {name[:80]!a} and {version[:80]!a}"
        raise ArchiveRefused(message) from error
    return CoreMetadata(
        name=name,
        key=key,
        version=parsed,
        license=_license(raw),
        license_fields=LicenseFields(
            expression=raw.get("license_expression", ""), classifiers=tuple(_classifiers(raw)), text=raw.get("license", "")
        ),
        requires_python=" ".join(_bounded(raw.get("requires_python", ""), file).split()) or None,
        dependencies=tuple(_dependency(text, file) for text in raw.get("requires_dist", [])),
    )


def _fields(content: bytes, file: str) -> RawMetadata:
    # Old PKG-INFO is in any encoding: where it is not UTF-8, an author's name suffers, nothing that counts.
    text = _BLANK_LINE.split(content.decode("utf-8", errors="replace"), maxsplit=1)[0]
    if len(text) > MAX_HEAD_LENGTH:
        message = f"{file} has fields of {len(text)} characters, without the description; at most {MAX_HEAD_LENGTH} are read"
        raise ArchiveRefused(message)
    names = [line.partition(":")[0].lower() for line in _LINE_END.split(text) if line[:1] not in {" ", "\t", ""}]
    if len(names) > MAX_FIELDS or len(set(names)) > MAX_FIELD_NAMES:
        message = f"{file} has {len(names)} fields of {len(set(names))} names; at most {MAX_FIELDS} of {MAX_FIELD_NAMES} are read"
        raise ArchiveRefused(message)
    raw, _ = parse_email(text)
    return raw


def _license(raw: RawMetadata) -> str | None:
    """The first of: License-Expression; License, where it is one line; the license classifiers; License, a whole text then."""
    stated = raw.get("license", "").strip()
    if stated.upper() == "UNKNOWN":  # what old setuptools wrote for nothing
        stated = ""
    brief = "" if _LINE_END.search(stated) else stated
    return raw.get("license_expression", "").strip() or brief or "; ".join(_classifiers(raw)) or stated or None


def _classifiers(raw: RawMetadata) -> list[str]:
    return [text for text in raw.get("classifiers", []) if text.startswith(_LICENSE_CLASSIFIER)]


def _bounded(text: str, file: str) -> str:
    if len(text) > MAX_REQUIREMENT_LENGTH:
        message = f"{file} has a requirement of {len(text)} characters, at most {MAX_REQUIREMENT_LENGTH} are read: {text[:80]!a}"
        raise ArchiveRefused(message)
    return text


def _dependency(text: str, file: str) -> Dependency:
    try:
        requirement = Requirement(_bounded(text, file))
        condition = str(requirement.marker or "")
    except (InvalidRequirement, RecursionError):  # a marker may have any number of parentheses
        return _unreadable(text, file)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    reference = f"@ {requirement.url}" if requirement.url else str(requirement.specifier)
    return Dependency(name=requirement.name, range=extras + reference, condition=condition)


def _unreadable(text: str, file: str) -> Dependency:
    found = _NAME.match(text)
    if found is None:
        message = f"{file} requires {text[:80]!a}, in which no name can be read"
        raise ArchiveRefused(message)
    return Dependency(name=found[1], range=text.strip())
