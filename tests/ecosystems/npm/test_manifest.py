from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.npm.manifest import MAX_TEXT, Manifest, read_manifest
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Dependency


def read(**fields: Any) -> Manifest:
    return read_manifest(json.dumps({"name": "foo", "version": "1.0.0", **fields}).encode())


def test_what_clients_need_is_kept_as_written():
    fields = {
        "description": "A thing.",
        "homepage": "https://foo.example",
        "repository": {"type": "git", "url": "git+https://foo.example/foo.git", "directory": "packages/foo"},
        "funding": [{"type": "individual", "url": "https://foo.example/fund"}, "https://other.example"],
        "engines": {"node": ">=18", "npm": ""},
        "os": ["linux", "!win32"],
        "cpu": "x64",
        "libc": ["glibc"],
        "bin": {"foo": "bin/foo.js"},
        "directories": {"bin": "bin"},
        "dependencies": {"a": "^1", "b": ""},
        "optionalDependencies": {"c": "1"},
        "peerDependencies": {"d": "2"},
        "peerDependenciesMeta": {"d": {"optional": True}},
        "bundleDependencies": ["a"],
        "license": "MIT",
    }
    dropped = {
        "devDependencies": {"x": "1"},
        "scripts": {"test": "x"},
        "keywords": ["x"],
        "author": "x",
        "_id": "x",
        "dist": {},
        "deprecated": "x",
    }
    assert read(**fields, **dropped).metadata == fields


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("description", "x" * 9999, "x" * MAX_TEXT),
        ("description", ["x"], None),
        ("homepage", {}, None),
        ("repository", "github:foo/foo", "github:foo/foo"),
        ("repository", {"url": 1, "x": {"y": "z"}}, None),
        ("funding", {"url": "u", "x": [1]}, {"url": "u"}),
        ("funding", [1, {}, [["x"]]], None),
        ("engines", ["node >= 0.6"], None),
        ("engines", {"node": ">=1", "x": 1}, {"node": ">=1"}),
        ("os", [1, "linux"], ["linux"]),
        ("os", {"linux": True}, None),
        ("bin", "cli.js", "cli.js"),
        ("bin", {"a": ["x"]}, None),
        ("directories", {"lib": "lib"}, None),
        ("directories", "x", None),
        ("dependencies", {"a": "1", "b": 2, "c": None}, {"a": "1"}),
        ("dependencies", [], None),
        ("dependencies", None, None),
        ("peerDependenciesMeta", {"a": {"optional": "yes"}, "b": 1}, None),
        ("bundleDependencies", True, True),
        ("bundleDependencies", False, None),
        ("bundleDependencies", {"a": "1"}, None),
        ("license", 1, None),
    ],
)
def test_only_documented_shapes_are_kept(field, value, kept):
    assert read(**{field: value}).metadata == ({} if kept is None else {field: kept})


def test_the_other_spelling_of_bundle_dependencies():
    assert read(bundledDependencies=["a"]).metadata == {"bundleDependencies": ["a"]}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"license": "(MIT OR Apache-2.0)"}, "(MIT OR Apache-2.0)"),
        ({"license": " MIT "}, "MIT"),
        ({"license": "SEE LICENSE IN LICENSE.txt"}, "SEE LICENSE IN LICENSE.txt"),
        ({"license": {"type": "ISC", "url": "https://x.example"}}, "ISC"),
        ({"license": {"url": "https://x.example"}}, "https://x.example"),
        ({"licenses": [{"type": "MIT"}, {"type": "GPL-2.0"}]}, "MIT OR GPL-2.0"),
        ({"licenses": [{"type": "MIT"}, {"type": "Apache License, Version 2.0"}, 1, {}]}, "MIT OR (Apache License, Version 2.0)"),
        ({"licenses": [{"type": "MIT"}]}, "MIT"),
        ({"license": ["MIT", "BSD"]}, "MIT OR BSD"),
        ({"licenses": "BSD"}, "BSD"),
        ({"license": "", "licenses": []}, None),
        ({"license": "  "}, None),
        ({"license": {"type": 1}}, None),
    ],
)
def test_the_license_is_what_is_declared(fields, expected):
    assert read(**fields).license == expected


