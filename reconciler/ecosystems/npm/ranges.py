"""Version ranges as node-semver reads them: https://github.com/npm/node-semver#ranges.

A range is alternatives (`||`) of comparators that must all hold; hyphens, `x`, `~` and `^` are short for such comparators. A prerelease
is inside only where a comparator of the same alternative names a prerelease of the same three numbers. As npm does, numbers may have
leading zeros and a label may follow without its hyphen (`1.2.3beta`), which strict reading refuses; but what cannot be read at all is
an error here, where npm's loose reading passes over it.

Dist-tags (`latest`), addresses, `file:` and `workspace:` are no ranges. An alias (`npm:other@^1`) is split by `target`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache
from itertools import takewhile
from typing import Final, NamedTuple, TypeAlias

from reconciler.ecosystems.npm.versions import STABLE, Labels, Precedence, precedence
from reconciler.model.words import Version

MAX_RANGE: Final = 4096

_NUMBER: Final = r"(?:[0-9]{1,16}|[xX*])"
_LABELS: Final = r"[0-9A-Za-z-]++(?:\.[0-9A-Za-z-]++)*+"
_PARTIAL: Final = re.compile(
    rf"[v=\s]*+(?P<major>{_NUMBER})(?:\.(?P<minor>{_NUMBER})(?:\.(?P<patch>{_NUMBER})(?:-?(?P<labels>{_LABELS}))?)?)?"
    r"(?:\+[0-9A-Za-z-]++(?:\.[0-9A-Za-z-]++)*+)?",
    re.ASCII,
)
_HYPHEN: Final = re.compile(r"(\S++)\s++-\s++(\S++)", re.ASCII)
_OPERATOR: Final = re.compile(r"(~>?+|\^|[<>]=?+|=|)[\s=v]*+(\S*+)", re.ASCII)
_BLANKS: Final = re.compile(r"(~>?+|\^|[<>]|=)(?:\s*+(=))?+[\s=v]*+", re.ASCII)
_ALIAS: Final = re.compile(r"npm:(@?[^@]+)(?:@(.*))?", re.DOTALL)


class _Comparator(NamedTuple):
    """`holds(version, bound)` says whether a version is inside."""

    holds: Callable[[Precedence, Precedence], bool]
    bound: Precedence


_Set: TypeAlias = tuple[_Comparator, ...]
_LOWEST: Final = ((0, 0, ""),)
"""The label `-0`: no version of the same numbers is lower."""
_NOTHING: Final[_Set] = (_Comparator(operator.lt, (0, 0, 0, _LOWEST)),)
_PLACES: Final = 3


class _Partial(NamedTuple):
    """A version whose last numbers may be left open: `numbers` has those that are given."""

    numbers: tuple[int, ...]
    labels: str

    @property
    def low(self) -> Precedence:
        """The lowest version that it stands for; the lowest stable one where it leaves a number open."""
        major, minor, patch = (*self.numbers, 0, 0, 0)[:_PLACES]
        return precedence((major, minor, patch), self.labels)

    def next(self, place: int, labels: Labels = _LOWEST) -> Precedence:
        """The first version, prereleases included, in which the number at this place is higher by one."""
        major, minor, patch = (*self.numbers[:place], self.numbers[place] + 1, 0, 0)[:_PLACES]
        return (*precedence((major, minor, patch), "")[:_PLACES], labels)


def contains(version_range: str, version: Version, /) -> bool:
    """Whether a range admits the version. ValueError for what is no range.

    "" admits every version, prereleases included, as a dependency without a range does everywhere here; npm takes for it whatever
    the dist-tag `latest` names. `*` is node-semver's: any but prereleases.
    """
    if not version_range.strip():
        return True
    return any(_admits(comparators, version) for comparators in _alternatives(version_range))


def target(name: str, version_range: str) -> tuple[str, str]:
    """Name and range of the package that a dependency is really on: that of the alias, where it is one."""
    match = _ALIAS.fullmatch(version_range.strip())
    return (match[1], (match[2] or "").strip()) if match else (name, version_range)


def _admits(comparators: _Set, version: Version) -> bool:
    found: Precedence = version.order
    if not all(one.holds(found, one.bound) for one in comparators):
        return False
    if not version.prerelease:
        return True
    return any(one.bound[:_PLACES] == found[:_PLACES] and one.bound[_PLACES] != STABLE for one in comparators)


@lru_cache(maxsize=4096)
def _alternatives(version_range: str) -> tuple[_Set, ...]:
    if len(version_range) > MAX_RANGE:
        message = f"a range of {len(version_range)} characters: at most {MAX_RANGE} are read"
        raise ValueError(message)
    found = tuple(_comparators(part.strip()) for part in version_range.split("||"))
    return ((),) if () in found else found  # beside `*` node forgets the others, and so the prereleases that they name


def _comparators(text: str) -> _Set:
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen is not None:
        return _at_least(_partial(hyphen[1])) + _at_most(_partial(hyphen[2]))
    return tuple(one for word in _BLANKS.sub(r"\1\2", text).split() for one in _comparator(word))


def _comparator(word: str) -> _Set:
    match = _OPERATOR.fullmatch(word)
    sign, partial = (match[1], _partial(match[2])) if match else ("", _partial(word))
    given = len(partial.numbers)
    if not given:
        return _NOTHING if sign in {"<", ">"} else ()
    match sign:
        case ">":
            return (
                _Comparator(operator.gt, partial.low) if given == _PLACES else _Comparator(operator.ge, partial.next(given - 1, STABLE)),
            )
        case ">=":
            return _at_least(partial)
        case "<":
            low = partial.low
            return (_Comparator(operator.lt, low if given == _PLACES else (*low[:_PLACES], _LOWEST)),)
        case "<=":
            return _at_most(partial)
        case "~" | "~>":
            return _below(partial, min(given - 1, 1))
        case "^":
            return _below(partial, _first_that_counts(partial.numbers))
        case _:
            return (_Comparator(operator.eq, partial.low),) if given == _PLACES else _below(partial, given - 1)


def _first_that_counts(numbers: tuple[int, ...]) -> int:
    """The place that `^` keeps: the first number that is not 0, or the last of those given."""
    return next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)


def _at_least(partial: _Partial) -> _Set:
    return (_Comparator(operator.ge, partial.low),) if partial.numbers else ()


def _at_most(partial: _Partial) -> _Set:
    given = len(partial.numbers)
    if given == _PLACES:
        return (_Comparator(operator.le, partial.low),)
    return (_Comparator(operator.lt, partial.next(given - 1)),) if given else ()


def _below(partial: _Partial, place: int) -> _Set:
    return _Comparator(operator.ge, partial.low), _Comparator(operator.lt, partial.next(place))


def _partial(text: str) -> _Partial:
    match = _PARTIAL.fullmatch(text)
    parts = [] if match is None else [match["major"], match["minor"] or "x", match["patch"] or "x"]
    given = list(takewhile(str.isdigit, parts))
    if match is None or any(part.isdigit() for part in parts[len(given) :]):
        message = f"{text[:80]!a} is no version, or part of one, of a range"
        raise ValueError(message)
    complete = len(given) == _PLACES
    return _Partial(numbers=tuple(map(int, given)), labels=(match["labels"] or "") if complete else "")
