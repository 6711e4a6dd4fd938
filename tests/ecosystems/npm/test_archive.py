from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile

import pytest

from reconciler.ecosystems.npm import inspect
from reconciler.ecosystems.npm.manifest import MAX_MANIFEST_BYTES
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Inspection
from tests.support.tarballs import packed, tarball, tarball_name
from tests.support.wheels import regular, special, tar_gz_of

MANIFEST = json.dumps({"name": "foo", "version": "1.0.0", "license": "MIT"}).encode()
NAME = "foo-1.0.0.tgz"


def read(data: bytes, name: str = NAME) -> Inspection:
    return inspect(name, io.BytesIO(data))


def refused(data: bytes, name: str = NAME) -> str:
    with pytest.raises(ArchiveRefused) as caught:
        read(data, name)
    return str(caught.value)


def test_a_package_says_what_it_is():
    data = tarball("foo", "1.0.0", dependencies={"bar": "^1"}, engines={"node": ">=18"})
    found = read(data)
    assert (found.name, found.version.key, found.license) == ("foo", "1.0.0", "MIT")
    assert [(one.name, one.range) for one in found.dependencies] == [("bar", "^1")]
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        sizes = [member.size for member in archive]
    assert found.metadata == {
        "dependencies": {"bar": "^1"},
        "engines": {"node": ">=18"},
        "license": "MIT",
        "fileCount": 2,
        "unpackedSize": sum(sizes),
        "integrity": "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode(),
        "shasum": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    }
    assert (found.companions, found.content_hash) == ({}, None)


@pytest.mark.parametrize("folder", ["package", "foo", "foo-1.0.0", ".", "a b"])
def test_the_first_folder_may_have_any_name(folder):
    assert read(packed({"package.json": MANIFEST}, folder=folder)).name == "foo"


@pytest.mark.parametrize(
    ("name", "version", "file"),
    [
        ("foo", "1.0.0", "foo-1.0.0.tgz"),
        ("foo", "v1.0.0", "foo-1.0.0.tgz"),
        ("foo", "1.0.0+build", "foo-1.0.0.tgz"),
        ("foo-1", "1.0.0-rc.1", "foo-1-1.0.0-rc.1.tgz"),
        ("@s/foo", "1.0.0", "foo-1.0.0.tgz"),
        ("@s/foo", "1.0.0", "s-foo-1.0.0.tgz"),
        ("Foo", "1.0.0", "Foo-1.0.0.tgz"),
    ],
)
def test_file_names_of_registries_and_of_npm_pack(name, version, file):
    assert read(tarball(name, version), file).name == name


@pytest.mark.parametrize(
    "file",
    [
        "bar-1.0.0.tgz",
        "foo-1.0.1.tgz",
        "foo.tgz",
        "foo-1.0.0.tar.gz",
        "Foo-1.0.0.tgz",
        "foo-1.0.tgz",
        "foo1.0.0.tgz",
        "foo-x-1.0.0.tgz",
        "../foo-1.0.0.tgz",
        "",
    ],
)
def test_another_file_name_is_refused(file):
    assert "holds something else" in refused(tarball("foo", "1.0.0"), file)


@pytest.mark.parametrize(
    ("files", "manifest", "expected"),
    [
        ({}, {}, None),
        ({}, {"scripts": {"postinstall": "node x"}}, True),
        ({}, {"scripts": {"prepare": "node x"}}, None),
        ({"binding.gyp": b"{}"}, {}, True),
        ({"Other.GYP": b"{}"}, {}, True),
        ({"binding.gyp": b"{}"}, {"gypfile": False}, None),
        ({"binding.gyp": b"{}"}, {"gypfile": False, "scripts": {"install": "node x"}}, True),
        ({"deps/binding.gyp": b"{}"}, {}, None),
    ],
)
def test_install_scripts_are_found_as_npm_finds_them(files, manifest, expected):
    assert read(tarball("foo", "1.0.0", files=files, **manifest)).metadata.get("hasInstallScript") is expected


@pytest.mark.parametrize(
    ("path", "expected"), [("npm-shrinkwrap.json", True), ("x/npm-shrinkwrap.json", None), ("package-lock.json", None)]
)
def test_a_shrinkwrap_is_seen(path, expected):
    assert read(tarball("foo", "1.0.0", files={path: b"{}"})).metadata.get("hasShrinkwrap") is expected


