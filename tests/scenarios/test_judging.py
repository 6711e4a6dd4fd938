"""Stories of judging: policies and waivers, what upstream offers, advisories as they were at a time; and the plans that follow.

One file, one story, carried out by real code: tiny packages are built and offered, approvals are commits, records of OSV become a snapshot
in the store, each pass is planned and, where the story says so, applied. In a file:

    policies, waivers    files of policies/ and policies/waivers/, by name; landed by Ada with the first commit
    upstream             type -> package -> version -> what its registry and its archive say (`Offer`)
    passes               one after the other: commits, advisories, an instant, the plan that is expected, whether it is applied
    commits              `by` somebody, perhaps `landed_by` somebody else; `approve` writes approvals of what is offered, `files` are
                         written as they stand, or deleted where nothing is given
    advisories           `fetched_at`, and the records of each type of feed; they replace what was in the store
    upstream of a pass   replaces what was offered under the same names

Expected are exactly these changes, holds, warnings and alerts, in the order of the plan; of reasons and remedies a part.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from pydantic import BaseModel, ConfigDict

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.events import Person
from reconciler.model.plan import Plan
from reconciler.model.words import CommitId, FeedName
from reconciler.observe.osv.gather import gather
from reconciler.stores.advisories import find_current, write_snapshot
from reconciler.wire import Wire
from tests.scenarios.test_scenarios import change_line
from tests.support.nupkgs import nupkg
from tests.support.wheels import core_metadata, wheel, wheel_name
from tests.support.world import Run, World

STORIES = sorted((Path(__file__).parent / "judging").glob("*.yaml"))
PERMISSIONS: Final = """\
users:
  ada: {name: Ada, emails: [ada@example.org]}
  grace: {name: Grace, emails: [grace@example.org]}
permissions:
  - {allow: administer, user: ada}
  - {allow: promote-packages, user: grace}
"""


class Part(BaseModel):
    """A part of a story; a key that is not here is a mistake in the file."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True)


class Offer(Part):
    """A version at its registry: marks of the index; license and dependencies as the archive declares them.

    `license` is an expression; `license_url` is NuGet's old way, `classifiers` are PyPI's. `requires` is a list of PEP 508 texts (PyPI) or
    target framework -> id -> range (NuGet).
    """

    uploaded_at: datetime | None = None
    yanked: str | None = None
    deprecated: str | None = None
    license: str | None = None
    license_url: str | None = None
    classifiers: list[str] = []
    requires: Any = None


class Commit(Part):
    """`called` is what the story calls it where it is told of."""

    by: str
    called: str = ""
    landed_by: str = ""
    approve: dict[str, list[str]] = {}
    files: dict[str, Any] = {}


class Records(Part):
    """What a source of advisories has: records by type of feed."""

    fetched_at: datetime
    records: dict[str, list[dict[str, Any]]]


class Expected(Part):
    """A hold, a warning or an alert. `reason` and `remedy` are parts of what is told; people and commit are asked of alerts."""

    about: str
    rule: str = ""
    reason: str
    remedy: str = ""
    kind: str | None = None
    action: str | None = None
    author: str | None = None
    approvers: list[str] | None = None
    commit: str | None = None


NOTHING: Final = Expected(about="", reason="\0", remedy="\0")
"""Where more is told than expected."""


class ExpectedPlan(Part):
    outcome: str
    changes: list[str] = []
    holds: list[Expected] = []
    warnings: list[Expected] = []
    alerts: list[Expected] = []
    waivers: dict[str, str] = {}
    """Name -> in how many places it is used."""
    valid_until: str = ""


class Step(Part):
    """A pass; `marks`: the registries are asked for new marks of what is published. `published` is what the feeds hold after it: "feed package version" -> state, all that there is."""

    now: datetime
    commits: list[Commit] = []
    upstream: dict[str, dict[str, dict[str, Offer]]] = {}
    advisories: Records | None = None
    marks: bool = False
    plan: ExpectedPlan
    apply: bool = False
    published: dict[str, str] | None = None


class Story(Part):
    story: str
    policies: dict[str, Any] = {}
    waivers: dict[str, Any] = {}
    upstream: dict[str, dict[str, dict[str, Offer]]] = {}
    passes: list[Step]


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path, tmp_path):
    told = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - BaseLoader makes texts of scalars and nothing else
    story = Story.model_validate(told)
    world = world_of(story, tmp_path)
    world.apply(Run(now=story.passes[0].now))  # so that rights which the rules give are no news any more
    names: dict[str, str] = {}
    for number, step in enumerate(story.passes, start=1):
        offer(world, step.upstream)
        for commit in step.commits:
            names[land(world, commit)] = commit.called
        if step.advisories is not None:
            put_in_use(world, step.advisories, tmp_path / f"advisories-{number}")
        run = Run(now=step.now, marks=step.marks)
        plan = world.plan(run).plan
        assert told_of(plan, step.plan, names).model_dump() == step.plan.model_dump(), f"pass {number}"
        if step.apply:
            applied = world.apply(run)
            assert not applied.failed, f"pass {number}"
        if step.published is not None:
            assert published(world) == step.published, f"pass {number}"


