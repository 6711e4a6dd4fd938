"""Secrets of the environment go to the host in the variable's name, and nowhere else: no other server, no message, no file."""

from __future__ import annotations

import logging
import re
from base64 import b64encode
from io import BytesIO

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Malformed, PreconditionFailed, ReconcilerError, Unreachable
from reconciler.wire import Timeouts, Wire
from reconciler.wire.credentials import Credentials, how_to_log_in, suffix_of
from tests.support.faulty_server import Answer, FaultyServer

SECRET = "s3cr3t-of-the-test"
QUICK = Timeouts(connect=1.0, read=0.2, pause=0.01, document=0.5, download=0.5)


def basic(text):
    return f"Basic {b64encode(text.encode()).decode()}"


def sent(variables, url, upstream=None):
    return Credentials(variables).authorization(httpx.URL(url), upstream=httpx.URL(upstream or url))


@pytest.mark.parametrize(
    ("url", "suffix"),
    [
        ("https://nexus.example/repository/x", "nexus_example"),
        ("https://NEXUS.example", "nexus_example"),
        ("https://my-nexus.corp.example", "my__nexus_corp_example"),
        ("https://a--b.example", "a____b_example"),
        ("https://nexus.example:443", "nexus_example"),
        ("http://nexus.example:80", "nexus_example"),
        ("http://nexus.example:443", "nexus_example_443"),
        ("https://nexus.example:8443", "nexus_example_8443"),
        ("https://10.0.0.1:8443", "10_0_0_1_8443"),
        ("https://localhost", "localhost"),
        ("https://bücher.example", "xn____bcher__kva_example"),
        ("https://[::1]", None),
        ("https://a_b.example", None),
        ("https://a.b_.c.example", None),
        ("https://-a.example", None),
        ("https://a-.example", None),
        ("https://a..example", None),
        ("https://a.example.", None),
        ("https://a.example.8080", None),
    ],
)
def test_the_variable_of_a_server(url, suffix):
    assert suffix_of(httpx.URL(url)) == suffix


LABELS = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,6}[a-z0-9_])?", fullmatch=True)
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
PORTS = st.sampled_from(["", ":80", ":443", ":1", ":8080"])


@given(HOSTS, PORTS, HOSTS, PORTS)
def test_no_two_servers_have_one_variable(host, port, other_host, other_port):
    try:
        one, other = httpx.URL(f"https://{host}{port}"), httpx.URL(f"https://{other_host}{other_port}")
    except httpx.InvalidURL:  # as 1.2.3 with a port, or a label that IDNA refuses
        return
    if suffix_of(one) is not None and suffix_of(one) == suffix_of(other):
        assert (one.host, one.port) == (other.host, other.port)


def test_the_spelling_that_another_host_could_take_over():
    # Whoever owns c.example could else have a host whose variable is that of a.b-c.example.
    assert suffix_of(httpx.URL("https://a.b-c.example")) == "a_b__c_example"
    assert suffix_of(httpx.URL("https://a.b_.c.example")) is None


@pytest.mark.parametrize(
    ("variables", "header"),
    [
        ({"RECONCILER_TOKEN_nexus_example": SECRET}, f"Bearer {SECRET}"),
        ({"RECONCILER_TOKEN_NEXUS_EXAMPLE": SECRET}, f"Bearer {SECRET}"),
        ({"RECONCILER_LOGIN_nexus_example": "ada:s3:cret"}, basic("ada:s3:cret")),
        ({"RECONCILER_LOGIN_nexus_example": "ada:"}, basic("ada:")),
        ({"RECONCILER_LOGIN_nexus_example": "ada:é x"}, basic("ada:é x")),
        ({"RECONCILER_TOKEN_nexus_example_8443": SECRET}, None),
        ({"RECONCILER_TOKEN_example": SECRET}, None),
        ({"RECONCILER_TOKEN_nexus_example": ""}, None),
        ({"RECONCILER_TOKEN_nexus_example": "", "RECONCILER_LOGIN_nexus_example": "ada:x"}, basic("ada:x")),
        ({"RECONCILER_TOKEN": SECRET, "PATH": "/bin"}, None),
    ],
)
def test_what_a_variable_sends(variables, header):
    assert sent(variables, "https://nexus.example/x") == header


