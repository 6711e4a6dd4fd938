"""`policies/permissions.yaml`, parsed, checked and normalised: users with what names them, groups, who may do what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal, TypeAlias

from reconciler.model.words import FeedName

Task: TypeAlias = Literal["administer", "manage-feed", "manage-tokens", "promote-packages", "publish-packages", "view-and-download"]
TASKS: Final[tuple[Task, ...]] = ("administer", "manage-feed", "manage-tokens", "promote-packages", "publish-packages", "view-and-download")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Where in the declaration something is said."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """An SSH public key that signs somebody's commits: `key` is type and base64 text, `fingerprint` OpenSSH's ("SHA256:...").

    It is valid from `valid_from` 00:00Z on and no longer from `valid_until` 00:00Z on (None: no bound). One that is `revoked` counts for
    nothing that is judged by these permissions, whatever date a commit claims.
    """

    key: str
    fingerprint: str
    valid_from: date | None
    valid_until: date | None
    revoked: date | None
    where: Line


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A person with what names them: `emails`, case-folded; the numbers of accounts at GitHub and GitLab; keys that sign commits."""

    id: str
    name: str
    emails: frozenset[str]
    github: int | None
    gitlab: int | None = None
    signing_keys: tuple[SigningKey, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Permission:
    """One line of `permissions:`. None for a feed dimension means any feed; `principal` is a user's id, a group's name, or
    reserved ("everyone", "anonymous")."""

    allow: bool
    task: Task
    kind: Literal["user", "group", "everyone", "anonymous"]
    principal: str
    source: frozenset[FeedName] | None
    target: frozenset[FeedName] | None
    feeds: frozenset[FeedName] | None
    where: Line


def _names_of(user: User) -> Iterator[str]:
    yield from user.emails
    yield from (f"{forge}:{number}" for forge, number in (("github", user.github), ("gitlab", user.gitlab)) if number is not None)
    yield from (key.fingerprint for key in user.signing_keys)


@dataclass(frozen=True, kw_only=True, slots=True)
class Permissions:
    """`policies/permissions.yaml`; groups are resolved to user ids (groups inside groups included)."""

    users: Mapping[str, User]
    groups: Mapping[str, frozenset[str]]
    permissions: tuple[Permission, ...]
    known_as: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """Users by what names them: an address, "github:<number>", "gitlab:<number>", the fingerprint of a key."""

    decided: dict[Any, Any] = field(init=False, repr=False, compare=False)
    """What was decided before by these permissions: a table that `decide/rights.py` fills and reads."""

    def __post_init__(self) -> None:
        names = ((name, user.id) for user in self.users.values() for name in _names_of(user))
        object.__setattr__(self, "known_as", dict(names))
        object.__setattr__(self, "decided", {})
