"""Rows of the history, and records as a ledger has them, for the tests of how they are told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reconciler.show.contract import FileRow, HistoryRow
from reconciler.show.rows import PersonRow

WHEN = datetime(2026, 11, 22, 16, 54, 3, tzinfo=UTC)


def someone(name: str = "Ada Lovelace", email: str = "ada@example.org") -> PersonRow:
    return PersonRow(name=name, email=email, assurance="claimed")


def row(seq: int | None = 1, **more: Any) -> HistoryRow:
    fields: dict[str, Any] = {
        "seq": seq, "change": "promote", "outcome": "applied" if seq else "pending", "feed": "approved-pypi", "from": "public-pypi",
        "package": "leaf", "version": "1.2", "author": someone(), "approvers": [someone("Grace Hopper", "grace@example.org")],
        "applier": "ci" if seq else None, "commit": "a" * 40, "authored_at": WHEN, "applied_at": WHEN if seq else None, "reason": "MIT",
        "files": [FileRow(name="leaf.whl", size=3, sha256="1" * 64), FileRow(name="leaf.tar.gz", size=4, sha256="2" * 64)],
        "head": "b" * 40, "state": "listed", "purl": "pkg:pypi/leaf@1.2",
    }  # fmt: skip
    return HistoryRow.model_validate(fields | more)


def record(seq: int, change: str = "promote", package: str = "leaf", version: str = "1.2", **more: Any) -> dict[str, Any]:
    person = {"name": "Ada Lovelace", "email": "ada@example.org", "assurance": "claimed"}
    fields: dict[str, Any] = {
        "seq": seq, "change": change, "feed": "approved-pypi", "from": "public-pypi", "package": package, "version": version,
        "identity": [package.lower(), version], "purl": f"pkg:pypi/{package}@{version}", "state": "listed", "author": person,
        "approvers": [], "applier": "ci", "commit": "a" * 40, "head": "b" * 40, "authored_at": "2026-11-22T16:54:03Z",
        "applied_at": f"2026-11-22T17:00:{seq:02}Z", "reason": f"reason {seq}",
        "files": [{"name": f"{package}.whl", "size": 3, "sha256": "1" * 64}],
    }  # fmt: skip
    return fields | more
