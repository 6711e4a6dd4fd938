"""policies/permissions.yaml: from its shape to `Permissions`, with every name in it looked up and groups resolved to users."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import chain, islice
from typing import Final, Literal

from reconciler.declare.check import check
from reconciler.declare.cycles import arrows, cycles
from reconciler.declare.document import Parsed
from reconciler.declare.permissions_schema import PermissionsFile, PermissionShape, SigningKeyShape, UserShape
from reconciler.declare.reader import MAX_PROBLEMS
from reconciler.declare.scalars import RESERVED_USERS
from reconciler.declare.strict_yaml import read
from reconciler.declare.wording import Location, one_of, quoted
from reconciler.model.declared import PERMISSIONS_FILE
from reconciler.model.permissions import Line, Permission, Permissions, SigningKey, Task, User
from reconciler.model.words import FeedName, Problem

FEEDLESS: Final[frozenset[Task]] = frozenset({"administer", "manage-tokens"})
"""Tasks that concern no feed in particular."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PermissionsRead:
    """policies/permissions.yaml as far as it could be read: `permissions` is None if there are problems."""

    permissions: Permissions | None
    problems: tuple[Problem, ...]


def read_permissions(data: bytes, feeds: Collection[str] | None) -> PermissionsRead:
    """The bytes of permissions.yaml, checked; `feeds` are the names of feeds that there are, None where that is not known."""
    checked = check(PermissionsFile, read(PERMISSIONS_FILE, data))
    if checked.parsed is None or checked.shape is None:
        return PermissionsRead(permissions=None, problems=checked.problems)
    cross = _Cross(
        parsed=checked.parsed,
        shape=checked.shape,
        lines=checked.kept("permissions"),
        users=checked.names("users"),
        groups=checked.names("groups"),
        feeds=feeds,
    )
    problems = tuple(islice(chain(checked.problems, cross.problems()), MAX_PROBLEMS))
    permissions = None if problems else _permissions(checked.parsed, checked.shape)
    return PermissionsRead(permissions=permissions, problems=problems)


def _permissions(parsed: Parsed, shape: PermissionsFile) -> Permissions:
    users = {id_: _user(parsed, id_, user) for id_, user in shape.users.items()}
    lines = tuple(_permission(parsed, index, line) for index, line in enumerate(shape.permissions))
    return Permissions(users=users, groups=_resolved(shape.groups), permissions=lines)


def _user(parsed: Parsed, id_: str, user: UserShape) -> User:
    keys = tuple(_signing_key(parsed, ("users", id_, "signing_keys", index), key) for index, key in enumerate(user.signing_keys))
    return User(id=id_, name=user.name, emails=frozenset(user.emails), github=user.github, gitlab=user.gitlab, signing_keys=keys)


def _signing_key(parsed: Parsed, location: Location, shape: SigningKeyShape) -> SigningKey:
    return SigningKey(
        key=shape.key.text,
        fingerprint=shape.key.fingerprint,
        valid_from=shape.valid_from,
        valid_until=shape.valid_until,
        revoked=shape.revoked,
        where=Line(path=parsed.path, line=parsed.lines[location]),
    )


