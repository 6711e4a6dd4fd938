"""How texts are written into YAML: plain where nobody can misread them, else quoted.

Plain only where YAML 1.1, YAML 1.2 (https://yaml.org/spec/1.2.2/) and our strict reader take the same from it, else in double
quotes or, for several lines, as a literal block; nothing is folded, so that a diff shows what was edited.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import yaml
from yaml.resolver import Resolver

RESOLVER: Final[Any] = Resolver()
STRING: Final = "tag:yaml.org,2002:str"

PLAIN_IN_BLOCK: Final = re.compile(r"[\w/+](?:[\w ./,;()@+*!?=<>'\"%&$^|~{}\[\]-]|:(?=[^\s:]))*")
PLAIN_IN_FLOW: Final = re.compile(r"[\w/+][\w ./()@+;=<>%$^~-]*")
NUMBER_OF_1_2: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+")
"""https://yaml.org/spec/1.2.2/#1032-tag-resolution"""
WORDS_OF_1_1: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def in_block(text: str, *, column: int = 0) -> str:
    """A value after `key: ` in a block mapping whose keys stand at this column."""
    if _is_literal(text):
        margin = " " * (column + 2)
        indented = "\n".join(f"{margin}{line}" if line else "" for line in text.removesuffix("\n").split("\n"))
        return f"{'|' if text.endswith(chr(10)) else '|-'}\n{indented}"
    return text if PLAIN_IN_BLOCK.fullmatch(text) and _reads_as_text(text) else _double_quoted(text)


def in_flow(text: str) -> str:
    """A key or value that may also stand between braces."""
    return text if PLAIN_IN_FLOW.fullmatch(text) and _reads_as_text(text) else _double_quoted(text)


def _is_literal(text: str) -> bool:
    """Whether a literal block shows the text as it is: several lines, no outer blanks that a block would lose or misread."""
    lines = text.removesuffix("\n").split("\n")
    whole = len(lines) > 1 and lines[0].strip() == lines[0] != "" and lines[-1] != ""
    return whole and all(line.isprintable() and line.rstrip() == line for line in lines)


def _reads_as_text(text: str) -> bool:
    """Whether every YAML takes this plain scalar for a text, and for this one."""
    if text != text.rstrip() or not text.isprintable() or text.lower() in WORDS_OF_1_1 or NUMBER_OF_1_2.fullmatch(text):
        return False
    return bool(RESOLVER.resolve(yaml.ScalarNode, text, (True, False)) == STRING)


def _double_quoted(text: str) -> str:
    """As JSON writes it, which YAML 1.2 reads alike, with every character escaped that is not seen."""
    return "".join(c if c.isprintable() else _escaped(c) for c in json.dumps(text, ensure_ascii=False))


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"  # noqa: PLR2004 the basic multilingual plane
