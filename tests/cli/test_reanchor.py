"""`reanchor`: a history that was broken on purpose goes on by a recorded act, which every later report mentions, and which hides nothing."""

from __future__ import annotations

import json
from collections.abc import Callable

import jsonschema
import pytest

from tests.cli.place import ADA, GRACE, Place
from tests.damage import store
from tests.damage.store import STATE

WHY = "A leaked key was cleaned out, SEC-123"
LEAF = "approvals/approved-pypi/leaf/1.2.yaml"
SAMPLE = "approvals/approved-pypi/sample/1.0.yaml"


def approve(place: Place, *names: str, by: tuple[str, str] = ADA) -> str:
    assert place.run("approve", "approved-pypi", *names, "-m", "MIT").code == 0
    return place.commit(f"Approve {names[0]}", by=by)


def apply(place: Place) -> None:
    done = place.run("apply", "--quiet")
    assert done.code == 0, done.err


@pytest.fixture
def applied(place: Place) -> Place:
    """`leaf` and `sample` were approved one after the other, and applied."""
    approve(place, "leaf")
    apply(place)
    approve(place, "sample", by=GRACE)
    apply(place)
    return place


def force_push(place: Place) -> None:
    """The newest commit again, as another one."""
    old = place.git("rev-parse", "HEAD")
    place.git("commit", "-q", "--amend", "-m", f"Rewritten, once {old}", by=GRACE)


def foxtrot(place: Place) -> None:
    """Somebody merges main into their branch, and pushes that as main."""
    place.git("switch", "-q", "-c", "topic", "HEAD~1")
    place.write("README", "topic")
    place.commit("Work", by=GRACE)
    place.git("merge", "-q", "--no-ff", "-m", "Merge main into topic", "main", by=GRACE)
    place.git("branch", "-q", "-f", "main", "topic")
    place.git("switch", "-q", "main")


def set_back(place: Place) -> None:
    place.git("reset", "-q", "--hard", "HEAD~1")


BROKEN = {force_push: "the branch was rewritten", foxtrot: "the foxtrot merge", set_back: "the branch was set back to an earlier commit"}


def reanchored(place: Place, break_it: Callable[[Place], None] = force_push) -> tuple[str, str]:
    """The old head and the one from which it goes on."""
    old = place.git("rev-parse", "HEAD")
    anchor = place.git("rev-parse", "HEAD~1")
    break_it(place)
    assert place.run("reanchor", "-m", WHY).code == 0
    return old, anchor


@pytest.mark.parametrize("break_it", BROKEN, ids=lambda one: one.__name__)
def test_every_pass_stops_until_it_is_reanchored_and_then_all_is_well(applied, break_it):
    old, anchor = applied.git("rev-parse", "HEAD"), applied.git("rev-parse", "HEAD~1")
    break_it(applied)
    stopped = applied.run("plan")
    assert (stopped.code, "reconciler reanchor -m REASON" in stopped.err) == (3, True)
    files = {key: data for key, data in applied.store_bytes().items() if key.startswith("feeds/")}
    done = applied.run("reanchor", "-m", WHY)
    assert done.code == 0
    assert f"approved-pypi: applied last at commit {old[:12]}, which is not on the chain: {BROKEN[break_it]}" in done.out
    assert f"    goes on from {anchor[:12]}, the newest commit that landed in both histories" in done.out
    assert "No package changes." in done.out
    assert {key: data for key, data in applied.store_bytes().items() if key.startswith("feeds/")} == files
    assert store.head(applied)["commit"] == anchor
    apply(applied)
    assert store.head(applied)["commit"] == applied.git("rev-parse", "HEAD")
    verified = applied.run("verify")
    assert verified.code == 0, verified.out
    assert applied.run("plan").out.count(WHY) == 2, "once a feed"


def test_a_second_apply_writes_nothing(applied):
    reanchored(applied)
    apply(applied)
    before = applied.store_bytes()
    apply(applied)
    assert applied.store_bytes() == before


def test_a_second_force_push_needs_a_second_act(applied):
    reanchored(applied)
    apply(applied)
    force_push(applied)
    assert applied.run("apply").code == 3
    assert applied.run("reanchor", "-m", "Again").code == 0
    apply(applied)
    done = applied.run("verify", "--format", "json")
    assert (done.code, done.json["findings"]) == (0, [])
    assert [row["reason"] for row in done.json["reanchored"] if row["feed"] == "approved-pypi"] == [WHY, "Again"]


