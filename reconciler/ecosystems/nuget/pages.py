"""The static pages of a NuGet V3 feed: https://learn.microsoft.com/en-us/nuget/api/overview.

Per package, in the order in which they are written, so that a page never names one that is not there yet:

    v3/registration/<id>/<version>.json    one version (leaf)
    v3/flatcontainer/<id>/index.json       all versions that can be downloaded
    v3/registration/<id>/index.json        all versions with their facts, in inlined pages of 64, as nuget.org cuts them

Per feed: v3/autocomplete.json, v3/query.json, and v3/index.json, the service index, which names everything else, last.

A quarantined version is in no page; an unlisted one says `listed: false`, keeps its pages, and is not found by search. Search is a
file: every question gets the same answer, all listed packages, each by its latest listed version (the latest stable one where there is
one, since clients that want no prereleases ask this file, too). What clients want to find in the service index, by experiment:
nuget.exe 5.8 stops without RegistrationsBaseUrl in one of the types 3.0.0-beta, 3.4.0 and Versioned, and does not search without
SearchQueryService in one of 3.0.0-beta, 3.0.0-rc and 3.4.0; newer ones look for the newest. So all are listed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from reconciler.ecosystems.nuget.deprecation import from_text
from reconciler.ecosystems.nuget.names import normalize_name
from reconciler.ecosystems.nuget.versions import display_version
from reconciler.model.packages import FeedView, Page, PublishedFile, PublishedPackage, PublishedVersion
from reconciler.model.words import Json, PackageKey

LEAVES_PER_PAGE: Final = 64
"""nuget.org's own page size."""

_CONTENT_TYPE: Final = "application/json"
_FACTS: Final = (
    "authors", "copyright", "description", "iconUrl", "language", "licenseExpression", "licenseUrl", "minClientVersion",
    "packageTypes", "projectUrl", "requireLicenseAcceptance", "summary", "tags", "title",
)  # fmt: skip
"""Metadata of a file that registrations repeat as they are."""
_SEARCH_FACTS: Final = ("description", "iconUrl", "licenseUrl", "projectUrl", "summary", "tags", "title")


def render(view: FeedView, /) -> Sequence[Page]:
    """The pages of `view.changed` in the order of their keys, then the lists of names."""
    pages = [page for package in sorted(view.changed, key=lambda changed: changed.key) for page in _package_pages(view, package)]
    found = [package for package in sorted(view.packages, key=lambda one: one.key) if any(map(_is_listed, package.versions))]
    hits: list[Json] = [_hit(view, package) for package in found]
    names: list[Json] = [package.name for package in found]
    pages.append(_page("v3/autocomplete.json", {"totalHits": len(names), "data": names}, None))
    pages.append(_page("v3/query.json", {"totalHits": len(hits), "data": hits}, None))
    pages.append(_page("v3/index.json", _service_index(view.base_url), None))
    return tuple(pages)


