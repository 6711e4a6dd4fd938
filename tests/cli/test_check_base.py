"""`check --base` on the shapes that a pull request may have: which of them may become the tip of main as they stand."""

import pytest

from tests.cli.place import FEEDS, PERMISSIONS, Place
from tests.support.repositories import Repo


@pytest.fixture
def repo(tmp_path):
    with Repo(tmp_path / "repo") as repo:
        repo.commit({"feeds.yaml": FEEDS, "policies/permissions.yaml": PERMISSIONS}, "Declare the feeds")
        repo.branch("topic")
        yield repo


def check(repo, what="topic", base="main"):
    repo.close()
    return Place(repo.path).run("check", "--ref", what, "--base", base)


def fine(done):
    return (done.code, done.err, done.out.count("\n")) == (0, "", 1)


def test_the_base_itself_and_a_branch_on_top_of_it_may_land(repo):
    assert fine(check(repo))
    repo.commit({"a": "1"}, on="topic")
    assert fine(check(repo))


def test_what_a_branch_merged_besides_the_base_does_not_matter(repo):
    repo.branch("other")
    repo.commit({"a": "1"}, on="topic")
    repo.commit({"b": "1"}, on="other")
    repo.merge("other", into="topic")
    assert fine(check(repo))


def test_the_merge_commit_that_a_forge_makes_may_land(repo):
    repo.commit({"a": "1"}, on="topic")
    repo.commit({"b": "1"})
    repo.branch("merged")
    repo.merge("topic", into="merged")
    assert fine(check(repo, "merged"))


def test_a_branch_that_merged_the_base_into_itself_is_a_foxtrot_and_is_refused(repo):
    repo.commit({"a": "1"}, on="topic")
    base = repo.commit({"b": "1"})
    merge = repo.merge("main", into="topic")
    done = check(repo)
    assert (done.code, done.out) == (3, "")
    assert f"{merge[:12]} merged main ({base[:12]}) into the branch" in done.err
    assert "foxtrot merge" in done.err
    assert "`git rebase main`; or merge the other way round" in done.err


def test_the_foxtrot_is_named_wherever_it_lies(repo):
    repo.commit({"a": "1"}, on="topic")
    repo.branch("other")
    repo.commit({"c": "1"}, on="other")
    repo.commit({"b": "1"})
    merge = repo.merge("other", "main", into="topic")
    repo.commit({"d": "1"}, on="topic")
    repo.commit({"e": "1"}, on="topic")
    done = check(repo)
    assert done.code == 3
    assert f"Error: {merge[:12]} merged main" in done.err


def test_the_forges_merge_commit_of_a_branch_that_merged_the_base_into_itself_may_land(repo):
    repo.commit({"a": "1"}, on="topic")
    repo.commit({"b": "1"})
    repo.merge("main", into="topic")
    repo.branch("merged")
    repo.merge("topic", into="merged")
    assert fine(check(repo, "merged"))


def test_a_base_that_only_a_merged_branch_reaches_is_refused(repo):
    repo.branch("other")
    repo.commit({"b": "1"})
    repo.merge("main", into="other")
    repo.commit({"a": "1"}, on="topic")
    merge = repo.merge("other", into="topic")
    done = check(repo)
    assert (done.code, merge[:12] in done.err) == (3, True)


def test_a_branch_that_has_fallen_behind_is_only_noted(repo):
    base = repo.commit({"b": "1"})
    topic = repo.commit({"a": "1"}, on="topic")
    done = check(repo)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[1].startswith(f"Note: main ({base[:12]}) is not part of {topic[:12]}: it can land by a merge commit")


def test_a_branch_that_merged_an_older_base_into_itself_is_only_noted(repo):
    repo.commit({"a": "1"}, on="topic")
    repo.commit({"b": "1"})
    repo.merge("main", into="topic")
    repo.commit({"c": "1"})
    done = check(repo)
    assert (done.code, "Note: " in done.out) == (0, True)


def test_a_history_of_its_own_is_only_noted(repo):
    repo.commit({"feeds.yaml": FEEDS, "policies/permissions.yaml": PERMISSIONS}, on="apart")
    done = check(repo, "apart")
    assert (done.code, "Note: " in done.out) == (0, True)


def test_what_is_not_well_formed_is_told_first(repo):
    repo.commit({"approvals/x.yaml": "1"}, on="topic")
    repo.commit({"b": "1"})
    repo.merge("main", into="topic")
    done = check(repo)
    assert (done.code, "approvals/x.yaml:1" in done.err) == (4, True)


def test_a_shallow_clone_cannot_tell(repo, tmp_path):
    repo.commit({"a": "1"})
    repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", tmp_path / "clone")
    done = Place(tmp_path / "clone").run("check", "--base", "origin/main")
    assert (done.code, "git fetch --unshallow" in done.err) == (3, True)


def test_a_base_that_is_not_there_is_no_base(repo):
    done = check(repo, base="origin/main")
    assert (done.code, done.err) == (64, "Error: 'origin/main' names no commit\n")


def test_the_working_tree_has_no_base(repo):
    repo.close()
    assert Place(repo.path).run("check", "--working-tree", "--base", "main").code == 64
