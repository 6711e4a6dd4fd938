"""What moves the digest of a plan, and what does not: each row is one thing that differs from the plan of `BASE`."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.model.declared import Limit, MalformedApproval
from reconciler.model.plan import AccessChange, Waiting
from reconciler.model.words import BlobId, CommitId, Problem
from tests.decide.passes import plan_of
from tests.support.declared import (
    NOW,
    PUBLIC,
    backing,
    commit,
    desired,
    file,
    found,
    identity,
    person,
    published,
    remote,
    rules,
    stock,
    stranger,
)

ONE = desired("a")
KEY = (PUBLIC, identity().package)
BASE = plan_of(ONE).digest
BROKEN = MalformedApproval(path="x", identity=None, problems=(Problem(path="x", line=1, key="", found="", expected="y"),))


def standing(**changed: Any) -> Any:
    return replace(ONE, standing=replace(ONE.standing, **changed))


def test_a_digest_is_sha256_in_hexadecimal():
    assert len(BASE) == 64
    assert int(BASE, 16)
    assert plan_of(ONE).digest == BASE


@pytest.mark.parametrize(
    "plan",
    [
        plan_of(ONE, commit=CommitId("badcafe")),
        plan_of(),
        plan_of(desired("a", "b")),
        plan_of(desired(file("a", "else")), catalog={KEY: found({"1.0": [remote(file("a", "else"))]})}),
        plan_of(desired(file("a", content_hash="H"))),
        plan_of(desired("a", of=identity(version="2.0"))),
        plan_of(ONE, desired("a", of=identity("else"))),
        plan_of(replace(ONE, declared=replace(ONE.declared, blob=BlobId("other")))),
        plan_of(standing(backing=backing(commit(8, person("ada")), author_commit=commit(7, person("ada"))))),
        plan_of(standing(backing=backing(commit(7, person("ada")), author_commit=commit(8, person("ada"))))),
        plan_of(ONE, catalog={KEY: Waiting(reason="timed out")}),
        plan_of(ONE, malformed=[BROKEN]),
        plan_of(ONE, access=(AccessChange(change="grant", user="ada", task="administer", feeds=(), line=""),)),
        plan_of(ONE, stocks=[stock(catalog="another root")]),
        plan_of(ONE, stocks=[stock({"else": [published("1.0", "a")]})]),
        plan_of(ONE, stocks=[stock(strangers=(stranger("a"),))]),
    ],
    ids=range(16),
)
def test_it_changes_with_what_is_planned(plan):
    assert plan.digest != BASE


@pytest.mark.parametrize(
    "plan",
    [
        plan_of(ONE, now=NOW + timedelta(days=1)),
        plan_of(replace(ONE, expires=NOW + timedelta(days=1))),
        plan_of(ONE, accepted=True),
        plan_of(ONE, rules=replace(rules(), settings=replace(rules().settings, promotions=Limit(count=0)))),
    ],
    ids=["clock", "validity", "accepted", "limit"],
)
def test_it_does_not_change_with_the_clock_or_the_limits(plan):
    assert plan.digest == BASE
