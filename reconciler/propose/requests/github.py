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

from reconciler.model.declared import Forge
from reconciler.model.forges import pages
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
        self.forge: Final = forge
        self._api: Final = Api(forge, wire, base=f"repos/{forge.project}", accept="application/vnd.github+json")

    @property
    def may_write(self) -> bool:
        return self._api.may_write

    def objection(self, draft: Draft) -> str:
        del draft  # forks, too, open pull requests
        return ""

    def default_branch(self) -> str:
        return self._api.one("", _Project).default_branch

    def find(self, draft: Draft) -> Opened | None:
        pulls = self._api.rows("pulls", _Pull, query=f"state=open&head={quote(_head(draft), safe='')}&").rows
        for pull in pulls:  # GitHub leaves a filter out of account that it cannot read
            source = pull.head.repo.full_name if pull.head.repo else ""
            if pull.head.ref == draft.head and source.casefold() == draft.source.casefold():
                return Opened(number=pull.number, link=pull.html_url, new=False)
        return None

    def make(self, draft: Draft, base: str) -> Opened | Denied:
        document = {"title": draft.title, "head": _head(draft), "base": base, "body": draft.body[:MAX_BODY]}
        made = self._api.make("pulls", document, _Pull)
        return made if isinstance(made, Denied) else Opened(number=made.number, link=made.html_url, new=True)

    def by_hand(self, draft: Draft) -> str:
        head = quote(draft.head if draft.source.casefold() == self.forge.project.casefold() else _head(draft), safe="/:")
        compared = f"{quote(draft.base, safe='/')}...{head}" if draft.base else head
        return f"{pages(self.forge)}/{quote(self.forge.project, safe='/')}/compare/{compared}?expand=1"


def _head(draft: Draft) -> str:
    return f"{draft.source.partition('/')[0]}:{draft.head}"
