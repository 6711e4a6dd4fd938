"""What is special about GitLab."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.errors import Unreachable
from tests.observe.forges.conftest import APPROVAL
from tests.support.faulty_server import Answer
from tests.support.forge import ForgeServer


@pytest.fixture(params=[True, False], ids=["with times", "without times"])
def forge(request, repo):
    with ForgeServer("gitlab", repo, project="group/sub.group/approvals") as forge:
        forge.tells_time = request.param
        yield forge


# --- approvals ----------------------------------------------------------------------------------------------------------------


def test_an_approval_is_for_the_newest_version_before_it(forge, repo, pull, land):
    first = pull.head
    bob = forge.review(pull, by="bob")
    second = repo.commit({APPROVAL: "two\n"}, "Correct it", on="topic")
    forge.push(pull)
    carol = forge.review(pull, by="carol")
    third = repo.commit({APPROVAL: "three\n"}, "Correct it again", on="topic")
    forge.push(pull)
    told = {review.by.login: (review.commit, review.at) for review in land().reviews}
    assert told == {"bob": (first, bob.at), "carol": (second, carol.at)}
    assert pull.head == third


def test_who_approves_again_has_looked_at_the_newer_version(forge, repo, pull, land):
    forge.review(pull, by="bob")
    forge.review(pull, by="bob", state="UNAPPROVED")
    repo.commit({APPROVAL: "two\n"}, "Correct it", on="topic")
    forge.push(pull)
    again = forge.review(pull, by="bob")
    (review,) = land().reviews
    assert (review.commit, review.at) == (pull.head, again.at)


def test_an_approval_that_was_taken_back_is_none(forge, pull, land):
    forge.review(pull, by="bob")
    forge.review(pull, by="carol")
    forge.review(pull, by="bob", state="UNAPPROVED")
    assert [review.by.login for review in land().reviews] == ["carol"]


def test_a_version_of_the_very_same_moment_was_not_looked_at(forge, repo, pull, land):
    first = pull.head
    bob = forge.review(pull, by="bob")
    repo.commit({APPROVAL: "two\n"}, "Correct it", on="topic")
    forge.push(pull)
    pull.versions[-1] = (pull.head, bob.at)
    (review,) = land().reviews
    assert review.commit == first


def test_an_approval_before_all_versions_has_no_commit(forge, pull, land):
    bob = forge.review(pull, by="bob")
    pull.versions = [(pull.head, bob.at + timedelta(minutes=1))]
    (review,) = land().reviews
    assert (review.commit, review.at) == ("", bob.at)


def test_a_comment_that_reads_like_an_approval_is_none(forge, repo, pull, land):
    first = pull.head
    forge.review(pull, by="bob")
    repo.commit({APPROVAL: "two\n"}, "Correct it", on="topic")
    forge.push(pull)
    forge.tick()
    forge.comments = ["approved this merge request"]
    (review,) = land().reviews
    assert review.commit == first


def test_an_approval_whose_time_nobody_tells_has_neither_time_nor_commit(forge, pull, ask):
    said = forge.review(pull, by="bob")
    (landed,) = forge.merge(pull)
    forge.good_for = 7
    forge.always = Answer(body=b"[]")  # no notes
    (review,) = ask(forge, landed).reviews
    assert (review.at, review.commit) == ((said.at, pull.head) if forge.tells_time else (None, ""))


def test_notes_are_read_only_where_approvals_tell_no_time(forge, pull, land):
    forge.review(pull, by="bob")
    land()
    notes = [path for path in forge.asked() if "/notes" in path]
    assert len(notes) == (0 if forge.tells_time else 1)
    assert not [path for path in notes if "sort=desc" not in path]


def test_nothing_is_asked_for_versions_where_nobody_approves(forge, pull, land):
    assert land().reviews == ()
    assert [path.partition("?")[0] for path in forge.asked()] == [
        f"/repository/commits/{pull.landed[0]}/merge_requests",
        "/merge_requests/1",
        "/merge_requests/1/commits",
        "/merge_requests/1/diffs",
        "/repository/tree",
        "/merge_requests/1/approvals",
    ]


# --- landing ------------------------------------------------------------------------------------------------------------------


def test_a_fast_forward_lands_as_its_own_commits(forge, repo, pull, ask):
    repo.commit({APPROVAL: "two\n"}, "Correct it", on="topic")
    forge.push(pull)
    landed = forge.merge(pull, "rebase")
    assert [ask(forge, commit).method for commit in landed] == ["rebase", "rebase"]
    assert ask(forge, landed[0]).landed == landed[1] == pull.head


def test_a_branch_that_was_rebased_when_it_was_merged_has_landed_commit_by_commit(forge, repo, pull, ask):
    repo.commit({APPROVAL: "two\n"}, "Correct it", on="topic")
    forge.push(pull)
    repo.commit({"policies/old.yaml": "rule: y\n"}, "Meanwhile")
    landed = repo.rebase_merge("topic")
    forge.merged(pull, "merge", landed)
    assert [ask(forge, commit).method for commit in landed] == ["rebase", "rebase"]


def test_a_squashed_commit_that_is_merged_is_a_squash(forge, repo, pull, ask):
    repo.branch("squashed", at="main")
    squashed = repo.squash("topic", into="squashed")
    landed = repo.merge("squashed")
    forge.merged(pull, "merge", (landed,))
    pull.squashed = squashed
    found = ask(forge, landed)
    assert (found.method, found.landed, found.head) == ("squash", landed, pull.head)


def test_no_accounts_are_connected_with_commits(land):
    found = land()
    assert (found.authors, found.committers) == ((), ())


# --- files --------------------------------------------------------------------------------------------------------------------


def test_a_file_that_was_moved_is_gone_from_where_it_was(forge, repo, pull, land):
    repo.commit({"policies/new.yaml": "rule: x\n", "policies/old.yaml": None}, "Move it", on="topic")
    forge.push(pull)
    del pull.files["policies/old.yaml"]
    pull.renamed["policies/new.yaml"] = "policies/old.yaml"
    found = land()
    assert found.files["policies/old.yaml"] is None
    assert found.files["policies/new.yaml"] == repo.git("rev-parse", f"{pull.head}:policies/new.yaml")
    assert found.whole


def test_a_file_in_the_root_is_found_there(forge, repo, pull, land):
    repo.commit({"feeds.yaml": "store: y\n"}, "Move the store", on="topic")
    forge.push(pull)
    found = land()
    assert found.files["feeds.yaml"] == repo.git("rev-parse", f"{pull.head}:feeds.yaml")
    assert found.whole


def test_a_file_that_the_tree_lacks_is_left_out_and_said(forge, pull, land):
    pull.files["approvals/approved-npm/gone/1.0.0.yaml"] = pull.files[APPROVAL]
    found = land()
    assert list(found.files) == [APPROVAL]
    assert not found.whole


def test_names_are_not_taken_for_more_of_an_address(forge, repo, pull, land):
    odd = "approvals/approved-npm/a b&ref=main#?%2F/1.yaml"
    repo.commit({odd: "x\n"}, "Add an odd name", on="topic")
    forge.push(pull)
    found = land()
    assert found.files[odd] == repo.git("rev-parse", f"{pull.head}:{odd}")


def test_files_beyond_a_hundred_folders_are_left_out_and_said(forge, repo, pull, land):
    repo.commit({f"approvals/approved-npm/p{number:03}/1.yaml": "x\n" for number in range(101)}, "Approve it all", on="topic")
    forge.push(pull)
    found = land()
    assert len(found.files) == 100
    assert not found.whole
    assert len([path for path in forge.asked() if path.startswith("/repository/tree")]) == 100


def test_an_error_while_folders_are_listed_is_no_absence(forge, pull, ask):
    (landed,) = forge.merge(pull)
    forge.good_for = 4
    forge.always = Answer(status=500)
    with pytest.raises(Unreachable, match="tree cannot be read"):
        ask(forge, landed)
