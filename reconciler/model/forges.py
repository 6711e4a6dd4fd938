"""What is known of each kind of forge without asking: one row a kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from reconciler.model.declared import Forge, ForgeKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """The public server of a kind, and what is the same at every server of it.

    `hosts` are the names that remotes give the public server, that of its pages first; `api` is its REST API. On a server of one's own that lies
    at `api_path`. `accounts` is where people look up an account's number, below the API. `noreply` is the address that stands for an account
    (with its `{id}` and `{login}`), `committer` that of merges which the forge makes on somebody's click.
    """

    hosts: tuple[str, ...]
    api: str
    api_path: str
    accounts: str
    noreply: str
    committer: str


SITES: Final[Mapping[ForgeKind, Site]] = MappingProxyType(
    {
        # https://docs.github.com/rest/about-the-rest-api
        # https://docs.github.com/account-and-profile/reference/email-addresses-reference
        "github": Site(
            hosts=("github.com", "ssh.github.com"),
            api="https://api.github.com",
            api_path="/api/v3",
            accounts="/users/LOGIN",
            noreply="{id}+{login}@users.noreply.github.com",
            committer="noreply@github.com",
        ),
        # https://docs.gitlab.com/api/rest/
        # https://docs.gitlab.com/user/profile/#use-an-automatically-generated-private-commit-email
        "gitlab": Site(
            hosts=("gitlab.com", "altssh.gitlab.com"),
            api="https://gitlab.com/api/v4",
            api_path="/api/v4",
            accounts="/users?username=LOGIN",
            noreply="{id}-{login}@users.noreply.gitlab.com",
            committer="noreply@gitlab.com",
        ),
    }
)


def pages(forge: Forge) -> str:
    """The address, without a trailing slash, below which a forge has its pages for people."""
    site, api = SITES[forge.kind], forge.url.rstrip("/")
    return f"https://{site.hosts[0]}" if api == site.api else api.removesuffix(site.api_path)


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountAddress:
    """The account that an address stands for: the number is its own for ever, the login what it was called."""

    kind: ForgeKind
    id: int
    login: str


def account_in(email: str) -> AccountAddress | None:
    """The account that a forge's own address names, as `Site.noreply` writes it; None for any other address."""
    for kind, site in SITES.items():
        if found := _pattern(site.noreply).fullmatch(email):
            return AccountAddress(kind=kind, id=int(found["id"]), login=found["login"])
    return None


@cache
def _pattern(noreply: str) -> re.Pattern[str]:
    """The template as a pattern."""
    escaped = re.escape(noreply)
    return re.compile(escaped.replace(r"\{id\}", "(?P<id>[0-9]{1,18})").replace(r"\{login\}", "(?P<login>[^@]*)"), re.IGNORECASE)
