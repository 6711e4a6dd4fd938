"""What every door to the network keeps that ecosystems read an index through: the real one, and those that the tests make up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import pytest

from reconciler.ecosystems import Get
from reconciler.errors import NotThere
from reconciler.model.packages import Document
from reconciler.wire import Wire
from tests.contracts.samples import client_of
from tests.ecosystems.npm import packages
from tests.ecosystems.nuget import feeds
from tests.ecosystems.pypi import samples
from tests.support.faulty_server import Answer, FaultyServer

BODY: Final = b'{"name": "foo"}'
JSON: Final = "application/json"
BASE: Final = "https://index.example"


def _wire(stack: ExitStack) -> tuple[str, Get]:
    server, wire = stack.enter_context(FaultyServer()), stack.enter_context(Wire())
    server.answers["/foo"] = [Answer(body=BODY, headers={"Content-Type": f"{JSON}; charset=utf-8"})]
    return server.url, wire.get


GETS: Final[dict[str, Callable[[ExitStack], tuple[str, Get]]]] = {
    "wire": _wire,
    "npm": lambda stack: (BASE, packages.Answers(known={f"{BASE}/foo": BODY})),
    "nuget": lambda stack: (BASE, feeds.Answers(known={f"{BASE}/foo": BODY})),
    "pypi": lambda stack: (
        BASE,
        samples.Upstream(documents={f"{BASE}/foo": Document(url=f"{BASE}/foo", content_type=JSON, body=BODY)}),
    ),
    "pages": lambda stack: (BASE, client_of("npm", {"foo": BODY}.get, BASE)),
}
"""Each with the address below which it has `foo` and nothing else."""


@pytest.fixture(params=GETS)
def door(request):
    with ExitStack() as stack:
        yield GETS[request.param](stack)


def test_an_answer_has_its_address_its_type_without_parameters_and_its_body(door):
    base, get = door
    assert get(f"{base}/foo", accept=JSON) == Document(url=f"{base}/foo", content_type=JSON, body=BODY)


def test_nothing_need_be_asked_for_and_the_answer_is_the_same_each_time(door):
    base, get = door
    assert get(f"{base}/foo").body == get(f"{base}/foo").body == BODY


@pytest.mark.parametrize("path", ["bar", "foo/bar", ""])
def test_what_is_not_there_is_said_so(door, path):
    base, get = door
    with pytest.raises(NotThere) as caught:
        get(f"{base}/{path}", accept=JSON)
    assert str(caught.value)
