"""Pull requests, opened: a forge is one module here and one row of REQUESTS. The contract suite is `tests/contracts/test_requests.py`.

interface.py  what a forge does for a pull request: `Requests`; and how it is opened with that
github.py     https://docs.github.com/rest/pulls/pulls
gitlab.py     https://docs.gitlab.com/api/merge_requests/
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from reconciler.model.declared import Forge, ForgeKind
from reconciler.observe.forge import require_project
from reconciler.propose.requests.github import GitHubRequests
from reconciler.propose.requests.gitlab import GitLabRequests
from reconciler.propose.requests.interface import Draft, Opened, Requests, open_request
from reconciler.wire import Wire

REQUESTS: Final[Mapping[ForgeKind, type[GitHubRequests | GitLabRequests]]] = MappingProxyType(
    {"github": GitHubRequests, "gitlab": GitLabRequests}
)

__all__ = ["REQUESTS", "Draft", "Opened", "Requests", "open_request", "open_requests"]


def open_requests(forge: Forge, wire: Wire) -> Requests:
    """The pull requests of a project; nothing is asked yet. Refused for what is no name of a project."""
    require_project(forge)
    return REQUESTS[forge.kind](forge, wire)
