"""The pages of a feed: one document for each package (packument), at `<package>/index.json`.

https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md

It is the full form, which clients take also where they ask for the abbreviated one, as it alone has times. A web server answers
`/<package>` with it, however a scope's slash is encoded. npm has no list of names that clients need.

What decides between versions is stated so that clients choose well from what is approved, not from what exists:

- A version that is not listed has no dist-tag and is deprecated with its reason: clients prefer any other one in range.
- `latest` is the highest stable version that upstream called so, or that it gave no tag at all when it was promoted: an older one,
  approved later. Versions that have only other tags (`next`, `legacy`) do not become it while there is another one.
- `time` is when a version was published upstream: `npm install --before` and the cool-downs of clients count from there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

from reconciler.ecosystems.layout import path_of
from reconciler.ecosystems.npm.index import ATTESTATIONS
from reconciler.model.packages import FeedView, Page, PublishedFile, PublishedVersion
from reconciler.model.words import Json, PackageKey

LAYOUT: Final = "{package}/-/{basename}-{version}.tgz"
INDEX: Final = "index.json"
JSON: Final = "application/json"

_LATEST: Final = "latest"
_DIST: Final = ("fileCount", "integrity", "shasum", "unpackedSize")
"""Metadata of a file that stands below `dist`; the rest is the manifest's."""
_WITHDRAWN: Final = "This version was withdrawn from this feed."
_DEPRECATED: Final = "This version is deprecated."
"""Where no reason is given: clients take an empty text for no deprecation."""


def render(view: FeedView, /) -> Sequence[Page]:
    """One page for each changed package that has a version to show."""
    pages = []
    for package in sorted(view.changed, key=attrgetter("key")):
        shown = sorted((version for version in package.versions if version.state != "quarantined"), key=attrgetter("version"))
        if shown:
            body = json.dumps(_packument(package.key, shown, view.base_url), sort_keys=True, separators=(",", ":"))
            pages.append(Page(path=f"{package.key}/{INDEX}", content_type=JSON, body=f"{body}\n".encode(), package=package.key))
    return tuple(pages)


def _packument(key: PackageKey, shown: Sequence[PublishedVersion], base_url: str) -> dict[str, Json]:
    times = {version.version.key: _file(version).uploaded_at or version.published_at for version in shown}
    return {
        "_id": key,
        "dist-tags": _dist_tags(shown),
        "name": key,
        "time": {
            "created": _time(min(times.values())),
            "modified": _time(max(times.values())),
            **{version: _time(time) for version, time in times.items()},
        },
        "versions": {version.version.key: _manifest(key, version, base_url) for version in shown},
    }


def _file(version: PublishedVersion) -> PublishedFile:
    """The one file that a version has."""
    return version.files[0]


def _time(time: datetime) -> str:
    """As JavaScript writes it."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _manifest(key: PackageKey, version: PublishedVersion, base_url: str) -> dict[str, Json]:
    file = _file(version)
    stated = {name: value for name, value in file.metadata.items() if name not in _DIST and name != "hasShrinkwrap"}
    if file.metadata.get("hasShrinkwrap"):
        stated["_hasShrinkwrap"] = True
    if version.state == "unlisted":
        stated["deprecated"] = version.reason or _WITHDRAWN
    elif version.deprecated is not None:
        stated["deprecated"] = version.deprecated or _DEPRECATED
    return {
        **stated,
        "_id": f"{key}@{version.version.key}",
        "dist": _dist(key, version, base_url),
        "name": key,
        "version": version.version.key,
    }


def _dist(key: PackageKey, version: PublishedVersion, base_url: str) -> dict[str, Json]:
    file = _file(version)
    # Every character of a key is one that addresses may have.
    address = f"{base_url}/{path_of(LAYOUT, package=key, version=version.version.key, file=file.name)}"
    found: dict[str, Json] = {name: file.metadata[name] for name in _DIST if name in file.metadata}
    if file.announced.get("signatures"):
        found["signatures"] = file.announced["signatures"]
    if ATTESTATIONS in file.companions:
        announced = file.announced.get("attestations")
        found["attestations"] = {**(announced if isinstance(announced, Mapping) else {}), "url": f"{address}{ATTESTATIONS}"}
    return {**found, "tarball": address}


def _dist_tags(shown: Sequence[PublishedVersion]) -> dict[str, Json]:
    """What each tag names; `latest` is always there, since clients do not expect a package without it."""
    listed = [version for version in shown if version.state == "listed"]
    tags: dict[str, Json] = {tag: version.version.key for version in listed for tag in _tags(version)}
    stable = [version for version in listed if not version.version.prerelease]
    called = [version for version in stable if not _tags(version) or _LATEST in _tags(version)]
    tags[_LATEST] = (called or stable or listed or shown)[-1].version.key
    return tags


def _tags(version: PublishedVersion) -> Sequence[str]:
    """The dist-tags that upstream gave this version when it was promoted."""
    found = _file(version).announced.get("tags")
    return [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []
