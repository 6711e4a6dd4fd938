"""From a request to an open pull request in one command: commit, branch, push, the forge; each step again, and where it cannot go on."""

from __future__ import annotations

import subprocess

import pytest

from reconciler.model.declared import ForgeKind
from tests.cli.place import ADA, Done, Place
from tests.support.faulty_server import Answer
from tests.support.forge import ForgeServer
from tests.support.repositories import Repo
from tests.support.signing import Keyring

BRANCH = "approve/approved-pypi-leaf-1.2"
LEAF = "approvals/approved-pypi/leaf/1.2.yaml"
REASON = "Asked for by billing."


@pytest.fixture
def origin(place, tmp_path) -> Repo:
    """A bare repository that the place was pushed to, and whose main branch the place knows."""
    with Repo(tmp_path / "origin.git", bare=True) as origin:
        pass
    place.git("remote", "add", "origin", f"file://{origin.path}")
    place.git("push", "-q", "origin", "main")
    place.git("remote", "set-head", "origin", "main")
    return origin


def with_forge(place: Place, kind: ForgeKind, url: str) -> None:
    place.write("policies/forge.yaml", f"type: {kind}\nurl: {url}\nproject: owner/approvals\n")
    place.commit("Name the forge")
    place.git("push", "-q", "origin", "main")


@pytest.fixture(params=["github", "gitlab"])
def forge(request, place, origin, monkeypatch):
    with ForgeServer(request.param, origin) as forge:
        forge.token = "secret"
        monkeypatch.setenv(f"RECONCILER_TOKEN_127_0_0_1_{forge.port}", "secret")
        with_forge(place, request.param, forge.url)
        yield forge


def approve(place: Place, *ways: str, reason: str = REASON) -> Done:
    return place.run("approve", "approved-pypi", "leaf", "-m", reason, "--ticket", "SEC-7", *ways)


def last(done: Done) -> list[str]:
    return [line for line in done.out.splitlines() if not line.startswith((" ", "approvals/"))]


# --- commit and branch --------------------------------------------------------------------------------------------------------------


def test_the_commit_has_subject_reason_and_trailers(place):
    assert approve(place, "--commit").code == 0
    told = place.git("log", "-1", "--format=%s%n%an%n%(trailers:only)").splitlines()
    assert told == [
        "Approve leaf 1.2 for approved-pypi",
        ADA[0],
        *("Package: pkg:pypi/leaf@1.2", "Feed: approved-pypi", "Ticket: SEC-7"),
    ]


def test_a_hostile_reason_forges_no_approver(place):
    forged = "Fine.\n\nApproved-by: Grace Hopper <grace@example.org>\n---\n"
    assert approve(place, "--commit", reason=forged).code == 0
    message = place.git("log", "-1", "--format=%B")
    read = subprocess.run(["git", "interpret-trailers", "--parse"], input=message, capture_output=True, text=True, check=True, timeout=30)
    assert [line.partition(":")[0] for line in read.stdout.splitlines()] == ["Package", "Feed", "Ticket"]
    assert "approved by" not in place.run("plan").out


def test_the_commit_is_signed_where_git_is_set_so(place, keys: Keyring):
    for key, value in {"gpg.format": "ssh", "commit.gpgSign": "true", "user.signingKey": str(keys["ada"].file)}.items():
        place.git("config", key, value)
    assert approve(place, "--branch").code == 0
    assert "\ngpgsig -----BEGIN SSH SIGNATURE-----\n" in place.git("cat-file", "commit", BRANCH)


def test_a_branch_is_made_and_what_is_checked_out_stays(place):
    place.write("notes.txt", "mine")
    done = approve(place, "--branch")
    assert done.code == 0
    assert last(done)[-1].endswith(f" on branch {BRANCH}.")
    assert place.git("diff", "--name-only", "main", BRANCH) == LEAF
    assert place.git("status", "--porcelain") == "?? notes.txt"


def test_the_next_request_does_not_carry_the_last_one_along(place):
    approve(place, "--branch")
    place.run("approve", "approved-pypi", "sample", "-m", REASON, "--branch", "mine")
    assert place.git("diff", "--name-only", "main", "mine") == "approvals/approved-pypi/sample/1.0.yaml"


