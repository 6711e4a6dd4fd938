from datetime import UTC, datetime, timedelta

import pytest

from reconciler.decide.rules.interface import Facts
from reconciler.model.advisories import Matched, Snapshot
from reconciler.model.words import Sha256
from tests.decide.rules.facts import NOW, judged, told

SNAPSHOT = Snapshot(digest=Sha256("ab" * 32), fetched_at=NOW, source="osv.dev")


def published(when, *fixes):
    return Facts(now=NOW, uploaded_at=when, matched=Matched(snapshot=SNAPSHOT, affecting=(), fixes=fixes) if fixes else None)


@pytest.mark.parametrize(
    ("ago", "min_age", "said"),
    [
        (
            timedelta(days=1, hours=2),
            "7d",
            "hold: published 2026-11-27T10:00Z; min_age is 7d, so it is old enough from 2026-12-04T10:00Z on",
        ),
        (
            timedelta(days=6, hours=23, minutes=59),
            "1w",
            "hold: published 2026-11-21T12:01Z; min_age is 7d, so it is old enough from 2026-11-28T12:01Z on",
        ),
        (timedelta(hours=5), "36h", "hold: published 2026-11-28T07:00Z; min_age is 36h, so it is old enough from 2026-11-29T19:00Z on"),
        (timedelta(minutes=1), "90m", "hold: published 2026-11-28T11:59Z; min_age is 90m, so it is old enough from 2026-11-28T13:29Z on"),
        (timedelta(0), "1m", "hold: published 2026-11-28T12:00Z; min_age is 1m, so it is old enough from 2026-11-28T12:01Z on"),
        (timedelta(days=7), "7d", "allow"),
        (timedelta(days=700000), "7d", "allow"),
    ],
)
def test_how_old_a_release_must_be(ago, min_age, said):
    assert told("age", published(NOW - ago), f"{{min_age: {min_age}}}") == [said]


def test_it_ends_by_itself_at_the_instant_at_which_it_is_old_enough():
    uploaded = datetime(2026, 11, 27, 10, 0, 30, tzinfo=UTC)
    (verdict,) = judged("age", published(uploaded), "{min_age: 7d}")
    assert verdict.until == datetime(2026, 12, 4, 10, 0, 30, tzinfo=UTC)
    assert verdict.remedy == "wait until 2026-12-04T10:00Z"
    (before,) = judged("age", Facts(now=verdict.until - timedelta(microseconds=1), uploaded_at=uploaded), "{min_age: 7d}")
    (then,) = judged("age", Facts(now=verdict.until, uploaded_at=uploaded), "{min_age: 7d}")
    assert (before.level, then.level) == ("hold", "allow")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Facts(now=NOW), "unknown: the registry does not say when it was published; min_age is 7d"),
        (
            published(NOW + timedelta(minutes=1)),
            "unknown: published 2026-11-28T12:01Z by the word of its registry, which is in the future; min_age is 7d",
        ),
        (
            published(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
            "unknown: published 9999-12-31T23:59Z by the word of its registry, which is in the future; min_age is 7d",
        ),
        (Facts(uploaded_at=NOW), "unknown: nobody knows what time it is"),
    ],
)
@pytest.mark.parametrize("on_violation", ["warn", "hold", "deny"])
def test_an_age_that_is_not_known_holds(facts, said, on_violation):
    (verdict,) = judged("age", facts, "{min_age: 7d}", on_violation=on_violation)
    assert told("age", facts, "{min_age: 7d}", on_violation=on_violation) == [said]
    known_from = facts.uploaded_at if facts.now and facts.uploaded_at else None
    assert (verdict.level, verdict.until) == ("hold", known_from)


@pytest.mark.parametrize("on_violation", ["warn", "hold", "deny"])
def test_what_follows_is_as_the_policy_says(on_violation):
    (verdict,) = judged("age", published(NOW), "{min_age: 7d}", on_violation=on_violation)
    assert (verdict.level, verdict.unknown) == (on_violation, False)


@pytest.mark.parametrize("when", [NOW, NOW + timedelta(days=1), None])
def test_what_it_fixes_is_what_a_waiver_may_name(when):
    (verdict,) = judged("age", published(when, "GHSA-5crp-9r3c-p9vr", "CVE-2024-21907"), "{min_age: 7d}")
    assert verdict.ids == ("GHSA-5crp-9r3c-p9vr", "CVE-2024-21907")


def test_the_remedy_names_what_it_fixes():
    (verdict,) = judged("age", published(NOW, "GHSA-5crp-9r3c-p9vr"), "{min_age: 1h}")
    assert verdict.remedy == ("wait until 2026-11-28T13:00Z; or, since it fixes GHSA-5crp-9r3c-p9vr, a waiver that names such an advisory")


def test_a_release_that_fixes_nothing_known_has_nothing_that_a_waiver_could_name():
    (verdict,) = judged("age", published(NOW), "{min_age: 7d}")
    assert verdict.ids == ()
