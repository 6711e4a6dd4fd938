"""Branches for pull requests: made beside the working tree, compared, pushed with git's own credentials, refused in our words."""

from __future__ import annotations

import subprocess

import pytest

from reconciler.declare.revision import (
    address_of,
    commit_on_branch,
    current_branch,
    default_branch,
    holds_just,
    push_branch,
    remote_of,
    require_name,
)
from reconciler.errors import PreconditionFailed, Refused, Unreachable
from tests.cli.place import Place, make_place
from tests.support.faulty_server import Answer, FaultyServer
from tests.support.git_server import GitServer
from tests.support.repositories import isolated_environment

PATH = "approvals/approved-pypi/leaf/1.2.yaml"
TEXT = "from: public-pypi\nreason: ü\n"


@pytest.fixture
def desk(tmp_path) -> Place:
    return make_place(tmp_path / "desk")


def bare(folder, *, of: Place | None = None):
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", folder], env=isolated_environment(), check=True, timeout=30)
    if of is not None:
        of.git("remote", "add", "origin", str(folder))
        of.git("push", "-q", "origin", "main")
    return folder


def commit(desk: Place, branch: str = "topic", text: str = TEXT) -> str:
    desk.write(PATH, text)
    return commit_on_branch(desk.root, branch, [PATH], "Approve leaf\n")


# --- the branch ---------------------------------------------------------------------------------------------------------------------


def test_a_branch_gets_the_commit_and_all_else_stays_as_it_is(desk):
    desk.write("feeds.yaml", (desk.root / "feeds.yaml").read_text() + "# being edited\n")
    desk.write("staged.txt", "staged")
    desk.git("add", "staged.txt")
    desk.write("notes.txt", "untracked")
    before, status = desk.git("rev-parse", "HEAD"), desk.git("status", "--porcelain")
    made = commit(desk)
    assert desk.git("rev-parse", "topic", "topic^").split() == [made, before]
    assert desk.git("diff", "--name-only", "main", "topic") == PATH
    assert (current_branch(desk.root), desk.git("rev-parse", "HEAD"), desk.git("status", "--porcelain")) == ("main", before, status)
    assert not (desk.root / PATH).exists()


def test_a_commit_that_is_checked_out_is_so_again(desk):
    desk.git("checkout", "-q", "--detach")
    before = desk.git("rev-parse", "HEAD")
    commit(desk)
    assert current_branch(desk.root) is None
    assert desk.git("rev-parse", "HEAD") == before


def test_where_git_will_not_commit_there_is_no_branch_and_the_files_lie_there(desk):
    hook = desk.root / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'the hook says no'\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(PreconditionFailed, match="the hook says no"):
        commit(desk)
    assert current_branch(desk.root) == "main"
    assert desk.git("branch", "--format=%(refname:short)") == "main"
    assert (desk.root / PATH).read_text(encoding="utf-8") == TEXT


def test_hundreds_of_files_with_a_message_that_is_longer_than_an_argument_may_be(desk):
    paths = [f"approvals/approved-pypi/package-{number}/1.0.yaml" for number in range(500)]
    for path in paths:
        desk.write(path, path)
    message = "Many\n\n" + "\n".join(f"Package: {'x' * 300}{number}" for number in range(500)) + "\n"
    assert len(message) > 1 << 17
    made = commit_on_branch(desk.root, "topic", paths, message)
    assert sorted(desk.git("diff", "--name-only", "main", made).splitlines()) == sorted(paths)
    assert len(desk.git("log", "-1", "--format=%(trailers)", made)) > 1 << 17


def test_in_the_middle_of_a_merge_git_does_not_switch(desk):
    desk.git("checkout", "-q", "-b", "other")
    desk.commit("one")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "--no-commit", "other")
    with pytest.raises(PreconditionFailed, match=r"git would not switch branches: .*merging"):
        commit(desk)
    assert current_branch(desk.root) == "main"


def test_without_a_commit_there_is_nothing_to_begin_at(tmp_path):
    place = Place(tmp_path / "new")
    place.root.mkdir()
    place.git("init", "-q", "-b", "main")
    with pytest.raises(PreconditionFailed, match="there is no commit yet"):
        commit(place)


def test_a_branch_with_just_these_texts_is_the_same_request(desk):
    assert holds_just(desk.root, "topic", {PATH: TEXT}) is None
    commit(desk)
    assert holds_just(desk.root, "topic", {PATH: TEXT}) is True
    assert holds_just(desk.root, "topic", {PATH: TEXT + "#"}) is False
    assert holds_just(desk.root, "topic", {PATH: TEXT, "other": ""}) is False
    assert holds_just(desk.root, "topic", {}) is False
    desk.commit("main goes on")
    assert holds_just(desk.root, "topic", {PATH: TEXT}) is True
    desk.git("merge", "-q", "topic")
    assert holds_just(desk.root, "topic", {PATH: TEXT}) is False, "it has landed: a new request needs a new branch"


