"""Promotions as in-toto statements, for tools that gate on them: one line of JSON for each record of a change.

A Statement v1 (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md) is about the files of the version, by digest. Its
predicate is a Simple Verification Result (https://github.com/in-toto/attestation/blob/main/spec/predicates/svr.md): somebody entitled, by
the policies named, stood for exactly these bytes when they entered the feed. A `release` would claim more than is known: it speaks for the
registry that a package URL names, and a later one replaces the earlier, so it could not tell that a version was taken back. A promotion
record is about one container image. Where the record leaves a version unlisted or in quarantine, no property holds any more.

Who, when, from where, to where and why is in one extension field, which a consumer may ignore. The statements are *not signed*: who wants
them believed elsewhere puts each line into an envelope (DSSE) and signs it. The same records give the same bytes, in ASCII.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from reconciler.model.words import BlobId
from reconciler.show.contract import HistoryRow

STATEMENT: Final = "https://in-toto.io/Statement/v1"
VERIFICATION: Final = "https://in-toto.io/attestation/svr/v0.2"
VERIFIER: Final = "pkg:generic/reconciler@0.1"
"""Who verified. The version moves when APPROVED comes to mean something else."""
APPROVED: Final = "RECONCILER_APPROVED"
"""The property: the bytes are those of an approval behind which somebody entitled stood, and the version is listed in the feed."""
EXTENSION: Final = "reconcilerPromotion"
TOLD: Final = ("purl", "change", "state", "package", "version", "from", "author", "approvers", "commit", "head", "authored_at", "reason")

Policies = Mapping[str, BlobId]
"""The files of policies/ that judged a change: path and blob."""


def statements(rows: Iterable[HistoryRow], policies_of: Callable[[HistoryRow], Policies]) -> Iterator[str]:
    """A line for each row that has a record; what is pending or held was not applied, so nothing can be said of any bytes."""
    for row in rows:
        if row.seq is not None and row.files:
            yield json.dumps(statement(row, policies_of(row)), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def statement(row: HistoryRow, policies: Policies) -> dict[str, Any]:
    """The statement of one record."""
    said = row.model_dump(mode="json", by_alias=True)
    return {
        "_type": STATEMENT,
        "subject": [{"name": file.name, "digest": {"sha256": file.sha256}} for file in row.files],
        "predicateType": VERIFICATION,
        "predicate": {
            "verifier": {
                "id": VERIFIER,
                "policies": [{"name": path, "digest": {"gitBlob": blob}} for path, blob in sorted(policies.items())],
            },
            "timeCreated": said["applied_at"],
            "properties": [APPROVED] if row.state == "listed" else [],
            EXTENSION: {
                **{name: said[name] for name in TOLD},
                "to": row.feed,
                "applied_at": said["applied_at"],
                "applier": row.applier,
                "record": row.seq,
            },
        },
    }
