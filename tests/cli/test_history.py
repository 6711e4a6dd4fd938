"""`history`: choosing from it, telling it to spreadsheets and to tools, and what a feed held at a moment."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import jsonschema
import pytest

from tests.cli.place import ADA, FEEDS, GRACE, PERMISSIONS, Place
from tests.damage import store

GRACE_AT_HOME = ("G. Hopper", "amazing.grace@example.net")
FAR_AWAY = "2999-01-01"


def request(place: Place, arguments: list[str], *, author, lander=ADA) -> str:
    """A pull request with approvals, merged; the landing commit."""
    place.git("switch", "-q", "-c", "request")
    assert place.run("approve", *arguments).code == 0
    place.commit("Approve", by=author)
    place.git("switch", "-q", "main")
    place.git("merge", "-q", "--no-ff", "-m", "Merge", "request", by=lander)
    place.git("branch", "-q", "-D", "request")
    return place.git("rev-parse", "HEAD")


@pytest.fixture
def told(place: Place) -> Place:
    """Three promotions by different people in three passes, and one version taken back."""
    place.write("policies/permissions.yaml", PERMISSIONS.replace("[grace@example.org]", f"[grace@example.org, {GRACE_AT_HOME[1]}]"))
    place.commit("Grace has two addresses")
    request(place, ["approved-pypi", "leaf", "-m", "=cmd|' /C calc'!A0"], author=GRACE)
    assert place.run("apply", "--quiet").code == 0
    request(place, ["approved-pypi", "sample", "-m", "asked for by billing"], author=GRACE_AT_HOME)
    assert place.run("apply", "--quiet").code == 0
    request(place, ["approved-nuget", "Leaf", "-m", "MIT"], author=ADA, lander=GRACE_AT_HOME)
    assert place.run("apply", "--quiet").code == 0
    assert place.run("withdraw", "approved-pypi", "leaf", "1.2", "--quarantine", "-m", "It phones home.", "--commit").code == 0
    assert place.run("apply", "--quiet").code == 0
    return place


def rows(place: Place, *arguments: str) -> list[tuple[str, str]]:
    return [(row["change"], row["package"]) for row in place.run("history", *arguments, "--format", "json").json]


# --- choosing ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--author", "grace"), ["sample", "leaf"]),
        (("--author", "GRACE HOPPER"), ["leaf"]),
        (("--author", "G. Hopper"), ["sample"]),
        (("--author", "ada"), ["leaf", "Leaf"]),
        (("--approver", "grace"), ["Leaf"]),
        (("--approver", "ada"), ["sample", "leaf"]),
        (("--approver", "ada@", "--author", "example.net"), ["sample"]),
        (("--approver", "nobody"), []),
        (("--until", FAR_AWAY, "--feed", "approved-nuget"), ["Leaf"]),
        (("--until", "2000-01-01"), []),
        (("--since", FAR_AWAY), []),
        (("--limit", "2", "--feed", "approved-pypi"), ["leaf", "sample"]),
        (("--limit", "1", "--author", "grace"), ["sample"]),
        (("LEAF", "--limit", "99", "--feed", "approved-nuget"), ["Leaf"]),
    ],
)
def test_rows_are_chosen_by_who_when_and_how_many(told, arguments, found):
    assert [package for _, package in rows(told, *arguments)] == found


def test_the_id_of_a_user_means_all_addresses_that_today_s_rules_name(told):
    assert told.run("history", "--author", "hopper", "--format", "json").json[0]["author"]["email"] == GRACE_AT_HOME[1]
    told.write("policies/permissions.yaml", (told.root / "policies/permissions.yaml").read_text().replace("  grace:", "  hopper-1:"))
    told.write(
        "policies/permissions.yaml", (told.root / "policies/permissions.yaml").read_text().replace("[ada, grace]", "[ada, hopper-1]")
    )
    told.commit("Another id")
    assert [package for _, package in rows(told, "--author", "hopper-1")] == ["sample", "leaf"]


def test_a_day_is_meant_from_its_beginning_to_its_end(told):
    day = told.run("history", "--format", "json").json[0]["authored_at"][:10]
    first = told.run("history", "--format", "json").json[-1]["authored_at"][:10]
    assert len(rows(told, "--since", first, "--until", day)) == 4


def test_the_text_says_how_many_rows_were_left_out(told):
    assert told.run("history", "--limit", "1").out.splitlines()[-1] == "3 older rows not shown"
    assert "not shown" not in told.run("history", "--limit", "4").out


@pytest.mark.parametrize("arguments", [("--limit", "0"), ("--limit", "-1"), ("--until", "soon"), ("--at", "2026-01-01")])
def test_what_means_nothing_is_refused(place, arguments):
    assert place.run("history", *arguments).code == 64


# --- for spreadsheets and tools ---------------------------------------------------------------------------------------------------


def test_csv_has_the_columns_of_the_json_and_no_formula(told):
    done = told.run("history", "--feed", "approved-pypi", "--format", "csv")
    found = list(csv.DictReader(io.StringIO(done.out, newline="")))
    expected = told.run("history", "--feed", "approved-pypi", "--format", "json").json
    assert list(found[0]) == list(expected[0])
    assert [row["commit"] for row in found] == [row["commit"] for row in expected]
    assert found[-1]["reason"] == "'=cmd|' /C calc'!A0"
    assert (found[-1]["author"], found[-1]["approvers"]) == (
        "Grace Hopper <grace@example.org> (claimed)",
        "Ada Lovelace <ada@example.org> (claimed)",
    )
    assert found[-1]["files"].split("; ")[0] == f"leaf-1.2-py3-none-any.whl sha256:{expected[-1]['files'][0]['sha256']}"


def test_each_record_is_a_statement_about_its_files(told):
    expected = told.run("history", "--format", "json").json
    done = told.run("history", "--format", "in-toto")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [row["predicate"]["reconcilerPromotion"]["record"] for row in found] == [row["seq"] for row in expected]
    assert [[file["digest"]["sha256"] for file in row["subject"]] for row in found] == [
        [file["sha256"] for file in row["files"]] for row in expected
    ]
    assert [row["predicate"]["properties"] for row in found] == [[], *[["RECONCILER_APPROVED"]] * 3]
    assert told.run("history", "--format", "in-toto").out == done.out


def test_a_statement_names_the_policies_in_force_before_what_they_judged(place):
    before = place.git("rev-parse", "HEAD:policies/permissions.yaml")
    assert place.run("approve", "approved-pypi", "leaf", "-m", "MIT").code == 0
    place.write("policies/permissions.yaml", PERMISSIONS + "# mended in the same commit\n")
    place.commit("Approve, and mend the permissions")
    assert place.run("apply", "--quiet").code == 0
    (found,) = [json.loads(line) for line in place.run("history", "--format", "in-toto").out.splitlines()]
    assert found["predicate"]["verifier"]["policies"] == [{"name": "policies/permissions.yaml", "digest": {"gitBlob": before}}]


def test_what_is_pending_is_no_statement(place):
    assert place.run("approve", "approved-pypi", "leaf", "-m", "MIT").code == 0
    place.commit("Approve")
    done = place.run("history", "--format", "in-toto")
    assert (done.code, done.out) == (0, "")


def test_rows_say_which_commit_was_applied_and_what_it_left(told):
    newest = told.run("history", "--format", "json").json[0]
    assert (newest["head"], newest["state"], newest["purl"]) == (told.git("rev-parse", "HEAD"), "quarantined", "pkg:pypi/leaf@1.2")


def test_a_name_cannot_forge_an_approver_or_a_line(place):
    hostile = ("Eve\u202e (signed), approved by Ada Lovelace", "eve@example.org")
    assert place.run("approve", "approved-pypi", "leaf", "-m", "A" * 100_000).code == 0
    place.commit("Approve", by=hostile)
    done = place.run("history")
    assert all(line.isprintable() and len(line) < 1000 for line in done.out.splitlines())
    assert 'by "Eve\\u202e (signed), approved by Ada Lovelace" <eve@example.org> (claimed), commit' in done.out
    assert len(place.run("history", "--format", "csv").out) < 10_000
    assert len(place.run("history", "--format", "json").json[0]["reason"]) == 100_000


def test_a_reader_who_stops_early_gets_no_error(place):
    assert place.run("approve", "approved-pypi", "leaf", "-m", "A" * 200_000).code == 0
    place.commit("Approve")
    command = [sys.executable, "-m", "reconciler", "-C", str(place.root), "history", "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""


# --- what a feed held -------------------------------------------------------------------------------------------------------------


def contents(place: Place, *arguments: str) -> list[tuple[str, str]]:
    done = place.run("history", "--contents", "approved-pypi", *arguments, "--format", "json")
    assert done.code == 0, done.err
    return [(row["package"], row["state"]) for row in done.json["versions"]]


def test_what_a_feed_held_at_each_commit(told):
    assert contents(told, "--at", "HEAD") == [("leaf", "quarantined"), ("sample", "listed")]
    assert contents(told, "--at", "HEAD~1") == [("leaf", "listed"), ("sample", "listed")]
    assert contents(told, "--at", "main~3") == [("leaf", "listed")]
    assert contents(told, "--at", "HEAD~4") == []
    assert contents(told, "--at", told.git("rev-parse", "--short", "HEAD~2")) == [("leaf", "listed"), ("sample", "listed")]


def test_what_a_feed_held_at_a_time(told):
    applied = [row["applied_at"] for row in told.run("history", "--feed", "approved-pypi", "--format", "json").json]
    assert contents(told, "--at", applied[0]) == [("leaf", "quarantined"), ("sample", "listed")]
    assert contents(told, "--at", applied[0][:10]) == [("leaf", "quarantined"), ("sample", "listed")]
    assert contents(told, "--at", f"{applied[0][:-1]}+00:00") == contents(told, "--at", applied[0][:-1]) == contents(told)
    assert contents(told, "--at", "9999-12-31") == contents(told)
    assert contents(told, "--at", "2000-01-01T00:00:00Z") == []
    assert contents(told, "--at", f"{applied[0][:-1]}+23:00") == []


def test_one_package_however_it_is_spelled(told):
    assert contents(told, "SAMPLE") == [("sample", "listed")]
    assert contents(told, "absent") == []
    assert told.run("history", "--contents", "approved-pypi", "le af").code == 64


def test_contents_keep_their_contract_and_say_who_brought_what(told):
    done = told.run("history", "--contents", "approved-pypi", "--at", "HEAD", "--format", "json")
    jsonschema.validate(done.json, told.run("schema", "contents").json)
    assert (done.json["schema"], done.json["feed"], done.json["at"], done.json["commit"]) == (
        "contents/v1",
        "approved-pypi",
        None,
        told.git("rev-parse", "HEAD"),
    )
    leaf = done.json["versions"][0]
    assert (leaf["author"]["name"], leaf["last_author"]["name"], leaf["last_reason"]) == ("Grace Hopper", "Ada Lovelace", "It phones home.")
    assert {len(file["sha256"]) for file in leaf["files"]} == {64}


def test_contents_as_text_and_as_csv(told):
    lines = told.run("history", "--contents", "approved-pypi", "--at", "HEAD").out.splitlines()
    assert lines[0] == f"approved-pypi at commit {told.git('rev-parse', 'HEAD')[:12]}: 2 versions (1 quarantined)"
    assert lines[1].startswith("  leaf    1.2  quarantined  2 files  ")
    assert lines[1].endswith("by Grace Hopper <grace@example.org> (claimed), approved by Ada Lovelace <ada@example.org> (claimed)")
    assert lines[2].endswith(": It phones home.")
    table = told.run("history", "--contents", "approved-pypi", "--format", "csv").out
    found = list(csv.DictReader(io.StringIO(table, newline="")))
    assert [(row["package"], row["state"], row["reason"]) for row in found] == [
        ("leaf", "quarantined", "'=cmd|' /C calc'!A0"),
        ("sample", "listed", "asked for by billing"),
    ]


def test_a_commit_that_was_never_applied_itself_is_refused_with_a_remedy(told):
    told.git("tag", "inner", "HEAD~1^2")
    for ref, message in (("inner", "not on the first-parent chain"), ("nowhere", "names no commit")):
        done = told.run("history", "--contents", "approved-pypi", "--at", ref)
        assert done.code == 64
        assert message in done.err
        assert "To do: name " in done.err


@pytest.mark.parametrize(
    "arguments",
    [("--at", "2026-13-01"), ("--at", "2026-01-01T99:00"), ("--feed", "approved-pypi"), ("--limit", "1"), ("--format", "in-toto")],
)
def test_what_does_not_go_with_contents_is_refused(place, arguments):
    assert place.run("history", "--contents", "approved-pypi", *arguments).code == 64


@pytest.mark.parametrize("feed", ["nowhere", "public-pypi", "../approved-pypi"])
def test_contents_of_what_is_no_approved_feed(place, feed):
    done = place.run("history", "--contents", feed)
    assert done.code == 64
    assert "approved feeds: approved-nuget, approved-pypi" in done.err


def test_contents_need_no_catalog_and_no_declared_feed(told):
    before = contents(told)
    for path in (told.root / ".feeds/state/feeds/approved-pypi/catalog").iterdir():
        path.unlink()
    told.git("rm", "-rq", "approvals/approved-pypi")
    told.write("feeds.yaml", "\n".join(line for line in FEEDS.splitlines() if "approved-pypi" not in line) + "\n")
    told.commit("Give the feed up")
    assert contents(told) == before
    assert contents(told, "--at", "HEAD") == before


def test_records_without_the_commit_that_was_applied_count_from_their_landing_commit_on(told):
    before = [contents(told, "--at", f"HEAD~{number}") for number in range(5)]
    store.forge(told, lambda record: {key: value for key, value in record.items() if key != "head"})
    assert [contents(told, "--at", f"HEAD~{number}") for number in range(5)] == before
    assert {row["head"] for row in told.run("history", "--feed", "approved-pypi", "--format", "json").json} == {None}


def test_what_landed_counts_from_the_commit_that_a_pass_applied(place):
    assert place.run("approve", "approved-pypi", "leaf", "-m", "MIT").code == 0
    landed = place.commit("Approve")
    applied = place.commit("Something else")
    assert place.run("apply", "--quiet").code == 0
    (row,) = place.run("history", "--format", "json").json
    assert (row["commit"], row["head"]) == (landed, applied)
    assert (contents(place, "--at", landed), contents(place, "--at", applied)) == ([], [("leaf", "listed")])


def test_a_head_that_was_removed_is_no_empty_feed(told):
    (told.root / ".feeds/state/feeds/approved-pypi/head.json").unlink()
    for arguments in (("--contents", "approved-pypi"), ()):
        done = told.run("history", *arguments)
        assert (done.code, done.out) == (9, "")
        assert "rolled back or removed" in done.err


def test_a_history_that_was_rewritten_is_not_placed_on_the_chain(told):
    told.git("commit", "-q", "--amend", "-m", "Rewritten")
    done = told.run("history", "--contents", "approved-pypi", "--at", "HEAD")
    assert (done.code, done.out) == (3, "")
    assert "record 4 of approved-pypi names commit" in done.err
    assert told.run("history", "--format", "in-toto").code == 3
    assert told.run("history", "--contents", "approved-pypi").code == 0


def test_what_a_rule_took_back_is_told_as_its_doing_and_nobody_s(place):
    assert place.run("approve", "approved-nuget", "Leaf", "-m", "MIT").code == 0
    place.commit("Approve", by=GRACE)
    assert place.run("apply", "--quiet").code == 0
    place.write("policies/license.yaml", "rule: license\non_existing: unlist\nparams: {allow: [ISC]}\n")
    place.commit("Allow nothing but ISC")
    lines = place.run("plan").out.splitlines()
    told = lines.index("  - unlist Leaf 1.1: in approved-nuget (1 file, 452 bytes)")
    assert lines[told + 1] == '      by the rule license, policies/license.yaml:1: declares "MIT", which license.yaml does not allow'
    assert lines[told + 2].startswith("      approved by Grace Hopper <grace@example.org> (claimed), commit ")
    assert place.run("apply", "--quiet").code == 0
    taken, promoted = place.run("history", "--format", "json").json
    assert (taken["change"], taken["rule"]) == ("unlist", "license, policies/license.yaml:1")
    assert (promoted["change"], promoted["rule"]) == ("promote", None)
    assert "by the rule license, policies/license.yaml:1; approved by Grace Hopper" in place.run("history").out
    assert place.run("verify").code == 0
