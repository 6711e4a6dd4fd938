"""Environment markers: https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers (PEP 508).

Each comparison is judged by the library that pip itself uses. What is not known of an environment (the release of a kernel; all but
the extra, where no target is declared) satisfies any comparison: a dependency applies where it may. A marker has no negation, so that
knowing less can only make more dependencies apply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from packaging.markers import InvalidMarker, Marker

MAX_LENGTH: Final = 4_000
"""Lock files have markers of some hundred characters."""
MAX_PARENTHESES: Final = 50
"""The library and this module go down one level for each; real markers have a handful."""

_TOKEN: Final = re.compile(r"""[()]|"[^"]*+"|'[^']*+'|[^\s()"']++""")
_FULL_VERSIONS: Final = frozenset({"python_full_version", "implementation_version"})
_LAST_PATCH: Final = 999

_Tree: TypeAlias = "str | tuple[tuple[_Tree, ...], ...]"
"""A comparison; or alternatives, each of what must hold together."""


@lru_cache(maxsize=8192)
def may_hold(marker: str, environment: tuple[tuple[str, str], ...]) -> bool:
    """Whether a marker can hold where these variables are known, and no others. What cannot be read is taken to hold; so is "".

    A `python_version` leaves `python_full_version`, unless it is known too, open among the releases of that version.
    """
    tree = _tree(marker) if marker else None
    return tree is None or _may_hold(tree, dict(environment))


@lru_cache(maxsize=2048)
def _tree(marker: str) -> _Tree | None:
    if len(marker) > MAX_LENGTH or marker.count("(") > MAX_PARENTHESES:
        return None
    try:
        normalized = str(Marker(marker))  # with blanks between words, and today's names of variables
    except InvalidMarker:
        return None
    return _group(iter(_TOKEN.findall(normalized)))


def _group(tokens: Iterator[str]) -> _Tree:
    """Takes the tokens up to the parenthesis that closes this group."""
    alternatives: list[list[_Tree]] = [[]]
    words: list[str] = []
    for word in tokens:
        if word == "(":
            alternatives[-1].append(_group(tokens))
        elif word in {"and", "or", ")"}:
            alternatives[-1] += [" ".join(words)] if words else []
            alternatives += [[]] if word == "or" else []
            words.clear()
        else:
            words.append(word)
        if word == ")":
            break
    alternatives[-1] += [" ".join(words)] if words else []
    return tuple(map(tuple, alternatives))


def _may_hold(tree: _Tree, known: Mapping[str, str]) -> bool:
    if isinstance(tree, str):
        return _comparison_may_hold(tree, known)
    return any(all(_may_hold(part, known) for part in together) for together in tree)


def _comparison_may_hold(comparison: str, known: Mapping[str, str]) -> bool:
    words = _TOKEN.findall(comparison)
    variables = {word for word in words if word.isidentifier() and word not in {"in", "not"}}
    if not variables:
        return True  # of two texts; the library would take one for a variable of this machine
    unknown = variables - known.keys()
    if not unknown:
        return _evaluates(comparison, known)
    if "python_version" not in known or "in" in words or not unknown <= _FULL_VERSIONS:
        return True
    releases = _releases(known["python_version"], words)
    return any(_evaluates(comparison, {**known, **dict.fromkeys(unknown, release)}) for release in releases)


def _releases(python_version: str, words: list[str]) -> Iterator[str]:
    """The releases of a Python between which a comparison may differ: the first, the last, and one that it names."""
    yield from (f"{python_version}.{patch}" for patch in (0, _LAST_PATCH))
    yield from (word[1:-1] for word in words if re.fullmatch(rf"[\"']{re.escape(python_version)}\.[0-9]{{1,3}}[\"']", word))


def _evaluates(comparison: str, known: Mapping[str, str]) -> bool:
    try:
        return _marker(comparison).evaluate(known)
    except (ValueError, KeyError):  # a comparison that is not defined, such as "<" of a word and a version
        return True


@lru_cache(maxsize=4096)
def _marker(comparison: str) -> Marker:
    return Marker(comparison)
