from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.npm.ranges import MAX_RANGE, contains, target
from reconciler.ecosystems.npm.versions import MAX_NUMBER, parse_version

NUMBERS = st.integers(0, 12)
LABELS = st.lists(st.sampled_from(["0", "1", "10", "alpha", "beta", "rc-1", "a1"]), max_size=3)
VERSIONS = st.builds(
    lambda a, b, c, labels: parse_version(f"{a}.{b}.{c}" + (f"-{'.'.join(labels)}" if labels else "")), NUMBERS, NUMBERS, NUMBERS, LABELS
)

ASCENDING = (
    "0.0.0", "0.0.1", "0.1.0", "1.0.0-0", "1.0.0-1", "1.0.0-9", "1.0.0-10", "1.0.0-A", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
    "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.9.0", "1.10.0", "2.0.0",
)  # fmt: skip
"""The example of SemVer's section 11, and more."""

INSIDE = [
    ("1.2.3", "1.2.3"), ("=1.2.3", "1.2.3"), ("v1.2.3", "1.2.3"), ("1.2.3", "1.2.3+build"), ("1.2.3+build", "1.2.3"),
    ("^1.2.3", "1.9.0"), ("^0.2.3", "0.2.9"), ("^0.0.3", "0.0.3"), ("^0", "0.9.9"), ("^0.0", "0.0.9"), ("^1.x", "1.4.0"), ("^1.2", "1.2.0"),
    ("~1.2.3", "1.2.9"), ("~1.2", "1.2.0"), ("~1", "1.9.9"), ("~>1.2.3", "1.2.4"), ("~ 1.2", "1.2.1"), ("^ 1.2 ^ 1", "1.4.2"),
    ("1.x", "1.0.0"), ("1.2.*", "1.2.7"), ("X", "7.0.0"), ("*", "7.0.0"), ("1", "1.5.0"), ("1.2", "1.2.5"),
    (">1", "2.0.0"), (">1.2", "1.3.0"), (">=1", "1.0.0"), ("<2", "1.9.9"), ("<=1", "1.9.9"), ("<=1.2", "1.2.9"), (">= 1.2.3", "1.2.3"), ("> = 1", "1.0.0"),
    (">=1.2.3 <2", "1.5.0"), ("1.2.3 - 2.3.4", "2.3.4"), ("1.2 - 2", "2.9.9"), ("* - 2", "0.0.1"), ("1 - *", "9.0.0"),
    ("1.0.0 || 2.0.0", "2.0.0"), ("||", "1.0.0"), ("1.0.0 || ", "3.0.0"),
    ("^1.2.3-beta.2", "1.2.3-beta.4"), ("^1.2.3-beta.2", "1.2.4"), (">=1.0.0-0", "1.0.0-alpha"), ("1.2.3-a || 2.0.0-a", "2.0.0-a"),
    ("~1.02.3", "1.2.4"), ("1.2.3beta", "1.2.3-beta"), ("", "1.0.0"), ("  ", "1.0.0-alpha"),
]  # fmt: skip

OUTSIDE = [
    ("1.2.3", "1.2.4"), ("^1.2.3", "2.0.0"), ("^1.2.3", "1.2.2"), ("^0.2.3", "0.3.0"), ("^0.0.3", "0.0.4"), ("^0.0", "0.1.0"), ("^1.2.3", "2.0.0-alpha"),
    ("~1.2.3", "1.3.0"), ("~1", "2.0.0"), ("1.x", "2.0.0"), ("1.2", "1.3.0"), (">1", "1.9.9"), (">1.2", "1.2.9"), ("<1", "1.0.0"), ("<=1", "2.0.0"),
    ("<1", "1.0.0-alpha"), ("<1.2", "1.2.0-alpha"), (">*", "1.0.0"), ("<x", "0.0.0"), ("1.2.3 - 2.3.4", "2.3.5"), ("1.2 - 2", "3.0.0"), ("1 - 2", "0.9.0"),
    ("*", "1.0.0-alpha"), ("||", "1.0.0-alpha"), (">=1.0.0", "1.1.0-alpha"), ("^1.2.3-beta.2", "1.2.4-beta.3"), ("^1.2.3-beta.2", "1.2.3-beta.1"),
    (">=3 <2", "2.5.0"), ("* || 2.0.0-a", "2.0.0-a"),
]  # fmt: skip

