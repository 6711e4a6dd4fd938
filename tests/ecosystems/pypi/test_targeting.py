"""Which dependencies apply for a Python and a platform: markers and extras."""

import json

import pytest

from reconciler.ecosystems.pypi import contains, parse_version, targeting
from reconciler.ecosystems.pypi.markers import MAX_LENGTH, MAX_PARENTHESES, may_hold
from reconciler.ecosystems.pypi.targeting import edges, targets
from reconciler.model.packages import Dependency, Edge
from tests.support.shared import DATA, needs_shared

ANY = None


def applies(marker, target, *extras):
    found = edges([Dependency(name="a", range="", condition=marker)], (), target, frozenset(extras))
    assert found in {(), (Edge(name="a", range=""),)}
    return bool(found)


@pytest.mark.parametrize(
    ("marker", "where", "where_not"),
    [
        ("", ["3.11 linux_x86_64", "3.11", "win32", ANY], []),
        ("python_version < '3.11'", ["3.10", "3.9.7 win32", "linux_x86_64", ANY], ["3.11", "3.11.2", "3.12 linux_x86_64"]),
        ("python_version >= '3.10'", ["3.10", "3.13", ANY], ["3.9"]),
        ("python_version in '2.7 3.9'", ["3.9", ANY], ["3.11"]),
        ("'3.9' not in python_version", ["3.11", ANY], ["3.9"]),
        ("sys_platform == 'win32'", ["3.11 win32", "3.11 win_amd64", "win_arm64", "3.11", ANY], ["3.11 linux_x86_64", "macosx_arm64"]),
        ("os_name == 'nt'", ["win_amd64"], ["linux_x86_64"]),
        ("os.name == 'posix'", ["linux_x86_64", "macosx_arm64"], ["win32"]),
        ("platform_system != 'Windows'", ["linux_x86_64", "macosx_arm64"], ["win_amd64"]),
        ("platform_system == 'Darwin' and platform_machine == 'arm64'", ["macosx_arm64", "macosx_11_0_arm64"], ["macosx_x86_64"]),
        ("platform_machine == 'x86_64'", ["linux_x86_64", "manylinux_2_17_x86_64", "musllinux_1_2_x86_64", "macosx_universal2", "3.11"],
         ["linux_aarch64", "manylinux2014_aarch64", "win_amd64"]),
        ("platform_machine == 'AMD64'", ["win_amd64", "win32"], ["win_arm64", "linux_x86_64"]),
        ("platform_python_implementation == 'PyPy'", ["linux_x86_64", ANY], ["3.11", "3.11 linux_x86_64"]),
        ("implementation_name == 'cpython'", ["3.11", ANY], []),
        ("platform_release >= '5.0' or platform_version == '#1'", ["3.11 linux_x86_64", ANY], []),
        ("python_full_version <= '3.11.0a6'", ["3.10", "3.10.9", ANY], ["3.11", "3.11.0", "3.12"]),
        ("python_full_version < '3.11.4'", ["3.10", "3.11", "3.11.3", ANY], ["3.11.4", "3.12"]),
        ("python_full_version > '3.11.4'", ["3.11", "3.11.5", "3.12"], ["3.11.4", "3.10"]),
        ("python_full_version == '3.11.4'", ["3.11", "3.11.4"], ["3.11.5", "3.12", "3.1"]),
        ("python_full_version != '3.11.4'", ["3.11", "3.12"], ["3.11.4"]),
        ("implementation_version >= '3.12'", ["3.12"], ["3.11"]),
        ("python_version < '3.8' and (sys_platform == 'win32' or os_name == 'nt') or python_version >= '3.13'",
         ["3.7 win32", "3.13 linux_x86_64", "3.7", "win32", ANY], ["3.7 linux_x86_64", "3.11 win32"]),
        ("(python_version < '3.8' or sys_platform == 'win32') and python_version >= '3.10'", ["3.11 win32", ANY], ["3.7 win32", "3.11 linux_x86_64"]),
        ("sys_platform ~= 'win32'", ["3.11 linux_x86_64", ANY], []),  # what is not defined is taken to hold
    ],
)  # fmt: skip
def test_a_marker_holds_for_a_target_where_it_may(marker, where, where_not):
    assert [target for target in where if not applies(marker, target)] == []
    assert [target for target in where_not if applies(marker, target)] == []


@pytest.mark.parametrize(
    ("marker", "extras", "expected"),
    [
        ("extra == 'socks'", (), False),
        ("extra == 'socks'", ("socks",), True),
        ("extra == 'Use_Chardet'", ("use.chardet",), True),
        ("extra == 'socks'", ("other",), False),
        ("extra == 'a' or extra == 'b'", ("b",), True),
        ("extra == 'a' and extra == 'b'", ("a", "b"), False),  # each alone, as pip has it
        ("extra != 'a'", ("a",), True),  # and once without any
        ("extra == 'a' and python_version < '3.8'", ("a",), False),
        ("python_version >= '3.8' or extra == 'a'", (), True),
    ],
)
def test_extras_that_are_asked_for(marker, extras, expected):
    assert applies(marker, "3.11 linux_x86_64", *extras) == expected


