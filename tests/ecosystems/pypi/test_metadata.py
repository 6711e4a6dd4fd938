from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.pypi.metadata import MAX_FIELD_NAMES, MAX_FIELDS, read_metadata
from reconciler.ecosystems.pypi.names import contains, parse_version
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Dependency

HEAD = "Metadata-Version: 2.1\nName: Sample.Thing\nVersion: 1.0.0\n"


def read(text):
    return read_metadata(text if isinstance(text, bytes) else text.encode(), "METADATA")


def test_name_and_version_are_read_as_spelled():
    metadata = read(HEAD + "\nName: in the description\n")
    assert (metadata.name, metadata.key, metadata.version.text) == ("Sample.Thing", "sample-thing", "1.0.0")
    assert (metadata.license, metadata.requires_python, metadata.dependencies) == (None, None, ())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("", None),
        ("License: UNKNOWN\n", None),
        ("License: MIT\n", "MIT"),
        ("License-Expression: MIT OR Apache-2.0\nLicense: other\n", "MIT OR Apache-2.0"),
        (
            "License: a text\n        of lines\nClassifier: License :: OSI Approved :: MIT License\n",
            "License :: OSI Approved :: MIT License",
        ),
        ("Classifier: License :: A\nClassifier: Topic :: B\nClassifier: License :: C\n", "License :: A; License :: C"),
        ("License: a text\n        of lines\n", "a text\n        of lines"),
    ],
)
def test_the_license_is_the_most_precise_statement(fields, expected):
    assert read(HEAD + fields).license == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rich", Dependency(name="rich", range="")),
        ("rich>=13,<14", Dependency(name="rich", range="<14,>=13")),
        ("rich (>=13)", Dependency(name="rich", range=">=13")),
        ("rich[b,a]>=13", Dependency(name="rich", range="[a,b]>=13")),
        ("rich; python_version<'3.8'", Dependency(name="rich", range="", condition='python_version < "3.8"')),
        ("rich~=1.0 ; extra == 'x'", Dependency(name="rich", range="~=1.0", condition='extra == "x"')),
        ("rich @ https://files.example/rich.whl", Dependency(name="rich", range="@ https://files.example/rich.whl")),
    ],
)
def test_dependencies_keep_range_extras_and_condition(text, expected):
    assert read(f"{HEAD}Requires-Dist: {text}\n").dependencies == (expected,)


@pytest.mark.parametrize(
    "text",
    [
        "rich (>dev)",
        "rich >=1.0.*",
        "rich ^1.0",
        "rich!",
        "rich ;;",
        "rich @ nowhere x",
        "rich; nonsense",
        f"rich; {'(' * 4000}os_name>''{')' * 4000}",
    ],
)
def test_a_requirement_that_cannot_be_read_admits_no_version(text):
    (dependency,) = read(f"{HEAD}Requires-Dist: {text}\n").dependencies
    assert dependency.name == "rich"
    with pytest.raises(ValueError):
        contains(dependency.range, parse_version("1.0"))


@pytest.mark.parametrize("text", [">=1.0", "", "!", "[x]"])
def test_a_requirement_without_a_name_is_refused(text):
    with pytest.raises(ArchiveRefused, match="no name"):
        read(f"{HEAD}Requires-Dist: {text}\n")


@pytest.mark.parametrize(
    "text",
    [
        HEAD.replace("2.1", "99.0") + "Unknown-Field: x\n",
        HEAD.replace("Metadata-Version: 2.1\n", ""),
        HEAD + "Requires-Python: nonsense\nSummary: a\n  b\nDynamic: name\nProject-URL: x\nProject-URL: x\n",
        HEAD.replace("\n", "\r\n") + "\r\nbody",
        HEAD + 'Content-Type: multipart/mixed; boundary="x"\n\n--x\n--x\n',
        HEAD.encode() + "Author: Zoë\n".encode("latin-1"),
        HEAD.encode() + "Author: Zoë\n".encode(),
        HEAD + "Author: =?unknown?b?!!!?=\n",
    ],
)
def test_what_pip_reads_is_read(text):
    assert read(text).key == "sample-thing"


def test_requires_python_is_one_line():
    assert read(HEAD + "Requires-Python: >=3.8,\n   <4\n").requires_python == ">=3.8, <4"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n" + HEAD,
        "Name: x\n",
        "Version: 1\n",
        HEAD + "Name: other\n",
        HEAD + "Version: 2\n",
        HEAD.replace("Sample.Thing", "_sample"),
        HEAD.replace("Sample.Thing", "a/b"),
        HEAD.replace("1.0.0", "latest"),
        "no colon\n" + HEAD,
        b"\xff\xfe" + HEAD.encode("utf-16-le"),
    ],
)
def test_name_and_version_must_be_there_once(text):
    with pytest.raises(ArchiveRefused, match="one valid Name and one valid Version"):
        read(text)


@pytest.mark.parametrize(
    "fields",
    ["Classifier: x\n" * (MAX_FIELDS + 1), "".join(f"X-{number}: x\n" for number in range(MAX_FIELD_NAMES + 1))],
)
def test_too_many_fields_are_refused(fields):
    with pytest.raises(ArchiveRefused, match="fields"):
        read(HEAD + fields)


def test_as_many_fields_as_are_allowed_are_read_soon():
    fields = "".join(f"X-{number}: x\n" for number in range(MAX_FIELD_NAMES - 4)) + "Classifier: x\n" * (MAX_FIELDS - MAX_FIELD_NAMES)
    began = time.perf_counter()
    assert read(HEAD + fields + "\n" + "Name: x\n" * 100_000).key == "sample-thing"
    assert time.perf_counter() - began < 10


@given(st.binary(max_size=200))
def test_any_bytes_after_the_head_are_read_or_refused(tail):
    try:
        assert read(HEAD.encode() + tail).key == "sample-thing"
    except ArchiveRefused:
        return
