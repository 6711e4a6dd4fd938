"""The table of states: declared x published -> what to do. Pure and total; DESIGN section 5, row by row.

| declared  | published                     | recorded | action                                             |
|-----------|-------------------------------|----------|----------------------------------------------------|
| approved  | absent, partial               | no       | promote                                            |
| approved  | absent, partial               | yes      | repair                                             |
| approved  | listed: same / more           | yes      | nothing, or mark where its marks differ / extend   |
| approved  | listed                        | no       | adopt                                              |
| approved  | unlisted: same / more         | yes      | relist / extend, which lists it again              |
| approved  | quarantined                   | yes      | release                                            |
| approved  | anything: fewer               | yes      | fewer: the approval is malformed                   |
| approved  | unlisted, quarantined         | no       | conflict                                           |
| approved  | differing                     | any      | conflict                                           |
| denied    | absent, partial               | no       | hold                                               |
| denied    | listed                        | yes      | alert, unlist or quarantine, as its rule says;     |
|           |                               |          | where it stays: repair, mark, conflict as approved |
| denied    | unlisted                      | yes      | quarantine, if its rule says so                    |
| denied    | anything else                 | yes      | nothing                                            |
| void      | absent, partial               | no       | hold                                               |
| withdrawn | not as withdrawn              | yes      | unlist or quarantine, as it says                   |
| expired   | listed                        | yes      | unlist                                             |
| withdrawn, expired | as it says, with another reason | yes | the same once more, which tells the reason    |
| expired   | anything else                 | yes      | nothing                                            |
| malformed | any                           | any      | frozen                                             |
| none, void| any                           | yes      | orphan                                             |
| others    | any but absent, partial       | no       | alien                                              |
| none, expired, withdrawn | absent, partial | no      | nothing                                            |

`more` means that more files are approved than recorded, `fewer` that a recorded one is not approved. A partial state without a
record is what a killed writer leaves: no page names it, so it is no alien, and promoting simply finishes it. What is damaged is made
whole first, and what is quarantined released: a version that also waits to be extended is so in the next pass.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, assert_never

from reconciler.model.declared import ApprovedFile
from reconciler.model.packages import PublishedFile

DeclaredState: TypeAlias = Literal["approved", "denied", "withdrawn", "expired", "void", "malformed", "none"]
PublishedState: TypeAlias = Literal["absent", "partial", "listed", "unlisted", "quarantined", "differing"]
Relation: TypeAlias = Literal["same", "more", "fewer", "other"]
Taking: TypeAlias = Literal["alert", "unlist", "quarantine"]
"""How a version is taken back: what a withdrawal says, or the rule that denies it; `alert` leaves it where it is."""
Action: TypeAlias = Literal[
    "promote",
    "repair",
    "extend",
    "adopt",
    "relist",
    "release",
    "mark",
    "unlist",
    "quarantine",
    "conflict",
    "hold",
    "alert",
    "frozen",
    "fewer",
    "orphan",
    "alien",
    "nothing",
]


def action_for(
    declared: DeclaredState,
    published: PublishedState,
    *,
    recorded: bool,
    relation: Relation = "same",
    taking: Taking = "alert",
    marked: bool = True,
) -> Action:
    """The row of the table.

    `relation` compares approved with recorded files, and matters only where both exist; `taking` is for what is denied or withdrawn;
    `marked`: the feed tells clients of it what the declaration says.
    """
    match declared:
        case "malformed":
            return "frozen"
        case "approved":
            return _approved(published, recorded=recorded, relation=relation, marked=marked)
        case "void" | "none" if recorded:
            return "orphan"
        case "denied" if recorded and taking == "alert" and published in {"listed", "partial", "differing"}:
            return _staying(_approved(published, recorded=True, relation=relation, marked=marked), marked=marked)
        case "denied" | "withdrawn" | "expired" if recorded:
            return _taken(declared, published, taking, marked=marked)
        case "denied" | "withdrawn" | "expired" | "void" | "none":
            if published not in {"absent", "partial"}:
                return "alien"
            return "hold" if declared in {"denied", "void"} else "nothing"
        case _:
            assert_never(declared)


def _staying(action: Action, *, marked: bool) -> Action:
    """Of what is denied and stays where it is: it is kept whole, and clients are told what they should be; nothing is added to it."""
    if action == "extend":
        return "alert" if marked else "mark"
    return "alert" if action == "nothing" else action


def _taken(declared: Literal["denied", "withdrawn", "expired"], published: PublishedState, taking: Taking, *, marked: bool) -> Action:
    """Of what is recorded and shall not be listed. What is taken back already is moved by a withdrawal, whose reason is told anew, and by
    a rule that wants it in quarantine, so that it comes to the same whatever was known first."""
    if declared == "withdrawn" and taking != "alert":
        as_said = published == ("unlisted" if taking == "unlist" else "quarantined")
        return "nothing" if as_said and marked else taking
    if declared == "expired" and published == "unlisted" and not marked:
        return "unlist"
    if declared == "denied" and taking == "quarantine" and published == "unlisted":
        return taking
    if published != "listed":
        return "nothing"
    return taking if declared == "denied" else "unlist"


def _approved(published: PublishedState, *, recorded: bool, relation: Relation, marked: bool) -> Action:
    if published == "differing" or relation == "other":
        return "conflict"
    if not recorded:
        return _new(published)
    if relation == "fewer":
        return "fewer"
    match published:
        case "absent" | "partial":
            return "repair"
        case "quarantined":
            return "release"
        case "listed" | "unlisted" if relation == "more":
            return "extend"
        case "unlisted":
            return "relist"
        case "listed":
            return "nothing" if marked else "mark"
        case _:
            assert_never(published)


def _new(published: Literal["absent", "partial", "listed", "unlisted", "quarantined"]) -> Action:
    """Of what is approved and not recorded."""
    if published in {"absent", "partial"}:
        return "promote"
    return "adopt" if published == "listed" else "conflict"


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
