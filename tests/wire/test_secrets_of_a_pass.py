"""A whole pass against an upstream that asks for a secret: it works, and the secret is in no output, log, approval, ledger or cache."""

from __future__ import annotations

import logging
from base64 import b64encode
from hashlib import sha256

import pytest

from tests.cli.place import make_place
from tests.support.faulty_server import Answer, FaultyServer
from tests.support.wheels import wheel, wheel_name

SECRET = "s3cr3t-of-the-test"
NAME, DATA = wheel_name("leaf", "1.2"), wheel("leaf", "1.2")
PAGE = f'<a href="/files/{NAME}#sha256={sha256(DATA).hexdigest()}">{NAME}</a>'.encode()
LOGIN = b64encode(f"ada:{SECRET}".encode()).decode()


class Guarded(FaultyServer):
    """Answers 401 to whoever does not know the secret."""

    def _next(self, asked):
        answer = super()._next(asked)
        return answer if asked.headers.get("authorization") in {f"Bearer {SECRET}", f"Basic {LOGIN}"} else Answer(status=401)


@pytest.fixture
def guarded():
    with Guarded() as running:
        running.answers["/simple/leaf/"] = [Answer(headers={"Content-Type": "text/html", "ETag": '"1"'}, body=PAGE)]
        running.answers[f"/files/{NAME}"] = [Answer(body=DATA)]
        yield running


@pytest.fixture
def place(tmp_path, guarded):
    made = make_place(tmp_path / "repository")
    made.write("feeds.yaml", (made.root / "feeds.yaml").read_text().replace("./upstream/pypi", f"{guarded.url}/simple/"))
    made.commit("Ask a guarded registry")
    return made


@pytest.mark.parametrize("kind", ["TOKEN", "LOGIN"])
def test_the_secret_opens_the_upstream_and_appears_nowhere(place, guarded, tmp_path, monkeypatch, caplog, kind):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("RECONCILER_CACHE", str(tmp_path / "cache"))
    refused = place.run("approve", "approved-pypi", "leaf@1.2", "-m", "x")
    variable = f"RECONCILER_{kind}_127_0_0_1_{guarded.port}"
    assert refused.code != 0
    assert variable in refused.err
    monkeypatch.setenv(variable, SECRET if kind == "TOKEN" else f"ada:{SECRET}")
    done = [refused, place.run("approve", "approved-pypi", "leaf@1.2", "-m", "x", "--commit"), place.run("apply")]
    place.write("feeds.yaml", (place.root / "feeds.yaml").read_text().replace("/simple/", "/moved/"))
    place.commit("Move it")
    done += [place.run(*command) for command in (("plan",), ("plan", "--format", "json"), ("history",), ("history", "--format", "json"))]
    guarded.answers["/simple/leaf/"] = [Answer(status=500)]
    done.append(place.run("approve", "approved-pypi", "leaf@1.1", "-m", "x"))
    assert [one.code for one in done[1:7]] == [0] * 6
    pages = [path for path in (tmp_path / "cache").iterdir() if path.name not in {"salt", "history", "archives"}]
    assert len(pages) == 1
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    everything = caplog.text + "".join(one.out + one.err for one in done)
    everything += "".join(f"{path}\n{path.read_bytes().decode('latin-1')}" for path in files)
    assert "leaf" in everything
    assert SECRET not in everything
    assert LOGIN not in everything


@pytest.mark.parametrize("value", [f"{SECRET}\n", f"{SECRET} x"])
def test_a_variable_that_cannot_be_used_stops_the_pass_before_it_asks(place, guarded, monkeypatch, value):
    variable = f"RECONCILER_TOKEN_127_0_0_1_{guarded.port}"
    monkeypatch.setenv(variable, value)
    done = place.run("plan")
    assert done.code == 3
    assert variable in done.err
    assert SECRET not in done.out + done.err
    assert guarded.requests == []


def test_a_second_pass_reads_the_page_from_the_cache_of_the_environment(place, guarded, tmp_path, monkeypatch):
    monkeypatch.setenv(f"RECONCILER_TOKEN_127_0_0_1_{guarded.port}", SECRET)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert place.run("approve", "approved-pypi", "leaf@1.2", "-m", "x", "--commit").code == 0
    assert place.run("apply").code == 0
    pages = [asked.headers.get("if-none-match") for asked in guarded.requests if asked.path == "/simple/leaf/"]
    assert pages == [None, '"1"']
    assert (tmp_path / "xdg" / "reconciler" / "salt").exists()
