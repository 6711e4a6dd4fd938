from datetime import date

import pytest

from reconciler.decide.rows import classify
from reconciler.model.declared import Deprecation, Withdrawal
from reconciler.model.words import Identity, VersionKey
from tests.support.declared import APPROVED, PAYMENTS, desired, file, identity, published, stock, stranger

PKG = identity()
A, B = file("a"), file("b")
BAD = Withdrawal(action="quarantine", reason="Steals credentials.", since=date(2026, 11, 20))
MILD = Withdrawal(action="unlist", reason="Broken on Windows.", since=None)
OLD = Deprecation(reason="No longer maintained.", use="pkg 2")


def rows(*wanted, frozen=(), **held):
    known = {one.declared.identity: one for one in wanted}
    return classify(known, frozenset((i.feed, i.package) for i in frozen), {APPROVED: stock(**held)})


def row(*wanted, **held):
    (one,) = rows(*wanted, **held)
    return one


def recorded(*files, **more):
    return {"pkg": [published("1.0", *files, **more)]}


def paths(row):
    return [one.path for one in row.strangers]


def test_nothing_declared_and_nothing_there():
    assert rows() == ()


@pytest.mark.parametrize(
    ("state", "packages", "action"),
    [
        ("approved", {}, "promote"),
        ("void", {}, "hold"),
        ("expired", {}, "nothing"),
        ("malformed", {}, "frozen"),
        ("approved", recorded("a", "b"), "nothing"),
        ("approved", recorded("a"), "extend"),
        ("approved", recorded("a", "b", "c"), "fewer"),
        ("approved", recorded(file("a", "else"), "b"), "conflict"),
        ("approved", recorded("a", "b", state="unlisted"), "relist"),
        ("approved", recorded("a", "b", state="quarantined"), "release"),
        ("approved", recorded("a", state="unlisted"), "extend"),
        ("approved", recorded("a", "b", "c", state="unlisted"), "fewer"),
        ("expired", recorded("a", "b"), "unlist"),
        ("expired", recorded("a", "b", state="unlisted", reason="Reviewed."), "nothing"),
        ("expired", recorded("a", "b", state="unlisted", reason="Withdrawn before."), "unlist"),
        ("expired", recorded("a", "b", state="quarantined", reason="Withdrawn before."), "nothing"),
        ("void", recorded("a", "b"), "orphan"),
        ("malformed", recorded("a", "b"), "frozen"),
    ],
)
def test_an_approval_against_the_record(state, packages, action):
    one = row(desired("a", "b", state=state), packages=packages)
    assert (one.identity, one.action) == (PKG, action)


def test_what_is_recorded_and_not_declared_is_an_orphan():
    one = row(packages={"Pkg": [published("1.0", "a")]})
    assert (one.action, one.desired, one.files, one.spelled) == ("orphan", None, (), ("Pkg", "1.0"))


def test_of_a_package_with_an_unreadable_approval_nothing_is_an_orphan():
    assert row(packages=recorded("a"), frozen=[PKG]).action == "frozen"


def test_the_declared_spelling_comes_first():
    assert row(desired("a"), packages=recorded("a")).spelled == ("pkg", "1")
    assert row(strangers=(stranger("a"),)).spelled == ("pkg", "1")


def test_rows_are_sorted_and_cover_all_feeds():
    wanted = [desired("a", of=identity("z")), desired("a", of=identity("m", feed=PAYMENTS)), desired("a", of=identity("a", "2.0"))]
    stocks = {APPROVED: stock({"a": [published("1.0", "a")]}), PAYMENTS: stock({"m": [published("3", "a")]}, feed=PAYMENTS)}
    found = classify({one.declared.identity: one for one in wanted}, frozenset(), stocks)
    assert [(r.identity.feed, r.identity.package, r.identity.version, r.action) for r in found] == [
        (APPROVED, "a", "1", "orphan"),
        (APPROVED, "a", "2", "promote"),
        (APPROVED, "z", "1", "promote"),
        (PAYMENTS, "m", "1", "promote"),
        (PAYMENTS, "m", "3", "orphan"),
    ]


