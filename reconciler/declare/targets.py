"""`targets:` of a feed: what its dependencies are judged for, in the words of its ecosystem."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.declare.document import Parsed
from reconciler.declare.schema import FeedShape
from reconciler.declare.wording import Location, inert, one_of, quoted
from reconciler.ecosystems.interface import Targeting
from reconciler.model.words import Problem

MAX_TARGETS: Final = 100
"""Each dependency of the feed is judged once for each of them."""


def targets_of(feed: FeedShape, targeting: Targeting) -> tuple[str, ...]:
    """All targets of a feed that has no problems."""
    return targeting.targets(feed.targets) if feed.targets else ()


def target_problems(parsed: Parsed, here: Location, feed: FeedShape, targeting: Targeting) -> Iterator[Problem]:
    """Keys that dependencies of this type do not depend on, texts that are no targets, too many of them."""
    wrong = False
    for key, texts in (feed.targets or {}).items():
        place = (*here, "targets", key)
        if key not in targeting.keys:
            wrong = True
            yield parsed.key_problem(place, found="an unknown key", expected=_keys(feed, targeting))
            continue
        for index, text in enumerate(texts):
            if reason := _refused(targeting, key, text):
                wrong = True
                at = (*place, index) if (*place, index) in parsed.lines else place
                yield parsed.problem(at, found=quoted(text), expected=f"a target of {feed.type} packages ({inert(reason)})")
    if not wrong and (count := len(targets_of(feed, targeting))) > MAX_TARGETS:
        yield parsed.problem((*here, "targets"), found=f"{count} targets", expected=f"at most {MAX_TARGETS}")


def _keys(feed: FeedShape, targeting: Targeting) -> str:
    if not targeting.keys:
        return f"no targets, since dependencies of {feed.type} packages are the same everywhere"
    return one_of(targeting.keys)


def _refused(targeting: Targeting, key: str, text: str) -> str:
    """Why a text is no target, "" where it is one."""
    try:
        targeting.targets({key: [text]})
    except ValueError as error:
        return str(error) or "no target"
    return ""
