"""Documents of real packages, where ../shared holds them: every version that they list is found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.ecosystems.npm import discover
from reconciler.ecosystems.npm.names import encoded, normalize_name
from tests.ecosystems.npm.packages import INDEX, Answers
from tests.support.shared import DATA, needs_shared

RECORDED = sorted((DATA / "protocol/registry.npm.example").glob("*.json"))


@needs_shared
def test_there_are_recorded_documents():
    assert len(RECORDED) >= 10


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_every_version_of_a_real_package_is_found(path):
    body = path.read_bytes()
    stated: dict[str, Any] = json.loads(body)
    listing = discover(Answers(known={INDEX + encoded(normalize_name(stated["name"])): body}), INDEX, stated["name"])
    assert {release.version.key for release in listing.releases} == stated["versions"].keys()
    for release in listing.releases:
        (file,) = release.files
        dist = stated["versions"][release.version.key]["dist"]
        assert (file.url, file.url.rpartition("/")[2]) == (dist["tarball"], file.name)
        assert file.integrity == dist["integrity"]
    latest = next(release for release in listing.releases if release.version.key == stated["dist-tags"]["latest"])
    tags = latest.files[0].announced["tags"]
    assert isinstance(tags, list)
    assert "latest" in tags
