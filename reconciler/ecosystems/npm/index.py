"""A package's document at an upstream (packument): which versions a registry announces.

https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md
https://github.com/npm/registry/blob/main/docs/REGISTRY-API.md

The full form is asked for, since the abbreviated one has no times. A version that is broken is left out: one wrong line among hundreds
from ten years hides no other. A document that is none, or about something else, is Malformed. File names are made from name and
version, never taken from an address. An announced digest is the index's word; whoever fetches the file compares.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final
from urllib.parse import urljoin, urlsplit

from reconciler.ecosystems.integrity import integrity_of, strongest
from reconciler.ecosystems.interface import Get
from reconciler.ecosystems.npm.json_text import parse_json
from reconciler.ecosystems.npm.names import basename, encoded, normalize_name
from reconciler.ecosystems.npm.ranges import contains
from reconciler.ecosystems.npm.versions import parse_version
from reconciler.errors import Malformed, NotThere
from reconciler.model.packages import Document, Listing, Release, RemoteFile
from reconciler.model.words import Json, PackageKey

MAX_SIGNATURES: Final = 8
MAX_TAGS: Final = 50
MAX_VERSIONS: Final = 64_000
"""Of one version; nightly builds of some packages collect a dozen."""
MAX_MESSAGE: Final = 4096

ATTESTATIONS: Final = ".attestations"
"""What the companion with a version's attestations ends with."""

_ACCEPT: Final = "application/json"
_TAG: Final = re.compile(r"[A-Za-z0-9._~!*'()-]{1,100}")
_WORD: Final = re.compile(r"[!-~]{1,1000}")
_SHASUM: Final = re.compile(r"[0-9a-fA-F]{40}")
_ANY: Final = parse_version("0.0.0")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Packument:
    """A package's document; `tags` are dist-tags by the version that they name, as it is written there."""

    key: PackageKey
    url: str
    versions: Mapping[str, Json]
    times: Mapping[str, Json]
    tags: Mapping[str, list[str]]


def discover(get: Get, index_url: str, name: str, /) -> Listing:
    """All releases of a package; see `Ecosystem.discover`. Raises NotThere also for what cannot be a name, and where every version was
    unpublished and only the name is left.
    """
    try:
        key = normalize_name(name)
    except ValueError as error:
        message = f"{name[:80]!a} cannot be the name of an npm package"
        raise NotThere(message) from error
    page = _read(get(f"{index_url.rstrip('/')}/{encoded(key)}", accept=_ACCEPT), key)
    if not page.versions and page.times.get("unpublished"):
        message = f"{key} was unpublished"
        raise NotThere(message)
    releases = [release for text, manifest in page.versions.items() if (release := _release(page, text, manifest)) is not None]
    # Spellings of one version (build metadata) have one file name: nobody could tell which is meant.
    count = Counter(release.version.key for release in releases)
    alone = (release for release in releases if count[release.version.key] == 1)
    return Listing(name=key, releases=tuple(sorted(alone, key=attrgetter("version"))))


def _read(document: Document, key: PackageKey) -> _Packument:
    try:
        content = parse_json(document.body)
    except ValueError as error:
        message = f"{document.shown} is not JSON: {str(error)[:200]}"
        raise Malformed(message) from error
    stated = _object(content)
    if stated.get("name") != key:
        message = f"{document.shown} is not the document of the npm package {key}"
        raise Malformed(message)
    versions = stated.get("versions", {})
    if not isinstance(versions, dict):
        message = f"{document.shown} breaks the protocol: versions are no object"
        raise Malformed(message)
    if len(versions) > MAX_VERSIONS:
        message = f"{document.shown} has more than {MAX_VERSIONS} versions"
        raise Malformed(message)
    return _Packument(
        key=key, url=document.url, versions=versions, times=_object(stated.get("time")), tags=_tags(_object(stated.get("dist-tags")))
    )


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _tags(stated: Mapping[str, Json]) -> Mapping[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for tag in sorted(stated):
        version = stated[tag]
        if isinstance(version, str) and len(found[version]) < MAX_TAGS and _TAG.fullmatch(tag) and not _is_range(tag):
            found[version].append(tag)
    return found


def _is_range(tag: str) -> bool:
    """Clients would read such a tag as a range."""
    try:
        contains(tag, _ANY)
    except ValueError:
        return False
    return True


def _release(page: _Packument, text: str, value: Json) -> Release | None:
    """One version, None where it is broken."""
    manifest = _object(value)
    dist = _object(manifest.get("dist"))
    url = _link(page, dist.get("tarball"))
    try:
        version = parse_version(text)
        agrees = parse_version(str(manifest.get("version"))) == version and manifest.get("name") == page.key
    except ValueError:
        return None
    if not agrees or url is None:
        return None
    attestations = _object(dist.get("attestations"))
    proof = _link(page, attestations.get("url"))
    announced: dict[str, Json] = {
        "signatures": _signatures(dist),
        "tags": [*page.tags.get(text, ())],
        "attestations": _attestations(attestations),
    }
    file = RemoteFile(
        name=f"{basename(page.key)}-{version.key}.tgz",
        url=url,
        uploaded_at=_time(page.times.get(text)),
        companions={} if proof is None else {ATTESTATIONS: proof},
        integrity=_integrity(dist),
        announced={key: value for key, value in announced.items() if value},
        provenance=(*(["attestation"] if proof is not None else []), *(["signature"] if announced["signatures"] else [])),
    )
    return Release(version=version, files=(file,), deprecated=_deprecated(manifest.get("deprecated")))


def _link(page: _Packument, address: Json) -> str | None:
    """An address of the document, absolute; None for what is none, or of another kind than http."""
    if not isinstance(address, str) or not _WORD.fullmatch(address):
        return None
    try:
        absolute = urljoin(page.url, address)
        parts = urlsplit(absolute)
    except ValueError:
        return None
    return absolute if parts.scheme in {"http", "https"} and parts.hostname else None


def _integrity(dist: Mapping[str, Json]) -> str | None:
    stated, shasum = dist.get("integrity"), dist.get("shasum")
    found = strongest(stated) if isinstance(stated, str) else None
    if found is None and isinstance(shasum, str) and _SHASUM.fullmatch(shasum):
        found = integrity_of("sha1", bytes.fromhex(shasum))
    return found


def _signatures(dist: Mapping[str, Json]) -> list[Json]:
    """What the registry signed name, version and integrity with: passed on, as whoever has its keys can verify it."""
    stated = dist.get("signatures")
    found: list[Json] = []
    for one in stated[:MAX_SIGNATURES] if isinstance(stated, list) else ():
        match one:
            case {"keyid": str(keyid), "sig": str(sig)} if _WORD.fullmatch(keyid) and _WORD.fullmatch(sig):
                found.append({"keyid": keyid, "sig": sig})
            case _:
                pass
    return found


def _attestations(stated: Mapping[str, Json]) -> dict[str, Json]:
    match stated:
        case {"provenance": {"predicateType": str(kind)}} if _WORD.fullmatch(kind):
            return {"provenance": {"predicateType": kind}}
        case _:
            return {}


def _time(value: Json) -> datetime | None:
    try:
        stated = datetime.fromisoformat(str(value))
        return stated.replace(tzinfo=UTC) if stated.tzinfo is None else stated.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _deprecated(value: Json) -> str | None:
    """The message; `npm deprecate PACKAGE ""` takes a deprecation back, so an empty text is none."""
    if value is True:
        return ""
    # Half of a surrogate pair has no encoding.
    return value[:MAX_MESSAGE].encode(errors="replace").decode() if isinstance(value, str) and value else None
