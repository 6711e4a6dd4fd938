"""Carrying out a plan: what each kind of change makes of a version, what is told meanwhile, and how a pass ends."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

import pytest

from reconciler.act.apply import FETCHES_AT_ONCE
from reconciler.errors import NotThere, Unreachable
from reconciler.model.plan import Change, Failure
from reconciler.model.words import FeedName
from reconciler.stores import keys
from tests.act.offers import EXPIRY, LATER, UPLOADED, offer_wheel
from tests.crash.reader import look
from tests.support.nupkgs import nupkg
from tests.support.wheels import sdist, sdist_name, wheel, wheel_name
from tests.support.world import NOW, NUGET, PYPI, Run, World, objects


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


# --- what becomes of a version ----------------------------------------------------------------------------------------------------


def test_a_promoted_version_keeps_the_marks_that_it_has_upstream(world):
    world.place_wheel(wheel_name("base", "1.0"), wheel("base", "1.0", requires=["dep>=1; os_name == 'nt'"]), uploaded_at=UPLOADED)
    world.place_wheel(sdist_name("base", "1.0"), sdist("base", "1.0", requires=["dep>=1; os_name == 'nt'"]), yanked="broken")
    world.shelves["pypi"].deprecated["1.0"] = "Use other."
    world.approve(PYPI, "base", "1.0")
    world.commit()
    world.apply()
    version = world.version(PYPI, "base", "1")
    assert (version.state, version.reason, version.deprecated, version.published_at) == ("listed", "", "Use other.", NOW)
    assert [(file.uploaded_at, file.yanked) for file in version.files] == [(UPLOADED, None), (None, "broken")]
    assert [(one.name, one.range, one.condition) for one in version.dependencies] == [("dep", ">=1", 'os_name == "nt"')]


def test_an_extension_adds_files_and_keeps_the_rest(world):
    world.place_wheel(wheel_name("base", "1.0"), wheel("base", "1.0", requires=["one"]), uploaded_at=UPLOADED)
    world.place_wheel(sdist_name("base", "1.0"), sdist("base", "1.0", requires=["one", "two"]))
    world.approve(PYPI, "base", "1.0", files=[sdist_name("base", "1.0")])
    world.commit()
    world.apply()
    world.approve(PYPI, "base", "1.0")
    world.commit()
    applied = world.apply(Run(now=LATER))
    assert [(change.kind, [file.name for file in change.files]) for change in applied.applied] == [("extend", [wheel_name("base", "1.0")])]
    version = world.version(PYPI, "base", "1")
    assert version.published_at == NOW
    assert [file.name for file in version.files] == [wheel_name("base", "1.0"), sdist_name("base", "1.0")]
    assert [one.name for one in version.dependencies] == ["one", "two"]
    assert [file["matched"] for file in world.records(PYPI)[-1]["files"]] == ["sha256", "sha256"]


def test_an_expired_version_is_unlisted_and_a_renewed_one_listed_again(world):
    offer_wheel(world, "base", expires=EXPIRY)
    world.commit()
    world.apply()
    head = world.state(PYPI).head
    assert head.valid_until == datetime(2026, 12, 1, tzinfo=UTC)
    assert [change.kind for change in world.apply(Run(now=LATER)).applied] == ["unlist"]
    version = world.version(PYPI, "base", "1")
    assert (version.state, version.reason) == ("unlisted", "the approval expired on 2026-12-01")
    assert b'data-yanked="the approval expired on 2026-12-01"' in objects(world.store)[f"feeds/{PYPI}/simple/base/index.html"]
    world.approve(PYPI, "base", "1.0", expires=date(2027, 12, 1))
    world.commit()
    assert [change.kind for change in world.apply(Run(now=LATER)).applied] == ["relist"]
    renewed = world.version(PYPI, "base", "1")
    assert (renewed.state, renewed.reason, renewed.published_at) == ("listed", "", NOW)
    assert [record["change"] for record in world.records(PYPI)] == ["access", "promote", "unlist", "relist"]


def test_the_day_of_expiry_that_is_told_is_the_one_that_counts(world):
    """The file says a later day, but nobody entitled stands behind that: the version goes at the earlier one."""
    offer_wheel(world, "base", expires=EXPIRY)
    world.commit()
    world.apply()
    world.write("policies/permissions.yaml", NOBODY_PROMOTES)
    world.commit("Nobody promotes any more")
    world.approve(PYPI, "base", "1.0", expires=date(2030, 1, 1))
    world.commit()
    applied = world.apply(Run(now=LATER))
    assert [change.kind for change in applied.applied] == ["unlist"]
    assert world.version(PYPI, "base", "1").reason == "the approval expired on 2026-12-01"
    assert applied.outcome == "held"


NOBODY_PROMOTES: Final = """\
users: {root: {name: Root, emails: [root@example.org]}}
permissions: [{allow: administer, user: root}]
"""


def test_versions_are_kept_in_their_order_not_in_that_of_promotion(world):
    for version in ("1.10", "1.9", "1.2rc1"):
        offer_wheel(world, "base", version)
        world.commit()
        world.apply()
    assert [version.version.text for version in world.package(PYPI, "base").versions] == ["1.2rc1", "1.9", "1.10"]


def test_several_versions_of_a_package_in_one_pass(world):
    for version in ("1.0", "2.0", "3.0"):
        offer_wheel(world, "base", version)
    world.commit()
    assert len(world.apply().applied) == 3
    assert [version.version.text for version in world.package(PYPI, "base").versions] == ["1.0", "2.0", "3.0"]
    assert [record["version"] for record in world.records(PYPI)[1:]] == ["1.0", "2.0", "3.0"]


# --- the record -------------------------------------------------------------------------------------------------------------------


def test_a_record_says_who_what_when_and_why(world):
    offer_wheel(world, "Base_Tools", expires=EXPIRY)
    commit = world.commit("Approve Base_Tools")
    landed = datetime.fromtimestamp(world.repo.now - 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    head = world.commit("Something else")
    world.apply(Run(applier="ci@example"))
    access, record = world.records(PYPI)
    data = world.shelves["pypi"].items[wheel_name("Base_Tools", "1.0")].data
    file = record.pop("files")[0]
    assert file.pop("sha256") == world.version(PYPI, "base-tools", "1").files[0].sha256
    assert file == {"name": wheel_name("Base_Tools", "1.0"), "size": len(data), "content_hash": None, "matched": "sha256"}
    assert len(record.pop("blob")) == 40
    assert len(record.pop("previous")) == 64
    assert record == {
        "seq": 2,
        "change": "promote",
        "feed": PYPI,
        "from": "public-pypi",
        "upstream": "./pypi",
        "package": "Base_Tools",
        "version": "1.0",
        "identity": ["base-tools", "1"],
        "state": "listed",
        "deprecated": None,
        "purl": "pkg:pypi/base-tools@1.0",
        "path": f"approvals/{PYPI}/Base_Tools/1.0.yaml",
        "commit": commit,
        "author_commit": commit,
        "author": {"name": "Ada Lovelace", "email": "ada@example.org", "assurance": "claimed"},
        "approvers": [],
        "authored_at": landed,
        "landed_at": landed,
        "right": "policies/permissions.yaml:2",
        "signatures": [],
        "evidence": [],
        "verdicts": [],
        "waivers": [],
        "advisories": "",
        "reason": "Reviewed.",
        "ticket": "",
        "head": head,
        "applier": "ci@example",
        "applied_at": "2026-11-22T10:00:00Z",
    }
    assert (access["change"], access["feed"], access["commit"], access["applier"]) == ("access", PYPI, head, "ci@example")
    assert access["head"] == head


def test_lifted_limits_are_recorded(world):
    world.feeds(withdrawals="1")
    for name in ("one", "two"):
        offer_wheel(world, name, expires=EXPIRY)
    world.commit()
    world.apply()
    refused = world.apply(Run(now=LATER))
    assert (refused.outcome, refused.applied) == ("limit", ())
    accepted = world.apply(Run(now=LATER, accept=refused.plan.digest))
    assert (accepted.outcome, len(accepted.applied)) == ("done", 2)
    records = world.records(PYPI)
    assert [record.get("accepted") for record in records] == [None, None, None, refused.plan.digest, refused.plan.digest]


# --- access -----------------------------------------------------------------------------------------------------------------------


def granted(world: World, feed: FeedName) -> list[list[tuple[str, str, tuple[str, ...]]]]:
    """The access records of a feed."""
    found = [record["access"] for record in world.records(feed) if record["change"] == "access"]
    return [[(row["change"], row["task"], tuple(row["feeds"])) for row in rows] for rows in found]


def test_rights_are_recorded_where_they_matter(world):
    world.commit()
    applied = world.apply()
    assert applied.outcome == "done"
    for feed, other in ((PYPI, "nuget"), (NUGET, "pypi")):
        (rows,) = granted(world, feed)
        assert ("grant", "administer", ()) in rows
        assert ("grant", "promote-packages", (feed.replace("approved", "public"), feed)) in rows
        assert not [row for row in rows if any(other in name for name in row[2])]


def test_a_right_that_changes_is_recorded_once(world):
    world.commit()
    world.apply()
    world.write(
        "policies/permissions.yaml",
        "permissions: [{allow: administer, user: everyone}, {allow: view-and-download, user: anonymous, feeds: approved-pypi}]\n",
    )
    world.commit("Open the feed")
    world.apply()
    world.apply()
    assert granted(world, PYPI)[1:] == [[("grant", "view-and-download", (PYPI,))]]
    assert granted(world, NUGET)[1:] == []


def test_a_feed_that_has_recorded_rights_does_not_do_so_again_when_another_lags_behind(world):
    """A pass that was killed between the heads of two feeds leaves the second one at an earlier commit."""
    world.commit()
    world.apply()
    behind = objects(world.store, f"state/feeds/{PYPI}/")
    world.write(
        "policies/permissions.yaml", "permissions: [{allow: administer, user: everyone}, {allow: view-and-download, user: anonymous}]\n"
    )
    world.commit("Open the feeds")
    world.apply()
    for key in objects(world.store, f"state/feeds/{PYPI}/").keys() - behind.keys():
        world.store.delete(key)
    for key, data in behind.items():
        world.store.put(key, data, content_type=keys.JSON)
    world.apply()
    opened = [
        [("grant", "view-and-download", (feed.replace("approved", kind),)) for kind in ("approved", "public")] for feed in (PYPI, NUGET)
    ]
    assert granted(world, PYPI)[1:] == [opened[0]]
    assert granted(world, NUGET)[1:] == [opened[1]]


# --- failures stay local ----------------------------------------------------------------------------------------------------------


def test_a_change_that_fails_stops_no_other_in_any_feed(world):
    for number in range(2 * FETCHES_AT_ONCE):
        offer_wheel(world, f"p{number:02}")
    world.place_nupkg("Core", "1.0.0", nupkg("Core", "1.0.0"))
    world.approve(NUGET, "Core", "1.0.0")
    world.commit()
    for number in (0, 7, 15):
        world.shelves["pypi"].served[wheel_name(f"p{number:02}", "1.0")] = NotThere("gone")
    run = Run()
    applied = world.apply(run)
    assert (applied.outcome, len(applied.applied), len(applied.failed)) == ("partial", 14, 3)
    assert [failure.change.declared.package for failure in applied.failed] == ["p00", "p07", "p15"]
    assert len(world.state(PYPI).entries) == 13
    assert list(world.state(NUGET).entries) == ["core"]
    assert look(world.store).broken == set()


def test_an_upstream_that_cannot_be_opened_fails_its_changes_only(world):
    offer_wheel(world, "base")
    world.place_nupkg("Core", "1.0.0", nupkg("Core", "1.0.0"))
    world.approve(NUGET, "Core", "1.0.0")
    world.commit()
    planned = world.plan()
    world.shelves["pypi"].down = True
    applied = world.carry_out(planned)
    assert [failure.error for failure in applied.failed] == ["./pypi does not answer"]
    assert list(world.state(NUGET).entries) == ["core"]


def test_each_change_is_reported_once_in_the_order_of_the_plan(world):
    for number in range(2 * FETCHES_AT_ONCE):
        offer_wheel(world, f"p{number:02}")
    offer_wheel(world, "old", expires=EXPIRY)
    world.commit()
    world.apply()
    for number in range(2 * FETCHES_AT_ONCE):
        offer_wheel(world, f"q{number:02}")
    world.commit()
    world.shelves["pypi"].served[wheel_name("q03", "1.0")] = Unreachable("no answer")
    run = Run(now=LATER)
    applied = world.apply(run)
    reported = [one.change if isinstance(one, Failure) else one for one in run.reported]
    assert reported == list(applied.plan.changes)
    assert [change.kind for change in reported] == ["unlist"] + ["promote"] * 16
    assert [isinstance(one, Failure) for one in run.reported].index(True) == 4


def test_a_report_that_fails_ends_the_pass_before_anything_is_visible(world):
    offer_wheel(world, "base")
    world.commit()
    planned = world.plan()

    class Interrupted(list[Change | Failure]):
        def append(self, _: Change | Failure) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.carry_out(planned, Run(reported=Interrupted()))
    assert look(world.store).versions == {}
    assert world.apply().outcome == "done"
