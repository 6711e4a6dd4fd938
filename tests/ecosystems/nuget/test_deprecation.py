"""Deprecations: a registration's object as one text and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.nuget.deprecation import MAX_MESSAGE, from_text, to_text


@pytest.mark.parametrize(
    ("deprecation", "text"),
    [
        (None, None),
        ("yes", None),
        ({}, ""),
        ({"reasons": ["Other"]}, ""),
        ({"reasons": ["Legacy"]}, "Legacy"),
        ({"reasons": ["Legacy", "CriticalBugs"], "message": "Use X."}, "Legacy, CriticalBugs: Use X."),
        ({"reasons": ["Other"], "message": "Use X."}, "Use X."),
        ({"reasons": "Legacy", "message": 1}, ""),
        ({"reasons": ["Unheard", 5, ["Legacy"]], "message": "Use X."}, "Use X."),
        ({"reasons": ["Legacy"], "alternatePackage": {"id": "X", "range": "*"}}, "Legacy: (instead: X)"),
        ({"message": "Old.", "alternatePackage": {"id": "X"}}, "Old. (instead: X)"),
        ({"message": "Old.", "alternatePackage": {"id": 1}}, "Old."),
        ({"message": "half \ud800"}, "half ?"),
        ({"message": "x" * 1_000_000}, "x" * MAX_MESSAGE),
    ],
)
def test_objects_become_texts(deprecation: Any, text: str | None) -> None:
    assert to_text(deprecation) == text


@pytest.mark.parametrize(
    ("text", "deprecation"),
    [
        ("", {"reasons": ["Other"]}),
        ("Use X.", {"reasons": ["Other"], "message": "Use X."}),
        ("Legacy", {"reasons": ["Legacy"]}),
        ("Legacy, Other: a\nb", {"reasons": ["Legacy", "Other"], "message": "a\nb"}),
        ("Other: x", {"reasons": ["Other"], "message": "Other: x"}),
        ("Legacy: ", {"reasons": ["Other"], "message": "Legacy: "}),
    ],
)
def test_texts_become_objects(text: str, deprecation: dict[str, Any]) -> None:
    assert from_text(text) == deprecation


parts = st.lists(st.sampled_from(["Legacy", "CriticalBugs", "Other", ", ", ": ", "x", " ", "\n"]), max_size=8).map("".join)


@given(st.text() | parts)
def test_every_text_survives(text: str) -> None:
    assert to_text(from_text(text)) == text
