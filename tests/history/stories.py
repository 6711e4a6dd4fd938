"""What stories about a history have in common: who does what on which branch, and what a user is then told.

Every step is real git and the command line. Nobody but ada and grace may promote; ada administers; mallory is not declared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from tests.cli.place import ADA, GRACE, MALLORY, Place

PERMISSIONS_FILE: Final = "policies/permissions.yaml"
LEAF: Final = "approvals/approved-pypi/leaf/1.2.yaml"
SAMPLE: Final = "approvals/approved-pypi/sample/1.0.yaml"
EVIL: Final = "e" * 64

__all__ = ["ADA", "EVIL", "GRACE", "LEAF", "MALLORY", "PERMISSIONS_FILE", "SAMPLE", "Place"]


def approve(place: Place, package: str, *, by: tuple[str, str], message: str = "Approve", feed: str = "approved-pypi") -> str:
    """An approval as the tool writes it, committed by somebody on the branch that is checked out."""
    done = place.run("approve", feed, package, "-m", "asked for by billing")
    assert done.code == 0, done.err
    return place.commit(message, by=by)


def text(place: Place, path: str) -> str:
    return (place.root / path).read_text(encoding="utf-8")


def edit(place: Place, path: str, old: str, new: str) -> None:
    """Replaces what stands in a file once at least."""
    before = text(place, path)
    assert old in before, f"{old!r} is not in {path}"
    place.write(path, before.replace(old, new))


def other_digest(place: Place, path: str = LEAF) -> None:
    """The digest of the first file of an approval becomes another one."""
    before = text(place, path)
    digest = before.partition("sha256: ")[2][:64]
    place.write(path, before.replace(digest, EVIL, 1))


def switch(place: Place, branch: str, *, new: bool = False) -> None:
    place.git("switch", "-q", *(("-c",) if new else ()), branch)


def merge(place: Place, *branches: str, by: tuple[str, str] = ADA, message: str = "Merge") -> str:
    """A merge commit into the branch that is checked out; several branches make an octopus."""
    place.git("merge", "-q", "--no-ff", "-m", message, *branches, by=by)
    return place.git("rev-parse", "HEAD")


def begin_merge(place: Place, branch: str) -> None:
    """A merge that waits for its commit, so that somebody may alter it."""
    place.git("merge", "-q", "--no-ff", "--no-commit", branch)


def rows(place: Place, *arguments: str) -> list[dict[str, Any]]:
    done = place.run("history", *arguments, "--format", "json")
    assert done.code == 0, done.err
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


def row(place: Place, package: str) -> dict[str, Any]:
    """The only row about a package."""
    (found,) = rows(place, package)
    return found


def behind(told: dict[str, Any]) -> tuple[str, list[str]]:
    """The author's and the approvers' addresses of something that JSON tells."""
    return told["author"]["email"], [person["email"] for person in told["approvers"]]


def planned(place: Place, *arguments: str) -> dict[str, Any]:
    """The plan; a hold does not make it fail."""
    done = place.run("plan", "--format", "json", *arguments)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def packages(changes: list[dict[str, Any]]) -> list[str]:
    return sorted(change["package"] for change in changes)


def published(place: Place, feed: str = "approved-pypi") -> list[str]:
    """The names of all package files that a feed holds."""
    folder = place.root / ".feeds/feeds" / feed / "files"
    return sorted(file.name for file in folder.rglob("*") if file.suffix in {".whl", ".gz"})


def records(place: Place, feed: str = "approved-pypi") -> list[dict[str, Any]]:
    """What the ledger of a feed has, oldest first."""
    folder: Path = place.root / ".feeds/state/feeds" / feed / "ledger"
    return sorted(
        (json.loads(line) for file in folder.rglob("*") if file.is_file() for line in file.read_text().splitlines()),
        key=lambda record: record["seq"],
    )


def verified(place: Place) -> None:
    done = place.run("verify")
    assert done.code == 0, done.out + done.err


def explained(place: Place, package: str, version: str, feed: str = "approved-pypi") -> str:
    """What `explain` says, in one line."""
    return " ".join(place.run("explain", feed, package, version).out.split())