def test_it_may_be_reanchored_again_before_anything_was_applied(applied):
    reanchored(applied)
    applied.git("commit", "-q", "--amend", "-m", "Once more")
    assert applied.run("reanchor", "-m", "x").code == 64, "what it goes on from is still on the chain"
    set_back(applied)
    set_back(applied)
    assert applied.run("reanchor", "-m", "And again").code == 0
    assert applied.run("verify").code == 0


# --- refused ----------------------------------------------------------------------------------------------------------------------


def test_it_is_refused_where_nothing_is_broken(applied):
    before = applied.store_bytes()
    done = applied.run("reanchor", "-m", WHY)
    assert (done.code, "no history is broken" in done.err) == (64, True)
    assert applied.store_bytes() == before


def test_it_is_refused_before_anything_was_applied(place):
    assert place.run("reanchor", "-m", WHY).code == 64
    assert not (place.root / ".feeds").exists()


@pytest.mark.parametrize("arguments", [(), ("-m", ""), ("-m", " \n\t"), ("-m", "x" * 2001)])
def test_it_is_refused_without_a_reason_or_with_a_book(applied, arguments):
    force_push(applied)
    before = applied.store_bytes()
    assert applied.run("reanchor", *arguments).code == 64
    assert applied.store_bytes() == before


def test_it_is_refused_if_git_does_not_know_who_says_so(applied):
    force_push(applied)
    for name in ("user.name", "user.email"):
        applied.git("config", "--unset", name)
    applied.git("config", "user.useConfigOnly", "true")
    before = applied.store_bytes()
    done = applied.run("reanchor", "-m", WHY)
    assert (done.code, "does not know who you are" in done.err) == (3, True)
    assert applied.store_bytes() == before


# --- what it says, everywhere -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("plan",), ("apply",), ("drift",), ("verify",), ("explain", "approved-pypi", "leaf", "1.2")])
def test_every_later_report_mentions_it(applied, command):
    old, anchor = reanchored(applied)
    apply(applied)
    done = applied.run(*command)
    assert done.code == 0
    assert old[:12] in done.out
    assert f"Ada Lovelace <ada@example.org> (claimed): {WHY}" in " ".join(done.out.split())
    told = applied.run(*command, "--format", "json").json
    jsonschema.validate(told, applied.run("schema", command[0]).json)
    row = next(row for row in told["reanchored"] if row["feed"] == "approved-pypi")
    assert (row["from_commit"], row["commit"], row["reason"], row["shared"]) == (old, anchor, WHY, True)
    assert row["by"] == {"name": "Ada Lovelace", "email": "ada@example.org", "assurance": "claimed"}


def test_its_own_report_keeps_its_contract(applied):
    force_push(applied)
    done = applied.run("reanchor", "-m", WHY, "--format", "json")
    jsonschema.validate(done.json, applied.run("schema", "reanchor").json)
    assert [row["feed"] for row in done.json["reanchored"]] == ["approved-nuget", "approved-pypi"]


def test_history_has_it_at_its_place_in_time(applied):
    reanchored(applied)
    apply(applied)
    applied.offer_wheel("later", "1.0")
    approve(applied, "later")
    apply(applied)
    rows = [row for row in applied.run("history", "--format", "json").json if row["feed"] == "approved-pypi"]
    assert [(row["change"], row["package"], row["outcome"]) for row in rows] == [
        ("promote", "later", "applied"),
        ("reanchor", "", "applied"),
        ("promote", "sample", "applied"),
        ("promote", "leaf", "applied"),
        ("promote", "sample", "applied"),
    ], "the last is the rewritten approval, which has no record of its own"
    assert (rows[1]["reason"], rows[1]["author"]["name"]) == (WHY, "Ada Lovelace")
    text = applied.run("history", "sample").out
    assert "reanchor" in text
    assert "of a history that was left" in text
    assert "reanchor" not in applied.run("history", "Sample.Lib").out
    for form in ("csv", "in-toto"):
        assert applied.run("history", "--format", form).code == 0


