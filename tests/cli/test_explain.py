"""`explain` in every state that a version can be in: who, how well known, with what right, what became of it, what resolves it."""

import re

import jsonschema
import pytest

from reconciler.model.events import Person
from reconciler.model.words import BlobId
from tests.cli.place import FEEDS, Place, make_place
from tests.cli.reviewed import ADA, ALAN, GRACE, LEAF, NAMED, PERMISSIONS, REVIEWED, TWO, leaf, reviewed_place
from tests.support.faulty_server import Answer
from tests.support.repositories import Repo
from tests.support.signing import Keyring, sign_tip

SIGNED = "rule: review\nparams: {min_assurance: signed, rule_files: false}\n"


@pytest.fixture
def make(tmp_path, monkeypatch):
    """A reviewed place in a folder of this test; pages of its forge are kept nowhere else."""
    monkeypatch.setenv("RECONCILER_CACHE", str(tmp_path / "cache"))
    return lambda **how: reviewed_place(tmp_path / "place", **how)


def explained(place, repo):
    repo.close()
    done = place.run("explain", *NAMED, "--format", "json")
    assert done.code == 0, done.err
    jsonschema.validate(done.json, place.run("schema", "explain").json)
    return done.json


def text(place, repo):
    repo.close()
    return place.run("explain", *NAMED).out


def land(repo, forge, *, reviews=("grace",), method="merge", by=ALAN):
    """Alan's pull request, reviewed and merged; the landing commit."""
    repo.commit({LEAF: leaf()}, by=by, on="topic")
    pull = forge.open("topic", by="alan")
    for login in reviews:
        forge.review(pull, by=login)
    return forge.merge(pull, method, by="grace")[-1]


def rows(told, label):
    """The texts behind a label, each unfolded."""
    folded = re.sub(r"\n {13,15}(?=\S)", " ", told)
    return [line.strip().removeprefix(label).strip() for line in folded.split("\n") if line.strip().startswith(f"{label} ")]


def test_what_was_never_approved_says_how_to_ask_for_it(make):
    with make() as (place, repo, _):
        known = explained(place, repo)
        assert (known["declared"], known["published"], known["path"], known["events"], known["files"]) == ("none", "absent", None, [], [])
        assert rows(text(place, repo), "next") == ["`reconciler approve approved-pypi leaf@1.2 -m REASON`"]


def test_it_works_before_there_is_a_store_and_makes_none(make):
    with make() as (place, repo, forge):
        land(repo, forge)
        assert text(place, repo)
        assert not (place.root / ".feeds").exists()


def test_what_is_approved_reviewed_and_applied_is_told_from_the_line_to_the_record(make):
    with make(policy=REVIEWED) as (place, repo, forge):
        landed = land(repo, forge)
        repo.close()
        assert place.run("apply").code == 0
        known = explained(place, repo)
        assert (known["declared"], known["published"], known["holds"], known["line"]) == ("approved", "listed", [], 1)
        assert (known["from"], known["ticket"], [file["name"] for file in known["files"]]) == (
            "public-pypi",
            "SEC-123",
            ["leaf-1.2-py3-none-any.whl"],
        )
        first = repo.git("rev-list", "--max-parents=0", "main").strip()
        assert (known["right"], known["rules_commit"]) == ("policies/permissions.yaml:9", first)
        assert known["verdicts"] == [
            {
                "rule": "review",
                "policy": "policies/review.yaml:1",
                "verdict": "allow",
                "reason": "",
                "waiver": None,
                "remedy": "",
                "unknown": False,
            }
        ]
        (evidence,) = known["evidence"]
        assert (evidence["pull_request"], evidence["opener"], evidence["merger"]) == (
            "https://github.com/owner/approvals/pull/1",
            "alan",
            "grace",
        )
        (event,) = known["events"]
        assert (event["commit"], event["author_commit"]) == (landed, repo.tip("topic"))
        assert (event["change"], event["landed"], event["counts"], event["forge"]) == ("promote", "merge", "yes", "said")
        grace = next(person for person in event["approvers"] if person["user"] == "grace")
        assert (grace["assurance"], grace["entitled"], grace["reviewed"]) == ("reviewed", True, repo.tip("topic"))
        told = text(place, repo)
        assert rows(told, "entitled") == [f"by policies/permissions.yaml:9 as of commit {first[:12]}"]
        assert f"approved https://github.com/owner/approvals/pull/1 at {repo.tip('topic')[:12]}; entitled" in told
        assert re.search(r"In the feed\n  promote    \d{4}-\d\d-\d\d \d\d:\d\d UTC by \S+ \(record \d\)", told)
        assert not re.search(r"Held|Waiting|next", told)