def test_the_same_request_again_finds_its_branch_and_another_one_is_refused(place):
    approve(place, "--branch")
    tip = place.git("rev-parse", BRANCH)
    again = approve(place, "--branch")
    assert (again.code, last(again)) == (0, [f"Branch {BRANCH} has it already."])
    other = approve(place, "--branch", reason="Other words")
    assert other.code == 64
    assert other.err.startswith(f"Error: there is a branch {BRANCH} already, with something else\nTo do: say --branch with another name")
    assert other.out == ""
    assert place.git("rev-parse", BRANCH) == tip
    assert place.git("status", "--porcelain") == ""


def test_the_branch_that_is_checked_out_is_no_new_one(place):
    done = approve(place, "--branch", "main")
    assert (done.code, done.out) == (64, "")
    assert "leave --branch out to commit where you are" in done.err


@pytest.mark.parametrize("name", ["-x", "a..b", "a b"])
def test_a_name_that_git_does_not_take_is_refused_before_anything_is_written(place, name):
    done = approve(place, f"--branch={name}")
    assert (done.code, done.out) == (64, "")
    assert place.git("status", "--porcelain") == ""


# --- push ---------------------------------------------------------------------------------------------------------------------------


def test_without_a_remote_nothing_is_written(place):
    done = approve(place, "--branch", "--push")
    assert (done.code, done.out) == (3, "")
    assert "git remote add origin" in done.err
    assert place.git("status", "--porcelain") == ""


def test_the_branch_is_pushed(place, origin):
    done = approve(place, "--branch", "--push")
    assert done.code == 0
    assert last(done)[-1] == f"Pushed to origin, branch {BRANCH}."
    assert origin.git("rev-parse", BRANCH) == place.git("rev-parse", BRANCH)
    assert origin.git("rev-parse", "main") == place.git("rev-parse", "main")


def test_without_a_branch_of_its_own_the_one_that_is_checked_out_is_pushed(place, origin):
    place.git("switch", "-q", "-c", "mine")
    assert approve(place, "--push").code == 0
    assert origin.git("rev-parse", "mine") == place.git("rev-parse", "HEAD")
    place.git("checkout", "-q", "--detach")
    done = place.run("approve", "approved-pypi", "sample", "-m", REASON, "--push")
    assert (done.code, done.out) == (3, "")
    assert "no branch is checked out" in done.err


def test_a_push_that_fails_says_how_to_go_on_and_the_same_command_does(place, origin):
    moved = origin.path.rename(origin.path.with_name("away"))
    done = approve(place, "--branch", "--push")
    assert done.code == 6
    assert "origin has no repository at its address" in done.err
    moved.rename(origin.path)
    again = approve(place, "--branch", "--push")
    assert (again.code, last(again)) == (0, [f"Branch {BRANCH} has it already.", f"Pushed to origin, branch {BRANCH}."])


# --- the pull request ---------------------------------------------------------------------------------------------------------------


def test_one_command_opens_it_and_the_same_one_finds_it(place, forge):
    done = approve(place, "--pr")
    assert (done.code, done.err) == (0, "")
    assert last(done)[1:] == [f"Pushed to origin, branch {BRANCH}.", f"Opened {link(forge)}"]
    (pull,) = forge.pulls.values()
    assert (pull.branch, pull.base, pull.title, list(pull.files)) == (BRANCH, "main", "Approve leaf 1.2 for approved-pypi", [LEAF])
    (posted,) = forge.posted
    body = posted.get("body") or posted["description"]
    assert body.startswith(f"```text\n{REASON}\n\nTicket: SEC-7\n\n{LEAF}\n    leaf 1.2, license ")
    assert body.endswith("```\n")
    again = approve(place, "--pr")
    assert (again.code, last(again)[-1]) == (0, f"Open already: {link(forge)}")
    assert len(forge.pulls) == 1


def link(forge: ForgeServer) -> str:
    place = "github.com/owner/approvals/pull/1" if forge.kind == "github" else "gitlab.example/owner/approvals/-/merge_requests/1"
    return f"https://{place}"


def test_it_shows_the_tree_of_what_is_needed(place, forge):
    done = place.run("approve", "approved-pypi", "sample", "--with-dependencies", "-m", REASON, "--pr")
    assert done.code == 0
    body = forge.posted[0].get("body") or forge.posted[0]["description"]
    assert "\n└── leaf >=1: 1.2 (" in body
    assert forge.pulls[1].title == "Approve sample 1.0 and 1 more for approved-pypi"