def test_what_the_feed_held_is_still_told_by_day_and_by_commit(applied):
    _, anchor = reanchored(applied)
    apply(applied)
    first = applied.git("rev-list", "--max-parents=0", "HEAD")
    held = {
        at: [
            row["package"] for row in applied.run("history", "--contents", "approved-pypi", "--at", at, "--format", "json").json["versions"]
        ]
        for at in (first, anchor, "HEAD", "2999-01-01")
    }
    assert held == {first: [], anchor: ["leaf", "sample"], "HEAD": ["leaf", "sample"], "2999-01-01": ["leaf", "sample"]}


def test_statements_of_what_was_left_name_no_policies(applied):
    reanchored(applied)
    apply(applied)
    told = [json.loads(line) for line in applied.run("history", "--format", "in-toto").out.splitlines()]
    policies = {one["predicate"]["reconcilerPromotion"]["package"]: one["predicate"]["verifier"]["policies"] for one in told}
    assert policies["sample"] == []
    assert [policy["name"] for policy in policies["leaf"]] == ["policies/permissions.yaml"]


def test_notes_tell_of_it(applied):
    old, anchor = reanchored(applied)
    assert applied.run("apply", "--notes").code == 0
    shown = applied.git("notes", "--ref=promotions", "show", anchor)
    assert f"reanchor approved-pypi: from commit {old}, record " in shown


# --- verify -----------------------------------------------------------------------------------------------------------------------


def test_records_of_the_history_that_was_left_are_attested_only(applied):
    reanchored(applied)
    apply(applied)
    done = applied.run("verify", "--format", "json")
    jsonschema.validate(done.json, applied.run("schema", "verify").json)
    notes = [(note["kind"], note["subject"]) for note in done.json["notes"] if note["feed"] == "approved-pypi"]
    assert notes == [("attested", "record 3"), ("reanchored", "record 4")]
    assert "note: record 3: attested only" in applied.run("verify").out


@pytest.mark.parametrize("break_it", [force_push, foxtrot], ids=lambda one: one.__name__)
def test_records_that_landed_in_both_histories_are_still_derived(applied, break_it):
    reanchored(applied, break_it)
    apply(applied)
    mallory = {"name": "Mallory", "email": "m@example.org", "assurance": "claimed"}
    store.forge(applied, lambda record: record | {"author": mallory} if record.get("package") == "leaf" else record)
    done = applied.run("verify", "--format", "json")
    assert (done.code, [finding["subject"] for finding in done.json["findings"]]) == (9, ["record 2 (promote leaf 1.2)"])


def test_records_after_it_are_derived(applied):
    reanchored(applied)
    apply(applied)
    applied.offer_wheel("later", "1.0")
    approve(applied, "later")
    apply(applied)
    store.forge(applied, lambda record: record | {"commit": "0" * 40} if record.get("package") == "later" else record)
    done = applied.run("verify", "--format", "json")
    assert (done.code, "is not on the first-parent chain" in done.json["findings"][0]["detail"]) == (9, True)


