"""policies/<any>.yaml, one rule a file; and policies/forge.yaml, where pull requests are reviewed.

The shape of `params:` belongs to the rule and comes from its module; everything around it is the same for all rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model

from reconciler.declare.check import check
from reconciler.declare.scalars import PublicUrl
from reconciler.declare.strict_yaml import read
from reconciler.declare.wording import described
from reconciler.declare.wording import one_of as names_of
from reconciler.model.declared import FORGE_FILE, Forge, ForgeKind, OnExisting, OnViolation, Policy
from reconciler.model.forges import SITES
from reconciler.model.patterns import Patterns
from reconciler.model.permissions import Line
from reconciler.model.text import Shape, one_of, texts
from reconciler.model.words import Problem

S = TypeVar("S")

PROJECT: Final = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}(?:/[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}){1,10}")

RuleName: TypeAlias = Annotated[str, *texts("the name of a rule", lambda t: t if t.strip() else None), WithJsonSchema({"type": "string"})]


class PolicyFile(Shape):
    """policies/<any>.yaml: one rule, where it holds, what follows where it is broken."""

    model_config = ConfigDict(title="Policy")

    rule: RuleName = Field(description="The rule.", examples=["review"])
    feeds: Patterns = Field(default=["*"], description="The feeds that it holds for, as patterns.", examples=[["approved-*"]])
    packages: Patterns = Field(default=["*"], description="The packages that it holds for, as patterns.", examples=[["Contoso.*"]])
    on_violation: Annotated[OnViolation, *one_of("warn", "hold", "deny")] = Field(
        default="hold", description="What becomes of a promotion that breaks it."
    )
    on_existing: Annotated[OnExisting, *one_of("alert", "unlist", "quarantine")] = Field(
        default="alert", description="What becomes of what is published already and breaks it."
    )


class ForgeFile(Shape):
    """policies/forge.yaml: the forge whose reviews are evidence."""

    model_config = ConfigDict(title="Forge")

    type: Annotated[ForgeKind, *one_of(*SITES)] = Field(description="Which REST API it speaks.")
    url: PublicUrl | None = Field(
        default=None,
        description="The address of the REST API. Default: that of github.com or gitlab.com.",
        examples=["https://github.example.org/api/v3", "https://gitlab.example.org/api/v4"],
    )
    project: Annotated[
        str,
        *texts("a project as in acme/approvals", lambda t: t if PROJECT.fullmatch(t) and ".." not in t else None),
        WithJsonSchema({"type": "string", "pattern": f"^{PROJECT.pattern}$"}),
    ] = Field(description="The repository at the forge.", examples=["acme/approvals"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Read(Generic[S]):
    """A file as far as it could be read: `value` is None if there are problems."""

    value: S | None
    problems: tuple[Problem, ...]


def read_policy(path: str, data: bytes, rules: Mapping[str, type[BaseModel]]) -> Read[Policy]:
    """The bytes of a policy file, checked; `rules` has the shape of each rule's parameters."""
    reading = read(path, data)
    value = reading.parsed.value if reading.parsed is not None else None
    name = value.get("rule") if isinstance(value, dict) else None
    params = rules.get(name) if isinstance(name, str) else None
    if reading.parsed is not None and isinstance(value, dict) and "rule" in value and params is None:
        problem = reading.parsed.problem(("rule",), found=described(name), expected=names_of(rules))
        return Read(value=None, problems=(*reading.problems, problem))
    checked = check(policy_shape(name, params) if params and isinstance(name, str) else PolicyFile, reading)
    if checked.problems or checked.shape is None or checked.parsed is None:
        return Read(value=None, problems=checked.problems)
    shape: Any = checked.shape
    policy = Policy(
        path=path,
        rule=shape.rule,
        feeds=tuple(shape.feeds),
        packages=tuple(shape.packages),
        on_violation=shape.on_violation,
        on_existing=shape.on_existing,
        params=shape.params,
        where=Line(path=path, line=checked.parsed.lines[("rule",)]),
    )
    return Read(value=policy, problems=())


def read_forge(data: bytes) -> Read[Forge]:
    """The bytes of policies/forge.yaml, checked."""
    checked = check(ForgeFile, read(FORGE_FILE, data))
    shape = checked.shape
    if checked.problems or shape is None or checked.parsed is None:
        return Read(value=None, problems=checked.problems)
    url = shape.url or SITES[shape.type].api
    if urlsplit(url).scheme != "https" and urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"}:
        problem = checked.parsed.problem(("url",), found=described(url), expected="an https address: reviews decide who may promote")
        return Read(value=None, problems=(problem,))
    return Read(value=Forge(kind=shape.type, url=url, project=shape.project, where=Line(path=FORGE_FILE, line=1)), problems=())


@cache
def policy_shape(rule: str, params: type[BaseModel]) -> type[PolicyFile]:
    """The shape of a policy file of one rule; its parameters may be left out where all of them have defaults."""
    required = any(field.is_required() for field in params.model_fields.values())
    default = ... if required else params()
    fields: dict[str, Any] = {
        "rule": (Annotated[RuleName, WithJsonSchema({"const": rule})], Field(description="The rule.")),
        "params": (params, Field(default=default, description="What the rule asks for.")),
    }
    made: type[PolicyFile] = create_model(f"{rule}-policy", __base__=PolicyFile, __doc__=f"A policy of the rule {rule}.", **fields)
    return made
