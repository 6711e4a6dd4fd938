"""History is append-only: the commit that a feed was applied at last lies on the first-parent chain of the one that is to be applied.

Asked before anything else. What breaks it is told apart, since the cure differs: a rewritten branch, or a *foxtrot* merge, which makes the
old main the second parent of the new one, so that who landed what can no longer be read from the chain. A branch that would become one is
refused before it lands (`require_landable`). Where history was broken on purpose, `reanchor` lets the ledger go on: a recorded act, with a
reason, that every later report mentions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.act.feed_storage import Commitment
from reconciler.act.record import Applier, of_reanchor
from reconciler.act.static_feed import StaticFeed
from reconciler.declaration import Declaration
from reconciler.declare.revision import Repository
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import PreconditionFailed
from reconciler.model.declared import APPROVALS_FOLDER
from reconciler.model.events import Named
from reconciler.model.reanchored import Reanchored
from reconciler.model.words import CommitId, FeedName
from reconciler.stores.head import read_head
from reconciler.stores.interface import Store
from reconciler.stores.state import read_state


def require_append_only(repository: Repository, declaration: Declaration, store: Store) -> None:
    """Every feed's last applied commit lies on the chain, and a feed that holds packages has approvals; PreconditionFailed else."""
    for feed in declaration.rules.now.settings.approved():
        found = read_head(store, feed)
        if found is None:
            continue
        head, _ = found
        if head.commit not in declaration.chain:
            raise broken(repository, declaration.chain, feed, head.commit)
        if head.catalog is not None and not declaration.approvals.found:
            message = (
                f"{feed} holds packages, but there is no {APPROVALS_FOLDER}/ folder at {declaration.commit[:12]}: absence is never deletion"
            )
            raise PreconditionFailed(message, remedy="restore approvals/, or name the right commit with --ref")


def broken(repository: Repository, chain: Sequence[CommitId], feed: FeedName, last: CommitId) -> PreconditionFailed:
    """How the history of a feed was broken, as an error."""
    how, remedy = _told(repository, chain, last)
    message = f"{feed} was last applied at commit {last[:12]}, which is not on the first-parent chain of {chain[-1][:12]}: {how}"
    return PreconditionFailed(message, remedy=remedy)


def _told(repository: Repository, chain: Sequence[CommitId], last: CommitId) -> tuple[str, str]:
    """What broke the history, and what to do."""
    on_purpose = "if that was on purpose and is to stay: `reconciler reanchor -m REASON`"
    if (merge := foxtrot(repository, chain, last)) is not None:
        back = f"reset main to the commit before it, and merge the other way round; {on_purpose}"
        how = f"the foxtrot merge {merge[:12]} has the old main as its second parent"
        return how, f"merge the branch into main, not main into the branch: {back}"
    if not repository.has(last):
        return "it is not in this clone at all", f"fetch it; if the branch was rewritten: restore the old one, or, {on_purpose}"
    if repository.is_ancestor(chain[-1], last):
        return "the branch was set back to an earlier commit", f"restore the branch, or name the right commit with --ref; {on_purpose}"
    return "the branch was rewritten (force-pushed)", f"restore the old branch, or, {on_purpose}"


