"""An ecosystem made up for tests of upstreams, where a package is one line of JSON and its file may be called anything.

A made-up one is needed because every real one refuses an archive that contradicts its file's name, and because bytes are to be
written down in the test. What it has is tested with the real ones in `tests/contracts/`; it has no pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin

from reconciler.ecosystems import Get
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import FeedView, Inspection, Listing, Page, Release, RemoteFile
from reconciler.model.words import PackageKey, Version, VersionKey
from tests.support.targeting import Everywhere


class Boxes:
    """A package file is JSON `{"name", "version"}`, an index is JSON by name and version."""

    layout = "files/{package}/{version}/{file}"
    file_suffixes = (".box",)
    file_name = "{file}"
    indexes = ()
    osv_ecosystem = "Boxes"
    targeting = Everywhere()

    def normalize_name(self, name: str, /) -> PackageKey:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", name):
            message = "a name has letters"
            raise ValueError(message)
        return PackageKey(name.lower().replace("_", "-"))

    def parse_version(self, text: str, /) -> Version:
        numbers = tuple(map(int, text.split(".")))
        return Version(key=VersionKey(".".join(map(str, numbers))), text=text, prerelease=False, order=numbers)

    def contains(self, version_range: str, version: Version, /) -> bool:
        return version_range in {"", version.key}

    def discover(self, get: Get, index_url: str, name: str, /) -> Listing:
        page = get(urljoin(index_url, f"{name}.json"), accept="application/json")
        releases = [
            Release(version=self.parse_version(version), files=(RemoteFile(name=Path(url).name, url=urljoin(page.url, url)),))
            for version, url in json.loads(page.body).items()
        ]
        return Listing(name=name, releases=tuple(releases))

    def inspect(self, filename: str, archive: BinaryIO, /) -> Inspection:
        try:
            found = json.load(archive)
        except ValueError as error:
            message = "damaged"
            raise ArchiveRefused(message) from error
        return Inspection(name=found["name"], version=self.parse_version(found["version"]), license=None, dependencies=(), metadata={})

    def render(self, view: FeedView, /) -> Sequence[Page]:
        return ()


class BoxesByKey(Boxes):
    """The same, with files that are called after the keys, whatever they are called on disk."""

    file_name = "{package}.{version}.nupkg"
