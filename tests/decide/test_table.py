"""The table of DESIGN section 5, said a second time: as patterns over the whole product, the first match counts."""

from fnmatch import fnmatchcase
from itertools import product
from typing import get_args

import pytest

from reconciler.decide.table import Action, DeclaredState, PublishedState, Relation, Taking, action_for, relation_of, same_content
from tests.support.declared import file, published_file

# declared, published, recorded, relation of approved to recorded files, how it is taken back, marks as declared: what is done
TABLE = """
malformed  *            *    *      *           *    frozen

approved   differing    *    *      *           *    conflict
approved   *            *    other  *           *    conflict
approved   *            yes  fewer  *           *    fewer
approved   absent       yes  *      *           *    repair
approved   partial      yes  *      *           *    repair
approved   quarantined  yes  *      *           *    release
approved   listed       yes  more   *           *    extend
approved   unlisted     yes  more   *           *    extend
approved   listed       yes  same   *           yes  nothing
approved   listed       yes  same   *           no   mark
approved   unlisted     yes  same   *           *    relist
approved   absent       no   *      *           *    promote
approved   partial      no   *      *           *    promote
approved   listed       no   *      *           *    adopt
approved   unlisted     no   *      *           *    conflict
approved   quarantined  no   *      *           *    conflict

denied     differing    yes  *      alert       *    conflict
denied     listed       yes  other  alert       *    conflict
denied     partial      yes  other  alert       *    conflict
denied     listed       yes  fewer  alert       *    fewer
denied     partial      yes  fewer  alert       *    fewer
denied     partial      yes  *      alert       *    repair
denied     listed       yes  *      alert       no   mark
denied     listed       yes  *      alert       *    alert
denied     listed       yes  *      unlist      *    unlist
denied     listed       yes  *      quarantine  *    quarantine
denied     unlisted     yes  *      quarantine  *    quarantine
denied     *            yes  *      *           *    nothing
denied     absent       no   *      *           *    hold
denied     partial      no   *      *           *    hold
denied     *            no   *      *           *    alien

withdrawn  unlisted     yes  *      unlist      yes  nothing
withdrawn  *            yes  *      unlist      *    unlist
withdrawn  quarantined  yes  *      quarantine  yes  nothing
withdrawn  *            yes  *      quarantine  *    quarantine
withdrawn  absent       no   *      *           *    nothing
withdrawn  partial      no   *      *           *    nothing
withdrawn  *            no   *      *           *    alien

expired    listed       yes  *      *           *    unlist
expired    unlisted     yes  *      *           no   unlist
expired    *            yes  *      *           *    nothing
expired    absent       no   *      *           *    nothing
expired    partial      no   *      *           *    nothing
expired    *            no   *      *           *    alien

void       *            yes  *      *           *    orphan
void       absent       no   *      *           *    hold
void       partial      no   *      *           *    hold
void       *            no   *      *           *    alien

none       *            yes  *      *           *    orphan
none       absent       no   *      *           *    nothing
none       partial      no   *      *           *    nothing
none       *            no   *      *           *    alien
"""
ROWS = [line.split() for line in TABLE.splitlines() if line]
STATES = list(product(get_args(DeclaredState), get_args(PublishedState), ("yes", "no"), get_args(Relation)))
HOW = list(product(get_args(Taking), ("yes", "no")))
EVERYTHING = [(*state, *how) for state in STATES for how in HOW if state[0] != "withdrawn" or how[0] != "alert"]
"""A withdrawal always says how."""


def row_of(cell):
    return next(row for row in ROWS if all(map(fnmatchcase, cell, row[:6])))


def action_of(declared, published, recorded, relation, taking, marked):
    return action_for(declared, published, recorded=recorded == "yes", relation=relation, taking=taking, marked=marked == "yes")


@pytest.mark.parametrize(("declared", "published", "recorded", "relation"), STATES)
def test_every_state_has_its_action(declared, published, recorded, relation):
    for cell in EVERYTHING:
        if cell[:4] == (declared, published, recorded, relation):
            assert action_of(*cell) == row_of(cell)[6], cell


def test_the_table_is_total_and_says_nothing_in_vain():
    reached = [row_of(cell) for cell in EVERYTHING]
    assert len(reached) == (6 * 3 + 2) * 2 * 6 * 2 * 4
    assert [row for row in ROWS if row not in reached] == []
    assert {row[6] for row in ROWS} == set(get_args(Action))


def test_nothing_enters_without_an_approval_in_force_and_nothing_is_taken_back_unasked():
    enters = {"promote", "repair", "extend", "adopt", "relist", "release", "mark"}
    for cell in EVERYTHING:
        declared, _, recorded, _, taking, _ = cell
        action = action_of(*cell)
        kept_whole = declared == "denied" and taking == "alert" and action in {"repair", "mark"}
        assert action not in enters or declared == "approved" or kept_whole
        assert action != "quarantine" or (declared in {"denied", "withdrawn"} and taking == "quarantine" and recorded == "yes")
        assert action != "unlist" or declared == "expired" or (declared in {"denied", "withdrawn"} and taking == "unlist")


def test_what_was_done_need_not_be_done_again():
    """The action leads to a state in which the same declaration asks for nothing more."""
    leads_to = {"unlist": "unlisted", "quarantine": "quarantined", "relist": "listed", "release": "listed", "repair": "listed"}
    for declared, published, recorded, relation, taking, marked in EVERYTHING:
        after = leads_to.get(action_of(declared, published, recorded, relation, taking, marked))
        if after and relation == "same":
            then = action_of(declared, after, recorded, relation, taking, "yes")
            assert then == ("alert" if (declared, after) == ("denied", "listed") else "nothing")


@pytest.mark.parametrize(
    ("approved", "recorded", "relation"),
    [
        ("a", "a", "same"),
        ("a b", "b a", "same"),
        ("a b", "a", "more"),
        ("a", "a b", "fewer"),
        ("", "a", "fewer"),
        ("a b", "a c", "fewer"),
        ("b", "a", "fewer"),
        ("a=changed", "a", "other"),
        ("a=changed b", "a", "other"),
        ("a=changed", "a b", "other"),
    ],
)
def test_approved_files_against_recorded_ones(approved, recorded, relation):
    def files(text):
        return tuple(file(*part.split("=")) for part in text.split())

    assert relation_of(files(approved), tuple(map(published_file, files(recorded)))) == relation


@pytest.mark.parametrize(
    ("approved", "sha256", "content_hash", "same"),
    [
        (file("a", "text"), file("a", "text").sha256, None, True),
        (file("a", "text"), file("a", "else").sha256, None, False),
        (file("a", "text"), file("a", "else").sha256, "H", False),
        (file("a", "text", content_hash="H"), file("a", "else").sha256, None, False),
        (file("a", "text", content_hash="H"), file("a", "else").sha256, "H", True),
        (file("a", "text", content_hash="H"), file("a", "else").sha256, "G", False),
        (file("a", "text", content_hash="H"), file("a", "text").sha256, None, True),
    ],
)
def test_bytes_are_the_reviewed_ones_by_digest_or_by_content_hash(approved, sha256, content_hash, same):
    assert same_content(approved, sha256, content_hash) is same