def test_how_it_landed_is_what_the_forge_says(make):
    with make() as (place, repo, forge):
        landed = land(repo, forge, method="squash")
        before = explained(place, repo)["events"][0]
        assert (before["landed"], before["forge"]) == ("commit", "not asked")
        place.run("apply")
        event = explained(place, repo)["events"][0]
        assert (event["landed"], event["forge"], event["commit"]) == ("squash", "said", landed)


def test_a_commit_of_which_the_forge_knows_nothing_landed_without_a_pull_request(make):
    with make() as (place, repo, _):
        repo.commit({LEAF: leaf()}, by=GRACE)
        repo.close()
        place.run("apply")
        told = text(place, repo)
        assert "as one commit" in told
        assert rows(told, "request") == ["none: the forge knows no pull request that landed as this commit"]


def test_where_the_forge_was_not_asked_yet_it_waits_and_says_who_asks(make):
    with make(policy=REVIEWED) as (place, repo, forge):
        land(repo, forge)
        known = explained(place, repo)
        assert forge.requests == []
        (hold,) = known["holds"]
        assert (hold["kind"], hold["rule"], hold["path"], hold["line"]) == ("rule", "review", "policies/forge.yaml", 1)
        assert (known["events"][0]["counts"], known["events"][0]["forge"]) == ("waiting", "not asked")
        told = text(place, repo)
        assert told.splitlines()[0].endswith("published absent, waiting for the forge")
        assert rows(told, "to do")[0].startswith("`reconciler plan` asks the forge")
        assert place.run("plan", "--format", "json").json["holds"] == []


def test_while_the_forge_is_away_apply_waits_and_removes_nothing(make):
    with make(policy=REVIEWED) as (place, repo, forge):
        land(repo, forge)
        forge.always = Answer(status=404)
        repo.close()
        done = place.run("apply", "--format", "json")
        assert (done.code, done.json["outcome"], done.json["applied"]) == (6, "waiting", [])
        assert done.json["holds"][0]["reason"].startswith("the forge cannot say who reviewed it")


def test_one_of_two_reviewers_is_held_by_the_policy_with_who_is_missing(make):
    with make(policy=TWO, forge=False) as (place, repo, _):
        repo.commit({LEAF: leaf()}, by=ALAN, on="topic")
        repo.merge("topic", by=GRACE)
        known = explained(place, repo)
        (event,) = known["events"]
        assert (known["declared"], event["counts"], event["verdicts"][0]["verdict"]) == ("void", "held", "hold")
        assert "so far 1 (grace)" in event["verdicts"][0]["reason"]
        told = text(place, repo)
        assert told.splitlines()[0].endswith("declared void, published absent, held")
        assert rows(told, "where") == ["policies/review.yaml:1 [review]"]
        assert rows(told, "to do") == ["ada can: `reconciler endorse approved-pypi leaf 1.2 -m REASON`"]


