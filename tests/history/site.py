"""A user's repository whose commits are made object by object, for any author and date, driven through the command line.

    site = Site(folder)                                     # feeds, permissions, upstream packages; nothing landed yet
    site.land(rules(keys={"grace": [key.public]}))          # a first commit with rules
    site.land(approval("leaf"), by=GRACE)                   # files to a commit on main
    site.apply().code, site.records(), site.hold("leaf")

`apply_at` is an apply at another hour than now: the command line reads the clock of the machine, and has no option for another one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from reconciler.act.record import Applier
from reconciler.cli.session import Session
from reconciler.model.events import Person
from reconciler.model.plan import Applied
from reconciler.model.words import CommitId
from reconciler.reconcile import Options, apply_pass, plan_pass
from reconciler.wire import Wire
from tests.cli.place import Done, Place
from tests.support.forge import MERGER, ForgeServer
from tests.support.reading import reader_of
from tests.support.repositories import ADA, Repo
from tests.support.wheels import wheel, wheel_name

GRACE: Final = Person(name="Grace Hopper", email="grace@example.org")
ALAN: Final = Person(name="Alan Turing", email="alan@example.org")
BOB: Final = Person(name="Bob", email="bob@example.org")
MALLORY: Final = Person(name="Mallory", email="mallory@example.net")
NUMBERS: Final = {"ada": 11, "grace": 12, "alan": 13, "bob": 14}
"""Of accounts at the forge. Bob is declared and may do nothing; Mallory is nobody."""
PEOPLE: Final = {"ada": ADA, "grace": GRACE, "alan": ALAN, "bob": BOB}
PACKAGES: Final = ("leaf", "twig", "bark")
SIGNED: Final = {"policies/review.yaml": "rule: review\nparams: {min_assurance: signed, author_counts: true, rule_files: false}\n"}

FEEDS: Final = """\
store: ./.feeds
feeds:
  public-pypi: {type: pypi, usage: proxy, connectors: [{upstream: ./upstream/pypi}]}
  approved-pypi: {type: pypi, usage: approved, promotes_from: [public-pypi]}
  public-two: {type: pypi, usage: proxy, connectors: [{upstream: ./upstream/pypi}]}
  approved-two: {type: pypi, usage: approved, promotes_from: [public-two]}
