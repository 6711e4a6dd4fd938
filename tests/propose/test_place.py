"""Which forge and project a remote's address means."""

from __future__ import annotations

import pytest

from reconciler.propose.requests.place import forge_of, project_of

HUB, LAB = ("github", "https://api.github.com"), ("gitlab", "https://gitlab.com/api/v4")
ADDRESSES = [
    ("https://github.com/acme/approvals.git", *HUB, "acme/approvals"),
    ("https://github.com/acme/approvals", *HUB, "acme/approvals"),
    ("https://user:pass@GitHub.com/acme/approvals/", *HUB, "acme/approvals"),
    ("git@github.com:acme/approvals.git", *HUB, "acme/approvals"),
    ("github.com:acme/approvals", *HUB, "acme/approvals"),
    ("ssh://git@ssh.github.com:443/acme/approvals.git", *HUB, "acme/approvals"),
    ("git@gitlab.com:acme/tools/approvals.git", *LAB, "acme/tools/approvals"),
    ("https://gitlab.acme.example:8443/acme/approvals.git", "gitlab", "https://gitlab.acme.example/api/v4", "acme/approvals"),
    ("ssh://git@github.acme.example/acme/approvals", "github", "https://github.acme.example/api/v3", "acme/approvals"),
]


@pytest.mark.parametrize(("address", "kind", "url", "project"), ADDRESSES)
def test_a_known_server_is_told_by_its_name(address, kind, url, project):
    forge = forge_of(address)
    assert forge is not None
    assert (forge.kind, forge.url, forge.project) == (kind, url, project)
    assert project_of(address) == project


def test_a_server_that_nobody_knows_has_a_project_only():
    assert project_of("https://git.example/acme/approvals.git") == "acme/approvals"
    assert forge_of("https://git.example/acme/approvals.git") is None


@pytest.mark.parametrize(
    "address", ["git@github.com.evil.example:a/b", "https://github.com.evil.example/a/b", "https://github.evil.example/a/b"]
)
def test_no_other_server_passes_for_github_com(address):
    """A server that has github in its name is asked itself, and gets the secret of its own host only."""
    forge = forge_of(address)
    assert forge is None or ".evil.example/" in f"{forge.url}/"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/srv/git/approvals.git",
        "file:///srv/git/approvals.git",
        "../approvals",
        "https://github.com/approvals",
        "https://github.com/acme/../approvals",
        "https://github.com/acme/%2e%2e/approvals",
        "https://github.com/acme/appro vals",
        "https://[/acme/approvals",
        "ext::sh -c touch% x",
        "https:///acme/approvals",
    ],
)
def test_what_is_no_project_at_a_server(address):
    assert (forge_of(address), project_of(address)) == (None, None)
