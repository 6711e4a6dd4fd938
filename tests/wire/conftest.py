"""A fresh home folder without netrc, for each test of the wire."""

from __future__ import annotations

import pytest

from tests.support.faulty_server import FaultyServer


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def server():
    with FaultyServer() as running:
        yield running
