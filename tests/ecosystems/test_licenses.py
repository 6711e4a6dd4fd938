"""What declarations of licenses come to: names, expressions, addresses, whole texts; and that nothing is invented."""

from __future__ import annotations

from importlib.metadata import files
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.license_addresses import addressed
from reconciler.ecosystems.license_texts import MAX_TEXT_BYTES, recognised
from reconciler.ecosystems.licenses import MAX_DECLARED, MAX_EXPRESSION, declared, expression, ids_in, named, of_name, only
from tests.support.shared import ROOT

MIT: Final = (ROOT / "LICENSE").read_bytes()
ISC: Final = b"""ISC License

Copyright (c) 2026, Ada

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that the
above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY
DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION,
ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
"""


def installed(project: str, name: str) -> bytes:
    """A license file of a library that this project needs."""
    return next(file for file in files(project) or () if file.name == name).read_binary()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MIT", "MIT"), ("mit", "MIT"), ("MIT License", "MIT"), ("The MIT License (MIT)", "MIT"), ("MIT licence", "MIT"), ("Expat", "MIT"),
        ("MIT-0", "MIT-0"), ("Apache 2.0", "Apache-2.0"), ("Apache License, Version 2.0", "Apache-2.0"), ("Apache Software License 2.0", "Apache-2.0"),
        ("apache-2.0", "Apache-2.0"), ("Apache2", "Apache-2.0"), ("Apache License v2", "Apache-2.0"), ("ASL 2.0", "Apache-2.0"),
        ("BSD-3-Clause", "BSD-3-Clause"), ("BSD 3-Clause License", "BSD-3-Clause"), ("3-Clause BSD License", "BSD-3-Clause"), ("New BSD", "BSD-3-Clause"),
        ("Simplified BSD", "BSD-2-Clause"), ("ISC License (ISCL)", "ISC"), ("MPL 2.0", "MPL-2.0"), ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
        ("The Unlicense", "Unlicense"), ("MS-PL", "MS-PL"), ("PSF-2.0", "PSF-2.0"),
        ("GPLv3", "GPL-3.0-only"), ("GPL-3.0", "GPL-3.0-only"), ("GNU GPL v3", "GPL-3.0-only"), ("GPL-3.0-only", "GPL-3.0-only"),
        ("GPLv3+", "GPL-3.0-or-later"), ("GPL-3.0-or-later", "GPL-3.0-or-later"), ("GNU General Public License v3 (GPLv3)", "GPL-3.0-only"),
        ("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"), ("LGPLv2.1+", "LGPL-2.1-or-later"), ("LGPL 3", "LGPL-3.0-only"),
        ("GNU Affero General Public License v3.0", "AGPL-3.0-only"), ("AGPLv3+", "AGPL-3.0-or-later"),
    ],
)  # fmt: skip
def test_a_name_with_one_meaning_is_concluded(name, expected):
    assert named(name) == expected


@pytest.mark.parametrize(
    "name",
    ["", " ", "BSD", "BSD License", "Apache", "Apache Software License", "GPL", "LGPL", "AGPL", "MPL", "PSF", "Python Software Foundation License", "LGPLv2",
     "no license", "not MIT", "MIT-like", "MIT*", "MIT?", "!MIT", "MIT with changes", "Proprietary", "Public Domain", "see LICENSE", "\u041cIT", "MIT\u202e", "MIT " * 100, "-", "v", "license"],
)  # fmt: skip
def test_a_name_with_several_meanings_or_none_concludes_nothing(name):
    assert named(name) == ""


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ({"MIT"}, "MIT"),
        (set(), ""),
        ({"MIT", "ISC"}, ""),
        ({"GPL-3.0-only", "GPL-3.0-or-later"}, "GPL-3.0-only"),
        ({"GPL-2.0-only", "GPL-3.0-or-later"}, ""),
        ({"GPL-3.0-only", "GPL-3.0-or-later", "MIT"}, ""),
    ],
)
def test_only_is_granted_whether_or_not_later_versions_are(ids, expected):
    assert only(ids) == expected


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("MIT", ["MIT"]),
        ("MIT OR Apache-2.0", ["MIT", "Apache-2.0"]),
        ("(MIT or (Apache-2.0 WITH LLVM-exception)) and ISC", ["MIT", "Apache-2.0", "LLVM-exception", "ISC"]),
        ("GPL-2.0+", ["GPL-2.0+"]),
        ("LicenseRef-Made-Up", ["LicenseRef-Made-Up"]),
        ("DocumentRef-a:LicenseRef-b", ["DocumentRef-a:LicenseRef-b"]),
        ("\n MIT\n OR  LPL-1.0+ ", ["MIT", "LPL-1.0+"]),
    ],
)
def test_an_expression_is_taken_as_it_stands_with_single_spaces(text, ids):
    assert list(ids_in(expression(text))) == ids
    assert expression(text) == " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    ["", "OR", "MIT OR", "OR MIT", "MIT ISC", "Apache 2.0", "MIT, ISC", "MIT/ISC", "MIT && ISC", "MIT*", "<MIT>", "MIT OR OR ISC", "UNLICENSED", "unlicensed",
     "NONE", "NOASSERTION", "http://a.example", "M\u0406T", "MIT\0", "-MIT", "MIT OR " * 500 + "MIT"],
)  # fmt: skip
def test_what_has_not_the_form_of_an_expression_is_none(text):
    assert expression(text) == ""


