"""The ledger: whatever is done to a line, a line after it tells, and the report names the record that is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import IntegrityError
from reconciler.model.words import FeedName
from reconciler.stores import keys, ledger
from reconciler.stores.head import LedgerTip
from tests.support.memory_store import MemoryStore

FEED: Final = FeedName("approved-pypi")
SIZES: Final = (3, 1, 4)
"""Records of each segment: 1 to 3, 4, 5 to 8."""

Lines = list[bytes]
Edit = Callable[[Lines, int], Lines]


def filled(sizes: tuple[int, ...] = SIZES) -> tuple[MemoryStore, LedgerTip]:
    store, tip = MemoryStore(), LedgerTip()
    for size in sizes:
        records = [{"change": "promote", "package": f"päckage {tip.records + number}"} for number in range(size)]
        tip, segment, data = ledger.append(tip, records)
        store.put(keys.ledger_segment(FEED, segment), data, content_type=keys.JSON_LINES)
    return store, tip


def place_of(number: int, tip: LedgerTip) -> tuple[str, int]:
    """The segment of a record, and its line in it."""
    for segment, size in zip(tip.segments, SIZES, strict=True):
        if number <= size:
            return keys.ledger_segment(FEED, segment), number - 1
        number -= size
    raise AssertionError


def edit(store: MemoryStore, tip: LedgerTip, number: int, how: Edit) -> None:
    key, line = place_of(number, tip)
    store.objects[key] = b"".join(how(store.objects[key].splitlines(keepends=True), line))


def other_content(lines: Lines, at: int) -> Lines:
    return [*lines[:at], lines[at].replace(b"promote", b"unlist!"), *lines[at + 1 :]]


def other_sequence(lines: Lines, at: int) -> Lines:
    return [*lines[:at], lines[at].replace(b'"seq":', b'"seq":1'), *lines[at + 1 :]]


def other_link(lines: Lines, at: int) -> Lines:
    record = {**json.loads(lines[at]), "previous": "0" * 64}
    return [*lines[:at], json.dumps(record, sort_keys=True, separators=(",", ":")).encode() + b"\n", *lines[at + 1 :]]


def no_json(lines: Lines, at: int) -> Lines:
    return [*lines[:at], b"{\n", *lines[at + 1 :]]


def no_object(lines: Lines, at: int) -> Lines:
    return [*lines[:at], b"[1]\n", *lines[at + 1 :]]


def too_deep(lines: Lines, at: int) -> Lines:
    return [*lines[:at], b"[" * 100_000 + b"\n", *lines[at + 1 :]]


def removed(lines: Lines, at: int) -> Lines:
    return [*lines[:at], *lines[at + 1 :]]


def doubled(lines: Lines, at: int) -> Lines:
    return [*lines[:at], lines[at], *lines[at:]]


def cut_off(lines: Lines, at: int) -> Lines:
    return lines[:at]


def half(lines: Lines, at: int) -> Lines:
    return [*lines[:at], lines[at][:20]]


def test_what_is_appended_is_read_in_order():
    store, tip = filled()
    records = list(ledger.read(store, FEED, tip))
    assert [record["seq"] for record in records] == list(range(1, 9))
    assert records[0]["previous"] == ""
    assert [record["package"] for record in records][:2] == ["päckage 0", "päckage 1"]
    assert tip.records == 8
    assert len(tip.segments) == 3


def test_half_of_a_surrogate_pair_stops_no_pass():
    """YAML and JSON may hold it in a reason; it has no encoding."""
    tip, _, content = ledger.append(LedgerTip(), [{"reason": "half \ud800"}])
    assert tip.records == 1
    assert b'"reason":"half ?"' in content


def test_an_empty_ledger_has_no_records():
    assert list(ledger.read(MemoryStore(), FEED, LedgerTip())) == []


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("how", [other_content, other_sequence, other_link, no_json, no_object, too_deep, removed, cut_off, half])
def test_the_record_that_was_altered_is_named(how, number):
    store, tip = filled()
    edit(store, tip, number, how)
    with pytest.raises(IntegrityError, match=rf"record {number} \(segment "):
        list(ledger.read(store, FEED, tip))


@pytest.mark.parametrize("number", range(1, 9))
def test_a_record_that_comes_twice_is_named_where_it_comes_again(number):
    store, tip = filled()
    edit(store, tip, number, doubled)
    with pytest.raises(IntegrityError, match=rf"record {number + 1} \(segment "):
        list(ledger.read(store, FEED, tip))


@pytest.mark.parametrize("number", [1, 2, 5, 6, 7])
def test_reordered_records_are_named_where_the_order_breaks(number):
    store, tip = filled()
    edit(store, tip, number, lambda lines, at: [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]])
    with pytest.raises(IntegrityError, match=rf"record {number} \(segment "):
        list(ledger.read(store, FEED, tip))


@pytest.mark.parametrize(("number", "named"), [(1, 4), (4, 5), (8, 9)])
def test_a_line_that_is_appended_is_named_even_if_it_fits_the_chain(number, named):
    store, tip = filled()
    key, _ = place_of(number, tip)
    last = store.objects[key].splitlines(keepends=True)[-1]
    before = json.loads(last)
    _, _, forged = ledger.append(LedgerTip(records=before["seq"], hash=ledger.hash_of(last)), [{"change": "promote"}])
    store.objects[key] += forged
    with pytest.raises(IntegrityError, match=rf"record {named} \(segment "):
        list(ledger.read(store, FEED, tip))


def test_two_altered_records_are_found_at_the_first():
    store, tip = filled()
    edit(store, tip, 2, other_content)
    edit(store, tip, 6, other_content)
    with pytest.raises(IntegrityError, match="record 2 "):
        list(ledger.read(store, FEED, tip))


def test_a_missing_segment_is_named_by_its_first_record():
    store, tip = filled()
    store.delete(keys.ledger_segment(FEED, tip.segments[1]))
    with pytest.raises(IntegrityError, match="record 4 "):
        list(ledger.read(store, FEED, tip))


def test_records_before_the_altered_segment_can_still_be_read():
    store, tip = filled()
    edit(store, tip, 5, other_content)
    records = ledger.read(store, FEED, tip)
    assert [next(records)["seq"] for _ in range(4)] == [1, 2, 3, 4]
    with pytest.raises(IntegrityError):
        next(records)


@pytest.mark.parametrize(
    "change",
    [
        {"segments": ()},
        {"records": 7},
        {"records": 9},
        {"hash": "0" * 64},
        {"hash": ""},
        {"segments": ("0000000001-aaaa",), "records": 0, "hash": ""},
        {"segments": ("x", "y"), "records": 2},
    ],
    ids=str,
)
def test_a_head_that_names_another_end_is_told(change):
    store, tip = filled()
    with pytest.raises(IntegrityError, match="has been altered"):
        list(ledger.read(store, FEED, tip.model_copy(update=change)))


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_a_segment_that_the_head_no_longer_names_is_missed(left_out):
    store, tip = filled()
    segments = tuple(segment for number, segment in enumerate(tip.segments) if number != left_out)
    with pytest.raises(IntegrityError):
        list(ledger.read(store, FEED, tip.model_copy(update={"segments": segments})))


@settings(max_examples=100, deadline=None)
@given(position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_bit_of_a_ledger_can_be_changed_unnoticed(position, bit):
    store, tip = filled()
    whole = b"".join(store.objects[keys.ledger_segment(FEED, segment)] for segment in tip.segments)
    at = int(position * len(whole))
    number = whole[: at + 1].count(b"\n") + (whole[at : at + 1] != b"\n")
    for segment in tip.segments:
        data = bytearray(store.objects[keys.ledger_segment(FEED, segment)])
        if at < len(data):
            data[at] ^= 1 << bit
            store.objects[keys.ledger_segment(FEED, segment)] = bytes(data)
            break
        at -= len(data)
    with pytest.raises(IntegrityError) as raised:
        list(ledger.read(store, FEED, tip))
    assert f"record {number} " in str(raised.value)


# --- segments, each with what is wrong with it ------------------------------------------------------------------------------------


def wrongs(store: MemoryStore, tip: LedgerTip) -> list[tuple[int, bool]]:
    """The first record that each segment is about, and whether the segment is sound."""
    return [(segment.first, not segment.wrong) for segment in ledger.segments(store, FEED, tip)]


def test_segments_are_sound_as_they_were_written():
    store, tip = filled()
    assert wrongs(store, tip) == [(1, True), (4, True), (5, True)]
    ledger.check(store, FEED, tip)


@pytest.mark.parametrize("how", [other_content, other_link, removed, cut_off, half])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_comes_after_an_altered_segment_is_still_read(how, number):
    store, tip = filled()
    edit(store, tip, number, how)
    assert wrongs(store, tip) == [(number, False), (4, True), (5, True)]
    with pytest.raises(IntegrityError, match=f"record {number} "):
        ledger.check(store, FEED, tip)


def test_every_altered_segment_is_told():
    store, tip = filled()
    edit(store, tip, 3, other_content)
    edit(store, tip, 7, other_content)
    assert wrongs(store, tip) == [(3, False), (4, True), (7, False)]


def test_a_missing_segment_and_an_altered_one_after_it_are_told():
    store, tip = filled()
    store.delete(keys.ledger_segment(FEED, tip.segments[0]))
    edit(store, tip, 4, other_link)
    assert [sound for _, sound in wrongs(store, tip)] == [False, False, True]


# --- a head that was put back -----------------------------------------------------------------------------------------------------


def test_segments_are_listed_by_name():
    store, tip = filled()
    assert ledger.names(store, FEED) == set(tip.segments)
    assert ledger.names(store, FeedName("approved-pypi-2")) == set()


@pytest.mark.parametrize(("kept", "first"), [(0, 1), (1, 4), (2, 5)])
def test_a_tip_that_segments_lie_behind_is_refused(kept, first):
    store, _tip = filled()
    _, older = filled(SIZES[:kept])
    with pytest.raises(IntegrityError, match=rf"rolled back or removed: it ends the ledger at record {first - 1}, but record {first} "):
        ledger.check_tip(FEED, ledger.names(store, FEED), older)


def test_a_segment_that_a_stopped_pass_left_within_the_ledger_means_nothing():
    store, tip = filled()
    store.put(keys.ledger_segment(FEED, "0000000004-feedfacefeedface"), b"{}\n", content_type=keys.JSON_LINES)
    store.put(keys.ledger_segment(FEED, "no-number"), b"{}\n", content_type=keys.JSON_LINES)
    ledger.check_tip(FEED, ledger.names(store, FEED), tip)
