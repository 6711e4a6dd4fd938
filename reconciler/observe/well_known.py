"""Indexes that have a name. Their addresses are found at run time, so that a machine that is set up with a mirror uses its mirror.

    nuget.org   the V3 index of nuget.org
    pypi        the index that pip on this machine uses, by `pip config list`; the public one where pip has no other
    npmjs       the registry that npm on this machine uses, by its variables, its user's .npmrc, and `npm config` where npm is installed;
                the public one where there is nothing of these

The public addresses are those that the libraries know. A configuration that cannot be read never leads to the public index: what is
configured may be the only one that may be asked. A `.npmrc` or `pip.conf` of the repository is not read: anybody can propose one.
npm's settings: https://github.com/npm/cli/blob/latest/docs/lib/content/configuring-npm/npmrc.md. Of its tokens none is taken; `wire/credentials.py` says what is.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from ast import literal_eval
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from reconciler.errors import Unreachable

CLIENT_SECONDS: Final = 30.0
MAX_NPMRC_BYTES: Final = 1 << 20

_NPM_VARIABLE: Final = re.compile(r"\$\{([^${}?]+)(\??)\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class WellKnown:
    """An index that has a name: the type of feed that it serves, and how its address is found in an environment."""

    type: str
    address: Callable[[Mapping[str, str]], str]


def index_url_in(pip_config: str) -> str | None:
    """The index that `pip install` uses by the output of `pip config list`; None if none is set.

    Lines are `section.option='value'`; for pip the environment comes before a command's own section, and this before `global`.
    """
    settings = dict(line.split("=", 1) for line in pip_config.splitlines() if "=" in line)
    for key in (":env:.index-url", "install.index-url", "global.index-url"):
        try:
            value = literal_eval(settings.get(key, "''"))
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if value and isinstance(value, str):
            return value
    return None


@cache
def _pip_index() -> str:
    """Pip's own index; the public one where there is no pip, or pip has no other."""
    from pypi_simple import PYPI_SIMPLE_ENDPOINT  # noqa: PLC0415  # takes 0.2 s, and few runs ask for it

    if find_spec("pip") is None:
        return PYPI_SIMPLE_ENDPOINT
    # -P: a folder "pip" in the working folder, which may be anybody's, is not run.
    command = [sys.executable, "-P", "-m", "pip", "--no-input", "--disable-pip-version-check", "config", "list"]
    return index_url_in(_told_by("pip", command)) or PYPI_SIMPLE_ENDPOINT


def registry_in(npmrc: str, environment: Mapping[str, str]) -> str | None:
    """The registry that the text of an .npmrc sets; None if it sets none. `${NAME}` is replaced as npm replaces it.

    Lines are `key = value`, as in an INI file; the last one counts, and those below a `[section]` are not npm's own.
    """
    found = None
    for line in npmrc.splitlines():
        if line.lstrip().startswith("["):
            break
        key, equals, value = line.partition("=")
        if equals and _unquoted(key) == "registry":
            found = _NPM_VARIABLE.sub(lambda match: environment.get(match[1], "" if match[2] else match[0]), _unquoted(value))
    return found or None


def _unquoted(text: str) -> str:
    """A key or value of an .npmrc without its quotes, or up to the comment that follows it."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        try:
            inner = json.loads(text) if text[0] == '"' else text[1:-1]
        except ValueError:
            inner = text[1:-1]
        return str(inner)
    return re.split("[;#]", text, maxsplit=1)[0].strip()


def _npm_registry(environment: Mapping[str, str]) -> str:
    """The registry of npm itself: its variables, the user's file, the global file, what npm itself says; else the public one."""
    set_by = {name.lower(): value for name, value in sorted(environment.items()) if value and name.lower().startswith("npm_config_")}
    if registry := set_by.get("npm_config_registry"):
        return registry
    user = Path(set_by.get("npm_config_userconfig") or Path.home() / ".npmrc")
    files = [user, *(Path(path) for path in [set_by.get("npm_config_globalconfig")] if path)]
    for path in files:
        if registry := registry_in(_text_of(path), environment):
            return registry
    # The place of npm's global file depends on how npm was installed, so npm is asked. In the root folder: it also reads
    # an .npmrc of the folder that it runs in.
    npm = shutil.which("npm", path=environment.get("PATH", ""))
    if npm is None or not Path(npm).is_absolute():
        return _public_npm_registry()
    told = _told_by("npm", [npm, "config", "get", "registry"], environment=environment, folder=Path("/"))
    return told.strip() or _public_npm_registry()


def _public_npm_registry() -> str:
    """The registry in which a package URL without a qualifier lies (https://github.com/package-url/purl-spec)."""
    from packageurl.contrib.purl2url import get_download_url  # noqa: PLC0415  # few runs ask for it

    archive: str = get_download_url("pkg:npm/name@1.0.0")  # type: ignore[no-untyped-call]  # the library has no annotations
    return urljoin(archive, "/")


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_NPMRC_BYTES).decode(errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        message = f"the index to ask is the one that npm uses, and {path} cannot be read: {error.strerror}"
        raise Unreachable(message) from error


def _told_by(client: str, command: list[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
    """What a client says of its configuration; Unreachable if it says nothing."""
    try:
        done = subprocess.run(  # noqa: S603  # constant but for the path of npm, which is the user's own
            command, capture_output=True, timeout=CLIENT_SECONDS, check=True, stdin=subprocess.DEVNULL, env=environment, cwd=folder
        )
    except (OSError, subprocess.SubprocessError) as error:
        message = f"the index to ask is the one that {client} uses, and {client}'s configuration cannot be read"
        raise Unreachable(message, remedy=f"See what `{client} config list` says.") from error
    return done.stdout.decode(errors="replace")


WELL_KNOWN: Final[Mapping[str, WellKnown]] = {
    "nuget.org": WellKnown(type="nuget", address=lambda _: "https://api.nuget.org/v3/index.json"),
    "pypi": WellKnown(type="pypi", address=lambda _: _pip_index()),
    "npmjs": WellKnown(type="npm", address=_npm_registry),
}