def test_a_long_expression_is_not_cut():
    longest = " OR ".join(["MIT"] * ((MAX_EXPRESSION + 4) // 7))
    assert expression(longest) == longest
    assert expression(f"{longest} OR ISC OR ISC") == ""
    assert declared("x" * 10_000) == "x" * MAX_DECLARED
    assert declared(None) == ""


@pytest.mark.parametrize(
    ("text", "expected"), [("BSD", ""), ("mit", "MIT"), ("Foo-1.0", "Foo-1.0"), ("MIT OR Foo-1.0", "MIT OR Foo-1.0"), ("A B", "")]
)
def test_one_declared_word_is_a_known_name_or_an_expression(text, expected):
    assert of_name(text) == expected


@given(st.text(max_size=60))
def test_no_text_is_an_error_and_what_is_concluded_is_an_expression(text):
    for found in (named(text), expression(text), of_name(text), addressed(text), addressed(f"https://opensource.org/licenses/{text}")):
        assert found == "" or ids_in(found)
        assert len(found) <= MAX_EXPRESSION


# --- addresses --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://licenses.nuget.org/MIT", "MIT"),
        ("https://licenses.nuget.org/(MIT%20OR%20Apache-2.0)", "(MIT OR Apache-2.0)"),
        ("https://licenses.nuget.org/LGPL-2.1+", "LGPL-2.1+"),
        ("https://spdx.org/licenses/BSD-3-Clause.html", "BSD-3-Clause"),
        ("https://opensource.org/licenses/MIT", "MIT"),
        ("http://www.opensource.org/licenses/mit-license.php", "MIT"),
        ("HTTP://WWW.OPENSOURCE.ORG/Licenses/MIT-LICENSE.PHP/", "MIT"),
        ("https://opensource.org/license/mit/", "MIT"),
        ("http://opensource.org/licenses/apache2.0.php", "Apache-2.0"),
        ("https://opensource.org/license/apache-2-0", "Apache-2.0"),
        ("http://opensource.org/licenses/isc-license.txt", "ISC"),
        ("https://opensource.org/license/bsd-3-clause", "BSD-3-Clause"),
        ("http://opensource.org/licenses/ms-pl.html", "MS-PL"),
        ("http://www.opensource.org/licenses/gpl-3.0.html", "GPL-3.0-only"),
        ("http://www.apache.org/licenses/LICENSE-2.0", "Apache-2.0"),
        ("https://www.apache.org/licenses/LICENSE-2.0.html", "Apache-2.0"),
        ("https://apache.org/licenses/license-2.0.txt#terms", "Apache-2.0"),
        ("https://choosealicense.com/licenses/mit/", "MIT"),
        ("https://choosealicense.com/licenses/agpl-3.0/", "AGPL-3.0-only"),
        ("https://www.gnu.org/licenses/agpl-3.0.html", "AGPL-3.0-only"),
        ("http://www.gnu.org/licenses/agpl-3.0.en.html", "AGPL-3.0-only"),
        ("https://gnu.org/licenses/old-licenses/gpl-2.0-standalone.html", "GPL-2.0-only"),
        ("https://www.gnu.org/licenses/lgpl-2.1.txt", "LGPL-2.1-only"),
        ("https://creativecommons.org/publicdomain/zero/1.0/legalcode", "CC0-1.0"),
        ("https://creativecommons.org/licenses/by-sa/4.0/", "CC-BY-SA-4.0"),
        ("http://creativecommons.org/licenses/by-nc-nd/3.0/deed.en", "CC-BY-NC-ND-3.0"),
        ("https://www.mozilla.org/en-US/MPL/2.0/", "MPL-2.0"),
        ("http://www.mozilla.org/MPL/MPL-1.1.html", "MPL-1.1"),
        ("https://www.eclipse.org/legal/epl-v10.html", "EPL-1.0"),
        ("https://unlicense.org", "Unlicense"),
        ("http://www.boost.org/LICENSE_1_0.txt", "BSL-1.0"),
    ],
)
def test_an_address_that_names_a_license_is_that_license(url, expected):
    assert addressed(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "", "MIT", "https://aka.ms/deprecateLicenseUrl", "https://github.com/dotnet/corefx/blob/master/LICENSE.TXT",
        "https://raw.githubusercontent.com/o/MIT/master/LICENSE", "http://jquery.org/license", "http://opensource.org/licenses/bsd-license.php",
        "https://opensource.org/licenses", "https://opensource.org/licenses/gpl-license.php", "https://www.gnu.org/licenses/agpl.html",
        "https://www.gnu.org/licenses/gpl.txt", "https://www.apache.org/licenses/", "https://opensource.org/MIT", "https://evil.example/licenses/MIT",
        "https://opensource.org.evil.example/licenses/MIT", "https://opensource.org@evil.example/licenses/MIT", "https://evil.example@opensource.org/licenses/MIT",
        "https://opensource.org:8443/licenses/MIT", "https://opensource.org/licenses/MIT?but=no", "ftp://opensource.org/licenses/MIT",
        "https://opensource.org/licenses/../MIT", "https://opensource.org/licenses/MIT/x", "https://licenses.nuget.org/", "https://licenses.nuget.org/UNLICENSED",
        "https://creativecommons.org/licenses/by/3.0/us/", "https://creativecommons.org/licenses/by/9.9/", "https://creativecommons.org/licenses/by-x/4.0/",
        "https://[::1", "https://opensource.org:x/licenses/MIT", "https://opensource.org/licenses/MIT" + "/" * 3_000, "javascript:MIT", "https://spdx.org/MIT",
    ],
)  # fmt: skip
def test_any_other_address_says_nothing(url):
    assert addressed(url) == ""


