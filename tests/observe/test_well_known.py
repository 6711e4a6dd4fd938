"""Well-known names are what this machine's own clients use: the registry of npm (that of pip is tested in test_upstreams.py)."""

from __future__ import annotations

import os
import shutil
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import Unreachable
from reconciler.observe.upstreams import open_upstream
from reconciler.observe.well_known import WELL_KNOWN, registry_in
from reconciler.wire import Wire
from tests.observe.test_upstreams import BOXES
from tests.support.faulty_server import Answer, FaultyServer

REGISTRY = "https://registry.example/npm/"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def address(**environment):
    return WELL_KNOWN["npmjs"].address(environment)


@pytest.mark.parametrize(
    ("npmrc", "registry"),
    [
        ("", None),
        (f"registry={REGISTRY}", REGISTRY),
        (f"  registry = {REGISTRY}  \n", REGISTRY),
        (f'registry="{REGISTRY}"\n', REGISTRY),
        (f"registry='{REGISTRY}'\n", REGISTRY),
        (f'"registry"={REGISTRY}\n', REGISTRY),
        (f"registry={REGISTRY} ; ours\n", REGISTRY),
        (f"registry={REGISTRY} # ours\n", REGISTRY),
        (f"; registry={REGISTRY}\n#registry={REGISTRY}\n", None),
        (f"@scope:registry={REGISTRY}\n//registry.example/:_authToken=x\n", None),
        (f"registry=https://old.example/\r\nregistry={REGISTRY}\r\n", REGISTRY),
        (f"[section]\nregistry={REGISTRY}\n", None),
        (f"registry\nregistry={REGISTRY}", REGISTRY),
        ("registry=\n", None),
        ("registry=https://${HOST}/npm/", REGISTRY),
        ("registry=https://registry${NONE?}.example/npm/", REGISTRY),
        ("registry=https://${NONE}/", "https://${NONE}/"),
        ('registry="\\q"', "\\q"),
    ],
)
def test_what_an_npmrc_sets(npmrc, registry):
    assert registry_in(npmrc, {"HOST": "registry.example"}) == registry


@given(st.text(), st.dictionaries(st.text(max_size=3), st.text(max_size=3)))
def test_any_text_is_an_npmrc(text, environment):
    for npmrc in (text, f"registry={text}", f'registry="{text}"', f"registry=${{{text}}}"):
        assert registry_in(npmrc, environment) is None or isinstance(registry_in(npmrc, environment), str)


@pytest.mark.parametrize("name", ["npm_config_registry", "NPM_CONFIG_REGISTRY", "Npm_Config_registry"])
def test_a_variable_comes_first(home, name):
    (home / ".npmrc").write_text("registry=https://other.example/")
    assert address(**{name: REGISTRY}) == REGISTRY


def test_the_users_file_comes_next(home):
    (home / ".npmrc").write_text(f"registry={REGISTRY}")
    assert address(npm_config_registry="") == REGISTRY
    (home / "other").write_text("registry=https://other.example/")
    assert address(NPM_CONFIG_USERCONFIG=str(home / "other")) == "https://other.example/"


def test_the_global_file_comes_then(home):
    (home / "global").write_text(f"registry={REGISTRY}")
    assert address(NPM_CONFIG_GLOBALCONFIG=str(home / "global")) == REGISTRY
    (home / ".npmrc").write_text("registry=https://other.example/")
    assert address(NPM_CONFIG_GLOBALCONFIG=str(home / "global")) == "https://other.example/"


def test_a_file_of_the_working_folder_is_nobodys_word(home, tmp_path_factory, monkeypatch):
    work = tmp_path_factory.mktemp("repository")
    (work / ".npmrc").write_text("registry=https://evil.example/")
    (work / "npm").write_text("#!/bin/sh\necho https://evil.example/\n")
    (work / "npm").chmod(0o755)
    monkeypatch.chdir(work)
    assert "evil" not in address(PATH=f".:{os.environ['PATH']}")
    assert "evil" not in address(PATH=".")


def test_without_npm_it_is_the_public_registry_that_the_library_knows(home):
    parts = urlsplit(address(PATH=""))
    assert (parts.scheme, parts.path, parts.query, parts.port) == ("https", "/", "", None)
    assert parts.hostname is not None
    assert parts.hostname.count(".") == 2


def test_npm_itself_is_asked_last(home):
    told = home / "bin"
    told.mkdir()
    (told / "npm").write_text(f'#!/bin/sh\ntest "$*" = "config get registry" && test "$PWD" = / && echo {REGISTRY}\n')
    (told / "npm").chmod(0o755)
    assert address(PATH=f"{told}:{os.environ['PATH']}") == REGISTRY
    (told / "npm").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(Unreachable, match="npm's configuration cannot be read"):
        address(PATH=f"{told}:{os.environ['PATH']}")


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_the_real_npm_says_the_same_as_we_read(home):
    (home / "global").write_text(f"registry={REGISTRY}")
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    assert address(**environment).startswith("http")
    assert address(**environment, NPM_CONFIG_GLOBALCONFIG=str(home / "global")) == REGISTRY


def test_a_file_that_cannot_be_read_does_not_lead_to_the_public_registry(home):
    (home / ".npmrc").mkdir()
    with pytest.raises(Unreachable, match="cannot be read"):
        address()


def test_credentials_in_the_address_stay_private(home, tmp_path):
    with FaultyServer() as server, Wire() as wire:
        server.answers["/npm/foo.json"] = [Answer(body=b'{"1": "foo-1.box"}')]
        environment = {"npm_config_registry": server.url.replace("http://", "http://ada:s3cret@") + "/npm/"}
        upstream = open_upstream("npmjs", feed_type="npm", ecosystem=BOXES, wire=wire, base=tmp_path, environment=environment)
        listing = upstream.discover("foo")
        assert server.requests[0].headers["authorization"] == "Basic YWRhOnMzY3JldA=="
        assert "s3cret" not in repr(listing) + upstream.name
