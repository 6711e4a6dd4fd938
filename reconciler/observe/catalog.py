"""What proxy feeds have: asks their connectors, in order; reads only. One of the places with threads.

The first connector that has the *name* owns it, whatever versions the others offer: else whoever can publish to a public registry
could take over an in-house name by a higher version ("dependency confusion"). So a connector that does not answer ends the search:
nobody can tell whether it owns the name. A feed that is no proxy has one connector, itself: what it holds is what can be promoted from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import NotThere, Theirs
from reconciler.model.declared import FEED_SCHEME, Connector, Feed
from reconciler.model.plan import Absent, Availability, Catalog, Found, Waiting
from reconciler.model.words import FeedName, PackageKey
from reconciler.observe.upstreams import Upstream
from reconciler.wire import redacted

LOOKUPS_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Wanted:
    """A package to look up in a proxy feed, by key and as people spell it."""

    feed: FeedName
    package: PackageKey
    name: str


def look_up(wanted: Iterable[Wanted], feeds: Mapping[FeedName, Feed], upstream_of: Callable[[Feed, Connector], Upstream]) -> Catalog:
    """The answer for each wanted package, sorted; `upstream_of` opens (or reuses) the upstream of a connector."""
    ordered = sorted({(w.feed, w.package): w for w in wanted}.values())
    with ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="lookup") as pool:
        answers = pool.map(lambda w: ask(feeds[w.feed], w, upstream_of), ordered)
        return {(w.feed, w.package): answer for w, answer in zip(ordered, answers, strict=True)}


def ask(feed: Feed, wanted: Wanted, upstream_of: Callable[[Feed, Connector], Upstream]) -> Availability:
    """What a feed has of one package."""
    reasons = []
    for connector in feed.connectors if feed.usage == "proxy" else (Connector(upstream=f"{FEED_SCHEME}{feed.name}"),):
        if not admits(connector.filters, wanted.package, wanted.name, ECOSYSTEMS[feed.type].normalize_name):
            reasons.append(f"{redacted(connector.upstream)}: its filters block this name")
            continue
        upstream = upstream_of(feed, connector)
        try:
            return Found(upstream=connector.upstream, listing=upstream.discover(wanted.name))
        except NotThere as error:
            reasons.append(f"{upstream.name}: {error}")
        except Theirs as error:
            return Waiting(reason=f"{upstream.name}: {error}")
    return Absent(reason="; ".join(reasons))


def admits(filters: Iterable[str], key: PackageKey, name: str, normalize_name: Callable[[str], PackageKey]) -> bool:
    """ProGet's connector filters: blocked if any `!pattern` matches, else allowed if no plain pattern is given or one matches.

    Patterns are compared as names are: where the ecosystem takes `A.b` and `a_b` for one name, so are the patterns `A.b*` and `a_b*`.
    """
    plain = [f for f in filters if not f.startswith("!")]
    blocking = [f[1:] for f in filters if f.startswith("!")]
    folded = _separators(normalize_name)

    def matches(pattern: str) -> bool:
        return any(fnmatchcase(_fold(text, folded), _fold(pattern, folded)) for text in (key, name))

    return not any(map(matches, blocking)) and (not plain or any(map(matches, plain)))


def _separators(normalize_name: Callable[[str], PackageKey]) -> set[str]:
    """What this ecosystem takes for equal to "-" in a name."""
    found = {"-"}
    for mark in "_.":
        with suppress(ValueError):  # no name here at all
            if normalize_name(f"a{mark}b") == normalize_name("a-b"):
                found.add(mark)
    return found


def _fold(text: str, separators: set[str]) -> str:
    """In lower case, with a run of what separates words written "-"."""
    marks = re.escape("".join(sorted(separators)))
    return re.sub(f"[{marks}]+", "-", text.casefold())
