"""Ids: what is compared by, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.nuget.names import file_name, normalize_name
from reconciler.ecosystems.nuget.versions import parse_version

IDS = st.from_regex(r"\A[A-Za-z0-9_]{1,8}([.-][A-Za-z0-9_]{1,8}){0,4}\Z")


@pytest.mark.parametrize("name", ["Newtonsoft.Json", "a", "A1_b-c.d", "_", "1", "x" * 100])
def test_ids_are_compared_without_case(name: str) -> None:
    assert normalize_name(name) == name.lower()
    assert normalize_name(name.upper()) == normalize_name(name)


@pytest.mark.parametrize(
    "name",
    ["", " ", ".a", "a.", "a..b", "a.-b", "-", "a b", "a/b", "..", "a\\b", "a\n", "a%2e", "x" * 101, "Anotar.S\u0435ril\u043eg.Fody", "\u212aelvin", "\u0131", "jQuery\u200b", "a+b", "<a>"],
)  # fmt: skip
def test_what_is_no_id_is_refused_in_ascii(name: str) -> None:
    with pytest.raises(ValueError, match="is no NuGet package id") as caught:
        normalize_name(name)
    assert str(caught.value).isascii()


@given(IDS)
def test_normalising_is_idempotent(name: str) -> None:
    assert normalize_name(normalize_name(name)) == normalize_name(name)


def test_a_file_is_named_by_keys() -> None:
    assert file_name(normalize_name("Foo.Bar"), parse_version("1.0-RC+x").key) == "foo.bar.1.0.0-rc.nupkg"
