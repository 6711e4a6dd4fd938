"""A project's page at an upstream: which releases and files it announces.

https://packaging.python.org/en/latest/specifications/simple-repository-api/ (PEP 503, 592, 629, 691, 700, 714, 740, 792)

JSON is asked for first, HTML understood. A file is left out, without a word, where its name is none of this project's wheels or
sdists, or its address is not one to download from; whatever is left must be sound, or the whole page is Malformed: half a
page would look like a release that has lost files. What a page does not say is None. Times without a zone are UTC, the only
one that the specification knows. `data-upload-time` is no standard attribute, but some mirrors send it in their HTML.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from reconciler.ecosystems.interface import Get
from reconciler.ecosystems.pypi.markup import Anchor, read_markup
from reconciler.ecosystems.pypi.names import normalize_name, parse_file_name
from reconciler.errors import Malformed, NotThere
from reconciler.model.packages import Document, Listing, Release, RemoteFile
from reconciler.model.words import PackageKey, Version, VersionKey, sha256_hex

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage

MAX_MESSAGE: Final = 4096
"""Characters of a reason."""

_ACCEPT: Final = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
_JSON: Final = "application/vnd.pypi.simple.v1+json"
_HTML: Final = frozenset({"application/vnd.pypi.simple.v1+html", "text/html"})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Page:
    """A project's page in either form; `files` are those whose names are this project's."""

    name: str
    version: str
    status: object
    status_reason: object
    files: Iterator[DistributionPackage]


def discover(get: Get, index_url: str, name: str, /) -> Listing:
    """All releases of a project; see `Ecosystem.discover`. Raises NotThere also for what cannot be the name of a project."""
    try:
        key = normalize_name(name)
    except ValueError as error:
        message = f"{name[:80]!r} cannot be the name of a Python project"
        raise NotThere(message) from error
    document = get(f"{index_url.rstrip('/')}/{key}/", accept=_ACCEPT)
    try:
        return _listing(_read(document, key), document.url)
    except (ValueError, OverflowError, RecursionError) as error:
        reason = " ".join(str(error).split())[:300]
        message = f"{document.shown} is not a page of the simple repository API: {reason}"
        raise Malformed(message) from error


def _read(document: Document, key: PackageKey) -> _Page:
    media_type = document.content_type.partition(";")[0].strip().lower()
    if media_type == _JSON:
        page = _json_page(document, key)
    elif media_type in _HTML:
        page = _html_page(document, key)
    else:
        message = f"{media_type[:80]!r} is not one of its media types"
        raise ValueError(message)
    if page.version.partition(".")[0] != "1":
        # PEP 629: a client must not read a major version that it does not know.
        message = f"it speaks version {page.version[:20]!r}, and only 1.x is understood"
        raise ValueError(message)
    if normalize_name(page.name) != key:
        message = f"it is about {page.name[:80]!r}, not about {key!r}"
        raise ValueError(message)
    return page


def _html_page(document: Document, key: PackageKey) -> _Page:
    markup = read_markup(document.body.decode("utf-8-sig", errors="replace"))
    base = urljoin(document.url, markup.base)
    return _Page(
        name=key,
        version=markup.meta.get("pypi:repository-version", "1.0"),
        status=markup.meta.get("pypi:project-status"),
        status_reason=markup.meta.get("pypi:project-status-reason"),
        files=(_linked(anchor, base) for anchor in markup.anchors if _belongs(anchor.text, key)),
    )


def _linked(anchor: Anchor, base: str) -> DistributionPackage:
    from pypi_simple import DistributionPackage, Link  # noqa: PLC0415  half a second, spared by whoever discovers nothing

    link = Link(text=anchor.text, url=urljoin(base, anchor.attributes["href"]), attrs={**anchor.attributes})
    package = DistributionPackage.from_link(link)
    return replace(package, upload_time=_unofficial_time(anchor.attributes.get("data-upload-time", "")))


def _unofficial_time(text: str) -> datetime | None:
    """A time that no specification defines: what cannot be read as one says nothing."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _json_page(document: Document, key: PackageKey) -> _Page:
    page: Any = json.loads(document.body)
    match page:
        case {"meta": {"api-version": str(version)}, "name": str(name), "files": [*files]}:
            pass
        case _:
            message = "meta.api-version, name or files is missing"
            raise ValueError(message)
    status = page.get("project-status")
    status = status if isinstance(status, dict) else {}
    return _Page(
        name=name,
        version=version,
        status=status.get("status"),
        status_reason=status.get("reason"),
        files=(_stated(file, document.url) for file in files if _belongs(_file_name(file), key)),
    )


def _file_name(file: Any) -> str:
    match file:
        case {"filename": str(name)}:
            return name
        case _:
            message = "an entry of files has no filename"
            raise ValueError(message)


def _stated(file: Any, base: str) -> DistributionPackage:
    from pypi_simple import DistributionPackage  # noqa: PLC0415  half a second, spared by whoever discovers nothing

    return DistributionPackage.from_json_data(file, base_url=base)


def _belongs(file_name: str, key: PackageKey) -> bool:
    try:
        project, _ = parse_file_name(file_name)
    except ValueError:
        return False
    return project == key


def _listing(page: _Page, url: str) -> Listing:
    schemes = {"http", "https", urlsplit(url).scheme}
    files: dict[str, RemoteFile] = {}
    for package in page.files:
        if urlsplit(package.url).scheme not in schemes:
            continue
        file = _remote_file(package, url)
        if files.setdefault(file.name, file) != file:
            message = f"it names {file.name!r} twice, with different facts"
            raise ValueError(message)
    return Listing(name=page.name, releases=_releases(files, deprecated=_deprecated(page)))


def _remote_file(package: DistributionPackage, url: str) -> RemoteFile:
    if package.size is not None and package.size < 0:
        message = f"{package.filename!r} has the size {package.size}"
        raise ValueError(message)
    uploaded = package.upload_time
    if uploaded is not None:
        uploaded = uploaded.replace(tzinfo=UTC) if uploaded.tzinfo is None else uploaded.astimezone(UTC)
    digest = package.digests.get("sha256")
    provenance = urljoin(url, package.provenance_url) if package.provenance_url else ""
    attested = provenance.startswith(("http://", "https://"))
    return RemoteFile(
        name=package.filename,
        url=package.url,
        size=package.size,
        sha256=None if digest is None else sha256_hex(digest),
        uploaded_at=uploaded,
        yanked=_message(package.yanked_reason) if package.is_yanked else None,
        companions={".provenance": provenance} if attested else {},
        provenance=("attestation",) if attested else (),
    )


def _deprecated(page: _Page) -> str | None:
    if page.status != "deprecated":
        return None
    return _message(page.status_reason)


def _message(stated: object) -> str:
    """A text that pages and records repeat: bounded, and without halves of surrogate pairs, which have no encoding."""
    return stated[:MAX_MESSAGE].encode(errors="replace").decode() if isinstance(stated, str) else ""


def _releases(files: dict[str, RemoteFile], *, deprecated: str | None) -> tuple[Release, ...]:
    versions: dict[VersionKey, Version] = {}
    grouped: defaultdict[VersionKey, list[RemoteFile]] = defaultdict(list)
    for name in sorted(files):
        _, version = parse_file_name(name)
        versions.setdefault(version.key, version)
        grouped[version.key].append(files[name])
    return tuple(
        Release(version=version, files=tuple(grouped[version.key]), deprecated=deprecated) for version in sorted(versions.values())
    )
