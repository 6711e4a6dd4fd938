"""What holds for every test: no settings of this account or machine, nothing but loopback, and real clients that may be missing.

Isolation. Git, pip, uv and httpx read settings from the environment and the home folder; tests, and the programs that they start,
run with an empty home folder and without those variables.

Loopback. An audit hook (PEP 578) refuses every connection and every look-up of a name that would leave this machine, from any
thread and through any library of this process. Its refusal is no OSError, so that no code under test takes it for an upstream that
cannot be reached. Programs that tests start are not covered: `tests/support/clients.py` gives them a proxy that does not exist.

Clients. `@pytest.mark.client("nuget")` skips a test whose client is missing, and the end of the run says so in one line a client;
with RECONCILER_REQUIRE_CLIENTS set, as in CI, it fails.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support import clients
from tests.support.signing import Keyring

REQUIRE_CLIENTS: Final = "RECONCILER_REQUIRE_CLIENTS"
MISSING: Final = "client missing: "
LEAKS: Final = (
    *(
        "GIT_",
        "PIP_",
        "UV_",
        "NPM_CONFIG_",
        "NETRC",
        "SSL_CERT_",
        "XDG_",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "FORCE_COLOR",
    ),
    *("RECONCILER_TOKEN_", "RECONCILER_LOGIN_", "RECONCILER_CACHE"),
)
"""How variables begin, in capitals, that change what the code under test does."""


@pytest.fixture(scope="session", autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith(LEAKS)]:
            patch.delenv(name)
        for name in ("RECONCILER_PUBLIC_URL", "RECONCILER_APPLIER"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("PIP_CONFIG_FILE", os.devnull)
        patch.setenv("UV_NO_CONFIG", "1")
        yield


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    """SSH keys by name, for tests that sign commits."""
    return Keyring(tmp_path_factory.mktemp("keys"))


def _only_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a path: a socket of this machine
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host is None or _is_loopback(host.decode() if isinstance(host, bytes) else host):
        return
    pytest.fail(f"a test may reach loopback only, not {host!r}")


def _is_loopback(host: str) -> bool:
    if host in {"", "localhost"}:
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def pytest_configure() -> None:
    sys.addaudithook(_only_loopback)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Binary values are named for their argument (pytest adds a number): gzip holds the time, and a test's name must not change."""
    return argname if isinstance(val, bytes) and not val.decode("latin-1").isprintable() else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("client"):
        (name,) = marker.args
        reason = clients.find(name)
        if isinstance(reason, tuple):
            continue
        if os.environ.get(REQUIRE_CLIENTS):
            pytest.fail(f"{REQUIRE_CLIENTS} is set, and {name} is missing: {reason}", pytrace=False)
        pytest.skip(f"{MISSING}{name}: {reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", []) if isinstance(report.longrepr, tuple)]
    absent = Counter(reason.partition(MISSING)[2] for reason in reasons if MISSING in reason)
    for text, count in sorted(absent.items()):
        terminalreporter.write_line(f"Client missing (tests skipped: {count}): {text}", yellow=True)


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of the test's own, in which downloads lie until they have passed."""
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder
