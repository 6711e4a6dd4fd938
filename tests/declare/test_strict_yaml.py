import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.declare.strict_yaml import MAX_BYTES, parse, read
from reconciler.errors import DeclarationInvalid

ROOT = Path(__file__).resolve().parents[2]
HIDDEN = "expected only characters that a reader sees (no control characters, no bidirectional controls)"


def told(data):
    with pytest.raises(DeclarationInvalid) as caught:
        parse("f.yaml", data if isinstance(data, bytes) else data.encode())
    return str(caught.value).split("\n")


def test_every_scalar_is_text():
    text = "version: 1.10\nname: no\non: 0x10\ndate: 2027-11-22\nquoted: 'null'\nempty: \"\"\nlist: [1, yes, 1e3, 0o7]\n"
    assert parse("f.yaml", text.encode()).value == {
        "version": "1.10",
        "name": "no",
        "on": "0x10",
        "date": "2027-11-22",
        "quoted": "null",
        "empty": "",
        "list": ["1", "yes", "1e3", "0o7"],
    }


def test_lines_are_those_of_values_and_of_the_keys_of_collections():
    parsed = parse("f.yaml", b"a:\n  b: |\n    x\n  c:\n    - d\n    - {e: f,\n       g: h}\n")
    assert parsed.lines == {
        (): 1,
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 4,
        ("a", "c", 0): 5,
        ("a", "c", 1): 6,
        ("a", "c", 1, "e"): 6,
        ("a", "c", 1, "g"): 7,
    }
    assert parsed.key_lines[("a", "c", 1, "g")] == 7


def test_spans_count_characters_and_end_with_the_last_value():
    text = "é: [ü, 😀]  # end\nk:\n- v\n\n# later\n"
    spans = parse("f.yaml", text.encode()).spans
    assert {place: text[span.start : span.end] for place, span in spans.items()} == {
        (): "é: [ü, 😀]  # end\nk:\n- v",
        ("é",): "[ü, 😀]",
        ("é", 0): "ü",
        ("é", 1): "😀",
        ("k",): "- v",
        ("k", 0): "v",
    }


def test_a_byte_order_mark_and_windows_line_ends_are_read():
    assert parse("f.yaml", "\ufeffa: b\r\nc: d\r\n".encode()).value == {"a": "b", "c": "d"}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["f.yaml:1: found an empty file, expected a mapping"]),
        ("# nothing\n", ["f.yaml:1: found an empty file, expected a mapping"]),
        ("---\n", ["f.yaml:1: found an empty file, expected a mapping"]),
        ("a: 1\nb: 2\na: 3\n", ["f.yaml:3: a: found the key a second time (first in line 1), expected each key once"]),
        (
            "x: [{a: 1, a: {b: c, d: e}, f: g}]\n",
            ["f.yaml:1: x[0].a: found the key a second time (first in line 1), expected each key once"],
        ),
        ("a: &x 1\n", ["f.yaml:1: a: found an anchor ('&x'), expected the value alone"]),
        ("a: &x [1]\n", ["f.yaml:1: a: found an anchor ('&x'), expected the value alone"]),
        ("a: *x\n", ["f.yaml:1: a: found an alias ('*x'), expected the value written out"]),
        ("*x\n", ["f.yaml:1: found an alias ('*x'), expected the value written out"]),
        ("{*x : 1, b: [*y]}\n", ["f.yaml:1: found an alias ('*x'), expected the value written out", "f.yaml:1: b[0]: found an alias ('*y'), expected the value written out"]),
        ("a:\n  <<: {b: c}\n", ["f.yaml:2: a['<<']: found a merge key, expected every key written out"]),
        ("a: !!python/object/apply:os.system [id]\n", ["f.yaml:1: a: found a tag ('tag:yaml.org,2002:python/object/apply:os.system'), expected the value alone"]),
        ("a: !x y\n", ["f.yaml:1: a: found a tag ('!x'), expected the value alone"]),
        ("!!map {a: b}\n", ["f.yaml:1: found a tag ('tag:yaml.org,2002:map'), expected the value alone"]),
        ("? [a]\n: b\nc: d\n", ["f.yaml:1: found a key that is no text, expected a text as key"]),
        ("? {a: {x: y}}\n: b\n", ["f.yaml:1: found a key that is no text, expected a text as key"]),
        ("a: b\n---\nc: d\n", ["f.yaml:2: found a second document ('---'), expected one document a file"]),
        ("%YAML 1.1\n---\na: b\n", ["f.yaml:1: found a directive (%YAML or %TAG), expected none"]),
        ("%TAG ! tag:x,2000:\n---\na: b\n", ["f.yaml:1: found a directive (%YAML or %TAG), expected none"]),
        ("a:\nb: c\n", ["f.yaml:1: a: found nothing (empty value), expected a value, or the key left out"]),
        ("a: ~\n", ['f.yaml:1: a: found nothing (~), expected a value, or the key left out; as a text it is written "~"']),
        ("a: [null]\n", ['f.yaml:1: a[0]: found nothing (null), expected a value, or the key left out; as a text it is written "null"']),
        ("null: a\n", ['f.yaml:1: found nothing (null), expected a value, or the key left out; as a text it is written "null"']),
        ("a: b: c\n", ["f.yaml:1: found broken YAML (mapping values are not allowed in this context), expected well-formed YAML"]),
        ("a: [b\n", ["f.yaml:2: found broken YAML (did not find expected ',' or ']' while parsing a flow sequence), expected well-formed YAML"]),
        ("a: 1\n\tb: 2\n", ["f.yaml:2: found broken YAML (found a tab character that violates indentation while scanning a plain scalar), expected well-formed YAML"]),
        ("a: \x1b[31m\nb: \x00\n", [f"f.yaml:1: found the hidden character U+001B, {HIDDEN}", f"f.yaml:2: found the hidden character U+0000, {HIDDEN}"]),
        ("a: b\u202ec\n", [f"f.yaml:1: found the hidden character U+202E, {HIDDEN}"]),
        ("a: b\rc: d\n", [f"f.yaml:1: found the hidden character U+000D, {HIDDEN}"]),
        ("a: b\u2028c: d\n", [f"f.yaml:1: found the hidden character U+2028, {HIDDEN}"]),
        ('a: "\\e[31m"\n', [f"f.yaml:1: a: found the escaped hidden character U+001B, {HIDDEN}"]),
        ('a: "\\ufeff"\n', [f"f.yaml:1: a: found the escaped hidden character U+FEFF, {HIDDEN}"]),
    ],
)  # fmt: skip
def test_what_is_not_strict_is_told_with_its_line(text, lines):
    assert told(text) == lines


