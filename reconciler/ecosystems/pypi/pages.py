"""The pages of a feed: the simple repository API, in HTML and in JSON.

https://packaging.python.org/en/latest/specifications/simple-repository-api/

Every link is relative, so that the feed can be served from any address. The exception is provenance, which PEP 740 wants as a
fully qualified URL of a secure origin: without such an address it is not announced (the file still lies beside the package).
Version 1.4 is that of PEP 792, whose project status carries a deprecation; clients treat 1.x alike. HTML is written in ASCII with
character references: nobody can get its encoding wrong.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from operator import attrgetter
from typing import Final
from urllib.parse import quote, urlsplit

from reconciler.ecosystems.layout import path_of
from reconciler.model.packages import FeedView, Page, PublishedFile, PublishedPackage, PublishedVersion
from reconciler.model.words import Json, PackageKey, Sha256

LAYOUT: Final = "files/{package}/{version}/{file}"
HTML: Final = "text/html"
JSON: Final = "application/vnd.pypi.simple.v1+json"

_API_VERSION: Final = "1.4"
_METADATA: Final = ".metadata"
_PROVENANCE: Final = ".provenance"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """A file as a page shows it; `yanked` is the reason, None for a file that is not."""

    file: PublishedFile
    url: str
    yanked: str | None
    requires_python: str
    core_metadata: Sha256 | None
    provenance: str


def render(view: FeedView, /) -> Sequence[Page]:
    """Two pages for each changed package that has a version to show, then the two lists of names."""
    pages: list[Page] = []
    for package in sorted(view.changed, key=attrgetter("key")):
        versions = _shown(package)
        if versions:
            pages.extend(_project_pages(package.key, versions, view.base_url))
    names = [package.key for package in sorted(view.packages, key=attrgetter("key")) if _shown(package)]
    links = "".join(f'<a href="{_text(quote(name))}/">{_text(name)}</a><br>\n' for name in names)
    listing: dict[str, Json] = {"meta": {"api-version": _API_VERSION}, "projects": [{"name": name} for name in names]}
    pages.append(Page(path="simple/index.html", content_type=HTML, body=_html("Projects", "", links), package=None))
    pages.append(Page(path="simple/index.json", content_type=JSON, body=_json(listing), package=None))
    return tuple(pages)


def _shown(package: PublishedPackage) -> list[PublishedVersion]:
    return sorted((version for version in package.versions if version.state != "quarantined"), key=attrgetter("version"))


def _project_pages(key: PackageKey, versions: list[PublishedVersion], base_url: str) -> Iterator[Page]:
    entries = [entry for version in versions for entry in _entries(key, version, base_url)]
    status = _project_status(versions)
    document: dict[str, Json] = {
        "meta": {"api-version": _API_VERSION},
        "name": key,
        "versions": [str(version.version.order) for version in versions],
        "files": [_json_file(entry) for entry in entries],
    }
    if status:
        document["project-status"] = status
    meta = "".join(
        f'<meta name="pypi:project-{part}" content="{_text(text)}">\n'
        for part, text in (("status", status.get("status", "")), ("status-reason", status.get("reason", "")))
        if text
    )
    links = "".join(map(_html_file, entries))
    path = f"simple/{key}/index"
    yield Page(path=f"{path}.html", content_type=HTML, body=_html(f"Links for {key}", meta, links), package=key)
    yield Page(path=f"{path}.json", content_type=JSON, body=_json(document), package=key)


def _project_status(versions: list[PublishedVersion]) -> dict[str, str]:
    """PEP 792 knows a status of the project only: it is deprecated where every version shown is."""
    messages = [version.deprecated for version in versions if version.deprecated is not None]
    if len(messages) < len(versions):
        return {}
    return {"status": "deprecated", "reason": messages[-1]} if messages[-1] else {"status": "deprecated"}


def _entries(key: PackageKey, version: PublishedVersion, base_url: str) -> Iterator[_Entry]:
    for file in sorted(version.files, key=attrgetter("name")):
        path = quote(path_of(LAYOUT, package=key, version=version.version.key, file=file.name))
        announced = _PROVENANCE in file.companions and _secure(base_url)
        yield _Entry(
            file=file,
            url=f"../../{path}",
            yanked=(version.reason or file.yanked or "") if version.state == "unlisted" else file.yanked,
            requires_python=str(file.metadata.get("requires_python") or ""),
            core_metadata=file.companions.get(_METADATA) if file.metadata.get("core_metadata") else None,
            provenance=f"{base_url}/{path}{_PROVENANCE}" if announced else "",
        )


def _secure(base_url: str) -> bool:
    address = urlsplit(base_url)
    return address.scheme == "https" or address.hostname in _LOOPBACK


def _html_file(entry: _Entry) -> str:
    attributes = {"href": f"{entry.url}#sha256={entry.file.sha256}"}
    if entry.requires_python:
        attributes["data-requires-python"] = entry.requires_python
    if entry.yanked is not None:
        attributes["data-yanked"] = entry.yanked
    if entry.core_metadata:
        attributes["data-core-metadata"] = attributes["data-dist-info-metadata"] = f"sha256={entry.core_metadata}"
    if entry.provenance:
        attributes["data-provenance"] = entry.provenance
    written = " ".join(f'{name}="{_text(value)}"' for name, value in attributes.items())
    return f"<a {written}>{_text(entry.file.name)}</a><br>\n"


def _json_file(entry: _Entry) -> dict[str, Json]:
    file = entry.file
    stated: dict[str, Json] = {
        "filename": file.name,
        "url": entry.url,
        "hashes": {"sha256": file.sha256},
        "size": file.size,
        "yanked": False if entry.yanked is None else entry.yanked or True,
        "core-metadata": {"sha256": entry.core_metadata} if entry.core_metadata else False,
    }
    if entry.requires_python:
        stated["requires-python"] = entry.requires_python
    if file.uploaded_at is not None:
        stated["upload-time"] = file.uploaded_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if entry.provenance:
        stated["provenance"] = entry.provenance
    return stated


def _html(title: str, meta: str, links: str) -> bytes:
    shown = _text(title)
    text = (
        f'<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n<meta name="pypi:repository-version" content="{_API_VERSION}">\n'
        f"{meta}<title>{shown}</title>\n</head>\n<body>\n<h1>{shown}</h1>\n{links}</body>\n</html>\n"
    )
    return text.encode("ascii", errors="xmlcharrefreplace")


def _json(document: Mapping[str, Json]) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode("ascii")


def _text(text: str) -> str:
    return html.escape(text, quote=True)
