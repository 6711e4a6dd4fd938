"""The manifest of a NuGet package: what `<id>.nuspec` says, read strictly where identity and licence depend on it.

Schema: https://learn.microsoft.com/en-us/nuget/reference/nuspec. Real manifests have any of six namespaces or none, UTF-8 or
UTF-16 with or without a byte order mark, and odd dependencies; NuGet's client reads what it can. This reader follows it, and
refuses what a reviewer and a client could understand differently: an element that is there twice, a document type declaration
(entities), a dependency on an id that only looks like another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree

from reconciler.ecosystems.nuget.names import normalize_name
from reconciler.ecosystems.nuget.versions import normalize_range, parse_version
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Dependency
from reconciler.model.words import Json, Version

MAX_NUSPEC_BYTES: Final = 1024 * 1024
"""The largest manifest of 181 real packages has under 8,000 bytes."""
MAX_TEXT_LENGTH: Final = 4_000
"""Descriptive texts are cut to what nuget.org accepts for a description."""
MAX_DEPENDENCIES: Final = 10_000
MAX_GROUPS: Final = 1_000
"""There are about a hundred target frameworks."""

_DECLARED_ENCODING: Final = re.compile(rb"[\xef\xbb\xbf\xfe\xff]*<\?xml[^>]*?\bencoding\s*=\s*[\"']([^\"']*)")
_ENCODINGS: Final = (b"utf-8", b"utf-16", b"us-ascii", b"iso-8859-1", b"windows-1252")
"""Those that mean the same to every reader. Expat would look others up among Python's codecs, of which some decode escapes."""

_TEXTS: Final = ("authors", "copyright", "description", "language", "summary", "title")
_ADDRESSES: Final = ("iconUrl", "licenseUrl", "projectUrl")


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Dependencies for one target framework as the manifest spells it; "" means every framework."""

    framework: str
    dependencies: tuple[Dependency, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """How a manifest states its license: an expression, the path of a file inside the package, or an address; "" for nothing."""

    kind: Literal["expression", "file", "url"]
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Nuspec:
    """A manifest. `license` is the declared one, as `Inspection` wants it; `metadata` is what registration pages repeat.

    `frameworks` are those of its groups, each once, as they are spelled; none where dependencies are not in groups.
    """

    id: str
    version: Version
    stated: Stated
    groups: tuple[Group, ...]
    frameworks: tuple[str, ...]
    metadata: Mapping[str, Json]

    @property
    def license(self) -> str | None:
        """The expression, `file: <path>` for a file inside the package, or an address; never a file's name alone: it could be "MIT"."""
        return (f"file: {self.stated.text}" if self.stated.kind == "file" else self.stated.text) or None


def read_nuspec(data: bytes) -> Nuspec:
    """Parses a manifest. Raises ArchiveRefused with the reason."""
    package = _parse(data)
    found = _all(package, "metadata")
    if _local(package.tag) != "package" or len(found) != 1:
        message = "the .nuspec is no package manifest: expected <package> with one <metadata>"
        raise ArchiveRefused(message)
    metadata = found[0]
    name = _text(metadata, "id")
    try:
        normalize_name(name)
        version = parse_version(_text(metadata, "version"))
    except ValueError as error:
        message = f"the .nuspec has no usable identity: {error}"
        raise ArchiveRefused(message) from error
    groups = tuple(_groups(metadata))
    if sum(len(group.dependencies) for group in groups) > MAX_DEPENDENCIES:
        message = f"the .nuspec has more than {MAX_DEPENDENCIES} dependencies"
        raise ArchiveRefused(message)
    stated = _stated(metadata)
    return Nuspec(
        id=name, version=version, stated=stated, groups=groups, frameworks=_frameworks(metadata), metadata=_metadata(metadata, stated)
    )


def _parse(data: bytes) -> Element:
    declared = _DECLARED_ENCODING.match(data.replace(b"\0", b""))  # UTF-16 text reads like ASCII then.
    if declared is not None and declared.group(1).lower() not in _ENCODINGS:
        message = f"the .nuspec has an encoding that is not read: {declared.group(1)[:40]!a}"
        raise ArchiveRefused(message)
    try:
        parsed: Element = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
    # ParseError is a SyntaxError; defusedxml's own errors are ValueErrors, as are undecodable bytes.
    except (ParseError, ValueError, RecursionError) as error:
        message = f"the .nuspec is not well-formed XML, or has a document type: {str(error)[:200]!a}"
        raise ArchiveRefused(message) from error
    return parsed


