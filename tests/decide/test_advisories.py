"""What advisories say of a version: OSV's evaluation, aliases, fixes; the published rows, and each trap as a small record of our own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.decide.advisories import Ordering, matched
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.advisories import Advisory, EventKind, Matched, Range, Severity, Snapshot
from reconciler.model.words import Sha256, Version, VersionKey
from reconciler.observe.osv.record import Naming, read_record
from tests.support.osv import affected, record
from tests.support.shared import DATA, needs_shared

SNAPSHOT = Snapshot(digest=Sha256("0" * 64), fetched_at=datetime(2026, 11, 28, tzinfo=UTC), source="osv.dev")
NPM, NUGET, PYPI = (ECOSYSTEMS[name] for name in ("npm", "nuget", "pypi"))


def advisory(
    id_: str, *ranges: str, versions: Iterable[str] = (), aliases: Iterable[str] = (), severity: Severity | None = None, **more: Any
):
    """`ranges` are events as in "introduced 0, fixed 1.2"."""
    return Advisory(
        id=id_,
        aliases=tuple(aliases),
        summary=more.pop("summary", f"About {id_}"),
        severity=severity,
        ranges=tuple(Range(type="ECOSYSTEM", events=tuple(map(event, text.split(", ")))) for text in ranges),
        versions=tuple(versions),
        **more,
    )


def event(text: str) -> tuple[EventKind, str]:
    kind, _, version = text.partition(" ")
    assert kind in {"introduced", "fixed", "last_affected", "limit"}
    return kind, version  # type: ignore[return-value]


def about(*advisories: Advisory, version: str, language: Ordering = NUGET) -> Matched:
    return matched(SNAPSHOT, advisories, language.parse_version(version), language)


def is_affected(version: str, *ranges: str, language: Ordering = NUGET, versions: Iterable[str] = ()) -> bool:
    return bool(about(advisory("GHSA-0000", *ranges, versions=versions), version=version, language=language).affecting)


# --- ranges ---------------------------------------------------------------------------------------------------------------------

TWO = "introduced 0, fixed 1.0, introduced 2.0, fixed 2.5"


@pytest.mark.parametrize(
    ("version", "events", "expected"),
    [
        ("0.0.1-alpha", "introduced 0", True),
        ("99.0", "introduced 0", True),
        ("0.9", "introduced 1.0", False),
        ("1.0", "introduced 1.0", True),
        ("1.0-beta", "introduced 0, fixed 1.0", True),
        ("1.0", "introduced 0, fixed 1.0", False),
        ("1.0", "introduced 0, last_affected 1.0", True),
        ("1.0.1", "introduced 0, last_affected 1.0", False),
        ("1.0", "introduced 1.0, last_affected 1.0", True),
        ("1.1", "introduced 1.0, last_affected 1.0", False),
        ("1.1", "last_affected 1.0, introduced 1.0", False),
        ("1.5", "introduced 0, fixed 1.0, introduced 1.0, fixed 2.0", True),
        ("1.0", "introduced 1.0, fixed 1.0", False),
        ("0.5", TWO, True),
        ("1.5", TWO, False),
        ("2.0", TWO, True),
        ("2.5", TWO, False),
        ("2.2", "fixed 2.5, introduced 2.0, fixed 1.0, introduced 0", True),
        ("1.5", "fixed 2.5, introduced 2.0, fixed 1.0, introduced 0", False),
        ("3.0", "introduced 0, limit 2.0", False),
        ("1.9", "introduced 0, limit 2.0", True),
        ("2.0", "introduced 0, limit 2.0", False),
        ("3.0", "introduced 0, limit 2.0, limit *", True),
        ("3.0", "introduced 0, limit 2.0, limit 4.0", True),
        ("0", "introduced 0, fixed 0", False),
    ],
)
def test_events_are_evaluated_in_order_of_version(version, events, expected):
    assert is_affected(version, events) is expected


def test_one_of_several_ranges_is_enough():
    assert is_affected("2.1", "introduced 0, fixed 1.0", "introduced 2.0, fixed 2.5")
    assert not is_affected("1.1", "introduced 0, fixed 1.0", "introduced 2.0, fixed 2.5")


@pytest.mark.parametrize(
    ("language", "version", "versions", "expected"),
    [
        (NUGET, "1.0.0", ["1.0"], True),
        (NUGET, "1.0.0", ["1.0.0.0"], True),
        (NUGET, "1.0.0", ["1.0.1", "no version"], False),
        (PYPI, "1.0", ["1.0.0"], True),
        (PYPI, "1.0rc1", ["1.0-c1"], True),
        (PYPI, "1.0+local", ["1.0"], False),
        (NPM, "1.0.0", ["v1.0.0"], True),
        (NPM, "1.0.0-beta1", ["1.0.0"], False),
    ],
)
def test_a_list_of_versions_is_compared_after_normalisation(language, version, versions, expected):
    assert is_affected(version, language=language, versions=versions) is expected


def test_a_list_counts_beside_ranges():
    assert is_affected("3.0", "introduced 0, fixed 1.0", versions=["3.0"])
    assert is_affected("0.5", "introduced 0, fixed 1.0", versions=["3.0"])
    assert not is_affected("2.0", "introduced 0, fixed 1.0", versions=["3.0"])


@pytest.mark.parametrize("events", ["introduced 0, fixed 1.0_final", "introduced ?", "introduced 0, limit later"])
def test_a_range_that_no_parser_accepts_affects_and_says_so(events):
    (found,) = about(advisory("GHSA-0000", events), version="3.0").affecting
    unread = events.rpartition(" ")[2]
    assert found.unread == f"GHSA-0000: {unread!r} in its range is no version here"
    assert about(advisory("GHSA-0000", events), version="3.0").fixes == ()


def test_what_a_readable_range_says_needs_no_guess_about_another_one():
    flaw = advisory("GHSA-0000", "introduced 0, fixed 4.0", "introduced x")
    told = {version: about(flaw, version=version).affecting[0] for version in ("3.0", "4.0")}
    assert [(one.fixed, bool(one.unread)) for one in told.values()] == [(("4.0",), False), ((), True)]


def test_short_versions_are_read_where_the_ecosystem_wants_three_numbers():
    assert is_affected("0.9.0", "introduced 0, fixed 1", language=NPM)
    assert not is_affected("1.0.0", "introduced 0, fixed 1", language=NPM)
    assert is_affected("1.2.0-a", "introduced 0, fixed 1.2", language=NPM)
    assert not is_affected("1.2.0-b", "introduced 0, fixed 1.2-a", language=NPM)


@given(st.permutations(["introduced 0", "fixed 1.0", "introduced 2.0", "last_affected 2.5", "introduced 4.0"]), st.sampled_from("01234"))
def test_the_order_in_the_record_does_not_matter(events, major):
    expected = {"0": True, "1": False, "2": True, "3": False, "4": True}[major]
    assert is_affected(f"{major}.1", ", ".join(events)) is expected


# --- several records --------------------------------------------------------------------------------------------------------------


def test_nothing_is_known_of_a_package_without_advisories():
    assert about(version="1.0") == Matched(snapshot=SNAPSHOT, affecting=(), fixes=())


def test_records_that_name_each_other_are_one_flaw_with_the_worst_severity_and_every_id():
    records = [
        advisory("PYSEC-2026-1", "introduced 0, fixed 1.4", aliases=["CVE-2026-0001"], severity=None),
        advisory("GHSA-0000", "introduced 0, fixed 1.5", aliases=["CVE-2026-0001", "SNYK-7"], severity="low", summary="A flaw"),
        advisory("SNYK-7", "introduced 3.0", severity="critical"),
        advisory("GHSA-1111", "introduced 0, fixed 2.0", severity="medium"),
    ]
    for order in (records, records[::-1]):
        first, second = about(*order, version="1.0").affecting
        assert first.ids == ("GHSA-0000", "CVE-2026-0001", "PYSEC-2026-1", "SNYK-7")
        assert (first.severity, first.summary, first.fixed) == ("critical", "A flaw", ("1.4", "1.5")[1:])
        assert (second.ids, second.severity) == (("GHSA-1111",), "medium")


def test_records_are_joined_over_others_and_whatever_the_case():
    chain = [
        advisory("A-1", "introduced 0", aliases=["b-2"]),
        advisory("C-3", "introduced 0", aliases=["d-4"]),
        advisory("E-5", "introduced 0"),
    ]
    assert len(about(*chain, version="1").affecting) == 3
    (found,) = about(*chain, advisory("B-2", "introduced 9", aliases=["C-3", "E-5"]), version="1").affecting
    assert {"A-1", "B-2", "C-3", "E-5"} <= set(found.ids)


def test_of_two_known_ids_the_one_with_a_record_comes_first():
    (found,) = about(advisory("GHSA-9999", "introduced 0", aliases=["GHSA-0000", "CVE-2026-1"]), version="1").affecting
    assert found.ids == ("GHSA-9999", "GHSA-0000", "CVE-2026-1")


def test_what_fixes_it_is_above_the_version_ascending_and_not_affected_by_another_record():
    flaw = advisory(
        "GHSA-0000", "introduced 0, fixed 1.5", "introduced 2.0, fixed 2.10", "introduced 3.0-a, fixed 3.0-rc.1", aliases=["CVE-1"]
    )
    assert [about(flaw, version=v).affecting[0].fixed for v in ("1.0", "2.9")] == [("1.5", "2.10", "3.0-rc.1"), ("2.10", "3.0-rc.1")]
    vendor = advisory("CVE-1", "introduced 0, fixed 2.10")
    (found,) = about(flaw, vendor, version="1.0").affecting
    assert (found.fixed, found.fixed_stable) == (("2.10", "3.0-rc.1"), "2.10")


def test_what_a_version_fixes_is_told_with_all_ids():
    flaw = advisory("GHSA-0000", "introduced 1.0, fixed 1.5", aliases=["CVE-1"])
    told = {version: about(flaw, version=version).fixes for version in ("0.9", "1.4", "1.5", "1.6")}
    assert told == {"0.9": (), "1.4": (), "1.5": ("GHSA-0000", "CVE-1"), "1.6": ("GHSA-0000", "CVE-1")}


@pytest.mark.parametrize(
    "events", ["introduced 1.0, last_affected 1.4", "introduced 2.0, fixed 2.5", "fixed 1.0, introduced 2.0, fixed 3.0"]
)
def test_a_version_fixes_nothing_that_did_not_begin_or_was_not_ended(events):
    assert about(advisory("GHSA-0000", events), version="1.6").fixes == ()


def test_the_worst_comes_first():
    known: list[tuple[str, Severity | None]] = [("GHSA-1", "low"), ("GHSA-2", None), ("GHSA-3", "critical"), ("GHSA-4", "medium")]
    records = [advisory(id_, "introduced 0", severity=severity) for id_, severity in known]
    found = about(*records, advisory("MAL-2026-1", "introduced 0"), version="1").affecting
    assert [one.ids[0] for one in found] == ["MAL-2026-1", "GHSA-3", "GHSA-2", "GHSA-4", "GHSA-1"]


# --- the traps, as small records ------------------------------------------------------------------------------------------------


def said(ecosystem: str, name: str, version: str, *records: dict[str, Any]) -> Matched:
    """What records in OSV's own format say of a version of a package."""
    language = ECOSYSTEMS[ecosystem]
    naming = Naming(osv=language.osv_ecosystem, normalize_name=language.normalize_name)
    key = language.normalize_name(name)
    found = [read_record(json.dumps(one).encode(), naming).advisories.get(key) for one in records]
    return matched(SNAPSHOT, [one for one in found if one is not None], language.parse_version(version), language)


