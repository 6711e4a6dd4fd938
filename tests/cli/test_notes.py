"""`apply --notes`: `git log --notes=promotions` shows when each approval reached the feed, with real git, and nothing else can speak there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from reconciler.cli.notes import BY
from reconciler.declare.revision import Entry, Notes
from reconciler.declare.strict_yaml import MAX_BYTES
from reconciler.errors import NotesRefused
from reconciler.model.words import CommitId
from reconciler.show.notes import FETCH, PUSH, REF, note_line, notes_of, unexplained
from tests.cli.place import ADA, GRACE, Place
from tests.support.reading import NOW

ROOT = Path(__file__).resolve().parents[2]
LINE = {
    "change": "promote",
    "feed": "approved-nuget",
    "package": "Newtonsoft.Json",
    "version": "13.0.3",
    "from": "public-nuget",
    "seq": 2,
    "applied_at": "2026-11-22T16:54:00Z",
    "applier": "ci",
    "commit": "a" * 40,
}


@pytest.fixture
def landed(place) -> dict[str, str]:
    """Two approvals, each landed with a commit of its own, and applied."""
    found = {}
    for name, by in (("leaf", ADA), ("sample", GRACE)):
        assert place.run("approve", "approved-pypi", name, "-m", "MIT").code == 0
        found[name] = place.commit(f"Approve {name}", by=by)
    return found


def tip(place: Place) -> str:
    return place.git("rev-parse", REF)


def note(place: Place, commit: str) -> list[str]:
    return place.git("notes", "--ref=promotions", "show", commit).splitlines()


def test_git_log_shows_when_each_approval_reached_the_feed(place, landed):
    done = place.run("apply", "--notes")
    assert done.code == 0
    (record,) = place.run("history", "leaf", "--format", "json").json
    told = f"promote approved-pypi leaf 1.2: public-pypi -> approved-pypi, record {record['seq']}, {record['applied_at']} by {record['applier']}"
    assert note(place, landed["leaf"]) == [told]
    shown = place.git("log", "--notes=promotions", "--format=%H%n%N")
    assert told in shown.split(landed["leaf"])[1]
    assert "promote approved-pypi sample 1.0:" in shown.split(landed["sample"])[1]
    assert f"`{PUSH}`" in done.out
    assert f"`{FETCH}`" in done.out


def test_rights_that_changed_are_on_the_commit_that_was_applied(place, landed):
    place.run("apply", "--notes")
    assert [line.split(",")[0] for line in note(place, landed["sample"])][:2] == [
        "access approved-nuget: 10 rights changed",
        "access approved-pypi: 10 rights changed",
    ]


def test_a_second_run_writes_nothing(place, landed):
    place.run("apply", "--notes")
    before = tip(place)
    done = place.run("apply", "--notes", "--format", "json")
    assert (done.code, done.json["notes"]) == (0, {"ref": REF, "commit": before, "notes": 2, "written": 0})
    assert tip(place) == before
    jsonschema.validate(done.json, place.run("schema", "apply").json)
    assert "is up to date, with 2 commits" in place.run("apply", "--notes").out


def test_notes_that_are_missing_are_made_up_for_without_changes(place, landed):
    place.run("apply", "--quiet")
    done = place.run("apply", "--notes", "--format", "json")
    assert (done.json["applied"], done.json["notes"]["written"]) == ([], 2)
    first = tip(place)
    place.git("update-ref", "-d", REF)
    place.run("apply", "--notes")
    assert tip(place) == first, "the same ledger gives the same commit: date and identity are not of the run"


def test_without_the_option_and_without_records_there_are_no_notes(place):
    done = place.run("plan")
    assert done.code == 0
    assert place.git("for-each-ref", "refs/notes") == ""


def test_what_is_taken_back_later_is_noted_on_the_commit_that_says_so(place, landed):
    place.run("apply", "--notes")
    before = tip(place)
    assert place.run("withdraw", "approved-pypi", "sample", "1.0", "-m", "bad").code == 0
    withdrawn = place.commit("Withdraw")
    assert place.run("apply", "--notes", "--format", "json").json["notes"]["written"] == 1
    assert note(place, withdrawn)[0].startswith("unlist approved-pypi sample 1.0: in approved-pypi, record ")
    assert place.git("rev-parse", f"{REF}^") == before


def test_two_clones_make_the_same_notes_and_a_clone_can_fetch_them(place, landed, tmp_path):
    place.run("apply", "--notes")
    other = Place(tmp_path / "other")
    place.git("clone", "-q", "--no-local", str(place.root), str(other.root))
    (other.root / ".feeds").symlink_to(place.root / ".feeds")
    (other.root / "upstream").symlink_to(place.root / "upstream")
    assert other.run("apply", "--notes", "--quiet").code == 0
    assert tip(other) == tip(place)
    other.git("update-ref", "-d", REF)
    other.git(*FETCH.split()[1:])
    assert note(other, landed["leaf"]) == note(place, landed["leaf"])
    assert PUSH == "git push origin refs/notes/promotions"


def test_notes_that_were_folded_otherwise_are_still_ours(place, landed):
    """git itself lays notes out flat while they are few."""
    place.run("apply", "--notes")
    texts = {commit: "\n".join(note(place, commit)) for commit in landed.values()}
    place.git("update-ref", "-d", REF)
    for commit, text in texts.items():
        place.git("notes", "--ref=promotions", "add", "-m", text, commit)
    before = tip(place)
    assert place.run("apply", "--notes", "--format", "json").json["notes"]["written"] == 0
    assert tip(place) == before


# --- what others wrote ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["appended", "on a commit without records"])
def test_a_line_that_no_record_explains_is_neither_kept_nor_lost(place, landed, how):
    place.run("apply", "--notes")
    commit = landed["leaf"] if how == "appended" else place.git("rev-list", "--max-parents=0", "HEAD")
    forged = "promote approved-pypi evil 6.6.6: public-pypi -> approved-pypi, record 9, 2026-11-22T16:54:00Z by ci"
    place.git("notes", "--ref=promotions", "append", "-m", forged, commit)
    before = tip(place)
    done = place.run("apply", "--notes")
    assert done.code == 1
    assert "the apply itself is complete; its notes are not written" in done.err
    assert "says what no ledger does" in done.err
    assert "0 applied" in done.out
    assert tip(place) == before
    place.git("update-ref", f"{REF}-foreign", REF)
    place.git("update-ref", "-d", REF)
    assert place.run("apply", "--notes").code == 0
    assert len(note(place, landed["leaf"])) == 1


@pytest.mark.parametrize("what", ["tree", "file", "link"])
def test_a_ref_that_leads_to_something_else_is_refused(place, landed, what):
    place.run("apply", "--quiet")
    if what == "tree":
        place.git("update-ref", REF, place.git("rev-parse", "HEAD^{tree}"))
    else:
        mode = "100644" if what == "file" else "120000"
        blob = place.git("rev-parse", "HEAD:feeds.yaml")
        (place.root / "index").unlink(missing_ok=True)
        name = "README" if what == "file" else landed["leaf"]
        place.git("read-tree", "--empty")
        place.git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{name}")
        place.git("update-ref", REF, place.git("commit-tree", "-m", "x", place.git("write-tree")))
    before = tip(place)
    done = place.run("apply", "--notes")
    assert (done.code, tip(place)) == (1, before)
    assert "was not written by reconciler" in done.err


def test_hooks_and_signing_of_the_repository_are_not_run(place, landed, tmp_path):
    place.git("config", "commit.gpgSign", "true")
    place.git("config", "gpg.program", "false")
    place.git("config", "i18n.commitEncoding", "ISO-8859-1")
    hooks = place.root / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("reference-transaction", "post-commit", "pre-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
        (hooks / name).chmod(0o755)
    assert place.run("apply", "--notes").code == 0
    assert not (tmp_path / "ran").exists()
    assert place.git("log", "-1", "--format=%an <%ae>|%cn <%ce>|%e", REF) == (
        "reconciler <reconciler@localhost>|reconciler <reconciler@localhost>|"
    )


def test_a_repository_that_cannot_be_written(place, landed):
    place.run("apply", "--quiet")
    ordinary = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] if os.geteuid() == 0 else []
    folders = [path for path in (place.root / ".git").rglob("*") if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        command = [*ordinary, sys.executable, "-m", "reconciler", "-C", place.root, "apply", "--notes"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert done.returncode == 1
    assert "0 applied" in done.stdout
    assert "the apply itself is complete; its notes are not written: git cannot write refs/notes/promotions" in done.stderr
    assert "To do: give whoever runs this the right to write into the repository" in done.stderr


def test_objects_that_cannot_be_written_are_told_after_the_apply(place, landed):
    """A file stands where git makes a folder."""
    place.write(".git/refs/notes", "not a folder")
    done = place.run("apply", "--notes")
    assert done.code == 1
    assert "2 applied" in done.out
    assert "the apply itself is complete; its notes are not written: git cannot write refs/notes/promotions" in done.err
    assert "To do: " in done.err
    assert place.run("verify").code == 0


def test_a_ledger_that_was_edited_is_told_as_what_it_is(place, landed):
    place.run("apply", "--quiet")
    (segment,) = (place.root / ".feeds/state/feeds/approved-pypi/ledger").iterdir()
    segment.write_bytes(segment.read_bytes().replace(b"MIT", b"BSD"))
    done = place.run("apply", "--notes")
    assert (done.code, "has been altered" in done.err) == (9, True)
    assert place.git("for-each-ref", "refs/notes") == ""


def test_the_ledger_of_a_feed_that_is_not_declared_any_more_is_told_of_too(place, landed):
    place.run("apply", "--notes")
    before = tip(place)
    gone = "".join(line for line in (place.root / "feeds.yaml").read_text().splitlines(keepends=True) if "approved-nuget" not in line)
    place.write("feeds.yaml", gone)
    place.commit("No NuGet any more")
    done = place.run("apply", "--notes")
    assert done.code == 0, done.err
    assert tip(place) == before
    assert any("approved-nuget" in line for line in note(place, landed["sample"]))


def test_a_bare_repository_has_notes_too(place, landed, tmp_path):
    bare = Place(tmp_path / "bare.git")
    place.git("clone", "-q", "--bare", "--no-local", str(place.root), str(bare.root))
    (bare.root / "upstream").symlink_to(place.root / "upstream")
    assert bare.run("apply", "--notes", "--quiet").code == 0
    assert note(bare, landed["leaf"])[0].startswith("promote approved-pypi leaf 1.2: ")


def test_who_writes_between_reading_and_writing_is_not_overwritten(place, landed):
    place.run("apply", "--notes")
    notes = Notes(place.root, REF)
    known = notes.read({})
    place.git("notes", "--ref=promotions", "append", "-m", "meanwhile", landed["leaf"])
    between = tip(place)
    with pytest.raises(NotesRefused, match="was written by somebody else in the meantime"):
        notes.write(known, {CommitId(landed["leaf"]): b"late\n"}, entry())
    assert tip(place) == between


def test_who_makes_the_ref_first_is_not_overwritten(place, landed):
    notes = Notes(place.root, REF)
    known = notes.read({})
    place.git("notes", "--ref=promotions", "add", "-m", "first", landed["leaf"])
    with pytest.raises(NotesRefused, match="in the meantime"):
        notes.write(known, {CommitId(landed["leaf"]): b"late\n"}, entry())


def test_a_symbolic_ref_moves_no_branch(place, landed):
    place.git("symbolic-ref", REF, "refs/heads/elsewhere")
    place.run("apply", "--notes")
    assert place.git("for-each-ref", "refs/heads/elsewhere") == ""


def entry() -> Entry:
    return Entry(by=BY, at=NOW, message="Notes\n")


# --- many, and hostile ------------------------------------------------------------------------------------------------------------


def test_two_thousand_records_take_seconds(place):
    place.commit("One more")
    records = [{**LINE, "seq": number, "commit": f"{number:040x}"} for number in range(1, 2001)]
    texts = notes_of(records)
    started = time.monotonic()
    notes = Notes(place.root, REF)
    sizes = {commit: len(text) for commit, text in texts.items()}
    notes.write(notes.read(sizes), texts, entry())
    again = notes.read(sizes)
    assert again.texts == texts
    notes.write(again, texts | {CommitId("f" * 40): b"one more\n"}, entry())
    assert time.monotonic() - started < 10
    assert len(list((place.root / ".git/objects").glob("??/*"))) < 1000, "blobs go into a pack"


def test_a_note_may_be_longer_than_any_file_of_the_declaration(place):
    """A commit may land a hundred thousand approvals."""
    commit = CommitId(place.git("rev-parse", "HEAD"))
    texts = notes_of({**LINE, "seq": number, "commit": commit} for number in range(1, 12001))
    notes = Notes(place.root, REF)
    sizes = {commit: len(texts[commit])}
    assert sizes[commit] > MAX_BYTES
    notes.write(notes.read(sizes), texts, entry())
    assert unexplained(notes.read(sizes).texts, texts) is None
    place.git("notes", "--ref=promotions", "append", "-m", "one line more", commit)
    assert unexplained(notes.read(sizes).texts, texts) is not None


def test_of_a_note_that_is_not_ours_the_beginning_is_read(place):
    (place.root / "huge").write_text("x" * 2_000_000)
    commit = CommitId(place.git("rev-parse", "HEAD"))
    place.git("notes", "--ref=promotions", "add", "-F", str(place.root / "huge"), commit)
    assert len(Notes(place.root, REF).read({}).texts[commit]) < 1000


@pytest.mark.parametrize("field", ["package", "version", "from", "applier", "applied_at"])
@pytest.mark.parametrize("text", ["a\npromote x y 1: z", "a\r\x1b[2Kpromote x", "a\u2028b", "a\u202eb", "\ud800", "a b: c -> d, record 1"])
def test_no_text_makes_a_line_of_its_own(field, text):
    line = note_line({**LINE, field: text})
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    line.encode()
    if field in {"package", "version"}:
        assert len(line.split(": ")[0].split(" ")) == 4
        assert line.split(": ", 1)[1] == note_line(LINE).split(": ", 1)[1]


def test_lines_come_in_the_order_in_which_they_were_applied_whatever_the_order_of_reading():
    early, late = {**LINE, "applied_at": "2026-01-01T00:00:00Z", "feed": "z"}, {**LINE, "seq": 1}
    assert notes_of([late, early]) == notes_of([early, late])
    (text,) = notes_of([late, early]).values()
    assert [line.split()[1] for line in text.decode().splitlines()] == ["z", "approved-nuget"]


def test_a_record_whose_commit_is_none_makes_no_note():
    assert notes_of([{**LINE, "commit": "../../HEAD"}]) == {}


def test_a_note_without_text_is_not_ours():
    assert unexplained({CommitId("a" * 40): b""}, notes_of([LINE])) == ("a" * 40, "")
