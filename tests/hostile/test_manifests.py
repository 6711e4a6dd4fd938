"""What a package says of itself, said to deceive: XML of NuGet's manifests, core metadata of Python packages, names in all of them."""

from __future__ import annotations

from typing import Final

import pytest

from reconciler.errors import ArchiveRefused
from tests.hostile.bounds import bounded
from tests.hostile.kinds import KINDS, NUPKG, SDIST, TARS, WHEEL, ZIPPED, Kind, member, tar_of
from tests.support.nupkgs import archive

PYPI: Final = {"wheel": WHEEL, "zipped sdist": ZIPPED, "sdist": SDIST}

CYRILLIC: Final = "s\u0430mple"
NAMES: Final = {
    "homoglyph": CYRILLIC,
    "Kelvin sign": "\u212aernel",
    "full width": "\uff53ample",
    "zero width": "sam\u200bple",
    "bidirectional": "sample\u202egnp.exe",
    "combining": "sa\u0301mple",
    "escape sequence": "\x1b[31msample",
    "line break": "\n::error::owned",
    "carriage return": "sample\rother",
    "tab": "sam\tple",
    "NUL": "sample\0",
    "slash": "../sample",
    "backslash": "..\\sample",
    "markup": "<script>alert(1)</script>",
    "10,000 characters": "a" * 10_000,
    "10,000 hidden characters": "\u202e" * 10_000,
    "surrogate": "sam\udcffple",
    "nothing": "",
    "dots": "..",
}


