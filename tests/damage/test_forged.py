"""Forgeries by somebody who knows the format: every digest fits, and git says otherwise all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.place import GRACE, Place
from tests.damage import store
from tests.damage.store import OLD_HEAD
from tests.damage.test_damage import CLEAN, REFUSED, drift, found, original, place, verify

__all__ = ["original", "place"]

Record = dict[str, Any]


def of_leaf(**changes: Any) -> Callable[[Record], Record]:
    return lambda record: record | changes if record.get("package") == "leaf" else record


def of_leaf_file(**changes: Any) -> Callable[[Record], Record]:
    return lambda record: of_leaf(files=[{**file, **changes} for file in record["files"]])(record) if "files" in record else record


FORGERIES: dict[str, tuple[Callable[[Record], Record], list[str]]] = {
    "author": (
        of_leaf(author={"name": "Mallory", "email": "m@example.org", "assurance": "claimed"}),
        ["author is Mallory <m@example.org> (claimed), by git Ada Lovelace <ada@example.org> (claimed)"],
    ),
    "name of the author": (
        of_leaf(author={"name": "Ada", "email": "ada@example.org", "assurance": "claimed"}),
        ["author is Ada <ada@example.org> (claimed), by git Ada Lovelace <ada@example.org> (claimed)"],
    ),
    "approver": (
        of_leaf(approvers=[{"name": "Grace Hopper", "email": "grace@example.org", "assurance": "claimed"}]),
        ["approvers are Grace Hopper <grace@example.org> (claimed), by git nobody"],
    ),
    "landing commit off the chain": (of_leaf(commit="0" * 40), ["commit 000000000000 is not on the first-parent chain"]),
    "author's commit": (of_leaf(author_commit="0" * 40), ["no approval of it by commit 000000000000 landed with commit "]),
    "blob": (of_leaf(blob="0" * 40), ["approvals/approved-pypi/leaf/1.2.yaml never was blob 000000000000 since commit "]),
    "path": (
        of_leaf(path="approvals/approved-pypi/bad/0.9.yaml"),
        [" is not the approval of leaf 1.2", "approvals/approved-pypi/bad/0.9.yaml never was blob "],
    ),
    "no path": (of_leaf(path="README.md"), ["README.md is not the approval of leaf 1.2", "README.md never was blob "]),
    "spelling": (of_leaf(package="Leaf"), ["approvals/approved-pypi/leaf/1.2.yaml is not the approval of Leaf 1.2"]),
    "source": (of_leaf(**{"from": "public-nuget"}), ["no approval promotes it from public-nuget"]),
    "dates": (of_leaf(authored_at="2020-01-01T00:00:00Z"), ["authored_at is 2020-01-01T00:00:00Z, by git "]),
    "feed": (of_leaf(feed="approved-nuget"), ["it is of the feed approved-nuget"]),
    "shape": (of_leaf(author="Ada"), ["it is none: author: "]),
}


@pytest.mark.parametrize(("edit", "reasons"), FORGERIES.values(), ids=FORGERIES)
def test_a_record_that_git_does_not_bear_out_is_named(place, edit, reasons):
    store.forge(place, edit)
    assert drift(place).code == CLEAN
    done = verify(place)
    rows = [row for row in done.json["findings"] if row["kind"] == "record"]
    assert done.code == REFUSED
    assert {row["subject"].split(" (")[0] for row in rows} == {"record 3"}
    assert len(rows) == len(reasons)
    for row, reason in zip(rows, sorted(reasons), strict=True):
        assert reason in row["detail"]


def test_digests_that_nobody_approved_are_named_file_by_file_against_git_and_catalog(place):
    store.forge(place, of_leaf_file(sha256="0" * 64, content_hash=None))
    done = verify(place)
    details = {kind: [row["detail"] for row in done.json["findings"] if row["kind"] == kind] for kind in ("record", "catalog")}
    assert [detail.partition(" with ")[0] for detail in details["record"]] == [
        "no approval names leaf-1.2-py3-none-any.whl",
        "no approval names leaf-1.2.tar.gz",
    ]
    assert [detail.partition(" has ")[0] for detail in details["catalog"]] == ["leaf-1.2-py3-none-any.whl", "leaf-1.2.tar.gz"]


def test_an_access_record_of_another_history_is_named(place):
    store.forge(place, lambda record: record | {"commit": "0" * 40} if record["change"] == "access" else record)
    assert found(verify(place)) == [("record", "record 1")]


def listed(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"versions": [version | {"state": "listed"} for version in row["versions"]]}


def test_a_catalog_that_the_ledger_does_not_lead_to_is_named(place):
    store.forge_catalog(place, "bad", listed)
    done = verify(place)
    (row,) = [row for row in done.json["findings"] if row["kind"] == "catalog"]
    assert (row["subject"], row["detail"]) == ("bad 0.9", "it is listed, by record 5 quarantined")


def test_a_version_that_only_one_of_catalog_and_ledger_has_is_named(place):
    store.forge_catalog(place, "sample", lambda row: row | {"versions": []})
    (row,) = [row for row in verify(place).json["findings"] if row["kind"] == "catalog"]
    assert (row["subject"], row["detail"]) == ("sample 1.0", "record 4 has it, the catalog has not")
    store.forge(place, lambda record: record if record.get("package") != "leaf" else {"change": "access"} | record | {"change": "access"})
    rows = [row for row in verify(place).json["findings"] if row["subject"] == "leaf 1.2"]
    assert [row["detail"] for row in rows] == ["the catalog has it, no record has"]


def test_everything_that_is_wrong_is_found_in_one_run(place):
    store.edit_lines(place, 0, lambda records: [*records[:1], records[1] | {"reason": "trust me"}, *records[2:]])
    store.edit_lines(place, 2, lambda records: [record | {"reason": "trust me"} for record in records])
    store.remove(place, f"{store.PYPI}/{store.WHEEL}")
    store.put(place, f"{store.NUGET}/v3/index.json")
    store.put(place, f"{store.PYPI}/{store.SDIST}")
    assert found(verify(place)) == [
        ("pages", "v3/index.json"),
        ("differing", store.SDIST),
        ("ledger", "record 2"),
        ("ledger", "record 5"),
        ("missing", store.WHEEL),
    ]


def test_what_can_be_read_of_a_damaged_catalog_is_still_verified(place):
    digest = store.below(place, store.head(place)["catalog"])
    store.remove(place, store.catalog_key(digest))
    done = verify(place)
    assert found(done) == [("state", store.catalog_key(digest))]
    assert done.json["feeds"][1]["files"] > 0


def test_a_history_that_was_rewritten_is_named_for_head_and_records(place):
    first = place.git("rev-list", "--max-parents=0", "HEAD")
    place.git("reset", "-q", "--hard", first)
    place.git("commit", "-q", "--allow-empty", "-m", "Another history", by=GRACE)
    done = verify(place)
    assert done.code == REFUSED
    assert ("record", "head") in found(done)
    assert ("record", "record 1") in found(done)


def test_a_head_that_was_put_back_lets_the_rest_be_verified(place):
    store.put(place, f"{store.STATE}/head.json", (place.root / OLD_HEAD).read_bytes())
    findings = found(verify(place))
    assert ("state", f"{store.STATE}/head.json") in findings
    assert ("missing", store.KEPT) in findings  # as the older head has it


def test_a_shallow_clone_cannot_verify(place, tmp_path):
    place.git("clone", "-q", "--depth", "1", f"file://{place.root}", str(tmp_path / "shallow"))
    done = Place(tmp_path / "shallow").run("verify")
    assert (done.code, "shallow" in done.err) == (3, True)
