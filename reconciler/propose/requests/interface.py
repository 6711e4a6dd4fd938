"""What a forge does for a pull request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


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
    """The pull requests of one project."""

    @property
    def may_write(self) -> bool:
        """Whether there is a token for it."""

    def open(self, draft: Draft) -> Opened:
        """Opens it; the one of this branch that is open already, as it is, where there is one.

        Refused, in the forge's words, where it does not want it; Unreachable where it does not answer, or not let the token do that;
        Malformed for an answer in another shape than documented.
        """

    def by_hand(self, draft: Draft) -> str:
        """The address at which a person opens it."""