@pytest.mark.parametrize(
    ("marker", "without", "with_it"),
    [
        ("extra == 'a'", False, True),
        ("extra == 'a' and sys_platform == 'win32'", False, True),
        ("sys_platform == 'win32' and (extra == 'a' or python_version < '3')", True, True),
        ("extra == 'b' or extra == 'a'", False, True),
        ("extra == 'b'", False, False),
        ("python_version < '2' and python_version > '3'", True, True),  # comparisons are not weighed against one another
    ],
)
def test_for_any_target_only_the_extra_decides(marker, without, with_it):
    assert (applies(marker, ANY), applies(marker, ANY, "a")) == (without, with_it)


@pytest.mark.parametrize(
    "marker",
    ["(" * 5000, "(" * 5000 + ")" * 5000, "nonsense", "python_version", "extra ==", "'a' == 'b'", "'a' == 'os_name'", "x" * MAX_LENGTH * 2, "\0",
     "(" * (MAX_PARENTHESES + 1) + "extra == 'a'" + ")" * (MAX_PARENTHESES + 1), "extra == 'a' and " * 1000 + "extra == 'a'",
     "'a' in extras", "'a' in dependency_groups"],
)  # fmt: skip
def test_what_cannot_be_read_is_taken_to_hold(marker):
    assert applies(marker, "3.11 linux_x86_64")
    assert applies(marker, ANY)


def test_as_many_parentheses_as_are_read_are_judged():
    nested = "(" * MAX_PARENTHESES + "extra == 'a'" + ")" * MAX_PARENTHESES
    assert (applies(nested, ANY), applies(nested, ANY, "a")) == (False, True)


def test_extras_and_specifiers_of_a_range():
    declared = [
        Dependency(name="urllib3", range="[Socks,brotli_x]<3,>=1.21.1"),
        Dependency(name="Plain", range=">=1"),
        Dependency(name="Plain", range=">=1"),
        Dependency(name="direct", range="[x]@ https://example.org/a.whl"),
        Dependency(name="odd", range="odd >=1 nonsense"),
    ]
    found = edges(declared, (), "3.11", frozenset())
    assert found == (
        Edge(name="Plain", range=">=1"),
        Edge(name="direct", range="@ https://example.org/a.whl", extras=("x",)),
        Edge(name="odd", range="odd >=1 nonsense"),
        Edge(name="urllib3", range="<3,>=1.21.1", extras=("brotli-x", "socks")),
    )
    assert contains(found[3].range, parse_version("2.0"))
    for edge in found[1:3]:
        with pytest.raises(ValueError, match="Invalid specifier"):
            contains(edge.range, parse_version("2.0"))


def test_targets_are_each_python_on_each_platform():
    assert targeting.keys == ("python", "platforms")
    declared = {"platforms": ["linux_x86_64", "win_amd64"], "python": ["3.11", "3.12", "3.11"]}
    assert targets(declared) == ("3.11 linux_x86_64", "3.11 win_amd64", "3.12 linux_x86_64", "3.12 win_amd64")
    assert targets({"python": ["3.11.4"]}) == ("3.11.4",)
    assert targets({"platforms": ["macosx_arm64"]}) == ("macosx_arm64",)
    assert targets({}) == ()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        *(("python", text) for text in ("", "3", "3.x", "py311", ">=3.11", "3.11 ", "3.11.1.1", "3.11rc1", "1.5")),
        *(("platforms", text) for text in ("", "linux", "linux_amd64", "darwin_arm64", "win64", "windows", "linux_x86_64 ", "any")),
    ],
)
def test_what_is_no_target(key, text):
    with pytest.raises(ValueError, match=r"is no (version of Python|platform) as in"):
        targets({key: [text]})


# --- the library's own rows -----------------------------------------------------------------------------------------------------------


@needs_shared
def test_markers_are_judged_as_the_library_judges_them():
    """Rows of evaluation with a marker and an environment that are written out. The other tables are about parsing and printing."""
    tests = json.loads((DATA / "conformance/pypi-markers.json").read_text(encoding="utf-8"))["tests"]
    wanted = {"TestMarker.test_evaluates", "TestMarker.test_evaluate_pep345_markers", "TestMarker.test_version_like_equality"}
    rows = [row for test in tests if test["test"] in wanted for row in test["rows"] if isinstance(row[0], str)]
    judged = [(marker, environment or {"extra": ""}, expected) for marker, environment, expected in rows]
    found = [may_hold(marker, tuple((key, value.lower()) for key, value in known.items())) for marker, known, _ in judged]
    assert found == [expected for _, _, expected in judged]
    assert len(found) == 13


@needs_shared
def test_what_the_library_cannot_parse_is_taken_to_hold():
    tests = json.loads((DATA / "conformance/pypi-markers.json").read_text(encoding="utf-8"))["tests"]
    (rows,) = [test["rows"] for test in tests if test["test"] == "TestMarker.test_parses_invalid"]
    assert rows
    assert all(applies(marker, "3.11 linux_x86_64") for marker in rows)
