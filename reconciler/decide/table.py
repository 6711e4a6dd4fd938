"""The table of states: declared x published -> what to do. Pure and total; DESIGN section 5, row by row.

| declared  | published                     | recorded | action                                             |
|-----------|-------------------------------|----------|----------------------------------------------------|
| approved  | absent, partial               | no       | promote                                            |
| approved  | absent, partial               | yes      | repair                                             |
| approved  | listed: same / more           | yes      | nothing / extend                                   |
| approved  | listed                        | no       | adopt                                              |
| approved  | unlisted: same / more         | yes      | relist / extend, which lists it again              |
| approved  | anything: fewer               | yes      | fewer: the approval is malformed                   |
| approved  | unlisted                      | no       | conflict                                           |
| approved  | differing                     | any      | conflict                                           |
| void      | absent, partial               | no       | hold                                               |
| expired   | listed                        | yes      | unlist                                             |
| expired   | anything else                 | yes      | nothing                                            |
| malformed | any                           | any      | frozen                                             |
| none, void| any                           | yes      | orphan                                             |
| others    | listed, unlisted, differing   | no       | alien                                              |
| none, expired | absent, partial           | no       | nothing                                            |

`more` means that more files are approved than recorded, `fewer` that a recorded one is not approved. A partial state without a
record is what a killed writer leaves: no page names it, so it is no alien, and promoting simply finishes it. What is damaged is made
whole first: a version that also waits to be listed again or extended is so in the next pass.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, assert_never

from reconciler.decide.desired import DeclaredState
from reconciler.model.declared import ApprovedFile
from reconciler.model.packages import PublishedFile

PublishedState: TypeAlias = Literal["absent", "partial", "listed", "unlisted", "differing"]
Relation: TypeAlias = Literal["same", "more", "fewer", "other"]
Action: TypeAlias = Literal[
    "promote", "repair", "extend", "adopt", "relist", "unlist", "conflict", "hold", "frozen", "fewer", "orphan", "alien", "nothing"
]


def action_for(declared: DeclaredState, published: PublishedState, *, recorded: bool, relation: Relation = "same") -> Action:
    """The row of the table. `relation` compares approved with recorded files, and matters only where both exist."""
    match declared:
        case "malformed":
            return "frozen"
        case "approved":
            return _approved(published, recorded=recorded, relation=relation)
        case "expired" if recorded:
            return "unlist" if published == "listed" else "nothing"
        case "void" | "none" if recorded:
            return "orphan"
        case "expired" | "void" | "none":
            return _unrecorded(declared, published)
        case _:
            assert_never(declared)


def _unrecorded(declared: DeclaredState, published: PublishedState) -> Action:
    if published not in {"absent", "partial"}:
        return "alien"
    return "hold" if declared == "void" else "nothing"


def _approved(published: PublishedState, *, recorded: bool, relation: Relation) -> Action:
    match published:
        case "differing":
            return "conflict"
        case _ if relation == "other":
            return "conflict"
        case _ if recorded and relation == "fewer":
            return "fewer"
        case "absent" | "partial":
            return "repair" if recorded else "promote"
        case "unlisted" if not recorded:
            return "conflict"
        case "listed" if not recorded:
            return "adopt"
        case "listed" | "unlisted" if relation == "more":
            return "extend"
        case "listed":
            return "nothing"
        case "unlisted":
            return "relist"
        case _:
            assert_never(published)


def relation_of(approved: tuple[ApprovedFile, ...], published: tuple[PublishedFile, ...]) -> Relation:
    """How the approved files compare with the recorded ones; `other` if one of the same name has other content."""
    have = {file.name: file for file in published}
    want = {file.name: file for file in approved}
    if any(not same_content(want[name], have[name].sha256, have[name].content_hash) for name in have.keys() & want.keys()):
        return "other"
    if have.keys() == want.keys():
        return "same"
    return "more" if have.keys() < want.keys() else "fewer"


def same_content(approved: ApprovedFile, sha256: str, content_hash: str | None) -> bool:
    """Whether bytes are the reviewed ones: the same digest, or for NuGet the same content apart from its signature."""
    return approved.sha256 == sha256 or (approved.content_hash is not None and approved.content_hash == content_hash)
