"""What every forge keeps, whichever it is. A new forge is one more row of FORGES, and what it answers one more of `forge_answers.ANSWERS`."""

from __future__ import annotations

import gzip
import json
import socket
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from reconciler.declare.revision import Repository
from reconciler.errors import Malformed, Refused, Unreachable
from reconciler.model.declared import ForgeKind
from reconciler.model.events import Person
from reconciler.model.evidence import Account, Evidence, PullRequest, decode_evidence
from reconciler.model.forges import SITES
from reconciler.model.words import CommitId
from reconciler.observe.forge import FORGES, evidence_of, open_forge
from reconciler.observe.forges.landings import Landings
from reconciler.propose.requests import REQUESTS
from reconciler.wire import Timeouts, Wire
from tests.support.faulty_server import Answer
from tests.support.forge import ForgeServer, Pull
from tests.support.repositories import Repo

QUICK = Timeouts(connect=1.0, read=0.5, pause=0.01, document=1.0)
APPROVAL = "approvals/approved-npm/left-pad/1.3.0.yaml"
OTHER = "approvals/approved-npm/right-pad/1.0.0.yaml"
BOB = Person(name="Bob", email="bob@example.org")


@pytest.fixture
def repo(tmp_path):
    with Repo(tmp_path / "repo") as repo:
        repo.commit({"feeds.yaml": "store: x\n", "README.md": "read\n"}, "Begin")
        repo.branch("topic")
        repo.commit({APPROVAL: "one\n", "README.md": "again\n"}, "Approve left-pad", by=BOB, on="topic")
        repo.commit({OTHER: "two\n", "feeds.yaml": None}, "Approve right-pad", by=BOB, on="topic")
        yield repo


@pytest.fixture(params=FORGES)
def forge(request, repo):
    with ForgeServer(request.param, repo) as forge:
        yield forge.join("bob", number=7, email=BOB.email)


@pytest.fixture
def wire():
    with Wire(QUICK) as wire:
        yield wire


@pytest.fixture
def pull(forge):
    return forge.open("topic", by="bob")


def landings(repo: Repo) -> Landings:
    repo.close()
    repository = Repository(repo.path)
    return Landings(repository.chain(repo.tip()), repository.commits)


def ask(forge: ForgeServer, commit: CommitId, wire: Wire) -> Evidence:
    return evidence_of(forge.declared, commit, landings=landings(forge.repo), wire=wire)


def found(forge: ForgeServer, commit: CommitId, wire: Wire) -> PullRequest:
    pull = ask(forge, commit, wire).pull_request
    assert pull is not None
    return pull


def blob(repo: Repo, pull: Pull, path: str) -> str:
    return repo.git("rev-parse", f"{pull.head}:{path}")


# --- what landed how ----------------------------------------------------------------------------------------------------------


def test_a_merge_is_told_with_everybody_who_had_a_part_in_it(forge, repo, pull, wire):
    said = forge.review(pull, by="carol")
    (landed,) = forge.merge(pull, by="dave")
    told = found(forge, landed, wire)
    assert (told.forge, told.project, told.number, told.method) == (forge.kind, "owner/approvals", 1, "merge")
    assert told.opener == Account(id=7, login="bob")
    assert told.merger is not None
    assert told.merger.login == "dave"
    assert (told.head, told.landed) == (pull.head, landed)
    assert told.commits == tuple(one.id for one in pull.commits)
    assert told.merged_at == pull.merged_at
    (review,) = told.reviews
    assert (review.by.login, review.state, review.commit, review.at) == ("carol", "approved", pull.head, said.at)
    assert told.link.endswith("/1")


def test_files_are_the_blobs_of_the_head_and_only_those_of_the_declaration(forge, repo, pull, wire):
    (landed,) = forge.merge(pull)
    told = found(forge, landed, wire)
    assert told.files == {APPROVAL: blob(repo, pull, APPROVAL), OTHER: blob(repo, pull, OTHER), "feeds.yaml": None}
    assert told.whole


def test_a_squash_is_told_from_git(forge, pull, wire):
    (landed,) = forge.merge(pull, "squash")
    told = found(forge, landed, wire)
    assert (told.method, told.landed, told.head) == ("squash", landed, pull.head)


