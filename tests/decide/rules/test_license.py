import time
from datetime import UTC, date, datetime

import pytest

from reconciler.decide.rules.interface import Facts, JudgedFile, Subject
from reconciler.decide.rules.license import Lists, check, demands, unmet
from reconciler.decide.spdx import Unreadable, read_expression
from reconciler.decide.spdx_list import LICENSES
from reconciler.decide.waiving import waiver_for
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.packages import License, Traits
from reconciler.model.permissions import Line
from reconciler.model.verdicts import ALLOW, Judgement
from reconciler.model.waivers import Waiver
from reconciler.model.words import FeedName, PackageKey
from tests.decide.rules.policies import policy_of, problems_of
from tests.support.declared import rules

SUBJECT = Subject(
    feed=FeedName("approved-nuget"),
    package=PackageKey("contoso.logging"),
    name="Contoso.Logging",
    version=ECOSYSTEMS["nuget"].parse_version("1.0.0"),
    language=ECOSYSTEMS["nuget"],
)
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PATH = "policies/licenses.yaml"


def file(declared="", concluded=None, name="contoso.logging.1.0.0.nupkg"):
    """A file that declares a license, which is an expression where it comes to nothing else."""
    license_ = License(declared=declared, concluded=declared if concluded is None else concluded)
    return JudgedFile(name=name, size=1, traits=Traits(license=license_))


def judge(*files, **params):
    return check(SUBJECT, policy_of("license", PATH, **params), Facts(files=files, now=NOW))


def level(expression, **params):
    return max((verdict.level for verdict in judge(file(expression), **params)), key=["allow", "warn", "hold", "deny"].index)


@pytest.mark.parametrize(
    ("expression", "allow", "deny", "passes"),
    [
        # allow: everything else violates
        ("MIT", ["MIT"], None, True),
        ("mit", "MIT", None, True),
        ("MIT", ["mit"], None, True),
        ("ISC", ["MIT"], None, False),
        # deny alone: everything else passes
        ("MIT", None, ["AGPL-3.0-only"], True),
        ("AGPL-3.0-only", None, ["AGPL-3.0-only"], False),
        ("AGPL-3.0", None, ["AGPL-3.0-only"], False),
        ("AGPL-3.0-only", None, ["AGPL-3.0"], False),
        # neither: only what is unknown violates
        ("AGPL-3.0-only", None, None, True),
        # of alternatives one is enough, of what is joined all counts
        ("MIT OR GPL-3.0-only", ["MIT"], None, True),
        ("GPL-3.0-only OR MIT", None, ["GPL-3.0-only"], True),
        ("ISC OR GPL-3.0-only", ["MIT"], None, False),
        ("MIT AND ISC", ["MIT"], None, False),
        ("MIT AND ISC", ["MIT", "ISC"], None, True),
        ("MIT AND GPL-3.0-only", None, ["GPL-3.0-only"], False),
        ("MIT OR (ISC AND GPL-3.0-only)", ["ISC", "GPL-3.0-only"], None, True),
        ("MIT AND (ISC OR GPL-3.0-only)", ["MIT", "ISC"], None, True),
        ("MIT AND (ISC OR GPL-3.0-only)", ["ISC"], None, False),
        # WITH: the pair is allowed as a pair; who denies a license denies it with any exception
        ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only"], None, False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only WITH Classpath-exception-2.0"], None, True),
        ("GPL-2.0-with-classpath-exception", ["GPL-2.0 WITH Classpath-exception-2.0"], None, True),
        ("GPL-2.0-only", ["GPL-2.0-only WITH Classpath-exception-2.0"], None, False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", None, ["GPL-2.0-only"], False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", None, ["GPL-2.0-only WITH Classpath-exception-2.0"], False),
        ("GPL-2.0-only WITH Font-exception-2.0", None, ["GPL-2.0-only WITH Classpath-exception-2.0"], True),
        ("GPL-2.0-only", None, ["GPL-2.0-only WITH Classpath-exception-2.0"], True),
        # or later: one may choose the version that is named
        ("GPL-3.0-or-later", ["GPL-3.0-or-later"], None, True),
        ("GPL-3.0-or-later", ["GPL-3.0-only"], None, True),
        ("GPL-3.0-only", ["GPL-3.0-or-later"], None, False),
        ("GPL-2.0-or-later", ["GPL-3.0-only"], None, False),
        ("Apache-2.0+", ["Apache-2.0"], None, True),
        ("Apache-2.0", ["Apache-2.0+"], None, False),
        ("GPL-2.0-or-later WITH Classpath-exception-2.0", ["GPL-2.0-only WITH Classpath-exception-2.0"], None, True),
        ("GPL-3.0-or-later", None, ["GPL-3.0-only"], False),
        ("GPL-3.0-only", None, ["GPL-3.0-or-later"], False),
        ("Apache-2.0+", None, ["Apache-2.0"], False),
        ("GPL-2.0-only", None, ["GPL-3.0-only"], True),
        # references mean what the package says
        ("LicenseRef-Contoso", ["LicenseRef-Contoso"], None, True),
        ("LicenseRef-contoso", ["LicenseRef-Contoso"], None, True),
        ("LicenseRef-Other", ["LicenseRef-Contoso"], None, False),
        ("LicenseRef-a-or-later", ["LicenseRef-a-only"], None, False),
        ("LicenseRef-a", ["LicenseRef-a-only"], None, False),
    ],
)
def test_what_passes(expression, allow, deny, passes):
    lists = {key: value for key, value in (("allow", allow), ("deny", deny)) if value is not None}
    assert level(expression, **lists) == ("allow" if passes else "deny")


