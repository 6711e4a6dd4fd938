"""From YAML events to values, with a stack of open collections: no alias is expanded, no depth of nesting costs Python's stack.

The events are PyYAML's (https://pyyaml.org/wiki/PyYAMLDocumentation#events), by libyaml where PyYAML was built with it. Its composer
and constructors are not used: they forget doubled keys, resolve `no` to false and follow aliases.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from reconciler.declare.characters import HIDDEN_EXPECTED, HIDDEN_IN_TEXT
from reconciler.declare.document import Parsed, Reading, Span, Value
from reconciler.declare.wording import Location, key_path, quoted
from reconciler.model.words import Problem

MAX_DEPTH: Final = 16
MAX_PROBLEMS: Final = 50

LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(kw_only=True, slots=True)
class _Open:
    """A mapping or list that is being read; `key` is the key whose value comes next, None where a key comes next."""

    location: Location
    target: dict[str, Value] | list[Value]
    start: Any
    flow: bool
    is_key: bool = False
    """A mapping or list in the place of a key: read to its end, and dropped."""
    key: str | None = None
    key_line: int = 0
    skip: bool = False
    """The next value belongs to a key that is refused."""
    end: int = 0


@dataclass(slots=True)
class Reader:
    """Builds values from events with a stack of open collections."""

    path: str
    problems: list[Problem] = field(default_factory=list)
    flawed: set[Location] = field(default_factory=set)
    lines: dict[Location, int] = field(default_factory=dict)
    key_lines: dict[Location, int] = field(default_factory=dict)
    key_starts: dict[Location, int] = field(default_factory=dict)
    spans: dict[Location, Span] = field(default_factory=dict)
    stack: list[_Open] = field(default_factory=list)
    root: Value | None = None
    documents: int = 0

    def read(self, text: str) -> Reading:
        complete = self._consume(text)
        if complete and self.root is None and not self.problems:
            self._refuse((), 1, "an empty file", "a mapping")
        parsed = None
        if complete and self.root is not None:
            parsed = Parsed(
                path=self.path,
                value=self.root,
                lines=self.lines,
                key_lines=self.key_lines,
                key_starts=self.key_starts,
                spans=self.spans,
            )
        return Reading(parsed=parsed, problems=tuple(self.problems), flawed=frozenset(self.flawed))

    def _consume(self, text: str) -> bool:
        """Reads all events; False where reading had to stop before the end."""
        try:
            for event in yaml.parse(text, Loader=LOADER):
                if not self._take(event) or len(self.problems) >= MAX_PROBLEMS:
                    return False
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            what = getattr(error, "problem", None) or str(error)
            context = getattr(error, "context", None)
            found = f"broken YAML ({what}{f' {context}' if context else ''})"
            self._refuse((), mark.line + 1 if mark else 1, found, "well-formed YAML")
            return False
        except (ValueError, OverflowError):  # PyYAML's own scanner makes a character of "\UFFFFFFFF"
            self._refuse((), max(self.key_lines.values(), default=1), "an escape that is no character", "well-formed YAML")
            return False
        return True

    def _take(self, event: Any) -> bool:
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                return self._open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                return self._document(event)
            case _:
                pass
        return True

    def _document(self, event: Any) -> bool:
        self.documents += 1
        if self.documents > 1:
            self._refuse((), event.start_mark.line + 1, "a second document ('---')", "one document a file")
            return False
        if event.version or event.tags:
            self._refuse((), event.start_mark.line + 1, "a directive (%YAML or %TAG)", "none")
        return True

    def _scalar(self, event: Any) -> None:
        line = event.start_mark.line + 1
        text = event.value
        top = self.stack[-1] if self.stack else None
        expects_key = top is not None and top.key is None and type(top.target) is dict
        here = (*top.location, text) if top is not None and expects_key else self._here()
        self._decorations(event, here)
        if event.style == '"' and (hidden := HIDDEN_IN_TEXT.search(text)):
            self._refuse(here, line, f"the escaped hidden character U+{ord(hidden[0]):04X}", HIDDEN_EXPECTED)
        if not event.style and text in NULLS:
            self._nothing(text, here if not expects_key else here[:-1], line)
        if top is not None and expects_key:
            self._key(top, event)
        else:
            self._store(text, here, line)
            self._place(here, Span(event.start_mark.index, event.end_mark.index, event.start_mark.column, flow=True))

    def _nothing(self, text: str, here: Location, line: int) -> None:
        if not self.stack and not text:
            self._refuse((), 1, "an empty file", "a mapping")
        elif not text:
            self._refuse(here, line, "nothing (empty value)", "a value, or the key left out")
        else:
            self._refuse(here, line, f"nothing ({text})", f'a value, or the key left out; as a text it is written "{text}"')

    def _key(self, top: _Open, event: Any) -> None:
        key = event.value
        here = (*top.location, key)
        line = event.start_mark.line + 1
        top.key, top.key_line, top.skip = key, line, False
        if key == "<<" and not event.style:
            self._refuse(here, line, "a merge key", "every key written out")
            top.skip = True
        elif key in top.target:
            first = self.key_lines[here]
            self._refuse(here, line, f"the key a second time (first in line {first})", "each key once")
            top.skip = True
        else:
            self.key_lines[here], self.key_starts[here] = line, event.start_mark.index

    def _open(self, event: Any) -> bool:
        line = event.start_mark.line + 1
        here = self._here()
        if len(self.stack) >= MAX_DEPTH:
            self._refuse(here, line, f"more than {MAX_DEPTH} levels of nesting", f"at most {MAX_DEPTH}")
            return False
        self._decorations(event, here)
        target: dict[str, Value] | list[Value] = {} if type(event) is yaml.MappingStartEvent else []
        opened = _Open(location=here, target=target, start=event.start_mark, flow=event.flow_style)
        top = self.stack[-1] if self.stack else None
        if top is not None and top.key is None and type(top.target) is dict:
            self._refuse(top.location, line, "a key that is no text", "a text as key")
            opened.is_key = True
        else:
            self._store(target, here, top.key_line if top is not None and top.key is not None else line, close=False)
        self.stack.append(opened)
        return True

    def _close(self, event: Any) -> None:
        closed = self.stack.pop()
        if closed.is_key:
            self.stack[-1].key, self.stack[-1].skip = "", True
            return
        end = event.end_mark.index if closed.flow or not closed.end else closed.end
        if self.stack:
            self.stack[-1].key = None
        self._place(closed.location, Span(closed.start.index, end, closed.start.column, closed.flow))

    def _alias(self, event: Any) -> None:
        self._refuse(self._here(), event.start_mark.line + 1, f"an alias ({quoted('*' + event.anchor)})", "the value written out")
        top = self.stack[-1] if self.stack else None
        if top is not None and top.key is None and type(top.target) is dict:
            top.key, top.skip = "", True
        else:
            self._store("", self._here(), event.start_mark.line + 1)

    def _store(self, value: Value, here: Location, line: int, *, close: bool = True) -> None:
        """Hangs a value into the collection that is open; `close` says that it is complete, so that a key comes next."""
        self.lines.setdefault(here, line)
        if not self.stack:
            self.root = value
            return
        top = self.stack[-1]
        if isinstance(top.target, list):
            top.target.append(value)
        elif not top.skip and top.key is not None:
            top.target[top.key] = value
        if close:
            top.key = None

    def _place(self, here: Location, span: Span) -> None:
        self.spans.setdefault(here, span)
        if self.stack:
            self.stack[-1].end = span.end

    def _here(self) -> Location:
        """The location of the value that comes next."""
        if not self.stack:
            return ()
        top = self.stack[-1]
        if isinstance(top.target, list):
            return (*top.location, len(top.target))
        return top.location if top.key is None else (*top.location, top.key)

    def _decorations(self, event: Any, here: Location) -> None:
        if event.anchor is not None:
            self._refuse(here, event.start_mark.line + 1, f"an anchor ({quoted('&' + event.anchor)})", "the value alone")
        if event.tag is not None:
            self._refuse(here, event.start_mark.line + 1, f"a tag ({quoted(event.tag)})", "the value alone")

    def _refuse(self, location: Location, line: int, found: str, expected: str) -> None:
        self.flawed.add(location)
        self.problems.append(Problem(path=self.path, line=line, key=key_path(location), found=found, expected=expected))
