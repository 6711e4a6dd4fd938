"""The place that stories begin with."""

from __future__ import annotations

import pytest

from tests.cli.place import Place, make_place


@pytest.fixture
def place(tmp_path) -> Place:
    return make_place(tmp_path / "place")
