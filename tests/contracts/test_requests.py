"""What opening a pull request keeps, at every forge. A new forge is one more row of REQUESTS, and one more of `forge_answers.POSTS`."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from reconciler.errors import Malformed, Refused, Unreachable
from reconciler.propose.requests import REQUESTS, Draft, open_request, open_requests
from reconciler.wire import Timeouts, Wire
from tests.support.faulty_server import Answer
from tests.support.forge import ForgeServer
from tests.support.repositories import Repo

QUICK = Timeouts(connect=1.0, read=0.5, pause=0.01, document=1.0)
ODD = "approve/50%&a=b#c"
"""A name that git takes, and that means something else in an address where it is not escaped."""


@pytest.fixture(params=REQUESTS)
def forge(request, tmp_path):
    with Repo(tmp_path / "repo") as repo:
        repo.commit({"feeds.yaml": "store: x\n"})
        for branch in ("topic", ODD):
            repo.branch(branch)
            repo.commit({"approvals/approved-npm/left-pad/1.3.0.yaml": "one\n"}, "Approve left-pad", on=branch)
        with ForgeServer(request.param, repo) as forge:
            yield forge


@pytest.fixture
def draft(forge) -> Draft:
    return Draft(head="topic", source=forge.project, base="main", title="Approve left-pad 1.3.0", body="Wanted.\n")


def secret_of(forge: ForgeServer, token: str) -> dict[str, str]:
    return {f"RECONCILER_TOKEN_127_0_0_1_{forge.port}": token}


@pytest.fixture
def wire(forge):
    forge.token = "secret"
    with Wire(QUICK, environment=secret_of(forge, forge.token)) as wire:
        yield wire


def posts(forge: ForgeServer) -> int:
    return sum(asked.method == "POST" for asked in forge.requests)


def test_it_is_opened_with_title_body_head_and_base(forge, draft, wire):
    opened = open_request(open_requests(forge.declared, wire), draft)
    assert (opened.number, opened.new) == (1, True)
    assert opened.link.endswith("/1")
    (pull,) = forge.pulls.values()
    assert (pull.branch, pull.base, pull.title) == ("topic", "main", "Approve left-pad 1.3.0")
    assert "Wanted.\n" in forge.posted[0].values()


def test_the_same_request_finds_the_open_one(forge, draft, wire):
    first = open_request(open_requests(forge.declared, wire), draft)
    again = open_request(open_requests(forge.declared, wire), replace(draft, title="Other words"))
    assert again == replace(first, new=False)
    assert posts(forge) == 1


def test_one_that_was_merged_is_not_the_open_one(forge, draft, wire):
    first = open_request(open_requests(forge.declared, wire), draft)
    forge.merged(forge.pulls[1], "merge", (forge.repo.tip(),))
    second = open_request(open_requests(forge.declared, wire), draft)
    assert (first.number, second.number, second.new) == (1, 2, True)


def test_one_of_another_branch_or_of_a_fork_is_not_taken_for_it(forge, draft, wire):
    """Nor where the forge does not filter as it is asked."""
    forge.open(ODD, by="bob")
    forge.open("topic", by="bob").source = "bob/approvals"
    pulls = [forge._answer(path, query) for path, query in listings(forge)]
    forge.instead.append(Answer(body=json.dumps([row for rows in pulls for row in rows]).encode()))
    opened = open_request(open_requests(forge.declared, wire), draft)
    assert (opened.number, opened.new) == (3, True)


def listings(forge: ForgeServer) -> list[tuple[str, dict[str, str]]]:
    """How a forge is asked for the open ones of both branches."""
    if forge.kind == "github":
        return [(f"/repos/{forge.project}/pulls", {"head": f"owner:{branch}"}) for branch in (ODD, "topic")]
    return [(f"/projects/{forge.project.replace('/', '%2F')}/merge_requests", {"source_branch": branch}) for branch in (ODD, "topic")]


def test_without_a_base_it_is_for_the_default_branch_of_the_project(forge, draft, wire):
    open_request(open_requests(forge.declared, wire), replace(draft, base=None))
    assert forge.pulls[1].base == "main"


def test_an_odd_name_of_a_branch_arrives_as_it_is(forge, draft, wire):
    odd = replace(draft, head=ODD)
    assert open_request(open_requests(forge.declared, wire), odd).new
    assert not open_request(open_requests(forge.declared, wire), odd).new
    assert forge.pulls[1].branch == ODD


def test_somebody_who_was_faster_is_found(forge, draft, wire):
    """The list was empty when it was asked for, and the forge refuses a second one."""
    forge.open("topic", by="bob")
    forge.instead.append(Answer(body=b"[]"))
    opened = open_request(open_requests(forge.declared, wire), draft)
    assert (opened.number, opened.new) == (1, False)


def test_what_the_forge_does_not_take_is_told_in_its_words_with_the_address(forge, draft, wire):
    requests = open_requests(forge.declared, wire)
    with pytest.raises(Refused, match=r"owner/approvals does not take the .* request: .*(invalid|does not exist)") as caught:
        open_request(requests, replace(draft, head="nowhere"))
    assert requests.by_hand(replace(draft, head="nowhere")) in caught.value.remedy


def test_no_more_of_a_long_answer_is_told_than_fits(forge, draft, wire):
    forge.instead += [Answer(body=b"[]"), Answer(status=422, body=json.dumps({"message": "x" * 100_000}).encode())]
    with pytest.raises(Refused) as caught:
        open_request(open_requests(forge.declared, wire), draft)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b'"word"', b"{}"], ids=["empty", "html", "deep", "text", "object"])
def test_a_refusal_in_any_shape_is_one(forge, draft, wire, body):
    forge.instead += [Answer(body=b"[]"), Answer(status=422, body=body)]
    with pytest.raises(Refused):
        open_request(open_requests(forge.declared, wire), draft)


def test_a_token_that_is_wrong_may_not_write_or_sees_no_project(forge, draft):
    forge.token = "secret"
    with Wire(QUICK, environment=secret_of(forge, "other")) as wire, pytest.raises(Unreachable, match="answered 401") as caught:
        open_request(open_requests(forge.declared, wire), draft)
    assert "RECONCILER_TOKEN_" in str(caught.value)
    assert "other" not in str(caught.value)
    forge.writable = False
    with Wire(QUICK, environment=secret_of(forge, "secret")) as wire:
        with pytest.raises(Unreachable, match="answered 403"):
            open_request(open_requests(forge.declared, wire), draft)
        forge.instead += [Answer(body=b"[]"), Answer(status=404)]
        with pytest.raises(Unreachable, match="answered 404") as caught:
            open_request(open_requests(forge.declared, wire), draft)
    assert "token may open pull requests" in caught.value.remedy
    assert forge.pulls == {}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=500),
        Answer(status=503),
        Answer(status=429),
        Answer(wait=30.0),
        Answer(body=b"{", length=9),
        Answer(status=200, body=b"{"),
    ],
    ids=["500", "503", "429", "silence", "cut off", "damaged"],
)
def test_what_was_posted_is_not_sent_again_whatever_comes(forge, draft, wire, answer):
    forge.instead += [Answer(body=b"[]"), answer]
    started = time.monotonic()
    with pytest.raises((Unreachable, Malformed)):
        open_request(open_requests(forge.declared, wire), draft)
    assert posts(forge) == 1
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_what_is_posted_follows_no_redirect(forge, draft, wire, status):
    with ForgeServer(forge.kind, forge.repo) as other:
        forge.instead += [Answer(body=b"[]"), Answer(status=status, headers={"Location": f"{other.url}/elsewhere"})]
        with pytest.raises(Unreachable, match="answers from elsewhere"):
            open_request(open_requests(forge.declared, wire), draft)
        assert other.requests == []


def test_a_redirect_to_no_address_is_malformed(forge, draft, wire):
    forge.instead += [Answer(body=b"[]"), Answer(status=302, headers={"Location": "http://["})]
    with pytest.raises((Malformed, Unreachable)):
        open_request(open_requests(forge.declared, wire), draft)


def test_a_forge_that_is_not_there(forge, draft):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    nowhere = replace(forge.declared, url=f"http://127.0.0.1:{port}")
    with Wire(QUICK) as wire, pytest.raises(Unreachable):
        open_request(open_requests(nowhere, wire), draft)


def test_an_answer_in_another_shape_is_malformed(forge, draft, wire):
    forge.instead += [Answer(body=b"[]"), Answer(status=201, body=b'{"number": "one", "iid": "one"}')]
    with pytest.raises(Malformed, match="answers otherwise than documented"):
        open_request(open_requests(forge.declared, wire), draft)


@pytest.mark.parametrize("project", ["approvals", "../approvals", "owner/../approvals", "owner/a?b", "owner/", "owner/\x1b"])
def test_what_is_no_project_is_not_asked_for(forge, wire, project):
    with pytest.raises(Refused, match="is no project"):
        open_requests(replace(forge.declared, project=project), wire)


def test_whether_there_is_a_token_is_known_without_asking(forge, draft, wire):
    assert open_requests(forge.declared, wire).may_write
    with Wire(QUICK) as without:
        assert not open_requests(forge.declared, without).may_write
    elsewhere = replace(forge.declared, url="http://localhost:1")
    assert not open_requests(elsewhere, wire).may_write
    assert forge.requests == []


def test_the_address_for_people_says_both_branches_whatever_they_are_called(forge, draft, wire):
    address = urlsplit(open_requests(forge.declared, wire).by_hand(replace(draft, head=ODD)))
    assert "&a=b" not in address.geturl()
    assert address.fragment == ""
    assert unquote(address.path).startswith("/owner/approvals/")
    told = unquote(address.path) if forge.kind == "github" else " ".join(parse_qs(address.query)["merge_request[source_branch]"])
    assert told.endswith(ODD)


PAGES = [
    ("github", "https://api.github.com", "https://github.com/owner/name/compare/main...approve/x?expand=1"),
    ("github", "https://git.example/api/v3/", "https://git.example/owner/name/compare/main...approve/x?expand=1"),
    (
        "gitlab",
        "https://gitlab.com/api/v4",
        "https://gitlab.com/owner/name/-/merge_requests/new?merge_request%5Bsource_branch%5D=approve%2Fx&merge_request%5Btarget_branch%5D=main",
    ),
    (
        "gitlab",
        "https://git.example/lab/api/v4",
        "https://git.example/lab/owner/name/-/merge_requests/new?merge_request%5Bsource_branch%5D=approve%2Fx&merge_request%5Btarget_branch%5D=main",
    ),
]


@pytest.mark.parametrize(("kind", "url", "page"), PAGES)
def test_where_people_open_it(kind, url, page, forge):
    declared = replace(forge.declared, kind=kind, url=url, project="owner/name")
    draft = Draft(head="approve/x", source="owner/name", base="main", title="", body="")
    with Wire(QUICK) as wire:
        assert open_requests(declared, wire).by_hand(draft) == page


def test_a_fork_at_github_is_named_by_its_owner(forge, draft, wire):
    fork = replace(draft, source="alan/approvals")
    requests = open_requests(forge.declared, wire)
    if forge.kind == "github":
        assert open_request(requests, fork).new
        assert forge.posted[0]["head"] == "alan:topic"
        assert "main...alan:topic" in requests.by_hand(fork)
        assert not open_request(requests, fork).new
    else:
        with pytest.raises(Refused, match="alan/approvals is a fork"):
            open_request(requests, fork)