def test_two_revisions_of_one_advisory_give_different_severities():
    flaw = affected("Some.Json", {"introduced": "0"}, {"fixed": "13.0.1"})
    older = record("GHSA-0000-json", flaw, word="LOW")
    newer = record("GHSA-0000-json", flaw, word="HIGH", aliases=["CVE-2024-0000"])
    (before,), (after,) = (said("nuget", "Some.Json", "12.0.3", one).affecting for one in (older, newer))
    assert (before.severity, before.ids) == ("low", ("GHSA-0000-json",))
    assert (after.severity, after.ids, after.fixed) == ("high", ("GHSA-0000-json", "CVE-2024-0000"), ("13.0.1",))


def test_without_a_fixed_version_the_last_one_known_is_told():
    flaw = affected("Castle", {"introduced": "0"}, database_specific={"last_known_affected_version_range": "<= 1.8.9"})
    (found,) = said("nuget", "Castle", "99.0", record("GHSA-0000-last", flaw)).affecting
    assert (found.fixed, found.last_known) == ((), "<= 1.8.9")


def test_a_fix_in_a_prerelease_is_told_as_one():
    flaw = record("GHSA-0000-rest", affected("Rest", {"introduced": "0"}, {"fixed": "106.11.8-alpha.0.13"}))
    (found,) = said("nuget", "Rest", "106.11.4", flaw).affecting
    assert (found.fixed, found.fixed_stable) == (("106.11.8-alpha.0.13",), "")
    assert said("nuget", "Rest", "106.11.8-alpha.0.13", flaw).fixes == ("GHSA-0000-rest",)
    assert said("nuget", "Rest", "106.11.8-alpha.0.12", flaw).affecting


