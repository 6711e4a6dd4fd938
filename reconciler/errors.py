"""Every exception that leaves a module of `reconciler`, in one tree with two trunks: yours is wrong, or theirs is.

    ReconcilerError
    ├── Yours                        what the user declares, keeps or runs
    │   ├── DeclarationInvalid       YAML, names, rules: a list of problems, each with file and line
    │   ├── PreconditionFailed       no repository, shallow or rewritten history, stale plan, empty approvals
    │   ├── NotFound                 a feed, package, version or record that was asked for is not there
    │   ├── Refused                  a request that contradicts what is declared or published
    │   └── NotesRefused             the apply is done, its notes in git are not written
    ├── Theirs                       what an upstream sends
    │   ├── NotThere                 the upstream answers, and says that it has no such thing
    │   ├── Unreachable              no answer, or none that may be believed to be one (time-out, 5xx, truncated)
    │   ├── Malformed                an answer that breaks its protocol
    │   ├── ArchiveRefused           a package file that is damaged, hostile, or not what the index says it is
    │   ├── ContentMismatch          bytes that are not the approved ones
    │   └── DumpRefused              advisories that must not take the place of those that there are
    └── StoreError                   feed storage
        ├── StoreUnavailable         cannot be read or written (permissions, disk, network)
        ├── RevisionConflict         compare-and-swap lost: somebody else has written
        └── IntegrityError           what is stored contradicts its own digests, or the approved ones

Adapters translate foreign exceptions at their door and keep the cause (`raise ... from error`). Exit codes are not decided
here but in `reconciler/cli`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.words import Problem


class ReconcilerError(Exception):
    """Root of all of them. `str(error)` is a sentence for a person; `remedy` says what to do next, where that is known."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class Yours(ReconcilerError):
    """The declaration, the repository or the command line is at fault."""


class DeclarationInvalid(Yours):
    """One or more problems in the declaration, all of them at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class PreconditionFailed(Yours):
    """The state of the repository or of the feeds forbids to go on; nothing was written."""


class NotFound(Yours):
    """Something that was asked for by name does not exist."""


class Refused(Yours):
    """A request that contradicts what is declared or published."""


class NotesRefused(Yours):
    """Notes about what was applied cannot be written into git; the apply itself is done."""


class Theirs(ReconcilerError):
    """An upstream, or a package from it, is at fault."""


class NotThere(Theirs):
    """The upstream says that it does not have this (404, 410, or no such file)."""


class Unreachable(Theirs):
    """No usable answer: to be asked again later."""


class Malformed(Theirs):
    """The answer breaks the protocol that it should speak."""


class ArchiveRefused(Theirs):
    """A package file that must not enter a feed; the message says why."""


class ContentMismatch(Theirs):
    """Bytes, or their number, are not what was approved or announced."""


class DumpRefused(Theirs):
    """A dump of advisories that is damaged, empty, or wrong in too many records: what was read before stays in use."""


class StoreError(ReconcilerError):
    """Feed storage is at fault."""


class StoreUnavailable(StoreError):
    """The store cannot be read or written."""


class RevisionConflict(StoreError):
    """The object is not (any more) at the revision that the writer expected."""


class IntegrityError(StoreError):
    """Stored content contradicts its digest, the ledger or an approval."""
