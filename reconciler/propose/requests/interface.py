"""What a forge does for a pull request, and the one way in which it is opened at all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from reconciler.errors import Refused
from reconciler.model.declared import Forge
from reconciler.observe.forges.api import Denied


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A pull request to open. `head` is the branch with the commits, in `source` ("owner/name", the project itself or a fork of it);
    `base` is the branch that they shall land on, None for the project's default one. `body` is Markdown."""

    head: str
    source: str
    base: str | None
    title: str
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A pull request that is open. `new`: it was not before."""

    number: int
    link: str
    new: bool


class Requests(Protocol):
    """The pull requests of one project. What asks the forge raises Unreachable where that does not answer, or not let the token do this, and
    Malformed for an answer in another shape than documented."""

    @property
    def forge(self) -> Forge:
        """The forge, with the project."""

    @property
    def may_write(self) -> bool:
        """Whether there is a token for it."""

    def objection(self, draft: Draft) -> str:
        """Why only a person can open it; "" where nothing is in the way. Asks nobody."""

    def default_branch(self) -> str:
        """The branch that the project lands on by default."""

    def find(self, draft: Draft) -> Opened | None:
        """The pull request of this branch that is open already."""

    def make(self, draft: Draft, base: str) -> Opened | Denied:
        """Opens it, to land on `base`; what the forge has against that."""

    def by_hand(self, draft: Draft) -> str:
        """The address at which a person opens it."""


def open_request(requests: Requests, draft: Draft) -> Opened:
    """Opens a pull request; the one of its branch that is open already, as it is, where there is one.

    Raises what `Requests` does, and Refused, in the forge's words, where it does not want it.
    """
    by_hand = f"open it by hand: {requests.by_hand(draft)}"
    if objection := requests.objection(draft):
        raise Refused(objection, remedy=by_hand)
    if found := requests.find(draft):
        return found
    made = requests.make(draft, draft.base or requests.default_branch())
    if isinstance(made, Opened):
        return made
    if found := requests.find(draft):  # somebody else was faster
        return found
    message = f"{requests.forge.project} does not take the pull request: {made.reason}"
    raise Refused(message, remedy=by_hand)
