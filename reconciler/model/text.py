"""How a text of the declaration becomes a value, and in which words it is refused: what shapes of YAML files are made of.

YAML gives every scalar as text, so each type takes a text and gives the checked value. Parameters of rules are declared in the rules' own
modules, with these types; those of the other files are in `reconciler/declare/scalars.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Annotated, Any, Final, NoReturn, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

T = TypeVar("T")

DIGITS: Final = re.compile(r"0|[1-9][0-9]{0,18}")
MAX_COUNT: Final = 10_000
DURATION: Final = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
UNITS: Final[Mapping[str, timedelta]] = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
}
"""From the longest to the shortest."""
SIZE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?(B|kB|KB|MB|GB|KiB|MiB|GiB)")
SIZE_UNITS: Final[Mapping[str, int]] = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
"""Decimal and binary prefixes, as IEC 80000-13 has them; "KB" for what it writes "kB"."""


class Shape(BaseModel):
    """A mapping with fixed keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a problem says where the value of this type is wrong or missing."""

    words: str


def refuse(words: str, *, found: str = "") -> NoReturn:
    """Refuses the value in the words of `Expected`; `found` says what it is where the value itself is not to be shown."""
    raise PydanticCustomError("expected", "expected {words}", {"words": words, "found": found})  # noqa: EM101 pydantic takes a template


def texts(words: str, convert: Callable[[str], T | None]) -> tuple[PlainValidator, Expected]:
    """A validator for texts; `convert` gives None for what it refuses."""

    def check(value: object) -> T:
        converted = convert(value) if isinstance(value, str) else None
        if converted is None:
            refuse(words)
        return converted

    return PlainValidator(check), Expected(words)


def among(words: Sequence[T]) -> Callable[[str], T | None]:
    """Takes one of these words."""
    return lambda text: next((word for word in words if word == text), None)


def one_of(*words: str) -> tuple[Any, ...]:
    """The annotations of a text that is one of these words."""
    listed = f"{', '.join(words[:-1])} or {words[-1]}"
    return (*texts(listed, among(words)), WithJsonSchema({"enum": list(words)}))


def one_or_more(words: str, item: JsonDict) -> tuple[Any, ...]:
    """The annotations of a list of texts for which one text may stand alone; `item` is the JSON Schema of each of them."""
    schema = {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}
    return BeforeValidator(_listed), Field(min_length=1), Expected(words), WithJsonSchema(schema)


def _listed(value: object) -> Any:
    return [value] if isinstance(value, str) else value


def _count(text: str) -> int | None:
    return int(text) if DIGITS.fullmatch(text) and 0 < int(text) <= MAX_COUNT else None


def _duration(text: str) -> timedelta | None:
    match = DURATION.fullmatch(text)
    return int(match[1]) * UNITS[match[2]] if match else None


def duration_text(duration: timedelta) -> str:
    """As it is written in YAML, in the longest unit that it is a whole number of, weeks apart: nobody thinks of 14 days as two weeks."""
    unit = next(unit for unit in ("d", "h", "m") if not duration % UNITS[unit] or unit == "m")
    return f"{duration // UNITS[unit]}{unit}"


def rough_text(duration: timedelta) -> str:
    """As people say how old something is."""
    minutes = max(0, duration // UNITS["m"])
    count, unit = next(
        (minutes // size, unit) for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)) if minutes >= 2 * size or size == 1
    )
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _size(text: str) -> int | None:
    match = SIZE.fullmatch(text)
    return int(Fraction(match[1]) * SIZE_UNITS[match[2]]) or None if match else None


Count: TypeAlias = Annotated[
    int, *texts(f"a number from 1 to {MAX_COUNT}", _count), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_COUNT})
]
Flag: TypeAlias = Annotated[bool, *texts("true or false", {"true": True, "false": False}.get), WithJsonSchema({"type": "boolean"})]
Duration: TypeAlias = Annotated[
    timedelta,
    *texts('a time with its unit, as in "7d" (m, h, d or w)', _duration),
    WithJsonSchema({"type": "string", "pattern": f"^(?:{DURATION.pattern})$"}),
]
"""A unit is mandatory: "7" alone would be days for one reader and seconds for another."""
Size: TypeAlias = Annotated[
    int,
    *texts('a size with its unit, as in "50 MB" or "2 GiB"', _size),
    WithJsonSchema({"type": "string", "pattern": f"^{SIZE.pattern}$"}),
]
"""Bytes, at least 1."""