def test_of_a_rebase_each_landing_commit_has_the_pull_request(forge, repo, pull, wire):
    landed = forge.merge(pull, "rebase")
    assert len(landed) == 2
    for commit in landed:
        told = found(forge, commit, wire)
        assert (told.method, told.landed, told.number) == ("rebase", landed[-1], 1)


def test_a_squash_of_several_commits_is_not_taken_for_a_rebase_of_what_landed_before(forge, repo, pull, wire):
    before = repo.commit({"feeds.yaml": "evil\n"}, "Approve left-pad", by=BOB)
    landed = repo.squash("topic", message="Approve right-pad", by=BOB)
    forge.merged(pull, "squash", (before, landed))  # it names the pull request for both
    pull.squashed = landed
    assert ask(forge, before, wire).pull_request is None
    assert found(forge, landed, wire).method == "squash"


def test_a_commit_that_nobody_asked_for_has_no_pull_request(forge, repo, pull, wire):
    pushed = repo.commit({APPROVAL: "mine\n"}, "Approve in passing")
    assert ask(forge, pushed, wire) == Evidence(commit=pushed, pull_request=None)


def test_a_pull_request_that_is_open_has_not_landed(forge, repo, pull, wire):
    repo.move("main", pull.head)
    assert ask(forge, pull.head, wire).pull_request is None


def test_the_landing_may_lie_behind_later_ones(forge, repo, pull, wire):
    (landed,) = forge.merge(pull)
    repo.commit({"README.md": "later\n"}, "Later")
    assert found(forge, landed, wire).number == 1


# --- what a forge may not claim -----------------------------------------------------------------------------------------------


def test_a_merge_of_another_head_is_not_the_pull_request_s(forge, repo, pull, wire):
    repo.branch("evil", at="topic")
    repo.commit({OTHER: "evil\n"}, "And more", on="evil")
    evil = repo.merge("evil")
    forge.merged(pull, "merge", (evil,))
    assert ask(forge, evil, wire).pull_request is None


def test_a_pull_request_that_landed_as_another_commit_is_none(forge, repo, pull, wire):
    pushed = repo.commit({APPROVAL: "mine\n"}, "Pushed before")
    (landed,) = forge.merge(pull)
    pull.landed = [pushed, landed]  # named for the commit that was pushed, too
    assert ask(forge, pushed, wire).pull_request is None


def test_a_pull_request_of_another_project_is_none(forge, pull, wire):
    (landed,) = forge.merge(pull)
    declared = forge.declared
    told = _list_of(forge, landed, wire)
    forge.instead.append(Answer(body=told.replace(b"owner/approvals", b"other/approvals")))
    assert evidence_of(declared, landed, landings=landings(forge.repo), wire=wire).pull_request is None


@pytest.mark.parametrize("change", ["number", "landed", "head", "not merged", "project"])
def test_a_forge_that_answers_with_another_pull_request_is_malformed(forge, repo, pull, wire, change):
    (landed,) = forge.merge(pull)
    listed = _list_of(forge, landed, wire)
    forge.requests.clear()
    changes: dict[str, Any] = {
        "number": lambda: forge.pulls.update({1: replace(pull, number=2)}),
        "landed": lambda: setattr(pull, "landed", [repo.tip("topic")]),
        "head": lambda: setattr(pull, "head", landed),
        "not merged": lambda: setattr(pull, "merged_at", None),
        "project": lambda: None,
    }
    changes[change]()
    forge.instead.append(Answer(body=listed))
    if change == "project":
        told = json.dumps(json.loads(_detail_of(forge, wire)) | _named("other/approvals", forge))
        forge.instead.append(Answer(body=told.encode()))
    with pytest.raises(Malformed):
        ask(forge, landed, wire)
    assert len(forge.requests) >= 2


def test_several_with_one_head_are_the_oldest_one(forge, repo, pull, wire):
    second = forge.open("topic", by="mallory")
    (landed,) = forge.merge(pull)
    forge.merged(second, "merge", (landed,))
    assert found(forge, landed, wire).number == 1


def test_of_stacked_pull_requests_each_has_its_own_commits(forge, repo, pull, wire):
    repo.branch("further", at="topic")
    repo.commit({APPROVAL: "further\n"}, "Go on", by=BOB, on="further")
    above = forge.open("further", by="bob")
    forge.pulls = {1: above, 2: pull}
    above.number, pull.number = 1, 2
    repo.move("main", above.head)
    forge.merged(pull, "rebase", tuple(one.id for one in pull.commits))
    forge.merged(above, "rebase", tuple(one.id for one in above.commits))
    numbers = [found(forge, one.id, wire).number for one in above.commits]
    assert numbers == [2, 2, 1]


