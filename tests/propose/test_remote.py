"""Which forge and project a remote's address means."""

from __future__ import annotations

import pytest

from reconciler.propose.remote import Remote, remote_of

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
    remote = remote_of(address)
    assert remote is not None
    forge = remote.forge()
    assert forge is not None
    assert (forge.kind, forge.url, forge.project, remote.project) == (kind, url, project, project)


def test_a_server_that_nobody_knows_has_a_project_only():
    remote = remote_of("https://git.example/acme/approvals.git")
    assert remote == Remote(host="git.example", project="acme/approvals")
    assert (remote.kind, remote.forge()) == (None, None)


@pytest.mark.parametrize(
    "address", ["git@github.com.evil.example:a/b", "https://github.com.evil.example/a/b", "https://github.evil.example/a/b"]
)
def test_no_other_server_passes_for_github_com(address):
    """A server that has github in its name is asked itself, and gets the secret of its own host only."""
    remote = remote_of(address)
    assert remote is not None
    forge = remote.forge()
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
        "https://[/acme/x",
        "a:../../x",
    ],
)
def test_what_is_no_project_at_a_server(address):
    assert remote_of(address) is None


@pytest.mark.parametrize(
    ("address", "host", "project"),
    [
        ("https://user:secret@GitLab.com/acme/sub/approvals", "gitlab.com", "acme/sub/approvals"),
        ("gitlab.acme.example:acme/approvals", "gitlab.acme.example", "acme/approvals"),
        ("ssh://git@gitlab.acme.example:2222/acme/approvals.git", "gitlab.acme.example", "acme/approvals"),
    ],
)
def test_host_and_project_are_those_of_the_address(address, host, project):
    assert remote_of(address) == Remote(host=host, project=project)


def test_the_address_of_the_api_is_that_of_the_host():
    assert Remote(host="github.com", project="a/b").api("github") == "https://api.github.com"
    assert Remote(host="git.acme.example", project="a/b").api("github") == "https://git.acme.example/api/v3"
    assert Remote(host="git.acme.example", project="a/b").api("gitlab") == "https://git.acme.example/api/v4"
