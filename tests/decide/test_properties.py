"""What holds of every plan, whatever is declared, published and offered."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.decide.authority import authorise
from reconciler.decide.judging import Judged, Obstacle
from reconciler.decide.rows import classify, with_verdicts
from reconciler.decide.rules_in_force import RulesInForce, Step
from reconciler.decide.standing import HeldEvent, Standing
from reconciler.model.declared import Deprecation, MalformedApproval, Withdrawal, WithdrawalAction
from reconciler.model.facts import facts_of, files_of
from reconciler.model.packages import PublishedVersion
from reconciler.model.permissions import Line
from reconciler.model.plan import Absent, Drift, Hold, Waiting
from reconciler.model.verdicts import LEVELS, Judgement, Verdict
from reconciler.model.words import CommitId, Problem
from tests.decide.passes import after, everything, plan_of
from tests.support.declared import (
    APPROVED,
    NOW,
    PAYMENTS,
    PUBLIC,
    approval,
    desired,
    event,
    file,
    found,
    identity,
    published,
    rules,
    stock,
    stranger,
)

SOME = settings(max_examples=40, deadline=None)
IDENTITIES = [identity("one"), identity("one", "2.0"), identity("two"), identity("two", feed=PAYMENTS)]
ACTIONS: list[WithdrawalAction] = ["unlist", "quarantine"]
BRINGS = {"promote", "repair", "extend", "adopt", "relist"}
CONTENTS = ["", "", "", "else"]
FILES = st.dictionaries(st.sampled_from("abc"), st.sampled_from(CONTENTS), min_size=1).map(
    lambda named: [file(name, text) for name, text in sorted(named.items())]
)


@st.composite
def approvals(draw, of):
    """One approval, judged: the state, its date and a held event follow each other as `desired_of` makes them."""
    files = draw(FILES)
    state = draw(st.sampled_from(["approved", "approved", "approved", "withdrawn", "expired", "void", "malformed"]))
    days = draw(st.integers(1, 9))
    expires = {"expired": NOW - timedelta(days=days), "approved": draw(st.sampled_from([None, NOW + timedelta(days=days)]))}.get(state)
    action = draw(st.sampled_from(ACTIONS))
    withdrawn = Withdrawal(action=action, reason="Broken.", since=None) if state == "withdrawn" else None
    deprecated = draw(st.sampled_from([None, None, Deprecation(reason="Old.", use="")]))
    one = desired(*files, state=state, of=of, expires=expires, withdrawn=withdrawn, deprecated=deprecated)
    if state == "void" or draw(st.integers(0, 4)) == 0:
        held = HeldEvent(event=event(9, "mallory", None, approval("z"), of=of), reason="nobody may", line=None, candidates=("ada",))
        one = replace(one, standing=replace(one.standing, pending={"file:z": held}))
    return one


@st.composite
def stocks_of(draw, feed):
    packages: dict[str, list[PublishedVersion]] = {}
    damaged, strangers = {}, []
    for of in (i for i in IDENTITIES if i.feed == feed):
        recorded = draw(st.booleans())
        if recorded:
            packages.setdefault(of.package, []).append(
                published(
                    of.version,
                    *draw(FILES),
                    state=draw(st.sampled_from(["listed", "unlisted", "quarantined"])),
                    deprecated=draw(st.sampled_from([None, None, "Old."])),
                )
            )
        if recorded and draw(st.integers(0, 3)) == 0:
            damaged[of] = ("a is missing",)
        known = {f.name for version in packages.get(of.package, []) if version.version.key == of.version for f in version.files}
        names = draw(st.sets(st.sampled_from("abd"), max_size=2)) - known if draw(st.integers(0, 2)) == 0 else set()
        strangers += [stranger(name, draw(st.sampled_from(CONTENTS)), of=of) for name in sorted(names)]
    return stock(packages, feed=feed, damaged=damaged, strangers=tuple(sorted(strangers, key=lambda s: s.path)))


@st.composite
def worlds(draw):
    wanted = [draw(approvals(of)) for of in draw(st.lists(st.sampled_from(IDENTITIES), unique=True))]
    stocks = [draw(stocks_of(APPROVED)), draw(stocks_of(PAYMENTS))]
    malformed = [
        MalformedApproval(
            path=f"approvals/{one.declared.identity.package}/9.yaml",
            identity=replace(one.declared.identity, version="9"),
            problems=(Problem(path="x", line=draw(st.integers(1, 3)), key="", found="", expected="y"),),
        )
        for one in wanted
        if one.state == "malformed"
    ]
    frozen = {(m.identity.feed, m.identity.package) for m in malformed if m.identity}
    wanted = [replace(o, state="malformed") if (o.declared.identity.feed, o.declared.identity.package) in frozen else o for o in wanted]
    return wanted, stocks, malformed


@st.composite
def catalogs(draw, wanted):
    offered = dict(everything(wanted))
    other = [Waiting(reason="timed out"), Absent(reason="404"), found({}), None]
    return {key: answer for key, have in offered.items() if (answer := draw(st.sampled_from([have, have, have, *other]))) is not None}


@SOME
@given(worlds(), st.data())
def test_the_order_of_what_goes_in_is_irrelevant(world, data):
    wanted, stocks, malformed = world
    catalog = data.draw(catalogs(wanted))
    shuffled = [data.draw(st.permutations(part)) for part in (wanted, stocks, malformed, list(catalog.items()))]
    one = plan_of(*wanted, stocks=stocks, malformed=malformed, catalog=catalog)
    other = plan_of(*shuffled[0], stocks=shuffled[1], malformed=shuffled[2], catalog=dict(shuffled[3]))
    assert repr(one) == repr(other)


@SOME
@given(worlds(), st.data())
def test_nothing_enters_but_what_is_approved_and_only_as_it_was_reviewed(world, data):
    wanted, stocks, malformed = world
    plan = plan_of(*wanted, stocks=stocks, malformed=malformed, catalog=data.draw(catalogs(wanted)), accepted=True)
    judged = {one.declared.identity: one for one in wanted}
    for change in plan.changes:
        one = judged[change.identity]
        assert one.state in {"unlist": {"expired", "withdrawn"}, "quarantine": {"withdrawn"}}.get(change.kind, {"approved"})
        assert change.files
        assert set(change.files) <= set(files_of(one.standing.facts))
        assert one.standing.backing is not None
        assert (change.author, change.landing) == (one.standing.backing.author, one.standing.backing.landing)
        if change.kind == "promote":
            assert change.files == one.files, "a version appears with all its files"


@SOME
@given(worlds(), st.data())
def test_nothing_that_is_approved_is_passed_over_in_silence(world, data):
    wanted, stocks, malformed = world
    plan = plan_of(*wanted, stocks=stocks, malformed=malformed, catalog=data.draw(catalogs(wanted)))
    reports: list[Hold | Drift] = [*plan.holds, *plan.drift]
    told = {(t.feed, t.package, t.version) for t in reports}
    changed = {change.identity for change in plan.changes}
    refused = {h.feed for h in plan.holds if h.kind == "limit"}
    for one in wanted:
        of = one.declared.identity
        held = next(s for s in stocks if s.feed == of.feed).packages.get(of.package)
        version = next((v for v in held.versions if v.version.key == of.version), None) if held else None
        fine = version is not None and version.state == "listed" and {f.name for f in version.files} == {f.name for f in one.files}
        if one.state in {"approved", "void"} and not (one.state == "approved" and fine):
            assert of in changed or (of.feed, of.package, of.version) in told or of.feed in refused


@SOME
@given(worlds())
def test_planning_again_after_applying_finds_nothing_left_to_do(world):
    wanted, stocks, malformed = world
    held = {one.feed: one for one in stocks}
    quarantined = any(v.state == "quarantined" for one in stocks for package in one.packages.values() for v in package.versions)
    passes = 2 if quarantined or any(one.damaged for one in stocks) else 1
    for _ in range(passes):
        held = after(plan_of(*wanted, stocks=held.values(), malformed=malformed, accepted=True), held)
    last = plan_of(*wanted, stocks=held.values(), malformed=malformed, accepted=True)
    assert last.changes == ()
    before = plan_of(*wanted, stocks=stocks, malformed=malformed, accepted=True).holds
    assert last.holds == before or (passes == 2 and set(last.holds) > set(before)), (
        "an extension may be held once the repair or release is done"
    )


@SOME
@given(worlds())
def test_every_identity_has_one_row(world):
    wanted, stocks, malformed = world
    frozen = frozenset((m.identity.feed, m.identity.package) for m in malformed if m.identity)
    rows = classify({one.declared.identity: one for one in wanted}, frozen, {one.feed: one for one in stocks})
    counted = Counter(row.identity for row in rows)
    assert set(counted.values()) <= {1}
    assert {one.declared.identity for one in wanted} <= counted.keys()
    assert [row.identity for row in rows] == sorted(counted)


@SOME
@given(worlds(), st.integers(0, 3))
def test_a_limit_refuses_a_class_whole_or_not_at_all(world, most):
    wanted, stocks, malformed = world
    limited = rules(feeds=f"{FEEDS_WITH_LIMITS}  promotions: {most}\n")
    free = plan_of(*wanted, stocks=stocks, malformed=malformed, rules=limited, accepted=True)
    bound = plan_of(*wanted, stocks=stocks, malformed=malformed, rules=limited)
    assert free.digest == bound.digest
    for feed in (APPROVED, PAYMENTS):
        want, got = (
            [c for c in p.changes if c.identity.feed == feed and c.kind in {"promote", "extend", "relist", "release"}]
            for p in (free, bound)
        )
        assert got == (want if len(want) <= most else [])


FEEDS_WITH_LIMITS = """\
feeds:
  public: {type: pypi, usage: proxy, connectors: [{upstream: ./public}]}
  other: {type: pypi, usage: proxy, connectors: [{upstream: ./other}]}
  approved: {type: pypi, usage: approved, promotes_from: [public]}
  payments: {type: pypi, usage: approved, promotes_from: [public]}
