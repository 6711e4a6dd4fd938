"""Addresses of license texts: the license that an address itself names, whatever may be found there one day. Pure, nothing is fetched.

Only addresses whose own words say which license and version it is, at places whose owners publish licenses. A page of a project
(`github.com/.../LICENSE`, `jquery.org/license`) says nothing by its address, nor does https://aka.ms/deprecateLicenseUrl, which NuGet
writes for "see the license element". Left out on purpose: `opensource.org/licenses/bsd-license.php`, which was the three-clause text once
and the two-clause one later; `gnu.org/licenses/gpl.html`, which is the newest version whatever that is.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlsplit

from reconciler.ecosystems.licenses import expression, named

_MAX_ADDRESS: Final = 2_000
_PORTS: Final = frozenset({None, 80, 443})
_ENDINGS: Final = (".html", ".htm", ".txt", ".php", ".aspx", ".json", ".en")

_PAGES: Final = {
    "apache.org/licenses/license-1.0": "Apache-1.0",
    "apache.org/licenses/license-1.1": "Apache-1.1",
    "apache.org/licenses/license-2.0": "Apache-2.0",
    "blueoakcouncil.org/license/1.0.0": "BlueOak-1.0.0",
    "boost.org/license_1_0": "BSL-1.0",
    "creativecommons.org/publicdomain/zero/1.0": "CC0-1.0",
    "eclipse.org/legal/epl-2.0": "EPL-2.0",
    "eclipse.org/legal/epl-v10": "EPL-1.0",
    "eclipse.org/legal/epl-v20": "EPL-2.0",
    "eclipse.org/org/documents/edl-v10": "BSD-3-Clause",
    "eclipse.org/org/documents/epl-2.0": "EPL-2.0",
    "eclipse.org/org/documents/epl-v10": "EPL-1.0",
    "mozilla.org/en-us/mpl/1.1": "MPL-1.1",
    "mozilla.org/en-us/mpl/2.0": "MPL-2.0",
    "mozilla.org/media/mpl/1.1/index": "MPL-1.1",
    "mozilla.org/media/mpl/2.0/index": "MPL-2.0",
    "mozilla.org/mpl/1.1": "MPL-1.1",
    "mozilla.org/mpl/2.0": "MPL-2.0",
    "mozilla.org/mpl/2.0/index": "MPL-2.0",
    "mozilla.org/mpl/mpl-1.1": "MPL-1.1",
    "postgresql.org/about/licence": "PostgreSQL",
    "unlicense.org": "Unlicense",
    "wtfpl.net": "WTFPL",
    "wtfpl.net/about": "WTFPL",
    "zlib.net/zlib_license": "Zlib",
}
"""By host and path, folded: the addresses that https://spdx.org/licenses/ gives for them, in the spellings that are in use."""

_OPEN_SOURCE: Final = {
    "agpl-v3": "AGPL-3.0-only",
    "apache-1-1": "Apache-1.1",
    "apache-2-0": "Apache-2.0",
    "artistic-2-0": "Artistic-2.0",
    "cddl-1-0": "CDDL-1.0",
    "cddl1.0": "CDDL-1.0",
    "cpl1.0": "CPL-1.0",
    "eclipse-1.0": "EPL-1.0",
    "epl-1-0": "EPL-1.0",
    "epl-2-0": "EPL-2.0",
    "gpl-2-0": "GPL-2.0-only",
    "gpl-3-0": "GPL-3.0-only",
    "isc-license-txt": "ISC",
    "lgpl-2-1": "LGPL-2.1-only",
    "lgpl-3-0": "LGPL-3.0-only",
    "mozilla1.1": "MPL-1.1",
    "mpl-1-1": "MPL-1.1",
    "mpl-2-0": "MPL-2.0",
    "ms-pl-html": "MS-PL",
    "ms-rl-html": "MS-RL",
    "ofl-1-1": "OFL-1.1",
    "osl-3-0": "OSL-3.0",
}
"""Last parts of addresses at opensource.org, of its older and its newer pages, that do not read like the id."""

_CREATIVE_COMMONS: Final = frozenset({"by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd"})
_CREATIVE_COMMONS_VERSIONS: Final = frozenset({"2.0", "2.5", "3.0", "4.0"})


def addressed(url: str) -> str:
    """The license that an address names, "" if it names none. Scheme (http or https), `www.`, case and the end of it do not matter."""
    try:
        parts = urlsplit(url.strip()) if len(url) <= _MAX_ADDRESS else urlsplit("")
        port, host = parts.port, (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or parts.query or "@" in parts.netloc or port not in _PORTS:
        return ""
    path = unquote(parts.path).strip("/")
    if host == "licenses.nuget.org":  # https://learn.microsoft.com/en-us/nuget/reference/nuspec#license
        return expression(path)
    if host == "spdx.org":
        folder, _, name = path.partition("/")
        return expression(_stem(name)) if folder.lower() == "licenses" else ""
    return _published(host, _stem(path.lower()))


def _published(host: str, path: str) -> str:
    folders, _, last = path.rpartition("/")
    match host:
        case "opensource.org" if folders in {"license", "licenses"}:
            return _OPEN_SOURCE.get(last) or named(last)
        case "choosealicense.com" if folders == "licenses":
            return named(last)
        case "gnu.org" if folders in {"copyleft", "licenses", "licenses/old-licenses"}:
            return named(last.removesuffix("-standalone"))
        case "creativecommons.org":
            return _creative_commons(path)
        case _:
            return _PAGES.get(f"{host}/{path}".rstrip("/"), "")


def _creative_commons(path: str) -> str:
    """Without a country: a ported license is another one."""
    kept = "/".join(part for part in path.split("/") if part not in {"deed", "legalcode"})
    match kept.split("/"):
        case ["licenses", kind, version] if kind in _CREATIVE_COMMONS and version in _CREATIVE_COMMONS_VERSIONS:
            return f"CC-{kind.upper()}-{version}"
        case _:
            return _PAGES.get(f"creativecommons.org/{kept}", "")


def _stem(path: str) -> str:
    """Without what the form of a page adds to its address."""
    for ending in _ENDINGS * 2:
        path = path.removesuffix(ending)
    return path.rstrip("/")
