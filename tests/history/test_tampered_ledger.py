"""Hands in the store: ledger, evidence and what was seen, changed by somebody who knows all formats. `verify` names what does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.model.evidence import decode_evidence
from tests.damage import store
from tests.history.site import ALAN, GRACE, Site, approval, forge_file, known, people, reviewed, rules
from tests.support.forge import ForgeServer
from tests.support.repositories import ADA
from tests.support.signing import sign_tip

Record = dict[str, Any]
REFUSED = 9


@pytest.fixture
def site(tmp_path, keys) -> Site:
    """Three promotions in three passes: one by name, one signed, one reviewed; the forge has gone since."""
    site = Site(tmp_path / "re po")
    with ForgeServer("github", site.repo) as server:
        forge = known(server)
        policy = reviewed().replace("rule: review", "rule: review\npackages: [bark]")
        until = f"{{key: {keys['grace'].public}, valid_until: 2999-01-01}}"
        site.land(rules(keys={"grace": [until]}, more={**forge_file(forge), "policies/review.yaml": policy}))
        site.land(approval("leaf"), by=ALAN)
        assert site.apply().code == 0
        site.land(approval("twig"), by=GRACE)
        sign_tip(site.repo, keys["grace"])
        assert site.apply().code == 0
        site.repo.branch("topic")
        site.land(approval("bark"), by=ADA, on="topic")
        pull = forge.open("topic", by="ada")
        forge.review(pull, by="grace")
        forge.merge(pull)
        assert site.apply().code == 0
    assert [people(record)[-1] for record in site.records()] == [
        ("Alan Turing", "claimed"),
        ("Grace Hopper", "signed"),
        ("Grace Hopper", "reviewed"),
    ]
    assert site.run("verify").code == 0
    return site


def findings(site: Site) -> list[tuple[str, str, str]]:
    done = site.run("verify", "--format", "json")
    found = [(row["kind"], row["subject"].split(" (")[0], row["detail"]) for row in done.json["findings"]]
    assert done.code == (REFUSED if found else 0)
    return found


def of(package: str, **changes: Any) -> Callable[[Record], Record]:
    return lambda record: record | changes if record.get("package") == package else record


def named(name: str, email: str, assurance: str) -> Record:
    return {"name": name, "email": email, "assurance": assurance}


def evidence_of(site: Site, package: str) -> str:
    record = site.record(package)
    return f"state/evidence/{record['commit']}/{record['evidence'][0]['sha256']}.json"


# --- records whose chain was made to fit ------------------------------------------------------------------------------------------

SOMEBODY = [{"commit": "0" * 40, "user": "alan", "key": "SHA256:x", "seen_at": "2026-01-01T00:00:00Z"}]
RAISED: dict[str, tuple[Callable[[Record], Record], str, str]] = {
    "author raised": (
        of("leaf", author=named("Alan Turing", "alan@example.org", "signed")),
        "record 2",
        "author is Alan Turing <alan@example.org> (signed), by git Alan Turing <alan@example.org> (claimed)",
    ),
    "approver added": (of("leaf", approvers=[named("Grace Hopper", "grace@example.org", "reviewed")]), "record 2", "by git nobody"),
    "approver raised": (
        lambda r: r | {"approvers": [one | {"assurance": "reviewed"} for one in r["approvers"]]} if r.get("package") == "bark" else r,
        "record 4",
        "approvers are ",
    ),
    "signature added": (of("leaf", signatures=SOMEBODY), "record 2", "is recorded and does not count"),
    "signature removed": (of("twig", signatures=[]), "record 3", "counts and is not recorded"),
    "first seen earlier": (
        lambda r: r | {"signatures": [r["signatures"][0] | {"seen_at": "2020-01-01T00:00:00Z"}]} if r.get("package") == "twig" else r,
        "record 3",
        "first seen 2020-01-01T00:00:00Z is recorded and does not count",
    ),
    "evidence added": (
        of("leaf", evidence=[{"sha256": "0" * 64, "pull_request": ""}]),
        "record 2",
        "recorded, and not frozen in the store",
    ),
    "evidence removed": (of("bark", evidence=[]), "record 4", ""),
    "right": (of("leaf", right="policies/permissions.yaml:1"), "record 2", "the right is by policies/permissions.yaml:1, by git by "),
}


@pytest.mark.parametrize(("edit", "record", "detail"), RAISED.values(), ids=RAISED)
def test_a_record_that_claims_more_than_git_and_evidence_say_is_named(site, edit, record, detail):
    store.forge(site.place, edit)
    assert site.run("drift").code == 0, "the chain fits"
    found = findings(site)
    assert {(kind, subject) for kind, subject, _ in found} == {("record", record)}
    assert any(detail in told for _, _, told in found)


# --- records whose chain was not --------------------------------------------------------------------------------------------------


def test_an_edited_record_is_named_and_not_told_as_history(site):
    store.edit_lines(site.place, 1, lambda records: [record | {"reason": "trust me"} for record in records])
    assert findings(site)[0][:2] == ("ledger", "record 3")
    assert site.run("history").code == REFUSED


def test_a_removed_segment_is_named(site):
    store.remove(site.place, store.segment_key(site.place, 1))
    assert ("ledger", "record 3") in [row[:2] for row in findings(site)]


def test_reordered_segments_are_named(site):
    head = store.head(site.place)
    one, two, three = head["ledger"]["segments"]
    store.write_head(site.place, ledger=head["ledger"] | {"segments": [one, three, two]})
    assert findings(site)[0][0] == "ledger"


def test_a_record_that_was_left_out_with_its_chain_made_to_fit_is_missed_by_the_catalog(site):
    head = store.head(site.place)
    last = head["ledger"]["segments"][-1]
    store.write_head(site.place, ledger={**head["ledger"], "segments": head["ledger"]["segments"][:-1], "records": 3})
    store.remove(site.place, f"{store.STATE}/ledger/{last}.jsonl")
    assert findings(site) != []


# --- evidence ---------------------------------------------------------------------------------------------------------------------


def refuses(site: Site, key: str) -> None:
    """Plan and apply stop before anything is written, and name the object."""
    site.land(approval("leaf", more="withdrawn: {action: quarantine, reason: x}\n"), by=GRACE)
    before = site.store()
    for command in ("plan", "apply"):
        done = site.run(command)
        assert done.code == REFUSED
        assert key in done.err
        assert "restore it from a backup" in done.err
    assert site.store() == before


def test_edited_evidence_stops_every_pass_and_is_named(site):
    key = evidence_of(site, "bark")
    data = site.store()[key]
    store.put(site.place, key, data.replace(b'"grace"', b'"alan"'))
    found = findings(site)
    assert ("evidence", key) in [row[:2] for row in found]
    assert ("record", "record 4") in [row[:2] for row in found]
    refuses(site, key)


def test_the_evidence_of_another_commit_in_its_place_stops_every_pass(site):
    key = evidence_of(site, "bark")
    told = json.loads(site.store()[key]) | {"commit": site.record("leaf")["commit"]}
    other = decode_evidence(json.dumps(told).encode())
    store.remove(site.place, key)
    moved = f"{key.rpartition('/')[0]}/{other.digest()}.json"
    store.put(site.place, moved, other.encoded())
    assert ("evidence", moved) in [row[:2] for row in findings(site)]
    refuses(site, moved)


def test_evidence_that_is_gone_is_told_by_the_record_that_rests_on_it(site):
    key = evidence_of(site, "bark")
    store.remove(site.place, key)
    found = findings(site)
    assert {row[:2] for row in found} == {("record", "record 4")}
    before = site.records()
    assert site.apply().code != 0, "the forge has gone, so what it let in is not known any more; nothing is taken back"
    assert site.records() == before


def test_what_was_seen_cannot_be_set_to_another_day(site):
    key = f"state/evidence/{site.record('twig')['commit']}/seen.json"
    store.put(site.place, key, b'{"seen_at": "2020-01-01T00:00:00Z"}\n')
    assert ("record", "record 3") in [row[:2] for row in findings(site)]


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b'{"seen_at": "soon"}', b'{"seen_at": 7}', b'{"seen_at": "2020-01-01T00:00:00"}', b"\xff"]
)
def test_what_was_seen_cannot_be_spoilt(site, data):
    key = f"state/evidence/{site.record('twig')['commit']}/seen.json"
    store.put(site.place, key, data)
    assert ("evidence", key) in [row[:2] for row in findings(site)]
    refuses(site, key)


def test_what_lies_among_the_evidence_and_is_none_stops_every_pass_that_reads_its_commit(site):
    key = f"state/evidence/{site.record('leaf')['commit']}/notes.txt"
    store.put(site.place, key, b"mine")
    assert [row[0] for row in findings(site)] == ["evidence"]
    assert site.run("plan").code == REFUSED
