"""`reanchor`: lets feeds go on where the history that they were applied in was broken on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from reconciler.act.record import Applier
from reconciler.cli.session import applier_name, format_option, open_session, ref_option
from reconciler.continuity import Break, breaks
from reconciler.continuity import reanchor as reanchor_feed
from reconciler.declare.revision import git_user
from reconciler.errors import Refused
from reconciler.model.events import Named
from reconciler.show.contract import reanchored_row, to_json
from reconciler.show.inert import LONGEST, inert
from reconciler.show.reanchored import ReanchorV1

MEANING = """\
No package changes. What was recorded before stays in the ledger, and `reconciler verify` can no longer derive from git what names a commit \
of the old history. Every report mentions this from now on. Look at `reconciler plan` next: what no approval names any more is listed as \
orphan there, and who has gained or lost a right since the commit from which it goes on."""


@click.command()
@click.option("-m", "--message", "reason", required=True, metavar="REASON", help="Why the history was broken; recorded.")
@ref_option
@format_option
@click.pass_obj
def reanchor(folder: Path, reason: str, ref: str, form: str) -> None:
    """Go on with another history, where the branch was rewritten on purpose.

    Every pass stops (exit 3) while the commit that a feed was applied at last is not on the first-parent chain: after a force push, a move
    to another repository, or a merge that made main the second parent. Restoring the branch is the cure. Where the new history is to
    stay, this records in the ledger of each such feed who said so and why.

    \b
    Example:
      reconciler reanchor -m "History cleaned of a leaked key, agreed in SEC-123"
    """
    if not reason.strip():
        message = "a reason is needed: it is all that later readers will have"
        raise click.UsageError(message)
    if len(reason) > LONGEST:
        message = f"the reason has {len(reason)} characters, and every report repeats it: at most {LONGEST}"
        raise click.UsageError(message)
    reason = reason.encode(errors="replace").decode()  # what has no encoding would not be in head and ledger alike
    session = open_session(folder)
    declaration = session.declare(ref)
    store = session.store(declaration.rules.now.settings)
    gaps = list(breaks(session.repository, declaration, store))
    if not gaps:
        message = f"no history is broken: every feed was applied last at a commit on the first-parent chain of {declaration.commit[:12]}"
        raise Refused(message, remedy="there is nothing to do")
    person = git_user(session.repository.root)
    by = Named(name=person.name, email=person.email, assurance="claimed")
    applier = Applier(name=applier_name(), at=session.now, accepted="")
    if form == "text":
        click.echo("\n".join(_told(gaps)))
    done = [reanchor_feed(store, declaration, gap, by=by, reason=reason, applier=applier) for gap in gaps]
    if form == "json":
        click.echo(to_json(ReanchorV1(commit=declaration.commit, reanchored=[reanchored_row(one) for one in done])), nl=False)
    else:
        click.echo(f"\nRecorded, by {inert(by.name)} <{inert(by.email)}> (claimed). {MEANING}")


def _told(gaps: Sequence[Break]) -> list[str]:
    lines = []
    for gap in gaps:
        lines.append(f"{gap.feed}: applied last at commit {gap.last[:12]}, which is not on the chain: {gap.how}")
        landed = "the newest commit that landed in both histories" if gap.shared else "the trust anchor: no commit landed in both histories"
        lines.append(f"    goes on from {gap.anchor[:12]}, {landed}")
    return lines
