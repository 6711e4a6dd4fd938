"""A feed of any size, published and approved, with what a pass knows of it: rules, approvals, the people behind them, the catalog.

Everything is derived from its number, so that the same size gives the same feed on every machine: versions with a wheel and often an sdist,
licenses as they are common, dependencies with markers and ranges, of which a few are satisfied by nothing. Nothing of it is on disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from reconciler.decide.standing import Backing, Standing
from reconciler.declaration import KINDS
from reconciler.declare.load import load_rules
from reconciler.declare.paths import approval_path
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import Approval, Approvals, ApprovedFile, DeclaredApproval, Rules
from reconciler.model.events import Commit, Named, Person
from reconciler.model.facts import facts_of
from reconciler.model.packages import Dependency, License, PublishedFile, PublishedPackage, PublishedVersion, Traits
from reconciler.model.plan import Stock
from reconciler.model.words import BlobId, CommitId, FeedName, Identity, PackageKey, Sha256

TYPE: Final = "pypi"
PUBLIC, APPROVED = FeedName("public"), FeedName("approved")
PEOPLE: Final = 40
WAIVERS: Final = 20
COMMIT_OF: Final = 10
"""Approvals that land with one commit."""
FEEDS: Final = """\
feeds:
  public: {type: pypi, usage: proxy, connectors: [{upstream: ./public}]}
  approved:
    type: pypi
    usage: approved
    promotes_from: [public]
    dependencies: warn
    targets: {python: ["3.11", "3.12"], platforms: [linux_x86_64]}
