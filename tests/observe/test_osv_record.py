"""One OSV record: what it says, how bad that is, and which records are left out."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.advisories import Advisory, Range
from reconciler.observe.osv.record import MAX_EVENTS, MAX_SUMMARY, MAX_VERSIONS, Broken, Naming, read_record
from reconciler.observe.osv.severity import severity_of
from tests.support.osv import CRITICAL, HIGH, MEDIUM, affected, record
from tests.support.shared import DATA, needs_shared

NAMINGS = {name: Naming(osv=each.osv_ecosystem, normalize_name=each.normalize_name) for name, each in ECOSYSTEMS.items()}
NUGET = NAMINGS["nuget"]
FLAW = affected("Newtonsoft.Json", {"introduced": "0"}, {"fixed": "13.0.1"})


def read(made: Any, naming: Naming = NUGET) -> dict[str, Advisory]:
    return {str(key): one for key, one in read_record(json.dumps(made).encode(), naming).advisories.items()}


def only(made: Any, naming: Naming = NUGET) -> Advisory:
    (found,) = read(made, naming).values()
    return found


def test_what_a_record_says_about_a_package():
    details = {"severity": "LOW", "last_known_affected_version_range": "ignored here"}
    made = record("GHSA-0000", FLAW, vector=HIGH, aliases=["CVE-2026-2", "CVE-2026-1"], summary="A flaw", database_specific=details)
    assert read(made) == {
        "newtonsoft.json": Advisory(
            id="GHSA-0000",
            aliases=("CVE-2026-1", "CVE-2026-2"),
            summary="A flaw",
            severity="high",
            ranges=(Range(type="ECOSYSTEM", events=(("introduced", "0"), ("fixed", "13.0.1"))),),
            versions=(),
            modified=datetime(2026, 11, 1, tzinfo=UTC),
        )
    }


def test_packages_of_other_ecosystems_and_commits_are_left_out():
    commits = {"ranges": [{"type": "GIT", "repo": "https://git.example/x", "events": [{"introduced": "0"}]}]}
    made = record(
        "GHSA-0000", FLAW, affected("newtonsoft.json", {"introduced": "0"}, ecosystem="npm"), commits, {**commits, **affected("Only.Git")}
    )
    assert set(read(made)) == {"newtonsoft.json"}
    assert set(read(made, NAMINGS["npm"])) == {"newtonsoft.json"}
    assert read(made, NAMINGS["pypi"]) == {}


def test_entries_about_one_package_in_any_spelling_are_one_advisory():
    entries = [
        affected("jQuery", {"introduced": "1.0"}, {"fixed": "1.2"}, versions=["9.0"], severity=[{"type": "CVSS_V3", "score": CRITICAL}]),
        affected(
            "jquery", {"introduced": "2.0"}, versions=["9.0", "9.1"], database_specific={"last_known_affected_version_range": "<= 2.1"}
        ),
    ]
    found = only(record("GHSA-0000", *entries, vector=MEDIUM))
    assert [range_.events[0] for range_ in found.ranges] == [("introduced", "1.0"), ("introduced", "2.0")]
    assert (found.versions, found.severity, found.last_known) == (("9.0", "9.1"), "critical", "<= 2.1")


def test_names_have_the_keys_of_their_ecosystem():
    flaw = record("GHSA-0000", affected("My_Package.X", {"introduced": "0"}, ecosystem="PyPI"))
    assert set(read(flaw, NAMINGS["pypi"])) == {"my-package-x"}
    assert set(read(record("GHSA-0000", affected("@scope/Name", {"introduced": "0"}, ecosystem="npm")), NAMINGS["npm"])) == {"@scope/Name"}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Anotar.Sеrilоg.Fody", "anotar.sеrilоg.fody"),  # noqa: RUF001 - Cyrillic letters
        ("with space", "with space"),
        ("\u212aernel", "\u212aernel"),
        ("half \ud800", "half \ud800"),
    ],
)
def test_a_name_that_no_package_can_have_is_kept_and_counted_and_accuses_no_other(name, key):
    found = read_record(json.dumps(record("MAL-2024-0000", affected(name, versions=["6.0.0"]))).encode(), NUGET)
    assert (set(found.advisories), found.strange) == ({key}, 1)
    assert found.advisories[key].malware


def test_a_withdrawn_record_says_nothing():
    found = read_record(json.dumps(record("GHSA-0000", FLAW, withdrawn="2026-01-01T00:00:00.123456789Z")).encode(), NUGET)
    assert (found.withdrawn, found.advisories) == (True, {})
    assert read(record("GHSA-0000", FLAW, withdrawn=None))


def test_the_summary_is_one_line_and_not_long():
    assert only(record("GHSA-0000", FLAW, summary="a\n b\t c")).summary == "a b c"
    assert len(only(record("GHSA-0000", FLAW, summary="word " * 100)).summary) <= MAX_SUMMARY
    assert only(record("PYSEC-1", FLAW, details="Only details.\n\nMore.")).summary == "Only details. More."
    assert only(record("PYSEC-1", FLAW, summary=7, details=[])).summary == ""


def test_a_note_about_the_last_known_version_is_kept_only_without_a_fix():
    note = {"last_known_affected_version_range": "<=  1.8.9"}
    assert only(record("GHSA-0000", affected("a", {"introduced": "0"}, database_specific=note))).last_known == "<= 1.8.9"
    assert only(record("GHSA-0000", affected("a", {"introduced": "0"}, {"fixed": "2"}, database_specific=note))).last_known == ""


@pytest.mark.parametrize("modified", ["2026-11-01T00:00:00.123456789Z", "2026-11-01T02:00:00+02:00"])
def test_times_are_utc_in_seconds(modified):
    assert only(record("GHSA-0000", FLAW, modified=modified)).modified == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("modified", [None, 7, "", "yesterday", "2026-11-01T00:00:00"])
def test_a_time_that_is_none_is_not_needed(modified):
    assert only(record("GHSA-0000", FLAW, modified=modified)).modified is None


V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:L/VA:H/SC:N/SI:N/SA:N"


@pytest.mark.parametrize(
    ("vectors", "words", "expected"),
    [
        ([HIGH], [], "high"),
        ([MEDIUM, CRITICAL, HIGH], [], "critical"),
        ([V4], [], "high"),
        (["CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"], [], "critical"),
        (["AV:N/AC:L/Au:N/C:C/I:C/A:C"], [], "high"),
        (["(AV:N/AC:L/Au:N/C:N/I:N/A:P)"], [], "medium"),
        (["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"], ["HIGH"], "none"),
        ([MEDIUM], ["CRITICAL"], "medium"),
        (["CVSS:9.9/AV:N", "garbage", "", "CVSS:3.1/", "CVSS:3.1/" + "A" * 10_000], ["MODERATE"], "medium"),
        ([], ["low"], "low"),
        ([], ["Important", "LOW"], "high"),
        ([], ["CRITICAL"], "critical"),
        ([], ["MEDIUM"], "medium"),
        ([], ["ghastly"], None),
        ([], [], None),
    ],
)
def test_severity_is_the_worst_vector_or_else_the_worst_word(vectors, words, expected):
    entries = [{"database_specific": {"severity": word}} for word in words[:1]] + [
        {"ecosystem_specific": {"severity": w}} for w in words[1:]
    ]
    made = {"severity": [{"type": "CVSS_V3", "score": vector} for vector in vectors[:1]]}
    more = {"severity": [{"type": "CVSS_V4", "score": vector} for vector in vectors[1:]]}
    assert severity_of(made, [*entries, more]) == expected
    assert severity_of({**made, **(entries[0] if entries else {})}, [*entries[1:], more]) == expected


@pytest.mark.parametrize("severity", [7, "HIGH", [7], [{}], [{"score": 7.5}], {}, [[]]])
def test_a_severity_of_a_wrong_type_is_unknown_and_the_advisory_counts(severity):
    assert only({**record("GHSA-0000", FLAW), "severity": severity, "database_specific": severity}).severity is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "its id is missing"),
        ({"id": ""}, "its id is missing"),
        ({"id": 7}, "its id is missing"),
        ({"id": "GHSA\n0000"}, "its id is missing, or no text of visible characters"),
        ({"id": "G" * 201}, "its id is missing"),
        ({"aliases": "CVE-1"}, "'aliases' is no list"),
        ({"aliases": [None]}, "an alias is missing"),
        ({"aliases": ["A"] * 501}, "'aliases' has more than 500 entries"),
        ({"affected": {}}, "'affected' is no list"),
        ({"affected": ["x"]}, "an affected package has no ecosystem and name"),
        ({"affected": [{"package": "x"}]}, "an affected package has no ecosystem and name"),
        ({"affected": [{"package": {"ecosystem": "NuGet"}}]}, "an affected package has no ecosystem and name"),
        ({"affected": [{"package": {"ecosystem": "NuGet", "name": ""}}]}, "an affected package has no ecosystem and name"),
        ({"affected": [{**FLAW, "ranges": {}}]}, "'ranges' is no list"),
        ({"affected": [{**FLAW, "ranges": [7]}]}, "a range of the type"),
        ({"affected": [{**FLAW, "ranges": [{"type": "MAGIC", "events": []}]}]}, "a range of the type 'MAGIC'"),
        ({"affected": [affected("a", {"fixed": "1"})]}, "a range without an introduced event"),
        ({"affected": [{**FLAW, "ranges": [{"type": "SEMVER"}]}]}, "a range without an introduced event"),
        ({"affected": [affected("a", {"introduced": "0"}, {})]}, "an event of a range is no JSON object"),
        ({"affected": [affected("a", {"introduced": "0"}, {"ended": "1"})]}, "an event 'ended' with '1'"),
        ({"affected": [affected("a", {"introduced": 0})]}, "an event 'introduced' with '0'"),  # type: ignore[dict-item]
        ({"affected": [affected("a", {"introduced": "0"}, {"fixed": "1\n"})]}, r"an event 'fixed' with '1\\n'"),
        ({"affected": [affected("a", *([{"introduced": "0"}] * (MAX_EVENTS + 1)))]}, f"more than {MAX_EVENTS} events"),
        ({"affected": [{**FLAW, "versions": "1.0"}]}, "'versions' is no list"),
        ({"affected": [{**FLAW, "versions": [1.0]}]}, "a version that is no text"),
        ({"affected": [{**FLAW, "versions": ["1"] * (MAX_VERSIONS + 1)}]}, f"'versions' has more than {MAX_VERSIONS} entries"),
        ({"withdrawn": True}, "the time at which it was withdrawn is none"),
    ],
)
def test_a_record_that_breaks_what_is_needed_is_left_out_with_the_reason(change, reason):
    with pytest.raises(Broken, match=reason):
        read({**record("GHSA-0000", FLAW), **change})


@pytest.mark.parametrize("data", [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe\x00", b"[" * 100_000, b"1" * 5000, b"NaN"])
def test_what_is_no_json_object_is_left_out(data):
    with pytest.raises(Broken, match="it is no JSON"):
        read_record(data, NUGET)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)


@given(st.sampled_from(["id", "aliases", "affected", "severity", "withdrawn", "modified", "summary", "database_specific"]), JSON_VALUES)
def test_whatever_stands_under_a_key_a_record_is_read_or_left_out(key, value):
    with suppress(Broken):
        assert all(isinstance(one, Advisory) for one in read({**record("GHSA-0000", FLAW), key: value}).values())


@needs_shared
def test_every_real_record_is_read():
    for naming in NAMINGS.values():
        paths = sorted((DATA / "osv" / naming.osv).glob("*.json"))
        assert len(paths) >= 30
        for path in paths:
            found = read_record(path.read_bytes(), naming)
            assert found.advisories or found.withdrawn, path
    with gzip.open(DATA / "osv" / "PyPI.all.jsonl.gz") as lines:
        found_all = [read_record(line, NAMINGS["pypi"]) for line in lines]
    assert (len(found_all), sum(found.withdrawn for found in found_all)) == (2661, 10)


@needs_shared
def test_published_pairs_and_the_records_of_the_linter_are_read_as_they_are_meant():
    pairs = json.loads((DATA / "conformance" / "ghsa-to-osv.json").read_text())["pairs"]
    for pair in pairs:
        vector, word = (pair["ghsa"].get("cvss") or {}).get("vectorString"), pair["ghsa"].get("severity")
        for naming in NAMINGS.values():
            found = read_record(json.dumps(pair["osv"]).encode(), naming)
            assert found.withdrawn == bool(pair["ghsa"]["withdrawnAt"])
            for advisory in found.advisories.values():
                assert advisory.id == pair["ghsa"]["ghsaId"]
                known = severity_of({"severity": [{"score": vector}], "database_specific": {"severity": word}}, ())
                assert advisory.severity == (known if "severity" in str(pair["osv"]) else None)
    for row in json.loads((DATA / "conformance" / "osv-linter-records.json").read_text())["records"]:
        for naming in NAMINGS.values():
            read_record(json.dumps(row["record"]).encode(), naming)
