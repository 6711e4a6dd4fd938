"""The closure of a feed: what its versions need at run time, and which of that nothing in the feed satisfies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.model.packages import Dependency
from reconciler.model.words import Identity, Version


@dataclass(frozen=True, kw_only=True, slots=True)
class Supplied:
    """A version that counts, the package's name as people spell it. `dependencies` None: nobody knows them."""

    name: str
    version: Version
    dependencies: Sequence[Dependency] | None
    frameworks: Sequence[str] = ()
    """As in `Traits`."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Gap:
    """A dependency that nothing satisfies: `identity` cannot be installed without it, whether it or something that it needs asks for it.

    `needs`, `range` and `extras` are as the last of `path` asks for them. `path` leads from the dependent to there by the fewest steps, each
    "name version" or "name[extra] version"; the middle of a long one is left out, and told. `targets`: for which of the feed's targets
    (none: it has none). `unread`: why name or range cannot be read at all ("": they can).
    """

    identity: Identity
    needs: str
    range: str
    extras: tuple[str, ...]
    path: tuple[str, ...]
    targets: tuple[str, ...] = ()
    unread: str = ""
