from datetime import UTC, date, datetime

import pytest

from reconciler.decide.waiver_report import ending, idle_problems, waiver_report
from reconciler.declaration import KINDS
from reconciler.declare.load import at_their_keys, load_approvals, load_rules
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import TreeFile
from reconciler.model.permissions import Line
from reconciler.model.verdicts import Judgement, Verdict
from reconciler.model.words import BlobId
from tests.declare.test_waivers import FEEDS, PATH, PERMISSIONS, WAIVER

NOW = datetime(2026, 11, 28, 13, 0, tzinfo=UTC)
AGE = b"rule: age\nfeeds: approved-nuget\nparams: {min_age: 7d}\n"
APPROVAL = b"reason: Fine.\nfiles: {a.nupkg: {size: 1, sha256: " + b"ab" * 32 + b"}}\n"
APPROVED = "approvals/approved-nuget/Newtonsoft.Json/13.0.1.yaml"


def idle(files):
    """What is idle in a declaration, as `check` tells it."""
    tree = [TreeFile(path=path, mode="100644", blob=BlobId(path), data=data) for path, data in files.items()]
    rules = load_rules({path: data for path, data in files.items() if not path.startswith("approvals/")}, KINDS)
    approvals = load_approvals(tree, rules, ecosystems=ECOSYSTEMS)
    return [str(problem) for problem in at_their_keys(idle_problems(rules, approvals, ECOSYSTEMS, NOW), tree)]


def declared(waiver=WAIVER, **changed):
    files = {
        "feeds.yaml": FEEDS,
        "policies/permissions.yaml": PERMISSIONS,
        "policies/age.yaml": AGE,
        PATH: waiver.encode(),
        APPROVED: APPROVAL,
        **changed,
    }
    return {path: data for path, data in files.items() if data is not None}


def test_a_waiver_of_what_is_approved_and_judged_is_fine():
    assert idle(declared()) == []
    assert (
        idle(declared(WAIVER.replace('versions: ["13.0.1"]', "range: '[13.0.0,14)'").replace("Newtonsoft.Json", "newtonsoft.json"))) == []
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "2027-01-31",
            "2026-11-28",
            "8: expires: found 2026-11-28, which has come, expected a later day, if it is still needed, or no such file",
        ),
        ("2027-01-31", "2026-11-29", ""),
        ("2027-01-31", "2027-11-29", ""),
        (
            "2027-01-31",
            "2027-11-30",
            "8: expires: found 2027-11-30, more than a year ahead, expected 2027-11-29 at the latest (as it is, it does not hold)",
        ),
        ("2027-01-31", "9999-12-31", "8: expires: found 9999-12-31, more than a year ahead"),
        ("2027-01-31", "0001-01-01", "8: expires: found 0001-01-01, which has come"),
        (
            "13.0.1",
            "13.0.2",
            "4: package: found 'Newtonsoft.Json', of which it matches no approved version, expected one that is approved in approved-nuget, or no such file",
        ),
        ("Newtonsoft.Json", "Newtonsoft.Jso", "4: package: found 'Newtonsoft.Jso', of which it matches no approved version"),
        ("feed: approved-nuget", "feed: approved-pypi", "4: package: found 'Newtonsoft.Json', of which it matches no approved version"),
        (
            "rule: age",
            "rule: size",
            "1: rule: found size, of which no policy holds there, expected a policy of this rule that holds for what it is about, or no such file",
        ),
    ],
)
def test_what_should_not_be_there_any_more_is_told_with_its_line(old, new, said):
    text = WAIVER.replace(old, new)
    text = text if "size" not in text else text.replace("id: GHSA-5crp-9r3c-p9vr\n", "")
    assert text != WAIVER
    found = idle(declared(text))
    assert len(found) == bool(said)
    assert all(problem.startswith(f"{PATH}:{said}") for problem in found)