"""


def rules(*, keys: Mapping[str, Sequence[str]] | None = None, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """feeds.yaml and policies/, `keys` by user as YAML writes them; `more` are further files."""
    return {"feeds.yaml": FEEDS, "policies/permissions.yaml": permissions(keys or {}), **(more or {})}


def permissions(keys: Mapping[str, Sequence[str]], *, administrators: str = "ada") -> str:
    """Ada administers; Ada, Grace and Alan may promote."""
    users = "".join(
        f"  {id_}:\n    name: {person.name}\n    emails: [{person.email}]\n    github: {NUMBERS[id_]}\n    gitlab: {NUMBERS[id_]}\n"
        f"    signing_keys: [{', '.join(keys.get(id_, ()))}]\n"
        for id_, person in PEOPLE.items()
    )
    return (
        f"users:\n{users}groups:\n  seniors: [ada, grace, alan]\n"
        f"permissions:\n  - {{allow: administer, user: {administrators}}}\n  - {{allow: promote-packages, group: seniors}}\n"
    )


def reviewed(approvers: int = 1, **params: str) -> str:
    """A policy that asks for reviews at the forge, by people who had no hand in it."""
    said = {"min_assurance": "reviewed", "approvers": str(approvers), "rule_files": "false", **params}
    return f"rule: review\nparams: {{{', '.join(f'{name}: {value}' for name, value in said.items())}}}\n"


def approval(
    package: str, version: str = "1.0", *, feed: str = "approved-pypi", more: str = "", reason: str = "asked for"
) -> dict[str, str]:
    """The file that approves a package of the upstream."""
    data = wheel(package, version)
    digest, name = hashlib.sha256(data).hexdigest(), wheel_name(package, version)
    source = feed.replace("approved", "public")
    text = f"from: {source}\nreason: {reason}\nfiles:\n  {name}: {{size: {len(data)}, sha256: {digest}}}\n{more}"
    return {path_of(package, version, feed=feed): text}


def path_of(package: str, version: str = "1.0", *, feed: str = "approved-pypi") -> str:
    return f"approvals/{feed}/{package}/{version}.yaml"


class Site:
    """The repository with what `reconciler` makes of it."""

    def __init__(self, root: Path, packages: Iterable[str] = PACKAGES) -> None:
        self.repo = Repo(root)
        self.place = Place(root)
        for package in packages:
            self.place.offer_wheel(package, "1.0")

    def land(self, files: Mapping[str, Any], message: str = "Change files", *, by: Person = ADA, **how: Any) -> CommitId:
        return self.repo.commit(files, message, by=by, **how)

    def run(self, *arguments: str) -> Done:
        self.repo.close()
        return self.place.run(*arguments)

    def apply(self, *arguments: str) -> Done:
        return self.run("apply", *arguments, "--quiet")

    def plan(self) -> Any:
        done = self.run("plan", "--format", "json")
        assert done.code == 0, done.err
        return done.json

    def apply_at(self, now: datetime) -> Applied:
        """An apply as the command line makes it, at another hour."""
        self.repo.close()
        reader = reader_of(self.repo.path, now)
        session = Session(repository=reader.repository, now=now, reader=reader)
        declaration = session.read("HEAD")
        with Wire(environment=os.environ) as wire:
            surroundings = session.surroundings(declaration, wire)
            planned = plan_pass(reader, declaration, surroundings, Options(now=now, public_url=None, listed=False, accept=""))
            settings = planned.plan.rules.settings
            upstream_of = surroundings.upstreams_of(settings)
            return apply_pass(
                planned,
                lambda change: upstream_of(settings.feeds[change.source], settings.feeds[change.source].connectors[0]),
                lambda _: None,
                Applier(name="ci", at=now, accepted=""),
            )

    def promoted(self) -> set[str]:
        """The packages that approved-pypi has, by the promotions in its ledger."""
        return {record["package"] for record in self.records() if record["change"] == "promote"}

    def records(self, feed: str = "approved-pypi") -> list[dict[str, Any]]:
        """The lines of a ledger that name people."""
        head = self.repo.path / f".feeds/state/feeds/{feed}/head.json"
        if not head.exists():
            return []
        names = json.loads(head.read_bytes())["ledger"]["segments"]
        lines = [line for name in names for line in (head.parent / f"ledger/{name}.jsonl").read_bytes().splitlines()]
        return [record for record in map(json.loads, lines) if record["change"] not in {"access", "evict"}]

    def record(self, package: str) -> dict[str, Any]:
        """The only record of a package."""
        (found,) = [record for record in self.records() if record["package"] == package]
        return found

    def hold(self, package: str) -> dict[str, Any]:
        """The only hold of a package in a plan."""
        (found,) = [hold for hold in self.plan()["holds"] if hold["package"] == package]
        return dict(found)

    def store(self) -> dict[str, bytes]:
        return self.place.store_bytes()


def people(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Author and approvers of a row or record, each with how they are known; without the committer of a forge's merges."""
    named = (one for one in (row["author"], *row["approvers"]) if one["email"] != MERGER.email)
    return [(one["name"], one["assurance"]) for one in named]


def forge_file(forge: ForgeServer) -> dict[str, str]:
    return {"policies/forge.yaml": f"type: {forge.kind}\nurl: {forge.url}\nproject: {forge.project}\n"}


def known(forge: ForgeServer) -> ForgeServer:
    """The forge with everybody's account."""
    for login, number in NUMBERS.items():
        forge.join(login, number=number, email=PEOPLE[login].email)
    return forge
