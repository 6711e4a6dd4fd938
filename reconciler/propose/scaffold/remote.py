"""The address of a git remote as a project at a forge (https://git-scm.com/docs/git-clone#_git_urls)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from reconciler.declare.policies import PROJECT, PUBLIC
from reconciler.model.declared import ForgeKind

SCP_LIKE: Final = re.compile(r"(?:[^@/:]+@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>[^/].*)")
PUBLIC_HOSTS: Final[Mapping[str, ForgeKind]] = {"github.com": "github", "gitlab.com": "gitlab"}
API: Final[Mapping[ForgeKind, str]] = {"github": "/api/v3", "gitlab": "/api/v4"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """A project at the forge of a host."""

    host: str
    project: str

    def api(self, kind: ForgeKind) -> str | None:
        """The address of the REST API; None for the public forge, whose address is known."""
        return None if PUBLIC_HOSTS.get(self.host) == kind else f"https://{self.host}{API[kind]}"

    def token_variable(self, kind: ForgeKind) -> str:
        """The variable that a token for the REST API is taken from; bound to its host, see `wire/credentials.py`."""
        host = urlsplit(self.api(kind) or PUBLIC[kind]).hostname or self.host
        return f"RECONCILER_TOKEN_{host.replace('-', '__').replace('.', '_')}"


def remote_of(address: str) -> Remote | None:
    """The project that an address of a remote means: https, ssh, or host:path. None for a folder, and for what is no project."""
    if "://" in address:
        try:
            parts = urlsplit(address)
            host, path = parts.hostname, parts.path
        except ValueError:
            return None
        host = host if parts.scheme in {"https", "ssh"} else None
    else:
        found = SCP_LIKE.fullmatch(address)
        host, path = (found["host"].lower(), found["path"]) if found else (None, "")
    project = path.strip("/").removesuffix(".git")
    return Remote(host=host, project=project) if host and PROJECT.fullmatch(project) and ".." not in project else None
