from __future__ import annotations

import gzip
import io
import random
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.pypi.archive import inspect
from reconciler.ecosystems.tars import MAX_MEMBERS
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Dependency
from tests.support.wheels import core_metadata, regular, sdist, sdist_name, special, tar_gz_of, wheel, wheel_name, zip_of

WHEEL = "sample-1.0-py3-none-any.whl"
SDIST = "sample-1.0.tar.gz"
PKG_INFO = core_metadata("sample", "1.0")


def read(name, content):
    return inspect(name, io.BytesIO(content))


def wheel_of(*, info="sample-1.0.dist-info", metadata=PKG_INFO, **more):
    return zip_of([(f"{info}/METADATA", metadata), (f"{info}/WHEEL", b"Wheel-Version: 1.0\n"), *more.items()])


def sdist_of(*members):
    return tar_gz_of([regular("sample-1.0/PKG-INFO", PKG_INFO), *members])


def test_a_wheel_tells_everything():
    content = wheel("Sample.Thing", "1.0.0", requires=["rich>=13", "x; extra == 'y'"])
    found = read(wheel_name("Sample.Thing", "1.0.0"), content)
    assert (found.name, found.version.text, found.version.key, found.license) == ("Sample.Thing", "1.0.0", "1", "MIT")
    assert found.dependencies == (Dependency(name="rich", range=">=13"), Dependency(name="x", range="", condition='extra == "y"'))
    assert found.metadata == {"requires_python": ">=3.8", "core_metadata": True}
    assert found.companions == {".metadata": core_metadata("Sample.Thing", "1.0.0", requires=["rich>=13", "x; extra == 'y'"])}
    assert found.content_hash is None


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_an_sdist_tells_everything_but_has_no_companion(suffix):
    content = sdist("sample-thing", "1.0", suffix=suffix, requires=["rich>=13"], license_expression=None, requires_python=None)
    found = read(sdist_name("sample-thing", "1.0", suffix), content)
    assert (found.name, found.version.key, found.license) == ("sample-thing", "1", None)
    assert found.dependencies == (Dependency(name="rich", range=">=13"),)
    assert found.metadata == {"requires_python": None, "core_metadata": False}
    assert found.companions == {}


@pytest.mark.parametrize("info", ["sample-1.dist-info", "Sample-1.0.0.dist-info"])
def test_the_folder_may_spell_name_and_version_otherwise(info):
    assert read(WHEEL, wheel_of(info=info)).name == "sample"


@pytest.mark.parametrize("folder", ["sample-1.0", "./sample-1.0", "Sample-1.0.0"])
def test_the_folder_of_an_sdist_may_be_spelled_otherwise(folder):
    members = [special(folder, tarfile.DIRTYPE), regular(f"{folder}/sub/PKG-INFO", b"x"), regular(f"{folder}/PKG-INFO", PKG_INFO)]
    assert read(SDIST, tar_gz_of(members)).name == "sample"


@pytest.mark.parametrize("name", ["sample-1.0.tar.bz2", "sample-1.0-py2.7.egg", "../sample-1.0.tar.gz", "sample.whl", "", "sample-1.0.exe"])
def test_other_files_are_refused(name):
    with pytest.raises(ArchiveRefused, match="not the file name of a wheel or sdist"):
        read(name, b"")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (core_metadata("other", "1.0"), "holds 'other' '1.0'"),
        (core_metadata("sample", "2.0"), "holds 'sample' '2.0'"),
        (b"", "one valid Name"),
        (b"x" * (10 * 1024 * 1024), "too large"),
    ],
)
def test_a_wheel_with_other_metadata_is_refused(metadata, message):
    with pytest.raises(ArchiveRefused, match=message):
        read(WHEEL, wheel_of(metadata=metadata))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (wheel_of(info="other-1.0.dist-info"), "does not agree"),
        (wheel_of(info="sample-2.0.dist-info"), "does not agree"),
        (wheel_of(info="sample.dist-info"), "does not agree"),
        (wheel_of(info="sample-1.0.DIST-INFO"), "one folder"),
        (wheel_of(**{"other-1.0.dist-info/METADATA": b""}), "one folder"),
        (wheel_of(**{"Sample-1.0.Dist-Info/METADATA": b""}), "one folder"),
        (zip_of([("sample.py", b"")]), "one folder"),
        (zip_of([("x/sample-1.0.dist-info/METADATA", PKG_INFO)]), "one folder"),
        (zip_of([("sample-1.0.dist-info/METADATA", PKG_INFO)]), "WHEEL"),
        (zip_of([("sample-1.0.dist-info/WHEEL", b"")]), "METADATA"),
        (zip_of([("sample-1.0.dist-info/METADATA", PKG_INFO)] * 2 + [("sample-1.0.dist-info/WHEEL", b"")]), "METADATA"),
        (wheel_of(**{"../evil": b""}), "unsafe"),
        (b"PK not a zip", "ZIP"),
        (b"", "ZIP"),
    ],
)
def test_a_wheel_that_disagrees_with_itself_is_refused(content, message):
    with pytest.raises(ArchiveRefused, match=message):
        read(WHEEL, content)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "found 0"),
        ([regular("sample-1.0/setup.py", b"")], "found 0"),
        ([regular("PKG-INFO", PKG_INFO)], "found 0"),
        ([regular("sample-1.0/PKG-INFO", PKG_INFO)] * 2, "found 2"),
        ([regular("sample-1.0/PKG-INFO", PKG_INFO), regular("./sample-1.0//pkg-info", PKG_INFO)], "found 2"),
        ([regular("sample-1.0/PKG-INFO", PKG_INFO), regular("other-1.0/PKG-INFO", PKG_INFO)], "found 2"),
        ([regular("other-1.0/PKG-INFO", PKG_INFO)], "does not agree"),
        ([regular("sample/PKG-INFO", PKG_INFO)], "does not agree"),
        ([regular("sample-1.0/PKG-INFO", core_metadata("other", "1.0"))], "holds 'other'"),
        ([regular("sample-1.0/PKG-INFO", b"x" * (10 * 1024 * 1024))], "not a file of at most"),
        ([special("sample-1.0/PKG-INFO", tarfile.SYMTYPE, "setup.py")], "not a file"),
        ([special("sample-1.0/PKG-INFO", tarfile.LNKTYPE, "sample-1.0/x")], "not a file"),
        ([special("sample-1.0/PKG-INFO", tarfile.DIRTYPE)], "not a file"),
    ],
)
def test_an_sdist_that_disagrees_with_itself_is_refused(members, message):
    with pytest.raises(ArchiveRefused, match=message):
        read(SDIST, tar_gz_of(members))


