"""A closure to be approved, over an upstream in memory: `Ground` for tests of the tree and of what is chosen for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.declaration import KINDS
from reconciler.declare.load import load_rules
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.advisories import Matched
from reconciler.model.declared import Rules
from reconciler.model.plan import Found
from reconciler.model.words import FeedName, Identity, PackageKey, Version
from reconciler.propose.closure import Ground, Part, Tree, close
from reconciler.propose.judge import Judge
from reconciler.propose.market import Choice, Market, Offer
from tests.support.declared import APPROVED, NOW, PUBLIC, permissions_yaml
from tests.support.shelf import Shelf
from tests.support.wheels import sdist, sdist_name, wheel, wheel_name

PYPI = ECOSYSTEMS["pypi"]


def rules_with(policies: Mapping[str, str], *, targets: str = "") -> Rules:
    """Rules with these policies, by name of the file; one proxy and one approved feed of Python packages."""
    feeds = (
        "feeds:\n"
        "  public: {type: pypi, usage: proxy, connectors: [{upstream: ./public}]}\n"
        f"  approved: {{type: pypi, usage: approved, promotes_from: [public]{f', targets: {targets}' if targets else ''}}}\n"
    )
    files = {"feeds.yaml": feeds, "policies/permissions.yaml": permissions_yaml()}
    files |= {f"policies/{name}.yaml": text for name, text in policies.items()}
    return load_rules({path: text.encode() for path, text in files.items()}, KINDS)


@dataclass(kw_only=True)
class Site:
    """The shelf, what is approved already, what cannot be approved, and what advisories say."""

    policies: Mapping[str, str] = field(default_factory=dict)
    targets: str = ""
    approved: Sequence[str] = ()
    taken: Mapping[str, str] = field(default_factory=dict)
    patterns: tuple[str, ...] = ()
    advisories: Mapping[tuple[str, str], Matched] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=lambda: Shelf("./public", PYPI))

    def offer(self, shown: str, *needs: str, at: datetime | None = None, yanked: str | None = None, **more: Any) -> None:
        """A wheel, by "name version"."""
        name, _, version = shown.partition(" ")
        self.shelf.place(wheel_name(name, version), wheel(name, version, requires=needs, **more), uploaded_at=at, yanked=yanked)

    def offer_sdist(self, shown: str, *needs: str) -> None:
        name, _, version = shown.partition(" ")
        self.shelf.place(sdist_name(name, version), sdist(name, version, requires=needs))

    def market(self) -> Market:
        rules = rules_with(self.policies, targets=self.targets)
        feed = rules.settings.feeds[APPROVED]
        judge = Judge(target=feed, source=PUBLIC, rules=rules, now=NOW, ecosystem=PYPI, known=self._known)
        taken = {identity_of(shown): reason for shown, reason in self.taken.items()}
        return Market(judge, rules.settings.feeds, lambda _feed, _connector: self.shelf, taken=taken, patterns=self.patterns)

    def best(self, name: str, *ranges: str) -> Choice:
        """What is chosen for these ranges of a package."""
        return self.market().best(PYPI.normalize_name(name), name, ranges or ("",))

    def close(self, *asked: str, extras: Sequence[str] = ()) -> Tree:
        """The tree of what is asked for, by "name version"; what is approved among it is looked into."""
        market = self.market()
        approved: dict[PackageKey, list[Part]] = {}
        for shown in self.approved:
            approved.setdefault(part(shown).package, []).append(part(shown))
        feed = rules_with(self.policies, targets=self.targets).settings.feeds[APPROVED]
        ground = Ground(feed=feed, ecosystem=PYPI, approved=approved, market=market)
        return close([self._root(market, shown, frozenset(extras)) for shown in asked], ground)

    def _root(self, market: Market, shown: str, extras: frozenset[str]) -> Part:
        root = part(shown)
        if shown in self.approved:
            return Part(package=root.package, name=root.name, version=root.version, extras=extras, whole=True)
        answer = market.answer(root.package, root.name)
        assert isinstance(answer, Found)
        (release,) = [one for one in answer.listing.releases if one.version == root.version]
        offer = market.examine(root.package, root.name, answer, release)
        assert isinstance(offer, Offer)
        return Part(package=root.package, name=root.name, version=root.version, extras=extras, offer=offer)

    def _known(self, package: PackageKey, version: Version) -> Matched | None:
        return self.advisories.get((package, version.text))


def part(shown: str) -> Part:
    name, _, version = shown.partition(" ")
    return Part(package=PYPI.normalize_name(name), name=name, version=PYPI.parse_version(version))


def identity_of(shown: str) -> Identity:
    one = part(shown)
    return Identity(feed=FeedName(APPROVED), package=one.package, version=one.version.key)


def new(tree: Tree) -> dict[str, tuple[str, ...]]:
    """What there is to approve, each with those that need it."""
    return {f"{offer.proposal.package} {offer.proposal.version}": by for offer, by in tree.new()}


def missing(tree: Tree) -> list[str]:
    """What nothing satisfies, and why."""
    return [f"{link.edge.name}{link.edge.range}: {link.choice.reason if link.choice else ''}" for link in tree.missing]
