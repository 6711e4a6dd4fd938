"""Strict YAML: bytes to nested dicts, lists and texts, with the line of everything, or all that is wrong with them.

The syntax is YAML 1.1 (https://yaml.org/spec/1.1/) as PyYAML reads it, less everything by which one file can mean two things:
every scalar is text, so that `1.10` is a version and `no` a name; duplicate keys, anchors, aliases, merge keys, tags, directives
and second documents are errors, as are empty values and characters that a reviewer does not see.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from reconciler.declare.characters import HIDDEN_EXPECTED, HIDDEN_IN_FILE
from reconciler.declare.document import Parsed, Reading
from reconciler.declare.reader import MAX_PROBLEMS, Reader
from reconciler.errors import DeclarationInvalid
from reconciler.model.words import Problem

MAX_BYTES: Final = 1 << 20


def parse(path: str, data: bytes) -> Parsed:
    """The file's value; DeclarationInvalid with every problem (at most 50) of a file that is not strict YAML."""
    reading = read(path, data)
    if reading.parsed is None or reading.problems:
        raise DeclarationInvalid(reading.problems)
    return reading.parsed


def read(path: str, data: bytes) -> Reading:
    """As `parse`, but hands back what could be read together with the problems; never raises."""
    if len(data) > MAX_BYTES:
        return _unreadable(path, 1, f"{len(data)} bytes", f"a file of at most {MAX_BYTES} bytes (1 MiB)")
    try:
        text = decode(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _unreadable(path, line, f"the byte 0x{data[error.start]:02x}, which is not UTF-8", "a text in UTF-8")
    hidden = tuple(_hidden_characters(path, text))
    if hidden:
        return Reading(parsed=None, problems=hidden, flawed=frozenset())
    return Reader(path).read(text)


def decode(data: bytes) -> str:
    """The file's text without byte order mark; UnicodeDecodeError if it is not UTF-8."""
    return data.decode("utf-8").removeprefix("\ufeff")


def _unreadable(path: str, line: int, found: str, expected: str) -> Reading:
    problem = Problem(path=path, line=line, key="", found=found, expected=expected)
    return Reading(parsed=None, problems=(problem,), flawed=frozenset())


def _hidden_characters(path: str, text: str) -> Iterator[Problem]:
    for match in islice(HIDDEN_IN_FILE.finditer(text), MAX_PROBLEMS):
        line = text.count("\n", 0, match.start()) + 1
        yield Problem(path=path, line=line, key="", found=f"the hidden character U+{ord(match[0]):04X}", expected=HIDDEN_EXPECTED)
