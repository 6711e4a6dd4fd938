"""Facts: what an approval says that matters, as comparable text.

`from`, `expires`, `endorsed`, and `file:<name>` with "size sha256 content_hash" for each file. `reason` and `ticket` are none: who
mends a typing error in a reason has approved nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from reconciler.model.declared import Approval, ApprovedFile
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
