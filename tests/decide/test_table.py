"""The table of DESIGN section 5, said a second time: as patterns over the whole product, the first match counts."""

from fnmatch import fnmatchcase
from itertools import product
from typing import get_args

import pytest

from reconciler.decide.desired import DeclaredState
from reconciler.decide.table import Action, PublishedState, Relation, action_for, relation_of, same_content
from tests.support.declared import file, published_file

# declared, published, recorded, relation of approved to recorded files: what is done
TABLE = """
malformed  *          *    *      frozen

approved   differing  *    *      conflict
approved   *          *    other  conflict
approved   *          yes  fewer  fewer
approved   absent     yes  *      repair
approved   partial    yes  *      repair
approved   listed     yes  more   extend
approved   unlisted   yes  more   extend
approved   listed     yes  same   nothing
approved   unlisted   yes  same   relist
approved   absent     no   *      promote
approved   partial    no   *      promote
approved   listed     no   *      adopt
approved   unlisted   no   *      conflict

expired    listed     yes  *      unlist
expired    *          yes  *      nothing
expired    absent     no   *      nothing
expired    partial    no   *      nothing
expired    *          no   *      alien

void       *          yes  *      orphan
void       absent     no   *      hold
void       partial    no   *      hold
void       *          no   *      alien

none       *          yes  *      orphan
none       absent     no   *      nothing
none       partial    no   *      nothing
none       *          no   *      alien
"""
ROWS = [line.split() for line in TABLE.splitlines() if line]
EVERYTHING = list(product(get_args(DeclaredState), get_args(PublishedState), ("yes", "no"), get_args(Relation)))


def row_of(cell):
    return next(row for row in ROWS if all(map(fnmatchcase, cell, row[:4])))


@pytest.mark.parametrize(("declared", "published", "recorded", "relation"), EVERYTHING)
def test_every_state_has_its_action(declared, published, recorded, relation):
    expected = row_of((declared, published, recorded, relation))[4]
    assert action_for(declared, published, recorded=recorded == "yes", relation=relation) == expected


def test_the_table_is_total_and_says_nothing_in_vain():
    reached = [row_of(cell) for cell in EVERYTHING]
    assert len(reached) == 5 * 5 * 2 * 4
    assert [row for row in ROWS if row not in reached] == []
    assert {row[4] for row in ROWS} == set(get_args(Action))


def test_nothing_enters_without_an_approval_in_force_and_nothing_is_taken_back_but_what_expired():
    acts = {"promote", "repair", "extend", "adopt", "relist"}
    for declared, published, recorded, relation in EVERYTHING:
        action = action_for(declared, published, recorded=recorded == "yes", relation=relation)
        assert action not in acts or declared == "approved"
        assert action != "unlist" or declared == "expired"


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
