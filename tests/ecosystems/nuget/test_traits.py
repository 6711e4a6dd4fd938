"""What rules ask of a .nupkg: license, scripts, signature, target frameworks."""

from __future__ import annotations

import io

import pytest

from reconciler.ecosystems.license_texts import MAX_TEXT_BYTES
from reconciler.ecosystems.licenses import MAX_DECLARED
from reconciler.ecosystems.nuget import inspect
from reconciler.ecosystems.nuget.nuspec import MAX_GROUPS
from reconciler.ecosystems.nuget.traits import MAX_SCRIPTS
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import License, Traits
from tests.ecosystems.nuget.shared import DATA, load, needs_shared
from tests.ecosystems.test_licenses import MIT
from tests.support.nupkgs import archive, nupkg

FILE = '<license type="file">{}</license>'
URL = "<licenseUrl>{}</licenseUrl>"


def traits(data: bytes) -> Traits:
    return inspect("foo.1.0.0.nupkg", io.BytesIO(data)).traits


def licensed(metadata: str, **extra: bytes) -> License:
    """The license of a package with this XML, and these files at its root."""
    return traits(nupkg("Foo", "1.0.0", license_expression=None, metadata=metadata, extra=extra)).license


@pytest.mark.parametrize(
    ("text", "concluded"),
    [
        ("MIT", "MIT"),
        ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("(MIT or\n ISC)", "(MIT or ISC)"),
        ("UNLICENSED", ""),
        ("Apache 2.0", ""),
        ("MIT OR " * 300 + "MIT", ""),
    ],
)
def test_an_expression_is_concluded_as_it_stands(text, concluded):
    found = traits(nupkg("Foo", "1.0.0", license_expression=text)).license
    assert found == License(declared=text.strip()[:MAX_DECLARED], concluded=concluded)


@pytest.mark.parametrize(
    ("url", "concluded"),
    [
        ("https://licenses.nuget.org/MIT", "MIT"),
        ("https://www.gnu.org/licenses/agpl-3.0.html", "AGPL-3.0-only"),
        ("http://www.opensource.org/licenses/mit-license.php", "MIT"),
        ("https://aka.ms/deprecateLicenseUrl", ""),
        ("http://jquery.org/license", ""),
        ("no address", ""),
    ],
)
def test_an_address_alone_is_concluded_where_it_names_a_license(url, concluded):
    assert licensed(URL.format(url)) == License(declared=url, concluded=concluded)


@pytest.mark.parametrize(
    ("path", "name"),
    [("LICENSE", "LICENSE"), ("docs\\LICENSE.txt", "docs/LICENSE.txt"), ("./license.TXT", "LICENSE.txt"), ("a/b.md", "a/b.md")],
)
def test_a_license_file_is_read_inside_the_package(path, name):
    declared = URL.format("https://aka.ms/deprecateLicenseUrl") + FILE.format(path)
    assert licensed(declared, **{name: MIT}) == License(declared=f"file: {path}", concluded="MIT")
    assert licensed(declared, **{name: MIT.decode().encode("utf-16")}).concluded == "MIT"


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("LICENSE", {}),
        ("LICENSE", {"LICENSE": b""}),
        ("LICENSE", {"LICENSE": b"\xff\xfe\0"}),
        ("LICENSE", {"LICENSE": MIT + b"Except on Sundays."}),
        ("LICENSE", {"LICENSE": MIT + b" " * MAX_TEXT_BYTES}),
        ("LICENSE", {"LICENSE": bytes(20_000_000)}),
        ("LICENSE", {"LICENSE": MIT, "license": MIT}),
        ("../LICENSE", {"LICENSE": MIT}),
        ("/etc/passwd", {"LICENSE": MIT}),
        ("x/../LICENSE", {"LICENSE": MIT}),
        ("C:\\LICENSE", {"LICENSE": MIT}),
        ("Foo.nuspec", {"LICENSE": MIT}),
        ("LICENSE" * 1_000, {"LICENSE": MIT}),
    ],
)
def test_a_license_file_that_is_not_there_too_large_or_unknown_concludes_nothing(path, files):
    assert licensed(FILE.format(path), **files).concluded == ""


def test_a_license_file_that_is_damaged_refuses_the_package():
    data = archive([("foo.nuspec", manifest := nuspec_of(FILE.format("LICENSE"))), ("LICENSE", MIT)], method=0)
    assert manifest in data
    with pytest.raises(ArchiveRefused, match="damaged"):
        traits(data.replace(b"Permission is", b"Permission ix"))


def nuspec_of(inner: str) -> bytes:
    return f"<package><metadata><id>Foo</id><version>1.0.0</version>{inner}</metadata></package>".encode()


