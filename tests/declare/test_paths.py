import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.declare.paths import UnsafePath, approval_path, parse_approval_path
from reconciler.model.declared import ApprovalPath
from reconciler.model.words import FeedName

PATHS = [
    ("approved-nuget", "Newtonsoft.Json", "13.0.3", "approvals/approved-nuget/Newtonsoft.Json/13.0.3.yaml"),
    ("approved-npm", "@babel/core", "7.0.0", "approvals/approved-npm/@babel/core/7.0.0.yaml"),
    ("approved-maven", "org.slf4j/slf4j-api", "2.0.0", "approvals/approved-maven/org.slf4j/slf4j-api/2.0.0.yaml"),
    ("approved-pypi", "torch", "2.1.0+cpu", "approvals/approved-pypi/torch/2.1.0+cpu.yaml"),
    ("approved-pypi", "a", "1!2.0", "approvals/approved-pypi/a/1!2.0.yaml"),
    ("approved-npm", ".hidden.", ".5.", "approvals/approved-npm/%2Ehidden%2E/%2E5%2E.yaml"),
    ("approved-npm", "...", "1", "approvals/approved-npm/%2E.%2E/1.yaml"),
    ("approved-npm", "a b%c", "1:2", "approvals/approved-npm/a%20b%25c/1%3A2.yaml"),
    ("approved-npm", "back\\slash", "1", "approvals/approved-npm/back%5Cslash/1.yaml"),
    ("approved-npm", "größe", "1", "approvals/approved-npm/gr%C3%B6%C3%9Fe/1.yaml"),
    ("approved-npm", "con", "NUL", "approvals/approved-npm/%63on/%4EUL.yaml"),
    ("approved-npm", "Aux.js", "com1.2", "approvals/approved-npm/%41ux.js/%63om1.2.yaml"),
    ("approved-npm", "Lpt9.", "1", "approvals/approved-npm/Lpt9%2E/1.yaml"),
    ("approved-npm", "console/com10", "1", "approvals/approved-npm/console/com10/1.yaml"),
    ("approved-npm", "@aux/prn", "1", "approvals/approved-npm/@aux/%70rn/1.yaml"),
]


@pytest.mark.parametrize(("feed", "package", "version", "path"), PATHS)
def test_names_and_paths(feed, package, version, path):
    assert approval_path(feed, package, version) == path
    assert parse_approval_path(path) == ApprovalPath(feed=FeedName(feed), package=package, version=version)


NAMES = st.text(min_size=1, max_size=40)


@given(feed=NAMES, package=st.lists(NAMES, min_size=1, max_size=3).map("/".join), version=NAMES)
def test_any_name_comes_back_from_its_path(feed, package, version):
    try:
        path = approval_path(feed, package, version)
    except UnsafePath:
        assume(condition=False)
    assert parse_approval_path(path) == ApprovalPath(feed=FeedName(feed), package=package, version=version)
    assert set(path) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~@+!-%/")
    assert not any(part.startswith(".") or part.endswith(".") for part in path.removesuffix(".yaml").split("/"))


PIECES = st.sampled_from(
    ["a", "A", ".", "..", "/", "%", "%2E", "%2e", "%41", "%C3%B6", "%c3", "%ff", "%00", "con", "é", "\ud800", "\\", "~", ".yaml"]
)


@given(st.lists(PIECES, max_size=9).map("".join))
def test_a_path_that_is_read_is_the_only_spelling_of_it(middle):
    path = f"approvals/feed/{middle}/1.yaml"
    try:
        parts = parse_approval_path(path)
    except ValueError:
        return
    assert approval_path(parts.feed, parts.package, parts.version) == path
    assert not {"", ".", ".."}.intersection(parts.package.split("/"))


