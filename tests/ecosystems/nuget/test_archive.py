"""Inspecting packages: what they say, and every reason to refuse one."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.ecosystems.nuget import inspect as inspect_package
from reconciler.ecosystems.nuget.nuspec import MAX_DEPENDENCIES, MAX_NUSPEC_BYTES, MAX_TEXT_LENGTH, read_nuspec
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Dependency, Inspection
from tests.support.nupkgs import archive, nupkg, nuspec

CYRILLIC = "Anotar.S\u0435ril\u043eg.Fody"


def inspect(data: bytes, filename: str = "Foo.1.0.0.nupkg") -> Inspection:
    return inspect_package(filename, io.BytesIO(data))


def refused(data: bytes, filename: str = "Foo.1.0.0.nupkg") -> str:
    with pytest.raises(ArchiveRefused) as caught:
        inspect(data, filename)
    assert str(caught.value).isascii()
    return str(caught.value)


def with_nuspec(text: str) -> bytes:
    return archive([("foo.nuspec", text.encode())])


def manifest(inner: str, *, opening: str = "<metadata>") -> bytes:
    return with_nuspec(f"<package>{opening}<id>Foo</id><version>1.0.0</version>{inner}</metadata></package>")


def test_a_package_says_who_it_is() -> None:
    package = nupkg("Foo", "1.0", dependencies={"net48": {"Bar": "1.0"}, "net8.0": {}})
    found = inspect(package, "foo.1.0.0.nupkg")
    assert (found.name, found.version.key, found.version.text) == ("Foo", "1.0.0", "1.0")
    assert found.license == "MIT"
    assert found.dependencies == (Dependency(name="Bar", range="[1.0.0, )", condition="net48"),)
    assert found.metadata == {
        "authors": "Ada, Grace",
        "description": "Test package Foo",
        "licenseExpression": "MIT",
        "dependencyGroups": [
            {"targetFramework": "net48", "dependencies": [{"id": "Bar", "range": "[1.0.0, )"}]},
            {"targetFramework": "net8.0"},
        ],
    }
    assert found.companions == {"/foo.nuspec": zipfile.ZipFile(io.BytesIO(package)).read("Foo.nuspec")}
    assert found.content_hash is not None


@pytest.mark.parametrize("filename", ["Foo.1.0.nupkg", "foo.1.0.0.NUPKG", "FOO.01.0.0.0.nupkg", "foo.1.0.0+build.nupkg"])
def test_file_names_are_compared_after_normalisation(filename: str) -> None:
    assert inspect(nupkg("Foo", "1.0.0"), filename).name == "Foo"


@pytest.mark.parametrize(
    "filename",
    [
        "Foo.1.0.1.nupkg",
        "Bar.1.0.0.nupkg",
        "Foo.nupkg",
        "Foo.1.0.0.zip",
        "Foo.1.0.0.snupkg",
        "Foo.Bar.1.0.0.nupkg",
        "foo.nupkg.nupkg",
        "Foo.1.0.0",
        "\u2028",
    ],
)
def test_a_file_that_is_named_for_something_else_is_refused(filename: str) -> None:
    assert "something else than its name says: Foo 1.0.0" in refused(nupkg("Foo", "1.0.0"), filename)


def test_an_id_may_end_like_a_version() -> None:
    assert inspect(nupkg("Foo.1", "1.1"), "foo.1.1.1.nupkg").name == "Foo.1"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "windows-1252"])
@pytest.mark.parametrize("namespace", ["", "http://schemas.microsoft.com/packaging/2010/07/nuspec.xsd", "urn:anything"])
def test_manifests_of_any_encoding_and_namespace_are_read(encoding: str, namespace: str) -> None:
    data = nupkg("Foo", "1.0.0", metadata="<title>Größe</title>", encoding=encoding, namespace=namespace)
    assert inspect(data).metadata["title"] == "Größe"


@pytest.mark.parametrize("encoding", ["utf-7", "shift_jis", "no-such-encoding", "rot13", "unicode_escape", "", "utf-8\t"])
@pytest.mark.parametrize("padding", ["", " " * 5_000])
@pytest.mark.parametrize("stored", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_manifests_of_other_encodings_are_refused(encoding: str, padding: str, stored: str) -> None:
    text = nuspec("Foo", "1.0.0").decode().replace('encoding="utf-8"', f"{padding}encoding = '{encoding}'")
    assert "encoding that is not read" in refused(archive([("foo.nuspec", text.encode(stored))]))


def test_a_declared_encoding_that_is_not_the_stored_one_is_refused() -> None:
    text = nuspec("Foo", "1.0.0").replace(b"utf-8", b"utf-16")
    assert "not well-formed XML" in refused(archive([("foo.nuspec", text)]))


@pytest.mark.parametrize(
    "names", [[], ["foo.nuspec", "bar.NUSPEC"], ["sub/foo.nuspec"], ["foo.nuspec", "./bar.nuspec"], ["foo.nuspec", ".\\bar.nuspec"]]
)
def test_there_is_exactly_one_manifest_at_the_root(names: list[str]) -> None:
    assert "expected one" in refused(archive([(name, nuspec("Foo", "1.0.0")) for name in names]))


@pytest.mark.parametrize("name", ["./foo.nuspec", "foo.NuSpec", ".\\foo.nuspec", "anything.nuspec"])
def test_the_manifest_may_have_any_name(name: str) -> None:
    assert inspect(archive([(name, nuspec("Foo", "1.0.0")), ("sub/other.nuspec", b"")])).name == "Foo"


def test_a_manifest_that_is_there_twice_is_refused() -> None:
    assert "2 .nuspec files" in refused(archive([("foo.nuspec", nuspec("Foo", "1.0.0"))] * 2))


def test_a_huge_manifest_is_refused() -> None:
    assert f"more than {MAX_NUSPEC_BYTES} bytes" in refused(nupkg("Foo", "1.0.0", metadata=f"<title>{'x' * 10_000_000}</title>"))


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><package><metadata><id>&e;</id><version>1</version></metadata></package>',
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><package><metadata><id>&b;</id></metadata></package>',
        '<!DOCTYPE x SYSTEM "http://feed.example/x.dtd"><package/>',
        "<package><metadata><id>&undefined;</id></metadata></package>",
        "<package><metadata>",
        "",
        "\0",
        "no xml",
    ],
)
def test_entities_and_broken_xml_are_refused(text: str) -> None:
    assert "not well-formed XML, or has a document type" in refused(with_nuspec(text))


def test_deep_nesting_does_no_harm() -> None:
    assert inspect(manifest("<a>" * 50_000 + "</a>" * 50_000)).name == "Foo"


@pytest.mark.parametrize("text", ["<metadata/>", "<package/>", "<package><metadata/><metadata/></package>", "<other><metadata/></other>"])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    assert "no package manifest" in refused(with_nuspec(text))


@pytest.mark.parametrize(
    "identity",
    [
        "",
        "<id>Foo</id>",
        "<version>1.0.0</version>",
        "<id/><version/>",
        "<id>Foo</id><version>$version$</version>",
        f"<id>{CYRILLIC}</id><version>1.0.0</version>",
        "<id>../x</id><version>1.0.0</version>",
    ],
)
def test_without_a_valid_identity_a_package_is_refused(identity: str) -> None:
    assert "no usable identity" in refused(with_nuspec(f"<package><metadata>{identity}</metadata></package>"))


@pytest.mark.parametrize("twice", ["id", "version", "license", "licenseUrl", "dependencies", "description"])
def test_elements_that_are_there_twice_are_refused(twice: str) -> None:
    assert f"elements <{twice}>" in refused(manifest(f"<{twice}>1</{twice}>" * 2))


@pytest.mark.parametrize(
    ("inner", "license_", "facts"),
    [
        ('<license type="expression"> MIT OR Apache-2.0 </license>', "MIT OR Apache-2.0", {"licenseExpression": "MIT OR Apache-2.0"}),
        ('<license type="file">MIT</license>', "file: MIT", {"licenseFile": "MIT"}),
        ("<licenseUrl>https://foo.example/l</licenseUrl>", "https://foo.example/l", {"licenseUrl": "https://foo.example/l"}),
        ('<license type="expression">MIT</license><licenseUrl>https://aka.ms/deprecateLicenseUrl</licenseUrl>', "MIT", {"licenseExpression": "MIT", "licenseUrl": "https://aka.ms/deprecateLicenseUrl"}),
        ("<license>MIT</license>", None, {}),
        ('<license type="expression"/>', None, {}),
        ('<license type="other">MIT</license>', None, {}),
        ("", None, {}),
    ],
)  # fmt: skip
def test_licenses_are_taken_as_declared(inner: str, license_: str | None, facts: dict[str, str]) -> None:
    found = inspect(manifest(inner))
    assert found.license == license_
    assert found.metadata == facts


def test_facts_for_the_pages_are_taken() -> None:
    inner = """<title> T </title><tags>json  fast;small,|</tags><iconUrl>javascript:alert(1)</iconUrl><projectUrl>HTTPS://foo.example/</projectUrl>
        <requireLicenseAcceptance>TRUE</requireLicenseAcceptance><summary></summary>
        <packageTypes><packageType name="DotnetTool"/><packageType name="dotnettool" version=""/><packageType/></packageTypes>
        <packageTypes><packageType name="Own" version="2.0"/><packageType name="Own" version="nonsense"/></packageTypes>"""
    assert inspect(manifest(inner, opening='<metadata minClientVersion="2.12">')).metadata == {
        "title": "T",
        "tags": ["json", "fast", "small"],
        "projectUrl": "HTTPS://foo.example/",
        "requireLicenseAcceptance": True,
        "minClientVersion": "2.12",
        "packageTypes": [{"name": "DotnetTool"}, {"name": "Own", "version": "2.0"}, {"name": "Own"}],
    }


def test_a_minimum_client_that_is_no_version_is_left_out() -> None:
    assert inspect(manifest("", opening='<metadata minClientVersion="soon">')).metadata == {}


def test_long_texts_are_cut() -> None:
    found = inspect(manifest(f"<description>{'x' * 9_000}</description><projectUrl>https://a.example/{'x' * 9_000}</projectUrl>"))
    assert found.metadata == {"description": "x" * MAX_TEXT_LENGTH}


def test_dependencies_without_groups_are_for_every_framework() -> None:
    found = inspect(nupkg("Foo", "1.0.0", dependencies={"": {"Bar": "1.0", "Baz": ""}}))
    assert found.dependencies == (Dependency(name="Bar", range="[1.0.0, )"), Dependency(name="Baz", range=""))
    assert found.metadata["dependencyGroups"] == [{"dependencies": [{"id": "Bar", "range": "[1.0.0, )"}, {"id": "Baz", "range": "(, )"}]}]


def test_dependencies_beside_groups_are_ignored_as_by_nuget() -> None:
    found = inspect(manifest('<dependencies><dependency id="A"/><group><dependency id="B" version="[1,2)"/></group></dependencies>'))
    assert found.dependencies == (Dependency(name="B", range="[1.0.0, 2.0.0)"),)


def test_dependencies_without_an_id_are_ignored_as_by_nuget_org() -> None:
    found = inspect(manifest('<dependencies><dependency/><dependency id=" "/><dependency id="B" version="x"/></dependencies>'))
    assert found.dependencies == (Dependency(name="B", range=""),)


def test_no_dependencies_are_no_groups() -> None:
    assert "dependencyGroups" not in inspect(manifest("<dependencies/>")).metadata


def test_a_dependency_on_a_lookalike_is_refused() -> None:
    message = refused(manifest(f'<dependencies><dependency id="{CYRILLIC}"/></dependencies>'))
    assert "dependency that cannot be approved" in message
    assert "\\u0435" in message


def test_too_many_dependencies_are_refused() -> None:
    many = '<dependency id="B"/>' * (MAX_DEPENDENCIES + 1)
    assert "more than 10000 dependencies" in refused(manifest(f"<dependencies>{many}</dependencies>"))


def test_damage_in_any_entry_is_refused() -> None:
    data = nupkg("Foo", "1.0.0", extra={"lib/foo.dll": bytes(range(256)) * 40})
    assert inspect(data).name == "Foo"
    position = data.index(b"lib/foo.dll") + 60
    assert "entry 'lib/foo.dll' is damaged" in refused(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])


def test_a_signature_is_seen_and_does_not_change_the_content_hash() -> None:
    plain, one, two = (inspect(nupkg("Foo", "1.0.0", signature=signature)) for signature in (None, b"one", b"another"))
    assert "signed" not in plain.metadata
    assert one.metadata["signed"] is True
    assert plain.content_hash == one.content_hash == two.content_hash


@settings(deadline=timedelta(seconds=5))
@given(st.binary(max_size=400))
def test_any_manifest_is_read_or_refused(data: bytes) -> None:
    try:
        read_nuspec(data)
    except ArchiveRefused:
        return


PLAIN = nupkg("Foo", "1.0.0", dependencies={"net48": {"Bar": "1.0"}}, signature=b"signature")


@given(st.integers(0, len(PLAIN) - 1), st.binary(min_size=1, max_size=6))
def test_any_damage_is_refused_or_harmless(position: int, new: bytes) -> None:
    try:
        found = inspect(PLAIN[:position] + new + PLAIN[position + len(new) :])
    except ArchiveRefused:
        return
    assert (found.name, found.version.key, found.license) == ("Foo", "1.0.0", "MIT")
