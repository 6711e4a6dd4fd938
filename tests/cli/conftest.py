"""The place that most tests of the command line begin with."""

from __future__ import annotations

import pytest

from tests.cli.beginning import ADA, Beginning
from tests.cli.place import Place, make_place


@pytest.fixture
def place(tmp_path) -> Place:
    return make_place(tmp_path / "re po")


@pytest.fixture
def beginning(tmp_path, monkeypatch) -> Beginning:
    root, gitconfig = tmp_path / "new", tmp_path / "gitconfig"
    root.mkdir()
    gitconfig.write_text(ADA, encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(gitconfig))
    return Beginning(place=Place(root), outside=tmp_path / "outside", gitconfig=gitconfig)
