"""JSON and TOML from outside, and the shapes in them: each wrong one is an error with its place, whatever the file is made of.

Python's reader of TOML walks all parts of a dotted key for each of them: a line of 30,000 parts costs minutes. No lock file has more than
a few, so a run of dotted parts is looked for first, in linear time.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from reconciler.propose.locks.interface import LockError

MAX_KEY_PARTS: Final = 16

_PART: Final = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_LONG_KEY: Final = re.compile(rf"(?:\.[ \t]*+{_PART}[ \t]*+){{{MAX_KEY_PARTS}}}")


def parse_json(data: bytes) -> Mapping[str, Any]:
    """The object that JSON text is; LockError, with the line, for what is none."""
    text = decode(data)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise LockError(place=f"line {error.lineno}", reason=f"it is no JSON: {error.msg}") from error
    except RecursionError as error:
        raise LockError(place="", reason="it is nested too deeply") from error
    except ValueError as error:  # a number of thousands of digits
        raise LockError(place="", reason=f"it is no JSON: {error}") from error
    return mapping(value, "")


def parse_toml(data: bytes) -> Mapping[str, Any]:
    """The table that TOML text is; LockError, with the reason, for what is none (https://toml.io/en/v1.0.0)."""
    text = decode(data)
    if long := _LONG_KEY.search(text):
        raise LockError(place=f"line {text.count(chr(10), 0, long.start()) + 1}", reason=f"a key has more than {MAX_KEY_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise LockError(place="", reason="it is nested too deeply") from error
    except ValueError as error:
        raise LockError(place="", reason=f"it is no TOML: {error}") from error


def decode(data: bytes) -> str:
    """UTF-8, with or without a byte order mark; UTF-16 with one, as shells of Windows write it."""
    utf_16 = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    try:
        return data.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise LockError(place="", reason=f"it is no text in {'UTF-16' if utf_16 else 'UTF-8'}") from error


def mapping(value: object, place: str) -> Mapping[str, Any]:
    """The value as an object or table."""
    if not isinstance(value, dict):
        raise LockError(place=place, reason=f"found {_kind(value)}, expected a table of names")
    return value


def field(of: Mapping[str, Any], key: str, place: str) -> str | None:
    """A text of a table; None where it is not there."""
    value = of.get(key)
    if value is not None and not isinstance(value, str):
        raise LockError(place=f"{place}.{key}", reason=f"found {_kind(value)}, expected a text")
    return value


def needed(of: Mapping[str, Any], key: str, place: str) -> str:
    """A text that must be there."""
    value = field(of, key, place)
    if not value:
        raise LockError(place=f"{place}.{key}", reason="found nothing, expected a text")
    return value


def tables(of: Mapping[str, Any], key: str, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tables of a list, each with its place; none where there is no such list."""
    value: object = of.get(key, [])
    name = f"{place}.{key}" if place else key
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise LockError(place=name, reason=f"found {_kind(value)}, expected a list")
    for number, one in enumerate(value):
        yield f"{name}[{number}]", mapping(one, f"{name}[{number}]")


def _kind(value: object) -> str:
    kinds = {dict: "a table", list: "a list", str: "a text", bool: "yes or no", int: "a number", float: "a number"}
    return kinds.get(type(value), "nothing" if value is None else "something else")