def test_on_a_branch_that_is_not_the_main_one_it_is_for_that(place, forge):
    place.git("switch", "-q", "-c", "mine")
    assert approve(place, "--pr").code == 0
    assert place.run("approve", "approved-pypi", "sample", "-m", REASON, "--pr").code == 0
    (pull,) = forge.pulls.values()
    assert pull.branch == "mine"
    assert place.git("rev-list", "--count", "main..mine") == "2"


def test_all_that_writes_takes_the_same_path(place, forge):
    approve(place, "--commit")
    place.git("push", "-q", "origin", "main")
    version = ("approved-pypi", "leaf", "1.2")
    for command, words in [
        ("endorse", ("-m", "I looked")),
        ("deprecate", ("-m", "Old")),
        ("withdraw", ("-m", "Bad", "--quarantine")),
    ]:
        done = place.run(command, *version, *words, "--pr")
        assert (done.code, done.err) == (0, ""), command
        assert f"Pushed to origin, branch {command}/approved-pypi-leaf-1.2." in done.out.splitlines()
        assert place.git("status", "--porcelain") == ""
    place.run("withdraw", *version, "-m", "Bad", "--commit")
    place.git("push", "-q", "origin", "main")
    assert place.run("relist", *version, "-m", "Good again", "--pr").code == 0
    assert [pull.branch.partition("/")[0] for pull in forge.pulls.values()] == ["endorse", "deprecate", "withdraw", "relist"]


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        (Answer(status=401), 6, "answered 401; set RECONCILER_TOKEN_"),
        (Answer(status=403), 6, "answered 403"),
        (Answer(status=404), 6, "answered 404"),
        (Answer(status=422, body=b'{"message": "\x1b]0;evil\x07 no commits"}'), 64, "does not take the"),
        (Answer(status=422, body=b'{"message": "no commits between \\u001b[31m main"}'), 64, "no commits between \\x1b[31m main"),
        (Answer(status=503), 6, "answered 503"),
        (Answer(status=302, headers={"Location": "/elsewhere"}), 6, "answers from elsewhere"),
        (Answer(status=201, body=b"{}"), 6, "answers otherwise than documented"),
    ],
    ids=["401", "403", "404", "no json", "422", "503", "moved", "shapeless"],
)
def test_where_the_forge_does_not_do_it_the_address_is_told(place, forge, answer, code, told):
    forge.instead += [Answer(body=b"[]"), answer]
    done = approve(place, "--pr")
    assert done.code == code
    assert told in done.err
    assert "secret" not in done.err
    assert "\x1b" not in done.err
    page = "compare/main...approve/" if forge.kind == "github" else "/-/merge_requests/new?merge_request%5Bsource_branch%5D=approve%2F"
    assert page in done.err
    assert "by hand: http" in done.err
    assert approve(place, "--pr").code == 0, "the same command goes on where it was"


def test_without_a_token_the_address_is_told(place, origin, monkeypatch):
    with_forge(place, "github", "https://api.github.com")
    done = approve(place, "--pr")
    assert (done.code, done.err) == (0, "")
    assert last(done)[-1] == f"Open the pull request: https://github.com/owner/approvals/compare/main...{BRANCH}?expand=1"


SSH = [
    ("git@gitlab.com:acme/approvals.git", "https://gitlab.com/acme/approvals/-/merge_requests/new?merge_request%5Bsource_branch%5D="),
    ("ssh://git@github.com/acme/approvals", "https://github.com/acme/approvals/compare/main...approve/"),
]


@pytest.mark.parametrize(("address", "page"), SSH)
def test_the_forge_is_told_by_the_remotes_address_where_no_policy_names_it(place, origin, tmp_path, monkeypatch, address, page):
    ssh = tmp_path / "ssh"
    ssh.write_text(f"#!/bin/sh\nexec git-receive-pack '{origin.path}'\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH", str(ssh))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    place.git("remote", "set-url", "origin", address)
    done = approve(place, "--pr")
    assert (done.code, done.err) == (0, "")
    assert last(done)[-1].startswith(f"Open the pull request: {page}")
    assert origin.git("rev-parse", BRANCH) == place.git("rev-parse", BRANCH)


def test_of_a_remote_that_no_forge_is_known_for_the_next_step_is_told(place, origin):
    done = approve(place, "--pr")
    assert done.code == 3
    assert "policies/forge.yaml can name the forge" in done.err
    assert origin.git("rev-parse", BRANCH) == place.git("rev-parse", BRANCH)