def test_last_affected_is_inside():
    flaw = record("GHSA-0000-boot", affected("boot", {"introduced": "3.0.0"}, {"last_affected": "3.4.1"}, ecosystem="npm"))
    assert [bool(said("npm", "boot", version, flaw).affecting) for version in ("3.4.1", "3.4.2")] == [True, False]


def test_what_the_range_says_counts_and_not_the_note_beside_it():
    note = {"last_known_affected_version_range": "< 2.32.0"}
    flaw = record("GHSA-0000-req", affected("req", {"introduced": "0"}, {"fixed": "2.32.2"}, ecosystem="PyPI", database_specific=note))
    assert [bool(said("pypi", "req", version, flaw).affecting) for version in ("2.32.0", "2.32.1", "2.32.2")] == [True, True, False]


def test_where_two_databases_disagree_about_prereleases_one_of_them_is_enough():
    github = record("GHSA-0000-pack", affected("Pack", {"introduced": "8.0.0-preview.1"}, {"fixed": "8.0.1"}), aliases=["CVE-2024-9999"])
    vendor = record("CVE-2024-9999", affected("Pack", {"introduced": "8.0.0"}, {"fixed": "8.0.1"}))
    for version in ("8.0.0-preview.3", "8.0.0"):
        (found,) = said("nuget", "Pack", version, github, vendor).affecting
        assert (found.ids, found.fixed) == (("GHSA-0000-pack", "CVE-2024-9999"), ("8.0.1",))
    assert said("nuget", "Pack", "8.0.1", github, vendor).fixes == ("GHSA-0000-pack", "CVE-2024-9999")


