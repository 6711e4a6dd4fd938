"""What is posted: once, as JSON, with the secret of its own host."""

from __future__ import annotations

import gzip

import pytest

from reconciler.errors import Malformed, NotThere, Unreachable
from reconciler.wire import MAX_INDEX_BYTES, Timeouts, Wire
from tests.support.faulty_server import Answer, FaultyServer

QUICK = Timeouts(connect=1.0, read=0.5, pause=0.01, document=1.0)


@pytest.fixture
def server():
    with FaultyServer() as server:
        yield server


def post(server: FaultyServer, answer: Answer, document: bytes = b"{}", upstream: str = ""):
    server.answers["/made"] = [answer]
    with Wire(QUICK, environment={f"RECONCILER_TOKEN_127_0_0_1_{server.port}": "secret"}) as wire:
        return wire.post(f"{server.url}/made", document, accept="application/json", upstream=upstream or server.url)


def test_a_document_arrives_whole_with_type_and_secret(server):
    document = b'{"body": "' + b"x" * 1_000_000 + b'"}'
    reply = post(server, Answer(status=201, body=b"done"), document)
    assert (reply.status, reply.body, reply.denied) == (201, b"done", False)
    (asked,) = server.requests
    assert (asked.method, asked.body) == ("POST", document)
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_denial_is_an_answer(server, status):
    reply = post(server, Answer(status=status, headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"why")))
    assert (reply.status, reply.body, reply.denied) == (status, b"why", True)


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotThere), (410, NotThere), (401, Unreachable), (403, Unreachable), (408, Unreachable), (500, Unreachable), (204, Unreachable)],
)
def test_everything_else_is_an_error_and_never_tried_again(server, status, error):
    with pytest.raises(error):
        post(server, Answer(status=status))
    assert len(server.requests) == 1


def test_an_answer_that_is_too_large_is_malformed(server):
    pieces = (b"\0" * (1 << 20) for _ in range(MAX_INDEX_BYTES // (1 << 20) + 2))
    with pytest.raises(Malformed, match="answers with more than"):
        post(server, Answer(status=201, body=pieces))


def test_an_answer_that_drips_ends_at_the_deadline(server):
    with pytest.raises(Unreachable):
        post(server, Answer(status=201, body=(b"x" for _ in range(1000)), drip=0.1))


def test_no_address_inside_is_posted_to_for_an_upstream_outside(server):
    with pytest.raises(Malformed, match="inside this network"):
        post(server, Answer(status=201), upstream="https://api.github.com")
    assert server.requests == []
