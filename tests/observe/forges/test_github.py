"""What is special about GitHub."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reconciler.model.events import Person
from reconciler.model.evidence import Account
from tests.observe.forges.conftest import APPROVAL
from tests.support.faulty_server import Answer
from tests.support.forge import ForgeServer, Said

EVE = Person(name="Eve", email="eve@example.org")


@pytest.fixture
def forge(repo):
    with ForgeServer("github", repo) as forge:
        yield forge.join("ada", number=42, email="ada@example.org")


def said(found):
    return [(review.by.login, review.state) for review in found.reviews]


# --- reviews ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "last"),
    [
        (["APPROVED"], ["approved"]),
        (["APPROVED", "COMMENTED"], ["approved"]),
        (["APPROVED", "PENDING"], ["approved"]),
        (["APPROVED", "COMMENTED", "CHANGES_REQUESTED", "COMMENTED"], ["changes-requested"]),
        (["CHANGES_REQUESTED", "APPROVED"], ["approved"]),
        (["DISMISSED"], ["dismissed"]),
        (["APPROVED", "DISMISSED"], ["dismissed"]),
        (["DISMISSED", "APPROVED"], ["approved"]),
        (["COMMENTED", "COMMENTED"], ["commented"]),
        (["PENDING"], []),
    ],
)
def test_what_somebody_said_last_counts_and_comments_take_nothing_back(forge, pull, land, states, last):
    for state in states:
        forge.review(pull, by="bob", state=state)
    assert [review.state for review in land().reviews] == last


def test_a_review_that_is_dismissed_afterwards_is_told_as_such(forge, pull, land):
    review = forge.review(pull, by="bob")
    review.state = "DISMISSED"
    assert said(land()) == [("bob", "dismissed")]


def test_somebody_who_changed_the_login_is_one_person(forge, pull, land):
    forge.join("bob", number=7)
    forge.review(pull, by="bob")
    forge.join("robert", number=7)
    forge.review(pull, by="robert", state="CHANGES_REQUESTED")
    (review,) = land().reviews
    assert (review.by, review.state) == (Account(id=7, login="robert"), "changes-requested")


def test_a_login_that_somebody_else_took_is_somebody_else(forge, pull, land):
    forge.join("bob", number=7)
    forge.review(pull, by="bob")
    forge.join("bob", number=8)
    forge.review(pull, by="bob", state="CHANGES_REQUESTED")
    assert [(review.by.id, review.state) for review in land().reviews] == [(7, "approved"), (8, "changes-requested")]


def test_a_review_of_a_commit_that_is_gone_has_none(forge, pull, land):
    forge.review(pull, by="bob").commit = None
    assert [review.commit for review in land().reviews] == [""]


def test_reviews_that_cannot_be_told_to_the_end_are_not_told_at_all(forge, pull, land):
    bob = forge.account("bob")
    pull.reviews = [Said(by=bob, state="APPROVED", commit=pull.head, at=forge.now)] * 3001
    found = land()
    assert found.reviews == ()
    assert not found.whole


# --- accounts of commits ------------------------------------------------------------------------------------------------------


def test_accounts_of_the_branch_s_commits_are_told_once_and_unknown_ones_not(forge, repo, pull, land):
    forge.join("eve", number=9, email=EVE.email)
    repo.commit({APPROVAL: "two\n"}, "Correct it", by=EVE, on="topic")
    repo.commit({APPROVAL: "three\n"}, "Correct it again", by=Person(name="X", email="x@example.org"), committer=EVE, on="topic")
    forge.push(pull)
    found = land()
    assert [account.id for account in found.authors] == [9, 42]
    assert [account.id for account in found.committers] == [9, 42]
    assert len(found.commits) == 3


def test_more_than_two_hundred_and_fifty_commits_are_not_told_as_all(forge, repo, pull, land):
    for number in range(251):
        repo.commit({APPROVAL: f"{number}\n"}, f"Change {number}", on="topic")
    forge.push(pull)
    found = land()
    assert len(found.commits) == 250
    assert not found.whole


# --- files --------------------------------------------------------------------------------------------------------------------


def test_a_file_that_was_moved_is_gone_from_where_it_was(forge, repo, pull, land):
    repo.commit({"policies/new.yaml": "rule: x\n", "policies/old.yaml": None}, "Move it", on="topic")
    forge.push(pull)
    del pull.files["policies/old.yaml"]
    pull.renamed["policies/new.yaml"] = "policies/old.yaml"
    found = land()
    blob = repo.git("rev-parse", f"{pull.head}:policies/new.yaml")
    assert {path: found.files[path] for path in ("policies/new.yaml", "policies/old.yaml")} == {
        "policies/new.yaml": blob,
        "policies/old.yaml": None,
    }


def test_three_thousand_files_are_all_told_and_one_more_is_not(forge, repo, pull, land):
    pull.files = {f"docs/{number}": pull.files[APPROVAL] for number in range(2999)} | pull.files
    found = land()
    assert list(found.files) == [APPROVAL]
    assert found.whole


def test_a_list_of_files_that_ends_early_is_not_all(forge, repo, pull, ask):
    (landed,) = forge.merge(pull)
    pull.files["policies/more.yaml"] = pull.files[APPROVAL]
    forge.good_for = 4
    forge.always = Answer(body=b"[]")
    found = ask(forge, landed)
    assert forge.asked()[-1].startswith("/pulls/1/files")
    assert (found.files, found.whole) == ({}, False)


@pytest.mark.parametrize("change", [{"sha": None}, {"filename": "approvals/" + "a" * 5000}])
def test_a_file_without_blob_or_with_an_endless_name_is_left_out_and_said(forge, pull, ask, change):
    (landed,) = forge.merge(pull)
    row = {"sha": pull.files[APPROVAL], "filename": APPROVAL, "status": "added"} | change
    forge.good_for = 4
    forge.always = Answer(body=json.dumps([row]).encode())
    found = ask(forge, landed)
    assert (found.files, found.whole) == ({}, False)


def test_paths_that_only_look_like_the_declaration_are_left_out(forge, repo, pull, land):
    odd = {"approvals": "x", "policies.yaml": "x", "docs/approvals/a.yaml": "x", "Approvals/a.yaml": "x", "feeds.yaml.bak": "x"}
    pull.files |= dict.fromkeys(odd, pull.files[APPROVAL])
    assert list(land().files) == [APPROVAL]


# --- landing ------------------------------------------------------------------------------------------------------------------


def test_a_branch_that_was_pushed_to_main_as_it_is_has_landed_commit_by_commit(forge, repo, pull, ask):
    first = pull.head
    second = repo.commit({APPROVAL: "two\n"}, "Correct it", on="topic")
    forge.push(pull)
    repo.move("main", second)
    forge.merged(pull, "rebase", (second,))
    assert [ask(forge, commit).method for commit in (first, second)] == ["rebase", "rebase"]
    root = repo.git("rev-parse", f"{first}^")
    pull.landed = [root, second]
    assert ask(forge, root) is None


def test_a_rebase_onto_other_commits_is_told_apart_from_them(forge, repo, pull, ask):
    other = repo.commit({"policies/old.yaml": "rule: y\n"}, "Meanwhile")
    (landed,) = forge.merge(pull, "rebase")
    assert ask(forge, landed).method == "rebase"
    pull.landed = [other, landed]
    assert ask(forge, other) is None


@pytest.mark.parametrize("change", [{"message": "Else"}, {"at": None}, {"person": EVE}], ids=["message", "date", "author"])
def test_a_landing_commit_that_is_no_copy_of_the_branch_s_has_no_pull_request(forge, repo, pull, ask, change):
    repo.commit({APPROVAL: "two\n"}, "Correct it", on="topic")
    forge.push(pull)
    first, second = forge.merge(pull, "rebase")
    assert ask(forge, first).method == "rebase"
    pull.commits[0] = replace(pull.commits[0], **change)
    assert ask(forge, first) is None
    assert ask(forge, second).method == "squash"


def test_the_project_may_be_spelled_in_any_case(forge, pull, ask):
    (landed,) = forge.merge(pull)
    forge.instead.append(Answer(body=json.dumps([_row(forge, pull, landed, "Owner/Approvals")]).encode()))
    assert ask(forge, landed).project == "owner/approvals"


def _row(forge, pull, landed, project):
    return {
        "number": 1,
        "merged_at": "2026-01-02T00:02:00Z",
        "merge_commit_sha": landed,
        "head": {"sha": pull.head},
        "base": {"repo": {"full_name": project}},
    }


def test_five_requests_tell_it_all(forge, pull, ask):
    (landed,) = forge.merge(pull)
    ask(forge, landed)
    page = "?per_page=100&page=1"
    assert forge.asked() == [
        f"/commits/{landed}/pulls{page}",
        "/pulls/1",
        f"/pulls/1/commits{page}",
        f"/pulls/1/reviews{page}",
        f"/pulls/1/files{page}",
    ]
    assert {request.headers["accept"] for request in forge.requests} == {"application/vnd.github+json"}
