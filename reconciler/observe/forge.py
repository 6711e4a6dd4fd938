"""Review evidence: what a forge says of the pull request that landed as a commit.

A new forge is one module under `forges/` and one row of FORGES (and a name in `ForgeKind`); the contract suite is
`tests/contracts/test_forge.py`. Nothing is decided here: who may approve what, and whether the reviewed blobs are those that landed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from reconciler.errors import Refused
from reconciler.model.declared import Forge, ForgeKind
from reconciler.model.evidence import Evidence, PullRequest
from reconciler.model.words import CommitId
from reconciler.observe.forges.github import GitHub
from reconciler.observe.forges.gitlab import GitLab
from reconciler.observe.forges.landings import Landings
from reconciler.wire import Wire

_PART: Final = "[A-Za-z0-9_][A-Za-z0-9_.-]*"
_PROJECT: Final = re.compile(f"{_PART}(/{_PART})+")


class Reviews(Protocol):
    """The pull requests of one project; may be asked by several threads at once."""

    def pull_request_of(self, commit: CommitId, landings: Landings) -> PullRequest | None:
        """The merged pull request that landed as this landing commit, where the forge says so and git does not contradict; of
        several (a commit that several have in common) the one that landed first, then the oldest. None where the forge answers that there is none.

        Unreachable where it does not answer, may not be asked, or does not know project or commit; Malformed for an answer that
        breaks the documented shape or contradicts itself.
        """


FORGES: Final[Mapping[ForgeKind, Callable[[Forge, Wire], Reviews]]] = MappingProxyType({"github": GitHub, "gitlab": GitLab})


def require_project(forge: Forge) -> None:
    """Refused for what is no name of a project."""
    if not _PROJECT.fullmatch(forge.project):
        message = f"{forge.where}: {forge.project[:200]!r} is no project: found no owner and name with a slash between them"
        raise Refused(message)


def open_forge(forge: Forge, wire: Wire) -> Reviews:
    """Nothing is asked yet; Refused for what is no name of a project."""
    require_project(forge)
    return FORGES[forge.kind](forge, wire)


def evidence_of(forge: Forge, commit: CommitId, *, landings: Landings, wire: Wire) -> Evidence:
    """What the forge says of a landing commit; raises as `open_forge` and `Reviews` do."""
    return Evidence(commit=commit, pull_request=open_forge(forge, wire).pull_request_of(commit, landings))
