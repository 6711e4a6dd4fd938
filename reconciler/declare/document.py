"""A YAML file that was read: its value, and where each part of it stands, for problems and for inserting text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from reconciler.declare.wording import Location, key_path
from reconciler.model.words import Problem

Value: TypeAlias = "dict[str, Value] | list[Value] | str"


class Span(NamedTuple):
    """Where a value stands, as indices of characters; for a block collection `end` is that of its last value."""

    start: int
    end: int
    column: int
    flow: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """A file's value and where each part of it stands.

    `lines` has the line of each value; that of a mapping or list under a key is the key's. `key_lines` has those of keys,
    `key_starts` the indices of their first characters.
    """

    path: str
    value: Value
    lines: Mapping[Location, int]
    key_lines: Mapping[Location, int]
    key_starts: Mapping[Location, int]
    spans: Mapping[Location, Span]

    def problem(self, location: Location, *, found: str, expected: str) -> Problem:
        """A problem with the value at this location; its line is that of the nearest enclosing value that exists."""
        near = location
        while near and near not in self.lines:
            near = near[:-1]
        return Problem(path=self.path, line=self.lines.get(near, 1), key=key_path(location), found=found, expected=expected)

    def key_problem(self, location: Location, *, found: str, expected: str) -> Problem:
        """A problem with the key itself."""
        line = self.key_lines.get(location, 1)
        return Problem(path=self.path, line=line, key=key_path(location), found=found, expected=expected)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What could be read of a file, and what is wrong with it. `parsed` is None where reading had to stop.

    `flawed` are the locations of the problems: what is said there is not to be judged any further.
    """

    parsed: Parsed | None
    problems: tuple[Problem, ...]
    flawed: frozenset[Location]