def _page(path: str, content: Json, package: PackageKey | None) -> Page:
    """Sorted keys: equal content has equal bytes. Half a surrogate pair, which has no encoding, becomes a question mark."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Page(path=path, content_type=_CONTENT_TYPE, body=f"{text}\n".encode(errors="replace"), package=package)


def _visible(package: PublishedPackage) -> tuple[PublishedVersion, ...]:
    return tuple(version for version in package.versions if version.state != "quarantined")


def _is_listed(version: PublishedVersion) -> bool:
    return version.state == "listed" and all(file.yanked is None for file in version.files)


def _package_pages(view: FeedView, package: PublishedPackage) -> Iterator[Page]:
    versions = _visible(package)
    if not versions:
        return
    for version in versions:
        yield _page(f"v3/registration/{package.key}/{version.version.key}.json", _leaf(view, package, version), package.key)
    keys: list[Json] = [version.version.key for version in versions]
    yield _page(f"v3/flatcontainer/{package.key}/index.json", {"versions": keys}, package.key)
    yield _page(f"v3/registration/{package.key}/index.json", _registration(view, package, versions), package.key)


def _registration_url(view: FeedView, package: PackageKey) -> str:
    return f"{view.base_url}/v3/registration/{package}/index.json"


def _leaf_url(view: FeedView, package: PublishedPackage, version: PublishedVersion) -> str:
    return f"{view.base_url}/v3/registration/{package.key}/{version.version.key}.json"


def _file(version: PublishedVersion) -> PublishedFile:
    """NuGet has one file a version."""
    return version.files[0]


def _content_url(view: FeedView, package: PublishedPackage, version: PublishedVersion) -> str:
    return f"{view.base_url}/v3/flatcontainer/{package.key}/{version.version.key}/{_file(version).name}"


def _published(version: PublishedVersion) -> str:
    return (_file(version).uploaded_at or version.published_at).isoformat()


def _leaf(view: FeedView, package: PublishedPackage, version: PublishedVersion) -> Json:
    return {
        "@id": _leaf_url(view, package, version),
        "@type": ["Package", "http://schema.nuget.org/catalog#Permalink"],
        "listed": _is_listed(version),
        "packageContent": _content_url(view, package, version),
        "published": _published(version),
        "registration": _registration_url(view, package.key),
    }


def _registration(view: FeedView, package: PublishedPackage, versions: Sequence[PublishedVersion]) -> Json:
    url = _registration_url(view, package.key)
    pages: list[Json] = []
    for start in range(0, len(versions), LEAVES_PER_PAGE):
        part = versions[start : start + LEAVES_PER_PAGE]
        lower, upper = display_version(part[0].version.text), display_version(part[-1].version.text)
        pages.append(
            {
                "@id": f"{url}#page/{lower}/{upper}",
                "@type": "catalog:CatalogPage",
                "count": len(part),
                "items": [_item(view, package, version) for version in part],
                "lower": lower,
                "parent": url,
                "upper": upper,
            }
        )
    return {"@id": url, "@type": ["catalog:CatalogRoot", "PackageRegistration", "catalog:Permalink"], "count": len(pages), "items": pages}


def _item(view: FeedView, package: PublishedPackage, version: PublishedVersion) -> Json:
    metadata = _file(version).metadata
    entry: dict[str, Json] = {name: metadata[name] for name in _FACTS if name in metadata}
    entry |= {
        "@id": f"{_leaf_url(view, package, version)}#catalogEntry",
        "@type": "PackageDetails",
        "dependencyGroups": _dependency_groups(view, metadata),
        "id": package.name,
        "listed": _is_listed(version),
        "packageContent": _content_url(view, package, version),
        "published": _published(version),
        "version": display_version(version.version.text),
    }
    if version.deprecated is not None:
        entry["deprecation"] = from_text(version.deprecated)
    return {
        "@id": _leaf_url(view, package, version),
        "@type": "Package",
        "catalogEntry": entry,
        "packageContent": _content_url(view, package, version),
        "registration": _registration_url(view, package.key),
    }


def _dependency_groups(view: FeedView, metadata: Mapping[str, Json]) -> list[Json]:
    """The groups as `inspect` keeps them, each dependency with the address of its registration in this feed."""
    groups = metadata.get("dependencyGroups")
    shown: list[Json] = []
    for group in groups if isinstance(groups, Sequence) else ():
        if not isinstance(group, Mapping):
            continue
        dependencies = group.get("dependencies")
        shown.append(
            {name: value for name, value in group.items() if name != "dependencies"}
            | {
                "@type": "PackageDependencyGroup",
                "dependencies": [
                    {
                        "@type": "PackageDependency",
                        "id": one["id"],
                        "range": one["range"],
                        "registration": _registration_url(view, normalize_name(str(one["id"]))),
                    }
                    for one in (dependencies if isinstance(dependencies, Sequence) else ())
                    if isinstance(one, Mapping)
                ],
            }
        )
    return shown


def _hit(view: FeedView, package: PublishedPackage) -> Json:
    """A package in a search answer; only for packages that have a listed version."""
    listed = [version for version in package.versions if _is_listed(version)]
    latest = ([version for version in listed if not version.version.prerelease] or listed)[-1]
    metadata = _file(latest).metadata
    hit: dict[str, Json] = {name: metadata[name] for name in _SEARCH_FACTS if name in metadata}
    authors = metadata.get("authors")
    url = _registration_url(view, package.key)
    return hit | {
        "@id": url,
        "@type": "Package",
        "authors": [author.strip() for author in str(authors).split(",")] if authors else [],
        "id": package.name,
        "packageTypes": metadata.get("packageTypes") or [{"name": "Dependency"}],
        "registration": url,
        "totalDownloads": 0,
        "verified": False,
        "version": display_version(latest.version.text),
        "versions": [
            {"@id": _leaf_url(view, package, version), "downloads": 0, "version": display_version(version.version.text)}
            for version in listed
        ],
    }


def _service_index(base_url: str) -> Json:
    registrations, search, complete = f"{base_url}/v3/registration/", f"{base_url}/v3/query.json", f"{base_url}/v3/autocomplete.json"
    resources: list[tuple[str, str]] = [
        ("PackageBaseAddress/3.0.0", f"{base_url}/v3/flatcontainer/"),
        *((f"RegistrationsBaseUrl{version}", registrations) for version in ("", "/3.0.0-beta", "/3.4.0", "/3.6.0", "/Versioned")),
        *((f"SearchQueryService{version}", search) for version in ("", "/3.0.0-beta", "/3.0.0-rc", "/3.4.0", "/3.5.0")),
        *((f"SearchAutocompleteService{version}", complete) for version in ("", "/3.0.0-beta", "/3.0.0-rc", "/3.5.0")),
    ]
    shown: list[dict[str, Json]] = [{"@id": address, "@type": kind} for kind, address in resources]
    # The first client that knows SemVer 2: the pages have such versions.
    return {
        "resources": [
            one | ({"clientVersion": "4.3.0-alpha"} if one["@type"] == "RegistrationsBaseUrl/Versioned" else {}) for one in shown
        ],
        "version": "3.0.0",
    }
