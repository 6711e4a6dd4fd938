"""How CI installs this program, by what says where it came from here."""

from __future__ import annotations

import json

import pytest

from reconciler.propose.scaffold.installing import install_command

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_from_an_index_nobody_can_tell_which_one():
    assert install_command(None) is None, "a bare name may be somebody else's package at the index that CI asks"


def test_from_a_repository_it_is_the_same_commit():
    origin = {
        "url": "https://git.acme.example/tools/reconciler.git",
        "vcs_info": {"vcs": "git", "commit_id": COMMIT, "requested_revision": "main"},
    }
    assert install_command(json.dumps(origin)) == f"pip install git+https://git.acme.example/tools/reconciler.git@{COMMIT}"


@pytest.mark.parametrize(
    "origin",
    [
        {"url": "file:///home/ada/reconciler", "dir_info": {"editable": True}},
        {"url": "https://files.example/reconciler-1.2.3-py3-none-any.whl", "archive_info": {}},
        {"url": "ssh://git@git.acme.example/reconciler", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
        {"url": "https://git.acme.example/reconciler", "vcs_info": {"vcs": "hg", "commit_id": COMMIT}},
        [],
    ],
)
def test_where_ci_may_not_reach_it_nobody_guesses(origin):
    assert install_command(json.dumps(origin)) is None


def test_what_would_be_several_words_is_quoted():
    origin = {"url": "https://git.acme.example/a b;c", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}
    assert install_command(json.dumps(origin)) == f"pip install 'git+https://git.acme.example/a b;c@{COMMIT}'"
