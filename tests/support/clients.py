"""The real clients that install from the feeds, and nginx: how each one is found, and the clean surroundings in which it runs.

A test says which one it needs, `@pytest.mark.client("nuget")`; `tests/conftest.py` skips it, or fails it, where `find` gives a
reason. One more client is a row in CLIENTS. Those that neither Debian nor the lock files of development bring are in one folder, where
`.ci/run` installs them (pinned in tests/clients/node/ and requirements-clients.lock). None of them sees this account's settings or caches (HOME is a fresh folder), and one
that wants to go anywhere but loopback meets a proxy that does not exist.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.support.nginx import find_nginx

SECONDS: Final = 120.0
NUGET_EXE: Final = "RECONCILER_NUGET_EXE"
"""May name another nuget.exe."""
FOLDER: Final = "RECONCILER_CLIENTS"
"""May name another folder of installed clients."""
INSTALLED: Final = Path(os.environ.get(FOLDER) or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reconciler-clients")
"""Where `.ci/run` puts them; settled before the tests get another home folder."""
MODULES: Final = INSTALLED / "node/node_modules"
NOWHERE: Final = "http://127.0.0.1:9"  # the discard port

Command = tuple[str, ...]


class ClientMissing(Exception):
    """The client is not on this machine; the message says what was looked for."""


def _pip() -> Command:
    if find_spec("pip") is None:
        message = f"{sys.executable} has no pip"
        raise ClientMissing(message)
    return (sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-input")


def _uv() -> Command:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        message = "uv is neither on PATH nor beside the Python that runs the tests"
        raise ClientMissing(message)
    return (found, "--no-config")


def _nuget() -> Command:
    """nuget.exe on mono, which is asked for its help: without some of mono's libraries it does not even start."""
    mono = shutil.which("mono")
    if mono is None:
        message = "mono is not on PATH"
        raise ClientMissing(message)
    program = os.environ.get(NUGET_EXE) or str(MODULES / "nuget-exe/nuget-5.8.0.exe")
    if not Path(program).is_file():
        message = f"there is no {program}; {NUGET_EXE} may name another nuget.exe, and .ci/run shows where it comes from"
        raise ClientMissing(message)
    command = (mono, program)
    with TemporaryDirectory() as home:
        try:
            run([*command, "help"], folder=Path(home), environment=_surroundings(Path(home)))
        except AssertionError as error:
            message = f"nuget.exe does not start: {error}"
            raise ClientMissing(message) from error
    return command


def _on_path(program: str) -> Command:
    found = shutil.which(program)
    if found is None:
        message = f"{program} is not on PATH"
        raise ClientMissing(message)
    return (found,)


def _installed(program: Path) -> str:
    if not program.is_file():
        message = f"there is no {program}; .ci/run installs it, and {FOLDER} may name another folder than {INSTALLED}"
        raise ClientMissing(message)
    return str(program)


def _poetry() -> Command:
    return (_installed(INSTALLED / "poetry/bin/poetry"), "--no-ansi", "--no-interaction")


def _module(script: str) -> Callable[[], Command]:
    """A client that is a script for node."""
    return lambda: (*_on_path("node"), _installed(MODULES / script))


def _nginx() -> Command:
    found = find_nginx()
    if found is None:
        message = "nginx is not on PATH and not where Debian puts it"
        raise ClientMissing(message)
    return (found,)


CLIENTS: Final[Mapping[str, Callable[[], Command]]] = {
    "pip": _pip,
    "uv": _uv,
    "poetry": _poetry,
    "nuget": _nuget,
    "npm": lambda: _on_path("npm"),
    "pnpm": _module("pnpm/bin/pnpm.cjs"),
    "yarn": _module("yarn/bin/yarn.js"),
    "yarn-berry": _module("@yarnpkg/cli-dist/bin/yarn.js"),
    "nginx": _nginx,
}


@cache
def find(name: str) -> Command | ClientMissing:
    """How a client is called, or why it cannot be."""
    try:
        return CLIENTS[name]()
    except ClientMissing as missing:
        return missing


def run_client(name: str, *arguments: str, home: Path, expect: int = 0) -> str:
    """What the client prints, both streams; its exit code must be the expected one. It works in `home` and keeps its caches there."""
    command = find(name)
    assert isinstance(command, tuple), f"{command}; the test lacks the marker client({name!r})"
    return run([*command, *arguments], folder=home, environment=_surroundings(home), expect=expect)


def run(command: list[str], *, folder: Path, environment: Mapping[str, str], expect: int = 0) -> str:
    """Runs a command to its end, and shows all that it said if it ends otherwise than expected."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == expect, f"exit code {done.returncode}, not {expect}: {' '.join(command)}\n{done.stdout}"
    return done.stdout


def _surroundings(home: Path) -> dict[str, str]:
    scratch = home / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "HOME": str(home),
        "TMPDIR": str(scratch),
        "NUGET_PACKAGES": str(home / "packages"),
        "NUGET_HTTP_CACHE_PATH": str(home / "http-cache"),
        "npm_config_globalconfig": os.devnull,  # where a distribution or an administrator sets what holds for all
        "npm_config_update_notifier": "false",
        "COREPACK_ENABLE_STRICT": "0",
        "YARN_CACHE_FOLDER": str(home / "yarn-cache"),  # which for root is none of the account's
        "YARN_ENABLE_TELEMETRY": "0",
        "YARN_ENABLE_GLOBAL_CACHE": "0",
        "POETRY_VIRTUALENVS_IN_PROJECT": "true",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "http_proxy": NOWHERE,
        "https_proxy": NOWHERE,
        "no_proxy": "127.0.0.1",
    }