@pytest.mark.parametrize("many", [10, 11])
def test_more_pull_requests_than_anybody_stacks_are_malformed_and_no_absence(forge, repo, pull, wire, many):
    pushed = repo.commit({APPROVAL: "mine\n"}, "Pushed")
    landed = repo.squash("topic")
    for _ in range(many - 1):
        forge.open("topic", by="mallory", base="main~2")
    for one in forge.pulls.values():
        forge.merged(one, "squash", (pushed, landed))
        one.squashed = landed
    if many == 10:
        assert ask(forge, pushed, wire).pull_request is None
    else:
        with pytest.raises(Malformed, match="11 pull requests"):
            ask(forge, pushed, wire)


# --- people -------------------------------------------------------------------------------------------------------------------


def test_a_review_of_an_older_commit_is_kept_with_its_commit(forge, repo, pull, wire):
    forge.review(pull, by="carol")
    looked_at = pull.head
    repo.commit({OTHER: "changed afterwards\n"}, "One thing more", on="topic")
    forge.push(pull)
    forge.review(pull, by="dave")
    (landed,) = forge.merge(pull)
    told = found(forge, landed, wire)
    assert {review.by.login: review.commit for review in told.reviews} == {"carol": looked_at, "dave": pull.head}
    assert told.head == pull.head != looked_at


def test_accounts_that_were_deleted_count_for_nobody(forge, pull, wire):
    pull.opener = None
    forge.review(pull, by=None)
    forge.review(pull, by="ghost")
    forge.review(pull, by="Ghost")
    (landed,) = forge.merge(pull, by="ghost")
    told = found(forge, landed, wire)
    assert (told.opener, told.merger, told.reviews) == (None, None, ())


def test_bots_are_accounts_like_others(forge, pull, wire):
    forge.review(pull, by="updates[bot]")
    (landed,) = forge.merge(pull)
    assert [review.by.login for review in found(forge, landed, wire).reviews] == ["updates[bot]"]


# --- paging -------------------------------------------------------------------------------------------------------------------


def test_two_hundred_and_fifty_reviews_are_all_told(forge, pull, wire):
    for number in range(250):
        forge.review(pull, by=f"reviewer-{number}")
    (landed,) = forge.merge(pull)
    assert len(found(forge, landed, wire).reviews) == 250


def test_a_hundred_and_twenty_commits_are_all_told_oldest_first(forge, repo, wire):
    repo.branch("long")
    made = [repo.commit({APPROVAL: f"{number}\n"}, f"Change {number}", on="long") for number in range(120)]
    pull = forge.open("long", by="bob")
    (landed,) = forge.merge(pull)
    told = found(forge, landed, wire)
    assert told.commits == tuple(made)
    assert told.whole


def test_a_page_with_more_rows_than_asked_for_is_malformed(forge, pull, wire):
    (landed,) = forge.merge(pull)
    (row,) = json.loads(_list_of(forge, landed, wire))
    forge.instead.append(Answer(body=json.dumps([row] * 101).encode()))
    with pytest.raises(Malformed, match="101 rows"):
        ask(forge, landed, wire)


def test_a_list_without_end_is_malformed_and_no_absence(forge, pull, wire):
    (landed,) = forge.merge(pull)
    (row,) = json.loads(_list_of(forge, landed, wire))
    forge.requests.clear()
    forge.always = Answer(body=json.dumps([row] * 100).encode())
    with pytest.raises(Malformed, match="too many"):
        ask(forge, landed, wire)
    assert len(forge.requests) == 30


def test_files_beyond_what_is_listed_are_not_told_as_all(forge, repo, wire):
    repo.branch("huge")
    repo.commit({f"approvals/approved-npm/p/{number}.yaml": f"{number}\n" for number in range(3001)}, "Everything", on="huge")
    (landed,) = forge.merge(forge.open("huge", by="bob"))
    told = found(forge, landed, wire)
    assert 1000 <= len(told.files) <= 3000
    assert not told.whole


# --- errors -------------------------------------------------------------------------------------------------------------------


