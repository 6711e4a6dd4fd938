"""Review evidence: what a forge says of the pull request that landed as a commit.

A new forge is one module under `forges/` and one row of FORGES (and a name in `ForgeKind`); the contract suite is
`tests/contracts/test_forge.py`. Nothing is decided here: who may approve what, and whether the reviewed blobs are those that landed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol
from urllib.parse import urlsplit

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
_SCP: Final = re.compile(r"(?:[^@/:]+@)?([^@/:]+):(?!//)(.+)")
"""host:path, as git takes it (https://git-scm.com/docs/git-clone#_git_urls)."""


class Reviews(Protocol):
    """The pull requests of one project; may be asked by several threads at once."""

    def pull_request_of(self, commit: CommitId, landings: Landings) -> PullRequest | None:
        """The merged pull request that landed as this landing commit, where the forge says so and git does not contradict; of
        several (a commit that several have in common) the one that landed first, then the oldest. None where the forge answers that there is none.

        Unreachable where it does not answer, may not be asked, or does not know project or commit; Malformed for an answer that
        breaks the documented shape or contradicts itself.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    open: Callable[[Forge, Wire], Reviews]
    host: str
    """Where everybody may have a project, and the address of the REST API there."""
    url: str


FORGES: Final[Mapping[ForgeKind, _Row]] = MappingProxyType(
    {
        "github": _Row(open=GitHub, host="github.com", url="https://api.github.com"),
        "gitlab": _Row(open=GitLab, host="gitlab.com", url="https://gitlab.com/api/v4"),
    }
)


def open_forge(forge: Forge, wire: Wire) -> Reviews:
    """Nothing is asked yet; Refused for what is no name of a project."""
    if not _PROJECT.fullmatch(forge.project):
        message = f"{forge.where}: {forge.project[:200]!r} is no project: found no owner and name with a slash between them"
        raise Refused(message)
    return FORGES[forge.kind].open(forge, wire)


def evidence_of(forge: Forge, commit: CommitId, *, landings: Landings, wire: Wire) -> Evidence:
    """What the forge says of a landing commit; raises as `open_forge` and `Reviews` do."""
    return Evidence(commit=commit, pull_request=open_forge(forge, wire).pull_request_of(commit, landings))


def forge_of_remote(url: str) -> tuple[ForgeKind, str, str] | None:
    """Kind, address of the REST API and project that the URL of a git remote (https or ssh) names; None for any other forge. Pure."""
    scp = _SCP.fullmatch(url)
    try:
        parts = urlsplit(f"ssh://{scp[1]}/{scp[2]}" if scp else url)
        host = parts.hostname
    except ValueError:
        return None
    project = parts.path.strip("/").removesuffix(".git")
    if parts.scheme not in {"https", "ssh"} or not _PROJECT.fullmatch(project):
        return None
    return next(((kind, row.url, project) for kind, row in FORGES.items() if row.host == host), None)
