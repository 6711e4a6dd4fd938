"""New approvals as text: every key in one order, every text as `quoting.py` writes it.

What was written is read again and compared before anybody gets it: `Refused` instead of a file that says something else. Changes
of a file that is there already, which keep its comments and order, are in `edit.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.declare.approvals import load_approval
from reconciler.declare.quoting import in_block, in_flow
from reconciler.errors import DeclarationInvalid, Refused
from reconciler.model.declared import Approval, ApprovedFile, Deprecation, Withdrawal


def new_approval(approval: Approval) -> str:
    """The text of a new approval file; Refused for what the strict reader would not take (an empty reason, hidden characters)."""
    text = "".join(f"{line}\n" for line in _lines(approval))
    written = reread("", text)
    if written != replace(approval, files=tuple(sorted(approval.files, key=lambda file: file.name))):
        message = "the approval cannot be written so that it reads the same (addresses in lower case, no doubled file names)"
        raise Refused(message)
    return text


def reread(path: str, text: str) -> Approval:
    """A text that was just written, as the strict reader takes it; Refused with its words where it does not."""
    try:
        return load_approval(path, text.encode("utf-8", "surrogatepass"))
    except DeclarationInvalid as error:
        told = "; ".join(f"{p.key or 'text'}: found {p.found}, expected {p.expected}" for p in error.problems)
        message = f"this cannot be written as an approval: {told}"
        raise Refused(message) from error


def block_lines(key: str, said: Withdrawal | Deprecation, *, column: int = 0) -> Iterator[str]:
    """`key:` at this column and what it says below it; a text of several lines is one item."""
    yield f"{' ' * column}{key}:"
    for name, value in _texts(said):
        yield f"{' ' * (column + 2)}{name}: {in_block(value, column=column + 2)}"
    if isinstance(said, Withdrawal) and said.since is not None:
        yield f"{' ' * (column + 2)}since: {said.since.isoformat()}"


def flow_mapping(said: Withdrawal | Deprecation) -> str:
    """The same between braces."""
    parts = [f"{name}: {in_flow(value)}" for name, value in _texts(said)]
    if isinstance(said, Withdrawal) and said.since is not None:
        parts.append(f"since: {said.since.isoformat()}")
    return f"{{{', '.join(parts)}}}"


def _texts(said: Withdrawal | Deprecation) -> Iterator[tuple[str, str]]:
    if isinstance(said, Withdrawal):
        yield "action", said.action
    yield "reason", said.reason
    if isinstance(said, Deprecation) and said.use:
        yield "use", said.use


def _lines(approval: Approval) -> Iterator[str]:
    if approval.source is not None:
        yield f"from: {in_block(approval.source)}"
    yield f"reason: {in_block(approval.reason)}"
    if approval.ticket:
        yield f"ticket: {in_block(approval.ticket)}"
    if approval.required_by:
        yield f"required_by: [{', '.join(map(in_flow, approval.required_by))}]"
    if approval.expires is not None:
        yield f"expires: {approval.expires.isoformat()}"
    yield "files:" if approval.files else "files: {}"
    for file in sorted(approval.files, key=lambda file: file.name):
        yield f"  {in_flow(file.name)}: {_file(file)}"
    if approval.withdrawn is not None:
        yield from block_lines("withdrawn", approval.withdrawn)
    if approval.deprecated is not None:
        yield from block_lines("deprecated", approval.deprecated)
    if approval.endorsed:
        yield "endorsed:"
    for endorsement in approval.endorsed:
        yield f"  - {{by: {in_flow(endorsement.by)}, reason: {in_flow(endorsement.reason)}}}"


def _file(file: ApprovedFile) -> str:
    content_hash = f", content_hash: {in_flow(file.content_hash)}" if file.content_hash is not None else ""
    return f"{{size: {file.size}, sha256: {in_flow(file.sha256)}{content_hash}}}"
