"""Recorded data beside the repository: real packages, registry answers, NuGet's own tables. Tests that need it say when it is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

DATA: Final = Path(__file__).resolve().parents[4] / "shared" / "data"

needs_shared: Final = pytest.mark.skipif(not DATA.is_dir(), reason="the folder shared/data is not beside the repository")


def load(path: str) -> Any:
    """A JSON file of the recorded data."""
    return json.loads((DATA / path).read_text(encoding="utf-8"))


def rows(methods: str) -> list[list[Any]]:
    """The rows of these test methods (separated by spaces) in NuGet's versioning tables."""
    tests = load("conformance/nuget-versioning.json")["tests"]
    found = [test for several in tests.values() for test in several if test["method"] in methods.split()]
    assert {test["method"] for test in found} == set(methods.split()), "a table has gone"
    return [row for test in found for row in test["rows"]]
