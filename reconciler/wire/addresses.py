"""Addresses: which may be followed from where, and how they are shown. Pure.

An upstream chooses addresses for this machine to ask: by redirects, and by the links of its pages. Two things must not come of it
(server-side request forgery, CWE-918): a step from https to http, and a step from a public upstream to an address inside the network
that this machine is in. Inside is what a literal address or a reserved name says; names are not resolved, as only the resolver that
opens the connection (the proxy's, often) knows what they mean. An upstream that is inside itself may lead anywhere.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, TypeAlias

import httpx

from reconciler.errors import Malformed

_LOCAL_NAMES: Final = ("localhost", "local", "internal", "home.arpa")
"""Names that mean something in the own network only: RFC 6761, RFC 6762, RFC 8375, and ICANN's private-use "internal"."""
_MAX_PORT: Final = 65_535
"""Resolvers take the rest of a larger number, and so lead to another port than the address says."""
_NAT64: Final = ip_network("64:ff9b::/96")
_Ip: TypeAlias = IPv4Address | IPv6Address


def redacted(url: str) -> str:
    """An address without user name, password, query and fragment: fit for messages. Takes any text."""
    scheme, separator, rest = url.partition("#")[0].partition("?")[0].partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"[:300]


def with_credentials(url: str, *, of: str) -> str:
    """The address with the user name and password of another one, if scheme, host and port are the same, else with none."""
    address, owner = parsed(url), parsed(of)
    return str(address.copy_with(userinfo=owner.userinfo if same_origin(address, owner) else b""))


def without_credentials(url: str) -> str:
    return str(parsed(url).copy_with(userinfo=b""))


def redirect_target(url: str, location: str) -> str:
    """Where an answer of `url` with this `Location` leads; Malformed for all but http and https, and from https to http."""
    address = parsed(url)
    try:
        target = parsed(str(address.join(location)))
    except (Malformed, httpx.InvalidURL, ValueError) as error:
        message = f"{redacted(url)} redirects to what is no http or https address: {redacted(location)!r}"
        raise Malformed(message) from error
    if not location or (address.scheme, target.scheme) == ("https", "http"):
        message = f"{redacted(url)} redirects {'from https to http' if location else 'without saying where'}"
        raise Malformed(message)
    return with_credentials(str(target), of=url)


def parsed(url: str) -> httpx.URL:
    """Malformed for what is no http or https address."""
    try:
        address = httpx.URL(url)
        if address.scheme in {"http", "https"} and address.host and (address.port or 0) <= _MAX_PORT:
            return address
    except (httpx.InvalidURL, ValueError):
        pass
    # What is no URL may have its password anywhere before the "@".
    message = f"{redacted(url.rpartition('@')[2])!r} is no http or https address"
    raise Malformed(message)


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def require_outside(address: httpx.URL, *, upstream: httpx.URL) -> None:
    """Malformed where an upstream that is not inside leads to an address that is."""
    if is_internal(address.host) and not is_internal(upstream.host):
        message = f"{redacted(str(upstream))} leads to {redacted(str(address))}, an address inside this network"
        raise Malformed(message, remedy="If that is meant, declare this address itself as the upstream.")


def is_internal(host: str) -> bool:
    """Whether a host, as it stands in an address, says that it is this machine or in its network."""
    return is_local_name(host) or ((ip := _literal(host)) is not None and (not ip.is_global or ip.is_multicast))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by a literal address or as `localhost`."""
    name = _folded(host)
    return name == "localhost" or name.endswith(".localhost") or ((ip := _literal(host)) is not None and ip.is_loopback)


def is_local_name(host: str) -> bool:
    name = _folded(host)
    return any(name == local or name.endswith(f".{local}") for local in _LOCAL_NAMES)


def _folded(host: str) -> str:
    return host.lower().rstrip(".")


def _literal(host: str) -> _Ip | None:
    """The address that a host spells, in any of the ways that a resolver reads: 127.1, 0x7f000001, ::ffff:127.0.0.1."""
    text = _folded(host).strip("[]").partition("%")[0]
    try:
        ip = ip_address(text)
    except ValueError:
        # inet_aton alone also reads what follows a space, which no host has.
        try:
            return IPv4Address(socket.inet_aton(text)) if text and set(text) <= set("0123456789abcdefx.") else None
        except OSError:
            return None
    return _inner(ip) if isinstance(ip, IPv6Address) else ip


def _inner(ip: IPv6Address) -> _Ip:
    """The IPv4 address that an IPv6 address stands for: mapped, 6to4, NAT64."""
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
