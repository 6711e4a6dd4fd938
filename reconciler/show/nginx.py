"""A configuration of nginx that serves the feeds of a store: https://nginx.org/en/docs/http/ngx_http_core_module.html.

It is a file for `conf.d/`: maps and one `server`. What differs between ecosystems comes as data (`Index`), so nothing here knows one.
How the parts of HTTP that clients rely on come about:

    folder, relative links   `index` (an internal redirect): without "/" at the end nginx answers 301, with an address it escapes itself
    folder, other            `try_files`: answered with and without "/"; nginx has decoded `@scope%2fname` by then
    304                      nginx sends no Content-Type with it, which poetry relies on
    other methods            405, decided before any location
    what is not served       404, no matter whether it is not there, a link, or a folder: `error_page 403`

Values from feeds.yaml stand in double quotes, where `\\` and `"` are escaped and nothing else but `$` and line ends has a meaning; those
are refused. Locations are prefixes with `alias`, both with "/" at the end: nothing beside a feed's folder can be reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from reconciler.errors import Refused
from reconciler.model.serving import Index
from reconciler.model.words import FeedName

MAX_AGE: Final = 600
"""Seconds that caches may keep an answer: after this a quarantined file is gone from all of them (DESIGN section 5)."""

_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_PREFIX: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*")
_PORTS: Final = {"http": 80, "https": 443}
_TYPES: Final = {"application/json": "json"}
"""Content types of every feed, with the suffix of the names; everything else is a package file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedFeed:
    """A feed, the path of its folder in the store (with "/" at the end), the type of its ecosystem, and the indexes of that."""

    name: FeedName
    path: str
    type: str
    indexes: tuple[Index, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Address:
    """Where the feeds are served: what nginx listens on, the names it answers to, and the path before the feed's name."""

    listen: str
    name: str
    prefix: str
    https: bool


def nginx_configuration(store: str, public_url: str, feeds: Iterable[ServedFeed]) -> str:
    """The text of the file; `store` is the absolute path of a folder.

    Refused, if a value cannot stand in it: a path with `$` or an invisible character, an address that is not one of a server.
    """
    served = sorted(feeds, key=lambda feed: feed.name)
    if not served:
        message = "feeds.yaml declares no feed that a server could serve"
        raise Refused(message, remedy="Declare a feed with usage: approved.")
    types = {feed.type: feed.indexes for feed in served}
    address = _address(public_url)
    lines = [
        *_preamble(public_url),
        *_maps(types),
        *_server(address),
        *(line for feed in served for line in _location(feed, address.prefix, store.rstrip("/"))),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _preamble(public_url: str) -> list[str]:
    return [
        f"# Feeds of reconciler at {_plain(public_url)}: put this file into nginx's conf.d/ and reload nginx. Print it again",
        "# (`reconciler serve --print-nginx`) after a feed has been added to feeds.yaml, or store or public_url have changed there.",
        "#",
        "# Reading rights (view-and-download in policies/permissions.yaml) are NOT enforced here: whoever reaches this server may",
        "# download. Put it behind what your network has for that. nginx needs to read the store, and nothing else.",
        "",
        "# Only these methods; a read-only server needs no others.",
        "map $request_method $reconciler_allow {",
        '    GET "";',
        '    HEAD "";',
        '    default "GET, HEAD";',
        "}",
    ]


def _maps(types: Mapping[str, tuple[Index, ...]]) -> Iterator[str]:
    """For each type whose folders are negotiated: the index that a request asks for, and whether an answer depends on that."""
    for kind, indexes in sorted(types.items()):
        if len(indexes) > 1:
            asked = (f'    "~*(?:^|,)\\s*{re.escape(index.accept)}\\s*(?:[;,]|$)" {_quoted(index.file)};' for index in indexes[:-1])
            files = "|".join(re.escape(index.file) for index in indexes)
            yield from ("", f"# {kind}: which page of a folder a client asks for.")
            yield from (f"map $http_accept {_variable('index', kind)} {{", *asked, f"    default {_quoted(indexes[-1].file)};", "}")
            yield from (f"map $uri {_variable('vary', kind)} {{", f'    "~/(?:{files})$" Accept;', '    default "";', "}")


def _server(address: _Address) -> Iterator[str]:
    yield from ("", "server {", f"    listen {address.listen};")
    if address.https:
        yield "    # public_url begins with https: what listens there has to speak TLS, this server (below) or one in front of it."
    yield from (
        f"    # For TLS: listen {_listen_tls(address.listen)} ssl; ssl_certificate /path/to/fullchain.pem; ssl_certificate_key /path/to/key.pem;",
        f"    server_name {_quoted(address.name)};",
        "",
        "    autoindex off;",
        "    absolute_redirect off;",
        "    server_tokens off;",
        "    default_type application/octet-stream;",
        "    gzip on;",
        "    gzip_vary on;",
        "    add_header X-Content-Type-Options nosniff always;",
        "    add_header Allow $reconciler_allow always;",
        "    if ($reconciler_allow) { return 405; }",
        "",
        "    # Nothing else is served, and nothing is told about what is not.",
        "    error_page 403 @absent;",
        "    location @absent { return 404; }",
        "    location / { return 404; }",
        '    location ~ "/\\." { return 404; }',
    )


def _location(feed: ServedFeed, prefix: str, store: str) -> Iterator[str]:
    types = {**_TYPES, **{index.content_type: index.file.rpartition(".")[2] for index in feed.indexes}}
    suffixes = {suffix: content_type for content_type, suffix in types.items()}
    zipped = sorted({*suffixes.values()} - {"text/html"})  # which nginx compresses anyway
    yield from ("", f"    location {_quoted(f'{prefix}/{feed.name}/')} {{", f"        alias {_quoted(f'{store}/{feed.path}')};")
    yield f"        disable_symlinks on {_quoted(f'from={store}/')};"
    yield f"        types {{ {' '.join(f'{content_type} {suffix};' for suffix, content_type in sorted(suffixes.items()))} }}"
    yield f"        gzip_types {' '.join(zipped)};"
    yield f"        {_lookup(feed)}"
    yield f'        add_header Cache-Control "max-age={MAX_AGE}";'
    yield "        add_header X-Content-Type-Options nosniff always;"
    if len(feed.indexes) > 1:
        yield f"        add_header Vary {_variable('vary', feed.type)};"
    yield "    }"


def _lookup(feed: ServedFeed) -> str:
    """The directive that finds the page which answers for a folder."""
    if not feed.indexes:
        return "try_files $uri =404;"
    index = feed.indexes[0].file if len(feed.indexes) == 1 else _variable("index", feed.type)
    return f"index {index};" if any(one.relative for one in feed.indexes) else f"try_files $uri $uri/{index} =404;"


def _address(public_url: str) -> _Address:
    """Refused, if it is not the address of a server and a path of plain names. What is loopback is listened on nowhere else."""
    try:
        parts = urlsplit(public_url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise _no_address(public_url) from error
    host, prefix = _host(parts), parts.path.rstrip("/")
    if host is None or not _PREFIX.fullmatch(prefix) or parts.query or parts.fragment or parts.username is not None:
        raise _no_address(public_url)
    listen = f"{_loopback(host)}{port}"
    return _Address(listen=listen, name=host, prefix=prefix, https=parts.scheme == "https")


def _host(parts: SplitResult) -> str | None:
    """As `server_name` and a Host header spell it; None for what is neither a name nor an address."""
    host = parts.hostname or ""
    if ":" not in host:
        return host if _HOST.fullmatch(host) else None
    try:
        return f"[{ip_address(host)}]" if "%" not in host else None
    except ValueError:
        return None


def _loopback(host: str) -> str:
    """What stands before the port in `listen`."""
    if host == "localhost":
        return "127.0.0.1:"
    try:
        return f"{host}:" if ip_address(host.strip("[]")).is_loopback else ""
    except ValueError:
        return ""


def _no_address(public_url: str) -> Refused:
    message = f"{public_url[:200]!r} is not the http or https address of a server and a path of letters, digits and ._~-"
    return Refused(message, remedy="Change public_url in feeds.yaml.")


def _listen_tls(listen: str) -> str:
    host, colon, port = listen.rpartition(":")
    return f"{host}{colon}{'443' if port == '80' else port}"


def _variable(what: str, kind: str) -> str:
    return f"$reconciler_{what}_{re.sub(r'[^A-Za-z0-9]', '_', kind)}"


def _plain(text: str) -> str:
    """A value as it may stand in a comment and in quotes: one line, nothing invisible, no variable."""
    if not text.isprintable() or "$" in text:
        message = f"nginx cannot be given {text[:200]!r}: it has a '$' or an invisible character"
        raise Refused(message, remedy="Change it in feeds.yaml: another folder as `store`, or another public_url.")
    return text


def _quoted(text: str) -> str:
    escaped = _plain(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