def world_of(story: Story, folder: Path) -> World:
    world = World(folder)
    world.write("policies/permissions.yaml", PERMISSIONS)
    for name, policy in story.policies.items():
        world.write(f"policies/{name}.yaml", yaml.safe_dump(policy))
    for name, waiver in story.waivers.items():
        world.write(f"policies/waivers/{name}.yaml", yaml.safe_dump(waiver))
    world.commit("Rules", by=person("ada"))
    offer(world, story.upstream)
    return world


def person(name: str) -> Person:
    return Person(name=name.capitalize(), email=f"{name}@example.org")


# --- what goes in -----------------------------------------------------------------------------------------------------------------


def offer(world: World, upstream: Mapping[str, Mapping[str, Mapping[str, Offer]]]) -> None:
    """Builds the packages, and puts them on the shelves."""
    for kind, packages in upstream.items():
        for name, versions in packages.items():
            for version, said in versions.items():
                marks = {"uploaded_at": said.uploaded_at, "yanked": said.yanked}
                if kind == "nuget":
                    world.place_nupkg(name, version, nuget_archive(name, version, said), **marks)
                else:
                    world.place_wheel(wheel_name(name, version), pypi_archive(name, version, said), **marks)
                if said.deprecated is not None:
                    world.shelves[kind].deprecated[version] = said.deprecated


def nuget_archive(name: str, version: str, said: Offer) -> bytes:
    url = f"<licenseUrl>{said.license_url}</licenseUrl>" if said.license_url else ""
    return nupkg(name, version, license_expression=said.license, metadata=url, dependencies=said.requires)


def pypi_archive(name: str, version: str, said: Offer) -> bytes:
    fields = [f"Classifier: {classifier}" for classifier in said.classifiers]
    stated = core_metadata(name, version, requires=said.requires or (), license_expression=said.license, fields=fields)
    return wheel(name, version, metadata=stated)


def land(world: World, commit: Commit) -> CommitId:
    """A commit of somebody, as whoever merged it committed it."""
    for feed, wanted in commit.approve.items():
        for text in wanted:
            package, _, version = text.rpartition(" ")
            world.approve(feed, package, version)
    for path, content in commit.files.items():
        world.write(path, content if isinstance(content, str) else yaml.safe_dump(content) if content else None)
    author = person(commit.by)
    return world.commit("Change", by=author, committer=person(commit.landed_by) if commit.landed_by else None)


def put_in_use(world: World, told: Records, folder: Path) -> None:
    """Makes a snapshot of the records, as `reconciler advisories update` does of a folder."""
    ecosystems = [ECOSYSTEMS[kind] for kind in told.records]
    for ecosystem, records in zip(ecosystems, told.records.values(), strict=True):
        (folder / ecosystem.osv_ecosystem).mkdir(parents=True)
        for record in records:
            (folder / ecosystem.osv_ecosystem / f"{record['id']}.json").write_text(json.dumps(record), encoding="utf-8")
    before = find_current(world.store)
    with Wire() as wire:
        draft, dumps = gather(str(folder), ecosystems, wire=wire, base=folder)
    assert not [note for dump in dumps for note in dump.notes], "the story's records can be used"
    write_snapshot(world.store, draft, dumps, fetched_at=told.fetched_at, source="osv.dev", before=before)


# --- what comes out ---------------------------------------------------------------------------------------------------------------


def told_of(plan: Plan, expected: ExpectedPlan, names: Mapping[str, str]) -> ExpectedPlan:
    """The plan in the words of a story; where a part of a text is expected, and is there, that part."""

    def told(found: Iterable[Any], wanted: list[Expected]) -> list[Expected]:
        return [_told(one, other, names) for one, other in zip_longest(found, wanted, fillvalue=NOTHING) if one is not NOTHING]

    return ExpectedPlan(
        outcome=plan.outcome,
        changes=[change_line(change) for change in plan.changes],
        holds=told(plan.holds, expected.holds),
        warnings=told(plan.warnings, expected.warnings),
        alerts=told(plan.alerts, expected.alerts),
        waivers={Path(use.waiver.where.path).stem: str(use.used) for use in plan.waivers},
        valid_until=f"{plan.valid_until:%Y-%m-%dT%H:%M:%SZ}" if plan.valid_until else "",
    )


def _told(found: Any, wanted: Expected, names: Mapping[str, str]) -> Expected:
    said: dict[str, Any] = {
        "about": f"{found.feed} {found.package} {found.version}".strip() or found.path,
        "rule": found.rule,
        "reason": wanted.reason if wanted.reason in found.reason else found.reason,
        "remedy": wanted.remedy if wanted.remedy in found.remedy else found.remedy,
    }
    asked = {
        "kind": lambda: found.kind,
        "action": lambda: found.action,
        "author": lambda: found.author.name,
        "approvers": lambda: [approver.name for approver in found.approvers],
        "commit": lambda: names.get(found.commit, found.commit),
    }
    return Expected(**said, **{key: value() for key, value in asked.items() if getattr(wanted, key) is not None})


def published(world: World) -> dict[str, str]:
    """What all feeds hold."""
    found: dict[str, str] = {}
    for feed in (FeedName("approved-nuget"), FeedName("approved-pypi")):
        for entry in world.state(feed).entries.values():
            for version in entry.package.versions:
                found[f"{feed} {entry.package.name} {version.version.text}"] = version.state
    return found
