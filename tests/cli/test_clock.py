"""Dates that run backwards and signatures that do not count: told by `verify` and `explain`, and never an error by themselves."""

from __future__ import annotations

import jsonschema

from tests.cli.place import ADA, GRACE, PERMISSIONS, Place
from tests.support.signing import Keyring, with_signature

EXPLAIN = ("explain", "approved-pypi", "leaf", "1.2")


def commit_at(place: Place, message: str, date: str) -> str:
    """A commit that claims this date, as a clock that is set back makes it."""
    place.git("add", "-A")
    tree, parent = place.git("write-tree"), place.git("rev-parse", "HEAD")
    text = (
        f"tree {tree}\nparent {parent}\nauthor {ADA[0]} <{ADA[1]}> {date} +0000\ncommitter {ADA[0]} <{ADA[1]}> {date} +0000\n\n{message}\n"
    )
    return land(place, text.encode())


def land(place: Place, data: bytes) -> str:
    file = place.root / ".git/new-commit"
    file.write_bytes(data)
    commit = place.git("hash-object", "-t", "commit", "-w", str(file))
    place.git("reset", "-q", "--hard", commit)
    return commit


def test_a_landing_commit_that_claims_to_be_older_than_its_parent_is_noted(place):
    assert place.run("approve", "approved-pypi", "leaf", "-m", "MIT").code == 0
    commit = commit_at(place, "Approve", "1500000000")
    assert place.run("apply", "--quiet").code == 0
    done = place.run("verify")
    assert done.code == 0
    assert f"note: {commit[:12]}: commit {commit[:12]} claims to be of 2017-07-14T02:40:00Z, and its parent" in done.out
    told = place.run("verify", "--format", "json").json
    jsonschema.validate(told, place.run("schema", "verify").json)
    assert [(note["kind"], note["feed"], note["subject"]) for note in told["notes"]] == [("clock", "", commit[:12])]
    assert (told["outcome"], told["findings"]) == ("done", [])
    assert "  note       commit " in place.run(*EXPLAIN).out
    assert "the date runs backwards" in place.run(*EXPLAIN, "--format", "json").json["notes"][0]


def test_an_author_s_commit_in_a_merge_is_looked_at_too(place):
    place.git("switch", "-q", "-c", "topic")
    assert place.run("approve", "approved-pypi", "leaf", "-m", "MIT").code == 0
    inner = commit_at(place, "Approve", "1500000000")
    place.git("switch", "-q", "main")
    place.git("merge", "-q", "--no-ff", "-m", "Merge", "topic", by=GRACE)
    (note,) = place.run(*EXPLAIN, "--format", "json").json["notes"]
    assert inner[:12] in note
    assert place.run("apply", "--quiet").code == 0
    assert place.run("verify", "--format", "json").json["notes"] == [], "it is no landing commit"


def test_of_other_approvals_nothing_is_said(place):
    assert place.run("approve", "approved-pypi", "leaf", "-m", "MIT").code == 0
    place.commit("Approve")
    assert place.run("approve", "approved-pypi", "sample", "-m", "MIT").code == 0
    commit_at(place, "Approve", "1500000000")
    assert place.run(*EXPLAIN, "--format", "json").json["notes"] == []


def test_why_a_signature_does_not_count_is_told(place, tmp_path):
    key = Keyring(tmp_path)["ada"]
    old = f'signing_keys: [{{key: "{key.public}", valid_until: 2020-01-01}}]'
    place.write("policies/permissions.yaml", PERMISSIONS.replace("[ada@example.org]}", f"[ada@example.org], {old}}}"))
    place.commit("Ada had a key")
    assert place.run("approve", "approved-pypi", "leaf", "-m", "MIT").code == 0
    place.commit("Approve")
    payload = (place.git("cat-file", "commit", "HEAD") + "\n").encode()
    commit = land(place, with_signature(payload, key.sign(payload)))
    done = place.run(*EXPLAIN)
    told = f"the signature by {key.fingerprint} of ada on commit {commit[:12]} does not count: the key expired on 2020-01-01"
    assert done.code == 0
    assert f"note {told}" in " ".join(done.out.split())
    assert told in place.run(*EXPLAIN, "--format", "json").json["notes"][0]
    assert "(claimed)" in done.out


def test_a_held_approval_says_so_too(place, tmp_path):
    """Nobody entitled is behind it but by a key that does not count."""
    key = Keyring(tmp_path)["grace"]
    revoked = f'signing_keys: [{{key: "{key.public}", revoked: 2026-01-01}}]'
    place.write("policies/permissions.yaml", PERMISSIONS.replace("[grace@example.org]}", f"[grace@example.org], {revoked}}}"))
    place.commit("Grace lost a key")
    assert place.run("approve", "approved-pypi", "leaf", "-m", "MIT").code == 0
    place.commit("Approve", by=("Mallory", "mallory@example.org"))
    payload = (place.git("cat-file", "commit", "HEAD") + "\n").encode()
    land(place, with_signature(payload, key.sign(payload)))
    out = place.run(*EXPLAIN).out
    assert "declared void" in out
    assert f"the signature by {key.fingerprint} of grace on commit" in out
    assert "does not count: the key was revoked on 2026-01-01" in out


def test_a_signature_that_counts_needs_no_note(place, tmp_path):
    key = Keyring(tmp_path)["ada"]
    place.write(
        "policies/permissions.yaml", PERMISSIONS.replace("[ada@example.org]}", f'[ada@example.org], signing_keys: ["{key.public}"]}}')
    )
    place.commit("Ada has a key")
    assert place.run("approve", "approved-pypi", "leaf", "-m", "MIT").code == 0
    place.commit("Approve")
    payload = (place.git("cat-file", "commit", "HEAD") + "\n").encode()
    land(place, with_signature(payload, key.sign(payload)))
    explained = place.run(*EXPLAIN, "--format", "json").json
    assert (explained["author"]["assurance"], explained["notes"]) == ("signed", [])
