"""`verify --closed`: whether all that is listed in a feed can be installed from it alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from reconciler.cli import EXIT_CODES
from reconciler.cli.arguments import chosen_feeds
from reconciler.cli.session import Session
from reconciler.decide.closure import gaps_of
from reconciler.decide.supply import listed
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import Feed, Settings
from reconciler.model.words import FeedName
from reconciler.show.closed import Closed, closed_text, closed_v1
from reconciler.show.contract import to_json
from reconciler.stores.interface import Store
from reconciler.stores.state import read_state


def check_closed(session: Session, names: Sequence[str], form: str) -> int:
    """Reports the gaps of feeds (no names: of all approved ones); the exit code."""
    declaration = session.rules("HEAD")
    settings = declaration.rules.now.settings
    found = list(_closed(session.store(settings), settings, chosen_feeds(settings, names)))
    if form == "json":
        click.echo(to_json(closed_v1(found, commit=declaration.commit, clock=session.now)), nl=False)
    else:
        click.echo("\n".join(closed_text(found)))
    return EXIT_CODES["held" if any(one.gaps for one in found) else "done"]


def _closed(store: Store, settings: Settings, feeds: Sequence[FeedName]) -> Iterator[Closed]:
    for name in feeds:
        feed: Feed = settings.feeds[name]
        ecosystem = ECOSYSTEMS[feed.type]
        state = read_state(store, name, ecosystem.parse_version)
        supply = listed(entry.package for entry in state.entries.values())
        gaps = gaps_of(name, supply, feed.targets, ecosystem)
        yield Closed(feed=name, versions=sum(map(len, supply.values())), targets=feed.targets, gaps=gaps)
