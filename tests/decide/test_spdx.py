"""How SPDX license expressions are read; NuGet's and packaging's own rows where ../shared/data is there."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.decide.spdx import MAX_DEPTH, MAX_LENGTH, Either, Every, Term, Unreadable, read_expression, read_term, terms_of
from reconciler.decide.spdx_list import EXCEPTION_SUCCESSORS, EXCEPTIONS, LICENSES, SUCCESSORS

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not DATA.is_dir(), reason="the folder shared/data is not beside the repository")


def read(text):
    """The canonical text of an expression; None for what is none."""
    found = read_expression(text)
    return None if isinstance(found, Unreadable) else str(found)


def reason(text):
    found = read_expression(text)
    assert isinstance(found, Unreadable)
    return found.reason


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("MIT", "MIT"),
        (" mit\n", "MIT"),
        ("((MIT))", "MIT"),
        ("apache-2.0", "Apache-2.0"),
        ("Apache-2.0+", "Apache-2.0+"),
        ("OpenMDW-1.0", "OpenMDW-1.0"),  # newer than the list of the library
        ("ESA-PL-permissive-2.4", "ESA-PL-permissive-2.4"),
        ("GPL-3.0", "GPL-3.0-only"),
        ("GPL-3.0+", "GPL-3.0-or-later"),
        ("gpl-2.0-only+", "GPL-2.0-or-later"),
        ("GPL-2.0-or-later+", "GPL-2.0-or-later"),
        ("AGPL-3.0", "AGPL-3.0-only"),
        ("AGPL-3.0+", "AGPL-3.0-or-later"),  # not on the list itself
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("GFDL-1.3", "GFDL-1.3-only"),
        ("GPL-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("GPL-3.0-with-GCC-exception", "GPL-3.0-only WITH GCC-exception-3.1"),
        ("GPL-2.0 WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("LGPL-2.1 WITH Nokia-Qt-exception-1.1", "LGPL-2.1-only WITH Qt-LGPL-exception-1.1"),
        ("eCos-2.0", "GPL-2.0-or-later WITH eCos-exception-2.0"),
        ("BSD-2-Clause-NetBSD", "BSD-2-Clause"),
        ("BSD-2-Clause-FreeBSD", "BSD-2-Clause-FreeBSD"),
        ("apache-2.0 with llvm-exception", "Apache-2.0 WITH LLVM-exception"),
        ("MIT WITH AdditionRef-more", "MIT WITH AdditionRef-more"),
        ("licenseref-Contoso.1", "LicenseRef-Contoso.1"),
        ("DocumentRef-d:LicenseRef-Contoso", "DocumentRef-d:LicenseRef-Contoso"),
        ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("MIT or Apache-2.0", "MIT OR Apache-2.0"),
        ("MIT AND ISC OR Zlib", "(MIT AND ISC) OR Zlib"),
        ("MIT AND (ISC OR Zlib)", "MIT AND (ISC OR Zlib)"),
        ("MIT\tAND\r\nISC", "MIT AND ISC"),
    ],
)
def test_an_expression_is_read_into_canonical_ids(text, canonical):
    assert read(text) == canonical
    assert read(canonical) == canonical


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("Foo", 'names "Foo", which the SPDX License List 3.29 does not have'),
        ("MIT OR Foo", 'names "Foo", which the SPDX License List 3.29 does not have'),
        ("NOASSERTION", 'names "NOASSERTION", which the SPDX License List 3.29 does not have'),
        ("MIT WITH LPL-1.0", 'names the exception "LPL-1.0", which the SPDX License List 3.29 does not have'),
        ("Classpath-exception-2.0", 'names "Classpath-exception-2.0", which the SPDX License List 3.29 does not have'),
        ("MIT++", 'names "MIT++", which the SPDX License List 3.29 does not have'),
        ("GPL-3.0++", 'names "GPL-3.0++", which the SPDX License List 3.29 does not have'),
        ("LicenseRef-", 'names "LicenseRef-", which the SPDX License List 3.29 does not have'),
        ("LicenseRef-a+", 'names "LicenseRef-a+", which the SPDX License List 3.29 does not have'),
        (
            "GPL-2.0-with-font-exception WITH LLVM-exception",
            'adds the exception "LLVM-exception" to GPL-2.0-only, which has one already',
        ),
        ("Apache 2.0", "is no SPDX license expression"),
        ("MIT, BSD", "is no SPDX license expression"),
        ("MIT/Apache-2.0", "is no SPDX license expression"),
        ("MIT AND", "is no SPDX license expression"),
        ("MIT AND ISC AND", "is no SPDX license expression"),
        ("OR MIT", "is no SPDX license expression"),
        ("MIT AND OR ISC", "is no SPDX license expression"),
        ("()", "is no SPDX license expression"),
        ("(MIT", "is no SPDX license expression"),
        ("MIT)", "is no SPDX license expression"),
        ("(MIT) ISC OR Zlib", "is no SPDX license expression"),
        ("MIT (OR) ISC", "is no SPDX license expression"),
        ("(AND MIT", "is no SPDX license expression"),
        ("(MIT OR ISC)+", "is no SPDX license expression"),
        ("(MIT) WITH Classpath-exception-2.0", "is no SPDX license expression"),
        ("MIT WITH Classpath-exception-2.0 WITH GCC-exception-3.1", "is no SPDX license expression"),
        ("MIT\x00", "is no SPDX license expression"),
        ("MIT\u202e", "is no SPDX license expression"),
        ("M\u0406T", "is no SPDX license expression"),
        ("\ud800", "is no SPDX license expression"),
        ("(" * 10_000, f"is longer than the {MAX_LENGTH} characters that are read of an SPDX license expression"),
        ("(" * MAX_LENGTH, f"has more than {MAX_DEPTH} parentheses inside one another"),
        (f"{'(' * 51}MIT{')' * 51}", f"has more than {MAX_DEPTH} parentheses inside one another"),
    ],
)
def test_what_cannot_be_read_says_why(text, why):
    assert reason(text) == why


def test_the_deepest_and_longest_that_is_read_can_be_told_again():
    assert read(f"{'(MIT AND ' * MAX_DEPTH}ISC{')' * MAX_DEPTH}") is not None
    long = " AND ".join(["MIT"] * 249)
    assert len(long) <= MAX_LENGTH
    assert read(long) == long


def test_every_id_of_the_list_is_read_and_every_successor_is_an_id_that_is_not_deprecated():
    assert (len(LICENSES), len(EXCEPTIONS)) == (733, 86)
    assert all(read(id_) == SUCCESSORS.get(id_, id_) for id_ in LICENSES.values())
    assert all(read(f"MIT WITH {id_}") == f"MIT WITH {EXCEPTION_SUCCESSORS.get(id_, id_)}" for id_ in EXCEPTIONS.values())
    assert set(SUCCESSORS) <= set(LICENSES.values())
    for successor in SUCCESSORS.values():
        license_, _, exception = successor.partition(" WITH ")
        assert license_ in set(LICENSES.values()) - set(SUCCESSORS)
        assert not exception or exception in EXCEPTIONS.values()


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("gpl-2.0+", Term("GPL-2.0-or-later")),
        ("GPL-2.0-only WITH Classpath-exception-2.0", Term("GPL-2.0-only", "Classpath-exception-2.0")),
        ("MIT OR ISC", None),
        ("", None),
        ("Foo", None),
    ],
)
def test_one_license_is_read_where_one_is_meant(text, term):
    assert read_term(text) == term


TERMS = st.sampled_from([Term("MIT"), Term("ISC"), Term("Zlib"), Term("GPL-2.0-only", "Classpath-exception-2.0"), Term("LicenseRef-x")])
EXPRESSIONS = st.recursive(
    TERMS,
    lambda inner: st.builds(
        lambda kind, parts: kind(tuple(parts)), st.sampled_from([Every, Either]), st.lists(inner, min_size=2, max_size=3)
    ),
    max_leaves=12,
)


def holds(expression, allowed):
    if isinstance(expression, Term):
        return expression in allowed
    return (all if isinstance(expression, Every) else any)(holds(part, allowed) for part in expression.parts)


@given(EXPRESSIONS, st.sets(TERMS))
def test_an_expression_means_what_was_written(expression, allowed):
    again = read_expression(str(expression))
    assert not isinstance(again, Unreadable)
    assert holds(again, allowed) == holds(expression, allowed)
    assert list(terms_of(again)) == list(terms_of(expression))


WORDS = [
    "MIT",
    "ISC",
    "AND",
    "OR",
    "WITH",
    "and",
    "(",
    ")",
    "()",
    "Classpath-exception-2.0",
    "LicenseRef-x",
    "+",
    ":",
    "-",
    "\n",
    "\x00",
    "é",
]


@given(
    st.one_of(
        st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), st.lists(st.sampled_from(WORDS)).map("".join)
    )
)
def test_no_text_is_an_error_and_what_is_read_is_read_again_alike(text):
    found = read_expression(text)
    if isinstance(found, Unreadable):
        assert found.reason
    else:
        assert str(read_expression(str(found))) == str(found)


def test_a_hundred_thousand_licenses_are_read_in_no_time():
    ids = sorted(LICENSES.values())
    texts = [f"{a} OR ({b} AND {c})" for a, b, c in zip(ids, ids[1:], ids[2:], strict=False)]
    started = time.perf_counter()
    for text in texts * (100_000 // len(texts)):
        read_expression(text)
    assert time.perf_counter() - started < 10


def test_the_library_is_imported_only_where_a_license_is_read():
    code = "import sys; import reconciler.declaration; print('license_expression' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


LENIENT = {
    "LicenseExpressionParser_ThrowsForExpressionsWithBadCasing",
    "LicenseExpressionParser_ThrowsForInvalidExceptionDueToBadCasing",
    "LicenseExpressionParser_ComplexExpressionWithDeprecatedIdentifiersThrows",
}
"""What NuGet refuses and SPDX reads: other cases of ids and operators, deprecated ids."""


@needs_shared
def test_nugets_own_rows_agree():
    tests = json.loads((DATA / "conformance/nuget-license-expressions.json").read_text(encoding="utf-8"))["tests"]
    rows = [(test["method"], *row) for test in tests["NuGetLicenseExpressionParserTests.cs"] for row in test["rows"]]
    operators = {"AND": Every, "OR": Either}
    seen = 0
    for method, text, *rest in rows:
        found = read_expression(text)
        seen += 1
        if method == "LicenseExpressionParser_ParsesComplexExpression":
            assert type(found) is operators[rest[0]], text
        elif method == "LicenseExpressionParser_ParsesSimpleExpression":
            assert isinstance(found, Term) == rest[0], text  # others parse, and are no standard identifiers
        elif method in LENIENT or method == "LicenseExpressionParser_CreatesNonStandardExpressionsWithBadCasing":
            assert not isinstance(found, Unreadable), text
        else:
            assert "Throws" in method
            assert isinstance(found, Unreadable), text
    assert seen > 40
    for test in tests["NuGetLicenseTests.cs"]:
        for text, *_ in test["rows"]:
            known = text in {"MIT", "AFL-1.1+", "GFDL-1.1"}
            assert isinstance(read_expression(text), Term) == known, text


@needs_shared
def test_what_packaging_refuses_is_refused():
    tests = json.loads((DATA / "conformance/pypi-licenses.json").read_text(encoding="utf-8"))["tests"]
    assert [text for test in tests for text in test["rows"] if read(text) is not None] == []


@needs_shared
def test_the_ids_are_those_of_the_list():
    listed = json.loads((DATA / "spdx/spdx-licenses.json").read_text(encoding="utf-8"))
    assert {one["id"] for one in listed["licenses"]} == set(LICENSES.values())
    assert {one["id"] for one in listed["exceptions"]} == set(EXCEPTIONS.values())
    deprecated = {one["id"] for one in listed["licenses"] if one.get("deprecated_version")}
    assert deprecated - set(SUCCESSORS) == {"BSD-2-Clause-FreeBSD", "Net-SNMP", "bzip2-1.0.5"}
    assert set(SUCCESSORS) <= deprecated
