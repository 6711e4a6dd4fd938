from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version as Pep440Version

from reconciler.ecosystems.pypi import file_suffixes, layout
from reconciler.ecosystems.pypi.names import contains, normalize_name, parse_file_name, parse_version

NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,12}[A-Za-z0-9])?", fullmatch=True)
NUMBERS = st.integers(min_value=0, max_value=3).map(str)
VERSIONS = st.builds(
    lambda epoch, release, suffix, local: epoch + ".".join(release) + suffix + local,
    st.sampled_from(["", "0!", "1!"]),
    st.lists(NUMBERS, min_size=1, max_size=4),
    st.sampled_from(["", "a1", ".alpha1", "b0", "b", "rc1", "c1", ".post1", "-1", ".dev0", ".dev", "a1.dev1", "rc1.post2"]),
    st.sampled_from(["", "+local", "+LOCAL", "+local.1", "+local_01"]),
)


@given(NAMES)
def test_normalisation_is_idempotent(name):
    once = normalize_name(name)
    assert normalize_name(once) == once
    assert once == once.lower()


@pytest.mark.parametrize("name", ["", "-", "_not_legal", "a/b", "..", "h\ni", "hi\r", "naïve", "a b", "a\0", "\ud800"])
def test_what_is_no_project_name_is_refused(name):
    with pytest.raises(ValueError):
        normalize_name(name)


@given(VERSIONS, VERSIONS)
def test_versions_are_equal_exactly_where_their_keys_are(left, right):
    first, second = parse_version(left), parse_version(right)
    assert (first == second) == (Pep440Version(left) == Pep440Version(right))
    assert (first.key == second.key) == (first == second)
    assert parse_version(first.key) == first


@given(st.lists(VERSIONS, min_size=2, max_size=6))
def test_the_order_of_versions_is_total_and_that_of_pep_440(texts):
    versions = [parse_version(text) for text in texts]
    for left in versions:
        for right in versions:
            assert (left < right) + (right < left) + (left == right) == 1
    assert sorted(versions) == [parse_version(text) for text in sorted(texts, key=Pep440Version)]


@pytest.mark.parametrize(
    ("spellings", "key"),
    [
        (["1.0", "1", "1.0.0", "v1.0", " 1.0 "], "1"),
        (["1.0a1", "1.0.alpha1", "1.0-ALPHA1"], "1a1"),
        (["1.0+ubuntu.1", "1.0.0+Ubuntu-1"], "1+ubuntu.1"),
        (["0", "0.0.0"], "0"),
        (["1!2.0"], "1!2"),
    ],
)
def test_spellings_of_one_version_have_one_key(spellings, key):
    assert {parse_version(text).key for text in spellings} == {key}


def test_a_version_keeps_its_spelling():
    assert parse_version("1.0.0").text == "1.0.0"


@pytest.mark.parametrize(("text", "prerelease"), [("1.0", False), ("1.0rc1", True), ("1.0.dev0", True), ("1.0.post1", False)])
def test_prereleases_are_told_apart(text, prerelease):
    assert parse_version(text).prerelease is prerelease


@pytest.mark.parametrize("text", ["", "latest", "1.0-beta-2-x", "1..0", "2004d*", "9" * 5000, "1.0\n2.0"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(ValueError):
        parse_version(text)


@pytest.mark.parametrize(
    ("version_range", "version", "expected"),
    [
        ("", "1.0", True),
        ("", "1.0rc1", True),
        (">=1.0,<2", "1.5", True),
        (">=1.0,<2", "2.0", False),
        (">=1.0", "2.0rc1", True),
        ("[socks]>=1.0", "1.0", True),
        ("[socks]>=1.0", "0.9", False),
        ("[a,b]", "1.0", True),
        ("==1.0", "1.0+local", True),
        ("===1.0", "1.0", True),
    ],
)
def test_a_range_is_what_follows_a_name_in_a_requirement(version_range, version, expected):
    assert contains(version_range, parse_version(version)) is expected


@pytest.mark.parametrize(
    "version_range",
    ["@ https://files.example/a.whl", "1.0", "[unclosed", "[a][b]", ">=1 ; python_version>'3'", "^1.0", "~=1.2.3prev\u0131ew1"],
)
def test_what_is_no_range_is_refused(version_range):
    with pytest.raises(ValueError):
        contains(version_range, parse_version("1.0"))


@pytest.mark.parametrize(
    ("file", "name", "key"),
    [
        ("sample-1.0-py3-none-any.whl", "sample", "1"),
        ("Sample_Thing-1.0.1-1-cp311-cp311-manylinux_2_17_x86_64.whl", "sample-thing", "1.0.1"),
        ("zope.interface-5.0.tar.gz", "zope-interface", "5"),
        ("sample-1.0+local.1.zip", "sample", "1+local.1"),
    ],
)
def test_file_names_tell_project_and_version(file, name, key):
    project, version = parse_file_name(file)
    assert (project, version.key) == (name, key)


@pytest.mark.parametrize(
    "file",
    [
        "sample-1.0.tar.bz2",
        "sample-1.0-py2.7.egg",
        "sample-1.0.win32.exe",
        "sample-1.0.whl",
        "sample-1.x.tar.gz",
        "sample.tar.gz",
        "../sample-1.0.tar.gz",
        "sample-1.0-1/../../x-py3-none-any.whl",
        "sample- 1.0.tar.gz",
        "sämple-1.0.tar.gz",
        ".sample-1.0.tar.gz",
        "a" * 250 + "-1.0.tar.gz",
        "",
    ],
)
def test_other_file_names_are_refused(file):
    with pytest.raises(ValueError):
        parse_file_name(file)


def test_the_package_has_the_members_of_the_protocol():
    assert layout.format(package="sample", version="1", file="f") == "files/sample/1/f"
    assert file_suffixes == (".whl", ".tar.gz", ".zip")
