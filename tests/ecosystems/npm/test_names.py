from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.npm.names import basename, encoded, normalize_name

SEGMENTS = st.text(alphabet="abzAZ09~!*'()._-", min_size=1, max_size=12)


@pytest.mark.parametrize(
    "name",
    ["foo", "JSONStream", "foo.bar", "foo_bar", "0", "x" * 214, "crazy!name", "it's", "a~b", "@s/foo", "@S.x/Foo", "@-x/foo", "@_x/_foo", "@s/node_modules"],
)  # fmt: skip
def test_a_name_is_its_own_key(name):
    assert normalize_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "foo ", " foo", "foo bar", ".foo", "_foo", "-foo", "..", "foo/bar", "foo\\bar", "@foo", "@/foo", "@s/", "@s/.foo", "@.s/foo",
        "@s/../x", "@s/a/b", "@s/-", "s@/foo", "@s@t/foo", "node_modules", "Node_Modules", "favicon.ico", "x" * 215, "foo\n", "foo%2fbar",
        "f\u00f6\u00f6", "\u0430dobe", "foo?", "foo#", "foo:bar", "https://feed.example/foo", "foo\0",
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError):
        normalize_name(name)


def test_a_scope_is_encoded_as_npm_does():
    assert encoded(normalize_name("@s/foo")) == "@s%2ffoo"
    assert encoded(normalize_name("it's!(a)*~")) == "it's!(a)*~"
    assert (basename(normalize_name("@s/foo")), basename(normalize_name("foo"))) == ("foo", "foo")


@given(SEGMENTS | st.builds("@{}/{}".format, SEGMENTS, SEGMENTS))
def test_whatever_is_a_name_is_safe_as_a_path(name):
    try:
        key = normalize_name(name)
    except ValueError:
        return
    parts = key.split("/")
    assert len(parts) == (2 if key.startswith("@") else 1)
    assert not any(part.startswith(".") or part == "-" for part in parts)
    assert normalize_name(key) == key
