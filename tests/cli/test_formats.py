"""`plan` and `apply` as markdown and as GitHub reads them, through the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.place import ADA, MALLORY, Place
from tests.show.test_workflow import obeyed, read_outputs

HOSTILE = "wanted by @everyone <b> ##vso[task.complete] ::error::x %0A"


@pytest.fixture
def mixed(place: Place) -> Place:
    """A pull request with an approval that will be carried out, and one that will be held."""
    for name, by in (("leaf", ADA), ("sample", MALLORY)):
        assert place.run("approve", "approved-pypi", name, "-m", HOSTILE).code == 0
        place.commit(f"Approve {name}", by=by)
    return place


@pytest.fixture(autouse=True)
def step(tmp_path: Path, monkeypatch) -> Path:
    """The files that GitHub gives a step, with what an earlier command wrote into them."""
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        (tmp_path / name).write_text("before=1\n", encoding="utf-8")
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


def test_a_plan_as_markdown_is_a_comment_the_same_each_time(mixed, step):
    done = mixed.run("plan", "--format", "markdown")
    assert done.out.startswith("<!-- reconciler:plan -->\n## Plan: 1 to change, 1 held, 0 waiting, 0 drifted\n")
    assert "<details><summary>promote <code>leaf</code> <code>1.2</code> from <code>public-pypi</code> into" in done.out
    assert "`wanted by @everyone <b> #\\x23vso[task.complete] ::error::x %0A`" in done.out
    assert "``ada, grace can: `reconciler endorse approved-pypi sample 1.0 -m REASON`" in done.out
    assert done.code == mixed.run("plan").code
    assert mixed.run("plan", "--format", "markdown").out.replace(_clock(done.out), "") == done.out.replace(_clock(done.out), "")
    assert (step / "GITHUB_OUTPUT").read_text() == "before=1\n", "only `github` writes there"


def _clock(text: str) -> str:
    return next((line for line in text.splitlines() if line.startswith("Valid until")), "\0")


def test_a_plan_for_github_annotates_and_writes_the_summary_and_the_outputs_of_the_step(mixed, step):
    done = mixed.run("plan", "--format", "github")
    (held,) = obeyed(done.out)
    assert held.kind == "error"
    assert held.properties == {
        "file": "approvals/approved-pypi/sample/1.0.yaml", "line": "1", "title": "Held: sample 1.0 in approved-pypi [no line of policies/permissions.yaml allows it]",
    }  # fmt: skip
    assert "to do: ada, grace can" in held.message
    assert (step / "GITHUB_STEP_SUMMARY").read_text() == "before=1\n" + mixed.run("plan", "--format", "markdown").out
    outputs = read_outputs((step / "GITHUB_OUTPUT").read_text().removeprefix("before=1\n"))
    plan = mixed.run("plan", "--format", "json").json
    assert outputs == {
        "outcome": plan["outcome"], "digest": plan["digest"], "changes": "1", "holds": "1", "waiting": "0", "alerts": "0",
    }  # fmt: skip


def test_what_was_applied_is_told_in_both_and_nothing_else_is_printed(mixed, step):
    done = mixed.run("apply", "--format", "github")
    assert done.code == 5
    assert done.out.splitlines()[0].endswith(": 1 applied, 0 failed, 1 held, 0 waiting: held")
    assert [one.kind for one in obeyed(done.out)] == ["error"]
    assert len(done.out.splitlines()) == 2
    summary = (step / "GITHUB_STEP_SUMMARY").read_text()
    assert summary.startswith("before=1\n<!-- reconciler:apply -->\n## Applied: 1 applied, 0 failed, 1 held, 0 waiting: held\n")
    assert read_outputs((step / "GITHUB_OUTPUT").read_text().removeprefix("before=1\n"))["changes"] == "1"
    again = mixed.run("apply", "--format", "markdown")
    assert again.out.startswith("<!-- reconciler:apply -->\n## Applied: 0 applied, 0 failed, 1 held, 0 waiting: held\n")


def test_without_the_variables_nothing_is_written(mixed, monkeypatch, tmp_path):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    monkeypatch.setenv("GITHUB_OUTPUT", "")
    assert obeyed(mixed.run("plan", "--format", "github").out)
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text() == "before=1\n"


def test_a_summary_that_would_be_dropped_as_too_large_is_left_as_it_is(mixed, step):
    full = "x" * (1024 * 1024 - 100)
    (step / "GITHUB_STEP_SUMMARY").write_text(full)
    done = mixed.run("plan", "--format", "github")
    assert (step / "GITHUB_STEP_SUMMARY").read_text() == full
    assert obeyed(done.out)[-1].message == "the summary of this step is full: the plan is not in it"


def test_files_that_cannot_be_written_are_an_error(mixed, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "nowhere" / "output"))
    done = mixed.run("plan", "--format", "github")
    assert done.code == 1
    assert "Could not open file" in done.err


def test_what_is_wrong_in_the_declaration_is_annotated_at_its_line(mixed):
    mixed.write("feeds.yaml", (mixed.root / "feeds.yaml").read_text().replace("type: pypi", "type: '::error::x'"))
    mixed.commit("Break the feeds")
    done = mixed.run("plan", "--format", "github")
    assert done.code == 4
    first, second = obeyed(done.out)
    assert (first.kind, first.properties["file"], first.properties["line"], second.properties["line"]) == ("error", "feeds.yaml", "6", "7")
    assert "found '::error::x', expected" in first.message
    assert mixed.run("plan").out == ""


def test_what_else_ends_a_pass_is_annotated_with_what_to_do(mixed):
    done = mixed.run("apply", "--format", "github", "--accept", "0" * 64)
    assert done.code == 3
    (error,) = obeyed(done.out)
    assert error.message.startswith("the plan has changed since it was accepted")
    assert error.message.endswith("\nto do: look at `reconciler plan` again")
    assert "file" not in error.properties
