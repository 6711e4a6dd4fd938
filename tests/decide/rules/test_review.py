from typing import Any

import pytest

from reconciler.decide.rules import RULES
from reconciler.decide.rules.interface import Facts, Subject, applies, judge
from reconciler.decide.rules.review import Params, check
from reconciler.model.declared import Policy
from reconciler.model.events import Assurance, Person, Voice
from reconciler.model.permissions import Line
from reconciler.model.verdicts import worst
from reconciler.model.words import FeedName, PackageKey

SUBJECT = Subject(feed=FeedName("approved-nuget"), package=PackageKey("newtonsoft.json"))


def policy(*, feeds=("*",), packages=("*",), on_violation: Any = "hold", line=1, **params: Any) -> Policy:
    return Policy(
        path="policies/review.yaml",
        rule="review",
        feeds=feeds,
        packages=packages,
        on_violation=on_violation,
        on_existing="alert",
        params=Params.model_validate({key: str(value).lower() for key, value in params.items()}),
        where=Line(path="policies/review.yaml", line=line),
    )


def voice(name: str, assurance: Assurance = "claimed", *, entitled=True, contributed=False, declared=True) -> Voice:
    person = Person(name=name.capitalize(), email=f"{name}@example.org")
    return Voice(person=person, user=name if declared else None, assurance=assurance, entitled=entitled, contributed=contributed)


AUTHOR = voice("ada", contributed=True)


def level(*voices: Voice, **params: Any) -> str:
    return check(SUBJECT, policy(**params), Facts(voices=voices))[0].level


@pytest.mark.parametrize(
    ("voices", "params", "expected"),
    [
        ([AUTHOR], {}, "hold"),
        ([AUTHOR], {"author_counts": True}, "allow"),
        ([AUTHOR, voice("grace")], {}, "allow"),
        ([AUTHOR, voice("grace")], {"approvers": 2}, "hold"),
        ([AUTHOR, voice("grace")], {"approvers": 2, "author_counts": True}, "allow"),
        ([AUTHOR, voice("grace"), voice("alan")], {"approvers": 2}, "allow"),
        ([AUTHOR, voice("grace", entitled=False)], {}, "hold"),
        ([AUTHOR, voice("grace", declared=False)], {}, "hold"),
        ([AUTHOR, voice("grace")], {"min_assurance": "signed"}, "hold"),
        ([AUTHOR, voice("grace", "signed")], {"min_assurance": "signed"}, "allow"),
        ([AUTHOR, voice("grace", "reviewed")], {"min_assurance": "signed"}, "allow"),
        ([AUTHOR, voice("grace", "signed")], {"min_assurance": "reviewed"}, "hold"),
        ([AUTHOR, voice("grace", "reviewed", contributed=True)], {"min_assurance": "reviewed"}, "hold"),
        ([], {}, "hold"),
    ],
)
def test_who_counts(voices, params, expected):
    assert level(*voices, **params) == expected


def test_one_user_counts_once_however_often_named():
    assert level(voice("grace"), voice("grace", "signed"), approvers=2) == "hold"


def test_the_reason_tells_who_counts_and_why_the_others_do_not():
    (told,) = check(
        SUBJECT, policy(approvers=2, min_assurance="reviewed"), Facts(voices=(AUTHOR, voice("grace", "reviewed"), voice("alan")))
    )
    assert told.reason == (
        "2 entitled people, who had no hand in it, must stand behind it, known as reviewed or better; so far 1 (grace); "
        "not counted: Ada (had a hand in it), Alan (only claimed)"
    )


@pytest.mark.parametrize("on_violation", ["warn", "hold", "deny"])
def test_a_violation_is_what_the_policy_says(on_violation):
    assert check(SUBJECT, policy(on_violation=on_violation), Facts(voices=(AUTHOR,)))[0].level == on_violation


@pytest.mark.parametrize(
    ("feeds", "packages", "holds"),
    [
        (("*",), ("*",), True),
        (("approved-*",), ("Newtonsoft.*",), True),
        (("approved-*",), ("newtonsoft-json",), True),
        (("approved-*",), ("NEWTONSOFT_JSON",), True),
        (("approved-pypi", "approved-nuget"), ("*",), True),
        (("public-*",), ("*",), False),
        (("approved-*",), ("Contoso.*", "Serilog"), False),
    ],
)
def test_where_a_policy_holds_whatever_the_spelling(feeds, packages, holds):
    assert applies(policy(feeds=feeds, packages=packages), SUBJECT) is holds


def test_of_several_policies_the_strictest_counts():
    policies = [policy(on_violation="warn"), policy(on_violation="deny", approvers=2, line=7), policy(author_counts=True)]
    found = worst(judge(RULES.__getitem__, policies, SUBJECT, Facts(voices=(AUTHOR,))))
    assert found is not None
    assert (found.verdict.level, found.policy.line, found.stops) == ("deny", 7, True)
