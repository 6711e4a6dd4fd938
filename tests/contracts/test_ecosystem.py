"""What every ecosystem must keep, whichever it is: one suite over the table. A new row needs a row in SAMPLES, nothing else."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.layout import name_of, path_of, place_of
from reconciler.errors import ArchiveRefused, NotThere
from reconciler.model.packages import Document, FeedView, PublishedFile, PublishedPackage, PublishedVersion
from reconciler.model.words import Sha256
from tests.support.nupkgs import nupkg
from tests.support.tarballs import tarball, tarball_name
from tests.support.wheels import wheel, wheel_name

BASE = "https://feeds.example/approved"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """How to make a package of an ecosystem: (file name, bytes) of a name and a version; where discovery begins."""

    make: Callable[[str, str], tuple[str, bytes]]
    index: str
    versions: tuple[str, ...]
    """In ascending order."""
    equal: tuple[str, str]
    """Two spellings of one version."""
    names: tuple[str, str]
    """Two spellings of one name, if it can have two."""
    hostile: tuple[str, ...] = (
        "",
        " ",
        "..",
        "a/../b",
        "a\\b",
        "a\0b",
        "a\nb",
        "a\u202eb",
        "\u0430dobe",
        "\u212aernel",
        "\u0131nit",
        "a" * 1000,
        "-",
    )


def _wheel(name: str, version: str) -> tuple[str, bytes]:
    return wheel_name(name, version), wheel(name, version)


def _nupkg(name: str, version: str) -> tuple[str, bytes]:
    key = ECOSYSTEMS["nuget"].parse_version(version).key
    return f"{name.lower()}.{key}.nupkg", nupkg(name, version)


def _tarball(name: str, version: str) -> tuple[str, bytes]:
    return tarball_name(name, version), tarball(name, version)


SAMPLES = {
    "npm": Sample(
        make=_tarball, index=BASE,
        versions=("0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.2.0", "1.10.0", "2.0.0-0"),
        equal=("1.0.0", "v1.0.0+build"), names=("@scope/foo", "@scope/foo"),  # npm has one spelling for each name
    ),
    "nuget": Sample(
        make=_nupkg, index=f"{BASE}/v3/index.json", versions=("0.9", "1.0.0-alpha", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.0.1", "2.0"),
        equal=("1.0", "1.0.0.0"), names=("Foo.Bar", "foo.bar"),
    ),
    "pypi": Sample(
        make=_wheel, index=f"{BASE}/simple/", versions=("0.9", "1.0a1", "1.0rc1", "1.0", "1.0.post1", "1.1.dev1", "1!0.1"),
        equal=("1.0", "1.0.0"), names=("foo_bar", "Foo.Bar"),
    ),
}  # fmt: skip


def test_every_ecosystem_has_a_sample():
    assert SAMPLES.keys() == ECOSYSTEMS.keys()


@pytest.fixture(params=sorted(ECOSYSTEMS))
def kind(request):
    return request.param


@pytest.fixture
def ecosystem(kind):
    return ECOSYSTEMS[kind]


@pytest.fixture
def sample(kind):
    return SAMPLES[kind]


def test_the_module_has_every_member_of_the_protocol(ecosystem):
    for member in ("normalize_name", "parse_version", "contains", "discover", "inspect", "render"):
        assert callable(getattr(ecosystem, member)), member
    assert "{package}" in ecosystem.layout
    assert "{version}" in ecosystem.layout + ecosystem.file_name
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in ecosystem.file_suffixes)


def test_every_index_but_the_last_one_is_asked_for_by_a_media_type(ecosystem):
    assert all(index.accept == index.content_type for index in ecosystem.indexes[:-1])
    assert all(index.file.rpartition(".")[2] for index in ecosystem.indexes)


def test_spellings_of_one_name_have_one_key(ecosystem, sample):
    one, other = sample.names
    assert ecosystem.normalize_name(one) == ecosystem.normalize_name(other)


@pytest.mark.parametrize("kind", sorted(ECOSYSTEMS))
@given(st.text(max_size=40))
def test_normalising_is_idempotent_and_says_why_it_refuses(kind, text):
    ecosystem = ECOSYSTEMS[kind]
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


def test_hostile_names_are_refused(ecosystem, sample):
    for name in sample.hostile:
        with pytest.raises(ValueError):
            ecosystem.normalize_name(name)


def test_versions_are_ordered(ecosystem, sample):
    parsed = [ecosystem.parse_version(text) for text in sample.versions]
    shuffled = parsed[1::2] + parsed[::2]
    assert sorted(shuffled) == parsed
    assert len({version.key for version in parsed}) == len(parsed)
    for index, version in enumerate(parsed):
        assert not version < version  # noqa: PLR0124 - irreflexive
        assert all(version < later for later in parsed[index + 1 :])


def test_spellings_of_one_version_have_one_key(ecosystem, sample):
    one, other = (ecosystem.parse_version(text) for text in sample.equal)
    assert one == other
    assert hash(one) == hash(other)
    assert not one < other
    assert ecosystem.parse_version(one.key) == one


@pytest.mark.parametrize("kind", sorted(ECOSYSTEMS))
@given(st.text(max_size=30))
def test_what_is_no_version_is_a_value_error(kind, text):
    try:
        version = ECOSYSTEMS[kind].parse_version(text)
    except ValueError as error:
        reason = str(error)
        assert reason, "a silent refusal"
    else:
        assert ECOSYSTEMS[kind].parse_version(version.key).key == version.key
        assert "/" not in version.key


def test_the_empty_range_admits_every_version(ecosystem, sample):
    assert all(ecosystem.contains("", ecosystem.parse_version(text)) for text in sample.versions)


def test_an_archive_says_what_it_is(ecosystem, sample):
    for version in sample.versions:
        file, data = sample.make("Sample", version)
        found = ecosystem.inspect(file, io.BytesIO(data))
        assert ecosystem.normalize_name(found.name) == ecosystem.normalize_name("Sample")
        assert found.version == ecosystem.parse_version(version)
        assert found.license == "MIT"


@pytest.mark.parametrize("damage", [lambda d: b"", lambda d: d[: len(d) // 2], lambda d: b"x" * len(d), lambda d: b"MZ" + d])
def test_a_damaged_archive_is_refused(ecosystem, sample, damage):
    file, data = sample.make("Sample", sample.versions[0])
    with pytest.raises(ArchiveRefused):
        ecosystem.inspect(file, io.BytesIO(damage(data)))


def test_an_archive_under_another_name_is_refused(ecosystem, sample):
    one, other = sample.versions[:2]
    _, data = sample.make("Sample", one)
    for file in (sample.make("Other", one)[0], sample.make("Sample", other)[0]):
        with pytest.raises(ArchiveRefused):
            ecosystem.inspect(file, io.BytesIO(data))


def published(kind: str, name: str, versions: tuple[str, ...]) -> PublishedPackage:
    ecosystem, sample = ECOSYSTEMS[kind], SAMPLES[kind]
    rows = []
    for text in versions:
        file, data = sample.make(name, text)
        inspection = ecosystem.inspect(file, io.BytesIO(data))
        one = PublishedFile(
            name=file,
            size=len(data),
            sha256=Sha256(sha256(data).hexdigest()),
            content_hash=inspection.content_hash,
            uploaded_at=NOW,
            yanked=None,
            companions={suffix: Sha256(sha256(body).hexdigest()) for suffix, body in inspection.companions.items()},
            metadata=inspection.metadata,
        )
        rows.append(
            PublishedVersion(
                version=inspection.version, state="listed", reason="", deprecated=None, published_at=NOW, files=(one,), dependencies=()
            )
        )
    return PublishedPackage(key=ecosystem.normalize_name(name), name=name, versions=tuple(sorted(rows, key=lambda v: v.version)))


def pages_of(kind: str, *packages: PublishedPackage) -> dict[str, bytes]:
    pages = ECOSYSTEMS[kind].render(FeedView(base_url=BASE, changed=packages, packages=packages))
    assert len({page.path for page in pages}) == len(pages)
    return {page.path: page.body for page in pages}


def test_pages_are_the_same_bytes_every_time_and_lists_come_last(kind, sample):
    packages = tuple(published(kind, name, sample.versions) for name in ("Alpha", "Beta"))
    assert pages_of(kind, *packages) == pages_of(kind, *packages)
    pages = ECOSYSTEMS[kind].render(FeedView(base_url=BASE, changed=packages, packages=packages))
    roots = [page.root for page in pages]
    assert roots == sorted(roots)
    assert {page.package for page in pages if not page.root} == {p.key for p in packages}


def test_pages_lie_inside_the_feed_and_not_on_package_files(kind, sample):
    package = published(kind, "Alpha", sample.versions)
    paths = pages_of(kind, package)
    assert not any(path.startswith("/") or ".." in path.split("/") for path in paths)
    files = {
        path_of(ECOSYSTEMS[kind].layout, package=package.key, version=v.version.key, file=f.name) for v in package.versions for f in v.files
    }
    assert not files & paths.keys()


def test_the_place_of_a_package_file_tells_what_it_is_and_none_of_its_companions_or_pages_lie_there(kind, ecosystem, sample):
    package = published(kind, "Alpha", sample.versions)
    for version in package.versions:
        (file,) = version.files
        place = {"package": package.key, "version": version.version.key}
        path = path_of(ecosystem.layout, file=file.name, **place)
        assert place_of(ecosystem.layout, path) == (package.key, version.version.key, file.name)
        assert path_of(ecosystem.layout, file=f"{file.name}.companion", **place) == f"{path}.companion"
        assert name_of(ecosystem.file_name, file=file.name, **place) == file.name
    for path in pages_of(kind, package):
        assert place_of(ecosystem.layout, path) is None or not path.endswith(ecosystem.file_suffixes)


def test_only_changed_packages_are_rendered(kind, sample):
    alpha, beta = (published(kind, name, sample.versions) for name in ("Alpha", "Beta"))
    pages = ECOSYSTEMS[kind].render(FeedView(base_url=BASE, changed=(beta,), packages=(alpha, beta)))
    assert {page.package for page in pages if not page.root} == {beta.key}
    everything = pages_of(kind, alpha, beta)
    assert all(everything[page.path] == page.body for page in pages)


def test_a_rendered_feed_is_discovered_as_it_was(kind, ecosystem, sample):
    package = published(kind, "Alpha", sample.versions)
    pages = pages_of(kind, package)

    def get(url: str, /, *, accept: str = "*/*") -> Document:
        path = unquote(url.removeprefix(f"{BASE}/"))
        folder = [(f"{path.rstrip('/')}/{index.file}", index.content_type) for index in reversed(ecosystem.indexes)]
        for candidate, media in ((path, "application/json"), *folder):
            if candidate in pages:
                return Document(url=url, content_type=media, body=pages[candidate])
        raise NotThere(url)

    shouted = "ALPHA" if ecosystem.normalize_name("ALPHA") == package.key else "Alpha"
    listing = ecosystem.discover(get, sample.index, shouted)
    assert [r.version for r in listing.releases] == [v.version for v in package.versions]
    for release, version in zip(listing.releases, package.versions, strict=True):
        (remote,), (file,) = release.files, version.files
        path = path_of(ecosystem.layout, package=package.key, version=version.version.key, file=file.name)
        assert (remote.name, unquote(remote.url), remote.yanked) == (file.name, f"{BASE}/{path}", None)
        assert remote.sha256 in {None, file.sha256}
    with pytest.raises(NotThere):
        ecosystem.discover(get, sample.index, "absent")


def test_an_unlisted_version_is_marked_for_clients(kind, ecosystem, sample):
    package = published(kind, "Alpha", sample.versions[:1])
    (version,) = package.versions
    unlisted = PublishedVersion(**{f: getattr(version, f) for f in version.__slots__} | {"state": "unlisted", "reason": "broken <b>&"})
    before = pages_of(kind, package)
    after = pages_of(kind, PublishedPackage(key=package.key, name=package.name, versions=(unlisted,)))
    assert before != after
    assert not any(b"<b>&" in body for path, body in after.items() if path.endswith(".html"))


def test_a_feed_without_packages_has_only_its_lists(kind):
    pages = ECOSYSTEMS[kind].render(FeedView(base_url=BASE, changed=(), packages=()))
    assert all(page.root for page in pages)
    # A list that names packages is there also where it names none.
    with_one = published(kind, "Alpha", SAMPLES[kind].versions[:1])
    assert {page.path for page in pages} == {
        p.path for p in ECOSYSTEMS[kind].render(FeedView(base_url=BASE, changed=(), packages=(with_one,)))
    }
