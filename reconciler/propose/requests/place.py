"""Which forge and project a branch was pushed to, by the address of the remote. Nothing is asked."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from reconciler.declare.policies import PROJECT, PUBLIC
from reconciler.model.declared import Forge, ForgeKind
from reconciler.model.permissions import Line

REMOTE: Final = Line(path="the remote's address", line=1)
_SCP: Final = re.compile(r"(?:[^@/:\s]+@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>[^/].*)")
"""user@host:path, as git takes it besides URLs (https://git-scm.com/docs/git-clone#_git_urls)."""
_API: Final = {"github": "api/v3", "gitlab": "api/v4"}


def project_of(address: str) -> str | None:
    """The owner and name in a remote's address, as in acme/approvals; None where it is no server's, or not two words and more with slashes between them."""
    place = _split(address)
    return place[1] if place else None


def forge_of(address: str) -> Forge | None:
    """The forge of a remote's address: github.com, gitlab.com, and servers with "github" or "gitlab" as a word of their names; else None."""
    place = _split(address)
    if place is None:
        return None
    host, project = place
    public: dict[str, ForgeKind] = {
        "github.com": "github",
        "ssh.github.com": "github",
        "gitlab.com": "gitlab",
        "altssh.gitlab.com": "gitlab",
    }
    if kind := public.get(host):
        return Forge(kind=kind, url=PUBLIC[kind], project=project, where=REMOTE)
    kinds: tuple[ForgeKind, ...] = ("github", "gitlab")
    own = next((kind for kind in kinds if kind in host.split(".")), None)
    return Forge(kind=own, url=f"https://{host}/{_API[own]}", project=project, where=REMOTE) if own else None


def _split(address: str) -> tuple[str, str] | None:
    """Host in lower case, and project. The port is that of git, not of the API, and left out."""
    if "://" in address:
        try:
            parts = urlsplit(address)
            host, path = parts.hostname, parts.path
        except ValueError:
            return None
        if parts.scheme not in {"https", "http", "ssh", "git", "git+ssh"}:
            return None
    else:
        found = _SCP.fullmatch(address)
        host, path = (found["host"], found["path"]) if found else (None, "")
    project = unquote(path).strip("/").removesuffix(".git")
    return (host.lower(), project) if host and PROJECT.fullmatch(project) and ".." not in project else None