@pytest.mark.parametrize(
    ("declared", "concluded", "params", "reason", "ids", "remedy"),
    [
        (
            "https://www.gnu.org/licenses/agpl-3.0.html",
            "AGPL-3.0-only",
            {"allow": "MIT"},
            'declares "https://www.gnu.org/licenses/agpl-3.0.html" (AGPL-3.0-only), which licenses.yaml does not allow',
            ("AGPL-3.0-only",),
            "allow AGPL-3.0-only in policies/licenses.yaml, or waive it for this package",
        ),
        (
            "AGPL-3.0-only",
            "AGPL-3.0-only",
            {"deny": "AGPL-3.0-only"},
            'declares "AGPL-3.0-only", which licenses.yaml denies',
            ("AGPL-3.0-only",),
            "approve another package, or waive AGPL-3.0-only for this one",
        ),
        (
            "MIT AND GPL-3.0",
            "MIT AND GPL-3.0",
            {"allow": "MIT"},
            'declares "MIT AND GPL-3.0" (MIT AND GPL-3.0-only); licenses.yaml does not allow GPL-3.0-only',
            ("GPL-3.0-only",),
            "allow GPL-3.0-only in policies/licenses.yaml, or waive it for this package",
        ),
        (
            "ISC OR Zlib",
            "ISC OR Zlib",
            {"allow": "MIT"},
            'declares "ISC OR Zlib"; licenses.yaml allows none of ISC, Zlib',
            ("ISC", "Zlib"),
            "allow ISC or Zlib in policies/licenses.yaml, or waive it for this package",
        ),
        (
            "ISC OR Zlib",
            "ISC OR Zlib",
            {"deny": ["ISC", "Zlib"]},
            'declares "ISC OR Zlib"; licenses.yaml denies all of ISC, Zlib',
            ("ISC", "Zlib"),
            "approve another package, or waive ISC or Zlib for this one",
        ),
        (
            "",
            "AGPL-3.0-only",
            {"allow": "MIT"},
            "declares nothing, and is taken to be under AGPL-3.0-only, which licenses.yaml does not allow",
            ("AGPL-3.0-only",),
            "allow AGPL-3.0-only in policies/licenses.yaml, or waive it for this package",
        ),
    ],
)
def test_a_violation_shows_what_is_declared_and_what_that_comes_to(declared, concluded, params, reason, ids, remedy):
    (verdict,) = judge(file(declared, concluded), **params)
    assert (verdict.level, verdict.reason, verdict.ids, verdict.remedy, verdict.unknown) == ("deny", reason, ids, remedy, False)


UNKNOWN = "find out which license it has, and put that into the reason of a waiver for NOASSERTION"


