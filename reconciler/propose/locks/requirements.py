"""requirements.txt of pip: one requirement a line, `name==version` where it is locked.

Format: https://pip.pypa.io/en/stable/reference/requirements-file-format/. Options other than `--hash` say where to look, not what for,
and are passed over; constraints (`-c`) bring nothing in. Another file (`-r`) would, and is not followed: that is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement

from reconciler.propose.locks.digests import from_prefixed
from reconciler.propose.locks.interface import Aside, Claim, Lock, LockError, Pin, gathered
from reconciler.propose.locks.texts import decode

MAX_LINE: Final = 200_000
"""Characters of a requirement with all its digests."""
MAX_REQUIREMENT: Final = 4_000

_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
_OPTION: Final = re.compile(r"\s--?[a-z]")
_HASH: Final = re.compile(r"--hash[=\s]\s*+(\S+)")
_INCLUDE: Final = re.compile(r"(?:-r|--requirement)(?:[\s=]|(?=[^-\s]))\s*+(.*)")
_EDITABLE: Final = re.compile(r"(?:-e|--editable)[\s=]\s*+(.*)")
_PATH: Final = re.compile(r"file:|\.|[^\s@;\\/]*+[\\/]")
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|git@")


def read(data: bytes) -> Lock:
    """What a requirements file names; LockError with the line."""
    return gathered(_entries(decode(data)))


def _entries(text: str) -> Iterator[Pin | Aside]:
    for number, line in _lines(text):
        place = f"line {number}"
        if len(line) > MAX_LINE:
            raise LockError(place=place, reason=f"more than {MAX_LINE:,} characters")
        if included := _INCLUDE.fullmatch(line):
            reason = f"it includes {included[1][:80]!r}, which is not followed: name a file that says everything (pip freeze writes one)"
            raise LockError(place=place, reason=reason)
        editable = _EDITABLE.fullmatch(line)
        if editable or not line.startswith("-"):
            yield _entry(editable[1] if editable else line, place)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines as they are meant, joined where a backslash ends one, without comments; each with the number of its first."""
    joined: list[str] = []
    start = 1
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        start = start if joined else number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            joined.append(line[:-1])
            continue
        whole = _COMMENT.sub("", "".join([*joined, line])).strip()
        joined = []
        if whole:
            yield start, whole


def _entry(line: str, place: str) -> Pin | Aside:
    option = _OPTION.search(line)
    text, options = (line[: option.start()].strip(), line[option.start() :]) if option else (line, "")
    if _ADDRESS.match(text) and not text.startswith("file:"):
        return Aside(kind="foreign", name=text[:200], place=place)
    if _PATH.match(text):
        return Aside(kind="local", name=text[:200], place=place)
    if len(text) > MAX_REQUIREMENT:
        raise LockError(place=place, reason=f"a requirement of more than {MAX_REQUIREMENT:,} characters")
    try:
        requirement = Requirement(text)
    except (InvalidRequirement, RecursionError) as error:
        raise LockError(place=place, reason=f"{text[:80]!r} is no requirement: {str(error).splitlines()[0]}") from error
    if requirement.url:
        return Aside(kind="foreign", name=requirement.name, place=place)
    pinned = [one for one in requirement.specifier if one.operator in {"==", "==="} and not one.version.endswith("*")]
    if not pinned:
        return Aside(kind="unpinned", name=f"{requirement.name}{requirement.specifier}", place=place)
    digests = frozenset(filter(None, (from_prefixed(found, place) for found in _HASH.findall(options))))
    claims = frozenset({Claim(integrity=digests)}) if digests else frozenset()
    return Pin(name=requirement.name, version=pinned[0].version, place=place, claims=claims)
