"""Which secret goes to which server. Secrets come from the environment or ~/.netrc, and never from YAML.

Variables are bound to a *host*, as Terraform's are (https://developer.hashicorp.com/terraform/cli/config/config-file#environment-variable-credentials),
not to a feed or connector: else a pull request that changes an address could send somebody's secret to its own server.

    RECONCILER_TOKEN_nexus_example        a token, sent as `Authorization: Bearer` (RFC 6750) to nexus.example
    RECONCILER_LOGIN_my__nexus_example    "user:password", sent as Basic (RFC 7617) to my-nexus.example
    RECONCILER_TOKEN_nexus_example_8443   to nexus.example:8443; without a port it is the scheme's default, 443 or 80

"." is "_", "-" is "__"; upper and lower case are one. Only host names of letters, digits and inner hyphens, and IPv4 addresses, have
variables: for these the spelling is unambiguous (a host with "_" could otherwise be spelled like another one). Others have ~/.netrc,
whose entries are by host, for any port. Its entry `default`, which other programs send to every host, is sent to none.

Each request is looked at by itself, each redirect too: a secret goes to its own host and port only. Over plain http it goes only to this
machine, or where the upstream's own declared address is this scheme, host and port: neither a link nor a redirect brings it there.
A user name and password in the address itself (pip's and npm's configuration may have them) come first, then variables, then netrc.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from ipaddress import AddressValueError, IPv4Address
from netrc import NetrcParseError, netrc
from typing import Final

import httpx

from reconciler.errors import PreconditionFailed
from reconciler.wire.addresses import is_loopback, same_origin

TOKEN: Final = "RECONCILER_TOKEN_"  # noqa: S105  # the name of a variable
LOGIN: Final = "RECONCILER_LOGIN_"

_LABEL: Final = re.compile("[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_TOKEN_CHARACTERS: Final = re.compile("[!-~]+")


class Credentials:
    """The secrets of one run; says nothing of them in its repr."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """PreconditionFailed, naming the variable or the file and not its content, where one cannot be used."""
        self._by_variable: Final = dict(_read(environment))
        self._netrc: Final = _netrc()

    def authorization(self, address: httpx.URL, *, upstream: httpx.URL) -> str | None:
        """The header's value for one request, of the upstream that is declared with this address; None if nothing is to be sent."""
        if address.scheme != "https" and not is_loopback(address.host) and not same_origin(address, upstream):
            return None
        if address.userinfo:
            return _basic(address.username, address.password)
        found = self._by_variable.get(suffix_of(address) or "")
        if found is not None:
            return found
        entry = self._netrc.hosts.get(address.host) if self._netrc and address.host != "default" else None
        return _basic(entry[0], entry[2]) if entry and entry[2] else None


def suffix_of(address: httpx.URL) -> str | None:
    """What the variables of a server end with; None for one that has none."""
    host = address.raw_host.decode("ascii").lower()
    labels = host.split(".")
    if not all(map(_LABEL.fullmatch, labels)) or (labels[-1].isdigit() and not _is_ipv4(host)):
        return None
    suffix = host.replace("-", "__").replace(".", "_")
    return suffix if address.port is None else f"{suffix}_{address.port}"


def token_variable(address: str) -> str:
    """The variable that a token for a server is taken from. PreconditionFailed for a server whose name no variable can spell."""
    suffix = suffix_of(httpx.URL(address))
    if suffix is None:
        message = f"no variable can be named after the host of {address}"
        raise PreconditionFailed(message, remedy="only ~/.netrc has its credentials")
    return f"{TOKEN}{suffix}"


def how_to_log_in(address: httpx.URL) -> str:
    """What to do where a server asks for credentials, as the end of a sentence."""
    suffix = suffix_of(address)
    variables = f'set {TOKEN}{suffix} (a token) or {LOGIN}{suffix} ("user:password"), or ' if suffix else ""
    return f"{variables}put user name and password for this host into ~/.netrc"


def _read(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Header by suffix. An empty variable is none: CI leaves secrets empty where it does not give them away."""
    seen: dict[str, str] = {}
    for name, value in sorted(environment.items()):
        prefix = next((prefix for prefix in (TOKEN, LOGIN) if name.upper().startswith(prefix)), None)
        if prefix is None or not value:
            continue
        suffix = name[len(prefix) :].lower()
        if not re.fullmatch("[a-z0-9_]+", suffix):
            raise _odd(name, 'its name does not end in a host with "." as "_" and "-" as "__"')
        if suffix in seen:
            raise _odd(name, f"{seen[suffix]} is for the same host")
        seen[suffix] = name
        yield suffix, _bearer(name, value) if prefix == TOKEN else _login(name, value)


def _bearer(name: str, value: str) -> str:
    if not _TOKEN_CHARACTERS.fullmatch(value):
        raise _odd(name, "a token has no spaces, line breaks or letters outside ASCII")
    return f"Bearer {value}"


def _login(name: str, value: str) -> str:
    user, colon, password = value.partition(":")
    if not colon or not user:
        raise _odd(name, "it is not of the form user:password")
    if not value.isprintable():
        raise _odd(name, "it has line breaks or control characters")
    return _basic(user, password)


def _odd(name: str, reason: str) -> PreconditionFailed:
    shown = "".join(character if character.isprintable() else "?" for character in name)[:200]
    return PreconditionFailed(f"the environment variable {shown} cannot be used: {reason}", remedy="Correct it, or unset it.")


def _basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode(errors='surrogateescape')).decode('ascii')}"


def _netrc() -> netrc | None:
    try:
        return netrc()
    except FileNotFoundError:
        return None
    except NetrcParseError as error:  # its text is a line number and the word that is wrong, which may be a password
        message = f"~/.netrc cannot be read: line {error.lineno} is wrong" if error.lineno else "~/.netrc cannot be used"
        remedy = "It must be yours, readable by nobody else (chmod 600)." if not error.lineno else ""
        raise PreconditionFailed(message, remedy=remedy) from None
    except (OSError, ValueError) as error:
        message = f"~/.netrc cannot be read: {type(error).__name__}"
        raise PreconditionFailed(message) from None


def _is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True
