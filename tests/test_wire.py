"""The HTTP door against a server with every fault that we know."""

from __future__ import annotations

import gzip
import hashlib
import logging
import socket
import time
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import __version__
from reconciler.errors import ContentMismatch, Malformed, NotThere, PreconditionFailed, Unreachable
from reconciler.wire import (
    MAX_INDEX_BYTES,
    MAX_REDIRECTS,
    Timeouts,
    Wire,
    redacted,
    redirect_target,
    with_credentials,
    without_credentials,
)
from tests.support.faulty_server import Answer, FaultyServer

QUICK = Timeouts(connect=1.0, read=0.15, pause=0.01, document=0.5, download=0.5)


def without_settings(patch, home):
    """No proxy and no netrc of this machine."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        patch.delenv(name, raising=False)
    patch.setenv("HOME", str(home))


@pytest.fixture
def home(monkeypatch, tmp_path):
    without_settings(monkeypatch, tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def wires(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        without_settings(patch, tmp_path_factory.mktemp("home"))
        with Wire() as patient, Wire(QUICK) as hasty:
            yield patient, hasty


@pytest.fixture
def wire(wires):
    return wires[0]


@pytest.fixture
def hasty(wires):
    return wires[1]


@pytest.fixture
def server():
    with FaultyServer() as running:
        yield running


def download(wire, url, max_bytes=1_000_000):
    sink = BytesIO()
    done = wire.download(url, sink, max_bytes=max_bytes)
    return done, sink.getvalue()


def both(wire, url):
    """Reads an address in both ways."""
    yield lambda: wire.get(url)
    yield lambda: download(wire, url)


def test_a_document_has_its_address_type_and_body(wire, server):
    server.answers["/x?q=1"] = [Answer(body=b"{}", headers={"Content-Type": "Application/JSON; charset=utf-8"})]
    document = wire.get(server.url + "/x?q=1", accept="application/json")
    assert (document.url, document.content_type, document.body) == (server.url + "/x?q=1", "application/json", b"{}")
    assert server.requests[0].headers["accept"] == "application/json"
    assert server.requests[0].headers["accept-encoding"] == "gzip"
    assert server.requests[0].headers["user-agent"] == f"reconciler/{__version__}"


def test_a_download_is_digested_while_it_streams(wire, server):
    body = bytes(range(256)) * 3000
    server.answers["/f"] = [Answer(body=body)]
    done, got = download(wire, server.url + "/f")
    assert got == body
    assert (done.size, done.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [404, 410])
def test_what_does_not_exist_is_not_there_and_asked_once(wire, server, status):
    server.answers["/x"] = [Answer(status=status)]
    for read in both(wire, server.url + "/x"):
        with pytest.raises(NotThere, match=str(status)):
            read()
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 403, 451])
def test_other_answers_are_unreachable_and_never_empty(wire, server, status):
    server.answers["/x"] = [Answer(status=status)]
    for read in both(wire, server.url + "/x"):
        with pytest.raises(Unreachable, match=str(status)):
            read()
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_says_where_credentials_go(wire, server, status):
    server.answers["/x"] = [Answer(status=status)]
    with pytest.raises(Unreachable) as caught:
        wire.get(server.url + "/x")
    assert "netrc" in str(caught.value)


def test_a_refusal_of_who_has_asked_too_often_is_no_matter_of_credentials(wire, server):
    server.answers["/x"] = [Answer(status=403, headers={"X-RateLimit-Remaining": "0"})]
    with pytest.raises(Unreachable, match="for now it takes no more requests") as caught:
        wire.get(server.url + "/x")
    assert "netrc" not in str(caught.value)
    assert len(server.requests) == 1


def test_a_refusal_that_names_a_time_to_wait_is_tried_again(wire, server):
    server.answers["/x"] = [Answer(status=403, headers={"Retry-After": "0"}), Answer(body=b"{}")]
    assert wire.get(server.url + "/x").body == b"{}"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_three_times(hasty, server, status):
    server.answers["/x"] = [Answer(status=status)]
    with pytest.raises(Unreachable, match=str(status)):
        hasty.get(server.url + "/x")
    assert len(server.requests) == 3


def test_a_second_try_succeeds(hasty, server):
    server.answers["/x"] = [Answer(status=500, body=b"oh"), Answer(body=b"ok")]
    server.answers["/f"] = [Answer(body=b"half", length=9), Answer(status=502), Answer(body=b"the whole")]
    assert hasty.get(server.url + "/x").body == b"ok"
    assert download(hasty, server.url + "/f")[1] == b"the whole"


def test_a_second_try_begins_where_the_sink_stood(hasty, server):
    server.answers["/f"] = [Answer(body=b"a longer half", length=20), Answer(body=b"whole")]
    sink = BytesIO(b"head:")
    sink.seek(5)
    done = hasty.download(server.url + "/f", sink, max_bytes=100)
    assert sink.getvalue() == b"head:whole"
    assert done.sha256 == hashlib.sha256(b"whole").hexdigest()


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({}, 0.0, 0.3),
        ({"Retry-After": "0"}, 0.0, 0.3),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:01 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 1.0, 2.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0, 0.3),
        ({"Retry-After": "-5"}, 0.0, 0.3),
        ({"Retry-After": "soon"}, 0.0, 0.3),
    ],
)
def test_retry_after_is_honoured(server, home, headers, least, most):
    server.answers["/x"] = [Answer(status=503, headers=headers), Answer(body=b"ok")]
    with Wire(Timeouts(pause=0.01)) as wire:
        began = time.monotonic()
        assert wire.get(server.url + "/x").body == b"ok"
        assert least <= time.monotonic() - began < most


@pytest.mark.parametrize("value", ["99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_beyond_the_limit_of_the_request_is_not_waited(hasty, server, value):
    server.answers["/x"] = [Answer(status=429, headers={"Retry-After": value})]
    began = time.monotonic()
    with pytest.raises(Unreachable, match="429"):
        hasty.get(server.url + "/x")
    assert time.monotonic() - began < 1.0
    assert 1 <= len(server.requests) <= 3


def test_silence_is_unreachable(hasty, server):
    server.answers["/x"] = [Answer(wait=0.3)]
    with pytest.raises(Unreachable, match=r"timed out|too long"):
        hasty.get(server.url + "/x")


def test_an_answer_that_drips_ends_at_the_limit_of_the_request(hasty, server):
    server.answers["/x"] = [Answer(body=repeat(b"x"), drip=0.05)]
    began = time.monotonic()
    with pytest.raises(Unreachable, match="too long"):
        download(hasty, server.url + "/x")
    assert 0.4 < time.monotonic() - began < 1.5


def test_a_refused_connection_is_unreachable(hasty):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        with pytest.raises(Unreachable, match="refused"):
            hasty.get(f"http://127.0.0.1:{taken.getsockname()[1]}/")


def test_a_server_that_does_not_speak_tls_is_unreachable(hasty, server):
    with pytest.raises(Unreachable, match=r"SSL|TLS"):
        hasty.get(server.url.replace("http:", "https:") + "/x")


def test_what_the_server_said_instead_is_not_cited_at_any_length(hasty, server):
    server.answers["/x"] = [Answer(raw=True, body=b"HTTP/1.1 200 OK\r\nno header" + b"x" * 50_000 + b"\r\n\r\n")]
    for read in both(hasty, server.url + "/x"):
        with pytest.raises(Unreachable, match="cannot be read") as caught:
            read()
        assert len(str(caught.value)) < 1_000


def test_a_port_that_is_none_is_not_taken_for_another_one(hasty, server):
    """Resolvers take what is left of it after a division by 65,536."""
    server.answers["/x"] = [Answer(body=b"ok")]
    with pytest.raises(Malformed, match="no http or https address"):
        hasty.get(f"http://127.0.0.1:{server.port + 65_536}/x")


@pytest.mark.parametrize("length", [5, 4_000_000])
def test_a_body_that_is_cut_off_is_unreachable(hasty, server, length):
    server.answers["/x"] = [Answer(body=b"half", length=length)]
    for read in both(hasty, server.url + "/x"):
        with pytest.raises(Unreachable, match="cannot be read"):
            read()


def test_what_is_sent_beyond_its_announced_length_is_no_part_of_the_answer(wire, server):
    server.answers["/x"] = [Answer(body=b"body and more", length=4)]
    assert wire.get(server.url + "/x").body == b"body"
    assert wire.get(server.url + "/x").body == b"body"


def test_a_length_that_is_no_number_is_unreachable(hasty, server):
    server.answers["/x"] = [Answer(body=[b"x"], headers={"Content-Length": "-1"})]
    with pytest.raises(Unreachable):
        hasty.get(server.url + "/x")


def test_an_endless_document_is_malformed(wire, server):
    server.answers["/x"] = [Answer(body=repeat(bytes(4_000_000)))]
    with pytest.raises(Malformed, match=str(MAX_INDEX_BYTES)):
        wire.get(server.url + "/x")


def test_an_endless_download_stops_as_soon_as_it_is_too_large(wire, server):
    server.answers["/x"] = [Answer(body=repeat(bytes(100_000)))]
    sink = BytesIO()
    with pytest.raises(ContentMismatch, match="1000 bytes"):
        wire.download(server.url + "/x", sink, max_bytes=1000)
    assert len(sink.getvalue()) <= 1000
    assert len(server.requests) == 1


def test_a_download_of_exactly_the_admitted_size_is_admitted(wire, server):
    server.answers["/x"] = [Answer(body=b"12345")]
    assert download(wire, server.url + "/x", max_bytes=5)[1] == b"12345"
    with pytest.raises(ContentMismatch):
        download(wire, server.url + "/x", max_bytes=4)


ZIPPED = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("packed", "body"),
    [
        (gzip.compress(b"plain text"), b"plain text"),
        (gzip.compress(b"one ") + gzip.compress(b"two"), b"one two"),
        (gzip.compress(b"z" * 3_000_000), b"z" * 3_000_000),
        (gzip.compress(b""), b""),
        (b"", b""),
    ],
)
def test_gzip_is_unpacked(wire, server, packed, body):
    server.answers["/x"] = [Answer(body=packed, headers=ZIPPED)]
    assert wire.get(server.url + "/x").body == body


@pytest.mark.parametrize("packed", [b"no gzip", gzip.compress(b"x") + b"garbage", gzip.compress(b"x" * 999)[:-8] + b"12345678"])
def test_damaged_gzip_is_malformed(wire, server, packed):
    server.answers["/x"] = [Answer(body=packed, headers=ZIPPED)]
    with pytest.raises(Malformed, match="gzip"):
        wire.get(server.url + "/x")


def test_gzip_that_ends_early_is_unreachable(hasty, server):
    server.answers["/x"] = [Answer(body=gzip.compress(b"x" * 999)[:-3], headers=ZIPPED)]
    with pytest.raises(Unreachable, match="ends in the middle"):
        hasty.get(server.url + "/x")


def test_a_gzip_bomb_is_malformed_and_unpacked_no_further_than_admitted(wire, server):
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    megabyte = bytes(1024 * 1024)
    # Each received piece of 64 KiB would unpack to another 64 MiB.
    server.answers["/x"] = [Answer(body=b"".join(packer.compress(megabyte) for _ in range(200)) + packer.flush(), headers=ZIPPED)]
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match=str(MAX_INDEX_BYTES)):
            wire.get(server.url + "/x")
        assert tracemalloc.get_traced_memory()[1] < 1.5 * MAX_INDEX_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "zstd", "deflate", "\xe9"])
def test_other_codings_are_malformed(wire, server, coding):
    server.answers["/x"] = [Answer(body=b"x", headers={"Content-Encoding": coding})]
    with pytest.raises(Malformed, match="coding"):
        wire.get(server.url + "/x")


def test_an_encoded_download_is_malformed(wire, server):
    server.answers["/x"] = [Answer(body=gzip.compress(b"x"), headers=ZIPPED)]
    with pytest.raises(Malformed, match="encoded"):
        download(wire, server.url + "/x")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_and_the_final_address_is_told(wire, server, status):
    server.answers["/a"] = [Answer(status=status, headers={"Location": "b/c?d#e"}, body=b"moved")]
    server.answers["/b/c?d"] = [Answer(body=b"here")]
    document = wire.get(server.url + "/a")
    assert (document.url, document.body) == (server.url + "/b/c?d", b"here")
    assert download(wire, server.url + "/a")[1] == b"here"


def test_redirect_loops_end(wire, server):
    server.answers["/a"] = [Answer(status=302, headers={"Location": "/a"})]
    with pytest.raises(Unreachable, match="redirects more than"):
        wire.get(server.url + "/a")
    assert len(server.requests) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("location", [None, "", "file:///etc/passwd", "ftp://127.0.0.1/", "data:,x"])
def test_redirects_to_anything_else_are_malformed(wire, server, location):
    server.answers["/a"] = [Answer(status=302, headers={} if location is None else {"Location": location})]
    for read in both(wire, server.url + "/a"):
        with pytest.raises(Malformed, match="redirects"):
            read()


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("http://a.example/x", "https://a.example/y", "https://a.example/y"),
        ("http://a.example/x", "http://b.example/y", "http://b.example/y"),
        ("https://a.example/x/y?q", "../z", "https://a.example/z"),
        ("https://a.example/x", "//b.example/z", "https://b.example/z"),
        ("https://u:p@a.example/x", "/z", "https://u:p@a.example/z"),
        ("https://u:p@a.example/x", "https://a.example:443/z", "https://u:p@a.example/z"),
        ("https://u:p@a.example/x", "https://v:w@a.example/z", "https://u:p@a.example/z"),
        ("https://u:p@a.example/x", "https://b.example/z", "https://b.example/z"),
        ("https://u:p@a.example/x", "https://v:w@b.example/z", "https://b.example/z"),
        ("https://u:p@a.example/x", "https://a.example:444/z", "https://a.example:444/z"),
        ("http://u:p@a.example/x", "https://a.example/z", "https://a.example/z"),
    ],
)
def test_where_a_redirect_leads(url, location, target):
    assert redirect_target(url, location) == target


@pytest.mark.parametrize(
    "location", ["http://a.example/", "HTTP://a.example/", "http:/x", "file:///x", "FTP://x", "javascript:x", "", "mailto:x"]
)
def test_where_none_may_lead(location):
    with pytest.raises(Malformed):
        redirect_target("https://a.example/x", location)


@given(st.text() | st.text().map(lambda text: f"https://{text}") | st.text().map(lambda text: f"//{text}"))
def test_a_redirect_is_followed_to_https_or_malformed(location):
    try:
        target = redirect_target("https://u:p@a.example/x", location)
    except Malformed:
        return
    assert target.startswith("https://")
    assert not target.startswith("https://u:p@") or target.startswith("https://u:p@a.example")


@pytest.mark.parametrize("url", ["", "x", "/x", "file:///etc/passwd", "ftp://a.example/", "http://", "http:///x", "http://a:b/", "\0"])
def test_what_is_no_http_address_is_malformed(wire, url):
    for read in both(wire, url):
        with pytest.raises(Malformed):
            read()


def test_credentials_in_an_address_are_sent_to_its_own_host_only(wire, server):
    with FaultyServer() as other:
        server.answers["/a"] = [Answer(status=302, headers={"Location": "/b"})]
        server.answers["/b"] = [Answer(status=302, headers={"Location": other.url + "/c"})]
        other.answers["/c"] = [Answer(body=b"ok")]
        document = wire.get(server.url.replace("http://", "http://ada:s%40cret@") + "/a")
        assert document.url == other.url + "/c"
        assert [asked.headers.get("authorization") for asked in server.requests] == ["Basic YWRhOnNAY3JldA=="] * 2
        assert "authorization" not in other.requests[0].headers


def test_netrc_is_used_for_its_host_only(server, home):
    (home / ".netrc").write_text("machine 127.0.0.1 login ada password secret\n")
    (home / ".netrc").chmod(0o600)
    server.answers["/a"] = [
        Answer(body=b"ok"),
        Answer(status=302, headers={"Location": server.url.replace("127.0.0.1", "localhost") + "/b"}),
    ]
    server.answers["/b"] = [Answer(body=b"ok")]
    with Wire() as wire:
        wire.get(server.url + "/a")
        wire.get(server.url + "/a")
    assert [asked.headers.get("authorization") for asked in server.requests] == ["Basic YWRhOnNlY3JldA=="] * 2 + [None]


def test_a_damaged_netrc_is_said(home):
    (home / ".netrc").write_text("machine\n")
    with pytest.raises(PreconditionFailed, match="netrc"):
        Wire()


def test_a_certificate_file_that_is_missing_is_said(home, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(home / "none.pem"))
    with pytest.raises(PreconditionFailed, match="SSL_CERT_FILE"):
        Wire()


def test_a_proxy_is_used(server, home, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    server.answers["http://index.example/x"] = [Answer(body=b"by proxy")]
    with Wire() as wire:
        assert wire.get("http://index.example/x").body == b"by proxy"


def test_cookies_are_not_kept(wire, server):
    server.answers["/x"] = [Answer(body=b"ok", headers={"Set-Cookie": "a=b; Path=/"})]
    wire.get(server.url + "/x")
    wire.get(server.url + "/x")
    assert "cookie" not in server.requests[1].headers


@pytest.mark.parametrize("status", [200, 302, 401, 404, 500])
def test_messages_and_logs_show_neither_credentials_nor_query(hasty, server, status, caplog):
    caplog.set_level(logging.INFO)
    server.answers["/x?key=hidden"] = [Answer(status=status, body=bytes(10))]
    with pytest.raises((NotThere, Unreachable, ContentMismatch, Malformed)) as caught:
        hasty.download(server.url.replace("http://", "http://ada:s3cret@") + "/x?key=hidden", BytesIO(), max_bytes=1)
    assert server.url.removeprefix("http://") + "/x" in str(caught.value)
    assert "s3cret" not in str(caught.value) + caplog.text
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ada:s3cret@a.example:8080/x/@scope/y?k#f", "https://a.example:8080/x/@scope/y"),
        ("https://ada:s3cret@a.example", "https://a.example"),
        ("https://ada:s3cret@a.example?x@y", "https://a.example"),
        ("./folder/a@b", "./folder/a@b"),
        ("", ""),
    ],
)
def test_redacted(url, shown):
    assert redacted(url) == shown


def test_an_address_that_cannot_be_parsed_is_not_shown_with_its_password(wire):
    with pytest.raises(Malformed) as caught:
        wire.get("http://ada:s3c/ret@a.example/")
    assert "s3c" not in str(caught.value)


def test_credentials_of_an_address():
    assert without_credentials("https://u:p@a.example/x?y") == "https://a.example/x?y"
    assert with_credentials("https://a.example/z", of="https://u:p@a.example/x") == "https://u:p@a.example/z"
    assert with_credentials("https://v:w@b.example/z", of="https://u:p@a.example/x") == "https://b.example/z"
    assert with_credentials("https://a.example\\@b.example/", of="https://u:p@a.example/").find("u:p@b.example") == -1


def test_several_threads_share_a_wire(wire, server):
    for number in range(40):
        server.answers[f"/{number}"] = [Answer(body=str(number).encode())]
    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(lambda number: wire.get(f"{server.url}/{number}").body, range(40)))
    assert bodies == [str(number).encode() for number in range(40)]
