"""Approvals as text: a new file, and an endorsement put into an existing one with its comments and order kept.

Texts are written plain only where YAML 1.1, YAML 1.2 and our strict reader take the same from them, else in double quotes or, for
several lines, as a literal block; nothing is folded, so that a diff shows what was edited. What was written is read again and compared before anybody gets it: `Refused` instead of a file
that says something else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import yaml
from yaml.resolver import Resolver

from reconciler.declare.approvals import load_approval
from reconciler.declare.document import Parsed, Span
from reconciler.declare.strict_yaml import decode, parse
from reconciler.errors import DeclarationInvalid, Refused
from reconciler.model.declared import Approval, ApprovedFile, Endorsement

RESOLVER: Final[Any] = Resolver()
STRING: Final = "tag:yaml.org,2002:str"

PLAIN_IN_BLOCK: Final = re.compile(r"[\w/+](?:[\w ./,;()@+*!?=<>'\"%&$^|~{}\[\]-]|:(?=[^\s:]))*")
PLAIN_IN_FLOW: Final = re.compile(r"[\w/+][\w ./()@+;=<>%$^~-]*")
NUMBER_OF_1_2: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+")
"""https://yaml.org/spec/1.2.2/#1032-tag-resolution"""
WORDS_OF_1_1: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def new_approval(approval: Approval) -> str:
    """The text of a new approval file; Refused for what the strict reader would not take (an empty reason, hidden characters)."""
    text = "".join(f"{line}\n" for line in _lines(approval))
    try:
        written = load_approval("", text.encode("utf-8", "surrogatepass"))
    except DeclarationInvalid as error:
        raise _refused(error) from error
    if written != replace(approval, files=tuple(sorted(approval.files, key=lambda file: file.name))):
        message = "the approval cannot be written so that it reads the same (addresses in lower case, no doubled file names)"
        raise Refused(message)
    return text


def append_endorsement(path: str, text: str, *, by: str, reason: str) -> str:
    """The text of an approval file with one more entry of `endorsed`; comments, order and line ends stay.

    DeclarationInvalid if the file is no valid approval, Refused if the entry cannot be added or would not read as given.
    """
    data = text.encode("utf-8", "surrogatepass")
    parsed = parse(path, data)
    before = load_approval(path, data)
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    extended = mark + _extended(decode(data), parsed, f"{{by: {_in_flow(by)}, reason: {_in_flow(reason)}}}")
    try:
        after = load_approval(path, extended.encode("utf-8", "surrogatepass"))
    except DeclarationInvalid as error:
        raise _refused(error) from error
    if after != replace(before, endorsed=(*before.endorsed, Endorsement(by=_normalized(by), reason=reason))):
        message = f"{path} cannot be extended without changing what else it says"
        raise Refused(message, remedy="add the entry under `endorsed:` by hand")
    return extended


def _refused(error: DeclarationInvalid) -> Refused:
    told = "; ".join(f"{p.key or 'text'}: found {p.found}, expected {p.expected}" for p in error.problems)
    return Refused(f"this cannot be written as an approval: {told}")


def _normalized(by: str) -> str:
    return by.casefold() if "@" in by else by


# --- a new file ---------------------------------------------------------------------------------------------------------------


def _lines(approval: Approval) -> Iterator[str]:
    if approval.source is not None:
        yield f"from: {_in_block(approval.source)}"
    yield f"reason: {_in_block(approval.reason)}"
    if approval.ticket:
        yield f"ticket: {_in_block(approval.ticket)}"
    if approval.expires is not None:
        yield f"expires: {approval.expires.isoformat()}"
    yield "files:" if approval.files else "files: {}"
    for file in sorted(approval.files, key=lambda file: file.name):
        yield f"  {_in_flow(file.name)}: {_file(file)}"
    if approval.endorsed:
        yield "endorsed:"
    for endorsement in approval.endorsed:
        yield f"  - {{by: {_in_flow(endorsement.by)}, reason: {_in_flow(endorsement.reason)}}}"


def _file(file: ApprovedFile) -> str:
    content_hash = f", content_hash: {_in_flow(file.content_hash)}" if file.content_hash is not None else ""
    return f"{{size: {file.size}, sha256: {_in_flow(file.sha256)}{content_hash}}}"


def _in_block(text: str) -> str:
    """A value after `key: ` in a block mapping at the left margin."""
    if _is_literal(text):
        indented = "\n".join(f"  {line}" if line else "" for line in text.removesuffix("\n").split("\n"))
        return f"{'|' if text.endswith(chr(10)) else '|-'}\n{indented}"
    return text if PLAIN_IN_BLOCK.fullmatch(text) and _reads_as_text(text) else _double_quoted(text)


def _in_flow(text: str) -> str:
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


# --- one more endorsement -----------------------------------------------------------------------------------------------------


def _extended(text: str, parsed: Parsed, entry: str) -> str:
    root, endorsed = parsed.spans[()], parsed.spans.get(("endorsed",))
    items = len(parsed.value["endorsed"]) if endorsed is not None and isinstance(parsed.value, dict) else 0
    if endorsed is None and root.flow:
        return _insert(text, _last_end(parsed, ()), f", endorsed: [{entry}]")
    if endorsed is None:
        return _insert_line(text, root, f"{' ' * root.column}endorsed:", f"{' ' * root.column}  - {entry}")
    if not endorsed.flow:
        return _insert_line(text, endorsed, f"{' ' * endorsed.column}- {entry}")
    if items == 0:
        return _insert(text, endorsed.start + 1, entry)
    return _insert(text, parsed.spans[("endorsed", items - 1)].end, f", {entry}")


def _last_end(parsed: Parsed, of: tuple[str | int, ...]) -> int:
    """Where the last value inside a collection ends."""
    return max(span.end for place, span in parsed.spans.items() if len(place) == len(of) + 1 and place[: len(of)] == of)


def _insert(text: str, position: int, addition: str) -> str:
    return text[:position] + addition + text[position:]


def _insert_line(text: str, after: Span, *lines: str) -> str:
    """Whole lines after the line in which a block collection ends (a comment at the end of that line stays there)."""
    newline = "\r\n" if "\r\n" in text else "\n"
    position = after.end
    if not text[:position].endswith("\n"):
        rest = text.find("\n", position)
        position = len(text) if rest < 0 else rest + 1
    before = text[:position]
    gap = "" if before.endswith("\n") else newline
    return before + gap + "".join(f"{line}{newline}" for line in lines) + text[position:]
