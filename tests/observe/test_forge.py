"""What names a forge."""

from __future__ import annotations

import pytest

from reconciler.observe.forge import forge_of_remote

GITHUB = ("github", "https://api.github.com", "owner/name")
GITLAB = ("gitlab", "https://gitlab.com/api/v4", "group/sub/name")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://github.com/owner/name", GITHUB),
        ("https://github.com/owner/name.git", GITHUB),
        ("https://github.com/owner/name/", GITHUB),
        ("https://user:secret@GitHub.com/owner/name.git", GITHUB),
        ("git@github.com:owner/name.git", GITHUB),
        ("github.com:owner/name", GITHUB),
        ("ssh://git@github.com/owner/name.git", GITHUB),
        ("ssh://git@github.com:22/owner/name.git", GITHUB),
        ("https://gitlab.com/group/sub/name.git", GITLAB),
        ("git@gitlab.com:group/sub/name.git", GITLAB),
    ],
)
def test_a_remote_of_a_well_known_forge_names_its_project(url, found):
    assert forge_of_remote(url) == found


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/srv/git/name.git",
        "../name",
        "file:///srv/git/name.git",
        "http://github.com/owner/name",
        "https://github.com/owner",
        "https://github.com/owner/../name",
        "https://github.com.example/owner/name",
        "https://github.example/github.com/owner",
        "git@github.example:github.com/name",
        "https://github.com@forge.example/owner/name",
        "https://[/owner/name",
        "git@git@github.com:owner/name",
        "C:\\work\\name",
    ],
)
def test_any_other_remote_names_none(url):
    assert forge_of_remote(url) is None