EXPECTED_NAME = "expected a name in each part of the path (not empty, not '.' or '..')"
SHAPE = "expected approvals/<feed>/<package>/<version>.yaml"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("approvals/f/%70/1.yaml", "found 'approvals/f/%70/1.yaml', expected 'approvals/f/p/1.yaml'"),
        ("approvals/f/ö/1.yaml", "found 'approvals/f/ö/1.yaml', expected 'approvals/f/%C3%B6/1.yaml'"),
        ("approvals/f/%c3%b6/1.yaml", "found 'approvals/f/%c3%b6/1.yaml', expected 'approvals/f/%C3%B6/1.yaml'"),
        ("approvals/f/@a%2Fb/1.yaml", "found 'approvals/f/@a%2Fb/1.yaml', expected 'approvals/f/@a/b/1.yaml'"),
        ("approvals/f/con/1.yaml", "found 'approvals/f/con/1.yaml', expected 'approvals/f/%63on/1.yaml'"),
        ("approvals/f/a/nul.yaml", "found 'approvals/f/a/nul.yaml', expected 'approvals/f/a/%6Eul.yaml'"),
        ("approvals/f/.a/1.yaml", "found 'approvals/f/.a/1.yaml', expected 'approvals/f/%2Ea/1.yaml'"),
        ("approvals/f/a b/1.yaml", "found 'approvals/f/a b/1.yaml', expected 'approvals/f/a%20b/1.yaml'"),
        ("approvals/f/a/../1.yaml", f"found '..', {EXPECTED_NAME}"),
        ("approvals/f/%2E%2E/1.yaml", f"found '..', {EXPECTED_NAME}"),
        ("approvals/f/%2e%2e/1.yaml", f"found '..', {EXPECTED_NAME}"),
        ("approvals/f/a/./1.yaml", f"found '.', {EXPECTED_NAME}"),
        ("approvals/f//1.yaml", f"found '', {EXPECTED_NAME}"),
        ("approvals/f/a/.yaml", f"found '', {EXPECTED_NAME}"),
        ("approvals//a/1.yaml", f"found '', {EXPECTED_NAME}"),
        ("approvals/f/a/%.yaml", "found '%', expected two hexadecimal digits after each '%'"),
        ("approvals/f/a%2/1.yaml", "found '%2', expected two hexadecimal digits after each '%'"),
        ("approvals/f/a%zz/1.yaml", "found '%zz', expected two hexadecimal digits after each '%'"),
        ("approvals/f/%FF/1.yaml", "found '%FF', expected percent-encoded UTF-8"),
        ("approvals/f/%C0%AF/1.yaml", "found '%C0%AF', expected percent-encoded UTF-8"),
        ("approvals/f/\udcff/1.yaml", "found '\\udcff', expected percent-encoded UTF-8"),
        ("approvals/f/a/1%2F2.yaml", "found '1/2', expected a name without '/'"),
        ("approvals/f%2Fg/a/1.yaml", "found 'f/g', expected a name without '/'"),
        ("approvals/f/1.yaml", f"found 'approvals/f/1.yaml', {SHAPE}"),
        ("approvals/f/a/1.yml", f"found 'approvals/f/a/1.yml', {SHAPE}"),
        ("elsewhere/f/a/1.yaml", f"found 'elsewhere/f/a/1.yaml', {SHAPE}"),
        ("/approvals/f/a/1.yaml", f"found '/approvals/f/a/1.yaml', {SHAPE}"),
        ("approvals", f"found 'approvals', {SHAPE}"),
    ],
)
def test_every_other_spelling_is_refused(path, message):
    with pytest.raises(ValueError) as caught:
        parse_approval_path(path)
    assert str(caught.value) == message


def test_what_a_wrong_spelling_means_is_known():
    with pytest.raises(UnsafePath) as caught:
        parse_approval_path("approvals/f/A%62c/1.yaml")
    assert caught.value.meant == ApprovalPath(feed=FeedName("f"), package="Abc", version="1")


def test_a_part_has_at_most_255_bytes():
    assert approval_path("f", "a" * 255, "1" * 250)
    for package, version in (("a" * 256, "1"), ("é" * 43, "1"), ("a", "1" * 251)):
        with pytest.raises(ValueError, match=r"expected at most 255 bytes in each part of the path, percent-encoded$"):
            approval_path("f", package, version)


def test_a_half_character_is_no_name():
    with pytest.raises(ValueError) as caught:
        approval_path("f", "a\ud800", "1")
    assert str(caught.value) == "found 'a\\ud800', expected a name of Unicode characters"
