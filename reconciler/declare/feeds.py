"""feeds.yaml: from its shape to `Settings`, with what concerns several feeds checked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from typing import Final, NamedTuple

from reconciler.declare.check import Checked, check
from reconciler.declare.cycles import arrows, cycles
from reconciler.declare.document import Parsed
from reconciler.declare.reader import MAX_PROBLEMS
from reconciler.declare.schema import FeedsFile, FeedShape, LimitsShape
from reconciler.declare.strict_yaml import read
from reconciler.declare.targets import target_problems, targets_of
from reconciler.declare.wording import Location, one_of, quoted
from reconciler.ecosystems.interface import Targeting
from reconciler.model.declared import FEED_SCHEME, FEEDS_FILE, OSV, Connector, Feed, Limit, Settings
from reconciler.model.permissions import Line
from reconciler.model.words import FeedName, Problem

DEFAULT_WITHDRAWALS: Final = Limit(share=Fraction(1, 10))
_OF_APPROVED: Final = ("aliens", "dependencies", "targets")
"""Keys that only approved feeds have, and may leave out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsRead:
    """feeds.yaml as far as it could be read: `settings` is None if there are problems.

    `names` are the feeds that it declares, well or badly; None where not even that can be said.
    """

    settings: Settings | None
    names: frozenset[str] | None
    problems: tuple[Problem, ...]


def read_settings(data: bytes, types: Mapping[str, Targeting]) -> SettingsRead:
    """The bytes of feeds.yaml, checked; `types` are the ecosystems that there are, each with what its dependencies may be judged for."""
    checked = check(FeedsFile, read(FEEDS_FILE, data))
    names = checked.names("feeds") if checked.parsed is not None else None
    problems = tuple(islice(chain(checked.problems, _cross_checks(checked, types)), MAX_PROBLEMS))
    settings = None
    if checked.parsed is not None and checked.shape is not None and not problems:
        settings = _settings(checked.parsed, checked.shape, types)
    return SettingsRead(settings=settings, names=names, problems=problems)


def _settings(parsed: Parsed, shape: FeedsFile, types: Mapping[str, Targeting]) -> Settings:
    limits = shape.limits or LimitsShape()
    return Settings(
        store=shape.store,
        public_url=shape.public_url,
        feeds={name: _feed(parsed, name, feed, types[feed.type]) for name, feed in shape.feeds.items()},
        withdrawals=limits.withdrawals or DEFAULT_WITHDRAWALS,
        promotions=limits.promotions,
        advisories=shape.advisories.source if shape.advisories else OSV,
    )


def _feed(parsed: Parsed, name: FeedName, shape: FeedShape, targeting: Targeting) -> Feed:
    return Feed(
        name=name,
        type=shape.type,
        usage=shape.usage,
        connectors=tuple(Connector(upstream=c.upstream, filters=tuple(c.filters)) for c in shape.connectors),
        promotes_from=tuple(shape.promotes_from),
        where=Line(path=parsed.path, line=parsed.lines[("feeds", name)]),
        aliens=shape.aliens or "report",
        dependencies=shape.dependencies or "warn",
        targets=targets_of(shape, targeting),
    )


def _cross_checks(checked: Checked[FeedsFile], types: Mapping[str, Targeting]) -> Iterator[Problem]:
    if checked.parsed is None or checked.shape is None:
        return
    feeds, names = checked.shape.feeds, checked.names("feeds")
    for name, feed in feeds.items():
        here = ("feeds", name)
        if feed.type not in types:
            yield checked.parsed.problem((*here, "type"), found=quoted(feed.type), expected=one_of(types))
        else:
            yield from target_problems(checked.parsed, here, feed, types[feed.type])
        yield from _usage_problems(checked.parsed, here, feed)
        yield from _source_problems(checked.parsed, here, feeds, names)
        yield from _upstream_problems(checked.parsed, here, feeds, names)
    for way in cycles({name: (*feed.promotes_from, *_upstream_feeds(feed).values()) for name, feed in feeds.items()}):
        location = _leading(way[0], feeds[FeedName(way[0])], to=way[1])
        yield checked.parsed.problem(location, found=f"a cycle ({arrows(way)})", expected="feeds that do not lead back here")


def _upstream_feeds(feed: FeedShape) -> dict[int, str]:
    """The feeds of the same repository that its connectors name, by the index of the connector."""
    found = ((i, connector.upstream) for i, connector in enumerate(feed.connectors))
    return {i: upstream.removeprefix(FEED_SCHEME) for i, upstream in found if upstream.startswith(FEED_SCHEME)}


def _leading(name: str, feed: FeedShape, *, to: str) -> Location:
    """The place in a feed that makes it depend on another one."""
    connector = next((i for i, other in _upstream_feeds(feed).items() if other == to), None)
    if connector is None or to in feed.promotes_from:
        return ("feeds", name, "promotes_from")
    return ("feeds", name, "connectors", connector, "upstream")


def _usage_problems(parsed: Parsed, here: Location, feed: FeedShape) -> Iterator[Problem]:
    """Connectors belong to proxy feeds, `promotes_from` to approved ones; neither works without."""
    key, other, words = ("connectors", "promotes_from", "connector") if feed.usage == "proxy" else ("promotes_from", "connectors", "feed")
    if not getattr(feed, key):
        yield parsed.problem((*here, key), found="none", expected=f"at least one {words}, since usage is {feed.usage}")
    for wrong in (other, *_OF_APPROVED) if feed.usage == "proxy" else (other,):
        if (*here, wrong) in parsed.key_lines:
            expected = f"no such key, since usage is {feed.usage}"
            yield parsed.key_problem((*here, wrong), found="a key of another usage", expected=expected)


def _source_problems(
    parsed: Parsed, here: tuple[str, FeedName], feeds: Mapping[FeedName, FeedShape], names: Collection[str]
) -> Iterator[Problem]:
    """What a feed promotes from is known, and named once."""
    seen = set[str]()
    for index, source in enumerate(feeds[here[1]].promotes_from):
        location = (*here, "promotes_from", index)
        if wrong := _unfit(source, here[1], feeds, names):
            yield parsed.problem(location, found=wrong.found, expected=wrong.expected)
        if source in seen:
            yield parsed.problem(location, found=f"{quoted(source)} a second time", expected="each feed once")
        seen.add(source)


def _upstream_problems(
    parsed: Parsed, here: tuple[str, FeedName], feeds: Mapping[FeedName, FeedShape], names: Collection[str]
) -> Iterator[Problem]:
    """What connectors name as another feed of the repository is one."""
    for index, source in _upstream_feeds(feeds[here[1]]).items():
        if wrong := _unfit(source, here[1], feeds, names, scheme=FEED_SCHEME):
            yield parsed.problem((*here, "connectors", index, "upstream"), found=wrong.found, expected=wrong.expected)


class _Wrong(NamedTuple):
    found: str
    expected: str


def _unfit(source: str, name: FeedName, feeds: Mapping[FeedName, FeedShape], names: Collection[str], *, scheme: str = "") -> _Wrong | None:
    """Why a feed cannot take packages from another: not declared (among `names`, of which `feeds` are sound), or of another type."""
    feed, declared = feeds[name], feeds.get(FeedName(source))
    if source not in names:
        possible = one_of(f"{scheme}{other}" for other, shape in feeds.items() if shape.type == feed.type and other != name)
        return _Wrong(found=f"the unknown feed {quoted(source)}", expected=possible)
    if declared is not None and declared.type != feed.type:
        return _Wrong(found=f"{quoted(source)}, a feed of type {quoted(declared.type)}", expected=f"a feed of type {quoted(feed.type)}")
    return None
