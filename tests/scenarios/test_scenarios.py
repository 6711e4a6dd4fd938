"""Stories: a declaration with its history, what the upstream offers, what the feeds hold, a moment; and the plan that follows.

One file, one story. The commits are made with git and read by the real loaders; a plan is made of them as a pass makes it. Every
story starts with the rules below, landed by Ada, who may everything; Grace may promote, Eve may not. Each following commit is `by`
somebody, perhaps merged by somebody else (`merged_by`), perhaps with a `trailer`; its `files` are written, or deleted where nothing
is given. A digest is the SHA-256 of the word that stands for it. Rights do not change in a story (`test_access.py`).
"""

import subprocess
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from reconciler.decide.desired import desired_of
from reconciler.decide.plan import Pass, make_plan
from reconciler.decide.rows import classify
from reconciler.declaration import Declaration
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.interface import Ecosystem
from reconciler.model.declared import ApprovedFile
from reconciler.model.packages import Listing, PublishedPackage, PublishedVersion, Release, RemoteFile
from reconciler.model.plan import Absent, Availability, Found, Plan, Stock, Stranger, Waiting
from reconciler.model.words import FeedName, Identity, PackageKey, Sha256
from tests.support.declared import published_file
from tests.support.reading import declaration_of

STORIES = sorted(Path(__file__).parent.glob("*.yaml"))
RULES = {
    "feeds.yaml": """\
feeds:
  public-pypi: {type: pypi, usage: proxy, connectors: [{upstream: ./pypi}]}
  public-nuget: {type: nuget, usage: proxy, connectors: [{upstream: ./nuget}]}
  approved-pypi: {type: pypi, usage: approved, promotes_from: [public-pypi]}
  approved-nuget: {type: nuget, usage: approved, promotes_from: [public-nuget]}
limits: {withdrawals: 1}
""",
    "policies/permissions.yaml": """\
users:
  ada: {name: Ada, emails: [ada@example.org]}
  grace: {name: Grace, emails: [grace@example.org]}
permissions:
  - {allow: administer, user: ada}
  - {allow: promote-packages, user: grace}
""",
}


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path, tmp_path):
    told = yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - BaseLoader makes texts of scalars and nothing else
    assert told.keys() <= {"story", "now", "commits", "upstream", "published", "plan"}
    plan = plan_of(told, declared(told, tmp_path))
    expected = told["plan"]
    assert [change_line(change) for change in plan.changes] == expected.get("changes", [])
    assert [(d.kind, f"{d.feed} {d.package} {d.version}") for d in plan.drift] == [
        (d["kind"], d["about"]) for d in expected.get("drift", [])
    ]
    held = [(h.kind, f"{h.feed} {h.package} {h.version}".strip() or h.path) for h in plan.holds]
    assert held == [(h["kind"], h["about"]) for h in expected.get("holds", [])]
    for hold, wanted in zip(plan.holds, expected.get("holds", []), strict=True):
        assert wanted["reason"] in hold.reason
        assert wanted["remedy"] in hold.remedy
    assert plan.outcome == expected["outcome"]
    assert (f"{plan.valid_until:%Y-%m-%d}" if plan.valid_until else "") == expected.get("valid_until", "")


def plan_of(told, declaration: Declaration) -> Plan:
    rules, now = declaration.rules.now, datetime.fromisoformat(told["now"])
    stocks = {name: stock_of(name, told) for name, feed in rules.settings.feeds.items() if feed.usage == "approved"}
    desired = desired_of(declaration.approvals, declaration.authority.standings, rules.settings, now)
    gathered = Pass(
        commit=declaration.commit,
        now=now,
        rules=rules,
        refused=declaration.rules.refused,
        malformed=declaration.approvals.malformed,
        stocks=stocks,
        access=(),
        languages={name: ECOSYSTEMS[rules.settings.feeds[name].type] for name in stocks},
    )
    return make_plan(gathered, classify(desired, declaration.approvals.frozen(), stocks), catalog_of(told), accepted=False)


def change_line(change) -> str:
    """A change in one line: what, where, the files, on whose word."""
    approvers = f", approved by {', '.join(p.name for p in change.approvers)}" if change.approvers else ""
    names = ", ".join(file.name for file in change.files)
    return f"{change.kind} {change.identity.feed} {change.declared.package} {change.declared.version}: {names}; by {change.author.name}{approvers}"


# --- the declaration, as commits ----------------------------------------------------------------------------------------------------


