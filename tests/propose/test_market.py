"""Which version is chosen for a dependency: the highest that passes, at no more cost than needed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.errors import Refused, Unreachable
from reconciler.model.advisories import Affecting, Matched, Snapshot
from reconciler.model.words import Sha256
from reconciler.propose import market as market_module
from reconciler.propose.market import MAX_FETCHED, Choice
from tests.propose.ground import Site
from tests.support.declared import NOW

OLD = NOW - timedelta(days=100)
YOUNG = NOW - timedelta(days=2)
AGE = {"age": "rule: age\non_violation: hold\nparams: {min_age: 7d}\n"}
PROVENANCE = {"provenance": "rule: provenance\non_violation: deny\nparams: {require: attestation}\n"}
LICENSE = {"license": "rule: license\non_violation: deny\nparams: {allow: [MIT]}\n"}
VULNERABILITY = {"vulnerability": "rule: vulnerability\non_violation: deny\nparams: {max_severity: low, max_snapshot_age: 7d}\n"}


def version(choice: Choice) -> str | None:
    return choice.offer.proposal.version if choice.offer else None


def over(choice: Choice) -> list[str]:
    return [one.version for one in choice.over]


def fetched(site: Site) -> list[str]:
    return [what for what in site.shelf.asked if what.endswith((".whl", ".tar.gz"))]


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([""], "2.1"),
        (["<2"], "1.5"),
        (["==1.0"], "1.0"),
        ([">=1", "<2.1", "!=2.0"], "1.5"),
        (["==3.0b1"], "3.0b1"),
        ([">=3.0a0"], "3.0b2"),
        ([">=2.5a0"], "3.0b2"),
        ([">=9"], None),
    ],
)
def test_the_highest_in_all_ranges_is_chosen_and_a_prerelease_only_where_there_is_nothing_else(ranges, expected):
    site = Site()
    for one in ("1.0", "1.5", "2.0", "2.1", "3.0b1", "3.0b2"):
        site.offer(f"lib {one}")
    assert version(site.best("lib", *ranges)) == expected
    assert len(fetched(site)) == (expected is not None), "one file of one version is fetched"


def test_without_a_version_in_range_the_newest_is_named():
    site = Site()
    site.offer("lib 1.0")
    assert site.best("lib", ">=2").reason == "public has no version in range; its newest is 1.0"


def test_a_package_that_is_not_there_and_a_range_that_cannot_be_read_are_told():
    site = Site()
    site.offer("lib 1.0")
    assert site.best("absent").reason.startswith("public does not have it: ./public: ./public has no package absent")
    assert site.best("lib", "@ https://packages.example/lib.whl").reason.startswith("its range cannot be read: ")


def test_what_is_yanked_or_whose_approval_is_withdrawn_is_passed_over_unfetched():
    site = Site(taken={"lib 2.0": "its approval is withdrawn: approvals/approved/lib/2.0.yaml"})
    site.offer("lib 3.0", yanked="broken")
    site.offer("lib 2.0")
    site.offer("lib 1.0")
    choice = site.best("lib")
    assert version(choice) == "1.0"
    assert [(one.version, one.reason) for one in choice.over] == [
        ("3.0", "yanked or unlisted upstream: broken"),
        ("2.0", "its approval is withdrawn: approvals/approved/lib/2.0.yaml"),
    ]
    assert fetched(site) == ["lib-1.0-py3-none-any.whl"]


def test_what_the_index_alone_rules_out_is_not_fetched():
    site = Site(policies=AGE)
    site.offer("lib 2.0", at=YOUNG)
    site.offer("lib 1.0", at=OLD)
    choice = site.best("lib")
    assert (version(choice), over(choice), fetched(site)) == ("1.0", ["2.0"], ["lib-1.0-py3-none-any.whl"])
    assert choice.over[0].reason.startswith("age: published 2026-11-20")


def test_where_all_are_too_young_the_highest_is_taken_and_waits():
    site = Site(policies=AGE)
    site.offer("lib 2.0", at=YOUNG)
    site.offer("lib 1.0", at=YOUNG)
    choice = site.best("lib")
    assert (version(choice), over(choice)) == ("2.0", ["1.0"])
    assert choice.offer is not None
    assert choice.offer.waits


def test_what_is_denied_is_not_taken_although_it_is_young_too():
    site = Site(policies={**AGE, **LICENSE})
    site.offer("lib 2.0", at=YOUNG, license_expression="AGPL-3.0-only")
    choice = site.best("lib")
    assert (version(choice), over(choice), choice.reason) == (None, ["2.0"], "no version in range passes")
    assert "AGPL-3.0-only" in choice.over[-1].reason


def test_an_unknown_age_holds_and_does_not_wait():
    site = Site(policies=AGE)
    site.offer("lib 1.0")
    choice = site.best("lib")
    assert (version(choice), fetched(site)) == (None, [])
    assert "does not say when it was published" in choice.over[0].reason


def test_what_the_archive_says_is_judged_after_it_was_fetched():
    site = Site(policies=LICENSE)
    site.offer("lib 2.0", license_expression="AGPL-3.0-only")
    site.offer("lib 1.0")
    choice = site.best("lib")
    assert (version(choice), over(choice), len(fetched(site))) == ("1.0", ["2.0"], 2)
    assert choice.over[0].reason.startswith("license: ")


def test_so_many_are_fetched_and_no_more():
    site = Site(policies=PROVENANCE)
    for number in range(MAX_FETCHED + 3):
        site.offer(f"lib 1.{number}")
    choice = site.best("lib")
    assert (version(choice), len(fetched(site))) == (None, MAX_FETCHED)
    assert choice.over[-1].reason == "5 versions were fetched; this and older ones are not"


def test_what_is_vulnerable_is_passed_over_by_what_the_snapshot_says():
    snapshot = Snapshot(digest=Sha256("0" * 64), fetched_at=NOW, source="osv.dev")
    flaw = Affecting(ids=("GHSA-1",), severity="high", summary="A flaw", fixed=("1.0",), malware=False)
    clean = Matched(snapshot=snapshot, affecting=())
    found = {("lib", "2.0"): Matched(snapshot=snapshot, affecting=(flaw,)), ("lib", "1.0"): clean}
    site = Site(policies=VULNERABILITY, advisories=found)
    site.offer("lib 2.0")
    site.offer("lib 1.0")
    choice = site.best("lib")
    assert (version(choice), over(choice), fetched(site)) == ("1.0", ["2.0"], ["lib-1.0-py3-none-any.whl"])
    assert "GHSA-1" in choice.over[0].reason


def test_a_damaged_archive_is_passed_over_with_the_reason():
    site = Site()
    site.offer("lib 2.0")
    site.offer("lib 1.0")
    site.shelf.served["lib-2.0-py3-none-any.whl"] = b"no wheel"
    choice = site.best("lib")
    assert (version(choice), over(choice)) == ("1.0", ["2.0"])
    assert "sha256" in choice.over[0].reason


def test_only_files_that_were_asked_for_are_approved():
    site = Site(patterns=("*.whl",))
    site.offer_sdist("lib 2.0")
    site.offer("lib 1.0")
    site.offer_sdist("lib 1.0")
    choice = site.best("lib")
    assert (version(choice), over(choice), fetched(site)) == ("1.0", ["2.0"], ["lib-1.0-py3-none-any.whl"])
    assert choice.over[0].reason == "no file of lib 2.0 matches *.whl"


def test_an_upstream_that_does_not_answer_ends_the_search():
    site = Site()
    site.shelf.down = True
    with pytest.raises(Unreachable, match="public does not answer for lib"):
        site.best("lib")


def test_the_number_of_packages_is_bounded(monkeypatch):
    monkeypatch.setattr(market_module, "MAX_PACKAGES", 2)
    site = Site()
    for number in range(4):
        site.offer(f"p{number} 1", f"p{number + 1}")
    with pytest.raises(Refused, match="more than 2 packages would have to be fetched"):
        site.close("p0 1")
