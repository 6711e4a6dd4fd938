"""Whatever is wrong with a lock file is one error with its place, soon; nothing of it is followed."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Refused
from reconciler.propose.locks import FORMATS, read_lock
from reconciler.propose.locks.interface import MAX_PINS
from reconciler.propose.locks.texts import MAX_KEY_PARTS

LONG_KEY = f"line 1: a key has more than {MAX_KEY_PARTS} parts"


def npm(**packages: object) -> str:
    return json.dumps({"lockfileVersion": 3, "packages": {key.replace("__", "node_modules/"): value for key, value in packages.items()}})


def nuget(entry: object) -> str:
    return json.dumps({"version": 1, "dependencies": {"net8.0": {"A": entry}}})


ROWS = [
    ("requirements.txt", "a==1\n-r other.txt\n", "line 2: it includes 'other.txt', which is not followed"),
    ("requirements.txt", "--requirement=other.txt\n", "line 1: it includes 'other.txt'"),
    ("requirements.txt", "a==1 --hash=sha256:abc\n", "line 1: 'abc' is no sha256 digest"),
    ("requirements.txt", "a==1\n\n<<<<<<< HEAD\n", "line 3: '<<<<<<< HEAD' is no requirement"),
    ("requirements.txt", "a; " + "(" * 3000, "line 1: 'a; "),
    ("requirements.txt", "a" * 5_000, "line 1: a requirement of more than 4,000 characters"),
    ("requirements.txt", "\\\n".join("a" * 100 for _ in range(3_000)), "line 1: more than 200,000 characters"),
    ("requirements.txt", b"a==1\n\xff\n", "it is no text in UTF-8"),
    ("requirements.txt", b"\xff\xfea", "it is no text in UTF-16"),
    ("requirements.txt", "a==1\n" * (MAX_PINS + 1), f"more than {MAX_PINS:,} entries"),
    ("pylock.toml", "", "lock-version: found None, expected '1.0'"),
    ("pylock.toml", "lock-version = '2.0'", "lock-version: found '2.0'"),
    ("pylock.toml", "lock-version = '1.0'\npackages = 3", "packages: found a number, expected a list"),
    ("pylock.toml", "lock-version = '1.0'\npackages = [3]", "packages[0]: found a number, expected a table"),
    ("pylock.toml", "lock-version = '1.0'\n[[packages]]\nversion = '1'", "packages[0].name: found nothing, expected a text"),
    (
        "pylock.toml",
        "lock-version = '1.0'\n[[packages]]\nname = 'a'\nversion = 1.0",
        "packages[0].version: found a number, expected a text",
    ),
    (
        "pylock.toml",
        "lock-version = '1.0'\n[[packages]]\nname = 'a'\nversion = '1'\nwheels = [{name = 'a', hashes = {sha256 = 'é'}}]",
        "packages[0].wheels[0]: 'é' is no sha256 digest",
    ),
    ("uv.lock", "version = true", "version: expected 1"),
    ("uv.lock", "version = 1\n[[package]]\nname = 'a'", "package[0].source: found nothing, expected a table"),
    ("uv.lock", "version = 1\n[[package]]\nname = 'a'\nsource = {sky = 'x'}", "package[0].source: found no source that is known here"),
    ("uv.lock", "version = 1\n[[package]]\nname = 'a'\nsource = {registry = 'x'}", "package[0].version: found nothing"),
    ("uv.lock", "version = \n", "it is no TOML: Invalid value (at line 1, column 11)"),
    ("uv.lock", "a = " + "[" * 100_000, "it is nested too deeply"),
    ("uv.lock", "a = " + "1" * 10_000, "it is no TOML: "),
    ("uv.lock", "a" + ".a" * 30_000 + " = 1", LONG_KEY),
    ("uv.lock", "a" + " . 'a=b'" * 30_000 + " = 1", LONG_KEY),
    ("uv.lock", "[" + '"a"\t.\t' * 15_000 + "a]\n" + "".join(f"k{n} = 1\n" for n in range(5_000)), LONG_KEY),
    ("package-lock.json", "[]", "found a list, expected a table of names"),
    ("package-lock.json", "{\n]", "line 2: it is no JSON: "),
    ("package-lock.json", "[" * 100_000, "it is nested too deeply"),
    ("package-lock.json", '{"a": ' + "1" * 5_000 + "}", "it is no JSON: "),
    ("package-lock.json", '{"lockfileVersion": 1}', "lockfileVersion: found '1': `npm install --package-lock-only --lockfile-version 3`"),
    ("package-lock.json", '{"lockfileVersion": [3]}', "lockfileVersion: found '[3]': expected 2 or 3"),
    ("package-lock.json", '{"lockfileVersion": 3}', "packages: found nothing, expected a table"),
    ("package-lock.json", npm(__a=[]), 'packages["node_modules/a"]: found a list, expected a table'),
    ("package-lock.json", npm(__a={}), 'packages["node_modules/a"].version: found nothing, expected a text'),
    ("package-lock.json", npm(__a={"version": 1}), 'packages["node_modules/a"].version: found a number, expected a text'),
    ("package-lock.json", npm(__a={"version": "1" * 500}), 'packages["node_modules/a"]: \'1111'),
    ("package-lock.json", npm(__a={"version": "1", "integrity": "md5-x"}), "packages[\"node_modules/a\"].integrity: 'md5-x' is no digest"),
    ("packages.lock.json", '{"version": 4}', "version: found '4', expected 1, 2 or 3"),
    ("packages.lock.json", nuget({"type": "Sky"}), 'dependencies["net8.0"]["A"].type: found \'Sky\', expected one of '),
    ("packages.lock.json", nuget({"type": "Direct"}), 'dependencies["net8.0"]["A"].resolved: found nothing'),
    ("packages.lock.json", nuget({"type": "Direct", "resolved": "1", "contentHash": "x"}), "\"A\"].contentHash: 'x' is no contentHash"),
    ("packages.config", "<packages>", "line 1: it is no XML"),
    ("packages.config", "<project/>", "found <project>, expected <packages>"),
    ("packages.config", "<packages><package version='1'/></packages>", "packages/package[1]: it has no id"),
    ("packages.config", "<!DOCTYPE a [<!ENTITY b 'c'>]><packages/>", "it is no XML that is read here: DTDForbidden"),
    ("packages.config", "<packages>" + "<a>" * 100_000, "line 1: it is no XML"),
]


@pytest.mark.parametrize(("format_", "text", "expected"), ROWS, ids=[f"{row[0]}-{number}" for number, row in enumerate(ROWS)])
def test_what_cannot_be_read_is_one_error_with_its_place(format_, text, expected):
    started = time.monotonic()
    with pytest.raises(Refused, match=f"^project: .*{re.escape(expected)}"):
        read_lock("project", text if isinstance(text, bytes) else text.encode(), FORMATS[format_])
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_that_is_too_large_is_not_read(format_):
    row = FORMATS[format_]
    with pytest.raises(Refused, match=rf"^project: more than {row.max_bytes:,} bytes$"):
        read_lock("project", b"\n" * (row.max_bytes + 1), row)


def test_dots_in_texts_are_no_parts_of_a_key():
    url = "https://a.b.c.example/v1.2.3.4/name-1.2.3-cp311-cp311-manylinux_2_5_x86_64.manylinux1_x86_64.manylinux2014_x86_64.whl"
    text = f"version = 1\n[[package]]\nname = 'a'\nversion = '1'\nsource = {{registry = '{url}'}}\nwheels = [{{url = '{url}', hash = 'x'}}]"
    (pin,) = read_lock("uv.lock", text.encode(), FORMATS["uv.lock"]).pins
    assert (pin.name, pin.claims) == ("a", frozenset())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["", "node_modules/a", "type", "version", "x"]), inner),
    max_leaves=12,
)


@pytest.mark.parametrize("format_", ["package-lock.json", "packages.lock.json"])
@given(version=JSON_VALUES | st.just(3), packages=JSON_VALUES)
def test_no_shape_of_json_is_a_traceback(format_, version, packages):
    data = json.dumps({"version": version, "lockfileVersion": version, "packages": packages, "dependencies": packages}).encode()
    with suppress(Refused):
        assert read_lock("project", data, FORMATS[format_]) is not None


@pytest.mark.parametrize("format_", FORMATS)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_are_a_traceback(format_, data):
    with suppress(Refused):
        assert read_lock("project", data, FORMATS[format_]) is not None