def test_all_problems_of_a_file_are_told_at_once():
    assert told("a: &x 1\na: *x\nb: !t\nc: d: e\n") == [
        "f.yaml:1: a: found an anchor ('&x'), expected the value alone",
        "f.yaml:2: a: found the key a second time (first in line 1), expected each key once",
        "f.yaml:2: a: found an alias ('*x'), expected the value written out",
        "f.yaml:3: b: found a tag ('!t'), expected the value alone",
        "f.yaml:3: b: found nothing (empty value), expected a value, or the key left out",
        "f.yaml:4: found broken YAML (mapping values are not allowed in this context), expected well-formed YAML",
    ]


def test_what_follows_a_refused_key_is_still_read():
    reading = read("f.yaml", b"? [x, {y: z}]\n: {q: r}\na: 1\na: {b: 2}\nc: 3\n")
    assert reading.parsed is not None
    assert reading.parsed.value == {"a": "1", "c": "3"}


def test_bytes_that_are_not_utf_8():
    assert told(b"a: b\nc: \xff\n") == ["f.yaml:2: found the byte 0xff, which is not UTF-8, expected a text in UTF-8"]
    assert told("a: b\n".encode("utf-16")) == ["f.yaml:1: found the byte 0xff, which is not UTF-8, expected a text in UTF-8"]


def test_a_large_file_is_not_read():
    assert told(b"#" * (MAX_BYTES + 1)) == ["f.yaml:1: found 1048577 bytes, expected a file of at most 1048576 bytes (1 MiB)"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "a: {b: ["])
def test_deep_nesting_costs_nothing(opening):
    lines = told(opening * 100_000)
    assert len(lines) == 1
    assert lines[0].endswith("found more than 16 levels of nesting, expected at most 16")


def test_sixteen_levels_are_allowed():
    assert parse("f.yaml", b"[" * 16 + b"]" * 16).value


def test_an_anchor_bomb_expands_to_nothing():
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 100))
    lines = told(bomb)
    assert len(lines) == 50
    assert lines[:2] == [
        "f.yaml:1: a0: found an anchor ('&a0'), expected the value alone",
        "f.yaml:2: a1: found an anchor ('&a1'), expected the value alone",
    ]


def test_hidden_characters_are_told_fifty_times_at_most():
    assert len(told("\x01" * 1000)) == 50


def test_keys_are_shown_escaped_and_cut():
    lines = told(f"'a\u00a0b': {{'1.0/x': ~}}\n{'k' * 1000}: ~\n")
    assert lines[0].startswith("f.yaml:1: ['a\\xa0b']['1.0/x']: found nothing (~)")
    assert lines[1].startswith(f"f.yaml:2: ['{'k' * 80}'...]: found nothing (~)")


@given(st.binary(max_size=200) | st.text(alphabet="ab: -[]{},&*!|>'\"%#?\n\t~<", max_size=60).map(str.encode))
def test_nothing_but_problems_or_a_value_comes_out(data):
    reading = read("f.yaml", data)
    assert (reading.parsed is not None) or reading.problems
    assert len(reading.problems) <= 50


VALUES = st.recursive(
    st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_json_writes_is_read_back(value):
    text = yaml.safe_dump(value, default_style='"', allow_unicode=True)
    reading = read("f.yaml", text.encode("utf-8", "surrogatepass"))
    if not reading.problems:
        assert reading.parsed is not None
        assert reading.parsed.value == value


FALLBACK = """
import sys
sys.modules["yaml._yaml"] = None  # as where PyYAML was built without libyaml
from reconciler.declare import reader, strict_yaml
assert reader.LOADER.__name__ == "SafeLoader"
for data in (b"a: [1.10, no]\\n", b'a: "\\\\UFFFFFFFF"\\n', b'a: "\\\\U00110000"\\n', b"a: b: c\\n", b"[" * 5000, b"a: 1\\na: 2\\n"):
    reading = strict_yaml.read("f.yaml", data)
    print(*reading.problems or [reading.parsed.value], sep="\\n")
"""


def test_without_libyaml_the_same_is_read():
    done = subprocess.run(
        [sys.executable, "-c", FALLBACK], capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.stdout.splitlines() == [
        "{'a': ['1.10', 'no']}",
        "f.yaml:1: found an escape that is no character, expected well-formed YAML",
        "f.yaml:1: found an escape that is no character, expected well-formed YAML",
        "f.yaml:1: found broken YAML (mapping values are not allowed here), expected well-formed YAML",
        f"f.yaml:1: {'[0]' * 16}: found more than 16 levels of nesting, expected at most 16",
        "f.yaml:2: a: found the key a second time (first in line 1), expected each key once",
    ]