@pytest.mark.parametrize(
    ("declared", "concluded", "reason", "ids"),
    [
        ("", "", "declares no license", ("NOASSERTION",)),
        (" \n", "", "declares no license", ("NOASSERTION",)),
        ("BSD", "", 'declares "BSD", which does not say which SPDX license that is', ("NOASSERTION", "BSD")),
        ("Foo", "Foo", 'declares "Foo", which names "Foo", which the SPDX License List 3.29 does not have', ("NOASSERTION", "Foo")),
        ("MIT, maybe", "MIT,", 'declares "MIT, maybe" ("MIT,"), which is no SPDX license expression', ("NOASSERTION", "MIT, maybe")),
        (
            "a\x1b[31mb",
            "",
            'declares "a\\x1b[31mb", which does not say which SPDX license that is',
            ("NOASSERTION",),
        ),
        ("x" * 500, "", f'declares "{"x" * 200}...", which does not say which SPDX license that is', ("NOASSERTION",)),
    ],
)
@pytest.mark.parametrize("unknown", ["warn", "hold", "deny"])
def test_a_license_that_is_not_known_is_what_the_policy_says(declared, concluded, reason, ids, unknown):
    (verdict,) = judge(file(declared, concluded), deny="AGPL-3.0-only", unknown=unknown)
    assert (verdict.level, verdict.reason, verdict.ids, verdict.remedy) == (unknown, reason, ids, UNKNOWN)
    assert verdict.unknown


def test_an_unknown_license_holds_where_the_policy_says_nothing_of_it():
    assert level("", allow="MIT") == "hold"


@pytest.mark.parametrize("files", [None, ()])
def test_a_package_of_which_no_file_is_known_is_held(files):
    (verdict,) = check(SUBJECT, policy_of("license", PATH, on_violation="warn", unknown="warn"), Facts(files=files))
    assert (verdict.level, verdict.unknown, verdict.ids) == ("hold", True, ())


def test_a_file_that_nobody_has_looked_into_is_held_whatever_the_others_declare():
    unread = JudgedFile(name="b.whl", size=1, traits=None)
    (verdict,) = judge(file("MIT", name="a.whl"), unread, allow="MIT", unknown="warn")
    assert (verdict.level, verdict.unknown) == ("hold", True)
    assert verdict.reason == "its license is not known: nobody has looked into b.whl"


def test_files_with_one_license_give_one_verdict_and_others_are_named():
    wheels = [file("GPL-3.0-only", name=f"a-{n}.whl") for n in range(7)]
    (alone,) = judge(*wheels, allow="MIT")
    assert alone.reason == 'declares "GPL-3.0-only", which licenses.yaml does not allow'
    one, other = judge(*wheels, file("ISC", name="a.tar.gz"), file("MIT", name="b.whl"), allow="MIT")
    assert one.reason.startswith("a-0.whl, a-1.whl, a-2.whl, a-3.whl, a-4.whl and 2 more declare ")
    assert other.reason == 'a.tar.gz declares "ISC", which licenses.yaml does not allow'


def test_what_passes_is_allowed():
    assert judge(file("MIT"), allow="MIT") == (ALLOW,)


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("A", []),
        ("X", [{"X"}]),
        ("X OR Y", [{"X", "Y"}]),
        ("X OR A", []),
        ("X AND Y", [{"X"}, {"Y"}]),
        ("X AND A", [{"X"}]),
        ("X AND X", [{"X"}]),
        ("X AND (X OR Y)", [{"X"}]),
        ("(X AND Y) OR Z", [{"X", "Z"}, {"Y", "Z"}]),
        ("(X AND A) OR (Y AND Z)", [{"X", "Y"}, {"X", "Z"}]),
        ("(X AND Y) OR (X AND Z)", [{"X"}, {"Y", "Z"}]),
    ],
)
def test_each_demand_is_one_license_that_would_have_to_pass(expression, wanted):
    named = expression.replace("A", "LicenseRef-A ").replace("LicenseRef-A ND", "AND")
    for letter in "XYZ":
        named = named.replace(letter, f"LicenseRef-{letter}")
    read = read_expression(named)
    assert not isinstance(read, Unreadable)
    found = demands(read, Lists(allow=frozenset({"licenseref-a"}), deny=frozenset(), deny_any=frozenset()))
    assert [{str(term).removeprefix("LicenseRef-") for term in demand} for demand in found] == wanted


def waived(verdict, *ids):
    """Whether waivers for these ids cover it."""
    waivers = [
        Waiver(
            rule="license",
            id=id_,
            feeds=("*",),
            package="Contoso.Logging",
            versions=("1.0.0",),
            range="",
            owner="ada",
            reason="A contract",
            expires=date(2027, 1, 1),
            where=Line(path="policies/waivers/w.yaml", line=1),
        )
        for id_ in ids
    ]
    judgement = Judgement(rule="license", policy=Line(path=PATH, line=1), verdict=verdict)
    return waiver_for(judgement, SUBJECT, waivers, lambda _: "by id") is not None


