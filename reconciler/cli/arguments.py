"""Names that a user types, as what they mean in a declaration; NotFound, with what there is, for those that mean nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from reconciler.declaration import Scope
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import NotFound
from reconciler.model.declared import Feed, Settings
from reconciler.model.words import FeedName, Identity, PackageKey


def known_feed(settings: Settings, name: str) -> Feed:
    """The feed of this name."""
    feed = settings.feeds.get(FeedName(name))
    if feed is None:
        message = f"there is no feed {name!r}"
        raise NotFound(message, remedy=f"feeds: {', '.join(sorted(settings.feeds))}")
    return feed


def approved_feed(settings: Settings, name: str) -> Feed:
    """The feed of this name, if it is one that packages are approved for."""
    feed = settings.feeds.get(FeedName(name))
    if feed is None or feed.usage != "approved":
        message = f"{name!r} is no approved feed" if feed else f"there is no feed {name!r}"
        approved = sorted(other.name for other in settings.feeds.values() if other.usage == "approved")
        raise NotFound(message, remedy=f"approved feeds: {', '.join(approved)}")
    return feed


def chosen_feeds(settings: Settings, names: Sequence[str]) -> list[FeedName]:
    """The approved feeds of these names, or all of them, sorted."""
    chosen = [approved_feed(settings, name) for name in names] or [feed for feed in settings.feeds.values() if feed.usage == "approved"]
    return sorted({feed.name for feed in chosen})


def identity_in(feed: Feed, package: str, version: str) -> Identity:
    """The version that a package's name and version mean in a feed, however they are spelled."""
    ecosystem = ECOSYSTEMS[feed.type]
    try:
        return Identity(feed=feed.name, package=ecosystem.normalize_name(package), version=ecosystem.parse_version(version).key)
    except ValueError as error:
        raise NotFound(str(error)) from error


def packages_named(settings: Settings, name: str) -> Scope:
    """What a package's name means in each approved feed, however it is spelled; nothing where it is no name there."""
    found: set[tuple[FeedName, PackageKey]] = set()
    for feed in settings.approved().values():
        with suppress(ValueError):
            found.add((feed.name, ECOSYSTEMS[feed.type].normalize_name(name)))
    return frozenset(found)