def test_dependencies_say_when_they_apply():
    found = read(
        dependencies={"a": "^1", "b": "*", "in": "1", "alias": "npm:@s/real@^2", "git": "git+https://x.example/y.git", "both": "1"},
        optionalDependencies={"both": "2", "opt": "npm:real"},
        peerDependencies={"p": ">=1", "q": " 1 "},
        peerDependenciesMeta={"q": {"optional": True}},
        bundleDependencies=["in", "both"],
    )
    assert found.dependencies == (
        Dependency(name="a", range="^1"),
        Dependency(name="b", range="*"),
        Dependency(name="in", range="1", condition="bundled"),
        Dependency(name="@s/real", range="^2"),
        Dependency(name="git", range="git+https://x.example/y.git"),
        Dependency(name="both", range="2", condition="optional bundled"),
        Dependency(name="real", range="", condition="optional"),
        Dependency(name="p", range=">=1", condition="peer"),
        Dependency(name="q", range="1", condition="peer optional"),
    )


def test_all_may_be_bundled():
    found = read(dependencies={"a": "1"}, optionalDependencies={"b": "1"}, bundleDependencies=True).dependencies
    assert [one.condition for one in found] == ["bundled", "optional bundled"]


@pytest.mark.parametrize("field", ["dependencies", "optionalDependencies", "peerDependencies"])
@pytest.mark.parametrize(
    "value", [{"../x": "1"}, {"a b": "1"}, {"": "1"}, {"a": "npm:../x@1"}, {"a": "npm:.x"}, ["a"], "a", 1, {"a\u202e": "1"}]
)
def test_a_dependency_on_what_cannot_be_a_package_is_refused(field, value):
    with pytest.raises(ArchiveRefused):
        read(**{field: value})


@pytest.mark.parametrize(
    "fields",
    [
        {"bin": {"foo": "../../evil.js"}},
        {"bin": {"../../foo": "foo.js"}},
        {"bin": "lib/..\\..\\evil.js"},
        {"directories": {"bin": "../bin"}},
    ],
)  # fmt: skip
def test_a_program_outside_of_the_package_is_refused(fields):
    with pytest.raises(ArchiveRefused, match="outside of the package"):
        read(**fields)


@pytest.mark.parametrize(
    ("fields", "scripts", "gyp"),
    [
        ({}, set(), True),
        ({"scripts": {"test": "x", "prepare": "x"}}, set(), True),
        ({"scripts": {"preinstall": "x", "postinstall": "y"}}, {"preinstall", "postinstall"}, True),
        ({"scripts": {"install": "", "postinstall": 1}}, set(), True),
        ({"scripts": ["install"]}, set(), True),
        ({"gypfile": False}, set(), False),
    ],
)
def test_scripts_around_installing_are_known(fields, scripts, gyp):
    found = read(**fields)
    assert (set(found.scripts), found.gyp) == (scripts, gyp)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"name": "foo", "version": "1.0.0", "x": "\\ud800"}', b'{"name": "foo", "version": "1.0.0", "x": Infinity}',
        b'{"name": "foo", "version": "1.0.0", "x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", b'{"name": "foo", "version": "1.0.0", "x": ' + b"1" * 9999 + b"}",
        b'{"name": "foo", "version": "1.0.0", "x": 1e999}', '{"name": "foo"}'.encode("utf-16"),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(content):
    with pytest.raises(ArchiveRefused):
        read_manifest(content)


@pytest.mark.parametrize(
    "fields",
    [{"name": None}, {"name": "../x"}, {"name": ["foo"]}, {"version": None}, {"version": "1"}, {"version": 1}, {"version": "1.0.0beta"}],
)
def test_a_manifest_without_sound_name_and_version_is_refused(fields):
    with pytest.raises(ArchiveRefused, match="valid name and version"):
        read(**fields)


def test_a_byte_order_mark_is_passed_over():
    assert read_manifest(b'\xef\xbb\xbf{"name": "foo", "version": "v1.0.0"}').version.key == "1.0.0"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "optional", "bin", "type", "../x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = [
    "bin",
    "bundleDependencies",
    "dependencies",
    "directories",
    "engines",
    "funding",
    "license",
    "licenses",
    "os",
    "peerDependenciesMeta",
    "repository",
    "scripts",
]


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
def test_any_fields_are_read_or_refused_and_can_be_written_again(fields):
    try:
        found = read(**fields)
    except ArchiveRefused:
        return
    assert json.loads(json.dumps(found.metadata, allow_nan=False)) == found.metadata
