"""Versions and ranges: own small tables always, NuGet's own ones where they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.nuget.versions import contains, display_version, normalize_range, parse_version
from tests.ecosystems.nuget.shared import needs_shared, rows

ASCENDING = (
    "0.0.0-0", "0.0.0", "0.1", "1.0.0--5", "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-10000000000", "1.0.0-9999999999", "1.0.0-alpha", "1.0.0-ALPHA.1",
    "1.0.0-alpha.1.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0", "1.0.0.1-a", "1.0.0.1", "1.0.1", "1.2-preview", "1.2", "1.10",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1.0", "1.0.0"),
        ("1", "1.0.0"),
        ("1.17.0.0", "1.17.0"),
        ("1.17.0.1", "1.17.0.1"),
        ("01.02", "1.2.0"),
        ("1.0.0-Beta.01", "1.0.0-beta.01"),
        ("1.0.0+git.ABC", "1.0.0"),
        ("1.0-RC-2+x", "1.0.0-rc-2"),
        (" 19 . 19 ", "19.19.0"),
        ("2147483647.1", "2147483647.1.0"),
    ],
)
def test_keys_are_normalised(text: str, key: str) -> None:
    assert parse_version(text).key == key
    assert parse_version(key).key == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "v1.0",
        "1.",
        "1..2",
        "1.2.3.4.5",
        "1beta",
        "1.2147483648",
        "1. .1",
        "1 9",
        "-1",
        "1.0-",
        "1.0-a..b",
        "1.0+",
        "1.0-ä",
        "\u0661.\u0660",
        "1.0-a_b",
        "1" * 300,
        "NotAVersion",
    ],
)
def test_what_nuget_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no NuGet version"):
        parse_version(text)


def test_versions_are_in_nugets_order() -> None:
    versions = [parse_version(text) for text in reversed(ASCENDING)]
    assert [version.text for version in sorted(versions)] == list(ASCENDING)


@pytest.mark.parametrize(("left", "right"), [("1.0", "1.0.0.0+beta"), ("1.0.0-BETA", "1.0.0-beta"), ("1.23.01", "1.23.1")])
def test_equal_versions_have_equal_keys_and_hashes(left: str, right: str) -> None:
    assert parse_version(left) == parse_version(right)
    assert hash(parse_version(left)) == hash(parse_version(right))
    assert not parse_version(left) < parse_version(right)


def test_text_and_prerelease_are_kept() -> None:
    assert parse_version(" 1 .0-Beta+X ").text == "1.0-Beta+X"
    assert parse_version("1.0-Beta").prerelease
    assert not parse_version("1.0+Beta").prerelease


def test_the_displayed_version_keeps_case_and_metadata() -> None:
    assert display_version("1.0-Beta.1+Git") == "1.0.0-Beta.1+Git"
    assert display_version("01.2.3.0") == "1.2.3"


@pytest.mark.parametrize(
    ("text", "version", "inside"),
    [
        ("", "0.1", True),
        (" ", "0.1", True),
        ("(, )", "1.0-a", True),
        ("[,]", "1.0", True),
        ("1.0", "1.0", True),
        ("1.0", "9.0", True),
        ("1.0", "1.0-a", False),
        ("[1.0]", "1.0.0.0+x", True),
        ("[1.0]", "1.0.1", False),
        ("[1.0-1]", "1.0-01", True),
        ("(1.0,)", "1.0", False),
        ("(1.0,)", "1.0.0.1", True),
        ("(,1.0]", "1.0", True),
        ("(,1.0)", "1.0", False),
        ("(,1.0)", "1.0-rc", True),
        ("[1.0,2.0)", "2.0", False),
        ("[1.0,2.0)", "2.0-a", True),
        ("[1.0, 2.0]", "2.0", True),
        ("(1.0, 1.0)", "1.0", False),
        ("*", "0.0.0", True),
        ("*-*", "0.0.0-0", True),
        ("1.*", "2.0", True),
        ("1.*", "0.9", False),
        ("1.0.0-beta*", "1.0.0-beta", True),
        ("1.0.0-beta.*", "1.0.0-beta", False),
        ("[1.0.*, 2.0)", "1.5", True),
    ],
)
def test_ranges_admit(text: str, version: str, inside: bool) -> None:  # noqa: FBT001 - the expected answer of a table row
    assert contains(text, parse_version(version)) is inside


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "[]",
        "()",
        "(1.0)",
        "[1.0)",
        "[1.0",
        "1.0]",
        "[1,2,3]",
        "[2.0,1.0]",
        "(1.0,1.0]",
        "[1.0,1.0)",
        "[*]",
        "(,2.*]",
        "1.*.0",
        "1.0.*-*a",
        "1.0.*-beta",
        "1.0+*",
        "~1.0",
        ">=1.0",
        ",",
        "-",
        "1.0.0-..*",
        "[1.0 2.0]",
    ],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no NuGet version range"):
        contains(text, parse_version("1.0"))


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("1.0", "[1.0.0, )"),
        ("[1.0]", "[1.0.0]"),
        ("[1.0,1.0]", "[1.0.0]"),
        ("[1,2.0-Beta+x)", "[1.0.0, 2.0.0-Beta)"),
        ("(1,2]", "(1.0.0, 2.0.0]"),
        ("(,1.0]", "(, 1.0.0]"),
        ("[ , ]", "(, )"),
        ("1.*", "[1.*, )"),
        ("[1.0.0-a*,2)", "[1.0.0-a*, 2.0.0)"),
    ],
)
def test_ranges_are_normalised_once(text: str, normalised: str) -> None:
    assert normalize_range(text) == normalised
    assert normalize_range(normalised) == normalised


numbers = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
labels = st.lists(st.sampled_from(["0", "1", "01", "10", "a", "A", "b", "-", "-1", "a-b"]), max_size=3).map(".".join)
versions = st.builds(lambda core, pre: f"{core}-{pre}" if pre else core, numbers, labels).map(parse_version)


@given(versions, versions, versions)
def test_order_is_total_and_agrees_with_equality(one, two, three) -> None:
    assert (one < two) + (two < one) + (one == two) == 1
    assert not (one < two < three) or one < three


@given(versions, versions)
def test_an_interval_admits_its_closed_end_and_not_its_open_one(one, two) -> None:
    low, high = sorted([one, two])
    assert contains(f"[{low.key}]", low)
    assert contains(f"[{low.key}, {high.key}]", low)
    assert contains(f"[{low.key}, {high.key}]", high)
    assert not contains(f"({low.key}, )", low)
    assert not contains(f"(, {high.key})", high)


@given(st.text())
def test_any_text_is_a_version_or_a_value_error(text: str) -> None:
    for parse in (parse_version, normalize_range, lambda some: contains(some, parse_version("1"))):
        try:
            parse(text)
        except ValueError:
            continue


@needs_shared
def test_nugets_valid_versions_are_parsed() -> None:
    for row in rows(
        "NuGetVersionParseStrict ParseIgnoresLeadingAndTrailingWhitespace TryParseHandlesValidVersionPatterns VersionLength FullVersionParsing NuGetVersionKeepsOriginalVersionString ParseReadsLegacyStyleVersionNumbers SemVerVersionReleaseLabelValidZeros SemVerVersionMetadataValidChars"
    ):
        assert parse_version(row[0]).text == row[0].replace(" ", "")
    for text, *four in rows("TryParseHandlesValidVersionPatterns"):
        assert parse_version(text) == parse_version(".".join(map(str, four)))


@needs_shared
def test_nugets_invalid_versions_are_refused() -> None:
    for (text,) in rows(
        "ParseThrowsIfStringIsNotAValidSemVer SemVerVersionInvalidReleaseId SemVerVersionInvalidReleaseLabelChars SemVerVersionMetadataInvalidChars SemVerVersionMetadataNonEmptyParts SemVerVersionNegativeNumbers"
    ):
        with pytest.raises(ValueError, match="is no NuGet version"):
            parse_version(text)


@needs_shared
def test_nugets_order_is_ours() -> None:
    for low, high in rows(
        "SemVerLessThanAndGreaterThanOperatorsWorks VersionComparisonDefaultLess SemVerSortVersion SemVerSortRelease SemVerSortReleaseLabelCount"
    ):
        assert parse_version(low) < parse_version(high), (low, high)
        assert parse_version(low) != parse_version(high)
    for one, two in rows(
        "SemVerEqualsOperatorWorks VersionComparisonDefaultEqual VersionComparisonDefaultEqualWithNuGetVersion SemVerSortIgnoreReleaseCasing"
    ):
        assert parse_version(one) == parse_version(two), (one, two)


@needs_shared
def test_nugets_normalised_forms_are_ours() -> None:
    for text, normalised in rows("NormalizedFormatTest"):
        assert parse_version(text).key == normalised.lower()
    for text, full in rows("FullStringFormatTest"):
        assert display_version(text) == full
    for prerelease, text in rows("IsPrereleaseParsing"):
        assert parse_version(text).prerelease is prerelease


@needs_shared
def test_nugets_ranges_admit_the_same() -> None:
    for text, version in rows("ParseVersionRangeSatisfies VersionRangeFloatParsing_VerifySatisfiesForFloatingRange"):
        assert contains(text, parse_version(version)), (text, version)
    for text, version in rows("ParseVersionRangeDoesNotSatisfy"):
        assert not contains(text, parse_version(version)), (text, version)
    for (text,) in rows("VersionRangeFloatParsing_Valid VersionRange_IncludePrerelease StringFormatNullProvider"):
        assert normalize_range(text)
    for text, minimum in rows("FloatRange_ParsesCorrectMinVersion VersionRangeFloatParsing_PrereleaseWithNumericOnlyLabelVerifyMinVersion"):
        assert contains(text, parse_version(minimum)), text
        assert contains(f"(,{minimum})", parse_version("0.0.0-0")) is True


@needs_shared
def test_nugets_invalid_ranges_are_refused() -> None:
    for (text,) in rows(
        "ParseVersionRangeWithBadVersionThrows Parse_Illogical_VersionRange_Throws VersionRangeFloatParsing_Invalid FloatingRange_Parse_Invalid"
    ):
        with pytest.raises(ValueError, match="is no NuGet version range"):
            normalize_range(text)


@needs_shared
def test_nugets_range_texts_are_ours() -> None:
    for text, expected in rows("ParseVersionRangeToString"):
        assert normalize_range(text) == expected
    for short, long in rows("VersionRange_MissingVersionComponents_DefaultToZero"):
        assert normalize_range(short) == normalize_range(long)
    for text, unchanged in rows("VersionRange_NormalizationRoundTripsTest"):
        assert (normalize_range(text) == text) is unchanged
