"""What can be pushed to make a history look like another one: attributes, mailmap, replace refs, grafts, reformatting, moves."""

from __future__ import annotations

import pytest

from tests.history.stories import (
    ADA,
    GRACE,
    LEAF,
    MALLORY,
    PERMISSIONS_FILE,
    Place,
    approve,
    behind,
    edit,
    other_digest,
    planned,
    published,
    records,
    row,
    rows,
    switch,
    text,
    verified,
)

MAILMAP = f"{ADA[0]} <{ADA[1]}> {MALLORY[0]} <{MALLORY[1]}>\n"
ATTRIBUTES = (
    "*.yaml -diff -text linguist-generated=true merge=ours\napprovals/** -diff binary export-ignore linguist-generated\npolicies/** -diff\n"
)


def everything(place: Place) -> tuple[str, str, str]:
    """What a user is told of the history, without the commits' ids."""
    return place.run("history", "--format", "json").out, place.run("plan").out, place.run("explain", "approved-pypi", "leaf", "1.2").out


# --- attributes -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [".gitattributes", "approvals/.gitattributes", ".git/info/attributes"])
def test_the_diff_attribute_and_linguist_generated_hide_no_change(place, path):
    approve(place, "leaf", by=ADA)
    assert place.run("apply").code == 0
    place.write(path, ATTRIBUTES)
    other_digest(place)
    edit(place, PERMISSIONS_FILE, "group: senior-developers}", "user: everyone}")
    place.commit("Tidy up", by=MALLORY)
    if path != "approvals/.gitattributes":
        assert "Binary files" in place.git("diff", "HEAD~1", "--", LEAF, PERMISSIONS_FILE), "git itself hides it"
    done = place.run("apply", "--format", "json")
    assert done.json["applied"] == []
    told = {hold["path"]: hold["reason"] for hold in done.json["holds"]}
    assert "Mallory" in told[PERMISSIONS_FILE]
    assert "Mallory" in told[LEAF]
    assert [behind(found) for found in rows(place, "leaf") if found["outcome"] == "held"] == [(MALLORY[1], [])]


# --- mailmap ----------------------------------------------------------------------------------------------------------------------


def test_a_mailmap_in_the_repository_makes_nobody_somebody_else(place):
    place.write(".mailmap", MAILMAP)
    place.commit("Spell names right", by=MALLORY)
    approve(place, "leaf", by=MALLORY)
    place.git("config", "log.mailmap", "true")
    place.git("config", "mailmap.blob", "HEAD:.mailmap")
    assert place.git("log", "-1", "--use-mailmap", "--format=%aE") == ADA[1], "git itself is fooled"
    assert behind(row(place, "leaf")) == (MALLORY[1], [])
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["applied"]) == (5, [])
    assert rows(place, "--author", "ada") == []


def test_a_mailmap_takes_no_promotion_from_its_author(place):
    approve(place, "leaf", by=ADA)
    assert place.run("apply").code == 0
    place.write(".mailmap", f"{MALLORY[0]} <{MALLORY[1]}> <{ADA[1]}>\n")
    place.commit("Spell names right", by=MALLORY)
    assert place.run("apply").code == 0
    assert behind(row(place, "leaf")) == (ADA[1], [])
    verified(place)


# --- replace refs, grafts ---------------------------------------------------------------------------------------------------------


def test_a_replace_ref_puts_nobody_in_anothers_place(place):
    landed = approve(place, "leaf", by=MALLORY)
    before = everything(place)
    forged = place.git("commit-tree", f"{landed}^{{tree}}", "-p", f"{landed}~1", "-m", "Approve", by=ADA)
    place.git("replace", landed, forged)
    assert place.git("log", "-1", "--format=%ae") == ADA[1], "git itself is fooled"
    assert everything(place) == before
    assert behind(row(place, "leaf")) == (MALLORY[1], [])
    assert place.run("apply").code == 5