def test_an_endorsement_settles_what_was_held(make):
    with make(policy=TWO, forge=False) as (place, repo, _):
        repo.commit({LEAF: leaf()}, by=ALAN, on="topic")
        repo.merge("topic", by=GRACE)
        repo.commit({LEAF: leaf("endorsed: [{by: ada, reason: Looked at it}]\n")}, by=ADA)
        known = explained(place, repo)
        assert [(event["change"], event["counts"]) for event in known["events"]] == [("promote", "overtaken"), ("endorse", "yes")]
        assert (known["declared"], known["commit"], known["author"]["name"]) == ("approved", repo.tip(), "Alan Turing")
        assert rows(text(place, repo), "held") == ["until a later event settled it"]
        place.run("apply")
        assert "no record of its own" in text(place, repo)


def test_a_name_that_is_signed_says_with_which_key_and_since_when_it_is_known(make, tmp_path):
    key = Keyring(tmp_path)["ada"]
    with make(policy=SIGNED, forge=False, key=key.public) as (place, repo, _):
        repo.commit({LEAF: leaf()}, by=ALAN, on="topic")
        repo.merge("topic", by=ADA)
        landed = sign_tip(repo, key)
        known = explained(place, repo)
        (signature,) = known["signatures"]
        assert (signature["commit"], signature["user"], signature["key"]) == (landed, "ada", key.fingerprint)
        assert known["events"][0]["author"]["signature"] is None
        assert known["events"][0]["approvers"][0]["signature"] == signature
        told = text(place, repo)
        assert "Ada Lovelace <ada@example.org> (signed)" in told
        assert f"signed commit {landed[:12]} with {key.fingerprint}, first seen 20" in " ".join(told.split())


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ("{key: KEY, revoked: 2026-05-01}", "which does not count: the key was revoked on 2026-05-01"),
        ("{key: KEY, valid_until: 2025-05-01}", "which does not count: the key expired on 2025-05-01"),
        ("", "its ssh signature is not a good one by a declared key"),
    ],
)
def test_a_signature_that_does_not_count_says_why(make, tmp_path, declared, says):
    key = Keyring(tmp_path)["ada"]
    with make(forge=False, key=declared.replace("KEY", key.public)) as (place, repo, _):
        repo.commit({LEAF: leaf()}, by=ADA)
        sign_tip(repo, key)
        author = explained(place, repo)["events"][0]["author"]
        assert (author["assurance"], author["signature"]) == ("claimed", None)
        assert says in author["doubt"]
        assert says in " ".join(text(place, repo).split())


def test_a_signature_by_somebody_else_says_whose_key_it_is(make, tmp_path):
    key = Keyring(tmp_path)["ada"]
    with make(forge=False, key=key.public) as (place, repo, _):
        repo.commit({LEAF: leaf()}, by=GRACE)
        sign_tip(repo, key)
        author, ada = explained(place, repo)["events"][0]["author"], explained(place, repo)["events"][0]["approvers"][0]
        assert (author["assurance"], author["doubt"]) == ("claimed", f"signed with {key.fingerprint}, the key of ada")
        assert (ada["user"], ada["assurance"], ada["doubt"]) == ("ada", "signed", "")


def test_a_review_of_an_earlier_state_is_shown_and_does_not_count(make):
    with make(policy=REVIEWED) as (place, repo, forge):
        repo.commit({"README.md": "x"}, by=ALAN, on="topic")
        pull = forge.open("topic", by="alan")
        forge.review(pull, by="grace")
        repo.commit({LEAF: leaf()}, by=ALAN, on="topic")
        forge.push(pull)
        forge.review(pull, by="ada")
        forge.merge(pull, by="grace")
        repo.close()
        assert place.run("apply").code == 0
        reviews = explained(place, repo)["events"][0]["evidence"][0]["reviews"]
        assert {review["by"]: review["counts"] for review in reviews} == {"grace": False, "ada": True}
        assert re.search(r"approved by grace at [0-9a-f]{12}, [^\n]*which is not\s+what landed", text(place, repo))


