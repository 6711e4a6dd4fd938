"""What rules ask of an npm package: license, and what npm runs when it installs it."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import pytest

from reconciler.ecosystems.license_texts import MAX_TEXT_BYTES
from reconciler.ecosystems.licenses import MAX_EXPRESSION
from reconciler.ecosystems.npm import inspect
from reconciler.ecosystems.npm.manifest import MAX_MANIFEST_BYTES
from reconciler.ecosystems.npm.scripts import MAX_BUNDLED_BYTES, MAX_COMMAND, MAX_SCRIPTS
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import License, Traits
from tests.ecosystems.test_licenses import ISC, MIT
from tests.support.tarballs import tarball
from tests.support.wheels import regular, special, tar_gz_of


def traits(files: dict[str, bytes] | None = None, **manifest: Any) -> Traits:
    return inspect("foo-1.0.0.tgz", io.BytesIO(tarball("foo", "1.0.0", files=files, **manifest))).traits


@pytest.mark.parametrize(
    ("fields", "declared", "concluded"),
    [
        ({"license": "MIT"}, "MIT", "MIT"),
        ({"license": "(MIT OR Apache-2.0)"}, "(MIT OR Apache-2.0)", "(MIT OR Apache-2.0)"),
        ({"license": "Apache 2.0"}, "Apache 2.0", "Apache-2.0"),
        ({"license": "Foo-1.0"}, "Foo-1.0", "Foo-1.0"),
        ({"license": "BSD"}, "BSD", ""),
        ({"license": "UNLICENSED"}, "UNLICENSED", ""),
        ({"license": "MIT*"}, "MIT*", ""),
        ({"license": "Public Domain"}, "Public Domain", ""),
        ({"license": "https://opensource.org/licenses/MIT"}, "https://opensource.org/licenses/MIT", "MIT"),
        ({"license": None}, "", ""),
        ({"license": 1}, "", ""),
        ({"license": {"type": "MIT", "url": "https://github.com/o/r/blob/main/LICENSE"}}, "MIT", "MIT"),
        ({"license": {"type": "MIT", "url": "https://opensource.org/licenses/MIT"}}, "MIT", "MIT"),
        ({"license": {"type": "MIT", "url": "https://opensource.org/licenses/ISC"}}, "MIT", ""),
        ({"license": {"type": "BSD", "url": "https://opensource.org/licenses/BSD-3-Clause"}}, "BSD", "BSD-3-Clause"),
        ({"license": {"type": "Apache License, Version 2.0", "url": "http://www.apache.org/licenses/LICENSE-2.0"}}, "Apache License, Version 2.0", "Apache-2.0"),
        ({"license": {"url": "https://opensource.org/licenses/ISC"}}, "https://opensource.org/licenses/ISC", "ISC"),
        ({"license": {"type": ["MIT"]}}, "", ""),
        ({"license": None, "licenses": [{"type": "MIT"}]}, "MIT", "MIT"),
        ({"license": None, "licenses": [{"type": "MIT", "url": ""}, {"type": "Apache-2.0"}]}, "MIT OR Apache-2.0", "(MIT OR Apache-2.0)"),
        ({"license": None, "licenses": ["MIT", "MIT"]}, "MIT OR MIT", "MIT"),
        ({"license": None, "licenses": ["MIT", "GPLv2"]}, "MIT OR GPLv2", "(MIT OR GPL-2.0-only)"),
        ({"license": None, "licenses": ["MIT AND ISC", "Zlib"]}, "(MIT AND ISC) OR Zlib", "((MIT AND ISC) OR Zlib)"),
        ({"license": None, "licenses": ["MIT", "BSD"]}, "MIT OR BSD", ""),
        ({"license": None, "licenses": ["MIT", "SEE LICENSE IN x"]}, "MIT OR (SEE LICENSE IN x)", ""),
        ({"license": None, "licenses": ["MIT", {}]}, "MIT", ""),
        ({"license": []}, "", ""),
        ({"license": None, "licenses": {"type": "MIT"}}, "MIT", "MIT"),
    ],
)  # fmt: skip
def test_a_license_is_concluded_where_every_field_has_one_meaning(fields, declared, concluded):
    assert traits(**fields).license == License(declared=declared, concluded=concluded)


def test_a_conclusion_has_a_bound():
    assert len(traits(license=None, licenses=[f"LicenseRef-{number}" for number in range(1_000)]).license.concluded) <= MAX_EXPRESSION
    at_the_bound = [f"LicenseRef-{'a' * length}" for length in range(MAX_EXPRESSION - 30, MAX_EXPRESSION)]
    found = [len(traits(license=None, licenses=["MIT", one]).license.concluded) for one in at_the_bound]
    assert max(found) == MAX_EXPRESSION


@pytest.mark.parametrize("said", ["SEE LICENSE IN LICENSE.md", "see licence in ./license.MD", "SEE LICENSE IN <LICENSE.md>"])
@pytest.mark.parametrize("text", [MIT, MIT.decode().encode("utf-16")])
def test_the_file_that_a_manifest_names_is_read(said, text):
    assert traits({"LICENSE.md": text}, license=said).license == License(declared=said, concluded="MIT")
    assert traits({"LICENSE.md": text}, license={"type": said}).license.concluded == "MIT"


@pytest.mark.parametrize(
    ("said", "files"),
    [
        ("LICENSE", {}),
        ("LICENSE", {"LICENSE": b""}),
        ("LICENSE", {"LICENSE": MIT + b"Not on Sundays."}),
        ("LICENSE", {"LICENSE": MIT + b" " * MAX_TEXT_BYTES}),
        ("LICENSE", {"LICENSE": bytes(30_000_000)}),
        ("LICENSE", {"LICENSE": b"\xff\xfe\xd8\xd8"}),
        ("LICENSE", {"LICENSE": MIT, "license": ISC}),
        ("LICENSE", {"docs/LICENSE": MIT}),
        ("../LICENSE", {"LICENSE": MIT}),
        ("../package/LICENSE", {"LICENSE": MIT}),
        ("/etc/passwd", {"LICENSE": MIT}),
        ("the file LICENSE", {"LICENSE": MIT}),
        ("LICENSE" * 1_000, {"LICENSE": MIT}),
        ("package.json", {}),
    ],
)
def test_a_named_file_that_is_not_there_too_large_or_unknown_concludes_nothing(said, files):
    assert traits(files, license=f"SEE LICENSE IN {said}").license.concluded == ""


def test_a_named_file_that_is_a_link_or_comes_twice_concludes_nothing():
    manifest = regular("package/package.json", b'{"name": "foo", "version": "1.0.0", "license": "SEE LICENSE IN LICENSE"}')
    text = regular("package/LICENSE", MIT)
    for members, expected in (
        ([text, manifest], "MIT"),
        ([manifest, text, text], ""),
        ([manifest, regular("package/COPYING", MIT), special("package/LICENSE", tarfile.LNKTYPE, "package/COPYING")], ""),
    ):
        assert inspect("foo-1.0.0.tgz", io.BytesIO(tar_gz_of(members))).traits.license.concluded == expected


def test_a_bomb_beside_the_named_file_is_refused():
    with pytest.raises(ArchiveRefused):
        traits({"LICENSE": MIT, "zeros": bytes(300 * 1024 * 1024)}, license="SEE LICENSE IN LICENSE")


@pytest.mark.parametrize(
    ("files", "manifest", "expected"),
    [
        ({}, {}, ()),
        ({}, {"scripts": {"prepare": "x", "test": "y", "prepublish": "z"}}, ()),
        ({}, {"scripts": {"postinstall": "node setup.js"}}, ("postinstall: node setup.js",)),
        ({}, {"scripts": {"postinstall": "c", "install": "b", "preinstall": "a"}}, ("preinstall: a", "install: b", "postinstall: c")),
        ({}, {"scripts": {"install": "a\n  && \tb"}}, ("install: a && b",)),
        ({}, {"scripts": {"install": "x" * 10_000}}, ("install: " + "x" * (MAX_COMMAND - len("install: ")),)),
        ({}, {"scripts": {"install": "", "postinstall": ["x"]}}, ()),
        ({}, {"scripts": ["install"]}, ()),
        ({"binding.gyp": b""}, {}, ("install: node-gyp rebuild (for binding.gyp)",)),
        ({"binding.gyp": b""}, {"scripts": {"postinstall": "p"}}, ("install: node-gyp rebuild (for binding.gyp)", "postinstall: p")),
        ({"binding.gyp": b""}, {"scripts": {"install": "own"}}, ("install: own",)),
        ({"binding.gyp": b""}, {"scripts": {"preinstall": "own"}}, ("preinstall: own",)),
        ({"binding.gyp": b""}, {"gypfile": False}, ()),
        ({"deps/binding.gyp": b""}, {}, ()),
    ],
)
def test_what_npm_runs_is_shown_with_its_command(files, manifest, expected):
    found = inspect("foo-1.0.0.tgz", io.BytesIO(tarball("foo", "1.0.0", files=files, **manifest)))
    assert found.traits.install_scripts == expected
    assert bool(expected) == found.metadata.get("hasInstallScript", False)
    assert (found.traits.provenance, found.traits.frameworks) == ((), ())


RUNS = b'{"scripts": {"postinstall": "p"}}'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"node_modules/in/package.json": RUNS}, ("node_modules/in: postinstall: p",)),
        ({"node_modules/@s/in/package.json": RUNS}, ("node_modules/@s/in: postinstall: p",)),
        ({"Node_Modules/./in\\Package.json": RUNS}, ("node_modules/in: postinstall: p",)),
        (
            {"node_modules/b/package.json": RUNS, "node_modules/a/node_modules/c/package.json": RUNS},
            ("node_modules/a/node_modules/c: postinstall: p", "node_modules/b: postinstall: p"),
        ),
        (
            {"node_modules/in/package.json": b"{}", "node_modules/in/binding.gyp": b""},
            ("node_modules/in: install: node-gyp rebuild (for binding.gyp)",),
        ),
        ({"node_modules/in/package.json": b'{"gypfile": false}', "node_modules/in/binding.gyp": b""}, ()),
        ({"node_modules/in/package.json": b"{"}, ("node_modules/in: package.json, which cannot be read",)),
        ({"node_modules/in/package.json": b" " * (MAX_MANIFEST_BYTES + 1)}, ("node_modules/in: package.json, which cannot be read",)),
        ({"node_modules/in/package.json": b"[]", "node_modules/other/package.json": b'{"scripts": {"test": "t"}}'}, ()),
        ({"node_modules/in/lib/package.json": RUNS, "test/node_modules/in/package.json": RUNS, "node_modules/package.json": RUNS}, ()),
        ({f"node_modules/{n:03}/package.json": RUNS for n in range(200)}, tuple(f"node_modules/{n:03}: postinstall: p" for n in range(MAX_SCRIPTS))),
    ],
)  # fmt: skip
def test_what_npm_runs_of_the_packages_inside_is_shown_with_their_folder(files, expected):
    found = inspect("foo-1.0.0.tgz", io.BytesIO(tarball("foo", "1.0.0", files=files)))
    assert found.traits.install_scripts == expected
    assert "hasInstallScript" not in found.metadata, "which is about the package's own"


def test_of_many_packages_inside_so_much_is_read():
    size = MAX_MANIFEST_BYTES - 1_000
    padded = RUNS + b" " * (size - len(RUNS))
    count = MAX_BUNDLED_BYTES // size + 1
    found = traits({f"node_modules/{n:03}/package.json": padded for n in range(count)}).install_scripts
    assert (found[0], found[-1]) == ("node_modules/000: postinstall: p", f"node_modules/{count - 1:03}: package.json, which cannot be read")


def test_what_is_shown_can_be_encoded_whatever_files_are_called():
    manifest = regular("package/package.json", b'{"name": "foo", "version": "1.0.0"}')
    half = regular("package/node_modules/in/package.json", b'{"scripts": {"install": "\\ud800"}}')
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        for member, data in (manifest, regular("package/\udcff.gyp", b""), half):
            tar.addfile(member, io.BytesIO(data))
    found = inspect("foo-1.0.0.tgz", io.BytesIO(out.getvalue())).traits.install_scripts
    assert found == ("install: node-gyp rebuild (for ?.gyp)", "node_modules/in: install: ?")
