from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems.pypi.markup import read_markup


def links(text):
    return [(anchor.text, anchor.attributes["href"]) for anchor in read_markup(text).anchors]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<a href="x">X</a>', [("X", "x")]),
        ("<A HREF='x'>X</A>", [("X", "x")]),
        ("<a href=x#sha256=ab>X</a>", [("X", "x#sha256=ab")]),
        ("<a\n  href = x/y\n>\n X <b>Y</b>\n</a>", [("X Y", "x/y")]),
        ('<a href="x&amp;y">&lt;X&gt;</a>', [("<X>", "x&y")]),
        ('<a data-x=">" href="x">X</a>', [("X", "x")]),
        ('<a href="x" href="y">X</a>', [("X", "x")]),
        ('<a data-yanked href="x">X</a>', [("X", "x")]),
        ('<a name="top">X</a><abbr href="y">Y</abbr>', []),
        ('<a href="x">X<a href="y">Y</a>', [("X", "x"), ("Y", "y")]),
        ('<a href="x">X', [("X", "x")]),
        ('</a><a href="x">X</a></a>', [("X", "x")]),
        ('<!-- <a href="x">X</a> --><a href="y">Y</a>', [("Y", "y")]),
        ("<script>'<a href=x>X</a>'</script><a href=y>Y</a>", [("Y", "y")]),
        ("<a href=x/>X</a>", [("X", "x/")]),
        ("", []),
        ("plain text", []),
    ],
)
def test_links_are_read_as_a_browser_reads_them(text, expected):
    assert links(text) == expected


def test_meta_and_base_are_read():
    markup = read_markup(
        '<base target=_top><base href="a/"><base href="b/"><meta name="X" content="1"><meta name=x content=2><meta charset=z>'
    )
    assert (markup.base, dict(markup.meta)) == ("a/", {"x": "1"})


@pytest.mark.parametrize("text", ["<a ", '<a href="x', "<a href=x", "<meta name='", '<a href="x"" >X</a>', f'<a href="&#{"9" * 5000};">'])
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError):
        read_markup(text)


@pytest.mark.parametrize(
    "piece", ["<a ", "<a href=x>", '<a x="', "<!--", "<", "</a", "<a x ", "<script>", "<b", '<a href="x">X<', "<a href=x><b>", "<a/"]
)
def test_time_grows_no_faster_than_the_page(piece):
    began = time.perf_counter()
    with suppress(ValueError):
        read_markup(piece * 10_000)
    assert time.perf_counter() - began < 5


@given(
    st.lists(
        st.sampled_from(["<a ", "href=", '"', "'", "x", ">", "</a>", "<", "/", " ", "&lt;", "<!--", "-->", "<meta ", "<script>"]),
        max_size=20,
    )
)
def test_any_text_is_read_or_refused(pieces):
    try:
        markup = read_markup("".join(pieces))
    except ValueError:
        return
    assert all("href" in anchor.attributes for anchor in markup.anchors)