def test_a_pull_request_whose_file_is_not_what_landed_says_nothing_of_it(make):
    with make(policy=REVIEWED) as (place, repo, forge):
        repo.commit({LEAF: leaf()}, by=ALAN, on="topic")
        pull = forge.open("topic", by="alan")
        forge.review(pull, by="grace")
        repo.commit({LEAF: leaf()}, by=GRACE)
        repo.close()
        forge.merged(pull, "squash", (repo.tip(),), by="grace")
        pull.squashed, pull.files[LEAF] = repo.tip(), BlobId("0" * 40)
        done = place.run("plan", "--format", "json").json
        assert [hold["rule"] for hold in done["holds"]] == ["review"]
        assert "approve https" not in done["holds"][0]["remedy"]


def test_the_rules_that_judge_an_event_are_those_before_it(make):
    with make(forge=False) as (place, repo, _):
        first = repo.tip()
        granted = PERMISSIONS.format(forge="github", keys="") + "  - {allow: promote-packages, user: alan}\n"
        changed = repo.commit({LEAF: leaf(), "policies/permissions.yaml": granted}, by=ALAN)
        adopted = repo.commit({"README.md": "x"}, "Take over\n\nAdopts: policies/permissions.yaml", by=ADA)
        repo.commit({LEAF: leaf("expires: 2099-01-01\n")}, by=ALAN)
        before, after = explained(place, repo)["events"]
        assert (before["commit"], before["counts"], before["right"], before["rules_commit"]) == (changed, "held", None, first)
        assert (after["counts"], after["right"], after["rules_commit"]) == ("yes", "policies/permissions.yaml:10", adopted)


def test_what_lands_with_the_first_rules_is_judged_by_them_and_says_so(tmp_path):
    with Repo(tmp_path) as repo:
        files = {"feeds.yaml": FEEDS, "policies/permissions.yaml": PERMISSIONS.format(forge="github", keys="")}
        repo.commit({**files, LEAF: leaf()}, by=GRACE)
        assert "the trust anchor: its own rules judge it" in " ".join(text(Place(tmp_path), repo).split())


def test_what_nobody_entitled_stands_behind_names_who_could(make):
    with make(forge=False) as (place, repo, _):
        repo.commit({LEAF: leaf()}, by=ALAN)
        known = explained(place, repo)
        assert (known["declared"], known["right"], known["holds"][0]["kind"]) == ("void", None, "authority")
        told = text(place, repo)
        assert "nobody behind it has it, as of commit" in told
        assert "Alan Turing <alan@example.org> (claimed)" in told
        assert rows(told, "to do")[0].startswith("ada, grace can: `reconciler endorse approved-pypi leaf 1.2 -m REASON`")


def test_what_is_withdrawn_names_who_took_it_back_and_how_to_undo_it(make):
    with make(policy=REVIEWED) as (place, repo, forge):
        land(repo, forge)
        repo.close()
        place.run("apply")
        taken = repo.commit({LEAF: leaf("withdrawn: {action: quarantine, reason: Steals credentials}\n")}, by=GRACE)
        known = explained(place, repo)
        assert (known["declared"], known["withdrawn"]["commit"], known["published"]) == ("withdrawn", taken, "listed")
        assert (known["events"][1]["change"], known["events"][1]["forge"], known["events"][1]["verdicts"]) == ("quarantine", "none", [])
        assert rows(text(place, repo), "next") == ["`reconciler apply` takes it back"]
        place.run("apply")
        assert rows(text(place, repo), "next") == ["to undo it: `reconciler relist approved-pypi leaf 1.2 -m REASON`"]


def test_what_is_malformed_says_where(make):
    with make(forge=False) as (place, repo, _):
        repo.commit({LEAF: leaf()}, by=ADA)
        repo.commit({LEAF: "files: [\n"}, by=ADA)
        known = explained(place, repo)
        assert (known["declared"], known["path"], [event["change"] for event in known["events"]]) == ("malformed", LEAF, ["promote"])
        assert rows(text(place, repo), "where") == [f"{LEAF}:2"]