@pytest.mark.parametrize(
    "other",
    [
        "package/package.json", "other/package.json", "package/Package.JSON", "package/./package.json", "package//package.json", "./package/package.json",
        "package.json", "Package.json", ".//package.json", "././package.json", "package/package.json.", "package/package.json ", ".\\package.json",
        "package/pac\u212aage.json", "package/package.j\u017fon", "package\\package.json", "./package.json",
    ],
)  # fmt: skip
@pytest.mark.parametrize("first", [True, False])
def test_a_second_manifest_is_refused_however_it_is_spelled(other, first):
    members = [regular("package/package.json", MANIFEST), regular(other, MANIFEST)]
    assert "package.json" in refused(tar_gz_of(members if first else members[::-1]))


@pytest.mark.parametrize("path", ["package/lib/package.json", "package/node_modules/x/package.json"])
def test_a_package_json_elsewhere_is_just_a_file(path):
    assert read(tar_gz_of([regular("package/package.json", MANIFEST), regular(path, b"[]")])).metadata["fileCount"] == 2


@pytest.mark.parametrize("members", [[], [regular("package/index.js", b"")], [regular("a/b/package.json", MANIFEST)]])
def test_a_package_without_a_manifest_is_refused(members):
    assert "found none" in refused(tar_gz_of(members))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_a_manifest_that_is_no_file_is_refused(kind):
    refused(tar_gz_of([regular("package/real.json", MANIFEST), special("package/package.json", kind, "package/real.json")]))


@pytest.mark.parametrize(
    "member",
    [
        regular("../evil", b""), regular("/etc/evil", b""), regular("package/../../evil", b""), regular("package\\..\\..\\evil", b""), regular("C:/evil", b""),
        special("package/null", tarfile.CHRTYPE), special("package/disk", tarfile.BLKTYPE), special("package/pipe", tarfile.FIFOTYPE),
        special("package/link", tarfile.SYMTYPE, "/etc/passwd"), special("package/link", tarfile.SYMTYPE, "../../x"),
        special("package/link", tarfile.LNKTYPE, "../x"), special("package/link", tarfile.LNKTYPE, "/etc/passwd"),
    ],
)  # fmt: skip
def test_hostile_members_are_refused(member):
    refused(tar_gz_of([regular("package/package.json", MANIFEST), member]))


def test_a_hard_link_inside_is_no_harm():
    members = [
        regular("package/package.json", MANIFEST),
        regular("package/a.js", b"x"),
        special("package/b.js", tarfile.LNKTYPE, "package/a.js"),
    ]
    assert read(tar_gz_of(members)).metadata["fileCount"] == 2


def test_a_manifest_that_is_too_large_is_refused():
    refused(packed({"package.json": MANIFEST + b" " * MAX_MANIFEST_BYTES}))


def test_a_bomb_is_refused_before_it_goes_off():
    bomb = packed({"package.json": MANIFEST, "zeros": bytes(300 * 1024 * 1024)})
    assert len(bomb) < 400_000
    assert "unpacks to more" in refused(bomb)


def test_what_follows_the_end_is_refused():
    plain = gzip.decompress(tarball("foo", "1.0.0"))
    hidden = gzip.decompress(packed({"package.json": MANIFEST}))
    refused(gzip.compress(plain + hidden))
    refused(tarball("foo", "1.0.0") + b"junk")


@pytest.mark.parametrize("keep", [0, 1, 10, 20, 100, -9, -1])
def test_a_package_that_is_cut_off_is_refused(keep):
    refused(tarball("foo", "1.0.0")[:keep])


def test_a_changed_byte_is_refused_or_changes_the_digest():
    data = tarball("foo", "1.0.0")
    for position in range(0, len(data), 7):
        changed = data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]
        try:
            found = read(changed)
        except ArchiveRefused:
            continue
        assert found.metadata["integrity"] != read(data).metadata["integrity"]


def test_the_same_package_is_the_same_bytes():
    assert tarball("@s/foo", "1.0.0") == tarball("@s/foo", "1.0.0")
    assert tarball_name("@s/foo", "1.0.0") == NAME
