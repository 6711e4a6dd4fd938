"""What a text names: short names of folders (`net8.0-windows7.0`), long names with a version behind them (`.NETStandard2.0`), and
full names (`.NETCoreApp,Version=v8.0`); nuspecs have all three.

https://learn.microsoft.com/en-us/nuget/reference/target-frameworks. Names are the long identifiers in lower case, since NuGet compares
without case: `net48` is `.netframework` 4.8, `net8.0` is `.netcoreapp` 8.0. A short name that NuGet does not know is `UNSUPPORTED`: no
project can use it. The members of portable frameworks are read in `portable.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import unquote

Numbers: TypeAlias = tuple[int, int, int, int]

MAX_LENGTH: Final = 256
"""The longest name of a real portable framework has about a hundred characters."""

_MAX_NUMBER: Final = 2**31 - 1
_NONE: Final[Numbers] = (0, 0, 0, 0)
_PLACES: Final = 4
_FIRST_OF_NET: Final = 5
"""From .NET 5 on, `net` and `netcoreapp` are one, and have platforms instead of profiles."""

NET: Final = ".netframework"
CORE_APP: Final = ".netcoreapp"
PLATFORM: Final = ".netplatform"
STANDARD: Final = ".netstandard"
STANDARD_APP: Final = ".netstandardapp"
CORE: Final = ".netcore"
PORTABLE: Final = ".netportable"

_SHORT: Final[Mapping[str, str]] = {
    "net": NET,
    "netcoreapp": CORE_APP,
    "netstandard": STANDARD,
    "netstandardapp": STANDARD_APP,
    "dotnet": PLATFORM,
    "netcore": CORE,
    "portable": PORTABLE,
    "netmf": ".netmicroframework",
    "netnano": ".netnanoframework",
    "sl": "silverlight",
    "win": "windows",
    "winrt": "winrt",
    "wp": "windowsphone",
    "wpa": "windowsphoneapp",
    "uap": "uap",
    "tizen": "tizen",
    "native": "native",
    "aspnet": "asp.net",
    "aspnetcore": "asp.netcore",
    "dnx": "dnx",
    "dnxcore": "dnxcore",
    "monoandroid": "monoandroid",
    "monotouch": "monotouch",
    "monomac": "monomac",
    "xamarinios": "xamarin.ios",
    "xamarinmac": "xamarin.mac",
    "xamarintvos": "xamarin.tvos",
    "xamarinwatchos": "xamarin.watchos",
    "xamarinpsthree": "xamarin.playstation3",
    "xamarinpsfour": "xamarin.playstation4",
    "xamarinpsvita": "xamarin.playstationvita",
    "xamarinxboxthreesixty": "xamarin.xbox360",
    "xamarinxboxone": "xamarin.xboxone",
}
KNOWN: Final = frozenset(_SHORT.values())
_IDENTIFIERS: Final[Mapping[str, str]] = {
    **{long: long for long in _SHORT.values()},
    **_SHORT,
    ".net": NET,
    "netframework": NET,
    "netportable": PORTABLE,
    "xamarin.playstationthree": "xamarin.playstation3",
    "xamarinplaystationthree": "xamarin.playstation3",
    "xamarin.playstationfour": "xamarin.playstation4",
    "xamarinplaystationfour": "xamarin.playstation4",
    "xamarinplaystationvita": "xamarin.playstationvita",
}
_PROFILES: Final[Mapping[str, str]] = {"cf": "compactframework", "full": "", "wp": "windowsphone", "wp71": "windowsphone71"}
_BARE: Final[Mapping[str, Numbers]] = {
    **dict.fromkeys(("45", "4.5"), (4, 5, 0, 0)),
    **dict.fromkeys(("40", "4.0", "4"), (4, 0, 0, 0)),
    **dict.fromkeys(("35", "3.5"), (3, 5, 0, 0)),
    **dict.fromkeys(("20", "2.0", "2"), (2, 0, 0, 0)),
}
"""Numbers alone, which very old packages have: of the .NET Framework."""

_FOLDER: Final = re.compile(r"([A-Za-z.]++)([0-9.]*+)(?:-([A-Za-z0-9.+-]++))?+")
_PLATFORM: Final = re.compile(r"([A-Za-z.]++)?+(.*+)")
_DOTTED: Final = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,10}){1,3}")


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Framework:
    """A target framework; the order is by name, then by version, then by the rest.

    `platform` is what stands behind the hyphen since .NET 5, `profile` before. A portable framework has `members`, all of which can use
    it, and `extras`, which can too; its profile is that of the table, or else the names of its members.
    """

    name: str
    version: Numbers = _NONE
    profile: str = ""
    platform: str = ""
    platform_version: Numbers = _NONE
    members: tuple[Framework, ...] = ()
    extras: tuple[Framework, ...] = ()

    @property
    def portable(self) -> bool:
        """Whether it stands for its members."""
        return self.name == PORTABLE and self.version[0] < _FIRST_OF_NET

    @property
    def every_version(self) -> bool:
        """Whether it is named without a version: `net`."""
        return self.version == _NONE


ANY: Final = Framework(name="any")
"""Every framework."""
AGNOSTIC: Final = Framework(name="agnostic")
"""Packages of content only."""
UNSUPPORTED: Final = Framework(name="unsupported")
_SPECIAL: Final = {"": ANY, "any": ANY, "agnostic": AGNOSTIC, "unsupported": UNSUPPORTED}


def plain(text: str) -> Framework:
    """The framework that a text names; of a portable one without its members. ValueError for what NuGet stumbles over."""
    if len(text) > MAX_LENGTH:
        message = f"{text[:80]!a}... is no target framework: longer than {MAX_LENGTH} characters"
        raise ValueError(message)
    stripped = text.strip()
    if (special := _SPECIAL.get(stripped.lower())) is not None:
        return special
    return _full(stripped) if "," in stripped else _folder(unquote(stripped))


def _full(text: str) -> Framework:
    """`.NETFramework,Version=v4.0,Profile=Client`; a name that is not known names itself."""
    name, *fields = [part.strip() for part in text.split(",") if part] or [""]
    if (special := _SPECIAL.get(name.lower())) is not None:
        return special
    name = _IDENTIFIERS.get(name.lower(), name.lower())
    version = _field(fields, "version=").lstrip("v") or "0.0"
    numbers = _numbers(version if "." in version else f"{version}.0")
    if numbers is None:
        message = f"{text[:80]!a} is no target framework: {version[:40]!a} is no version"
        raise ValueError(message)
    profile = _field(fields, "profile=").lower()
    return _framework(name, numbers, "" if name == CORE_APP and numbers[0] >= _FIRST_OF_NET else _PROFILES.get(profile, profile))


def _field(fields: list[str], key: str) -> str:
    """The value of a field that is there once."""
    found = [field[len(key) :] for field in fields if field.lower().startswith(key)]
    return found[0] if len(found) == 1 else ""


def _folder(text: str) -> Framework:
    match = _FOLDER.fullmatch(text)
    if match is None:
        return Framework(name=NET, version=_BARE[text]) if text in _BARE else UNSUPPORTED
    name, numbers, rest = _IDENTIFIERS.get(match[1].lower()), _folder_numbers(match[2]), (match[3] or "").lower()
    if name is None or numbers is None:
        return UNSUPPORTED
    if name in {NET, CORE_APP} and numbers[0] >= _FIRST_OF_NET:
        return _with_platform(numbers, rest)
    return _framework(name, numbers, _PROFILES.get(rest, rest))


def _framework(name: str, numbers: Numbers, profile: str) -> Framework:
    if name == PLATFORM and numbers == _NONE:
        numbers = (5, 0, 0, 0)  # `dotnet` alone is 5.0, to NuGet too
    return Framework(name=name, version=numbers, profile=profile)


def _with_platform(numbers: Numbers, text: str) -> Framework:
    match = _PLATFORM.fullmatch(text)
    platform, version = (match[1], match[2]) if match is not None and match[1] else (text, "")
    found = _numbers(version if "." in version else f"{version or 0}.0")
    return UNSUPPORTED if found is None else Framework(name=CORE_APP, version=numbers, platform=platform, platform_version=found)


def _numbers(text: str) -> Numbers | None:
    values = tuple(map(int, text.split("."))) if _DOTTED.fullmatch(text) else (_MAX_NUMBER + 1,)
    first, second, third, fourth = (*values, 0, 0, 0)[:_PLACES]
    return None if max(values) > _MAX_NUMBER else (first, second, third, fourth)


def _folder_numbers(text: str) -> Numbers | None:
    """Digits without dots are one number each: 451 is 4.5.1."""
    return _numbers(text if "." in text else ".".join(text.ljust(2, "0")[:_PLACES]))