EDITS = {
    "reason": {"reason": "Nothing to see"},
    "who": {"by": {"name": "Mallory", "email": "m@example.org", "assurance": "claimed"}},
    "from where": {"from_commit": "0" * 40},
    "to where": {"commit": "0" * 40},
    "shape": {"by": "Ada"},
    "kind": {"change": "access", "access": []},
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_record_of_it_is_found_even_if_the_chain_was_made_to_fit(applied, edit):
    reanchored(applied)
    apply(applied)
    store.forge(applied, lambda record: record | edit if record["change"] == "reanchor" else record)
    done = applied.run("verify", "approved-pypi", "--format", "json")
    assert done.code == 9
    assert done.json["findings"][0]["kind"] == "record"


def test_an_edited_record_breaks_the_chain(applied):
    reanchored(applied)
    apply(applied)
    key = store.segment_key(applied, 2)
    store.put(applied, key, store.at(applied, key).read_bytes().replace(b"SEC-123", b"SEC-124"))
    assert applied.run("verify").code == 9


def test_a_head_that_forgets_it_is_found(applied):
    reanchored(applied)
    apply(applied)
    store.write_head(applied, reanchored=[])
    done = applied.run("verify", "approved-pypi", "--format", "json")
    assert done.code == 9
    assert ("record", "head") in [(finding["kind"], finding["subject"]) for finding in done.json["findings"]]


# --- nothing is hidden ------------------------------------------------------------------------------------------------------------


def test_an_approval_that_the_new_history_lacks_is_reported_as_an_orphan(applied):
    reanchored(applied, set_back)
    planned = applied.run("plan", "--format", "json").json
    assert [(row["kind"], row["package"]) for row in planned["drift"]] == [("orphan", "sample")]
    apply(applied)
    assert [(row["kind"], row["package"]) for row in applied.run("plan", "--format", "json").json["drift"]] == [("orphan", "sample")]


def test_rights_that_the_new_history_gives_are_listed_before_they_count(applied):
    """HEAD as the anchor would have hidden them."""
    set_back(applied)
    path = "policies/permissions.yaml"
    applied.write(path, (applied.root / path).read_text().replace("[ada, grace]", "[ada, grace, mallory]").replace(
        "users:\n", "users:\n  mallory: {name: Mallory, emails: [mallory@example.org]}\n"
    ))  # fmt: skip
    applied.commit("Mallory may, too")
    assert applied.run("reanchor", "-m", WHY).code == 0
    access = applied.run("plan", "--format", "json").json["access"]
    assert {(row["change"], row["user"]) for row in access} == {("grant", "mallory")}


def test_of_an_unrelated_history_every_right_is_listed(applied):
    applied.git("checkout", "-q", "--orphan", "fresh")
    applied.commit("Moved here", by=GRACE)
    applied.git("branch", "-q", "-M", "fresh", "main")
    done = applied.run("reanchor", "-m", "Moved to another repository")
    assert "the trust anchor: no commit landed in both histories" in done.out
    planned = applied.run("plan", "--format", "json").json
    assert ("grant", "ada", "administer") in {(row["change"], row["user"], row["task"]) for row in planned["access"]}
    assert [row["shared"] for row in planned["reanchored"]] == [False, False]
    apply(applied)
    before = applied.store_bytes()
    apply(applied)
    assert applied.store_bytes() == before
    assert applied.run("plan", "--format", "json").json["access"] == []
    assert applied.run("verify").code == 0


def test_in_a_clone_that_never_had_the_old_commits(applied, tmp_path):
    force_push(applied)
    other = Place(tmp_path / "other")
    applied.git("clone", "-q", "--no-local", "--single-branch", str(applied.root), str(other.root))
    other.git("config", "user.name", "Ada Lovelace")
    other.git("config", "user.email", "ada@example.org")
    (other.root / ".feeds").symlink_to(applied.root / ".feeds")
    (other.root / "upstream").symlink_to(applied.root / "upstream")
    assert "it is not in this clone at all" in other.run("plan").err
    done = other.run("reanchor", "-m", WHY)
    assert (done.code, "it is not in this clone at all" in done.out) == (0, True)
    apply(other)
    assert other.run("verify").code == 0


def test_an_approval_amended_in_the_history_that_was_left_is_derived_as_far_as_it_landed_in_both(place):
    """The record names a landing commit of both, and the text as it stood in a commit of one."""
    approve(place, "leaf")
    place.write(LEAF, (place.root / LEAF).read_text().replace("MIT", "MIT, mended"))
    place.commit("Mend the reason")
    apply(place)
    reanchored(place, set_back)
    apply(place)
    done = place.run("verify")
    assert done.code == 0, done.out


def test_a_reason_without_an_encoding_is_the_same_in_head_and_ledger(applied):
    force_push(applied)
    assert applied.run("reanchor", "-m", "half \udc80 a pair").code == 0
    apply(applied)
    assert applied.run("verify").code == 0


def test_hostile_reasons_are_shown_inert(applied):
    force_push(applied)
    assert applied.run("reanchor", "-m", "x\n! forged\x1b[2K").code == 0
    for command in (("plan",), ("history",), ("verify",), ("drift",), ("explain", "approved-pypi", "leaf", "1.2")):
        out = applied.run(*command).out
        assert "\x1b" not in out
        assert "\n! forged" not in out


def test_a_head_without_it_is_as_it_was_before(applied):
    assert "reanchored" not in json.loads(store.at(applied, f"{STATE}/head.json").read_bytes())
