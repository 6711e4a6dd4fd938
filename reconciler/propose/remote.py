"""Which project at which forge the address of a git remote means. Nothing is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from reconciler.declare.policies import PROJECT
from reconciler.model.declared import Forge, ForgeKind
from reconciler.model.forges import SITES
from reconciler.model.permissions import Line

WHERE: Final = Line(path="the remote's address", line=1)
SCHEMES: Final = frozenset({"https", "http", "ssh", "git", "git+ssh"})
_SCP: Final = re.compile(r"(?:[^@/:\s]+@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>[^/].*)")
"""user@host:path, as git takes it besides URLs (https://git-scm.com/docs/git-clone#_git_urls)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """A project on a host, both as the address has them; the host in lower case."""

    host: str
    project: str

    @property
    def kind(self) -> ForgeKind | None:
        """The forge that this is: the public server of a kind, or one that has the kind as a word of its name; None for all others."""
        words = self.host.split(".")
        return next((kind for kind, site in SITES.items() if self.host in site.hosts), None) or next(
            (kind for kind in SITES if kind in words), None
        )

    def api(self, kind: ForgeKind) -> str:
        """The address of the REST API, if it is a forge of this kind. The port is git's, not the API's, and left out."""
        site = SITES[kind]
        return site.api if self.host in site.hosts else f"https://{self.host}{site.api_path}"

    def forge(self) -> Forge | None:
        """The forge with this project, where its kind can be told."""
        return Forge(kind=self.kind, url=self.api(self.kind), project=self.project, where=WHERE) if self.kind else None


def remote_of(address: str) -> Remote | None:
    """The project that an address of a remote means; None where it is no server's, or not two words and more with slashes between."""
    if "://" in address:
        try:
            parts = urlsplit(address)
            host, path = parts.hostname, parts.path
        except ValueError:
            return None
        if parts.scheme not in SCHEMES:
            return None
    else:
        found = _SCP.fullmatch(address)
        host, path = (found["host"], found["path"]) if found else (None, "")
    project = unquote(path).strip("/").removesuffix(".git")
    return Remote(host=host.lower(), project=project) if host and PROJECT.fullmatch(project) and ".." not in project else None
