"""Our functions against the tables of pypa/packaging's own tests, where ../shared holds them."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from packaging.version import InvalidVersion
from packaging.version import Version as Pep440Version

from reconciler.ecosystems.pypi.metadata import read_metadata
from reconciler.ecosystems.pypi.names import contains, normalize_name, parse_file_name, parse_version
from reconciler.errors import ArchiveRefused

TABLES = Path(__file__).resolve().parents[3] / "../shared/data/conformance"
pytestmark = pytest.mark.skipif(not TABLES.is_dir(), reason="needs the tables of ../shared, which is not beside the repository")


def rows(table: str, test: str) -> list[Any]:
    """The rows of one test whose values are literals."""
    tests = json.loads((TABLES / f"pypi-{table}.json").read_text(encoding="utf-8"))["tests"]
    (found,) = [entry["rows"] for entry in tests if entry["test"] == test]
    return [row for row in found if not isinstance(row, dict)]


def test_versions_are_in_the_order_of_the_table():
    listed = [parse_version(text) for text in rows("version", "TestVersion.test_valid_versions")]
    assert len(listed) > 40
    assert all(left < right for left, right in pairwise(listed))
    assert len({version.key for version in listed}) == len(listed)


def test_what_the_table_calls_no_version_is_none():
    for text in rows("version", "TestVersion.test_invalid_versions"):
        with pytest.raises(ValueError):
            parse_version(text)


def test_spellings_of_the_table_have_the_key_of_their_normal_form():
    for text, normal in rows("version", "TestVersion.test_normalized_versions"):
        assert parse_version(text).key == parse_version(normal).key, text


def test_prereleases_are_those_of_the_table():
    for text, expected in rows("version", "TestVersion.test_version_is_prerelease"):
        assert parse_version(text).prerelease is expected, text


def test_keys_are_the_canonical_versions_of_the_table():
    for text, key in rows("utils", "test_canonicalize_version"):
        if is_version(text):
            assert parse_version(text).key == key


def is_version(text: str) -> bool:
    try:
        Pep440Version(text)
    except InvalidVersion:
        return False
    return True


def test_names_are_normalised_as_in_the_table():
    for name, expected in rows("utils", "test_canonicalize_name"):
        assert normalize_name(name) == expected
    for name, _ in rows("utils", "test_canonicalize_name_invalid"):
        with pytest.raises(ValueError):
            normalize_name(name)


def test_file_names_are_parsed_as_in_the_table():
    for name, *_ in rows("utils", "test_parse_sdist_filename"):
        assert parse_file_name(name)[0] == "foo"
    invalid = rows("utils", "test_parse_wheel_invalid_filename") + rows("utils", "test_parse_sdist_invalid_filename")
    for name in invalid:
        with pytest.raises(ValueError):
            parse_file_name(name)


def test_specifiers_of_the_table_are_ranges():
    for text in rows("specifiers", "TestSpecifier.test_specifiers_valid"):
        contains(text, parse_version("1.0"))
    for text in rows("specifiers", "TestSpecifier.test_specifiers_invalid"):
        with pytest.raises(ValueError):
            contains(text, parse_version("1.0"))


def test_ranges_admit_the_versions_of_the_table():
    judged = 0
    for text, prereleases, version, expected in rows("specifiers", "TestSpecifierSet.test_contains_exclusionary_bridges"):
        if prereleases is True:
            judged += 1
            assert contains(text, parse_version(version)) is expected, (text, version)
    for text, version, expected in rows("specifiers", "TestSpecifierSet.test_contains_post_release_boundary_intersection"):
        assert contains(text, parse_version(version)) is expected, (text, version)
    for version, text, expected in rows("specifiers", "TestSpecifierSet.test_comparison_ignores_local"):
        assert contains(text, parse_version(version)) is expected, (text, version)
    assert judged > 10


def test_repeated_names_and_versions_are_refused():
    for text, _ in rows("metadata", "TestMetadata.test_from_email_deduplicates_unparsed_required_fields"):
        with pytest.raises(ArchiveRefused):
            read_metadata(text.encode(), "METADATA")


def test_license_expressions_are_kept_as_declared():
    for expression, _ in rows("metadata", "TestMetadata.test_valid_license_expression"):
        text = f"Name: packaging\nVersion: 1.0\nLicense-Expression: {expression}\n"
        assert read_metadata(text.encode(), "METADATA").license == expression.strip()


@pytest.mark.parametrize(
    ("test", "header"),
    [
        ("TestMetadata.test_invalid_metadata_version", "Metadata-Version"),
        ("TestMetadata.test_invalid_description_content_type", "Description-Content-Type"),
        ("TestMetadata.test_disallowed_dynamic", "Dynamic"),
        ("TestMetadata.test_invalid_license_expression", "License-Expression"),
    ],
)
def test_invalid_optional_fields_of_the_table_refuse_nothing(test, header):
    for value in rows("metadata", test):
        assert read_metadata(f"Name: packaging\nVersion: 1.0\n{header}: {value}\n".encode(), "METADATA").key == "packaging"
