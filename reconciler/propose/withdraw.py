"""The approval of a version whose file is gone, written again from the record of its promotion, so that it can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.declare.paths import approval_path
from reconciler.model.declared import Approval, ApprovedFile, Withdrawal
from reconciler.model.words import FeedName, Identity, Sha256


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewritten:
    """An approval, and the path of its file."""

    path: str
    approval: Approval


def from_record(records: Iterable[Mapping[str, Any]], identity: Identity, withdrawal: Withdrawal) -> Rewritten | None:
    """The approval of what a feed's ledger records of a version, withdrawn; None where it records nothing.

    It names the published bytes, and the reason for which they were promoted: what is written now takes them back.
    """
    own = [record for record in records if record.get("identity") == [identity.package, identity.version]]
    if not own:
        return None
    last, brought = own[-1], next((r for r in own if r["change"] in {"promote", "adopt"}), own[-1])
    files = [
        ApprovedFile(name=f["name"], size=f["size"], sha256=Sha256(f["sha256"]), content_hash=f["content_hash"]) for f in last["files"]
    ]
    approval = Approval(
        source=FeedName(last["from"]),
        reason=brought["reason"],
        ticket=brought["ticket"],
        expires=None,
        files=tuple(sorted(files)),
        endorsed=(),
        withdrawn=withdrawal,
    )
    return Rewritten(path=approval_path(identity.feed, last["package"], last["version"]), approval=approval)
