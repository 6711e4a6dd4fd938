"""The places that stories begin with: with git alone, and with a forge."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.observe.forge import FORGES
from tests.cli.place import Place, make_place
from tests.history.site import Site, known
from tests.support.forge import ForgeServer


@pytest.fixture
def place(tmp_path) -> Place:
    return make_place(tmp_path / "place")


@pytest.fixture
def site(tmp_path) -> Site:
    return Site(tmp_path / "re po")


@pytest.fixture(params=FORGES)
def forge(request, site) -> Iterator[ForgeServer]:
    with ForgeServer(request.param, site.repo) as server:
        yield known(server)
