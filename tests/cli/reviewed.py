"""A repository whose pull requests land at a forge on loopback: who approved what, told by commits, signatures and reviews.

    with reviewed_place(folder, policy=TWO_REVIEWED) as (place, repo, forge):
        repo.commit({LEAF: leaf()}, by=ALAN, on="topic")
        pull = forge.open("topic", by="alan"); forge.review(pull, by="grace"); forge.merge(pull)
        place.run("explain", *NAMED)

Nothing is checked out: commands read commits. `grace` and `ada` may promote, `alan` may not; each has an account of the same name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from reconciler.model.declared import ForgeKind
from reconciler.model.events import Person
from tests.cli.place import FEEDS, Place
from tests.support.forge import ForgeServer
from tests.support.repositories import Repo
from tests.support.wheels import wheel, wheel_name

ADA = Person(name="Ada Lovelace", email="ada@example.org")
GRACE = Person(name="Grace Hopper", email="grace@example.org")
ALAN = Person(name="Alan Turing", email="alan@example.org")
NUMBERS: Final = {"ada": 4711, "grace": 4712, "alan": 4713}
LEAF: Final = "approvals/approved-pypi/leaf/1.2.yaml"
NAMED: Final = ("approved-pypi", "leaf", "1.2")

PERMISSIONS: Final = """\
users:
  ada: {{name: Ada Lovelace, emails: [ada@example.org], {forge}: 4711{keys}}}
  grace: {{name: Grace Hopper, emails: [grace@example.org], {forge}: 4712}}
  alan: {{name: Alan Turing, emails: [alan@example.org], {forge}: 4713}}
groups:
  senior-developers: [ada, grace]
permissions:
  - {{allow: administer, user: ada}}
  - {{allow: promote-packages, group: senior-developers, from: public-pypi}}
"""
REVIEWED: Final = 'rule: review\nfeeds: ["approved-*"]\nparams: {min_assurance: reviewed, rule_files: false}\n'
TWO: Final = "rule: review\nparams: {approvers: 2, rule_files: false}\n"


def leaf(more: str = "") -> str:
    """The approval of leaf 1.2, as its upstream has it."""
    data = wheel("leaf", "1.2")
    file = f"{wheel_name('leaf', '1.2')}: {{size: {len(data)}, sha256: {sha256(data).hexdigest()}}}"
    return f"from: public-pypi\nreason: MIT, asked for by billing.\nticket: SEC-123\nfiles:\n  {file}\n{more}"


@contextmanager
def reviewed_place(
    folder: Path, *, policy: str = "", kind: ForgeKind = "github", forge: bool = True, key: str = ""
) -> Iterator[tuple[Place, Repo, ForgeServer]]:
    """The place, its repository under construction, and its forge. `policy` is that of review.yaml ("": none), `key` signs for ada."""
    place = Place(folder)
    with Repo(folder) as repo, ForgeServer(kind, repo) as server:
        place.offer_wheel("leaf", "1.2")
        for login, number in NUMBERS.items():
            server.join(login, number=number, email=f"{login}@example.org")
        keys = f", signing_keys: [{key}]" if key else ""
        files = {"feeds.yaml": FEEDS, "policies/permissions.yaml": PERMISSIONS.format(forge=kind, keys=keys)}
        files |= {"policies/review.yaml": policy} if policy else {}
        files |= {"policies/forge.yaml": f"type: {kind}\nurl: {server.url}\nproject: {server.project}\n"} if forge else {}
        repo.commit(files, "Declare the feeds", by=ADA)
        repo.branch("topic")
        repo.close()
        yield place, repo, server