@pytest.mark.parametrize("name", ["", "-d", "a..b", "a b", "a\nb", "a.lock", "/a", "a~1", "@{-1}", "a:b", "a\x07"])
def test_what_is_no_name_of_a_branch(desk, name):
    with pytest.raises(Refused, match="is no name of a branch"):
        require_name(desk.root, name)


# --- the remote ---------------------------------------------------------------------------------------------------------------------


def test_the_remote_is_the_branchs_own_the_one_to_push_to_origin_or_the_only_one(desk, tmp_path):
    with pytest.raises(PreconditionFailed, match="there is no remote"):
        remote_of(desk.root, "main")
    desk.git("remote", "add", "fork", "../fork")
    assert remote_of(desk.root, "main") == "fork"
    desk.git("remote", "add", "other", "../other")
    with pytest.raises(PreconditionFailed, match="there is no remote that"):
        remote_of(desk.root, "main")
    desk.git("remote", "add", "origin", "../origin")
    assert remote_of(desk.root, None) == "origin"
    desk.git("config", "branch.main.remote", "other")
    assert remote_of(desk.root, "main") == "other"
    desk.git("config", "remote.pushDefault", "fork")
    assert remote_of(desk.root, "main") == "fork"
    assert remote_of(desk.root, None) == "fork"


def test_the_default_branch_is_what_the_clone_has_noted(desk, tmp_path):
    bare(tmp_path / "origin", of=desk)
    assert default_branch(desk.root, "origin") is None
    desk.git("remote", "set-head", "origin", "main")
    assert default_branch(desk.root, "origin") == "main"


def test_the_address_is_the_one_that_is_pushed_to(desk):
    desk.git("remote", "add", "origin", "https://read.example/acme/approvals")
    desk.git("config", "url.git@write.example:.pushInsteadOf", "https://read.example/")
    assert address_of(desk.root, "origin") == "git@write.example:acme/approvals"


def test_a_branch_is_pushed_over_http_and_tracked(desk, tmp_path):
    folder = bare(tmp_path / "served" / "place.git")
    subprocess.run(["git", "-C", folder, "config", "http.receivepack", "true"], env=isolated_environment(), check=True, timeout=30)
    with GitServer(tmp_path / "served") as server:
        desk.git("remote", "add", "origin", f"{server.url}/place.git")
        made = commit(desk)
        push_branch(desk.root, "origin", "topic")
        push_branch(desk.root, "origin", "topic")
        assert desk.git("ls-remote", "origin", "refs/heads/topic").split()[0] == made
    assert desk.git("rev-parse", "--abbrev-ref", "topic@{upstream}") == "origin/topic"


def test_other_commits_under_this_name_are_not_overwritten(desk, tmp_path):
    bare(tmp_path / "origin", of=desk)
    theirs = commit(desk, text="theirs")
    push_branch(desk.root, "origin", "topic")
    desk.git("branch", "-q", "-D", "topic")
    commit(desk)
    with pytest.raises(Refused, match="origin has a branch topic already, with other commits") as caught:
        push_branch(desk.root, "origin", "topic")
    assert "--branch" in caught.value.remedy
    assert desk.git("ls-remote", "origin", "refs/heads/topic").split()[0] == theirs


def test_what_the_server_refuses_is_told_with_its_reason(desk, tmp_path):
    folder = bare(tmp_path / "origin", of=desk)
    hook = folder / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'commits must be signed' >&2\nexit 1\n")
    hook.chmod(0o755)
    commit(desk)
    with pytest.raises(Refused, match="origin does not take the branch topic: commits must be signed"):
        push_branch(desk.root, "origin", "topic")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(status=401, headers={"WWW-Authenticate": "Basic"}), "origin does not let you in"),
        (Answer(status=403), "origin does not let you in"),
        (Answer(status=404), "origin has no repository at its address"),
        (Answer(status=503), "origin cannot be reached"),
        (Answer(body=b"hello"), "git could not push to origin|origin has no repository|origin cannot be reached"),
    ],
    ids=["401", "403", "404", "503", "no git"],
)
def test_a_server_that_does_not_take_part(desk, monkeypatch, answer, told):
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    commit(desk)
    with FaultyServer() as server:
        address = f"http://ada:hunter2@127.0.0.1:{server.port}/place.git"
        desk.git("remote", "add", "origin", address)
        server.answers["/place.git/info/refs?service=git-receive-pack"] = [answer]
        with pytest.raises(Unreachable, match=told) as caught:
            push_branch(desk.root, "origin", "topic")
    assert "hunter2" not in f"{caught.value} {caught.value.remedy}"
    assert "git push origin topic" in caught.value.remedy or "git remote -v" in caught.value.remedy


def test_a_remote_that_is_no_repository(desk, tmp_path):
    commit(desk)
    desk.git("remote", "add", "origin", str(tmp_path / "nowhere"))
    with pytest.raises(Unreachable, match="origin has no repository at its address"):
        push_branch(desk.root, "origin", "topic")