def test_the_default_of_netrc_is_sent_to_nobody(home):
    """Any host may be meant by it, one that a pull request or an upstream names, too."""
    (home / ".netrc").write_text("machine nexus.example login grace password hopper\ndefault login ada password everywhere\n")
    (home / ".netrc").chmod(0o600)
    assert sent({}, "https://nexus.example/") == basic("grace:hopper")
    assert sent({}, "https://other.example/") is None
    assert sent({}, "https://default/") is None


def test_what_the_address_itself_says_comes_first_and_netrc_last(home):
    (home / ".netrc").write_text("machine nexus.example login grace password hopper\nmachine other.example login grace password hopper\n")
    (home / ".netrc").chmod(0o600)
    variables = {"RECONCILER_TOKEN_nexus_example": SECRET}
    assert sent(variables, "https://ada:x@nexus.example/") == basic("ada:x")
    assert sent(variables, "https://nexus.example/") == f"Bearer {SECRET}"
    assert sent(variables, "https://other.example/") == basic("grace:hopper")
    assert sent(variables, "https://third.example/") is None


@pytest.mark.parametrize(
    ("url", "upstream", "goes"),
    [
        ("https://nexus.example/f", "https://nexus.example/", True),
        ("https://nexus.example/f", "https://index.example/", True),
        ("http://nexus.example/f", "http://nexus.example/", True),
        ("http://nexus.example/f", "https://nexus.example/", False),
        ("http://nexus.example/f", "http://index.example/", False),
        ("http://nexus.example/f", "http://nexus.example:81/", False),
        ("http://127.0.0.1/f", "https://index.example/", True),
        ("http://[::1]/f", "https://index.example/", False),
        ("http://localhost/f", "https://index.example/", True),
        ("http://localhost.evil.example/f", "https://index.example/", False),
    ],
)
def test_plain_http_carries_a_secret_to_this_machine_and_to_the_declared_upstream_only(url, upstream, goes):
    names = ("nexus_example", "127_0_0_1", "localhost", "localhost_evil_example")
    assert (sent({f"RECONCILER_TOKEN_{name}": SECRET for name in names}, url, upstream) is not None) is goes


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"RECONCILER_LOGIN_a_example": SECRET}, "RECONCILER_LOGIN_a_example"),
        ({"RECONCILER_LOGIN_a_example": f":{SECRET}"}, "RECONCILER_LOGIN_a_example"),
        ({"RECONCILER_LOGIN_a_example": f"ada:{SECRET}\n"}, "RECONCILER_LOGIN_a_example"),
        ({"RECONCILER_LOGIN_a_example": f"ada:{SECRET}\r\nHost: evil.example"}, "RECONCILER_LOGIN_a_example"),
        ({"RECONCILER_TOKEN_a_example": f"{SECRET}\n"}, "RECONCILER_TOKEN_a_example"),
        ({"RECONCILER_TOKEN_a_example": f"{SECRET} {SECRET}"}, "RECONCILER_TOKEN_a_example"),
        ({"RECONCILER_TOKEN_a_example": f"{SECRET}é"}, "RECONCILER_TOKEN_a_example"),
        ({"RECONCILER_TOKEN_a.example": SECRET}, "RECONCILER_TOKEN_a.example"),
        ({"RECONCILER_TOKEN_": SECRET}, "RECONCILER_TOKEN_"),
        ({"RECONCILER_TOKEN_a_example": SECRET, "RECONCILER_LOGIN_a_example": f"ada:{SECRET}"}, "RECONCILER_LOGIN_a_example"),
        ({"RECONCILER_TOKEN_a_example": SECRET, "RECONCILER_TOKEN_A_EXAMPLE": SECRET}, "RECONCILER_TOKEN_A_EXAMPLE"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named_and_not_cited(variables, name):
    with pytest.raises(PreconditionFailed, match=re.escape(name)) as caught:
        Wire(environment=variables)
    assert SECRET not in repr(caught.value) + str(caught.value) + caught.value.remedy


@pytest.mark.parametrize("text", [f"{SECRET} x\n", f"machine a.example login ada {SECRET} x\n", "machine"])
def test_a_damaged_netrc_is_not_cited(home, text):
    (home / ".netrc").write_text(text)
    (home / ".netrc").chmod(0o600)
    with pytest.raises(PreconditionFailed, match="netrc") as caught:
        Wire()
    assert SECRET not in repr(caught.value) + str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_names_the_variables_to_set(server, status):
    server.answers["/x"] = [Answer(status=status)]
    with Wire(QUICK) as wire, pytest.raises(Unreachable) as caught:
        wire.get(server.url + "/x")
    suffix = f"127_0_0_1_{server.port}"
    assert f"RECONCILER_TOKEN_{suffix} " in str(caught.value)
    assert f"RECONCILER_LOGIN_{suffix} " in str(caught.value)
    assert "netrc" in str(caught.value)


def test_a_host_without_variables_has_its_netrc():
    assert how_to_log_in(httpx.URL("https://[::1]/")) == "put user name and password for this host into ~/.netrc"


def test_a_secret_is_sent_to_its_own_port_and_across_no_redirect_to_another(server):
    with FaultyServer() as other:
        server.answers["/a"] = [Answer(status=302, headers={"Location": "/b"})]
        server.answers["/b"] = [Answer(status=302, headers={"Location": other.url + "/c"})]
        other.answers["/c"] = [Answer(body=b"ok")]
        with Wire(environment={f"RECONCILER_TOKEN_127_0_0_1_{server.port}": SECRET}) as wire:
            assert wire.get(server.url + "/a").body == b"ok"
            wire.download(server.url + "/b", BytesIO(), max_bytes=9)
        assert {asked.headers.get("authorization") for asked in server.requests} == {f"Bearer {SECRET}"}
        assert len(other.requests) == 2
        assert not [asked for asked in other.requests if "authorization" in asked.headers]


def test_a_server_that_has_a_variable_of_its_own_gets_that_after_a_redirect(server):
    with FaultyServer() as other:
        server.answers["/a"] = [Answer(status=302, headers={"Location": other.url + "/c"})]
        other.answers["/c"] = [Answer(body=b"ok")]
        variables = {f"RECONCILER_TOKEN_127_0_0_1_{port}": token for port, token in ((server.port, "one"), (other.port, "two"))}
        with Wire(environment=variables) as wire:
            wire.get(server.url + "/a")
        assert [asked.headers["authorization"] for asked in (*server.requests, *other.requests)] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b"ok", headers={"ETag": '"1"'}),
        Answer(status=302, headers={"Location": "ftp://127.0.0.1/"}),
        Answer(status=401, headers={"WWW-Authenticate": "Basic"}),
        Answer(status=503),
        Answer(body=b"half", length=9),
        Answer(raw=True, body=b"HTTP/1.1 200 OK\r\nX\0Y: 1\r\n\r\n"),
        Answer(wait=0.3),
        Answer(body=bytes(99)),
    ],
)
@pytest.mark.parametrize("login", [False, True])
def test_a_secret_appears_nowhere(server, tmp_path, caplog, capfd, answer, login):
    caplog.set_level(logging.DEBUG)
    server.answers["/x"] = [answer]
    suffix = f"127_0_0_1_{server.port}"
    variables = {f"RECONCILER_LOGIN_{suffix}": f"ada:{SECRET}"} if login else {f"RECONCILER_TOKEN_{suffix}": SECRET}
    told = []
    with Wire(QUICK, environment=variables, cache=tmp_path / "cache") as wire:
        for read in (lambda: wire.get(server.url + "/x"), lambda: wire.download(server.url + "/x", BytesIO(), max_bytes=50)):
            try:
                told.append(repr(read()))
            except ReconcilerError as error:
                seen: BaseException | None = error
                while seen is not None:
                    told += [repr(seen), str(seen), repr(vars(seen)), repr(seen.args)]
                    seen = seen.__cause__ or seen.__context__
        told += [repr(wire), repr(vars(wire))]
    assert server.requests[0].headers["authorization"] == (basic(f"ada:{SECRET}") if login else f"Bearer {SECRET}")
    out, err = capfd.readouterr()
    files = b"".join(path.read_bytes() + str(path).encode() for path in tmp_path.rglob("*") if path.is_file())
    everything = "".join(told) + caplog.text + out + err + files.decode("latin-1")
    for spelling in (SECRET, b64encode(SECRET.encode()).decode(), b64encode(f"ada:{SECRET}".encode()).decode()):
        assert spelling not in everything


def test_a_redirect_that_cites_the_secret_is_not_shown(server):
    server.answers["/x"] = [Answer(status=302, headers={"Location": f"ftp://ada:{SECRET}@127.0.0.1/?q={SECRET}#{SECRET}"})]
    with Wire(QUICK) as wire, pytest.raises(Malformed) as caught:
        wire.get(server.url + "/x")
    assert SECRET not in str(caught.value)
