"""Target frameworks: what texts name, what can use what, what is nearest. Own rows, then NuGet's, where ../shared holds them.

Of NuGet's 645 rows 628 are reached. Left out: target platforms that MSBuild hands over apart from the framework (11), short names of
a .NET Framework 10, which read back as .NET 10 (2), copies of objects (3),
a project for a framework that NuGet itself does not know (1). NuGet's names of frameworks are compared by what they name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from reconciler.ecosystems.nuget.frameworks.compatible import compatible
from reconciler.ecosystems.nuget.frameworks.names import AGNOSTIC, ANY, MAX_LENGTH, UNSUPPORTED
from reconciler.ecosystems.nuget.frameworks.nearest import comes_as_packages, nearest
from reconciler.ecosystems.nuget.frameworks.portable import parse
from tests.ecosystems.nuget.shared import load, needs_shared

# --- own rows -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "version", "rest"),
    [
        ("net48", ".netframework", (4, 8, 0, 0), ""),
        ("NET4.8", ".netframework", (4, 8, 0, 0), ""),
        (".NETFramework4.7.2", ".netframework", (4, 7, 2, 0), ""),
        (".NETFramework,Version=v4.7.2", ".netframework", (4, 7, 2, 0), ""),
        (".NETFramework,Version=v", ".netframework", (0, 0, 0, 0), ""),
        (" netframework , version=4 ", ".netframework", (4, 0, 0, 0), ""),
        ("net40-client", ".netframework", (4, 0, 0, 0), "client"),
        ("net40-full", ".netframework", (4, 0, 0, 0), ""),
        ("net4", ".netframework", (4, 0, 0, 0), ""),
        ("4.0", ".netframework", (4, 0, 0, 0), ""),
        ("net", ".netframework", (0, 0, 0, 0), ""),
        ("net10", ".netframework", (1, 0, 0, 0), ""),
        ("net10.0", ".netcoreapp", (10, 0, 0, 0), ""),
        ("net8.0", ".netcoreapp", (8, 0, 0, 0), ""),
        (".NETCoreApp8.0", ".netcoreapp", (8, 0, 0, 0), ""),
        (".NETCoreApp,Version=v8.0,Profile=x", ".netcoreapp", (8, 0, 0, 0), ""),
        ("netcoreapp3.1", ".netcoreapp", (3, 1, 0, 0), ""),
        (".NETStandard2.0", ".netstandard", (2, 0, 0, 0), ""),
        ("netstandard20", ".netstandard", (2, 0, 0, 0), ""),
        ("dotnet", ".netplatform", (5, 0, 0, 0), ""),
        ("uap10.0.16299", "uap", (10, 0, 16299, 0), ""),
        ("monoandroid90", "monoandroid", (9, 0, 0, 0), ""),
        ("MonoAndroid12.0", "monoandroid", (12, 0, 0, 0), ""),
        ("Xamarin.iOS10", "xamarin.ios", (1, 0, 0, 0), ""),
        ("sl4-wp71", "silverlight", (4, 0, 0, 0), "windowsphone71"),
        ("portable-net45%2Bwin8", ".netportable", (0, 0, 0, 0), "profile7"),
        (".NETPortable0.0-Profile259", ".netportable", (0, 0, 0, 0), "profile259"),
        ("Contoso,Version=v1.0", "contoso", (1, 0, 0, 0), ""),
    ],
)
def test_what_a_text_names(text, name, version, rest):
    found = parse(text)
    assert (found.name, found.version, found.profile) == (name, version, rest)


@pytest.mark.parametrize(
    ("text", "platform", "version"),
    [
        ("net8.0", "", (0, 0, 0, 0)),
        ("net8.0-windows", "windows", (0, 0, 0, 0)),
        ("net8.0-Windows10.0.19041", "windows", (10, 0, 19041, 0)),
        ("netcoreapp5.0-ios15", "ios", (15, 0, 0, 0)),
    ],
)
def test_platforms_stand_behind_the_framework(text, platform, version):
    found = parse(text)
    assert (found.platform, found.platform_version, found.profile) == (platform, version, "")


def test_special_names():
    assert [parse(text) for text in ("", " ", "any", "Agnostic", "agnostic,Version=v1.0")] == [ANY, ANY, ANY, AGNOSTIC, AGNOSTIC]


@pytest.mark.parametrize(
    "text",
    ["unsupported", "foo", "foo1.0", "net-", "net4.8-", "net4.8 client", "net1.2.3.4.5", "net99999999999.0", "net5.0-win_x", "net8.0-ios1..2",
     "portable", "portable-", "-", "é4.8", "net\uff14.8", "11"],
)  # fmt: skip
def test_what_nuget_does_not_know_is_unsupported(text):
    assert parse(text) == UNSUPPORTED


@pytest.mark.parametrize(
    "text",
    [".NETFramework,Version=vv4..5", ".NETFramework,Version=x", "a,Version=-1.0", ".NETFramework,Version=V4.5",
     "portable-net45-client+win8", ".NETPortable,Version=v0.0,Profile=net-cf", "portable-" * 28 + "net45", "n" * (MAX_LENGTH + 1)],
)  # fmt: skip
def test_what_nuget_stumbles_over_is_an_error(text):
    with pytest.raises(ValueError, match="framework"):
        parse(text)


@pytest.mark.parametrize(
    ("project", "can", "cannot"),
    [
        ("net8.0", "net8.0 net7.0 net5.0 netcoreapp3.1 netcoreapp1.0 netstandard2.1 netstandard1.0", "net9.0 net48 net8.0-windows uap10.0"),
        ("net8.0-windows10.0.19041", "net8.0 net8.0-windows net6.0-windows10.0.17763", "net8.0-windows10.0.22000 net8.0-ios net48"),
        ("net8.0-android", "monoandroid12.0 net8.0", "tizen4.0 xamarin.ios"),
        ("net5.0-android", "net5.0", "monoandroid12.0"),
        ("net48", "net48 net472 net20 net net40-client netstandard2.0 portable-net45+win8", "net481 netstandard2.1 netcoreapp2.0 net45-cf"),
        ("net46", "netstandard1.3", "netstandard1.4 netstandard2.0"),
        ("netcoreapp2.1", "netstandard2.0", "netstandard2.1 net461"),
        ("netstandard2.0", "netstandard1.6", "netstandard2.1 net461 netcoreapp2.0"),
        ("uap10.0.16299", "netstandard2.0 win81 wpa81 netcore50", "netcore51"),
        ("win81", "netcore451 netcore45 winrt45 win8", "netcore50"),
        ("wp8", "sl3-wp sl4-wp71 sl8-wp", "sl4 wp81"),
    ],
)
def test_what_a_project_can_use(project, can, cannot):
    assert [one for one in can.split() if not compatible(parse(project), parse(one))] == []
    assert [one for one in cannot.split() if compatible(parse(project), parse(one))] == []


@pytest.mark.parametrize(
    ("project", "offered", "expected"),
    [
        ("net8.0", "net48 netstandard2.0 netcoreapp3.1", "netcoreapp3.1"),
        ("net8.0", "netstandard1.0 netstandard2.0 netstandard2.1", "netstandard2.1"),
        ("net8.0", "net6.0 net9.0 netstandard2.1", "net6.0"),
        ("net48", "net20 net35 net45 netstandard2.0", "net45"),
        ("net48", "netstandard2.0 netstandard1.3 any", "netstandard2.0"),
        ("net48", "netstandard2.0 portable-net45+win8", "netstandard2.0"),
        ("net48", "any", "any"),
        ("net48", "net8.0", None),
        ("net48", "unsupported", None),
        ("net48", "", None),
        ("net8.0", "foo1.0 netstandard2.0", "netstandard2.0"),
        ("net8.0-windows", "net8.0 net7.0-windows", "net8.0"),
        ("net8.0-windows", "net8.0 net8.0-windows7.0 net8.0-windows", "net8.0-windows"),
        ("net8.0-android", "net5.0 monoandroid12.0 netstandard2.0", "monoandroid12.0"),
        ("net8.0-android", "net6.0 monoandroid12.0", "net6.0"),
        ("net45-client", "net40 net40-client", "net40-client"),
        ("net45", "net40-client net40", "net40"),
        ("net45", "portable-net40+sl5+win8 portable-net45+win8 portable-net40+win8", "portable-net45+win8"),
        ("win8", "portable-net45+win8+wpa81 portable-net45+win8", "portable-net45+win8"),
        ("win81", "win win8", "win8"),
    ],
)
def test_the_nearest_one(project, offered, expected):
    found = nearest(parse(project), [parse(one) for one in offered.split()])
    assert found == (None if expected is None else parse(expected))
    backwards = nearest(parse(project), [parse(one) for one in reversed(offered.split())])
    assert backwards == found


# --- NuGet's rows ---------------------------------------------------------------------------------------------------------------------

FRAMEWORKS_OF_NEWTONSOFT_JSON_7: Final = (
    "net20 net35 net40 net45 portable-net40+wp80+win8+wpa81+sl5 portable-net45+wp80+win8+wpa81+aspnetcore50"
)
FRAMEWORKS_OF_AUTOMAPPER_4: Final = (
    "aspnet50 aspnetcore50 MonoAndroid MonoTouch net40 portable-windows8%2Bnet40%2Bwp8%2Bsl5%2BMonoAndroid%2BMonoTouch "
    "portable-windows8%2Bnet40%2Bwp8%2Bwpa81%2Bsl5%2BMonoAndroid%2BMonoTouch sl5 windows81 wpa81 Xamarin.iOS10"
)
LEFT_OUT: Final = {"net10.1.2.3", "net10.0"}


def can(project: str, package: str) -> bool:
    return compatible(parse(project), parse(package))


def among(project: str, offered: list[str]) -> object:
    return nearest(parse(project), [parse(one) for one in offered])


def same(one: str, other: str, *_: str) -> bool:
    return parse(one) == parse(other) != UNSUPPORTED


def refused(text: str, *_: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return True
    return False


Check = Callable[..., bool]
PARSING: Final[dict[str, Check]] = {
    "NuGetFramework_NumericUnsupported": lambda text: parse(text) == UNSUPPORTED,
    "NuGetFramework_Unsupported": lambda text: parse(text) == UNSUPPORTED,
    "NuGetFramework_ParseUnknown": lambda text, _: parse(text) == UNSUPPORTED,
    "NuGetFramework_PortableWithInnerPortableProfileFails": refused,
    "NuGetFramework_ParsePCLNormalizeTest": lambda text: parse(text).profile == "profile259",
    "NuGetFramework_ProfileName": lambda text, profile: parse(text).profile == profile.lower(),
    "NuGetFramework_ShortFolderName": lambda text, name: parse(text) == parse(name),
    "NuGetFramework_ParseToShortName": lambda name, full: parse(name) == parse(full),
    "NuGetFramework_IsPackageBased": lambda text, expected: comes_as_packages(parse(text)) == expected,
    **dict.fromkeys(
        ("NuGetFramework_Numeric", "NuGetFramework_PortableMixed", "NuGetFramework_PartialFull", "NuGetFramework_ParseFullName",
         "NuGetFramework_Portable", "NuGetFramework_Basic", "NuGetFramework_TryParseCommonFramework_ParsesCommonFrameworks",
         "NuGetFramework_GetDotNetFrameworkName", "NuGetFramework_TargetFrameworkMoniker_TargetPlatformMoniker",
         "NuGetFramework_EqualityNormalization"),
        same,
    ),
}  # fmt: skip
COMPATIBILITY: Final[dict[str, Check]] = {
    "Compatibility_FrameworksAreCompatible": lambda project, package, expected: can(project, package) == expected,
    "Compatibility_NetStandardDoesNotSupportNetPlatform": lambda project, package: not can(project, package),
    "Compatibility_PlatformOneWayNeg": lambda project, package: not can(project, package),
    **dict.fromkeys(
        ("Compatibility_PlatformOneWay", "Compatibility_SimpleOneWay", "Compatibility_OneWayMappings"),
        lambda project, package: can(project, package) and not can(package, project),
    ),
    **dict.fromkeys(
        ("Compatibility_SimpleTwoWay", "Compatibility_EqualMappings", "Compatibility_ProfileAlias"),
        lambda one, other: can(one, other) and can(other, one),
    ),
    "Compatibility_SimpleNonCompat": lambda project, package: not can(project, package),
    "Compatibility_Profiles": can,
    "Compatibility_ProjectCannotInstallGenerationLibraries": lambda one: not can(one, "netstandard") and not can(one, "dotnet"),
    "Compatibility_ProjectCanInstallGenerationLibraries": lambda one: (
        can(one, "netstandard") and can(one, "dotnet") and not can("netstandard", one) and not can("dotnet", one)
    ),
    "Compatibility_DotNetProjectCompat": lambda one: can("dotnet", one),
    "Compatibility_GenerationProjectsCannotInstallNonGenerationPackages": lambda one: (
        not can("netstandard", one) and not can("dotnet", one)
    ),
    "WindowsPhone7IdentifierCompatibleWithAllWPProjects": lambda one: all(can(project, one) for project in ("sl3-wp", "sl4-wp71", "wp8")),
    "WindowsPhoneMangoIdentifierCompatibleWithAllWPProjects": lambda one: (
        [can(project, one) for project in ("sl3-wp", "sl4-wp71", "wp8")] == [False, True, True]
    ),
    "WindowsPhoneApolloIdentifierCompatibleWithAllWPProjects": lambda one: (
        [can(project, one) for project in ("sl3-wp", "sl4-wp71", "wp8")] == [False, False, True]
    ),
}
NEAREST: Final[dict[str, Check]] = {
    "FrameworkReducer_GetNearestWithGenerations": lambda project, offered, expected: (
        among(project, [one.strip() for one in offered.split(",") if one]) == (None if expected is None else parse(expected))
    ),
    "FrameworkReducer_JsonNetGetNearestLibGroup": lambda project, expected: (
        among(project, FRAMEWORKS_OF_NEWTONSOFT_JSON_7.split()) == parse(expected)
    ),
    "FrameworkReducer_AutoMapperGetNearestLibGroup": lambda project, expected: (
        among(project, FRAMEWORKS_OF_AUTOMAPPER_4.split()) == parse(expected)
    ),
    "FrameworkReducer_GetNearestDnx": lambda project, offered: among(project, [offered]) == parse(offered),
    "FrameworkReducer_GetNearestAspNeg": lambda project, offered: among(project, [offered]) is None,
}
CHECKS: Final = {**PARSING, **COMPATIBILITY, **NEAREST}


def nugets_rows() -> Iterator[tuple[str, list[Any]]]:
    """(method, arguments) of each row; of components the framework's, where there is no platform."""
    for file, tests in load("conformance/nuget-frameworks.json")["tests"].items():
        for test in tests:
            for row in test["rows"]:
                if file != "NuGetFrameworkParseComponentsTest.cs":
                    yield test["method"], row
                elif "string tfp" in test["params"] or test["method"] == "NuGetFramework_Basic":
                    yield (test["method"], [row[0], row[2]]) if row[1] is None else ("", row)
                else:
                    yield (test["method"], row[:2]) if row[2] is None else ("", row)


@needs_shared
def test_nugets_own_rows():
    rows = list(nugets_rows())
    assert len(rows) == 645
    reached = [(method, row) for method, row in rows if method in CHECKS and not (method.endswith("ToShortName") and row[0] in LEFT_OUT)]
    assert [(method, row) for method, row in reached if not CHECKS[method](*row)] == []
    assert {method for method, _ in rows if method not in CHECKS} == {
        "",
        "NuGetFramework_WithCopyConstructor_CreatesEquivalentFrameworks",
        "WindowsIdentifierWithUnsupportedVersionNotCompatibleWithWindowsStoreAppProjects",
    }
    assert len(reached) == 628