def _local(tag: object) -> str:
    """An element's name without its namespace."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _all(parent: Element, name: str) -> list[Element]:
    return [child for child in parent if _local(child.tag) == name]


def _only(parent: Element, name: str) -> Element | None:
    found = _all(parent, name)
    if len(found) > 1:
        message = f"the .nuspec has {len(found)} elements <{name}>, expected one"
        raise ArchiveRefused(message)
    return found[0] if found else None


def _text(parent: Element, name: str) -> str:
    element = _only(parent, name)
    return (element.text or "").strip() if element is not None else ""


def _stated(metadata: Element) -> Stated:
    element = _only(metadata, "license")
    text = _text(metadata, "license")[:MAX_TEXT_LENGTH]
    match element.get("type") if element is not None and text else None:
        case "expression" | "file" as kind:
            return Stated(kind=kind, text=text)
        case _:
            return Stated(kind="url", text=_text(metadata, "licenseUrl")[:MAX_TEXT_LENGTH])


def _groups(metadata: Element) -> Iterator[Group]:
    """NuGet ignores dependencies beside groups; without groups, they are for every framework."""
    dependencies = _only(metadata, "dependencies")
    if dependencies is None:
        return
    groups = _all(dependencies, "group")
    for group in groups:
        framework = _framework(group)
        yield Group(framework=framework, dependencies=tuple(_dependencies(group, framework)))
    flat = () if groups else tuple(_dependencies(dependencies, ""))
    if flat:
        yield Group(framework="", dependencies=flat)


def _frameworks(metadata: Element) -> tuple[str, ...]:
    dependencies = _only(metadata, "dependencies")
    groups = _all(dependencies, "group") if dependencies is not None else []
    if len(groups) > MAX_GROUPS:
        message = f"the .nuspec has more than {MAX_GROUPS} groups of dependencies"
        raise ArchiveRefused(message)
    return tuple(dict.fromkeys(_framework(group) for group in groups))


def _framework(group: Element) -> str:
    return (group.get("targetFramework") or "").strip()[:MAX_TEXT_LENGTH]


def _dependencies(parent: Element, framework: str) -> Iterator[Dependency]:
    for element in _all(parent, "dependency"):
        name = (element.get("id") or "").strip()
        if not name:
            continue  # Such dependencies are in circulation; nuget.org leaves them out too.
        try:
            normalize_name(name)
        except ValueError as error:
            message = f"the .nuspec has a dependency that cannot be approved: {error}"
            raise ArchiveRefused(message) from error
        yield Dependency(name=name, range=_dependency_range(element.get("version") or ""), condition=framework)


def _dependency_range(text: str) -> str:
    """In interval notation; a range that cannot be read admits any version, as it does for NuGet's client."""
    try:
        return normalize_range(text)
    except ValueError:
        return ""


def _metadata(metadata: Element, stated: Stated) -> dict[str, Json]:
    """What registration pages repeat; a key is missing where there is nothing to say."""
    facts: dict[str, Json] = {name: text for name in _TEXTS if (text := _text(metadata, name)[:MAX_TEXT_LENGTH])}
    facts |= {name: text for name in _ADDRESSES if (text := _address(_text(metadata, name)))}
    if stated.kind != "url":
        facts["licenseExpression" if stated.kind == "expression" else "licenseFile"] = stated.text
    if tags := [tag for tag in re.split(r"[\s,;|]+", _text(metadata, "tags")[:MAX_TEXT_LENGTH]) if tag]:
        facts["tags"] = tags
    if _text(metadata, "requireLicenseAcceptance").lower() in ("true", "1"):
        facts["requireLicenseAcceptance"] = True
    if minimum := _minimum_client(metadata):
        facts["minClientVersion"] = minimum
    if types := _package_types(metadata):
        facts["packageTypes"] = types
    return facts


def _address(text: str) -> str:
    """The address if it is a plain web address; people and clients follow these."""
    return text if len(text) <= MAX_TEXT_LENGTH and re.fullmatch(r"https?://[^\s<>\"]+", text, re.IGNORECASE) else ""


def _minimum_client(metadata: Element) -> str:
    """Left out where it is no version: clients refuse the whole registration page then."""
    try:
        return parse_version(metadata.get("minClientVersion") or "").text
    except ValueError:
        return ""


def _package_types(metadata: Element) -> list[Json]:
    """Each (name, version) once, case aside, in order."""
    types: dict[tuple[str, str], Json] = {}
    for element in (one for several in _all(metadata, "packageTypes") for one in _all(several, "packageType")):
        name, version = (element.get("name") or "").strip()[:MAX_TEXT_LENGTH], (element.get("version") or "").strip()
        try:
            version = parse_version(version).text
        except ValueError:
            version = ""
        if name:
            types.setdefault((name.lower(), version), {"name": name, "version": version} if version else {"name": name})
    return list(types.values())