limits:
  withdrawals: 99
"""

# --- authority ----------------------------------------------------------------------------------------------------------------------

ENTITLED = {"ada", "grace"}
IN_FORCE = RulesInForce(
    steps=(Step(position=0, commit=CommitId("0"), rules=rules("allow: promote-packages, group: seniors"), files={}),), refused=()
)
STATES = st.none() | st.builds(
    lambda files, expires, endorsed: approval(*files, source=PUBLIC, expires=expires, endorsed=endorsed),
    FILES,
    st.sampled_from(["", "2027-01-01", "2028-01-01"]),
    st.lists(st.sampled_from(["ada", "mallory@example.org"]), unique=True),
)


@st.composite
def histories(draw):
    events, before = [], None
    for position in range(1, draw(st.integers(1, 6)) + 1):
        state = draw(STATES)
        if facts_of(state) == facts_of(before):
            continue
        author, merger = draw(st.sampled_from(["ada", "grace", "mallory", "eve"])), draw(st.sampled_from(["", "", "grace", "mallory"]))
        events.append((event(position, author, before, state, landed_by=merger), {author, merger}))
        before = state
    return events, before


@SOME
@given(histories())
def test_a_hold_is_told_exactly_where_the_file_says_more_than_is_authorised(history):
    events, last = history
    told = authorise([one for one, _ in events], IN_FORCE).standings.get(identity(), Standing())
    written = facts_of(last)
    assert told.pending.keys() == {f for f in written.keys() | told.facts.keys() if written.get(f) != told.facts.get(f)}
    assert bool(told.held) == (written != told.facts)


@SOME
@given(histories())
def test_every_authorised_fact_was_said_by_a_file_that_somebody_entitled_touched(history):
    events, _ = history
    told = authorise([one for one, _ in events], IN_FORCE).standings.get(identity(), Standing())
    for fact, value in told.facts.items():
        assert any(people & ENTITLED and facts_of(one.approval).get(fact) == value for one, people in events)


@SOME
@given(histories())
def test_whom_nobody_entitled_stands_beside_moves_nothing(history):
    events, _ = history
    before = Standing()
    for number, (one, people) in enumerate(events):
        now = authorise([e for e, _ in events[: number + 1]], IN_FORCE).standings[identity()]
        if one.approval is not None and not people & ENTITLED:
            assert (now.facts, now.backing) == (before.facts, before.backing)
        before = now


POLICY = Line(path="policies/p.yaml", line=1)
JUDGED = st.builds(
    Judged,
    judgements=st.lists(
        st.builds(
            Judgement,
            rule=st.just("license"),
            policy=st.just(POLICY),
            verdict=st.builds(Verdict, level=st.sampled_from(LEVELS), unknown=st.booleans()),
            waiver=st.sampled_from([None, POLICY]),
            action=st.sampled_from(["alert", "unlist", "quarantine"]),
        ),
        max_size=2,
    ).map(tuple),
    obstacle=st.sampled_from([None, Obstacle(reason="It is gone.", waiting=False, integrity=False)]),
)


@SOME
@given(worlds(), st.lists(JUDGED, min_size=1, max_size=5))
def test_rows_with_verdicts_are_those_that_are_made_with_them(world, judged):
    wanted, stocks, malformed = world
    frozen = frozenset((m.identity.feed, m.identity.package) for m in malformed if m.identity)
    held = {one.feed: one for one in stocks}
    approved = {one.declared.identity: one for one in wanted}
    verdicts = {of: judged[number % len(judged)] for number, (of, one) in enumerate(approved.items()) if one.state == "approved"}
    made = classify({of: replace(one, judged=verdicts.get(of, one.judged)) for of, one in approved.items()}, frozen, held)
    assert with_verdicts(classify(approved, frozen, held), verdicts, held) == made
