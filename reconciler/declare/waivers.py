"""policies/waivers/<any>.yaml: one exception from a rule a file, with its owner, its reason and its end.

What it names is checked by the ecosystems of the approved feeds that it is for: a misspelt one would except nothing, and nobody would
know. Whether it still holds, and still matches something, depends on the clock and the approvals, and is told by `reconciler check`
(`decide/waiver_report.py`), not here: a waiver that has ended must not make the rules invalid.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from pydantic import ConfigDict, Field, WithJsonSchema

from reconciler.declare.check import check
from reconciler.declare.document import Parsed
from reconciler.declare.kinds import Kinds
from reconciler.declare.policies import Read, RuleName
from reconciler.declare.scalars import SCALAR, Day, PrincipalReference, Text
from reconciler.declare.strict_yaml import read
from reconciler.declare.wording import inert, one_of, quoted
from reconciler.ecosystems.interface import Ecosystem
from reconciler.model.declared import Settings
from reconciler.model.patterns import Patterns, matching
from reconciler.model.permissions import Line
from reconciler.model.text import Shape, one_or_more, texts
from reconciler.model.waivers import Waiver
from reconciler.model.words import Problem

MAX_NAME: Final = 300
ANY_VERSION: Final = "1.0.0"
"""A version in every ecosystem: a range is read by asking whether it admits this one."""

NAME_SCHEMA: Final = {"type": SCALAR, "minLength": 1, "maxLength": MAX_NAME}

Name: TypeAlias = Annotated[
    str,
    *texts(f"one line of text without outer blanks, at most {MAX_NAME} characters", lambda t: t if _is_name(t) else None),
    WithJsonSchema(NAME_SCHEMA),
]
Versions: TypeAlias = Annotated[
    list[Name],
    *one_or_more("a version, or a list of versions", NAME_SCHEMA),
]


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME and text == text.strip() and text.isprintable()


class WaiverFile(Shape):
    """policies/waivers/<any>.yaml: what a rule says of these versions of a package does not count, for a while."""

    model_config = ConfigDict(
        title="Waiver",
        json_schema_extra={"oneOf": [{"required": ["versions"]}, {"required": ["range"]}]},
    )

    rule: RuleName = Field(description="The rule that it is an exception from.", examples=["vulnerability", "age"])
    id: Name | None = Field(
        default=None,
        description="The advisory or license that it is about, where the rule speaks of such; other findings of the rule still count.",
        examples=["GHSA-5crp-9r3c-p9vr", "AGPL-3.0-only"],
    )
    feed: Patterns = Field(description="The approved feeds that it holds for, as patterns.", examples=["approved-nuget"])
    package: Name = Field(description="The package, in any spelling.", examples=["Newtonsoft.Json"])
    versions: Versions | None = Field(default=None, description="The versions.", examples=[["12.0.3"]])
    range: Name | None = Field(
        default=None, description="Instead of versions: a range as dependencies of the ecosystem have it.", examples=["[12.0.0,13.0.0)"]
    )
    owner: PrincipalReference = Field(description="The id of the user who answers for it.", examples=["ada"])
    reason: Text = Field(description="Why what the rule says does not matter here.")
    expires: Day = Field(description="The day from which on (00:00 UTC) it does not hold: at most a year ahead.", examples=["2027-01-31"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What a waiver may name: feeds and users (None: they could not be read, and are not judged by), rules and ecosystems."""

    settings: Settings | None
    users: Collection[str] | None
    kinds: Kinds