"""
POLICIES: Final = {
    "license": "{rule: license, params: {allow: [MIT, Apache-2.0, BSD-3-Clause, ISC, Python-2.0], deny: [AGPL-3.0-only]}}",
    "vulnerability": "{rule: vulnerability, params: {max_severity: medium}}",
    "age": "{rule: age, params: {min_age: 7d}}",
    "status": "{rule: status, on_violation: warn}",
    "size": "{rule: size, params: {max_file: 100 MB, max_total: 1 GB}}",
    "scripts": "{rule: install-scripts}",
    "provenance": '{rule: provenance, on_violation: warn, packages: ["package-1*"]}',
    "namespace": '{rule: namespace, params: {reserved: ["contoso-*"], protected: [requests, numpy, django, cryptography]}}',
}
"""Every rule about releases, as an organisation might have it."""
LICENSES: Final = (
    *(("MIT", "MIT"),) * 10,
    *(("Apache Software License", "Apache-2.0"),) * 5,
    *(("BSD-3-Clause", "BSD-3-Clause"),) * 3,
    ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
    ("ISC", "ISC"),
)
RARE_LICENSES: Final = (("GPL-3.0-only", "GPL-3.0-only"), ("AGPL-3.0-only AND MIT", "AGPL-3.0-only AND MIT"), ("see LICENSE", ""))
MARKERS: Final = ("", "", "", 'python_version < "3.12"', 'sys_platform == "win32"', 'extra == "test"')


@dataclass(frozen=True, kw_only=True)
class Feed:
    """What a pass starts from once it has read everything. Rules hold for 40 people, of whom one administers."""

    approvals: Approvals
    standings: dict[Identity, Standing]
    stocks: dict[FeedName, Stock]


def name(number: int) -> str:
    return f"package-{number}"


def the_rules(now: datetime, *, waivers: int = WAIVERS) -> Rules:
    """All policies, and waivers for some versions of some packages."""
    users = "".join(f"  {one.name}: {{name: {one.name}, emails: [{one.email}]}}\n" for one in map(_person, range(PEOPLE)))
    permissions = f"users:\n{users}permissions:\n  - {{allow: administer, user: dev0}}\n  - {{allow: promote-packages, user: everyone}}\n"
    files = {"feeds.yaml": FEEDS, "policies/permissions.yaml": permissions}
    files |= {f"policies/{policy}.yaml": text for policy, text in POLICIES.items()}
    day = (now + timedelta(days=90)).date()
    for number in range(waivers):
        about = f"rule: {('license', 'vulnerability')[number % 2]}\nid: {('GPL-3.0-only', f'GHSA-{number:06}')[number % 2]}\n"
        text = f'{about}feed: approved\npackage: {name(number * 7)}\nrange: ">=1"\nreason: Looked at.\nowner: dev0\nexpires: {day}\n'
        files[f"policies/waivers/{number}.yaml"] = text
    return load_rules({path: text.encode() for path, text in files.items()}, KINDS)


def feed(packages: int, versions: int, now: datetime) -> Feed:
    """So many packages with so many versions together, all published and approved."""
    each = max(1, versions // packages)
    approved: dict[Identity, DeclaredApproval] = {}
    standings: dict[Identity, Standing] = {}
    held: dict[PackageKey, PublishedPackage] = {}
    for number in range(packages):
        key = PackageKey(name(number))
        made = tuple(_version(number, turn, packages, each, now) for turn in range(each))
        held[key] = PublishedPackage(key=key, name=name(number), versions=made)
        for turn, version in enumerate(made):
            declared = _declared(key, version)
            approved[declared.identity] = declared
            facts = facts_of(declared.approval)
            standings[declared.identity] = Standing(facts=facts, backing=_backing(number * each + turn, now))
    stock = Stock(
        feed=APPROVED,
        commit=None,
        public_url="https://feeds.example",
        catalog="",
        packages=held,
        damaged={},
        strangers=(),
    )
    return Feed(approvals=Approvals(found=True, valid=approved, malformed=()), standings=standings, stocks={APPROVED: stock})


def _version(number: int, turn: int, packages: int, each: int, now: datetime) -> PublishedVersion:
    random = Random(number * each + turn)  # noqa: S311 - the same every time
    text = f"1.{turn * 7}.{turn % 3}"
    license_ = random.choice(LICENSES) if random.random() < 0.995 else random.choice(RARE_LICENSES)
    uploaded = now - timedelta(days=400 - turn * 20, seconds=number)
    wheel = f"package_{number}-{text}-py3-none-any.whl"
    names = (wheel, f"package_{number}-{text}.tar.gz") if random.random() < 0.5 else (wheel,)
    files = tuple(_file(file, license_, uploaded, random) for file in names)
    return PublishedVersion(
        version=ECOSYSTEMS[TYPE].parse_version(text),
        state="listed",
        reason="",
        deprecated=None,
        published_at=now,
        files=files,
        dependencies=tuple(_dependencies(number, turn, packages, newest=turn == each - 1)),
    )


def _file(file: str, license_: tuple[str, str], uploaded: datetime, random: Random) -> PublishedFile:
    declared, concluded = license_
    return PublishedFile(
        name=file,
        size=random.randrange(10_000, 2_000_000),
        sha256=Sha256(f"{random.getrandbits(256):064x}"),
        content_hash=None,
        uploaded_at=uploaded,
        yanked=None,
        companions={},
        metadata={"requires_python": ">=3.8"},
        traits=Traits(
            license=License(declared=declared, concluded=concluded),
            install_scripts=("setup.py",) if random.random() < 0.001 else (),
            provenance=("attestation",) if random.random() < 0.9 else (),
        ),
    )


def _dependencies(number: int, turn: int, packages: int, *, newest: bool) -> Iterator[Dependency]:
    """Of versions of a package mostly the same: a newer one needs more, and some of the newest what nobody approved."""
    random = Random(number)  # noqa: S311
    for _ in range(random.randrange(6) + turn // 2):
        other = name(random.randrange(packages))
        asked = random.choice(("", ">=1", ">=1.0,<2", "~=1.0", "[fast]>=1"))
        yield Dependency(name=other, range=asked, condition=random.choice(MARKERS))
    if newest and random.random() < 0.005:
        yield Dependency(name="package-that-nobody-approved", range=">=2")


def _declared(key: PackageKey, version: PublishedVersion) -> DeclaredApproval:
    files = tuple(sorted(ApprovedFile(name=f.name, size=f.size, sha256=f.sha256, content_hash=None) for f in version.files))
    approval = Approval(source=PUBLIC, reason="Reviewed by the team.", ticket="", expires=None, files=files, endorsed=())
    return DeclaredApproval(
        identity=Identity(feed=APPROVED, package=key, version=version.version.key),
        path=approval_path(APPROVED, key, version.version.text),
        blob=BlobId(files[0].sha256[:40]),
        package=key,
        version=version.version.text,
        approval=approval,
    )


def _person(number: int) -> Person:
    return Person(name=f"dev{number}", email=f"dev{number}@example.org")


def _backing(number: int, now: datetime) -> Backing:
    position = number // COMMIT_OF
    author = _person(position % PEOPLE)
    landing = Commit(
        id=CommitId(f"{position:040x}"),
        parents=(),
        author=author,
        authored_at=now,
        committer=author,
        committed_at=now,
        message="Approve",
        signature="",
        claimed_key="",
    )
    by = Named(name=author.name, email=author.email, assurance="claimed")
    return Backing(author=by, author_commit=landing, approvers=(by,), landing=landing)