# --- texts --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MIT, "MIT"),
        (ISC, "ISC"),
        (ISC.replace(b"and/or", b"and"), "ISC"),
        (installed("packaging", "LICENSE.APACHE"), "Apache-2.0"),
        (installed("packaging", "LICENSE.BSD"), "BSD-2-Clause"),
        (installed("click", "LICENSE.txt"), "BSD-3-Clause"),
    ],
    ids=["MIT", "ISC", "ISC of one word less", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause"],
)
def test_a_well_known_text_is_recognised_whatever_its_form(text, expected):
    assert recognised(text) == expected
    plain = text.decode()
    for changed in (
        plain.replace("\n", "\r\n"),
        plain.upper(),
        " ".join(line for line in plain.splitlines() if "opyright (c)" not in line and not line.startswith("Copyright")),
        "\ufeff" + plain.replace('"', "\u201c"),
        f"Copyright \u00a9 2019-2026 J\u00f6rg M\u00fcller & S\u00f8n\nAll rights reserved.\n\n{plain}",
        "\n".join(f"    | {line}" for line in plain.splitlines()),
    ):
        assert recognised(changed.encode()) == expected
        assert recognised(changed.encode("utf-16")) == expected


@pytest.mark.parametrize("title", [b"", b"The MIT License (MIT)\n", b"# MIT License\n", b"(The MIT License)\n=====\n"])
@pytest.mark.parametrize(
    "notice",
    [b"", b"(c) Ada", "\u00a9 J\u00f6rg".encode("latin-1"), b"Copyright (c) .NET Foundation and Contributors\n\nAll rights reserved."],
)
def test_titles_and_holders_do_not_count(title, notice):
    assert recognised(title + notice + b"\n\n" + MIT[MIT.index(b"Permission") :]) == "MIT"


def test_the_holder_in_the_third_clause_of_bsd_does_not_count():
    text = installed("click", "LICENSE.txt")
    for holder in (b"Ada Lovelace", b"the University of California, Berkeley"):
        assert recognised(text.replace(b"Neither the name of the copyright holder", b"Neither the name of " + holder)) == "BSD-3-Clause"
    long = b" ".join([b"word"] * 100)
    assert recognised(text.replace(b"Neither the name of the copyright holder", b"Neither the name of " + long)) == ""


@pytest.mark.parametrize(
    "changed",
    [
        b"", b"\0" * 100, b"\xff\xfe", b"MIT", b"MIT License", MIT[:-20], MIT + b"\nFor non-commercial use.", b"Not this: " + MIT,
        MIT.replace(b"Permission is hereby granted", b"Permission is hereby not granted"), MIT.replace(b"without restriction", b"with restriction"),
        MIT.replace(b"Copyright (c) 2026", b"Copyright (c) 2026. Not for commercial use."), b"Copyright (c) Ada. Only for evaluation.\n" + MIT,
        b"Copyright (c) " + b"x " * 200 + b"\n" + MIT, "\u0434\u043b\u044f \u0434\u043e\u043c\u0430\n".encode() + MIT, MIT + ISC, ISC + MIT,
        MIT.decode().encode("utf-16-le"), MIT + b" " * MAX_TEXT_BYTES, MIT.replace(b"Software", "\u0405oftware".encode()),
    ],
)  # fmt: skip
def test_a_text_with_one_word_more_or_less_is_not_recognised(changed):
    assert recognised(changed) == ""


@given(st.binary(max_size=300))
def test_no_bytes_are_an_error(data):
    assert recognised(data) == ""