def test_a_forge_that_cannot_be_reached_is_unreachable(forge, pull, wire):
    (landed,) = forge.merge(pull)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        declared = replace(forge.declared, url=f"http://127.0.0.1:{closed.getsockname()[1]}")
    history = landings(forge.repo)
    with pytest.raises(Unreachable):
        evidence_of(declared, landed, landings=history, wire=wire)


@pytest.mark.parametrize("status", [500, 503, 429, 404, 410, 422, 204])
def test_no_fault_becomes_an_answer_whichever_request_it_meets(forge, pull, wire, status):
    landed, requests = _reviewed(forge, pull, wire)
    for good in range(requests):
        forge.good_for, forge.always = good, Answer(status=status)
        with pytest.raises(Unreachable, match=str(status)):
            ask(forge, landed, wire)


def test_an_answer_that_is_cut_off_is_malformed_whichever_request_it_meets(forge, pull, wire):
    landed, requests = _reviewed(forge, pull, wire)
    for good in range(requests):
        forge.good_for, forge.always = good, Answer(body=b'[{"id": 1, "number": 1, "iid')
        with pytest.raises(Malformed):
            ask(forge, landed, wire)


def test_silence_is_unreachable_at_the_first_request_and_at_the_last(forge, pull, wire):
    landed, requests = _reviewed(forge, pull, wire)
    for good in (0, requests - 1):
        forge.good_for, forge.always = good, Answer(wait=2)
        with pytest.raises(Unreachable):
            ask(forge, landed, wire)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_names_the_variable_for_the_token(forge, pull, wire, status):
    (landed,) = forge.merge(pull)
    forge.always = Answer(status=status)
    with pytest.raises(Unreachable, match=rf"set RECONCILER_TOKEN_127_0_0_1_{forge.port} \(a token\)"):
        ask(forge, landed, wire)


def test_the_token_of_the_host_is_sent(forge, pull):
    forge.token = "s3cret"
    (landed,) = forge.merge(pull)
    with Wire(QUICK, environment={f"RECONCILER_TOKEN_127_0_0_1_{forge.port}": "s3cret"}) as wire:
        assert found(forge, landed, wire).number == 1


def test_a_forge_that_asks_to_wait_a_moment_is_asked_again(forge, pull, wire):
    (landed,) = forge.merge(pull)
    forge.instead.append(Answer(status=429, headers={"Retry-After": "0"}))
    assert found(forge, landed, wire).number == 1