def _resolved(groups: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    """The users of each group and of the groups in it, inner groups first; there is no cycle any more."""
    inner = {name: [entry[1:] for entry in entries if entry.startswith("@")] for name, entries in groups.items()}
    members: dict[str, frozenset[str]] = {}
    for name in TopologicalSorter(inner).static_order():
        direct = frozenset(entry for entry in groups[name] if not entry.startswith("@"))
        members[name] = direct.union(*(members[other] for other in inner[name]))
    return {name: members[name] for name in groups}


def _permission(parsed: Parsed, index: int, line: PermissionShape) -> Permission:
    task = line.allow or line.deny
    principal = line.user or line.group
    if task is None or principal is None:
        message = "a permission without task or principal has passed the checks"
        raise AssertionError(message)
    return Permission(
        allow=line.allow is not None,
        task=task,
        kind=_kind(line),
        principal=principal,
        source=_names(line.source),
        target=_names(line.target),
        feeds=_names(line.feeds),
        where=Line(path=parsed.path, line=parsed.lines[("permissions", index)]),
    )


def _kind(line: PermissionShape) -> Literal["user", "group", "everyone", "anonymous"]:
    if line.group is not None:
        return "group"
    if line.user == "everyone":
        return "everyone"
    return "anonymous" if line.user == "anonymous" else "user"


def _names(feeds: Sequence[FeedName] | None) -> frozenset[FeedName] | None:
    return None if feeds is None else frozenset(feeds)


def _claims_of(id_: str, user: UserShape) -> Iterator[tuple[Location, str]]:
    """What names this user and nobody else, as a problem shows it."""
    yield from ((("users", id_, "emails", index), email) for index, email in enumerate(user.emails))
    yield from ((("users", id_, "signing_keys", index), shape.key.fingerprint) for index, shape in enumerate(user.signing_keys))
    for account, number in (("github", user.github), ("gitlab", user.gitlab)):
        if number is not None:
            yield ("users", id_, account), str(number)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cross:
    """The checks that concern several entries. `users`, `groups`, `feeds` are names that are declared, well or badly."""

    parsed: Parsed
    shape: PermissionsFile
    lines: tuple[int, ...]
    users: frozenset[str]
    groups: frozenset[str]
    feeds: Collection[str] | None

    def problems(self) -> Iterator[Problem]:
        yield from self._claims()
        yield from self._keys()
        for name, entries in self.shape.groups.items():
            for index, entry in enumerate(entries):
                yield from self._member(("groups", name, index), entry)
        inner = {name: [e[1:] for e in entries if e.startswith("@")] for name, entries in self.shape.groups.items()}
        for way in cycles(inner):
            found = f"a cycle ({arrows(way)})"
            yield self.parsed.problem(("groups", way[0]), found=found, expected="groups that do not lead back here")
        for index, line in zip(self.lines, self.shape.permissions, strict=True):
            yield from self._line(("permissions", index), line)

    def _claims(self) -> Iterator[Problem]:
        """An address, an account or a key belongs to one user: else a commit would be two people's."""
        claimed: dict[tuple[str, str], str] = {}
        for id_, user in self.shape.users.items():
            for location, claim in _claims_of(id_, user):
                first = claimed.setdefault((str(location[2]), claim), id_)
                if first != id_:
                    found = f"{quoted(claim)}, which {quoted(first)} has too"
                    yield self.parsed.problem(location, found=found, expected="one user for it")

    def _keys(self) -> Iterator[Problem]:
        """A key stands once, so that one line says when it counts; its days make sense."""
        for id_, user in self.shape.users.items():
            known: set[str] = set()
            for index, key in enumerate(user.signing_keys):
                here = ("users", id_, "signing_keys", index)
                if key.key.fingerprint in known:
                    yield self.parsed.problem(here, found=f"{key.key.fingerprint} a second time", expected="each key once")
                known.add(key.key.fingerprint)
                if key.valid_from is not None and key.valid_until is not None and key.valid_from >= key.valid_until:
                    expected = f"a day after valid_from ({key.valid_from})"
                    yield self.parsed.problem((*here, "valid_until"), found=quoted(str(key.valid_until)), expected=expected)

    def _member(self, location: Location, entry: str) -> Iterator[Problem]:
        name = entry.removeprefix("@")
        if name == entry:
            yield from self._user(location, name)
        else:
            yield from self._group(location, name)

    def _user(self, location: Location, name: str) -> Iterator[Problem]:
        if name in RESERVED_USERS:
            yield self.parsed.problem(location, found=f"the reserved user {name}", expected="users that are declared, in a group")
        elif name not in self.users:
            yield self.parsed.problem(location, found=f"the unknown user {quoted(name)}", expected=one_of(self.users))

    def _group(self, location: Location, name: str) -> Iterator[Problem]:
        if name not in self.groups:
            yield self.parsed.problem(location, found=f"the unknown group {quoted(name)}", expected=one_of(self.groups))

    def _line(self, here: Location, line: PermissionShape) -> Iterator[Problem]:
        yield from self._either(here, ("allow", line.allow), ("deny", line.deny))
        yield from self._either(here, ("user", line.user), ("group", line.group))
        if line.user is not None and line.user not in RESERVED_USERS:
            yield from self._user((*here, "user"), line.user)
        if line.group is not None:
            yield from self._group((*here, "group"), line.group)
        task = line.allow or line.deny
        for key, names in (("from", line.source), ("to", line.target), ("feeds", line.feeds)):
            if names is not None and task is not None:
                yield from self._dimension((*here, key), task)
            yield from self._known_feeds((*here, key), names or [])

    def _either(self, here: Location, one: tuple[str, object], other: tuple[str, object]) -> Iterator[Problem]:
        given = [key for key, value in (one, other) if value is not None]
        if len(given) != 1:
            found = " and ".join(given) or f"neither {one[0]} nor {other[0]}"
            yield self.parsed.problem(here, found=found, expected=f"either {one[0]} or {other[0]}")

    def _dimension(self, location: Location, task: Task) -> Iterator[Problem]:
        """Promotions have two ends, other tasks one feed, and some concern no feed."""
        key = location[-1]
        if task in FEEDLESS:
            yield self.parsed.key_problem(location, found=f"the key {key} with {task}", expected="no feeds, since the task concerns none")
        elif task == "promote-packages" and key == "feeds":
            yield self.parsed.key_problem(location, found=f"the key feeds with {task}", expected="from, to")
        elif task != "promote-packages" and key != "feeds":
            yield self.parsed.key_problem(location, found=f"the key {key} with {task}", expected="feeds")

    def _known_feeds(self, location: Location, names: Sequence[str]) -> Iterator[Problem]:
        if self.feeds is None:
            return
        for index, name in enumerate(names):
            if name not in self.feeds:
                inner = (*location, index)
                at = inner if inner in self.parsed.lines else location
                yield self.parsed.problem(at, found=f"the unknown feed {quoted(name)}", expected=one_of(self.feeds))
