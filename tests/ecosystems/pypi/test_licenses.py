"""What the license fields of core metadata come to together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.licenses import MAX_EXPRESSION
from reconciler.ecosystems.pypi.licenses import LicenseFields, concluded
from tests.ecosystems.test_licenses import ISC, MIT, installed

BSD3 = installed("click", "LICENSE.txt")
APPROVED = "License :: OSI Approved :: "


def of(*classifiers: str, text: str = "", expression: str = "", file: bytes | None = None) -> str:
    """The conclusion from classifiers (without what all have in front) and the other fields."""
    return concluded(LicenseFields(expression=expression, classifiers=tuple(APPROVED + one for one in classifiers), text=text), file)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("MIT", "MIT"), (" MIT  OR Foo-1 ", "MIT OR Foo-1"), ("MIT License", ""), ("UNLICENSED", ""), ("MIT OR " * 500 + "MIT", "")],
)
def test_a_license_expression_is_concluded_as_it_stands_and_alone(expression, expected):
    assert of(expression=expression) == expected
    assert of("BSD License", expression=expression, text="GPL", file=ISC) == expected


@pytest.mark.parametrize(
    ("classifier", "expected"),
    [
        ("MIT License", "MIT"),
        ("ISC License (ISCL)", "ISC"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
        ("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
        ("GNU General Public License v3 (GPLv3)", "GPL-3.0-only"),
        ("GNU Affero General Public License v3", "AGPL-3.0-only"),
        ("BSD License", ""),
        ("Apache Software License", ""),
        ("Python Software Foundation License", ""),
        ("GNU General Public License (GPL)", ""),
        ("GNU Lesser General Public License v2 or later (LGPLv2+)", ""),
        ("Made Up License", ""),
    ],
)
def test_a_classifier_alone_is_concluded_where_it_means_one_license(classifier, expected):
    assert of(classifier) == of(classifier, text="UNKNOWN") == of(classifier, text="see LICENSE") == of(classifier, classifier) == expected


@pytest.mark.parametrize(
    ("classifiers", "text", "expected"),
    [
        (["MIT License"], "MIT", "MIT"),
        (["MIT License"], "The MIT License (MIT)", "MIT"),
        (["MIT License"], "GPL", ""),
        (["GNU General Public License v3 (GPLv3)"], "MIT", ""),
        (["MIT License"], "Free for non-commercial use", ""),
        (["BSD License"], "BSD", ""),
        (["BSD License"], "BSD-3-Clause", "BSD-3-Clause"),
        (["BSD License"], "BSD-2-Clause", "BSD-2-Clause"),
        (["BSD License"], "MIT", ""),
        (["Apache Software License"], "Apache", ""),
        (["Apache Software License"], "Apache 2.0", "Apache-2.0"),
        (["Apache Software License"], "Apache License, Version 2.0", "Apache-2.0"),
        (["Python Software Foundation License"], "PSFL", ""),
        (["GNU General Public License v3 (GPLv3)"], "GPLv3+", "GPL-3.0-or-later"),
        (["GNU General Public License v2 or later (GPLv2+)"], "GPL", "GPL-2.0-or-later"),
        (["GNU General Public License v2 or later (GPLv2+)"], "GPLv3", ""),
        (["GNU General Public License v3 (GPLv3)", "GNU General Public License v3 or later (GPLv3+)"], "", "GPL-3.0-or-later"),
        (["MIT License", "Apache Software License"], "", ""),
        (["MIT License", "Apache Software License"], "MIT", ""),
        (["MIT License", "Apache Software License"], "MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        (["MIT License", "Apache Software License"], "(MIT AND Apache-2.0)", "(MIT AND Apache-2.0)"),
        (["MIT License", "Apache Software License"], "MIT OR GPL-3.0-only", ""),
        (["MIT License", "BSD License", "Apache Software License"], "MIT OR Apache-2.0", ""),
        (["MIT License", "Apache Software License"], "Dual License", ""),
        ([], "", ""),
        ([], "UNKNOWN", ""),
        ([], "MIT", "MIT"),
        ([], "BSD 3-Clause License", "BSD-3-Clause"),
        ([], "MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ([], "MIT OR Made-Up", ""),
        ([], "Proprietary", ""),
        ([], MIT.decode(), "MIT"),
        (["MIT License"], MIT.decode(), "MIT"),
        (["MIT License"], ISC.decode(), ""),
        (["BSD License"], BSD3.decode(), "BSD-3-Clause"),
        (["MIT License"], MIT.decode() + "But not on Sundays.", ""),
        ([], "MIT " * 100_000, ""),
    ],
)  # fmt: skip
def test_fields_conclude_what_all_of_them_admit(classifiers, text, expected):
    assert of(*classifiers, text=text) == expected


@pytest.mark.parametrize(
    "other", ["License :: Other/Proprietary License", "License :: Public Domain", "License :: Free for non-commercial use", "License :: "]
)
def test_a_classifier_that_names_no_known_license_takes_every_conclusion_back(other):
    assert concluded(LicenseFields(expression="", classifiers=(APPROVED + "MIT License", other), text="MIT"), None) == ""


@pytest.mark.parametrize("generic", ["License :: OSI Approved", "License :: DFSG approved"])
def test_a_classifier_that_names_no_license_at_all_changes_nothing(generic):
    assert concluded(LicenseFields(expression="", classifiers=(generic, APPROVED + "MIT License"), text=""), None) == "MIT"
    assert concluded(LicenseFields(expression="", classifiers=(generic,), text=""), None) == ""


@pytest.mark.parametrize(
    ("classifiers", "text", "file", "expected"),
    [
        (["BSD License"], "", BSD3, "BSD-3-Clause"),
        (["BSD License"], "BSD", BSD3, "BSD-3-Clause"),
        (["Apache Software License"], "", installed("packaging", "LICENSE.APACHE"), "Apache-2.0"),
        (["BSD License"], "", MIT, ""),
        (["BSD License"], "", b"Mine.", ""),
        (["BSD License"], "Dual License", BSD3, ""),
        (["MIT License", "BSD License"], "", BSD3, ""),
        ([], "", BSD3, ""),
        (["MIT License"], "", BSD3, "MIT"),
    ],
)
def test_the_license_file_decides_between_the_meanings_of_the_fields_and_of_nothing_else(classifiers, text, file, expected):
    assert of(*classifiers, text=text, file=file) == expected


@given(st.lists(st.text(max_size=20), max_size=4), st.text(max_size=40), st.binary(max_size=40) | st.none())
def test_whatever_is_stated_is_answered(classifiers, text, file):
    assert len(of(*classifiers, text=text, file=file)) <= MAX_EXPRESSION


def test_twenty_thousand_classifiers_are_answered_at_once():
    assert of(*(f"Nonsense {number}" for number in range(20_000)), "MIT License") == ""
    assert of(*["MIT License"] * 20_000) == "MIT"