def test_a_limit_of_requests_is_no_refusal(forge, pull, wire):
    (landed,) = forge.merge(pull)
    forge.always = Answer(status=403, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"})
    with pytest.raises(Unreachable, match="for now it takes no more requests") as caught:
        ask(forge, landed, wire)
    assert "TOKEN" not in str(caught.value)
    assert len(forge.requests) == 1


def test_a_secondary_limit_with_a_time_to_wait_is_waited_for(forge, pull, wire):
    (landed,) = forge.merge(pull)
    forge.instead.append(Answer(status=403, headers={"Retry-After": "0"}))
    assert found(forge, landed, wire).number == 1


@pytest.mark.parametrize("body", [b"", b"[", b"null", b"{}", b"[null]", b'[{"number": "1"}]', b"<html>", b"[" * 100_000, b"\xff"])
def test_what_is_not_the_documented_shape_is_malformed(forge, pull, wire, body):
    (landed,) = forge.merge(pull)
    forge.instead.append(Answer(body=body))
    with pytest.raises(Malformed):
        ask(forge, landed, wire)


def test_an_answer_without_end_is_malformed(forge, pull, wire):
    (landed,) = forge.merge(pull)
    bomb = gzip.compress(b" " * (65 * 1024 * 1024), compresslevel=1)
    forge.instead.append(Answer(body=bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(Malformed):
        ask(forge, landed, wire)


def test_an_answer_from_elsewhere_is_none(forge, pull, wire):
    (landed,) = forge.merge(pull)
    forge.instead.append(Answer(status=301, headers={"Location": f"{forge.url}/repositories/1/commits/{landed}/pulls"}))
    forge.instead.append(Answer(body=b"[]"))
    with pytest.raises(Unreachable, match="from elsewhere") as caught:
        ask(forge, landed, wire)
    assert "renamed" in caught.value.remedy


@pytest.mark.parametrize("project", ["", "owner", "../../user", "owner/..", "owner/name?x=", "owner/na me", "/owner/name", "owner//name"])
def test_what_is_no_project_is_refused_before_anything_is_asked(forge, wire, project):
    with pytest.raises(Refused, match="is no project"):
        open_forge(replace(forge.declared, project=project), wire)


def test_a_password_in_the_declared_address_is_not_used(forge, pull, wire):
    (landed,) = forge.merge(pull)
    declared = replace(forge.declared, url=forge.url.replace("://", "://user:secret@"))
    evidence_of(declared, landed, landings=landings(forge.repo), wire=wire)
    assert not [asked for asked in forge.requests if "authorization" in asked.headers]


# --- evidence -----------------------------------------------------------------------------------------------------------------


def test_the_same_answers_give_the_same_bytes_and_digest(forge, pull, wire):
    for login in ("carol", "Zoë", "dave"):
        forge.review(pull, by=login)
    (landed,) = forge.merge(pull, by="dave")
    one, two = (ask(forge, landed, wire) for _ in range(2))
    assert (one.encoded(), one.digest()) == (two.encoded(), two.digest())


def test_evidence_survives_being_written_down(forge, repo, pull, wire):
    forge.review(pull, by="Zoë")
    (landed,) = forge.merge(pull, by="dave")
    for commit in (landed, repo.commit({}, "Nothing")):
        evidence = ask(forge, commit, wire)
        read = decode_evidence(evidence.encoded())
        assert read == evidence
        assert read.encoded() == evidence.encoded()
    with pytest.raises(ValueError, match="pull_request"):
        decode_evidence(b'{"schema_version": 1, "commit": "a", "pull_request": 1}')


def test_times_are_utc(forge, pull, wire):
    (landed,) = forge.merge(pull)
    assert found(forge, landed, wire).merged_at == pull.merged_at
    assert found(forge, landed, wire).merged_at.tzinfo is UTC
    assert b'"merged_at":"2026-01-02T00:02:00Z"' in ask(forge, landed, wire).encoded()


@pytest.mark.parametrize("time", ["2026-01-02T00:00:00", "yesterday", "0001-01-01T00:00:00+14:00", 5])
def test_a_time_that_is_none_is_malformed(forge, pull, wire, time):
    (landed,) = forge.merge(pull)
    listed = _list_of(forge, landed, wire)
    forge.instead.append(Answer(body=listed))
    told = json.loads(_detail_of(forge, wire)) | {"merged_at": time}
    forge.instead.append(Answer(body=json.dumps(told).encode()))
    with pytest.raises(Malformed, match="merged_at"):
        ask(forge, landed, wire)


def test_a_commit_that_claims_an_impossible_date_stops_nobody(forge, pull, wire):
    pull.commits[0].at = datetime.max.replace(tzinfo=UTC)
    (landed,) = forge.merge(pull, "squash")
    assert found(forge, landed, wire).method == "squash"


def _list_of(forge: ForgeServer, commit: CommitId, wire: Wire) -> bytes:
    places = {
        "github": "repos/owner/approvals/commits/{}/pulls",
        "gitlab": "projects/owner%2Fapprovals/repository/commits/{}/merge_requests",
    }
    return wire.get(f"{forge.url}/{places[forge.kind].format(commit)}").body


def _detail_of(forge: ForgeServer, wire: Wire) -> bytes:
    places = {"github": "repos/owner/approvals/pulls/1", "gitlab": "projects/owner%2Fapprovals/merge_requests/1"}
    held, forge.instead = forge.instead, []
    body = wire.get(f"{forge.url}/{places[forge.kind]}").body
    forge.instead = held
    return body


def _named(project: str, forge: ForgeServer) -> dict[str, Any]:
    return {"references": {"full": f"{project}!1"}, "base": {"repo": {"full_name": project}}}


def _reviewed(forge: ForgeServer, pull: Pull, wire: Wire) -> tuple[CommitId, int]:
    """A landing commit that was reviewed, and how many requests tell all of it."""
    forge.review(pull, by="carol")
    (landed,) = forge.merge(pull)
    assert found(forge, landed, wire).reviews
    return landed, len(forge.requests)


def test_every_kind_of_forge_has_its_row_in_every_table():
    assert set(get_args(ForgeKind)) == FORGES.keys() == SITES.keys() == REQUESTS.keys()
