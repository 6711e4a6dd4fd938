"""The configuration of nginx as text: whole against golden files, and what may not get into it. Run for real: tests/clients/test_nginx.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import Refused
from reconciler.model.serving import Index
from reconciler.model.words import FeedName
from reconciler.show.nginx import ServedFeed, nginx_configuration
from tests.support.golden import check_golden

GOLDEN = Path(__file__).parent / "golden" / "nginx"
NEGOTIATED = (Index(file="index.a", content_type="x/a", accept="x/a"), Index(file="index.b", content_type="x/b"))


def feed(name: str = "approved-nuget", kind: str = "nuget", indexes: tuple[Index, ...] = ()) -> ServedFeed:
    return ServedFeed(name=FeedName(name), path=f"feeds/{name}/", type=kind, indexes=indexes)


def configure(public_url: str = "http://127.0.0.1:8080", store: str = "/srv/store", feeds: tuple[ServedFeed, ...] = (feed(),)) -> str:
    return nginx_configuration(store, public_url, feeds)


def listens(text: str) -> list[str]:
    return re.findall(r"^    listen (.*);$", text, flags=re.MULTILINE)


def test_golden():
    feeds = (
        feed("approved-pypi", "pypi", ECOSYSTEMS["pypi"].indexes),
        feed("approved-nuget", "nuget", ECOSYSTEMS["nuget"].indexes),
        feed("approved-npm", "npm", ECOSYSTEMS["npm"].indexes),
        feed("payments-npm", "npm", ECOSYSTEMS["npm"].indexes),
        feed("approved-one-more", "one-more", NEGOTIATED),
    )
    text = configure("https://packages.example/feeds", '/srv/the "store"; \\x', feeds)
    check_golden(GOLDEN, {"feeds.conf": text.encode()})
    assert configure("https://packages.example/feeds", '/srv/the "store"; \\x', feeds[::-1]) == text


@pytest.mark.parametrize(
    ("public_url", "listen", "name"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1"),
        ("http://localhost:8080", "127.0.0.1:8080", "localhost"),
        ("http://[::1]:8080", "[::1]:8080", "[::1]"),
        ("http://packages.example", "80", "packages.example"),
        ("http://192.0.2.7:81", "81", "192.0.2.7"),
        ("https://packages.example", "443", "packages.example"),
        ("https://PACKAGES.example:8443/a/b", "8443", "packages.example"),
    ],
)
def test_it_listens_on_the_port_of_public_url_and_for_loopback_nowhere_else(public_url, listen, name):
    text = configure(public_url)
    assert listens(text) == [listen]
    assert f'    server_name "{name}";\n' in text
    assert ("public_url begins with https" in text) == public_url.startswith("https")


def test_it_says_that_reading_rights_are_not_enforced():
    assert "view-and-download in policies/permissions.yaml) are NOT enforced" in configure()


@pytest.mark.parametrize(
    "public_url",
    [
        "ftp://packages.example",
        "http://",
        "packages.example",
        "http://packages.example:x",
        "http://packages.example:99999",
        "http://packages.example;return 200",
        "http://pack_ages .example",
        "http://$host",
        "http://a}b",
        'http://a"b',
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://user@packages.example",
        "http://packages.example/?a",
        "http://packages.example/#a",
        "http://packages.example/a;b",
        "http://packages.example/a b",
        "http://packages.example/$uri",
        "http://packages.example/a/../b",
        "http://packages.example/a//b",
        "http://packages.example/%2e",
        "http://packages.example/a\n",
        "http://p\u00e4ckages.example",
    ],
)
def test_an_address_that_is_not_one_is_refused(public_url):
    with pytest.raises(Refused) as refused:
        configure(public_url)
    assert "public_url" in refused.value.remedy


@pytest.mark.parametrize("store", ["/srv/$host", "/srv/a\nb", "/srv/a\rb", "/srv/a\0b", "/srv/a\x7fb", "/srv/a\u2028b", "/srv/\udcff"])
def test_a_store_whose_path_cannot_stand_there_is_refused(store):
    with pytest.raises(Refused, match=r"it has a '\$' or an invisible character"):
        configure(store=store)


def test_without_a_feed_there_is_nothing_to_configure():
    with pytest.raises(Refused, match="declares no feed"):
        configure(feeds=())


@given(st.text(min_size=1, max_size=30))
def test_a_path_stays_inside_its_quotes(folder):
    """Read back as nginx reads it: quoted tokens, in which a backslash escapes quotes and backslashes."""
    store = f"/srv/{folder}".rstrip("/")
    try:
        text = configure(store=store)
    except Refused:
        assert "$" in folder or not folder.isprintable()
        return
    (value,) = re.findall(r"^        alias (.*);$", text, flags=re.MULTILINE)
    quoted = re.fullmatch(r'"((?:[^"\\]|\\["\\])*)"', value)
    assert quoted is not None
    assert re.sub(r'\\(["\\])', r"\1", quoted[1]) == f"{store}/feeds/approved-nuget/"
    assert text.count("\n") == configure().count("\n")
