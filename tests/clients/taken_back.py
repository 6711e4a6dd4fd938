"""A feed after versions of it have been taken back, for the test of what each client then sees.

    package  1.0.0     1.0.1     1.1.0
    mk-lib   listed    -         unlisted
    mk-mid   listed    unlisted  listed
    mk-only  unlisted  -         -
    mk-bad   listed    -         quarantined
    mk-gone  quarantined
    mk-old   listed    -         deprecated

All versions were approved, published and served before: what the clients meet is the same server after the second `apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.clients.project import Project
from tests.clients.registry import Offer, publish, url
from tests.support.nginx import Nginx

VERSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "mk-lib": ("1.0.0", "1.1.0"),
    "mk-mid": ("1.0.0", "1.0.1", "1.1.0"),
    "mk-only": ("1.0.0",),
    "mk-bad": ("1.0.0", "1.1.0"),
    "mk-gone": ("1.0.0",),
    "mk-old": ("1.0.0", "1.1.0"),
}
REASON: Final = "Leaks file handles, see SEC-9."
MALWARE: Final = "Malware, see SEC-10."
DEPRECATED: Final = "Slow. Use mk-lib instead."
_UNLIST: Final = f'withdrawn: {{action: unlist, reason: "{REASON}"}}'
_QUARANTINE: Final = f'withdrawn: {{action: quarantine, reason: "{MALWARE}"}}'
TAKEN_BACK: Final = (
    ("mk-lib", "1.1.0", _UNLIST),
    ("mk-mid", "1.0.1", _UNLIST),
    ("mk-only", "1.0.0", _UNLIST),
    ("mk-bad", "1.1.0", _QUARANTINE),
    ("mk-gone", "1.0.0", _QUARANTINE),
    ("mk-old", "1.1.0", "deprecated: {reason: Slow., use: mk-lib}"),
)


def publish_and_take_back(folder: Path, server: Nginx, *, feed_type: str, make: Callable[[str, str], tuple[str, bytes]]) -> Project:
    """`make` gives a package file, name and bytes, of a package and a version. They come from a registry with upload times: yarn 4
    takes nothing that is younger than a day.
    """
    at = datetime(2026, 1, 5, tzinfo=UTC)
    files = [make(package, version) for package, versions in VERSIONS.items() for version in versions]
    with Nginx(folder / "registry") as registry:
        publish(registry, feed_type, [Offer(name=name, data=data, uploaded_at=at) for name, data in files])
        project = Project.create(folder, feed_type=feed_type, registry=url(registry, feed_type))
        _work(project, server)
    return project


def _work(project: Project, server: Nginx) -> None:
    with (project.folder / "feeds.yaml").open("a", encoding="utf-8") as feeds:
        feeds.write('limits: {withdrawals: "100%"}\n')
    project.approve(*(f"{package}@{version}" for package, versions in VERSIONS.items() for version in versions))
    project.apply(public_url=server.url)
    project.serve(server)
    for package, version, block in TAKEN_BACK:
        project.take_back(package, version, block)
    project.apply(public_url=server.url)