def declared(told, folder: Path) -> Declaration:
    """What git says after all commits of the story."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", folder], check=True)
    stream = "".join(git_stream([{"by": "ada", "files": RULES}, *told["commits"]]))
    subprocess.run(["git", "-C", folder, "fast-import", "--quiet"], input=stream.encode(), check=True)
    return declaration_of(folder, "main")


def git_stream(commits) -> Iterator[str]:
    """git-fast-import's input: marks count up, a merge has the author's own commit as second parent."""
    mark, last = 0, None
    for day, commit in enumerate(commits, start=1):
        parents: list[str] = [f"from :{last}"] if last else []
        message = f"Commit {day}\n\n{commit.get('trailer', '')}"
        changes = [line for path, content in commit.get("files", {}).items() for line in file_stream(path, content)]
        mark += 1
        if "merged_by" in commit:
            yield from commit_stream("refs/heads/topic", mark, who=(commit["by"], day), message=message, rest=[*parents, *changes])
            parents.append(f"merge :{mark}")
            mark += 1
        who = (commit.get("merged_by", commit["by"]), day)
        yield from commit_stream("refs/heads/main", mark, who=who, message=message, rest=[*parents, *changes])
        last = mark


def commit_stream(ref: str, mark: int, *, who: tuple[str, int], message: str, rest: list[str]) -> Iterator[str]:
    name, day = who
    yield f"commit {ref}\nmark :{mark}\ncommitter {name.capitalize()} <{name}@example.org> {day * 86400} +0000\n"
    yield f"data {len(message.encode())}\n{message}\n"
    yield "\n".join(rest) + "\n"


def file_stream(path: str, content) -> Iterator[str]:
    if not content:
        yield f"D {path}"
        return
    text = content if isinstance(content, str) else yaml.safe_dump(digested(content))
    yield f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}"


def digested(content):
    """The same, with the SHA-256 of each word that stands for one."""
    if not isinstance(content, dict):
        return content
    return {key: digest(value) if key == "sha256" else digested(value) for key, value in content.items()}


def digest(word: str) -> Sha256:
    return Sha256(sha256(word.encode()).hexdigest())


# --- what is offered and what is there ----------------------------------------------------------------------------------------------


def catalog_of(told):
    return {
        (FeedName(feed), key_of(feed, package)): availability(feed, package, offer)
        for feed, packages in told.get("upstream", {}).items()
        for package, offer in packages.items()
    }


def availability(feed: str, package: str, offer) -> Availability:
    if "waiting" in offer:
        return Waiting(reason=offer["waiting"])
    if "absent" in offer:
        return Absent(reason=offer["absent"])
    releases = [
        Release(
            version=ecosystem_of(feed).parse_version(version),
            files=tuple(
                RemoteFile(name=f.name, url=f"https://files.example/{f.name}", size=f.size, sha256=f.sha256) for f in files_of(files)
            ),
        )
        for version, files in offer.items()
    ]
    return Found(upstream="./upstream", listing=Listing(name=package, releases=tuple(sorted(releases, key=lambda r: r.version))))


def stock_of(feed: FeedName, told) -> Stock:
    held = told.get("published", {}).get(feed, {})
    packages, damaged, strangers = {}, {}, []
    for name, versions in held.items():
        key = key_of(feed, name)
        recorded = []
        for text, held_version in versions.items():
            version = ecosystem_of(feed).parse_version(text)
            if "damaged" in held_version:
                damaged[Identity(feed=feed, package=key, version=version.key)] = (held_version["damaged"],)
            if "state" in held_version:
                recorded.append(published(version, held_version))
            strangers += [
                Stranger(path=f"files/{key}/{version.key}/{f.name}", package=key, version=version.key, file=f.name, sha256=f.sha256)
                for f in files_of(held_version.get("unrecorded", {}))
            ]
        if recorded:
            packages[key] = PublishedPackage(key=key, name=name, versions=tuple(recorded))
    return Stock(feed=feed, commit=None, public_url="", catalog="", packages=packages, damaged=damaged, strangers=tuple(strangers))


def published(version, held) -> PublishedVersion:
    return PublishedVersion(
        version=version,
        state=held["state"],
        reason=held.get("reason", ""),
        deprecated=None,
        published_at=datetime.fromisoformat("2026-01-01T00:00:00Z"),
        files=tuple(map(published_file, files_of(held["files"]))),
        dependencies=(),
    )


def files_of(told) -> list[ApprovedFile]:
    return [
        ApprovedFile(name=name, size=int(file["size"]), sha256=digest(file["sha256"]), content_hash=file.get("content_hash"))
        for name, file in told.items()
    ]


def ecosystem_of(feed: str) -> Ecosystem:
    return ECOSYSTEMS[feed.rpartition("-")[2]]


def key_of(feed: str, package: str) -> PackageKey:
    return ecosystem_of(feed).normalize_name(package)