# --- which files it is about --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packages", "damaged", "action", "files"),
    [
        ({}, {}, "promote", (A, B)),
        (recorded("a"), {}, "extend", (B,)),
        (recorded("a", "b"), {PKG: ("b is missing",)}, "repair", (A, B)),
        (recorded("a"), {PKG: ("a is missing",)}, "repair", (A,)),
        (recorded("a", "b", state="unlisted"), {}, "relist", (A, B)),
    ],
)
def test_an_action_is_about_its_files(packages, damaged, action, files):
    one = row(desired("a", "b"), packages=packages, damaged=damaged)
    assert (one.action, one.files) == (action, files)


def test_bytes_are_needed_to_promote_repair_and_extend_only():
    assert row(desired("a")).needs_bytes
    assert row(desired("a", "b"), packages=recorded("a")).needs_bytes
    assert row(desired("a"), packages=recorded("a"), damaged={PKG: ("a is missing",)}).needs_bytes
    assert not row(desired("a"), packages=recorded("a")).needs_bytes
    assert not row(desired("a"), packages=recorded("a", state="unlisted")).needs_bytes
    assert not row(desired("a"), strangers=(stranger("a"),)).needs_bytes
    assert not row(desired("a", state="void")).needs_bytes


# --- damage -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "packages", "action"),
    [
        ("approved", recorded("a"), "repair"),
        ("approved", recorded("a", state="unlisted"), "repair"),
        ("approved", recorded("a", "b"), "fewer"),
        ("approved", recorded(file("a", "else")), "conflict"),
        ("expired", recorded("a"), "unlist"),
        ("expired", recorded("a", state="unlisted", reason="Reviewed."), "nothing"),
        ("void", recorded("a"), "orphan"),
        ("malformed", recorded("a"), "frozen"),
    ],
)
def test_damage_is_told_and_repaired_where_it_is_approved(state, packages, action):
    one = row(desired("a", state=state), packages=packages, damaged={PKG: ("a is missing",)})
    assert (one.action, one.damage) == (action, ("a is missing",))


def test_other_bytes_are_a_conflict_where_it_is_approved_and_stand_in_no_ways_way_else():
    other = {PKG: ("a has 2 bytes, recorded are 1",)}
    one = row(desired("a"), packages=recorded("a"), differing=other)
    assert (one.action, one.differing) == ("conflict", other[PKG])
    assert row(desired("a", state="expired"), packages=recorded("a"), differing=other).action == "unlist"
    assert row(desired("a", state="withdrawn", withdrawn=BAD), packages=recorded("a"), differing=other).action == "quarantine"
    assert row(packages=recorded("a"), differing=other).action == "orphan"


# --- taken back ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("withdrawn", "state", "exposed", "action"),
    [
        (BAD, "listed", False, "quarantine"),
        (BAD, "unlisted", False, "quarantine"),
        (BAD, "quarantined", False, "nothing"),
        (BAD, "quarantined", True, "quarantine"),
        (MILD, "listed", False, "unlist"),
        (MILD, "unlisted", False, "nothing"),
        (MILD, "quarantined", False, "unlist"),
        (MILD, "quarantined", True, "unlist"),
    ],
)
def test_a_withdrawal_against_the_record(withdrawn, state, exposed, action):
    wanted = desired("a", state="withdrawn", withdrawn=withdrawn)
    held = recorded("a", state=state, reason=withdrawn.reason)
    assert row(wanted, packages=held, exposed=frozenset({PKG} if exposed else ())).action == action


@pytest.mark.parametrize(("withdrawn", "state", "action"), [(BAD, "quarantined", "quarantine"), (MILD, "unlisted", "unlist")])
def test_a_reason_that_was_corrected_is_told_again(withdrawn, state, action):
    wanted = desired("a", state="withdrawn", withdrawn=withdrawn)
    assert row(wanted, packages=recorded("a", state=state, reason="A slip of the pen.")).action == action


