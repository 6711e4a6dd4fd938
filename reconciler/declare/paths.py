"""Paths of approvals: `approvals/<feed>/<package>/<version>.yaml` to names and back, with one spelling for each.

Percent-encoding is that of RFC 3986 (https://www.rfc-editor.org/rfc/rfc3986#section-2.1) over UTF-8, with upper-case digits, of
everything but `A-Za-z0-9._~@+!-`, of a leading and a trailing dot, and of the first letter of what Windows takes for a device
(https://learn.microsoft.com/windows/win32/fileio/naming-a-file). A path is read by decoding it, spelling the result again and
comparing: whatever has a second spelling, or leads out of the folder, fails that one comparison.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from reconciler.declare.wording import quoted
from reconciler.model.declared import APPROVALS_FOLDER, ApprovalPath
from reconciler.model.words import FeedName

SUFFIX: Final = ".yaml"
MAX_COMPONENT_BYTES: Final = 255
TOO_LONG: Final = f"at most {MAX_COMPONENT_BYTES} bytes in each part of the path, percent-encoded"
SAFE: Final = "._~@+!-"
DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9])(?:\..*)?", re.IGNORECASE)
STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
SHAPE: Final = f"{APPROVALS_FOLDER}/<feed>/<package>/<version>{SUFFIX}"


class UnsafePath(ValueError):
    """A path or name that cannot stand for an approval; `meant` is what the path says, where only its spelling is wrong."""

    def __init__(self, found: str, expected: str, *, meant: ApprovalPath | None = None) -> None:
        super().__init__(f"found {found}, expected {expected}")
        self.found = found
        self.expected = expected
        self.meant = meant


def is_device(name: str) -> bool:
    """Whether Windows takes a file of this name for a device."""
    return DEVICE.fullmatch(name) is not None


def approval_path(feed: str, package: str, version: str) -> str:
    """The path of an approval, names percent-encoded; UnsafePath (a ValueError) for names that no path can stand for.

    A `/` in the package name makes folders.
    """
    if "/" in version or "/" in feed:
        raise UnsafePath(quoted(version if "/" in version else feed), "a name without '/'")
    names = (feed, *package.split("/"), version)
    components = [_encode(name) for name in names]
    components[-1] += SUFFIX
    for component in components:
        if len(component) > MAX_COMPONENT_BYTES:
            raise UnsafePath(quoted(component), TOO_LONG)
    return "/".join((APPROVALS_FOLDER, *components))


def parse_approval_path(path: str) -> ApprovalPath:
    """Feed, package and version that a path says; UnsafePath (a ValueError) for every other spelling of such a path."""
    folder, *components = path.split("/")
    if folder != APPROVALS_FOLDER or len(components) < 3 or not path.endswith(SUFFIX):  # noqa: PLR2004 feed, package, version
        raise UnsafePath(quoted(path), SHAPE)
    components[-1] = components[-1].removesuffix(SUFFIX)
    feed, *package, version = (_decode(component) for component in components)
    parts = ApprovalPath(feed=FeedName(feed), package="/".join(package), version=version)
    spelled = approval_path(feed, parts.package, version)
    if spelled != path:
        raise UnsafePath(quoted(path), quoted(spelled), meant=parts)
    return parts


def _encode(name: str) -> str:
    if name in {"", ".", ".."}:
        raise UnsafePath(quoted(name), "a name in each part of the path (not empty, not '.' or '..')")
    try:
        encoded = quote(name, safe=SAFE)
    except UnicodeEncodeError:
        raise UnsafePath(quoted(name), "a name of Unicode characters") from None
    if encoded.startswith("."):
        encoded = "%2E" + encoded[1:]
    if encoded.endswith("."):
        encoded = encoded[:-1] + "%2E"
    return f"%{ord(encoded[0]):02X}{encoded[1:]}" if is_device(encoded) else encoded


def _decode(component: str) -> str:
    if stray := STRAY_PERCENT.search(component):
        raise UnsafePath(quoted(component[stray.start() :]), "two hexadecimal digits after each '%'")
    try:
        return unquote_to_bytes(component).decode("utf-8")
    except UnicodeError:
        raise UnsafePath(quoted(component), "percent-encoded UTF-8") from None
