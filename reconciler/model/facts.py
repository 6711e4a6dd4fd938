"""Facts: what an approval says that matters, as comparable text.

`from`, `expires`, `endorsed`, `withdrawn`, `deprecated`, and `file:<name>` with "size sha256 content_hash" for each file. `reason` and `ticket` are none: who
mends a typing error in a reason has approved nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Final, TypeAlias

from reconciler.model.declared import Approval, ApprovedFile, Deprecation, Withdrawal
from reconciler.model.words import Sha256

Facts: TypeAlias = Mapping[str, str]
FILE: Final = "file:"


def facts_of(approval: Approval | None) -> Facts:
    """The facts of an approval; nothing for none."""
    if approval is None:
        return {}
    facts = {f"{FILE}{f.name}": f"{f.size} {f.sha256} {f.content_hash or ''}" for f in approval.files}
    if approval.source is not None:
        facts["from"] = approval.source
    if approval.expires is not None:
        facts["expires"] = approval.expires.isoformat()
    if approval.withdrawn is not None:
        taken = approval.withdrawn
        facts["withdrawn"] = json.dumps([taken.action, taken.since.isoformat() if taken.since else None, taken.reason])
    if approval.deprecated is not None:
        facts["deprecated"] = json.dumps([approval.deprecated.reason, approval.deprecated.use])
    if approval.endorsed:
        facts["endorsed"] = "\n".join(f"{e.by}\t{e.reason}" for e in approval.endorsed)
    return facts


def files_of(facts: Facts) -> tuple[ApprovedFile, ...]:
    """The approved files that facts name, sorted by name."""
    found = []
    for fact, text in facts.items():
        if fact.startswith(FILE):
            size, sha256, content_hash = text.split(" ")
            found.append(ApprovedFile(name=fact[len(FILE) :], size=int(size), sha256=Sha256(sha256), content_hash=content_hash or None))
    return tuple(sorted(found))


def withdrawal_of(facts: Facts) -> Withdrawal | None:
    """The withdrawal that facts name, if they name one."""
    if "withdrawn" not in facts:
        return None
    action, since, reason = json.loads(facts["withdrawn"])
    return Withdrawal(action=action, since=date.fromisoformat(since) if since else None, reason=reason)


def deprecation_of(facts: Facts) -> Deprecation | None:
    """The deprecation that facts name, if they name one."""
    if "deprecated" not in facts:
        return None
    reason, use = json.loads(facts["deprecated"])
    return Deprecation(use=use, reason=reason)
