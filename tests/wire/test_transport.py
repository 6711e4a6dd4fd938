"""Connections: own certificates, proxies, and deadlines that hold while headers drip. Real servers, real TLS."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import time
from itertools import chain, repeat

import pytest

from reconciler.errors import Malformed, PreconditionFailed, Unreachable
from reconciler.wire import Timeouts, Wire
from tests.support.faulty_server import Answer, FaultyServer

QUICK = Timeouts(connect=1.0, read=0.3, pause=0.01, document=0.6, download=0.6)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """An own certificate authority, and a certificate of it for 127.0.0.1."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not here to make a certificate")
    folder = tmp_path_factory.mktemp("authority")

    def run(*arguments):
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)

    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run(*new, "-x509", "-days", "2", "-subj", "/CN=own authority", "-keyout", "ca.key", "-out", "ca.pem")
    run(*new, "-subj", "/CN=some server", "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    run("x509", "-req", "-in", "server.csr", *signed, "-out", "server.pem")
    return folder


@pytest.fixture
def secure(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    with FaultyServer(context) as running:
        running.answers["/x"] = [Answer(body=b"secured")]
        yield running


def test_an_own_authority_is_trusted_where_the_environment_names_it(authority, secure, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    with Wire() as wire:
        assert wire.get(secure.url + "/x").body == b"secured"


def test_a_certificate_of_an_unknown_authority_is_refused(secure):
    with Wire(QUICK) as wire, pytest.raises(Unreachable, match="certificate verify failed"):
        wire.get(secure.url + "/x")


def test_a_certificate_for_another_host_is_refused(authority, secure, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    with Wire(QUICK) as wire, pytest.raises(Unreachable, match="certificate verify failed"):
        wire.get(f"https://localhost:{secure.port}/x")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_said(tmp_path, monkeypatch, content):
    if content:
        (tmp_path / "ca.pem").write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with pytest.raises(PreconditionFailed, match="SSL_CERT_FILE"):
        Wire()


def test_no_redirect_leads_from_https_to_http(authority, secure, server, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    secure.answers["/y"] = [Answer(status=302, headers={"Location": server.url + "/x"})]
    with Wire() as wire, pytest.raises(Malformed, match="from https to http"):
        wire.get(secure.url + "/y")
    assert server.requests == []


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(server, monkeypatch, variable):
    monkeypatch.setenv(variable, server.url.replace("http://", "http://grace:h%40pper@"))
    server.answers["http://index.example/x"] = [Answer(body=b"by proxy")]
    with Wire() as wire:
        assert wire.get("http://index.example/x").body == b"by proxy"
    assert server.requests[0].headers["proxy-authorization"] == "Basic Z3JhY2U6aEBwcGVy"


def test_a_proxy_without_scheme_is_one_too(server, monkeypatch):
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{server.port}")
    server.answers["http://index.example/x"] = [Answer(body=b"by proxy")]
    with Wire() as wire:
        assert wire.get("http://index.example/x").body == b"by proxy"


def test_https_goes_through_a_tunnel_of_its_proxy(server, monkeypatch):
    monkeypatch.setenv("https_proxy", server.url)
    with Wire(QUICK) as wire, pytest.raises(Unreachable, match="501"):  # the server knows no CONNECT
        wire.get("https://index.example/x")


@pytest.mark.parametrize(
    ("excepted", "url", "direct"),
    [
        ("127.0.0.1", "{}/x", True),
        ("*", "{}/x", True),
        ("other.example, 127.0.0.1", "{}/x", True),
        ("other.example", "{}/x", False),
        ("", "{}/x", False),
    ],
)
def test_what_no_proxy_names_is_asked_directly(server, monkeypatch, excepted, url, direct):
    with FaultyServer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", excepted)
        server.answers["/x"] = [Answer(body=b"direct")]
        proxy.answers[server.url + "/x"] = [Answer(body=b"by proxy")]
        with Wire() as wire:
            assert wire.get(url.format(server.url)).body == (b"direct" if direct else b"by proxy")


@pytest.mark.parametrize("address", ["gopher://ada:s3cret@127.0.0.1", "http://ada:s3c/ret@127.0.0.1", "http://ada:s3cret@127.0.0.1:s3c"])
def test_a_proxy_that_cannot_be_used_is_said_and_not_cited(monkeypatch, address):
    monkeypatch.setenv("https_proxy", address)
    with pytest.raises(PreconditionFailed, match="https_proxy") as caught:
        Wire(QUICK)
    assert "s3c" not in repr(caught.value)
    assert caught.value.__cause__ is None


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        chain(iter([HEAD]), repeat(b"X: y\r\n")),
        chain(iter([HEAD, b"X: "]), repeat(b"y")),
        repeat(b"H"),
        chain(iter([HEAD + b"\r\n"]), repeat(b"")),
        chain(repeat(b"HTTP/1.1 100 Continue\r\n\r\n")),
    ],
    ids=["headers", "a value", "a status line", "an empty body", "interim answers"],
)
def test_what_drips_ends_at_the_limit_of_the_request(server, pieces):
    server.answers["/x"] = [Answer(raw=True, body=pieces, drip=0.05)]
    began = time.monotonic()
    with Wire(QUICK) as wire, pytest.raises(Unreachable):
        wire.get(server.url + "/x")
    assert time.monotonic() - began < 5


def test_a_tls_handshake_that_does_not_come_ends_at_the_limit(server):
    began = time.monotonic()
    with Wire(QUICK) as wire, pytest.raises(Unreachable):
        wire.get(server.url.replace("http:", "https:") + "/x")
    assert time.monotonic() - began < 5


def test_a_slow_answer_leaves_its_connection_to_no_other_request(server):
    server.answers["/slow"] = [Answer(raw=True, body=chain(iter([HEAD]), repeat(b"X: y\r\n")), drip=0.05)]
    server.answers["/x"] = [Answer(body=b"ok")]
    with Wire(QUICK) as wire:
        for _ in range(2):
            assert wire.get(server.url + "/x").body == b"ok"
        with pytest.raises(Unreachable):
            wire.get(server.url + "/slow")
        assert wire.get(server.url + "/x").body == b"ok"


def test_retries_are_spread(server):
    """Two programs that fail together do not come back together: each pause is longer than its base by a random part."""
    server.answers["/x"] = [Answer(status=503)]
    took = []
    with Wire(Timeouts(pause=0.02)) as wire:
        for _ in range(6):
            began = time.perf_counter()
            with pytest.raises(Unreachable):
                wire.get(server.url + "/x")
            took.append(time.perf_counter() - began)
    assert all(0.06 <= seconds < 0.3 for seconds in took)
    assert max(took) - min(took) > 0.0005
