"""What every ecosystem keeps about archives and pages, whichever it is: one suite over the table of ecosystems.

A new one needs a row in `tests/contracts/samples.py`, nothing else; `test_words.py` has its names and versions.
"""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from urllib.parse import unquote

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.layout import name_of, path_of, place_of
from reconciler.ecosystems.licenses import MAX_DECLARED, MAX_EXPRESSION
from reconciler.errors import ArchiveRefused, NotThere
from reconciler.model.packages import FeedView, License, PublishedPackage, PublishedVersion, Traits
from tests.contracts import samples
from tests.contracts.samples import SAMPLES, client_of, offer

BASE = "https://feeds.example/approved"


@pytest.fixture(params=sorted(ECOSYSTEMS))
def kind(request):
    return request.param


@pytest.fixture
def ecosystem(kind):
    return ECOSYSTEMS[kind]


@pytest.fixture
def sample(kind):
    return SAMPLES[kind]


def test_an_archive_says_what_it_is(ecosystem, sample):
    for version in sample.versions:
        file, data = sample.make("Sample", version)
        found = ecosystem.inspect(file, io.BytesIO(data))
        assert ecosystem.normalize_name(found.name) == ecosystem.normalize_name("Sample")
        assert found.version == ecosystem.parse_version(version)
        assert found.license == "MIT"


def test_what_rules_ask_of_an_archive_is_told_bounded_and_always_the_same(ecosystem, sample):
    for version in sample.versions:
        file, data = sample.make("Sample", version)
        found = ecosystem.inspect(file, io.BytesIO(data))
        assert found.traits == ecosystem.inspect(file, io.BytesIO(data)).traits
        assert found.traits.license == License(declared=(found.license or "")[:MAX_DECLARED], concluded="MIT")
        assert len(found.traits.license.concluded) <= MAX_EXPRESSION
        lists = (found.traits.install_scripts, found.traits.provenance, found.traits.frameworks)
        assert all(len(texts) <= 1_000 and all(len(text) <= 4_000 for text in texts) for texts in lists)
        assert set(found.traits.provenance) <= {"signature", "attestation"}
        json.dumps(asdict(found.traits), ensure_ascii=False).encode()  # it is recorded and shown


def test_what_rules_ask_changes_no_page(kind, sample):
    package = published(kind, "Alpha", sample.versions)
    traits = Traits(license=License(declared="d", concluded="c"), install_scripts=("s",), provenance=("signature",), frameworks=("f",))
    versions = (replace(version, files=tuple(replace(file, traits=traits) for file in version.files)) for version in package.versions)
    assert pages_of(kind, replace(package, versions=tuple(versions))) == pages_of(kind, package)


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
    return samples.published(kind, name, [offer(kind, name, version) for version in versions])


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
    get = client_of(kind, pages_of(kind, package).get, BASE)
    shouted = "ALPHA" if ecosystem.normalize_name("ALPHA") == package.key else "Alpha"
    listing = ecosystem.discover(get, BASE + sample.index, shouted)
    assert [r.version for r in listing.releases] == [v.version for v in package.versions]
    for release, version in zip(listing.releases, package.versions, strict=True):
        (remote,), (file,) = release.files, version.files
        path = path_of(ecosystem.layout, package=package.key, version=version.version.key, file=file.name)
        assert (remote.name, unquote(remote.url), remote.yanked) == (file.name, f"{BASE}/{path}", None)
        assert remote.sha256 in {None, file.sha256}
    for name in ("absent", *sample.hostile):
        with pytest.raises(NotThere):
            ecosystem.discover(get, BASE + sample.index, name)


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
