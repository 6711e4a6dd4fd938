"""An approval file changed in place: an endorsement, a withdrawal, a deprecation put in or taken out.

Comments, order, line ends and style stay: text is cut and inserted at the places that the strict reader found (`document.py`).
What results is read again and compared, and is `Refused` if it says anything but what was asked for: a style that this module
cannot change is left to an editor, never half changed. `DeclarationInvalid` if the file is no valid approval to begin with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias

from reconciler.declare.approvals import load_approval
from reconciler.declare.document import Parsed, Span
from reconciler.declare.quoting import in_block, in_flow
from reconciler.declare.strict_yaml import decode, read
from reconciler.declare.write import block_lines, flow_mapping, reread
from reconciler.errors import Refused
from reconciler.model.declared import Approval, Deprecation, Endorsement, Withdrawal

Edit: TypeAlias = Callable[[str, Parsed], str]
"""From a text (without byte order mark) and its places to another text."""

GAP_AND_COMMA: Final = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+,")
"""What stands between two entries of a flow mapping (possessive: a gap without a comma is given up at once)."""
BLOCK_SCALAR: Final = re.compile(r"[|>][-+1-9]{0,2}")


def append_endorsement(path: str, text: str, *, by: str, reason: str) -> str:
    """The text with one more entry of `endorsed`; Refused if it cannot be added or would not read as given."""
    entry = f"{{by: {in_flow(by)}, reason: {in_flow(reason)}}}"
    added = Endorsement(by=by.casefold() if "@" in by else by, reason=reason)
    return _changed(
        path,
        text,
        [partial(_endorse, entry=entry)],
        says=lambda before: replace(before, endorsed=(*before.endorsed, added)),
        by_hand="add the entry under `endorsed:` by hand",
    )


def with_withdrawal(path: str, text: str, withdrawal: Withdrawal) -> str:
    """The text with this block `withdrawn:`, in the place of another one if there is one."""
    return _changed(
        path,
        text,
        [partial(_put, key="withdrawn", said=withdrawal)],
        says=lambda before: replace(before, withdrawn=withdrawal),
        by_hand="write the block `withdrawn:` by hand",
    )


def without_withdrawal(path: str, text: str, *, reason: str | None) -> str:
    """The text without `withdrawn:`, which approves the version again; a new `reason:` says why. Refused if it is not withdrawn."""
    edits: list[Edit] = [partial(_remove, key="withdrawn")]
    if reason is not None:
        edits.append(partial(_say, key="reason", value=reason))
    return _changed(
        path,
        text,
        edits,
        says=lambda before: replace(before, withdrawn=None, reason=before.reason if reason is None else reason),
        by_hand="remove the block `withdrawn:` by hand",
    )


def with_deprecation(path: str, text: str, deprecation: Deprecation) -> str:
    """The text with this block `deprecated:`, in the place of another one if there is one."""
    return _changed(
        path,
        text,
        [partial(_put, key="deprecated", said=deprecation)],
        says=lambda before: replace(before, deprecated=deprecation),
        by_hand="write the block `deprecated:` by hand",
    )


def without_deprecation(path: str, text: str) -> str:
    """The text without `deprecated:`; Refused if it is not deprecated."""
    return _changed(
        path,
        text,
        [partial(_remove, key="deprecated")],
        says=lambda before: replace(before, deprecated=None),
        by_hand="remove the block `deprecated:` by hand",
    )


def _changed(path: str, text: str, edits: Sequence[Edit], *, says: Callable[[Approval], Approval], by_hand: str) -> str:
    """The text after all edits, each made to what the one before left; Refused unless it then says what it should."""
    data = text.encode("utf-8", "surrogatepass")
    expected = says(load_approval(path, data))
    mark, changed = "\ufeff" if text.startswith("\ufeff") else "", decode(data)
    refused = Refused(f"{path} cannot be changed without changing what else it says", remedy=by_hand)
    for edit in edits:
        parsed = read(path, changed.encode("utf-8", "surrogatepass")).parsed
        if parsed is None:
            raise refused
        changed = edit(changed, parsed)
    if reread(path, mark + changed) != expected:
        raise refused
    return mark + changed


# --- edits --------------------------------------------------------------------------------------------------------------------


def _put(text: str, parsed: Parsed, *, key: str, said: Withdrawal | Deprecation) -> str:
    """Sets a key of the root: in the place and style of what is there, else at the end."""
    root, old = parsed.spans[()], parsed.spans.get((key,))
    if old is not None and old.flow:
        return text[: old.start] + flow_mapping(said) + text[old.end :]
    if root.flow:
        return _insert(text, _last_end(parsed), f", {key}: {flow_mapping(said)}")
    lines = list(block_lines(key, said, column=root.column))
    if old is None:
        return _insert_lines(text, root, lines)
    start, end = _entry(text, parsed, key)
    return text[:start] + _whole(text, lines) + text[end:]


def _remove(text: str, parsed: Parsed, *, key: str) -> str:
    """Takes a key of the root out: its lines, or in flow style itself and one comma."""
    if (key,) not in parsed.spans:
        message = f"{parsed.path} is not {key}"
        raise Refused(message)
    if not parsed.spans[()].flow:
        start, end = _entry(text, parsed, key)
        return text[:start] + text[end:]
    start, end = parsed.key_starts[(key,)], parsed.spans[(key,)].end
    if following := GAP_AND_COMMA.match(text, end):
        comma = following.end() - 1
        return _without_blank_line(text[:start] + text[end:comma] + text[comma + 1 :].lstrip(" "), start)
    before = text[:start]
    if preceding := GAP_AND_COMMA.match(text, _last_end(parsed, before=start)):
        comma = preceding.end() - 1
        between = text[comma + 1 : start]
        before = text[:comma] + (between if "\n" in between else "")
    return _without_blank_line(before + text[end:], len(before))


def _say(text: str, parsed: Parsed, *, key: str, value: str) -> str:
    """Sets the text of a key that is there; a comment behind it stays there."""
    root, old = parsed.spans[()], parsed.spans[(key,)]
    if root.flow:
        return text[: old.start] + in_flow(value) + text[old.end :]
    literal = BLOCK_SCALAR.match(text, old.start)
    tail = literal.end() if literal else old.end
    tail_end = _line_end(text, tail)
    first, *more = in_block(value, column=root.column).split("\n")
    lines = [first + text[tail:tail_end].rstrip(), *more]
    return text[: old.start] + _whole(text, lines) + text[old.end if literal else tail_end :]


def _endorse(text: str, parsed: Parsed, *, entry: str) -> str:
    root, endorsed = parsed.spans[()], parsed.spans.get(("endorsed",))
    items = len(parsed.value["endorsed"]) if endorsed is not None and isinstance(parsed.value, dict) else 0
    if endorsed is None and root.flow:
        return _insert(text, _last_end(parsed), f", endorsed: [{entry}]")
    if endorsed is None:
        return _insert_lines(text, root, [f"{' ' * root.column}endorsed:", f"{' ' * root.column}  - {entry}"])
    if not endorsed.flow:
        return _insert_lines(text, endorsed, [f"{' ' * endorsed.column}- {entry}"])
    if items == 0:
        return _insert(text, endorsed.start + 1, entry)
    return _insert(text, parsed.spans[("endorsed", items - 1)].end, f", {entry}")


# --- places -------------------------------------------------------------------------------------------------------------------


def _last_end(parsed: Parsed, *, before: int | None = None) -> int:
    """Where the last value of the root ends, or the last one before a place."""
    ends = (span.end for place, span in parsed.spans.items() if len(place) == 1)
    return max(end for end in ends if before is None or end <= before)


def _entry(text: str, parsed: Parsed, key: str) -> tuple[int, int]:
    """The whole lines of a key of a block mapping and its value."""
    return text.rfind("\n", 0, parsed.key_starts[(key,)]) + 1, _line_end(text, parsed.spans[(key,)].end)


def _line_end(text: str, position: int) -> int:
    """The beginning of the next line; the place itself where it is one (a block scalar ends there)."""
    if text.startswith("\n", position - 1):
        return position
    return text.find("\n", position) + 1 or len(text)


def _without_blank_line(text: str, at: int) -> str:
    """The text without the line of this place, if nothing is left of it."""
    start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at) + 1 or len(text)
    return text if text[start:end].strip() else text[:start] + text[end:]


def _whole(text: str, lines: Sequence[str]) -> str:
    """Lines with the line ends that the text has."""
    newline = "\r\n" if "\r\n" in text else "\n"
    return "".join(f"{line}\n" for line in lines).replace("\n", newline)


def _insert(text: str, position: int, addition: str) -> str:
    return text[:position] + addition + text[position:]


def _insert_lines(text: str, after: Span, lines: Sequence[str]) -> str:
    """Whole lines after the line in which a block collection ends (a comment at the end of that line stays there)."""
    position = _line_end(text, after.end)
    gap = "" if text[:position].endswith("\n") else _whole(text, [""])
    return _insert(text, position, gap + _whole(text, lines))
