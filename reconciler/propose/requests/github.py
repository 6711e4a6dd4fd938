"""GitHub: pull requests (https://docs.github.com/rest/pulls/pulls).

GET  /repos/:owner/:name                              default_branch
GET  /repos/:owner/:name/pulls?state=open&head=:owner::branch
POST /repos/:owner/:name/pulls                        title, head, base, body
https://github.com/:owner/:name/compare/:base...:head?expand=1    the page for people
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from pydantic import Field

from reconciler.errors import Refused
from reconciler.model.declared import Forge
from reconciler.observe.forges.api import Api, Denied, Link, Number, Shape
from reconciler.propose.requests.interface import Draft, Opened
from reconciler.wire import Wire

MAX_BODY: Final = 65_536
"""Characters."""


class _Project(Shape):
    default_branch: str = Field(min_length=1, max_length=255)


class _Source(Shape):
    full_name: str


class _Head(Shape):
    ref: str
    repo: _Source | None


class _Pull(Shape):
    number: Number
    html_url: Link
    head: _Head


class GitHubRequests:
    """A repository at GitHub."""

    def __init__(self, forge: Forge, wire: Wire) -> None:
        self._forge: Final = forge
        self._api: Final = Api(forge, wire, base=f"repos/{forge.project}", accept="application/vnd.github+json")

    @property
    def may_write(self) -> bool:
        return self._api.may_write

    def open(self, draft: Draft) -> Opened:
        if found := self._found(draft):
            return found
        base = draft.base or self._api.one("", _Project).default_branch
        document = {"title": draft.title, "head": _head(draft), "base": base, "body": draft.body[:MAX_BODY]}
        made = self._api.make("pulls", document, _Pull)
        if not isinstance(made, Denied):
            return Opened(number=made.number, link=made.html_url, new=True)
        if found := self._found(draft):  # somebody else was faster
            return found
        message = f"{self._forge.project} does not take the pull request: {made.reason}"
        raise Refused(message, remedy=f"open it by hand: {self.by_hand(draft)}")

    def by_hand(self, draft: Draft) -> str:
        head = quote(draft.head if draft.source.casefold() == self._forge.project.casefold() else _head(draft), safe="/:")
        compared = f"{quote(draft.base, safe='/')}...{head}" if draft.base else head
        return f"{_pages(self._forge.url)}/{quote(self._forge.project, safe='/')}/compare/{compared}?expand=1"

    def _found(self, draft: Draft) -> Opened | None:
        pulls = self._api.rows("pulls", _Pull, query=f"state=open&head={quote(_head(draft), safe='')}&").rows
        for pull in pulls:  # GitHub leaves a filter out of account that it cannot read
            source = pull.head.repo.full_name if pull.head.repo else ""
            if pull.head.ref == draft.head and source.casefold() == draft.source.casefold():
                return Opened(number=pull.number, link=pull.html_url, new=False)
        return None


def _head(draft: Draft) -> str:
    return f"{draft.source.partition('/')[0]}:{draft.head}"


def _pages(api: str) -> str:
    """Where the pages for people are: GitHub Enterprise has its API below them, github.com beside them."""
    address = api.rstrip("/")
    return "https://github.com" if address == "https://api.github.com" else address.removesuffix("/api/v3")