def test_what_was_quarantined_is_released_and_fetched_again_where_it_was_lost():
    assert row(desired("a"), packages=recorded("a", state="quarantined")).action == "release"
    assert row(desired("a"), packages=recorded("a", state="quarantined"), exposed=frozenset({PKG})).action == "release"
    assert row(desired("a"), packages=recorded("a", state="quarantined"), damaged={PKG: ("gone",)}).action == "repair"


@pytest.mark.parametrize(
    ("declared", "published", "upstream", "action"),
    [
        (None, None, None, "nothing"),
        (OLD, None, None, "mark"),
        (OLD, OLD.message, None, "nothing"),
        (OLD, "said upstream", "said upstream", "mark"),
        (None, OLD.message, None, "mark"),
        (None, OLD.message, "said upstream", "mark"),
        (None, "said upstream", "said upstream", "nothing"),
    ],
)
def test_clients_are_told_the_approvals_word_before_the_registrys(declared, published, upstream, action):
    one = row(desired("a", deprecated=declared), packages=recorded("a", deprecated=published, upstream_deprecated=upstream))
    assert one.action == action


def test_a_deprecation_of_what_is_not_listed_waits_until_it_is():
    wanted = desired("a", state="withdrawn", withdrawn=MILD, deprecated=OLD)
    assert row(wanted, packages=recorded("a", state="unlisted", reason=MILD.reason)).action == "nothing"


# --- strangers --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "strangers", "action", "told"),
    [
        ("approved", [stranger("a")], "promote", ()),
        ("approved", [stranger("a"), stranger("b")], "adopt", ()),
        ("approved", [stranger("a", "else"), stranger("b")], "conflict", ("a", "b")),
        ("approved", [stranger("a"), stranger("b"), stranger("c")], "conflict", ("a", "b", "c")),
        ("expired", [stranger("a")], "nothing", ()),
        ("expired", [stranger("a"), stranger("b")], "alien", ("a", "b")),
        ("void", [stranger("a")], "alien", ("a",)),
        ("malformed", [stranger("a")], "frozen", ()),
    ],
)
def test_files_without_a_record_are_compared_by_their_bytes(state, strangers, action, told):
    one = row(desired("a", "b", state=state), strangers=tuple(strangers))
    assert (one.action, paths(one)) == (action, [f"files/pkg/1/{name}" for name in told])


def test_a_stranger_that_nothing_declares_is_an_alien():
    one = row(strangers=(stranger("a"),))
    assert (one.action, paths(one)) == ("alien", ["files/pkg/1/a"])


def test_a_stranger_beside_recorded_files_is_told_and_changes_nothing():
    one = row(desired("a"), packages=recorded("a"), strangers=(stranger("evil"),))
    assert (one.action, paths(one)) == ("nothing", ["files/pkg/1/evil"])


def test_what_a_killed_extension_left_is_no_stranger():
    one = row(desired("a", "b"), packages=recorded("a"), strangers=(stranger("b"),))
    assert (one.action, one.strangers, one.files) == ("extend", (), (B,))


def test_other_bytes_in_the_place_of_an_extension_are_a_conflict():
    one = row(desired("a", "b"), packages=recorded("a"), strangers=(stranger("b", "evil"),))
    assert (one.action, paths(one)) == ("conflict", ["files/pkg/1/b"])


def test_a_stranger_at_a_version_that_is_spelled_otherwise_is_its_own_row():
    other = Identity(feed=APPROVED, package=PKG.package, version=VersionKey("1.0"))
    found = rows(desired("a"), packages=recorded("a"), strangers=(stranger("a", of=other),))
    assert [(r.identity.version, r.action) for r in found] == [("1", "nothing"), ("1.0", "alien")]