def test_an_advisory_in_another_case_is_about_the_package():
    flaw = record("GHSA-0000-jq", affected("jquery", {"introduced": "1.2.0"}, {"fixed": "3.5.0"}))
    assert said("nuget", "jQuery", "3.4.1", flaw).affecting
    assert not said("npm", "jQuery", "3.4.1", record("GHSA-0000-jq", affected("jquery", {"introduced": "0"}, ecosystem="npm"))).affecting


def test_malware_under_a_name_that_only_looks_alike_does_not_accuse_the_package():
    malware = record("MAL-2024-0000", affected("Anotar.Sеrilоg.Fody", versions=["6.0.0"]))  # noqa: RUF001 - Cyrillic letters
    assert said("nuget", "Anotar.Serilog.Fody", "6.0.0", malware).affecting == ()
    plain = record("MAL-2024-0000", affected("Anotar.Serilog.Fody", versions=["6.0.0"]))
    (found,) = said("nuget", "Anotar.Serilog.Fody", "6.0", plain).affecting
    assert (found.malware, found.severity) == (True, None)
    assert said("nuget", "Anotar.Serilog.Fody", "6.0.1", plain).affecting == ()


# --- published rows and real records ----------------------------------------------------------------------------------------------


class Semantic:
    """Versions as the published rows write them: numbers, then a label; the empty one is before all others."""

    def parse_version(self, text: str, /) -> Version:
        match = re.fullmatch(r"v?([0-9]+(?:\.[0-9]+)*)-?(.*)", text) if text else None
        if text and match is None:
            raise ValueError(text)
        numbers = tuple(map(int, match[1].split("."))) if match else (-1,)
        order = ((*numbers, 0, 0, 0, 0)[:4], not (match and match[2]), match[2] if match else "")
        return Version(key=VersionKey(str(order)), text=text, prerelease=False, order=order)