def require_landable(repository: Repository, commit: CommitId, base: CommitId, name: str) -> str:
    """That the base branch (its tip, and its name) stays on the first-parent chain if this commit becomes its tip as it stands.

    - The tip of the base is on the commit's first-parent chain: fine. So for the base itself, a branch on top of it, whatever else that
      has merged, and the merge commit that a forge makes or would make (refs/pull/N/merge).
    - It is reachable, but only by another parent: refused, since fast-forwarded this is a foxtrot merge. So for a branch that has merged
      the base into itself, as one of several (octopus) or further back, too.
    - It is not reachable: noted. So for a branch that has fallen behind (also where it has merged an older base into itself), one that
      was merged already, and a history of its own: git cannot fast-forward these, so what lands is a commit of its own.

    Hands back the note, "" for none; PreconditionFailed for what is refused. That branch may land all the same by a merge commit with the
    base as its first parent, by squash or by rebase: what is to be checked is what lands.
    """
    chain = repository.chain(commit)
    if base in chain:
        return ""
    merge = foxtrot(repository, chain, base)
    if merge is None:
        return f"{name} ({base[:12]}) is not part of {commit[:12]}: it can land by a merge commit, a squash or a rebase, not as it stands"
    message = (
        f"{merge[:12]} merged {name} ({base[:12]}) into the branch: fast-forwarded, that would be a foxtrot merge, "
        f"and who landed what before could no longer be read from the first-parent chain of {name}"
    )
    remedy = f"`git rebase {name}`; or merge the other way round, the branch into {name} (`git merge --no-ff`), and check that merge commit"
    raise PreconditionFailed(message, remedy=remedy)


def foxtrot(repository: Repository, chain: Sequence[CommitId], last: CommitId) -> CommitId | None:
    """The landing commit that merged a commit which should lie on the chain itself; None where none has."""
    if not repository.has(last) or not repository.is_ancestor(last, chain[-1]):
        return None
    low, high = 0, len(chain) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if repository.is_ancestor(last, chain[middle]) else (middle + 1, high)
    return chain[low]


# --- where it was broken on purpose -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """A feed whose last applied commit is not on the chain: `how`, in words, and the landing commit from which its ledger can go on.

    `shared`: `anchor` landed in the old history, too.
    """

    feed: FeedName
    last: CommitId
    how: str
    anchor: CommitId
    shared: bool


def breaks(repository: Repository, declaration: Declaration, store: Store) -> Iterator[Break]:
    """Every feed whose history is broken.

    The anchor is the newest commit that landed in both histories. Not HEAD: the rules that changed between the two would count as applied,
    and nobody would ever read who has gained which right. Not the merge base either, which may have been an inner commit of the old
    history, with rules that were never in force. Without a common one it is the trust anchor, and the next plan lists every right there is.
    """
    chain = declaration.chain
    for feed in declaration.rules.now.settings.approved():
        found = read_head(store, feed)
        if found is None or (last := found[0].commit) in chain:
            continue
        old = frozenset(repository.chain(last)) if repository.has(last) else frozenset[CommitId]()
        common = next((commit for commit in reversed(chain) if commit in old), None)
        how, _ = _told(repository, chain, last)
        yield Break(feed=feed, last=last, how=how, anchor=common or declaration.rules.steps[0].commit, shared=common is not None)


def reanchor(store: Store, declaration: Declaration, gap: Break, *, by: Named, reason: str, applier: Applier) -> Reanchored:
    """Lets the ledger of one feed go on from the anchor, and records that; no package changes.

    It is a pass of the feed that does nothing else, so it is written as any other: the segment before the head, the head by
    compare-and-swap, and whoever is killed between the two leaves what the next one completes. The head says `partial`, since an apply
    must follow. RevisionConflict if another pass is at work.
    """
    ecosystem = ECOSYSTEMS[declaration.rules.now.settings.feeds[gap.feed].type]
    state = read_state(store, gap.feed, ecosystem.parse_version)
    if state.head is None or state.head.commit != gap.last:
        message = f"{gap.feed} was applied by somebody else in the meantime"
        raise PreconditionFailed(message, remedy="look at `reconciler plan` again")
    anchored = Reanchored(feed=gap.feed, from_commit=gap.last, commit=gap.anchor, at=applier.at, by=by, reason=reason, shared=gap.shared)
    StaticFeed(store, state, ecosystem).commit(
        Commitment(
            packages=(),
            records=(of_reanchor(anchored, head=declaration.commit, applier=applier),),
            commit=gap.anchor,
            outcome="partial",
            valid_until=None,
            public_url=state.head.public_url,
            reanchored=anchored,
        )
    )
    return anchored
