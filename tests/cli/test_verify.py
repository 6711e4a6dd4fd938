"""`verify`: whatever people do with approvals in git, what was applied derives again; and how it is told."""

from __future__ import annotations

import jsonschema
import pytest

from tests.cli.place import ADA, GRACE, MALLORY, Place

LEAF = "approvals/approved-pypi/leaf/1.2.yaml"


def approve(place: Place, *names: str, by: tuple[str, str] = ADA, feed: str = "approved-pypi") -> None:
    assert place.run("approve", feed, *names, "-m", "MIT").code == 0
    place.commit("Approve", by=by)


def apply(place: Place) -> None:
    assert place.run("apply", "--quiet").code == 0


def rewrite(place: Place, path: str, old: str, new: str, *, by: tuple[str, str] = ADA) -> None:
    text = (place.root / path).read_text()
    assert old in text
    place.write(path, text.replace(old, new))
    place.commit(f"Change {path}", by=by)


def verified(place: Place) -> None:
    done = place.run("verify")
    assert (done.code, "not as recorded" in done.out) == (0, False), done.out


def test_one_line_a_feed_when_all_is_well(place):
    approve(place, "leaf", "sample")
    apply(place)
    done = place.run("verify")
    assert done.code == 0
    assert done.out.splitlines()[0].startswith("approved-nuget: 1 record, 0 files (0 bytes), ")
    assert done.out.splitlines()[1].startswith("approved-pypi: 3 records, 5 files (")
    assert all(line.endswith(": all as recorded") for line in done.out.splitlines())


def test_what_was_never_applied_is_no_finding(place):
    done = place.run("verify")
    assert (done.code, done.out.splitlines()[0]) == (0, "approved-nuget: never applied: all as recorded")
    assert not (place.root / ".feeds").exists()


def test_it_keeps_its_contract_and_writes_nothing(place):
    approve(place, "leaf")
    apply(place)
    before = place.store_bytes()
    done = place.run("verify", "--format", "json")
    jsonschema.validate(done.json, place.run("schema", "verify").json)
    assert (done.json["schema"], done.json["outcome"], done.json["findings"]) == ("verify/v1", "done", [])
    assert [row["feed"] for row in done.json["feeds"]] == ["approved-nuget", "approved-pypi"]
    assert place.store_bytes() == before


def test_feeds_can_be_chosen(place):
    approve(place, "leaf")
    apply(place)
    (place.root / ".feeds/feeds/approved-pypi/simple/index.html").unlink()
    assert place.run("verify", "approved-nuget").code == 0
    done = place.run("verify", "approved-pypi")
    assert done.code == 9
    assert done.out.splitlines()[1:] == [
        "  ! pages simple/index.html",
        "      it is not there",
        "      to do: `reconciler apply --refresh` writes it anew",
    ]
    assert place.run("verify", "nowhere").code == 64
    assert place.run("verify", "public-pypi").code == 64


def test_help_says_what_is_attested_only(place):
    assert "Attested, not derived: verdicts" in place.run("verify", "--help").out


# --- histories that derive --------------------------------------------------------------------------------------------------------


def test_a_reason_that_was_mended_before_the_apply(place):
    approve(place, "leaf")
    rewrite(place, LEAF, "MIT", "MIT, reviewed", by=GRACE)
    apply(place)
    verified(place)


def test_a_reason_that_was_mended_after_the_apply(place):
    approve(place, "leaf")
    apply(place)
    rewrite(place, LEAF, "MIT", "MIT, reviewed", by=GRACE)
    apply(place)
    verified(place)


def test_an_extension_by_somebody_else(place):
    assert place.run("approve", "approved-pypi", "leaf", "-m", "MIT", "--file", "*.whl").code == 0
    place.commit("Approve")
    apply(place)
    (place.root / LEAF).unlink()
    approve(place, "leaf", by=GRACE)
    apply(place)
    verified(place)


def test_an_endorsement_of_what_had_no_authority(place):
    approve(place, "leaf", by=MALLORY)
    place.run("apply", "--quiet")
    assert place.run("endorse", "approved-pypi", "leaf", "1.2", "-m", "I looked at it").code == 0
    place.commit("Endorse", by=ADA)
    apply(place)
    verified(place)


def test_an_approval_that_a_merge_landed(place):
    place.git("switch", "-q", "-c", "proposal")
    approve(place, "leaf", by=MALLORY)
    place.git("switch", "-q", "main")
    place.commit("Something else", by=GRACE)
    place.git("merge", "-q", "--no-ff", "-m", "Merge\n\nReviewed-by: Grace Hopper <grace@example.org>", "proposal", by=ADA)
    apply(place)
    record = place.run("history", "leaf", "--format", "json").json[0]
    assert [record["author"]["name"], *(person["name"] for person in record["approvers"])] == ["Mallory", "Ada Lovelace", "Grace Hopper"]
    verified(place)


def test_an_approval_that_was_deleted_and_made_again(place):
    approve(place, "leaf", "sample")
    apply(place)
    (place.root / LEAF).unlink()
    place.commit("Delete", by=GRACE)
    assert place.run("apply", "--quiet").code == 0
    verified(place)
    approve(place, "leaf", by=GRACE)
    apply(place)
    verified(place)


@pytest.mark.parametrize("action", ["unlist", "quarantine"])
def test_what_was_taken_back_and_released_by_others(place, action):
    approve(place, "leaf")
    apply(place)
    block = f"withdrawn: {{action: {action}, reason: It phones home.}}\n"
    place.write(LEAF, (place.root / LEAF).read_text() + block)
    place.commit("Take back", by=GRACE)
    apply(place)
    verified(place)
    rewrite(place, LEAF, block, "")
    apply(place)
    verified(place)


def test_an_approval_that_has_expired(place):
    approve(place, "leaf")
    apply(place)
    place.write(LEAF, (place.root / LEAF).read_text() + "expires: 2020-01-01\n")
    place.commit("Let it expire", by=GRACE)
    apply(place)
    verified(place)


def test_a_repair(place):
    approve(place, "leaf")
    apply(place)
    (place.root / ".feeds/feeds/approved-pypi/files/leaf/1.2/leaf-1.2.tar.gz").unlink()
    assert place.run("apply", "--refresh", "--quiet").code == 0
    verified(place)


def test_rights_that_changed(place):
    approve(place, "leaf")
    apply(place)
    rewrite(place, "policies/permissions.yaml", "senior-developers: [ada, grace]", "senior-developers: [ada]")
    apply(place)
    verified(place)
