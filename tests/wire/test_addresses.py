"""What is inside this network, and who may lead there."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Malformed
from reconciler.wire import Wire, is_internal
from reconciler.wire.addresses import is_loopback
from tests.support.faulty_server import Answer


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.255.0.9",
        "127.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0X7F.1",
        "017700000001",
        "0",
        "0.0.0.0",  # noqa: S104  # judged, not bound to
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "[::1]",
        "0:0:0:0:0:0:0:1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:a00:1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "printer.local",
        "metadata.google.internal",
        "nas.home.arpa",
    ],
)
def test_inside(host):
    assert is_internal(host)


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "1.1",
        "0x08.8.8.8",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "packages.example",
        "localhost.example",
        "notlocalhost",
        "internal.example",
        "127.0.0.1.example",
        "a.b",
        "dead.beef",
        "cafe",
        "",
        "1.2.3.4.5",
        "999.1.1.1",
    ],
)
def test_outside(host):
    assert not is_internal(host)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("a.localhost", True),
        ("10.0.0.1", False),
        ("a.local", False),
        ("0", False),
    ],
)
def test_this_machine(host, loopback):
    assert is_loopback(host) is loopback


@given(st.text(max_size=30) | st.from_regex(r"[0-9a-fx.:%\[\]]{0,20}", fullmatch=True))
def test_any_text_is_inside_or_outside(host):
    assert isinstance(is_internal(host), bool)
    assert not is_loopback(host) or is_internal(host)


@pytest.fixture
def public(server, monkeypatch):
    """A wire whose whole network is the server, as its proxy: any host can be asked for."""
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    with Wire() as wire:
        yield wire


INSIDE = ["http://127.0.0.1:8081/x", "http://169.254.169.254/latest/meta-data/", "http://localhost/x", "http://[::]/x", "http://0x7f.1/x"]


@pytest.mark.parametrize("target", INSIDE)
def test_a_public_upstream_leads_nowhere_inside_by_a_redirect(server, public, target):
    server.answers["http://index.example/x"] = [Answer(status=302, headers={"Location": target})]
    server.answers[target] = [Answer(body=b"secrets of the network")]
    for read in (lambda: public.get("http://index.example/x"), lambda: public.download("http://index.example/x", BytesIO(), max_bytes=99)):
        with pytest.raises(Malformed, match="inside this network"):
            read()
    assert {asked.path for asked in server.requests} == {"http://index.example/x"}


@pytest.mark.parametrize("target", INSIDE)
def test_a_public_upstream_leads_nowhere_inside_by_a_link(server, public, target):
    with pytest.raises(Malformed, match=r"http://index\.example/simple/ leads to .* inside this network") as caught:
        public.download(target, BytesIO(), max_bytes=99, upstream="http://ada:s3cret@index.example/simple/")
    with pytest.raises(Malformed, match="inside this network"):
        public.get(target, upstream="http://index.example/simple/")
    assert "s3cret" not in str(caught.value)
    assert server.requests == []


def test_an_upstream_that_is_inside_may_lead_anywhere(server, public):
    server.answers["http://10.0.0.1/x"] = [Answer(status=302, headers={"Location": "http://192.168.0.1/y"})]
    server.answers["http://192.168.0.1/y"] = [Answer(status=302, headers={"Location": "http://files.example/z"})]
    server.answers["http://files.example/z"] = [Answer(body=b"ok")]
    assert public.get("http://10.0.0.1/x").body == b"ok"
    assert public.get("http://192.168.0.1/y", upstream="http://nexus.internal/").body == b"ok"
