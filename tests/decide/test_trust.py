from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from reconciler.decide.trust import objection, signer_of
from reconciler.model.permissions import Line, Permissions, SigningKey, User

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)


def key(fingerprint="SHA256:a", **said):
    unsaid = {"valid_from": None, "valid_until": None, "revoked": None}
    return SigningKey(key="ssh-ed25519 AAAA", fingerprint=fingerprint, where=Line(path="x", line=1), **{**unsaid, **said})


BOUNDED = key(valid_from=START.date(), valid_until=END.date())


def user(id_, *keys):
    return User(id=id_, name=id_, emails=frozenset(), github=None, signing_keys=keys)


def test_the_signer_is_the_user_who_has_the_key():
    old, new, other = key("SHA256:old", revoked=date(2026, 1, 1)), key("SHA256:new"), key("SHA256:other")
    ada, grace = user("ada", old, new), user("grace", other)
    permissions = Permissions(users={"alan": user("alan"), "ada": ada, "grace": grace}, groups={}, permissions=())
    assert signer_of(permissions, "SHA256:new") == (ada, new)
    assert signer_of(permissions, "SHA256:old") == (ada, old)
    assert signer_of(permissions, "SHA256:other") == (grace, other)
    assert signer_of(permissions, "SHA256:nobody") is None
    assert signer_of(permissions, "") is None


@pytest.mark.parametrize("moment", [datetime(1970, 1, 1, tzinfo=UTC), START, datetime(2999, 1, 1, tzinfo=UTC)])
def test_a_key_without_bounds_counts_at_any_time(moment):
    assert objection(key(), committed_at=moment, seen_at=START) == ""
    assert objection(key(), committed_at=START, seen_at=moment) == ""


@pytest.mark.parametrize(("committed", "seen"), [(START, START), (START, END - INSTANT), (END - INSTANT, END - INSTANT)])
def test_a_key_counts_within_its_days(committed, seen):
    assert objection(BOUNDED, committed_at=committed, seen_at=seen) == ""


def test_a_key_does_not_count_before_its_first_day():
    told = objection(BOUNDED, committed_at=START - INSTANT, seen_at=START + DAY)
    assert told == "the key is valid from 2026-01-01 on, and the commit is of 2025-12-31"


def test_a_key_does_not_count_from_the_day_on_which_it_expires():
    told = objection(BOUNDED, committed_at=END, seen_at=END)
    assert told == "the key expired on 2027-01-01, and the commit is of 2027-01-01"


def test_a_date_that_is_set_back_does_not_help_an_expired_key():
    told = objection(BOUNDED, committed_at=START + DAY, seen_at=END)
    assert told == "the key expired on 2027-01-01, and the commit was first seen on 2027-01-01, though it claims to be of 2026-01-02"


def test_a_date_that_is_set_forward_does_not_help_a_key_that_is_not_valid_yet():
    told = objection(BOUNDED, committed_at=START, seen_at=START - DAY)
    assert told == "the key is valid from 2026-01-01 on, and the commit was first seen on 2025-12-31, though it claims to be of 2026-01-01"


@pytest.mark.parametrize("committed", [START - 100 * DAY, START, END])
def test_a_revoked_key_counts_for_nothing_whatever_date_a_commit_claims(committed):
    revoked = key(valid_from=START.date(), valid_until=END.date(), revoked=date(2026, 5, 1))
    assert objection(revoked, committed_at=committed, seen_at=START) == "the key was revoked on 2026-05-01"


def test_days_begin_at_midnight_utc_wherever_a_commit_was_made():
    east, west = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
    early = datetime(2026, 1, 1, 13, 59, tzinfo=east)
    late = datetime(2026, 12, 31, 12, 0, tzinfo=west)
    assert objection(BOUNDED, committed_at=early, seen_at=START).startswith("the key is valid from")
    assert objection(BOUNDED, committed_at=START, seen_at=late).startswith("the key expired on")
