"""Who may do what with a feed, and which line says so, for a person and for a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from reconciler.show.inert import inert

EVERYONE = "everyone"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class CallerRow(_Row):
    """Somebody, and the line (path:line) that decides: a user's id, "everyone" (any git author), or "anonymous"."""

    user: str
    line: str


class TaskRow(_Row):
    """A task: who may, and who may not only because a line denies it. `from` and `to` are null where it promotes nothing."""

    task: str
    source: str | None = Field(alias="from")
    target: str | None = Field(alias="to")
    allowed: list[CallerRow]
    denied: list[CallerRow]


class WhoV1(_Row):
    """`reconciler who --format json`. Lines are those of the rules in force, which hold since the commit `rules`.

    `not_in_force` are rule files that read otherwise at `commit`.
    """

    schema_: Literal["who/v1"] = Field(default="who/v1", alias="schema")
    feed: str
    commit: str
    rules: str
    tasks: list[TaskRow]
    not_in_force: list[str]


def who_text(who: WhoV1) -> Iterator[str]:
    """The tasks, and beneath each one who may; a user for whom the same line says the same as for everyone is left out."""
    told = [(task, [*_told("may", task.allowed), *_told("denied", task.denied)]) for task in who.tasks]
    width = max((len(user) for _, rows in told for user, _, _ in rows), default=0)
    for path in who.not_in_force:
        yield f"{inert(path)} as it reads now is not in force (`reconciler plan` says why): its lines are those of commit {who.rules[:12]}"
    for task, rows in told:
        way = f" {task.source} -> {task.target}" if task.source is not None else ""
        yield f"{task.task}{way}"
        for user, verb, line in rows:
            yield f"  {user:<{width}}  {verb:<6}  {line}"
        if not task.allowed:
            yield "  nobody may"


def _told(verb: str, rows: list[CallerRow]) -> Iterator[tuple[str, str, str]]:
    general = {row.line for row in rows if row.user == EVERYONE}
    for row in rows:
        if row.user == EVERYONE or row.line not in general:
            yield inert(row.user), verb, inert(row.line)
