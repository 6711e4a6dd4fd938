"""What every ecosystem keeps about names, versions and ranges, the made-up ones of tests included: one suite over SPEAKING."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems import ECOSYSTEMS
from tests.contracts.samples import SAMPLES, SPEAKING


def test_every_ecosystem_has_a_sample():
    assert SAMPLES.keys() == ECOSYSTEMS.keys()


@pytest.fixture(params=sorted(SPEAKING))
def kind(request):
    return request.param


@pytest.fixture
def ecosystem(kind):
    return SPEAKING[kind][0]


@pytest.fixture
def words(kind):
    return SPEAKING[kind][1]


def test_every_member_of_the_protocol_is_there(ecosystem):
    for member in ("normalize_name", "parse_version", "contains", "discover", "inspect", "render"):
        assert callable(getattr(ecosystem, member)), member
    assert "{package}" in ecosystem.layout
    assert "{version}" in ecosystem.layout + ecosystem.file_name
    assert ecosystem.osv_ecosystem.isalnum()
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in ecosystem.file_suffixes)


def test_every_index_but_the_last_one_is_asked_for_by_a_media_type(ecosystem):
    assert all(index.accept == index.content_type for index in ecosystem.indexes[:-1])
    assert all(index.file.rpartition(".")[2] for index in ecosystem.indexes)


def test_spellings_of_one_name_have_one_key(ecosystem, words):
    one, other = words.names
    assert ecosystem.normalize_name(one) == ecosystem.normalize_name(other)


@pytest.mark.parametrize("kind", sorted(SPEAKING))
@given(st.text(max_size=40))
def test_normalising_is_idempotent_and_says_why_it_refuses(kind, text):
    ecosystem = SPEAKING[kind][0]
    try:
        key = ecosystem.normalize_name(text)
    except ValueError as error:
        reason = str(error)
        assert reason, "a silent refusal"
    else:
        assert ecosystem.normalize_name(key) == key
        assert key.isascii()
        assert "\\" not in key
        assert not {".", ".."} & set(key.split("/"))


def test_hostile_names_are_refused(ecosystem, words):
    for name in words.hostile:
        with pytest.raises(ValueError):
            ecosystem.normalize_name(name)


def test_versions_are_ordered(ecosystem, words):
    parsed = [ecosystem.parse_version(text) for text in words.versions]
    shuffled = parsed[1::2] + parsed[::2]
    assert sorted(shuffled) == parsed
    assert len({version.key for version in parsed}) == len(parsed)
    for index, version in enumerate(parsed):
        assert not version < version  # noqa: PLR0124 - irreflexive
        assert all(version < later for later in parsed[index + 1 :])


def test_spellings_of_one_version_have_one_key(ecosystem, words):
    one, other = (ecosystem.parse_version(text) for text in words.equal)
    assert one == other
    assert hash(one) == hash(other)
    assert not one < other
    assert ecosystem.parse_version(one.key) == one


@pytest.mark.parametrize("kind", sorted(SPEAKING))
@given(st.text(max_size=30))
def test_what_is_no_version_is_a_value_error(kind, text):
    ecosystem = SPEAKING[kind][0]
    try:
        version = ecosystem.parse_version(text)
    except ValueError as error:
        reason = str(error)
        assert reason, "a silent refusal"
    else:
        assert ecosystem.parse_version(version.key).key == version.key
        assert "/" not in version.key


def test_the_empty_range_admits_every_version(ecosystem, words):
    assert all(ecosystem.contains("", ecosystem.parse_version(text)) for text in words.versions)
