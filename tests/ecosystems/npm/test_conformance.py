"""Our versions and ranges against the tables of node-semver's own tests, where ../shared holds them.

Left out: what needs an option that npm does not use (`includePrerelease`), versions that only loose reading takes, and the ranges that
only strict reading refuses, since npm reads ranges loosely.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.ecosystems.npm.ranges import contains
from reconciler.ecosystems.npm.versions import parse_version
from reconciler.model.words import Version
from tests.support.shared import DATA, needs_shared

pytestmark = needs_shared
LOOSE_ONLY = {"~1.2.3beta", ">01.02.03", ">=09090"}


def rows(*tables: str) -> list[list[Any]]:
    """Rows of these tables that need no option but `loose`."""
    found = json.loads((DATA / "conformance/npm-semver.json").read_text(encoding="utf-8"))["fixtures"]
    return [row for table in tables for row in found[table] if not (isinstance(row[-1], dict) and row[-1].get("includePrerelease"))]


def version(text: object) -> Version | None:
    try:
        return parse_version(text) if isinstance(text, str) else None
    except ValueError:
        return None


def both(*tables: str) -> list[tuple[str, Version]]:
    """(range, version) of rows whose version is one to a strict reader."""
    parsed = [(row[0], version(row[1])) for row in rows(*tables)]
    return [(wanted, found) for wanted, found in parsed if found is not None]


def test_versions_of_the_table_are_read():
    table = rows("valid-versions")
    assert len(table) > 15
    for text, major, minor, patch, labels, _ in table:
        found = parse_version(text)
        assert found.order[:3] == (major, minor, patch)
        assert found.prerelease is bool(labels)
        assert found.key == f"{major}.{minor}.{patch}" + (f"-{'.'.join(map(str, labels))}" if labels else "")


def test_the_first_of_each_pair_is_higher():
    table = rows("comparisons")
    assert len(table) > 10
    for higher, lower, *_ in table:
        assert parse_version(lower) < parse_version(higher), (lower, higher)
        assert not parse_version(higher) < parse_version(lower)


def test_pairs_are_equal():
    table = rows("equality")
    assert len(table) > 20
    for one, other, *_ in table:
        assert parse_version(one) == parse_version(other), (one, other)


def test_what_comes_out_of_the_table_is_a_version():
    table = [row[2] for row in rows("increments", "truncations") if row[2] is not None]
    assert len(table) > 60
    for text in table:
        assert version(text) is not None, text


def test_ranges_admit_what_the_table_includes():
    table = both("range-include")
    assert len(table) > 55
    for wanted, found in table:
        assert contains(wanted, found), (wanted, found.text)


def test_ranges_admit_nothing_that_the_table_excludes():
    table = both("range-exclude")
    assert len(table) > 35
    for wanted, found in table:
        assert not contains(wanted, found), (wanted, found.text)


def test_a_version_beyond_a_range_is_outside():
    table = both("version-gt-range", "version-lt-range")
    assert len(table) > 45
    for wanted, found in table:
        assert not contains(wanted, found), (wanted, found.text)


@pytest.mark.parametrize(
    "probe", ["0.0.0", "0.0.1", "0.1.20", "1.0.0", "1.2.3", "1.2.4", "1.3.0", "2.0.0", "2.3.4", "3.0.0", "1.2.3-beta.4", "1.2.4-a"]
)
def test_a_range_means_what_the_table_says_it_is_short_for(probe):
    table = rows("range-parse")
    assert len(table) > 50
    found = parse_version(probe)
    for wanted, meaning, *_ in table:
        if meaning is not None:
            assert contains(wanted, found) is contains(meaning, found), (wanted, meaning)


def test_what_the_table_calls_no_range_is_none():
    refused = [row[0] for row in rows("range-parse") if row[1] is None and row[0] not in LOOSE_ONLY]
    assert len(refused) >= 5
    for wanted in refused:
        with pytest.raises(ValueError):
            contains(wanted, parse_version("1.0.0"))


def test_intersections_are_those_of_the_table():
    """If a version of either side's own bounds is in both ranges, they intersect; a table row says the same."""
    for left, right, intersect in [row[:3] for row in rows("comparator-intersection", "range-intersection")]:
        probes = [parse_version(f"{major}.{minor}.{patch}") for major in range(5) for minor in range(8) for patch in range(5)]
        shared = [found.text for found in probes if contains(left or "*", found) and contains(right or "*", found)]
        assert not shared or intersect, (left, right, shared[:3])
