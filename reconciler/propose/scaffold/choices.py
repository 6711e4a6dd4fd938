"""What is chosen when a repository begins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from reconciler.model.declared import ForgeKind
from reconciler.model.events import Assurance, Person
from reconciler.model.forges import account_in
from reconciler.propose.remote import Remote

ODD: Final = re.compile(r"[^A-Za-z0-9._-]+")
RESERVED: Final = frozenset({"everyone", "anonymous"})
MAX_ID: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Administrator:
    """The one who begins: user id, name and address as git has them; the account at the forge and the signing key where known."""

    id: str
    name: str
    email: str
    account: int | None = None
    login: str | None = None
    signing_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What a repository shall have. `types` are types of feeds; `forge` is None unless reviews at a forge count.

    `install` is the command that installs this program in CI; `branch` the one that pull requests are for.
    """

    types: tuple[str, ...]
    reviews: Assurance
    administrator: Administrator
    ci: ForgeKind | None
    forge: Remote | None
    forge_kind: ForgeKind | None
    store: str
    branch: str
    install: str


def user_id(person: Person) -> str:
    """A user id out of an address: what stands before the @, without what no id may have."""
    found = account_in(person.email)
    name = found.login if found else person.email.partition("@")[0]
    id_ = ODD.sub("-", name).strip("._-")[:MAX_ID]
    return "administrator" if not id_ or id_ in RESERVED else id_


def account_of(person: Person, kind: ForgeKind | None) -> tuple[int, str] | None:
    """Number and login of the account that a forge's own address of this kind names; None for any other address."""
    found = account_in(person.email)
    return (found.id, found.login) if found is not None and found.kind == kind else None