def test_a_replace_ref_for_a_blob_or_a_tree_brings_nothing_in(place):
    approve(place, "leaf", by=ADA)
    blob = place.git("rev-parse", f"HEAD:{LEAF}")
    before = everything(place)
    evil = place.root / "evil.yaml"
    evil.write_text(text(place, LEAF).replace("public-pypi", "public-nuget"))
    place.git("replace", blob, place.git("hash-object", "-w", "evil.yaml"))
    tree = place.git("rev-parse", "HEAD~1^{tree}")
    place.git("replace", place.git("rev-parse", "HEAD^{tree}"), tree)
    assert everything(place) == before
    assert place.run("apply").code == 0
    verified(place)


def test_a_graft_gives_no_commit_other_parents(place):
    first = place.git("rev-parse", "HEAD")
    place.commit("Between", by=GRACE)
    landed = approve(place, "leaf", by=MALLORY)
    before = everything(place)
    place.write(".git/info/grafts", f"{landed} {first}\n")
    assert place.git("rev-parse", "HEAD~1") == first, "git itself is fooled"
    assert everything(place) == before
    place.write(".git/info/grafts", f"{landed}\n")
    assert everything(place) == before
    assert place.run("apply").code == 5


# --- reformatting -----------------------------------------------------------------------------------------------------------------


def _quotes(approval: str) -> str:
    lines = approval.splitlines()
    return (
        "\n".join(
            f'{key}: "{value.strip()}"' if value.strip()[:1].isalpha() else line
            for line in lines
            for key, _, value in [line.partition(":")]
        )
        + "\n"
    )


def _indented(approval: str) -> str:
    return approval.replace("\n  ", "\n      ")


def _commented(approval: str) -> str:
    return "# looks better now\n" + approval.replace("\n", "  # tidy\n", 1)


def _crlf(approval: str) -> str:
    return approval.replace("\n", "\r\n")


def _turned_round(approval: str) -> str:
    head, _, files = approval.partition("files:\n")
    return "files:\n" + "".join(reversed(files.splitlines(keepends=True))) + "".join(reversed(head.splitlines(keepends=True)))


@pytest.mark.parametrize("form", [_quotes, _indented, _commented, _crlf, _turned_round])
@pytest.mark.parametrize("applied", [True, False])
def test_a_reformat_by_somebody_else_keeps_the_author(place, form, applied):
    landed = approve(place, "leaf", by=ADA)
    if applied:
        assert place.run("apply").code == 0
    new = form(text(place, LEAF))
    assert new != text(place, LEAF)
    (place.root / LEAF).write_bytes(new.encode())
    reformatted = place.commit("Tidy up", by=MALLORY)
    assert place.git("log", "-1", "--format=%ae", "--", LEAF) == MALLORY[1], "git log shows the last who touched it"
    plan = planned(place)
    assert (plan["holds"], plan["drift"], plan["commit"]) == ([], [], reformatted)
    assert place.run("apply").code == 0
    (told,) = rows(place, "leaf")
    assert (behind(told), told["commit"], told["outcome"]) == ((ADA[1], []), landed, "applied")
    (record,) = [record for record in records(place) if record["change"] == "promote"]
    assert (behind(record), record["commit"]) == ((ADA[1], []), landed)
    verified(place)


def test_a_reformat_that_hides_another_digest_is_that_of_whoever_reformats(place):
    approve(place, "leaf", by=ADA)
    other_digest(place)
    place.write(LEAF, _turned_round(_commented(text(place, LEAF))))
    place.commit("Tidy up", by=MALLORY)
    assert [behind(found) for found in rows(place, "leaf")] == [(ADA[1], []), (MALLORY[1], [])]
    assert place.run("apply").code == 5
    assert published(place) == ["leaf-1.2-py3-none-any.whl", "leaf-1.2.tar.gz"], "as ada reviewed it"
    verified(place)


# --- moves ------------------------------------------------------------------------------------------------------------------------