@pytest.mark.parametrize(
    ("expression", "ids", "covered"),
    [
        ("AGPL-3.0-only", ["AGPL-3.0-only"], True),
        ("AGPL-3.0-only", ["agpl-3.0-ONLY"], True),
        ("AGPL-3.0-only", ["GPL-3.0-only"], False),
        ("AGPL-3.0-only", ["NOASSERTION"], False),
        ("AGPL-3.0-only", [""], False),
        ("AGPL-3.0-only AND ISC", ["AGPL-3.0-only"], False),
        ("AGPL-3.0-only AND ISC", ["AGPL-3.0-only", "ISC"], True),
        ("AGPL-3.0-only OR ISC", ["ISC"], True),
        ("(AGPL-3.0-only AND Zlib) OR ISC", ["ISC"], True),
        ("(AGPL-3.0-only AND Zlib) OR ISC", ["Zlib"], False),
        ("(AGPL-3.0-only AND Zlib) OR ISC", ["Zlib", "AGPL-3.0-only"], True),
        ("Foo", ["NOASSERTION"], True),
        ("Foo", ["Foo"], True),
        ("Foo", ["MIT"], False),
    ],
)
def test_a_waiver_for_a_license_covers_no_other(expression, ids, covered):
    assert all(waived(verdict, *ids) for verdict in judge(file(expression), allow="MIT")) is covered


def test_a_file_that_nobody_has_looked_into_cannot_be_waived():
    (verdict,) = judge(JudgedFile(name="a.nupkg", size=1, traits=None), allow="MIT")
    assert not waived(verdict, "NOASSERTION", "MIT", "")


def test_a_license_with_too_many_choices_violates_and_cannot_be_waived_by_half():
    ids = [id_ for id_ in sorted(LICENSES.values()) if id_ != "MIT" and "GPL" not in id_][:60]
    pairs = " OR ".join(f"({a} AND {b} AND {c})" for a, b, c in zip(ids[::3], ids[1::3], ids[2::3], strict=True))
    for expression in (pairs, f"ISC AND ({pairs})", f"ISC OR ({pairs})", " AND ".join([*ids, *sorted(LICENSES.values())[-10:]])):
        (verdict,) = judge(file(expression), allow="MIT")
        assert (verdict.level, verdict.ids) == ("deny", ())
        assert verdict.reason.endswith("which licenses.yaml does not allow")
    assert judge(file(f"MIT OR {pairs}"), allow="MIT") == (ALLOW,)
    assert judge(file(f"{pairs} OR MIT"), allow="MIT") == (ALLOW,)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"allow": ["MIT", "MITT"]}, "params.allow[1]: found 'MITT', expected an SPDX license id as in"),
        ({"allow": "MIT OR ISC"}, "params.allow: found 'MIT OR ISC', expected an SPDX license id as in"),
        ({"deny": ["GPL-2.0 WITH MIT"]}, "params.deny[0]: found 'GPL-2.0 WITH MIT', expected an SPDX license id as in"),
        ({"allow": []}, "params.allow: found none, expected at least one"),
        ({"unknown": "allow"}, "params.unknown: found 'allow', expected warn, hold or deny"),
        ({"licenses": ["MIT"]}, "params.licenses: found an unknown key, expected one of: allow, deny, unknown"),
    ],
)
def test_what_spdx_does_not_know_is_an_error_of_the_policy(params, problem):
    (told,) = problems_of("license", **params)
    assert told.startswith(f"policies/p.yaml:2: {problem}")


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"allow": ["MIT"]}, None),
        ({"deny": ["AGPL-3.0-only"]}, None),
        ({"allow": ["MIT"], "deny": ["AGPL-3.0-only"]}, None),
        ({"allow": ["MIT", "ISC"], "deny": ["mit"]}, "MIT in allow, and denied by deny"),
        ({"allow": ["GPL-3.0-only"], "deny": ["GPL-3.0-or-later"]}, "GPL-3.0-only in allow, and denied by deny"),
    ],
)
def test_a_policy_that_allows_what_it_denies_is_an_error(params, found):
    answer = unmet(policy_of("license", **params), rules())
    assert (answer.found if answer else None) == found


def test_a_hundred_thousand_judgements_take_seconds():
    ids = sorted(LICENSES.values())
    texts = [f"{a} OR ({b} AND {c})" for a, b, c in zip(ids, ids[1:], ids[2:], strict=False)]
    policy = policy_of("license", PATH, allow=["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib"])
    facts = [Facts(files=(file(text),)) for text in texts]
    started = time.perf_counter()
    for number in range(100_000):
        check(SUBJECT, policy, facts[number % len(facts)])
    assert time.perf_counter() - started < 30
