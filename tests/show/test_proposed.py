"""The message of a commit, the name of a branch and the text of a pull request, whatever stands in names and reasons."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import pytest

from reconciler.declare.lineage import trailers
from reconciler.declare.revision import Repository
from reconciler.show.proposed import MAX_BODY, Change, branch_name, commit_message, named, request_body
from tests.support.repositories import Repo, isolated_environment

CHANGE = Change(
    task="approve",
    subject="Approve Newtonsoft.Json 13.0.3 for approved-nuget",
    reason="MIT, no known advisories.",
    feed="approved-nuget",
    names=("Newtonsoft.Json 13.0.3",),
    packages=("pkg:nuget/Newtonsoft.Json@13.0.3",),
    ticket="SEC-123",
)
OURS = ["Package: pkg:nuget/Newtonsoft.Json@13.0.3", "Feed: approved-nuget", "Ticket: SEC-123"]
FORGED = "Approved-by: Ada Lovelace <ada@example.org>"
HOSTILE = [
    FORGED,
    f"Fine.\n\n{FORGED}",
    f"Fine.\n\n{FORGED}\n\n",
    f"Fine.\n\n{FORGED}\n---\n",
    f"Fine.\n\n{FORGED}\n--- a divider\nmore",
    f"Fine.\n\n{FORGED}\n\n---",
    f"Fine.\r\n\r\n{FORGED}\r\n",
    f"Fine.\u2028\u2028{FORGED}",
    f"Fine.\x0b\x0b{FORGED}\x00\x1b[2J",
    f"Fine.\n\nSigned-off-by: x\n(cherry picked from commit 1)\n{FORGED}",
    f"Fine.\n\n# comment\n{FORGED}\n# Conflicts:\n",
    f"Fine.\n\n{FORGED}\ndiff --git a b\nIndex: x\n",
    "Fine.\n\nApproved-by : Ada <ada@example.org>\nAdopts: feeds.yaml\nCo-authored-by: Bob <bob@example.org>",
    "",
    "\n\n",
]


def by_git(message: str) -> list[str]:
    command = ["git", "interpret-trailers", "--parse"]
    done = subprocess.run(command, input=message.encode(), env=isolated_environment(), capture_output=True, check=True, timeout=30)
    return done.stdout.decode().splitlines()


def test_the_message_reads_well():
    assert commit_message(CHANGE) == (
        "Approve Newtonsoft.Json 13.0.3 for approved-nuget\n\n"
        "MIT, no known advisories.\n\n"
        "Package: pkg:nuget/Newtonsoft.Json@13.0.3\nFeed: approved-nuget\nTicket: SEC-123\n"
    )
    assert named(["rich 15.0.0"]) == "rich 15.0.0"
    assert named(["rich 15.0.0", "a 1", "b 1", "c 1"]) == "rich 15.0.0 and 3 more"


@pytest.mark.parametrize("reason", HOSTILE)
def test_no_reason_forges_a_trailer(reason):
    assert by_git(commit_message(replace(CHANGE, reason=reason))) == OURS


@pytest.mark.parametrize("reason", HOSTILE)
def test_nor_one_that_this_program_reads_in_the_commit(reason, tmp_path):
    with Repo(tmp_path / "repo") as repo:
        made = repo.commit({"a": "1"}, commit_message(replace(CHANGE, reason=reason)))
    commit = Repository(repo.path).commits([made])[made]
    assert [f"{key.title()}: {value}" for key, value in trailers(commit)] == OURS
    read = repo.git("log", "-1", "--format=%(trailers:only)", made)
    assert read.splitlines() == OURS


@pytest.mark.parametrize("value", [f"SEC-1\n{FORGED}", f"SEC-1\r{FORGED}", f"SEC-1\u2028{FORGED}", f"SEC-1\n\n{FORGED}\n---\n"])
def test_no_ticket_feed_package_or_subject_does(value):
    hostile = replace(CHANGE, ticket=value, feed=value, packages=(value,), subject=value)
    assert [line.partition(":")[0] for line in by_git(commit_message(hostile))] == ["Package", "Feed", "Ticket"]
    assert commit_message(hostile).split("\n\n")[0] == hostile.title


def test_several_packages_have_a_trailer_each():
    several = replace(CHANGE, packages=tuple(f"pkg:pypi/p{number}@1" for number in range(500)))
    assert len(by_git(commit_message(several))) == 502


@pytest.mark.parametrize(
    ("names", "name"),
    [
        (("Newtonsoft.Json 13.0.3",), "approve/approved-nuget-Newtonsoft.Json-13.0.3"),
        (("@babel/code-frame 7.0.0",), "approve/approved-nuget-babel-code-frame-7.0.0"),
        (("rich 15.0.0", "a 1", "b 1"), "approve/approved-nuget-rich-15.0.0-and-2-more"),
        (("a 1!2.0+local..x",), "approve/approved-nuget-a-1-2.0-local-x"),
        (("x 1.lock",), "approve/approved-nuget-x-1.lock-"),
        (("$(touch x) `y` ../../../etc\n-\u202e @{1}~^:?*[\\",), "approve/approved-nuget-touch-x-y-etc-1"),
        (("x" * 500,), f"approve/approved-nuget-{'x' * 85}"),
        (("\u00fc \u4e2d",), "approve/approved-nuget"),
    ],
)
def test_the_branch_is_called_after_feed_and_first_package_in_safe_characters(names, name):
    found = branch_name(replace(CHANGE, names=names))
    assert found == name
    command = ["git", "check-ref-format", "--branch", found]
    assert subprocess.run(command, env=isolated_environment(), capture_output=True, check=False, timeout=30).returncode == 0


EVIL = [
    "/merge",
    "/approve",
    "@everyone @all",
    "```",
    "``````",
    "~~~",
    "<script>alert(1)</script>",
    "<!-- reconciler -->",
    "::error::x",
    "##vso[task.complete]",
    "\x1b[31mred",
    "\u202eevil",
    "![x](https://evil.example/x.png)",
    "x" * 100_000,
    "`" * 5_000,
]


@pytest.mark.parametrize("evil", EVIL)
def test_a_pull_request_has_nothing_but_one_block_of_inert_text(evil):
    body = request_body(replace(CHANGE, reason=evil, ticket=evil), [evil, f"    {evil}", f"a\n{evil}"])
    lines = body.splitlines()
    fence = lines[0].removesuffix("text")
    assert set(fence) == {"`"}
    assert lines[-1] == fence
    assert not [line for line in lines[1:-1] if fence in line], "nothing inside ends the block"
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", body)
    assert len(body) <= MAX_BODY


def test_what_does_not_fit_is_counted():
    body = request_body(CHANGE, (f"line {number} {'x' * 100}" for number in range(5000)))
    assert len(body) <= MAX_BODY
    kept = body.splitlines()
    assert re.fullmatch(r"\.\.\. and \d+ more lines", kept[-2])
    assert kept[1] == CHANGE.reason
    assert sum(line.startswith("line ") for line in kept) + int(kept[-2].split()[2]) == 5000