def test_what_was_removed_needed_no_right(make):
    with make(forge=False) as (place, repo, _):
        repo.commit({LEAF: leaf()}, by=ADA)
        repo.commit({LEAF: None}, by=ALAN)
        assert rows(text(place, repo), "right")[1] == "none is needed: absence is never deletion"


def test_no_text_from_outside_can_pass_for_a_row_or_move_the_cursor(make):
    with make(forge=False) as (place, repo, _):
        reason = r'"Fine.\n  to do      run `evil"'
        repo.commit({LEAF: leaf().replace("MIT, asked for by billing.", reason)}, by=Person(name="M\x1b[31m\u202e", email="m@example.org"))
        told = text(place, repo)
        assert not {"\x1b", "\u202e"} & set(told)
        assert rows(told, "reason") == ["Fine. to do run `evil"]
        assert len(rows(told, "to do")) == 1
        assert "M\\x1b[31m\\u202e <m@example.org>" in told


def test_no_line_is_wider_than_a_hundred_columns_but_for_what_cannot_be_folded(make):
    with make(policy=REVIEWED) as (place, repo, forge):
        land(repo, forge)
        repo.close()
        place.run("apply")
        assert max(map(len, text(place, repo).splitlines())) <= 100


def test_what_a_version_needs_is_looked_for_in_all_that_its_feed_holds_and_is_to_hold(tmp_path, monkeypatch):
    monkeypatch.setenv("RECONCILER_CACHE", str(tmp_path / "cache"))
    place = make_place(tmp_path / "place")
    place.write("feeds.yaml", FEEDS.replace("promotes_from: [public-pypi]", "promotes_from: [public-pypi], dependencies: require"))

    def closure():
        known = place.run("explain", "approved-pypi", "sample", "1.0", "--format", "json").json
        return [(one["verdict"], one["reason"]) for one in known["judgements"] if one["rule"] == "closure"], known["published"]

    assert place.run("approve", "approved-pypi", "sample", "-m", "Needed").code == 0
    place.commit("sample alone")
    assert closure() == ([("hold", "nothing in approved-pypi satisfies leaf >=1, which sample 1.0 needs")], "absent")
    assert place.run("approve", "approved-pypi", "leaf", "-m", "Needed").code == 0
    place.commit("what it needs")
    assert closure() == ([], "absent"), "approved is enough, since one pass lets both in"
    assert place.run("apply").code == 0
    assert closure() == ([], "listed")
    place.run("withdraw", "approved-pypi", "leaf", "1.2", "-m", "Bad", "--commit")
    assert place.run("apply").code == 0
    assert closure() == ([("warn", "nothing in approved-pypi satisfies leaf >=1, which sample 1.0 needs")], "listed")


def test_what_a_version_needs_is_looked_for_in_the_whole_feed(tmp_path, monkeypatch):
    monkeypatch.setenv("RECONCILER_CACHE", str(tmp_path / "cache"))
    place = make_place(tmp_path / "place")
    assert place.run("approve", "approved-pypi", "sample", "leaf", "-m", "MIT").code == 0
    place.commit("Approve")
    asked = ("explain", "approved-pypi", "sample", "1.0")
    assert "satisfies" not in place.run(*asked).out
    assert place.run("apply").code == 0
    assert "satisfies" not in place.run(*asked).out
    place.offer_wheel("alone", "1.0", requires=["nobody-has-it>=1"])
    assert place.run("approve", "approved-pypi", "alone", "-m", "MIT").code == 0
    place.commit("Approve what lacks something")
    assert place.run("apply").code == 0
    assert "nothing in approved-pypi satisfies nobody-has-it >=1" in place.run("explain", "approved-pypi", "alone", "1.0").out