@pytest.mark.parametrize(
    "policy",
    [
        b"rule: age\nfeeds: approved-pypi\nparams: {min_age: 7d}\n",
        b"rule: age\npackages: [Serilog.*]\nparams: {min_age: 7d}\n",
        b"rule: size\nparams: {max_file: 1 MB}\n",
        None,
    ],
)
def test_a_waiver_without_a_policy_that_it_excepts_from_is_told(policy):
    (problem,) = idle(declared(**{"policies/age.yaml": policy}))
    assert problem.startswith(f"{PATH}:1: rule: found age, of which no policy holds there")


def test_where_an_approval_cannot_be_read_no_waiver_is_said_to_match_nothing():
    assert idle(declared(**{APPROVED: b"broken\n"})) == []
    (problem,) = idle(declared(WAIVER.replace("2027-01-31", "2020-01-31"), **{APPROVED: b"broken\n"}))
    assert "which has come" in problem


def test_the_approval_may_be_in_any_feed_that_it_is_for():
    feeds = FEEDS + b"  approved-second: {type: nuget, usage: approved, promotes_from: [public-nuget]}\n"
    elsewhere = {"feeds.yaml": feeds, APPROVED: None, "approvals/approved-second/Newtonsoft.Json/13.0.1.yaml": APPROVAL}
    everywhere = {"policies/age.yaml": AGE.replace(b"approved-nuget", b"approved-*")}
    assert len(idle(declared(**elsewhere, **everywhere))) == 1
    assert idle(declared(WAIVER.replace("approved-nuget", "approved-*"), **elsewhere, **everywhere)) == []


@pytest.mark.parametrize(
    ("feeds", "said"),
    [
        ("approved-nuget", []),
        ("'*'", []),
        (
            "aproved-*",
            [
                "feeds: found 'aproved-*', which matches none, expected a pattern that matches an approved feed (approved-nuget, approved-pypi)"
            ],
        ),
        ("[approved-nuget, approved-npm, public-*]", ["feeds: found 'approved-npm', which", "feeds: found 'public-*', which"]),
    ],
)
def test_a_policy_for_feeds_that_are_not_there_is_told(feeds, said):
    found = idle(declared(**{"policies/size.yaml": f"rule: size\nfeeds: {feeds}\nparams: {{max_file: 1 MB}}\n".encode()}))
    assert len(found) == len(said)
    assert all(problem.startswith(f"policies/size.yaml:2: {one}") for problem, one in zip(found, said, strict=True))


def waivers(*days):
    texts = {f"policies/waivers/{day}.yaml": WAIVER.replace("2027-01-31", day).encode() for day in days}
    return load_rules({"feeds.yaml": FEEDS, "policies/permissions.yaml": PERMISSIONS, **texts}, KINDS).waivers


def test_a_report_has_a_row_for_each_waiver_the_first_to_end_at_the_top():
    over, soon, late, far = found = waivers("2026-11-01", "2026-12-01", "2027-10-01", "2030-01-01")
    judged = [
        Judgement(rule="age", policy=Line(path="policies/age.yaml", line=1), verdict=Verdict(level="hold", reason="x"), waiver=where)
        for where in (late.where, None, late.where, soon.where)
    ]
    rows = waiver_report(reversed(found), judged, NOW)
    assert [(row.waiver, row.used, row.days_left, row.holds) for row in rows] == [
        (over, 0, -28, False),
        (soon, 1, 2, True),
        (late, 2, 306, True),
        (far, 0, 1129, False),
    ]


def test_which_end_within_six_weeks():
    found = waivers("2027-01-10", "2026-11-29", "2027-01-09", "2026-11-28", "2028-01-01")
    assert [waiver.expires for waiver in ending(found, NOW)] == [date(2026, 11, 29), date(2027, 1, 9)]
    assert [waiver.expires for waiver in ending(found, NOW, days=43)] == [date(2026, 11, 29), date(2027, 1, 9), date(2027, 1, 10)]
    assert ending(found, NOW, days=0) == ()
