"""A waiver reaches no further than it is written."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.decide.judging import judgements_of
from reconciler.decide.rulebook import Rulebook
from reconciler.decide.rules.interface import Facts, JudgedFile, Subject
from reconciler.decide.waiving import LONGEST, begins, concerns, ends, holds, waiver_for
from reconciler.declaration import KINDS
from reconciler.declare.load import load_rules
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.advisories import Matched, Snapshot
from reconciler.model.permissions import Line
from reconciler.model.verdicts import Judgement, Verdict
from reconciler.model.waivers import Waiver
from reconciler.model.words import FeedName, Sha256
from tests.declare.test_waivers import FEEDS, PATH, PERMISSIONS, WAIVER

NUGET, PYPI = ECOSYSTEMS["nuget"], ECOSYSTEMS["pypi"]
WHERE = Line(path="policies/waivers/x.yaml", line=1)


def waiver(**changed):
    said = {
        "rule": "vulnerability",
        "id": "GHSA-5crp-9r3c-p9vr",
        "feeds": ("approved-nuget",),
        "package": "Newtonsoft.Json",
        "versions": ("12.0.3",),
        "range": "",
        "owner": "ada",
        "reason": "Only trusted input is parsed.",
        "expires": date(2027, 1, 31),
        "where": WHERE,
    }
    return Waiver(**{**said, **changed})


def subject(version="12.0.3", package="Newtonsoft.Json", feed="approved-nuget", language=NUGET):
    return Subject(
        feed=FeedName(feed),
        package=language.normalize_name(package),
        name=package,
        version=language.parse_version(version),
        language=language,
    )


def judgement(*ids, rule="vulnerability", level="deny", unknown=False):
    return Judgement(rule=rule, policy=WHERE, verdict=Verdict(level=level, reason="so it is", ids=ids, unknown=unknown))


def covers(waiver, judgement, waivable, about=None):
    return waiver_for(judgement, about or subject(), [waiver], {judgement.rule: waivable}.__getitem__) is waiver


@pytest.mark.parametrize(
    ("changed", "about", "concerned"),
    [
        ({}, {}, True),
        ({}, {"version": "12.0.3.0"}, True),
        ({}, {"version": "12.0.2"}, False),
        ({}, {"version": "12.0.3-beta1"}, False),
        ({}, {"package": "Newtonsoft.Json.Bson"}, False),
        ({"package": "newtonsoft.JSON"}, {}, True),
        ({"package": "Newtonsoft-Json"}, {}, False),
        ({"package": "*"}, {}, False),
        ({}, {"feed": "approved-nuget-2"}, False),
        ({"feeds": ("approved-*",)}, {"feed": "approved-nuget-2"}, True),
        ({"feeds": ("approved-x", "approved-n*")}, {}, True),
        ({"feeds": ()}, {}, False),
        ({"versions": ("12.0.1", "12.0.3")}, {}, True),
        ({"versions": ()}, {}, False),
        ({"versions": (), "range": "[12.0.0, 13.0.0)"}, {}, True),
        ({"versions": (), "range": "[12.0.0, 13.0.0)"}, {"version": "13.0.0"}, False),
        ({"versions": (), "range": "[12.0.0"}, {}, False),
        ({"versions": ("no version",)}, {}, False),
        ({"package": "not a name"}, {}, False),
    ],
)
def test_which_versions_a_waiver_is_about(changed, about, concerned):
    assert concerns(waiver(**changed), subject(**about)) is concerned


def test_names_and_ranges_are_those_of_the_feed_s_ecosystem():
    requests = subject("2.32.0", "Requests_X", "approved-pypi", PYPI)
    assert concerns(waiver(feeds=("*",), package="requests.x", versions=(), range="<2.33,!=2.32.1"), requests)
    assert concerns(waiver(feeds=("*",), package="requests-x", versions=("2.32",)), requests)
    assert not concerns(waiver(feeds=("*",), package="requests-x", versions=(), range="[2.0,3.0)"), requests)


def test_a_change_of_the_rules_has_no_version_and_no_waiver():
    assert not concerns(waiver(feeds=("*",)), Subject(feed=FeedName(""), package=NUGET.normalize_name("Newtonsoft.Json"), language=NUGET))


@pytest.mark.parametrize("level", ["warn", "hold", "deny"])
@pytest.mark.parametrize(
    ("id_", "ids", "covered_by"),
    [
        ("GHSA-5crp-9r3c-p9vr", ("GHSA-5crp-9r3c-p9vr", "CVE-2024-21907"), {"by id", "either"}),
        ("cve-2024-21907", ("GHSA-5crp-9r3c-p9vr", "CVE-2024-21907"), {"by id", "either"}),
        ("GHSA-5crp", ("GHSA-5crp-9r3c-p9vr",), set()),
        ("GHSA-5crp-9r3c-p9vr", ("GHSA-aaaa-bbbb-cccc",), set()),
        ("GHSA-5crp-9r3c-p9vr", (), set()),
        ("", ("GHSA-5crp-9r3c-p9vr",), {"whole", "either"}),
        ("", (), {"whole", "either"}),
    ],
)
def test_what_a_waiver_must_name(id_, ids, covered_by, level):
    found = {how for how in ("no", "whole", "by id", "either") if covers(waiver(id=id_), judgement(*ids, level=level), how)}
    assert found == covered_by


def test_what_is_not_known_is_covered_as_anything_else_is():
    unknown = judgement("GHSA-5crp-9r3c-p9vr", level="hold", unknown=True)
    assert covers(waiver(), unknown, "by id")
    assert not covers(waiver(id=""), unknown, "by id")
    assert covers(waiver(id=""), judgement(level="hold", unknown=True), "whole")


def test_a_waiver_is_of_one_rule():
    assert not covers(waiver(id="", rule="age"), judgement(rule="size"), "either")


def test_a_release_that_does_not_fix_the_advisory_does_not_pass_by_it():
    fast = waiver(rule="age", versions=("13.0.1",))
    about = subject("13.0.1")
    assert covers(fast, judgement("GHSA-5crp-9r3c-p9vr", "CVE-2024-21907", rule="age", level="hold"), "either", about)
    assert not covers(fast, judgement(rule="age", level="hold"), "either", about)


def fast_lane(fixes, now):
    """What becomes of Newtonsoft.Json 13.0.1, a day after it was published, in the declaration of the tests of waivers."""
    texts = {"feeds.yaml": FEEDS, "policies/permissions.yaml": PERMISSIONS, PATH: WAIVER.encode()}
    rules = load_rules({**texts, "policies/age.yaml": b"rule: age\nparams: {min_age: 7d}\n"}, KINDS)
    snapshot = Snapshot(digest=Sha256("ab" * 32), fetched_at=now, source="osv.dev")
    facts = Facts(now=now, uploaded_at=now - timedelta(days=1), matched=Matched(snapshot=snapshot, affecting=(), fixes=fixes))
    return judgements_of(subject("13.0.1"), facts, rules)


def test_a_security_fix_passes_its_cool_down_by_the_advisory_that_it_fixes_and_only_before_the_end_of_the_waiver():
    (passed,) = fast_lane(("GHSA-5crp-9r3c-p9vr", "CVE-2024-21907"), datetime(2026, 11, 28, tzinfo=UTC))
    assert (passed.level, passed.waiver, passed.stops) == ("allow", Line(path=PATH, line=1), False)
    for fixes, now in (
        (("GHSA-aaaa-bbbb-cccc",), datetime(2026, 11, 28, tzinfo=UTC)),
        (("GHSA-5crp-9r3c-p9vr",), datetime(2027, 1, 31, tzinfo=UTC)),
    ):
        (held,) = fast_lane(fixes, now)
        assert (held.level, held.waiver, held.stops) == ("hold", None, True)


def test_of_several_the_one_that_ends_last_counts_whatever_their_order():
    early, late, other = waiver(), waiver(expires=date(2027, 3, 1)), waiver(expires=date(2027, 9, 1), versions=("1.0",))
    for order in ([early, late, other], [other, late, early]):
        found = waiver_for(judgement("GHSA-5crp-9r3c-p9vr"), subject(), order, lambda rule: "by id")
        assert found is late


@pytest.mark.parametrize(
    ("now", "held"),
    [
        (datetime(2026, 1, 29, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 30, tzinfo=UTC), True),
        (datetime(2027, 1, 30, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2027, 1, 31, tzinfo=UTC), False),
        (datetime(2040, 1, 1, tzinfo=UTC), False),
    ],
)
def test_a_waiver_holds_for_the_last_year_before_its_end(now, held):
    assert holds(waiver(), now) is held


@given(st.dates(), st.datetimes(timezones=st.just(UTC)))
def test_no_date_is_too_far_away(expires, now):
    one = waiver(expires=expires)
    assert begins(one) <= ends(one) <= begins(one) + LONGEST
    assert not holds(one, now) or timedelta(0) < ends(one) - now <= LONGEST


def test_a_rulebook_says_of_each_version_what_it_says_when_it_is_new():
    """What it remembers of one package, feed or ecosystem is none of another's business."""
    now = datetime(2026, 11, 28, tzinfo=UTC)
    texts = {"feeds.yaml": FEEDS, "policies/permissions.yaml": PERMISSIONS}
    some = b'rule: size\nparams: {max_file: 1 kB}\npackages: ["Newtonsoft.*"]\n'
    waived = (
        b"rule: size\nfeed: approved-nuget\npackage: Newtonsoft.Json\nversions: 13.0.1\nowner: ada\nreason: Fine.\nexpires: 2026-12-20\n"
    )
    policies = {
        "policies/age.yaml": b"rule: age\nparams: {min_age: 7d}\n",
        "policies/size.yaml": some,
        "policies/waivers/size.yaml": waived,
    }
    rules = load_rules({**texts, **policies}, KINDS)
    facts = Facts(now=now, uploaded_at=now - timedelta(days=9), files=(JudgedFile(name="a.nupkg", size=2000, traits=None),))
    young = replace(facts, uploaded_at=now)
    other = replace(subject("13.0.1"), package=NUGET.normalize_name("Serilog"))
    asked = [(about, said) for about in (subject("13.0.1"), subject("13.0.2"), other) for said in (facts, young)]
    book = Rulebook(rules, now)
    first = [book.judgements(about, said) for about, said in asked]
    assert first == [book.judgements(about, said) for about, said in reversed(asked)][::-1]
    assert first == [judgements_of(about, said, rules) for about, said in asked]
    levels = [[one.level for one in found] for found in first]
    assert levels == [["allow", "allow"], ["hold", "allow"], ["hold", "allow"], ["hold", "hold"], ["allow"], ["hold"]]
