"""Discovering releases in a NuGet V3 feed: https://learn.microsoft.com/en-us/nuget/api/overview.

Three kinds of answers: the service index names the resources; the package's registration index lists pages; a page lists versions
and is either inside the index or a document of its own. "No such package" is only what the registration index itself says: a
service index or a page that is missing makes the answer malformed, since an empty answer would hand the name to the next
connector (dependency confusion).

The file's name is made from id and version, never taken from an address.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urldefrag, urljoin, urlsplit

from reconciler.ecosystems.interface import Get
from reconciler.ecosystems.nuget.deprecation import to_text
from reconciler.ecosystems.nuget.names import file_name, normalize_name
from reconciler.ecosystems.nuget.versions import parse_version
from reconciler.errors import Malformed, NotThere
from reconciler.model.packages import Document, Listing, Release, RemoteFile
from reconciler.model.words import Json, PackageKey, Version, VersionKey

MAX_DOCUMENT_BYTES: Final = 64 * 1024 * 1024
"""Of one answer after decompression; the largest page of 64 versions on record has 0.6 MB."""
MAX_PAGES: Final = 1_000
MAX_RELEASES: Final = 64_000

_REGISTRATIONS: Final = ("/3.6.0", "/Versioned", "/3.4.0", "/3.0.0-rc", "/3.0.0-beta", "")
"""Best first: 3.6.0 has all versions; before it, those with SemVer 2 versions are missing."""
_JSON: Final = "application/json"
_GZIP: Final = b"\x1f\x8b"
_UNLISTED_YEAR: Final = 1900
"""nuget.org publishes 1900-01-01 for what is unlisted, and keeps the real time to itself."""


def discover(get: Get, index_url: str, name: str, /) -> Listing:
    """All releases of a package; see `Ecosystem.discover`. Raises NotThere also for what cannot be the id of a package."""
    try:
        key = normalize_name(name)
    except ValueError as error:
        message = f"{name[:80]!a} cannot be the id of a NuGet package"
        raise NotThere(message) from error
    service = _required(get, index_url)
    registrations = _resource(service, "RegistrationsBaseUrl", _REGISTRATIONS)
    if registrations is None:
        message = f"{index_url} is no NuGet V3 service index: it names no RegistrationsBaseUrl"
        raise Malformed(message)
    content = _resource(service, "PackageBaseAddress", ("/3.0.0",))
    index = get(f"{registrations.rstrip('/')}/{key}/index.json", accept=_JSON)
    releases: dict[VersionKey, Release] = {}
    spelled: dict[VersionKey, str] = {}
    for document, leaf in _leaves(get, index):
        entry = _entry(document, leaf, key)
        version = _version(entry)
        if version is None:
            continue
        if version.key in releases or len(releases) >= MAX_RELEASES:
            message = f"{document.shown} lists {key} {version.key} twice, or more than {MAX_RELEASES} versions"
            raise Malformed(message)
        url = _content_url(document, leaf, key=key, version=version.key, content=content)
        releases[version.key] = _release(entry, version, key=key, url=url)
        spelled[version.key] = str(entry["id"])
    ordered = tuple(sorted(releases.values(), key=lambda release: release.version))
    return Listing(name=spelled[ordered[-1].version.key] if ordered else key, releases=ordered)


def _required(get: Get, url: str) -> Document:
    """An answer that must be there: that it is not, says nothing about the package."""
    try:
        return get(url, accept=_JSON)
    except NotThere as error:
        message = f"{url} is missing, so nothing is known about the feed behind it"
        raise Malformed(message) from error


def _parsed(document: Document) -> Mapping[str, Json]:
    try:
        # Some servers compress without saying so in a header.
        parsed = json.loads(_inflated(document.body) if document.body.startswith(_GZIP) else document.body)
    except (ValueError, RecursionError, zlib.error) as error:
        message = f"{document.shown} is not JSON: {str(error)[:200]}"
        raise Malformed(message) from error
    return _object(document, parsed)


def _inflated(body: bytes) -> bytes:
    inflate = zlib.decompressobj(wbits=31)
    plain = inflate.decompress(body, MAX_DOCUMENT_BYTES + 1)
    if not inflate.eof or len(plain) > MAX_DOCUMENT_BYTES:
        message = f"compressed, and cut off or larger than {MAX_DOCUMENT_BYTES} bytes"
        raise ValueError(message)
    return plain


def _object(document: Document, value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        message = f"{document.shown} breaks the NuGet V3 protocol: expected an object, found {type(value).__name__}"
        raise Malformed(message)
    return value


def _items(document: Document, value: Json) -> Sequence[Json]:
    if not isinstance(value, list):
        message = f"{document.shown} breaks the NuGet V3 protocol: expected a list of items, found {type(value).__name__}"
        raise Malformed(message)
    return value


def _resource(service: Document, kind: str, suffixes: Sequence[str]) -> str | None:
    """The address of the best resource of a kind, None if there is none."""
    found: dict[str, str] = {}
    for item in _items(service, _parsed(service).get("resources")):
        resource = _object(service, item)
        types = resource.get("@type")
        for name in types if isinstance(types, list) else [types]:
            if isinstance(name, str) and name.startswith(kind):
                # Of several for different clients ("Versioned"), the last one listed is for the newest.
                found[name.removeprefix(kind)] = _link(service, resource.get("@id"))
    return next((found[suffix] for suffix in suffixes if suffix in found), None)


def _link(document: Document, address: Json) -> str:
    """An address in a document, absolute. It may leave the host, but neither the scheme nor, downwards, encryption."""
    if isinstance(address, str) and re.fullmatch(r"[!-~]+", address):
        try:
            absolute = urljoin(document.url, address)
            if urlsplit(absolute).scheme in {"https", urlsplit(document.url).scheme}:
                return absolute
        except ValueError:
            pass  # Not an address; said below.
    message = f"{document.shown} breaks the NuGet V3 protocol: {str(address)[:200]!a} is no address that may be followed"
    raise Malformed(message)


def _leaves(get: Get, index: Document) -> Iterator[tuple[Document, dict[str, Json]]]:
    """Every version in every page, with the document that it stands in."""
    pages = _items(index, _parsed(index).get("items"))
    if len(pages) > MAX_PAGES:
        message = f"{index.shown} has more than {MAX_PAGES} pages"
        raise Malformed(message)
    for item in pages:
        document, page = index, _object(index, item)
        if page.get("items") is None:
            document = _required(get, urldefrag(_link(index, page.get("@id"))).url)
            page = _object(document, _parsed(document))
        for leaf in _items(document, page.get("items")):
            yield document, _object(document, leaf)


def _entry(document: Document, leaf: Mapping[str, Json], key: PackageKey) -> dict[str, Json]:
    entry = _object(document, leaf.get("catalogEntry"))
    name = entry.get("id")
    if not isinstance(name, str) or name.lower() != key or not name.isascii():
        message = f"{document.shown} lists a version of {str(name)[:200]!a}, expected {key}"
        raise Malformed(message)
    return entry


def _version(entry: Mapping[str, Json]) -> Version | None:
    try:
        return parse_version(str(entry.get("version")))
    except ValueError:
        return None  # It cannot be approved, so it is as good as not there.


def _content_url(document: Document, leaf: Mapping[str, Json], *, key: PackageKey, version: VersionKey, content: str | None) -> str:
    address = leaf.get("packageContent") or _object(document, leaf.get("catalogEntry")).get("packageContent")
    if not address and content is not None:
        return f"{content.rstrip('/')}/{key}/{version}/{file_name(key, version)}"
    return _link(document, address)


def _release(entry: Mapping[str, Json], version: Version, *, key: PackageKey, url: str) -> Release:
    uploaded_at, unlisted = _published(entry.get("published"))
    file = RemoteFile(
        name=file_name(key, version.key),
        url=url,
        uploaded_at=uploaded_at,
        yanked="" if unlisted or entry.get("listed") is False else None,
    )
    return Release(version=version, files=(file,), deprecated=to_text(entry.get("deprecation")))


def _published(value: Json) -> tuple[datetime | None, bool]:
    """When the version was published, None if that is not known, and whether the time itself marks it as unlisted."""
    try:
        published = datetime.fromisoformat(str(value))
        # The protocol's times are UTC, also where a server leaves the offset out.
        utc = published.replace(tzinfo=UTC) if published.tzinfo is None else published.astimezone(UTC)
    except (ValueError, OverflowError):
        return None, False
    return (utc, False) if utc.year > _UNLISTED_YEAR else (None, utc.year == _UNLISTED_YEAR)