def read_waiver(path: str, data: bytes, known: Known) -> Read[Waiver]:
    """The bytes of a waiver's file, checked."""
    checked = check(WaiverFile, read(path, data))
    shape, parsed = checked.shape, checked.parsed
    if shape is None or parsed is None:
        return Read(value=None, problems=checked.problems)
    crossed = (*_rule(parsed, shape, known), *_owner(parsed, shape, known), *_what(parsed), *_named(parsed, shape, known))
    said = {problem.key for problem in checked.problems}
    problems = (*checked.problems, *(problem for problem in crossed if problem.key not in said))
    if problems:
        return Read(value=None, problems=problems)
    waiver = Waiver(
        rule=shape.rule,
        id=shape.id or "",
        feeds=tuple(shape.feed),
        package=shape.package,
        versions=tuple(shape.versions or ()),
        range=shape.range or "",
        owner=shape.owner,
        reason=shape.reason,
        expires=shape.expires,
        where=Line(path=path, line=parsed.lines[("rule",)]),
    )
    return Read(value=waiver, problems=())


def _rule(parsed: Parsed, shape: WaiverFile, known: Known) -> Iterator[Problem]:
    """The rule is there, can be waived, and in this way."""
    waivable = known.kinds.waivable
    possible = one_of(rule for rule, how in waivable.items() if how != "no")
    match waivable.get(shape.rule):
        case None:
            yield parsed.problem(("rule",), found=f"the unknown rule {quoted(shape.rule)}", expected=possible)
        case "no":
            yield parsed.problem(("rule",), found=f"{quoted(shape.rule)}, which has no exceptions", expected=possible)
        case "by id" if shape.id is None:
            expected = f"the advisory or license that is waived: {shape.rule} is not waived as a whole"
            yield parsed.problem(("id",), found="nothing (missing key)", expected=expected)
        case "whole" if shape.id is not None:
            yield parsed.key_problem(("id",), found="the key id", expected=f"no such key, since {shape.rule} is waived as a whole")
        case _:
            pass


def _owner(parsed: Parsed, shape: WaiverFile, known: Known) -> Iterator[Problem]:
    if known.users is not None and shape.owner not in known.users:
        yield parsed.problem(("owner",), found=f"the unknown user {quoted(shape.owner)}", expected=one_of(known.users))


def _what(parsed: Parsed) -> Iterator[Problem]:
    given = [key for key in ("versions", "range") if key in parsed.value]
    if len(given) != 1:
        found = " and ".join(given) or "neither versions nor range"
        yield parsed.problem((), found=found, expected="either versions or range")


def _named(parsed: Parsed, shape: WaiverFile, known: Known) -> Iterator[Problem]:
    """Every pattern is for some approved feed; the package and what is said of its versions mean something in all of them."""
    if known.settings is None:
        return
    approved = known.settings.approved()
    for index, pattern in enumerate(shape.feed):
        if all(matching([pattern], name) is None for name in approved):
            at = ("feed", index) if ("feed", index) in parsed.lines else ("feed",)
            yield parsed.problem(at, found=f"{quoted(pattern)}, which matches no approved feed", expected=one_of(approved))
    types = {feed.type for name, feed in approved.items() if matching(shape.feed, name) is not None}
    for type_ in sorted(types):
        yield from _in_ecosystem(parsed, shape, type_, known.kinds.ecosystems[type_])


def _in_ecosystem(parsed: Parsed, shape: WaiverFile, type_: str, ecosystem: Ecosystem) -> Iterator[Problem]:
    try:
        ecosystem.normalize_name(shape.package)
    except ValueError as error:
        yield parsed.problem(("package",), found=quoted(shape.package), expected=f"a name that {type_} allows ({inert(str(error))})")
    for index, text in enumerate(shape.versions or ()):
        try:
            ecosystem.parse_version(text)
        except ValueError as error:
            at = ("versions", index) if ("versions", index) in parsed.lines else ("versions",)
            yield parsed.problem(at, found=quoted(text), expected=f"a version that {type_} allows ({inert(str(error))})")
    if shape.range is not None:
        try:
            ecosystem.contains(shape.range, ecosystem.parse_version(ANY_VERSION))
        except ValueError as error:
            yield parsed.problem(("range",), found=quoted(shape.range), expected=f"a range that {type_} allows ({inert(str(error))})")
