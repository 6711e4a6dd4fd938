"""Statements against what the specifications require: Statement v1, and the Simple Verification Result."""

from __future__ import annotations

import json

import jsonschema
import pytest

from reconciler.model.words import BlobId
from reconciler.show.in_toto import statements
from tests.show.rows import row

URI = {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:[!-~]+$"}
DESCRIPTOR = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "digest": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]+$"}},
    },
    "required": ["digest"],
}
STATEMENT = {
    "type": "object",
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "subject": {"type": "array", "items": DESCRIPTOR, "minItems": 1},
        "predicateType": URI,
        "predicate": {
            "type": "object",
            "properties": {
                "verifier": {
                    "type": "object",
                    "properties": {"id": URI, "policies": {"type": "array", "items": DESCRIPTOR}},
                    "required": ["id", "policies"],
                },
                "timeCreated": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
                "properties": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["verifier", "timeCreated", "properties"],
        },
    },
    "required": ["_type", "subject", "predicateType"],
}
"""What must be there and of which type, by statement.md, resource_descriptor.md, digest_set.md, field_types.md and svr.md."""


def policies(_):
    return {"policies/permissions.yaml": BlobId("c" * 40)}


def told(*rows):
    return [json.loads(line) for line in statements(rows, policies)]


def test_a_statement_has_what_the_specification_requires():
    (found,) = told(row(4))
    jsonschema.validate(found, STATEMENT)
    assert found["predicateType"] == "https://in-toto.io/attestation/svr/v0.2"
    assert found["subject"] == [
        {"name": "leaf.whl", "digest": {"sha256": "1" * 64}},
        {"name": "leaf.tar.gz", "digest": {"sha256": "2" * 64}},
    ]
    assert found["predicate"] == {
        "verifier": {
            "id": "pkg:generic/reconciler@0.1",
            "policies": [{"name": "policies/permissions.yaml", "digest": {"gitBlob": "c" * 40}}],
        },
        "timeCreated": "2026-11-22T16:54:03Z",
        "properties": ["RECONCILER_APPROVED"],
        "reconcilerPromotion": {
            "purl": "pkg:pypi/leaf@1.2",
            "change": "promote",
            "state": "listed",
            "package": "leaf",
            "version": "1.2",
            "from": "public-pypi",
            "to": "approved-pypi",
            "author": {"name": "Ada Lovelace", "email": "ada@example.org", "assurance": "claimed"},
            "approvers": [{"name": "Grace Hopper", "email": "grace@example.org", "assurance": "claimed"}],
            "commit": "a" * 40,
            "head": "b" * 40,
            "authored_at": "2026-11-22T16:54:03Z",
            "applied_at": "2026-11-22T16:54:03Z",
            "applier": "ci",
            "reason": "MIT",
            "record": 4,
        },
    }


@pytest.mark.parametrize("state", ["unlisted", "quarantined"])
def test_what_was_taken_back_has_no_property_any_more(state):
    (found,) = told(row(state=state))
    jsonschema.validate(found, STATEMENT)
    assert found["predicate"]["properties"] == []


def test_only_what_a_record_tells_becomes_a_statement():
    assert told(row(None), row(None, outcome="applied"), row(None, outcome="held")) == []
    assert len(told(row(2), row(None), row(1))) == 2


@pytest.mark.parametrize("reason", ["\x1b[31m", "\u202eevil", "two\nlines", "=cmd|x", "x" * 100_000, "Grüße"])
def test_a_statement_is_one_line_of_ascii_with_the_text_as_it_is(reason):
    (line,) = statements([row(reason=reason)], policies)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["predicate"]["reconcilerPromotion"]["reason"] == reason


def test_the_same_rows_give_the_same_bytes():
    rows = [row(2), row(1)]
    assert list(statements(rows, policies)) == list(statements(rows, lambda _: dict(reversed(policies(_).items()))))