@pytest.mark.parametrize(
    ("url", "files", "concluded"),
    [
        ("https://github.com/dotnet/corefx/blob/master/LICENSE.TXT", {"LICENSE.TXT": MIT}, "MIT"),
        ("https://raw.githubusercontent.com/o/r/main/LICENSE", {"license": MIT}, "MIT"),
        ("https://github.com/o/r/blob/master/LICENSE", {}, ""),
        ("https://github.com/o/r/blob/master/LICENSE", {"COPYING": MIT}, ""),
        ("https://github.com/o/r/blob/master/LICENSE", {"docs/LICENSE": MIT}, ""),
        ("https://github.com/o/r/blob/master/LICENSE", {"LICENSE": b"Mine."}, ""),
        ("https://github.com/o/r/blob/master/", {"LICENSE": MIT}, ""),
        ("https://evil.example/LICENSE", {"LICENSE": MIT}, ""),
        ("https://github.com/..%2fLICENSE", {"LICENSE": MIT}, ""),
        ("https://[::1/LICENSE", {"LICENSE": MIT}, ""),
    ],
)
def test_an_address_in_a_source_repository_is_the_file_of_its_name_in_the_package_if_it_has_one(url, files, concluded):
    assert licensed(URL.format(url), **files) == License(declared=url, concluded=concluded)


def test_no_license_is_none():
    assert licensed("") == License()
    assert licensed('<license type="other">MIT</license>') == License()
    assert licensed("<license>MIT</license>") == License()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ()),
        (["tools/init.ps1"], ("tools/init.ps1",)),
        (["Tools\\Install.PS1", "tools/net45/uninstall.ps1"], ("Tools/Install.PS1", "tools/net45/uninstall.ps1")),
        (["tools/install%2Eps1", "tools/./init.ps1"], ("tools/./init.ps1", "tools/install%2Eps1")),
        (
            [
                "tools/net45/init.ps1",
                "install.ps1",
                "content/install.ps1",
                "tools/common.ps1",
                "tools/xinstall.ps1",
                "tools/install.ps1.txt",
            ],
            (),
        ),
        (["build/foo.targets", "build/foo.props"], ()),
        ([f"tools/{number:03}/install.ps1" for number in range(200)], tuple(f"tools/{n:03}/install.ps1" for n in range(MAX_SCRIPTS))),
    ],
)
def test_scripts_that_visual_studio_runs_are_named_as_they_are_found(names, expected):
    assert traits(nupkg("Foo", "1.0.0", extra=dict.fromkeys(names, b"exit"))).install_scripts == expected


def test_a_signature_vouches():
    assert traits(nupkg("Foo", "1.0.0", signature=b"signed")).provenance == ("signature",)
    assert traits(nupkg("Foo", "1.0.0")).provenance == ()
    assert traits(nupkg("Foo", "1.0.0", extra={"sub/.signature.p7s": b""})).provenance == ()


def groups(*frameworks: str) -> str:
    return "<dependencies>" + "".join(f"<group {text}/>" for text in frameworks) + "</dependencies>"


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("", ()),
        ("<dependencies/>", ()),
        ('<dependencies><dependency id="Bar" version="1.0"/></dependencies>', ()),
        (groups('targetFramework="net45"', 'targetFramework=" .NETStandard2.0 "', ""), ("net45", ".NETStandard2.0", "")),
        (groups('targetFramework="net45"', 'targetFramework="net45"'), ("net45",)),
        (groups('targetFramework="nonsense"'), ("nonsense",)),
        (groups(""), ("",)),
    ],
)
def test_frameworks_are_those_of_groups_also_without_dependencies(inner, expected):
    assert traits(archive([("foo.nuspec", nuspec_of(inner))])).frameworks == expected


def test_more_groups_than_frameworks_in_the_world_are_refused():
    with pytest.raises(ArchiveRefused, match="groups"):
        traits(archive([("foo.nuspec", nuspec_of(groups(*[""] * (MAX_GROUPS + 1))))]))


@needs_shared
def test_of_the_real_packages_these_many_conclude_and_all_rightly():
    found = {}
    for package in load("nupkg/INDEX.json")["packages"]:
        if package["origin"] != "test package":
            with (DATA / "nupkg" / package["file"]).open("rb") as file:
                license_ = inspect(f"{package['id']}.{package['version']}.nupkg", file).traits.license
            if license_.concluded:
                assert package["licence_checked"].startswith(license_.concluded)
            found[package["file"]] = license_.concluded
    assert (len(found), sum(map(bool, found.values()))) == (46, 41)
