"""What a registry says of a published version since, looked for when asked to only."""

from dataclasses import replace

import pytest

from reconciler.model.declared import Deprecation
from reconciler.model.marks import traits_of, with_marks
from reconciler.model.packages import Inspection, License, Traits
from reconciler.model.plan import Absent, Waiting
from tests.decide.passes import plan_of
from tests.support.declared import APPROVED, NOW, PUBLIC, desired, file, found, identity, published, stock

KEY = (PUBLIC, desired("a").declared.identity.package)
OWN = Deprecation(reason="We moved on.", use="")


def offered(*, deprecated=None, **marks):
    answer = found({"1.0": ["a"]}, name="pkg")
    (release,) = answer.listing.releases
    new = replace(release, deprecated=deprecated, files=tuple(replace(f, **marks) for f in release.files))
    return {KEY: replace(answer, listing=replace(answer.listing, releases=(new,)))}


def planned(catalog, *, marks=True, wanted=None, **recorded):
    return plan_of(wanted or desired("a"), stocks=[stock({"pkg": [published("1.0", "a", **recorded)]})], catalog=catalog, marks=marks)


@pytest.mark.parametrize(
    "news", [{"deprecated": "Use other."}, {"yanked": "Broken."}, {"uploaded_at": NOW}, {"announced": {"tags": ("latest",)}}]
)
def test_new_marks_are_a_change_of_their_own(news):
    plan = planned(offered(**news))
    (change,) = plan.changes
    assert (change.kind, change.author.name, change.release) == ("mark", "Ada", offered(**news)[KEY].listing.releases[0])
    assert planned(offered(**news), marks=False).changes == ()


def test_no_news_no_change():
    assert planned(offered()).changes == ()
    after = with_marks(published("1.0", "a"), offered(yanked="Broken.", announced={"tags": ("latest",)})[KEY].listing.releases[0])
    held = stock({"pkg": [after]})
    assert (
        plan_of(desired("a"), stocks=[held], catalog=offered(yanked="Broken.", announced={"tags": ("latest",)}), marks=True).changes == ()
    )


def test_an_upload_time_is_filled_in_and_never_moved():
    release = offered(uploaded_at=NOW)[KEY].listing.releases[0]
    filled = with_marks(published("1.0", "a"), release)
    assert filled.files[0].uploaded_at == NOW
    later = replace(release, files=tuple(replace(f, uploaded_at=NOW.replace(year=2030)) for f in release.files))
    assert with_marks(filled, later) == filled


@pytest.mark.parametrize(
    ("before", "announced", "after"),
    [
        ((), ("attestation",), ("attestation",)),
        (("signature",), ("attestation",), ("attestation", "signature")),
        (("attestation", "signature"), ("signature",), ("attestation", "signature")),
        (("attestation",), (), ("attestation",)),
        (("signature",), ("signature", "signature"), ("signature",)),
    ],
)
def test_an_attestation_that_comes_later_is_taken_and_none_is_taken_back(before, announced, after):
    version = published("1.0", "a")
    known = replace(version, files=tuple(replace(f, traits=Traits(install_scripts=("x",), provenance=before)) for f in version.files))
    release = offered(provenance=announced)[KEY].listing.releases[0]
    marked = with_marks(known, release)
    assert marked.files[0].traits == Traits(install_scripts=("x",), provenance=after)
    assert with_marks(marked, release) == marked
    assert (marked == known) == (before == after), "no news, no change"


def test_of_a_file_that_nobody_looked_into_nothing_is_known_after_a_refresh_either():
    assert with_marks(published("1.0", "a"), offered(provenance=("attestation",))[KEY].listing.releases[0]).files[0].traits is None


def test_archive_and_index_together_say_what_vouches_for_a_file():
    (remote,) = offered(provenance=("attestation",))[KEY].listing.releases[0].files
    inspection = Inspection(
        name="pkg",
        version=published("1.0", "a").version,
        license=None,
        dependencies=(),
        metadata={},
        traits=Traits(license=License(declared="MIT"), provenance=("signature",)),
    )
    assert traits_of(inspection, remote) == Traits(license=License(declared="MIT"), provenance=("attestation", "signature"))
    assert traits_of(inspection, None) == inspection.traits


def test_a_mark_that_is_gone_upstream_goes_here_too():
    plan = planned(offered(), deprecated="Old.", upstream_deprecated="Old.")
    assert [c.kind for c in plan.changes] == ["mark"]


def test_the_approvals_own_word_stays_and_the_registrys_is_remembered():
    wanted = desired("a", deprecated=OWN)
    plan = planned(offered(deprecated="Old."), wanted=wanted, deprecated=OWN.message)
    (change,) = plan.changes
    assert (change.kind, change.deprecated) == ("mark", OWN.message)
    assert planned(offered(deprecated="Old."), wanted=wanted, deprecated=OWN.message, upstream_deprecated="Old.").changes == ()


@pytest.mark.parametrize("catalog", [{}, {KEY: Absent(reason="404")}, {KEY: found({"9.0": ["z"]}, name="pkg")}])
def test_a_registry_that_has_lost_it_changes_nothing(catalog):
    plan = planned(catalog)
    assert (plan.changes, plan.holds) == ((), ())


def test_a_registry_that_does_not_answer_is_waited_for():
    plan = planned({KEY: Waiting(reason="timed out")})
    (hold,) = plan.holds
    assert (plan.changes, hold.kind, hold.waiting) == ((), "upstream", True)
    assert "marks could not be compared" in hold.reason


def test_a_registry_that_does_not_answer_is_told_of_once_for_each_feed():
    wanted = [desired("a", of=identity(name)) for name in ("one", "two", "three")]
    held = stock({name: [published("1.0", "a")] for name in ("one", "two", "three")})
    catalog = {(PUBLIC, one.declared.identity.package): Waiting(reason="timed out") for one in wanted}
    (hold,) = plan_of(*wanted, stocks=[held], catalog=catalog, marks=True).holds
    assert (hold.feed, hold.package, hold.waiting, hold.path) == (APPROVED, "", True, "feeds.yaml")
    assert hold.reason.endswith("timed out (so for one 1 and 2 more)")


def test_a_folder_knows_of_no_marks_and_takes_none_back():
    catalog = offered()
    silent = {KEY: replace(catalog[KEY], listing=replace(catalog[KEY].listing, marks=False))}
    assert planned(silent, deprecated="Old.", upstream_deprecated="Old.").changes == ()
    declared = planned({KEY: Waiting(reason="timed out")}, wanted=desired("a", deprecated=OWN))
    assert [c.kind for c in declared.changes] == ["mark"], "the approval's own word needs no registry"


def test_files_that_the_registry_has_no_more_keep_their_marks():
    version = published("1.0", "a", "b")
    assert with_marks(version, offered(yanked="Broken.")[KEY].listing.releases[0]).files[1] == version.files[1]
    assert file("b").name == "b"