def test_a_rename_of_the_folder_to_another_spelling_keeps_the_author(place):
    landed = approve(place, "leaf", by=ADA)
    assert place.run("apply").code == 0
    before = published(place)
    place.git("mv", "approvals/approved-pypi/leaf", "approvals/approved-pypi/Leaf")
    place.commit("Spell it as I like", by=MALLORY)
    plan = planned(place)
    assert (plan["changes"], plan["holds"], plan["drift"]) == ([], [], [])
    assert place.run("apply").code == 0
    (told,) = rows(place, "leaf")
    assert (behind(told), told["commit"]) == ((ADA[1], []), landed)
    assert published(place) == before
    verified(place)


def test_a_rename_of_the_folder_in_a_merge_keeps_the_author(place):
    approve(place, "leaf", by=ADA)
    switch(place, "request", new=True)
    place.git("mv", "approvals/approved-pypi/leaf", "approvals/approved-pypi/gone")
    place.commit("Away", by=MALLORY)
    place.git("mv", "approvals/approved-pypi/gone", "approvals/approved-pypi/LEAF")
    place.commit("And back", by=MALLORY)
    switch(place, "main")
    place.git("merge", "-q", "--no-ff", "-m", "Merge", "request", by=MALLORY)
    assert behind(row(place, "leaf")) == (ADA[1], [])
    assert place.run("apply").code == 0
    verified(place)


def test_a_rename_of_the_folder_in_two_landing_commits_is_an_approval_of_whoever_moves(place):
    approve(place, "leaf", by=ADA)
    place.git("mv", "approvals/approved-pypi/leaf", "approvals/approved-pypi/gone")
    place.commit("Away", by=MALLORY)
    place.git("mv", "approvals/approved-pypi/gone", "approvals/approved-pypi/leaf")
    place.commit("And back", by=MALLORY)
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["applied"]) == (5, [])
    assert [behind(found) for found in rows(place, "leaf") if found["outcome"] == "held"] == [(MALLORY[1], [])]


def test_the_approval_of_another_version_moved_is_no_approval(place):
    place.offer_wheel("leaf", "1.3")
    approve(place, "leaf", by=ADA)
    place.git("mv", "approvals/approved-pypi/leaf/1.3.yaml", "approvals/approved-pypi/leaf/1.2.yaml")
    place.commit("The older one", by=MALLORY)
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["applied"], published(place)) == (5, [], [])


def test_the_whole_folder_of_approvals_moved_away_and_back(place):
    approve(place, "leaf", by=ADA)
    assert place.run("apply").code == 0
    before = published(place)
    place.git("mv", "approvals", "attic")
    place.commit("Away", by=MALLORY)
    gone = place.run("apply")
    assert (gone.code, "absence is never deletion" in gone.err, published(place)) == (3, True, before)
    place.git("mv", "attic", "approvals")
    place.commit("And back", by=MALLORY)
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["applied"], published(place)) == (5, [], before)
    assert [(row["kind"], row["package"]) for row in done.json["drift"]] == [("orphan", "leaf")]
    (record,) = [record for record in records(place) if record["change"] == "promote"]
    assert record["author"]["email"] == ADA[1]
    assert place.run("endorse", "approved-pypi", "leaf", "1.2", "-m", "It is the same", "--commit").code == 0
    assert place.run("apply").code == 0
    verified(place)


def test_the_whole_folder_of_approvals_moved_away_and_back_on_a_branch_moves_nothing(place):
    approve(place, "leaf", by=ADA)
    switch(place, "request", new=True)
    place.git("mv", "approvals", "attic")
    place.commit("Away", by=MALLORY)
    place.git("mv", "attic", "approvals")
    place.commit("And back", by=MALLORY)
    switch(place, "main")
    place.git("merge", "-q", "--no-ff", "-m", "Merge", "request", by=MALLORY)
    assert behind(row(place, "leaf")) == (ADA[1], [])
    assert place.run("apply").code == 0