def with_manifest(kind: Kind, manifest: bytes, *, folder: str | None = None) -> bytes:
    """A package of which only the manifest differs from a valid one; `folder` stands for the folder of the metadata."""
    entries = [(name, manifest if name == kind.manifest else data) for name, data in kind.entries]
    if folder is not None:
        entries = [(name.replace(kind.manifest.partition("/")[0], folder, 1), data) for name, data in entries]
    return tar_of(*(member(name, data) for name, data in entries)) if kind in TARS.values() else archive(entries)


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture(params=PYPI.values(), ids=list(PYPI))
def python(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


# --- names ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_a_hostile_name_in_the_manifest_is_refused(kind, name):
    manifest = kind.says("sample", "1.0.0").replace(b"sample", name.encode("utf-8", "surrogatepass"))
    kind.refused(with_manifest(kind, manifest))


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_a_hostile_file_name_is_refused(kind, name):
    kind.refused(with_manifest(kind, kind.says("sample", "1.0.0")), kind.file.replace("sample", name, 1))


@pytest.mark.parametrize("name", [CYRILLIC, "sample\u202e", "\x1b[31m", "a" * 10_000], ids=ascii)
def test_a_hostile_folder_of_metadata_is_refused(python, name):
    folder = python.manifest.partition("/")[0].replace("sample", name, 1)
    if python is SDIST and len(name) > 100:
        folder = folder[-200:]  # which a header can hold
    python.refused(with_manifest(python, python.says("sample", "1.0.0"), folder=folder))


@pytest.mark.parametrize(
    "version",
    ["1.0.0\u202e", "1.0.\u0660", "1.0.0\x1b[31m", "9" * 10_000, "1" + ".0" * 50_000, "", "../1.0.0", "latest"],
    ids=lambda v: ascii(v[:20]),
)
def test_a_hostile_version_is_refused(kind, version):
    manifest = kind.says("sample", "1.0.0").replace(b"1.0.0", version.encode())
    with bounded(seconds=5, mebibytes=32):
        kind.refused(with_manifest(kind, manifest))


@pytest.mark.parametrize("name", [CYRILLIC, "sample\u202e", "\x1b[31m", "a" * 10_000], ids=lambda v: ascii(v[:20]))
def test_a_hostile_name_of_a_dependency_is_refused_or_no_range(name):
    inner = f'<dependencies><dependency id="{name}" version="1.0"/></dependencies>'.replace("\x1b", "&#27;")
    NUPKG.refused(with_manifest(NUPKG, NUPKG.says("sample", "1.0.0").replace(b"</metadata>", f"{inner}</metadata>".encode())))
    for python in PYPI.values():
        metadata = python.says("sample", "1.0.0").replace(b"\n\n", f"\nRequires-Dist: {name}>=1\n\n".encode(), 1)
        if name.startswith("s"):  # begins like a name: seen as a dependency that nothing satisfies
            (dependency,) = python.inspect(with_manifest(python, metadata)).dependencies
            assert dependency.name.isascii()
        else:
            python.refused(with_manifest(python, metadata))


# --- XML --------------------------------------------------------------------------------------------------------------------------

IDENTITY: Final = "<metadata><id>sample</id><version>1.0.0</version>{}</metadata>"
PACKAGE: Final = f"<package>{IDENTITY}</package>"
LAUGHS: Final = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol" * 10}">' for n in range(10))

DOCUMENTS: Final = {
    "external entity": '<!DOCTYPE p [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + PACKAGE.format("<title>&e;</title>"),
    "remote entity": '<!DOCTYPE p [<!ENTITY e SYSTEM "http://127.0.0.1:9/e">]>' + PACKAGE.format("<title>&e;</title>"),
    "parameter entity": '<!DOCTYPE p [<!ENTITY % e SYSTEM "http://127.0.0.1:9/e"> %e;]>' + PACKAGE.format(""),
    "external DTD": '<!DOCTYPE p SYSTEM "http://127.0.0.1:9/p.dtd">' + PACKAGE.format(""),
    "empty DTD": "<!DOCTYPE p []>" + PACKAGE.format(""),
    "billion laughs": f"<!DOCTYPE p [{LAUGHS}]>" + PACKAGE.format("<title>&l9;</title>"),
    "quadratic blowup": f'<!DOCTYPE p [<!ENTITY a "{"a" * 50_000}">]>' + PACKAGE.format(f"<title>{'&a;' * 50_000}</title>"),
    "attributes by entity": '<!DOCTYPE p [<!ATTLIST id x CDATA "y">]>' + PACKAGE.format(""),
    "no entity": PACKAGE.format("<title>&undefined;</title>"),
    "not closed": PACKAGE.format("<title>"),
    "two roots": PACKAGE.format("") * 2,
    "junk behind": PACKAGE.format("") + "junk",
    "control characters": PACKAGE.format("<title>\x1b[31m</title>"),
    "NUL": PACKAGE.format("<title>\0</title>"),
    "two identities": f"<package>{IDENTITY * 2}</package>".format("", ""),
    "two ids": PACKAGE.format("<id>other</id>"),
    "two ids in namespaces": PACKAGE.format('<x:id xmlns:x="urn:x">other</x:id>'),
    "another root": PACKAGE.format("").replace("package", "html"),
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=list(DOCUMENTS))
def test_xml_that_deceives_is_refused_at_once(document):
    with bounded(seconds=3, mebibytes=64):
        assert ".nuspec" in NUPKG.refused(with_manifest(NUPKG, document.encode()))


ENCODED: Final = {
    "UTF-7": '<?xml version="1.0" encoding="utf-7"?>' + PACKAGE.format(""),
    "UTF-7 declared in UTF-16": ('<?xml version="1.0" encoding="utf-7"?>' + PACKAGE.format("")).encode("utf-16"),
    "UTF-16 declared in UTF-8": '<?xml version="1.0" encoding="utf-16"?>' + PACKAGE.format(""),
    "EBCDIC": ('<?xml version="1.0" encoding="cp037"?>' + PACKAGE.format("")).encode("cp037"),
    "UTF-32": PACKAGE.format("").encode("utf-32"),
    "broken UTF-8": PACKAGE.format("<title>\udcff</title>").encode("utf-8", "surrogateescape"),
    "overlong UTF-8": PACKAGE.format("<title>X</title>").encode().replace(b"X", b"\xc0\xbcid\xc0\xbe"),
    "doctype in UTF-16": DOCUMENTS["billion laughs"].encode("utf-16"),
}


@pytest.mark.parametrize("document", ENCODED.values(), ids=list(ENCODED))
def test_xml_that_reads_differently_in_another_encoding_is_refused(document):
    with bounded(seconds=3, mebibytes=64):
        assert ".nuspec" in NUPKG.refused(with_manifest(NUPKG, document.encode() if isinstance(document, str) else document))


LARGE: Final = {
    "attribute": PACKAGE.format(f'<title x="{"y" * 900_000}"/>'),
    "attributes": PACKAGE.format("<title " + " ".join(f'a{n}="1"' for n in range(60_000)) + "/>"),
    "namespaces": PACKAGE.format("<title " + " ".join(f'xmlns:a{n}="u{n}"' for n in range(30_000)) + "/>"),
    "depth": PACKAGE.format("<a>" * 50_000 + "</a>" * 50_000),
    "elements": PACKAGE.format("<a/>" * 50_000),
    "text": PACKAGE.format(f"<description>{'x' * 900_000}</description>"),
    "tags": PACKAGE.format(f"<tags>{'x,' * 400_000}</tags>"),
    "types": PACKAGE.format("<packageTypes>" + '<packageType name="a"/>' * 20_000 + "</packageTypes>"),
    "range": PACKAGE.format(f'<dependencies><dependency id="a" version="{"1." * 400_000}"/></dependencies>'),
    "comment": PACKAGE.format(f"<!--{'x' * 900_000}-->"),
}


@pytest.mark.parametrize("document", LARGE.values(), ids=list(LARGE))
def test_large_xml_is_read_within_bounds_or_refused(document):
    data = with_manifest(NUPKG, document.encode())
    with bounded(seconds=10, mebibytes=200):
        try:
            assert NUPKG.inspect(data).name == "sample"
        except ArchiveRefused:
            return


def test_a_manifest_of_10_megabytes_is_refused():
    data = with_manifest(NUPKG, PACKAGE.format(f"<title>{'x' * 10_000_000}</title>").encode())
    with bounded(seconds=3, mebibytes=32):
        assert "too large" in NUPKG.refused(data)


# --- core metadata ----------------------------------------------------------------------------------------------------------------


def test_metadata_of_3_megabytes_is_read_and_of_10_is_refused(python):
    """pip has no bound; descriptions that people write have some hundred kilobytes."""
    head = python.says("sample", "1.0.0")
    assert python.inspect(with_manifest(python, head + b"line of text\n" * 240_000)).name == "sample"
    huge = with_manifest(python, head + b"line of text\n" * 800_000)
    with bounded(seconds=5, mebibytes=32):
        reason = python.refused(huge)
    assert "too large" in reason or "not a file of at most 4194304 bytes" in reason


HEADERS: Final = {
    "one name": b"Classifier: x\n" * 100_000,
    "many names": b"".join(b"X-%d: x\n" % number for number in range(100_000)),
    "requirements": b"Requires-Dist: other>=1\n" * 100_000,
}


@pytest.mark.parametrize("lines", HEADERS.values(), ids=list(HEADERS))
def test_100000_header_lines_are_refused_at_once(python, lines):
    data = with_manifest(python, python.says("sample", "1.0.0").replace(b"\n\n", b"\n" + lines + b"\n", 1))
    with bounded(seconds=10, mebibytes=100):
        assert "fields" in python.refused(data)


HARMLESS: Final = {
    "continuation lines": b"License: x\n" + b"  more\n" * 100_000,
    "blank continuation lines": b"License: x\n" + b"  \n" * 100_000,
    "a long line": b"Keywords: " + b"x," * 400_000 + b"\n",
    "an encoded word": b"Author: =?utf-8?b?" + b"QUFB" * 10_000 + b"?=\n",
    "nested parentheses": b"Requires-Dist: a; " + b"(" * 9_000 + b"\n",
    "a long marker": b"Requires-Dist: a; " + b" or ".join([b"os_name=='a'"] * 600) + b"\n",
    "a long range": b"Requires-Dist: a " + b",".join([b">=1"] * 2_000) + b"\n",
    "a multipart type": b"Content-Type: multipart/mixed; boundary=x\n",
    "a transfer encoding": b"Content-Transfer-Encoding: base64\n",
}


@pytest.mark.parametrize("lines", HARMLESS.values(), ids=list(HARMLESS))
def test_odd_header_lines_are_read_within_bounds(python, lines):
    data = with_manifest(python, python.says("sample", "1.0.0").replace(b"\n\n", b"\n" + lines + b"\n", 1))
    with bounded(seconds=20, mebibytes=200):
        assert python.inspect(data).name == "sample"


ENDLESS: Final = {
    "a range": b"Requires-Dist: a " + b",".join([b">=1"] * 200_000),
    "a marker": b"Requires-Dist: a; " + b" or ".join([b"os_name=='a'"] * 60_000),
    "Python": b"Requires-Python: " + b",".join([b">=3"] * 200_000),
    "all fields": b"License: " + b"x" * 1_500_000,
}


@pytest.mark.parametrize("line", ENDLESS.values(), ids=list(ENDLESS))
def test_what_the_parser_would_take_minutes_for_is_refused(python, line):
    """A range of three megabytes takes packaging 145 s."""
    data = with_manifest(
        python, python.says("sample", "1.0.0").replace(b"Requires-Python: >=3.8\n", b"").replace(b"\n\n", b"\n" + line + b"\n\n", 1)
    )
    with bounded(seconds=5, mebibytes=100):
        assert "characters" in python.refused(data)