NO_RANGES = [
    "latest", "next", "blerg", "git+ssh://git@host.example/x.git", "https://feed.example/x.tgz", "file:../x", "user/repo", "user/repo#semver:^1",
    "workspace:*", "npm:other@^1", "link:x", ">", "^", "~", ">=1 latest", "1.2.3.4", "1.x.5", "x.1", "1 - 2 - 3", "^1 - 2", "- 1", "1,2", "\u0661.0.0",
    f"^{MAX_NUMBER}.0.0", "99999999999999999.0.0", f"{MAX_NUMBER + 1}.0.0", "1" * (MAX_RANGE + 1),
]  # fmt: skip


def test_versions_are_in_the_order_of_the_specification():
    parsed = [parse_version(text) for text in ASCENDING]
    assert all(left < right and not right < left for left, right in pairwise(parsed))
    assert [version.prerelease for version in parsed] == ["-" in text for text in ASCENDING]


@pytest.mark.parametrize(
    ("text", "key", "shown"),
    [
        ("1.2.3", "1.2.3", "1.2.3"),
        (" v1.2.3 ", "1.2.3", "1.2.3"),
        ("=1.2.3-RC.1", "1.2.3-RC.1", "1.2.3-RC.1"),
        ("= v1.2.3", "1.2.3", "1.2.3"),
        ("1.2.3-a+b.c", "1.2.3-a", "1.2.3-a+b.c"),
        (f"{MAX_NUMBER}.0.0", f"{MAX_NUMBER}.0.0", f"{MAX_NUMBER}.0.0"),
        ("1.0.0--1", "1.0.0--1", "1.0.0--1"),
    ],
)
def test_a_version_is_known_by_what_orders_it(text, key, shown):
    version = parse_version(text)
    assert (version.key, version.text) == (key, shown)


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.0-01", "1.0.0-", "1.0.0-a..b", "1.0.0+", "1.0.0beta", "a.b.c", "1.0.0/..", "1.0.0-ä", "1.0.0\n2", "\u0661.0.0",
     f"{MAX_NUMBER + 1}.0.0", "1" * 257, "1.0.0+" + "a" * 257, "latest"],
)  # fmt: skip
def test_what_is_no_version_is_refused(text):
    with pytest.raises(ValueError):
        parse_version(text)


@pytest.mark.parametrize(("wanted", "version"), INSIDE)
def test_a_range_admits(wanted, version):
    assert contains(wanted, parse_version(version))


@pytest.mark.parametrize(("wanted", "version"), OUTSIDE)
def test_a_range_does_not_admit(wanted, version):
    assert not contains(wanted, parse_version(version))


@pytest.mark.parametrize("text", NO_RANGES)
def test_what_is_no_range_is_refused(text):
    with pytest.raises(ValueError):
        contains(text, parse_version("1.0.0"))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("^1", ("foo", "^1")),
        ("npm:bar@^1", ("bar", "^1")),
        ("npm:@s/bar@1 - 2", ("@s/bar", "1 - 2")),
        ("npm:bar", ("bar", "")),
        (" npm:@s/bar ", ("@s/bar", "")),
        ("npm:", ("foo", "npm:")),
    ],
)
def test_an_alias_is_on_another_package(wanted, expected):
    assert target("foo", wanted) == expected


@given(VERSIONS, VERSIONS)
def test_order_is_total_and_agrees_with_equality(left, right):
    assert (left < right) + (right < left) + (left == right) == 1


@given(VERSIONS, VERSIONS)
def test_comparators_agree_with_the_order(version, bound):
    stable = parse_version("{}.{}.{}".format(*version.order[:3]))
    assert contains(f">={bound.key}", stable) is not (stable < bound)
    assert contains(f"<{bound.key}", stable) is (stable < bound)
    assert contains(f"={bound.key}", version) is (version == bound)
    assert contains(f"<{bound.key} || >{bound.key}", stable) is (stable != bound)


@given(VERSIONS)
def test_carets_and_tildes_admit_the_version_that_they_name(version):
    assert all(contains(f"{sign}{version.key}", version) for sign in ("", "^", "~", ">=", "<="))


@given(st.text(alphabet="0123456789.x*^~<>=|- vabc", max_size=30))
def test_a_range_is_understood_or_refused(text):
    try:
        assert contains(text, parse_version("1.0.0")) in {True, False}
    except ValueError as error:
        reason = str(error)
        assert reason, "a silent refusal"