@pytest.mark.parametrize("name", ["/etc/passwd", "../evil", "sample-1.0/../../evil", "..", "C:evil", "sample-1.0\\..\\..\\evil", "\\evil"])
def test_an_sdist_with_an_unsafe_name_is_refused(name):
    with pytest.raises(ArchiveRefused, match="unsafe name"):
        read(SDIST, sdist_of(regular(name, b"")))


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_an_sdist_with_a_device_is_refused(kind):
    with pytest.raises(ArchiveRefused, match="device"):
        read(SDIST, sdist_of(special("sample-1.0/device", kind)))


def test_links_are_neither_followed_nor_a_reason_to_refuse():
    links = [special("sample-1.0/s/a", tarfile.SYMTYPE, "../PKG-INFO"), special("sample-1.0/b", tarfile.LNKTYPE, "sample-1.0/PKG-INFO")]
    assert read(SDIST, sdist_of(*links, regular("sample-1.0/..hidden", b""))).name == "sample"


def test_long_names_are_read_to_their_end():
    name = f"sample-1.0/{'long/' * 100}x"
    assert read(SDIST, sdist_of(regular(name, b"content"))).name == "sample"
    renamed = regular("sample-1.0/harmless", PKG_INFO)
    renamed[0].pax_headers = {"path": "sample-1.0/PKG-INFO"}
    with pytest.raises(ArchiveRefused, match="found 2"):
        read(SDIST, sdist_of(renamed))


def test_headers_that_would_fill_memory_are_refused():
    member = regular("sample-1.0/x", b"")
    member[0].pax_headers = {"comment": "x" * 10_000_000}
    with pytest.raises(ArchiveRefused, match="bytes of headers for one member"):
        read(SDIST, sdist_of(member))


def test_a_gzip_bomb_is_refused_before_it_unpacks():
    bomb = tarfile.TarInfo("sample-1.0/zeros")
    bomb.size = 2**40
    head = gzip.decompress(sdist_of())[:1024] + bomb.tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(ArchiveRefused, match="unpacks to more"):
        read(SDIST, gzip.compress(head) + gzip.compress(bytes(64 * 1024 * 1024)) * 100)


def test_a_bomb_behind_the_end_is_refused_before_it_unpacks():
    with pytest.raises(ArchiveRefused, match="goes on after its end"):
        read(SDIST, sdist_of() + gzip.compress(bytes(64 * 1024 * 1024)) * 100)


def test_more_members_than_an_sdist_has_are_refused():
    block = tarfile.TarInfo("sample-1.0/x").tobuf(tarfile.USTAR_FORMAT)
    with pytest.raises(ArchiveRefused, match="members"):
        read(SDIST, gzip.compress(block * (MAX_MEMBERS + 1), compresslevel=1))


@pytest.mark.parametrize(
    "content", [b"", b"not gzip", gzip.compress(b"not tar" * 1000), sdist_of()[:-9], sdist_of()[:100], sdist_of()[:-8] + bytes(8)]
)
def test_a_damaged_sdist_is_refused(content):
    with pytest.raises(ArchiveRefused):
        read(SDIST, content)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "found 0"),
        ([("sample-1.0/PKG-INFO", PKG_INFO), ("sample-1.0/pkg-info", PKG_INFO)], "found 2"),
        ([("other-1.0/PKG-INFO", PKG_INFO)], "does not agree"),
        ([("sample-1.0/PKG-INFO", b"x" * (10 * 1024 * 1024))], "too large"),
    ],
)
def test_a_zipped_sdist_that_disagrees_with_itself_is_refused(entries, message):
    with pytest.raises(ArchiveRefused, match=message):
        read("sample-1.0.zip", zip_of(entries))


@given(st.integers(), st.sampled_from([WHEEL, SDIST, "sample-1.0.zip"]))
def test_changed_bytes_are_read_or_refused(seed, name):
    chance = random.Random(seed)  # noqa: S311  chooses bytes to change, no secret
    whole = {
        WHEEL: wheel("sample", "1.0"),
        SDIST: gzip.decompress(sdist("sample", "1.0")),
        "sample-1.0.zip": sdist("sample", "1.0", suffix=".zip"),
    }
    content = bytearray(whole[name])
    for _ in range(chance.randint(1, 5)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    try:
        read(name, gzip.compress(content, compresslevel=1) if name == SDIST else bytes(content))
    except ArchiveRefused:
        return


def test_equal_arguments_give_equal_bytes():
    assert wheel("sample", "1.0") == wheel("sample", "1.0")
    assert sdist("sample", "1.0") == sdist("sample", "1.0")


def test_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read(SDIST, sdist_of(regular("sample-1.0/x", b"")))
    assert list(Path(tmp_path).iterdir()) == []
