"""What a feed held, replayed from records: the last word on each version counts, the first says who brought it."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.show.contents import ContentsV1, contents_text, held
from tests.show.rows import record

GRACE = {"name": "Grace Hopper", "email": "grace@example.org", "assurance": "signed"}
RECORDS = [
    {"seq": 1, "change": "access", "feed": "approved-pypi"},
    record(2),
    record(3, package="Bad", version="0.9"),
    record(4, package="leaf", version="1.10", author=GRACE),
    record(5, "quarantine", "Bad", "0.9", state="quarantined", author=GRACE, reason="It \x1b[31mphones\nhome\u202e"),
    record(6, "extend", files=[{"name": name, "size": 3, "sha256": "1" * 64} for name in ("leaf.tar.gz", "leaf.whl")]),
    {"seq": 7, "change": "evict", "feed": "approved-pypi"},
    record(8, "unlist", version="1.10", state="unlisted", reason="x" * 100_000),
]


def contents(records, **more):
    fields = {"feed": "approved-pypi", "at": datetime(2026, 11, 30, tzinfo=UTC), "commit": None, "records": len(records)}
    return ContentsV1.model_validate({**fields, "versions": held(records), **more})


def test_the_last_record_says_what_a_version_is_and_the_first_who_brought_it():
    rows = [(r.package, r.version, r.state, r.record, r.author.name, r.last_record, r.last_change) for r in held(RECORDS)]
    assert rows == [
        ("Bad", "0.9", "quarantined", 3, "Ada Lovelace", 5, "quarantine"),
        ("leaf", "1.2", "listed", 2, "Ada Lovelace", 6, "extend"),
        ("leaf", "1.10", "unlisted", 4, "Grace Hopper", 8, "unlist"),
    ]
    assert [len(row.files) for row in held(RECORDS)] == [1, 2, 1]


def test_each_prefix_of_the_records_is_a_moment():
    assert [len(held(RECORDS[:number])) for number in range(len(RECORDS) + 1)] == [0, 0, 1, 2, 3, 3, 3, 3, 3]
    assert {row.state for row in held(RECORDS[:4])} == {"listed"}


def test_records_of_version_0_1_do_not_say_the_state():
    old = [{key: value for key, value in row.items() if key not in {"state", "head"}} for row in (record(1), record(2, "unlist"))]
    assert [row.state for row in held(old[:1]) + held(old)] == ["listed", "unlisted"]


def test_the_table():
    lines = "\n".join(contents_text(contents(RECORDS))).replace("x" * 400, "x...x")
    assert (
        lines
        == """\
approved-pypi at 2026-11-30 00:00:00 UTC: 3 versions (1 unlisted, 1 quarantined)
  Bad   0.9   quarantined  1 file   2026-11-22 17:00  record 3  by Ada Lovelace <ada@example.org> (claimed)
      quarantine 2026-11-22 17:00 by Grace Hopper <grace@example.org> (signed), record 5: It \\x1b[31mphones home\\u202e
  leaf  1.2   listed       2 files  2026-11-22 17:00  record 2  by Ada Lovelace <ada@example.org> (claimed)
  leaf  1.10  unlisted     1 file   2026-11-22 17:00  record 4  by Grace Hopper <grace@example.org> (signed)
      unlist 2026-11-22 17:00 by Ada Lovelace <ada@example.org> (claimed), record 8: x...x… (100000 characters)"""
    )


def test_nothing_is_said_in_a_sentence():
    assert list(contents_text(contents([], at=None, commit="c" * 40))) == ["approved-pypi held nothing at commit cccccccccccc."]
