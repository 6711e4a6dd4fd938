"""Which project at which forge the address of a remote means."""

from __future__ import annotations

import pytest

from reconciler.propose.scaffold.remote import Remote, remote_of


@pytest.mark.parametrize(
    ("address", "host", "project"),
    [
        ("https://github.com/acme/approvals.git", "github.com", "acme/approvals"),
        ("https://github.com/acme/approvals/", "github.com", "acme/approvals"),
        ("https://user:secret@GitLab.com/acme/sub/approvals", "gitlab.com", "acme/sub/approvals"),
        ("git@github.com:acme/approvals.git", "github.com", "acme/approvals"),
        ("gitlab.acme.example:acme/approvals", "gitlab.acme.example", "acme/approvals"),
        ("ssh://git@gitlab.acme.example:2222/acme/approvals.git", "gitlab.acme.example", "acme/approvals"),
    ],
)
def test_a_project(address, host, project):
    assert remote_of(address) == Remote(host=host, project=project)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/srv/git/approvals.git",
        "../approvals",
        "file:///srv/acme/approvals",
        "https://github.com/acme",
        "https://[/acme/x",
        "a:../../x",
    ],
)
def test_no_project(address):
    assert remote_of(address) is None


def test_the_address_of_the_api_is_that_of_the_host():
    assert Remote(host="github.com", project="a/b").api("github") is None
    assert Remote(host="git.acme.example", project="a/b").api("github") == "https://git.acme.example/api/v3"
    assert Remote(host="git.acme.example", project="a/b").api("gitlab") == "https://git.acme.example/api/v4"
    assert Remote(host="git.acme.example", project="a/b").token_variable("gitlab") == "RECONCILER_TOKEN_git_acme_example"
