"""What `tests/conftest.py` promises: nothing but loopback, no settings of this account, and a missing client is told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.wire import Wire
from tests.conftest import REQUIRE_CLIENTS
from tests.support.clients import NUGET_EXE, run
from tests.support.shared import ROOT


def test_no_connection_leaves_this_machine():
    with pytest.raises(pytest.fail.Exception, match=r"192\.0\.2\.1"), socket.socket() as sock:
        sock.connect(("192.0.2.1", 80))


def test_no_name_is_looked_up():
    with pytest.raises(pytest.fail.Exception, match=r"upstream\.example"):
        socket.getaddrinfo("upstream.example", 443)


@pytest.mark.parametrize("address", ["http://192.0.2.1/", "http://[2001:db8::1]/", "http://upstream.example/"])
def test_code_under_test_does_not_take_the_refusal_for_an_upstream_that_is_down(address):
    with Wire() as wire, pytest.raises(pytest.fail.Exception):
        wire.get(address)


def test_git_sees_no_configuration_of_this_account(tmp_path):
    assert run(["git", "config", "--list"], folder=tmp_path, environment=os.environ) == ""


@pytest.mark.client("pip")
def test_pip_sees_no_configuration_of_this_account(tmp_path):
    listed = run([sys.executable, "-m", "pip", "config", "list"], folder=tmp_path, environment=os.environ)
    assert [line for line in listed.splitlines() if "config-file" not in line] == []


@pytest.mark.parametrize(
    ("require", "code", "said"), [("", 0, "Client missing (tests skipped: 1): nuget: "), ("1", 1, "nuget is missing: ")]
)
def test_a_missing_client_is_told_and_where_clients_are_required_it_fails(require, code, said, tmp_path):
    """The suite itself, on a machine without mono."""
    environment = {**os.environ, "PATH": str(tmp_path), NUGET_EXE: "", REQUIRE_CLIENTS: require}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/clients/test_nuget.py", "-k", "search"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done.stdout
    assert said in done.stdout
    assert Path(__file__).with_name("test_nuget.py").name in done.stdout