@cache
def published() -> list[dict[str, Any]]:
    path = DATA / "conformance" / "osv-is-affected.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text())["cases"] if path.is_file() else []
    return rows


def told_by(row: dict[str, Any], language: Ordering) -> bool:
    ecosystem = ECOSYSTEMS[row["package"]["ecosystem"].lower()]
    naming = Naming(osv=row["package"]["ecosystem"], normalize_name=ecosystem.normalize_name)
    read = read_record(json.dumps({"id": "X-1", "affected": row["affected"]}).encode(), naming)
    found = [one for key, one in read.advisories.items() if key == row["package"]["name"]]
    return bool(matched(SNAPSHOT, found, language.parse_version(row["version"]), language).affecting)


@needs_shared
def test_every_published_row_is_agreed_with():
    assert len(published()) == 83
    assert [row for row in published() if told_by(row, Semantic()) is not row["expect_affected"]] == []


@needs_shared
def test_every_published_row_with_a_version_that_npm_can_have_is_agreed_with_in_its_own_order():
    disagreed, impossible = [], set()
    for row in published():
        try:
            disagreed += [row] if told_by(row, NPM) is not row["expect_affected"] else []
        except ValueError:
            impossible.add(row["version"])
    assert disagreed == []
    assert impossible == {"", "2.0.0rc2", "0.0.0.1"}, "none of them is a version of npm, so nobody can publish or approve one"


REAL = [
    ("nuget", "Newtonsoft.Json", "12.0.3", "GHSA-5crp-9r3c-p9vr", ("13.0.1",)),
    ("nuget", "System.IO.Packaging", "6.0.0", "GHSA-f32c-w444-8ppv", ("6.0.1", "8.0.1", "9.0.0-rc.2.24473.5")),
    ("nuget", "RestSharp", "106.11.4", "GHSA-9pq7-rcxv-47vq", ("106.11.8-alpha.0.13",)),
    ("nuget", "bootstrap", "3.4.1", "GHSA-9mvj-f7w8-pvh2", ()),
    ("nuget", "jQuery", "3.4.1", "GHSA-gxr4-xjj5-5px2", ("3.5.0",)),
    ("nuget", "BouncyCastle", "1.8.9", "GHSA-8xfc-gm6g-vgpv", ()),
    ("pypi", "requests", "2.32.0", "GHSA-9wx4-h78v-vm56", ("2.32.2",)),
]


@cache
def real(ecosystem: str) -> tuple[dict[str, Any], ...]:
    paths = sorted((DATA / "osv" / ECOSYSTEMS[ecosystem].osv_ecosystem).glob("*.json"))
    return tuple(json.loads(path.read_text()) for path in paths)


@needs_shared
@pytest.mark.parametrize(("ecosystem", "name", "version", "id_", "fixed"), REAL)
def test_real_packages_have_the_flaws_that_they_have(ecosystem, name, version, id_, fixed):
    found = {one.ids[0]: one for one in said(ecosystem, name, version, *real(ecosystem)).affecting}
    assert found[id_].fixed == fixed
    for text in fixed:
        assert id_ in said(ecosystem, name, text, *real(ecosystem)).fixes


@needs_shared
def test_the_revisions_of_the_real_advisory_differ():
    older = json.loads((DATA / "osv/_revisions/GHSA-5crp-9r3c-p9vr@2022-07-12.json").read_text())
    newer = json.loads((DATA / "osv/NuGet/GHSA-5crp-9r3c-p9vr.json").read_text())
    told = [said("nuget", "Newtonsoft.Json", "12.0.3", one).affecting[0].severity for one in (older, newer)]
    assert told == ["low", "high"]


def test_the_digest_of_the_snapshot_is_kept_with_what_it_says():
    other = replace(SNAPSHOT, digest=Sha256("1" * 64))
    assert matched(other, [], NUGET.parse_version("1.0"), NUGET).snapshot == other
