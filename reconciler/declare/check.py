"""A YAML file against its shape: pydantic's errors in our words, each with the line that it is about.

A file with errors is not given up: the entries that have them are taken out, and the rest is handed on, so that what concerns
several values (unknown names, cycles) is told in the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from reconciler.declare.document import Parsed, Reading, Value
from reconciler.declare.reader import MAX_PROBLEMS
from reconciler.declare.wording import Location, described, one_of
from reconciler.model.text import Expected
from reconciler.model.words import Problem

S = TypeVar("S", bound=BaseModel)

ENTRY_DEPTH = 2
"""An entry is what stands two levels deep: `feeds.public-pypi`, `permissions[3]`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked(Generic[S]):
    """A file whose shape was checked. `shape` is None where nothing of it can be used; `dropped` are the entries left out."""

    parsed: Parsed | None
    shape: S | None
    problems: tuple[Problem, ...]
    dropped: frozenset[Location]

    def names(self, key: str) -> frozenset[str]:
        """The names under a top-level key, those of entries that are wrong included."""
        value = self.parsed.value.get(key) if self.parsed is not None and isinstance(self.parsed.value, dict) else None
        return frozenset(value) if isinstance(value, dict) else frozenset()

    def kept(self, key: str) -> tuple[int, ...]:
        """The indices, in the file, of the entries of a top-level list that `shape` has."""
        value = self.parsed.value.get(key) if self.parsed is not None and isinstance(self.parsed.value, dict) else None
        return tuple(i for i in range(len(value)) if (key, i) not in self.dropped) if isinstance(value, list) else ()


def check(model: type[S], reading: Reading) -> Checked[S]:
    """The file as its shape, with all problems of its YAML and of its shape."""
    parsed = reading.parsed
    if parsed is None:
        return Checked(parsed=None, shape=None, problems=reading.problems, dropped=frozenset())
    problems = reading.problems
    dropped = frozenset(location[:ENTRY_DEPTH] for location in reading.flawed)
    try:
        shape = model.model_validate(parsed.value)
    except ValidationError as error:
        wrong = [(_location(parsed, e["loc"]), e) for e in error.errors(include_url=False)]
        told = (_explain(model, parsed, location, e) for location, e in wrong if not _under(location, reading.flawed))
        problems = tuple(islice(chain(problems, told), MAX_PROBLEMS))
        dropped |= {location[:ENTRY_DEPTH] for location, _ in wrong}
    else:
        if not dropped:
            return Checked(parsed=parsed, shape=shape, problems=problems, dropped=dropped)
    return Checked(parsed=parsed, shape=_validate_rest(model, parsed.value, dropped), problems=problems, dropped=dropped)


def _validate_rest(model: type[S], value: Value, dropped: Iterable[Location]) -> S | None:
    try:
        return model.model_validate(_without(value, frozenset(dropped)))
    except ValidationError:
        return None


def _without(value: Value, dropped: frozenset[Location], at: Location = ()) -> Value:
    if len(at) == ENTRY_DEPTH or isinstance(value, str):
        return value
    if isinstance(value, list):
        return [_without(item, dropped, (*at, i)) for i, item in enumerate(value) if (*at, i) not in dropped]
    return {key: _without(item, dropped, (*at, key)) for key, item in value.items() if (*at, key) not in dropped}


def _location(parsed: Parsed, loc: tuple[str | int, ...]) -> Location:
    """Pydantic's location without its mark of keys; of a text that stands for a list or a mapping, that of the text."""
    location = loc[:-1] if loc and loc[-1] == "[key]" and loc not in parsed.lines else loc
    return location[:-1] if location not in parsed.lines and _is_text(parsed.value, location[:-1]) else location


def _is_text(value: Value, location: Location) -> bool:
    inner: Any = value
    for key in location:
        inner = inner[key]
    return isinstance(inner, str)


def _under(location: Location, flawed: frozenset[Location]) -> bool:
    return any(location[:end] in flawed for end in range(1, len(location) + 1)) or (len(location) == 0 and () in flawed)


def _explain(model: type[BaseModel], parsed: Parsed, location: Location, error: Mapping[str, Any]) -> Problem:
    match error["type"]:
        case "extra_forbidden":
            keys = one_of(_keys(_model_at(model, location[:-1])))
            return parsed.key_problem(location, found="an unknown key", expected=keys)
        case "missing":
            return parsed.problem(location, found="nothing (missing key)", expected=_words(model, location))
        case "too_short":
            return parsed.problem(location, found="none", expected="at least one")
        case "expected" if error["loc"][-1:] == ("[key]",) and location != error["loc"]:
            return parsed.key_problem(location, found=described(location[-1]), expected=error["ctx"]["words"])
        case "expected":
            return parsed.problem(location, found=error["ctx"]["found"] or described(error["input"]), expected=error["ctx"]["words"])
        case "list_type":
            return parsed.problem(location, found=described(error["input"]), expected="a list")
        case _:
            return parsed.problem(location, found=described(error["input"]), expected="a mapping")


def _keys(model: type[BaseModel] | None) -> Iterator[str]:
    if model is not None:
        yield from (field.alias or name for name, field in model.model_fields.items())


def _field(model: type[BaseModel] | None, key: str | int) -> FieldInfo | None:
    fields = model.model_fields.items() if model is not None else ()
    return next((field for name, field in fields if (field.alias or name) == key), None)


def _words(model: type[BaseModel], location: Location) -> str:
    """What is expected at a location, in the words of the type there."""
    field = _field(_model_at(model, location[:-1]), location[-1])
    said = [item.words for item in field.metadata if isinstance(item, Expected)] if field is not None else []
    if said:
        return said[0]
    return "a list" if field is not None and get_origin(field.annotation) is list else "a mapping"


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """The model whose mapping stands at a location."""
    annotation: Any = model
    for key in location:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = _field(annotation, key)
            annotation = field.annotation if field is not None else None
        else:
            annotation = get_args(annotation)[-1] if get_args(annotation) else None
        annotation = (
            next((a for a in get_args(annotation) if a is not type(None)), None) if type(None) in get_args(annotation) else annotation
        )
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
