"""GitLab: merge requests (https://docs.gitlab.com/api/merge_requests/).

GET  /projects/:id                                    default_branch
GET  /projects/:id/merge_requests?state=opened&source_branch=:branch
POST /projects/:id/merge_requests                     source_branch, target_branch, title, description
https://gitlab.com/:project/-/merge_requests/new      the page for people
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from pydantic import Field

from reconciler.model.declared import Forge
from reconciler.model.forges import pages
from reconciler.observe.forges.api import Api, Denied, Link, Number, Shape
from reconciler.propose.requests.interface import Draft, Opened
from reconciler.wire import Wire

MAX_TITLE: Final = 255
"""Characters."""


class _Project(Shape):
    default_branch: str = Field(min_length=1, max_length=255)


class _Request(Shape):
    number: Number = Field(alias="iid")
    web_url: Link
    source_branch: str
    source_project_id: Number | None
    target_project_id: Number


class GitLabRequests:
    """A project at a GitLab."""

    def __init__(self, forge: Forge, wire: Wire) -> None:
        self.forge: Final = forge
        self._api: Final = Api(forge, wire, base=f"projects/{quote(forge.project, safe='')}", accept="application/json")

    @property
    def may_write(self) -> bool:
        return self._api.may_write

    def objection(self, draft: Draft) -> str:
        if draft.source.casefold() == self.forge.project.casefold():
            return ""
        return f"{draft.source} is a fork of {self.forge.project}, from which only a person opens merge requests"

    def default_branch(self) -> str:
        return self._api.one("", _Project).default_branch

    def find(self, draft: Draft) -> Opened | None:
        query = f"state=opened&source_branch={quote(draft.head, safe='')}&"
        for one in self._api.rows("merge_requests", _Request, query=query).rows:
            if one.source_branch == draft.head and one.source_project_id == one.target_project_id:
                return Opened(number=one.number, link=one.web_url, new=False)
        return None

    def make(self, draft: Draft, base: str) -> Opened | Denied:
        document = {"source_branch": draft.head, "target_branch": base, "title": draft.title[:MAX_TITLE], "description": draft.body}
        made = self._api.make("merge_requests", document, _Request)
        return made if isinstance(made, Denied) else Opened(number=made.number, link=made.web_url, new=True)

    def by_hand(self, draft: Draft) -> str:
        fields = {"merge_request[source_branch]": draft.head} | ({"merge_request[target_branch]": draft.base} if draft.base else {})
        return f"{pages(self.forge)}/{quote(draft.source, safe='/')}/-/merge_requests/new?{urlencode(fields, quote_via=quote)}"
