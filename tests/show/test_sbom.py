"""The document against the schema of CycloneDX 1.6, and what it says of a feed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from reconciler.act.record import purl
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.advisories import Affecting, Snapshot
from reconciler.model.packages import Dependency, License, PublishedFile, PublishedPackage, PublishedVersion, Traits
from reconciler.model.words import FeedName, Sha256
from reconciler.show.sbom import Inventory, Known, Ways, document
from reconciler.show.sbom_component import Promoted, promotions
from tests.show.rows import record

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
HOSTILE = "\x1b[31mred\x1b[0m\r\n::error::x\u202etxt.exe\u200b<script>\ud800"
SNAPSHOT = Snapshot(digest=Sha256("d" * 64), fetched_at=NOW, source="osv.dev")
FLAW = Affecting(
    ids=("GHSA-5crp-9r3c-p9vr", "CVE-2024-21907"),
    severity="high",
    summary="Deep nesting",
    fixed=("13.0.1",),
    fixed_stable="13.0.1",
    malware=False,
)


def file(name: str, license_: License | None = None, digest: str = "a") -> PublishedFile:
    return PublishedFile(
        name=name,
        size=3,
        sha256=Sha256(digest * 64),
        content_hash=None,
        uploaded_at=None,
        yanked=None,
        companions={},
        metadata={},
        traits=Traits(license=license_) if license_ else None,
    )


def version(kind: str, text: str, *files: PublishedFile, needs: tuple[tuple[str, str], ...] = (), **more: Any) -> PublishedVersion:
    fields = {"state": "listed", "reason": "", "deprecated": None, "published_at": NOW} | more
    return PublishedVersion(
        version=ECOSYSTEMS[kind].parse_version(text),
        files=files or (file(f"{text}.bin"),),
        dependencies=tuple(Dependency(name=name, range=wanted) for name, wanted in needs),
        **fields,
    )


def package(kind: str, name: str, *versions: PublishedVersion) -> PublishedPackage:
    return PublishedPackage(key=ECOSYSTEMS[kind].normalize_name(name), name=name, versions=versions)


def inventory(*packages: PublishedPackage, **more: Any) -> Inventory:
    fields: dict[str, Any] = {"states": frozenset({"listed"}), "promoted": {}, "commit": "c" * 40, "catalog": "b" * 64, "at": NOW} | more
    return Inventory(feed=FeedName("approved"), tool="1.2.3", packages=packages, **fields)


def ways(kind: str) -> Ways:
    return Ways(
        language=ECOSYSTEMS[kind],
        purl=partial(purl, kind),
        address=lambda package, version, file: f"https://feeds.example/approved/{package}/{version}/{file}",
        needs=lambda version: version.dependencies,
    )


def known(*affecting: Affecting, only: str = "") -> Known:
    """Advisories that affect every version, or only one."""
    return Known(snapshot=SNAPSHOT, affecting=lambda _, version: affecting if only in {"", version.version.text} else ())


def told(kind: str, held: Inventory, advisories: Known | None = None) -> Any:
    """The document, read, after it was found valid."""
    text = "".join(document(held, ways(kind), advisories))
    assert VALIDATOR.validate_str(text) is None
    return json.loads(text)


def one(kind: str, *versions: PublishedVersion, name: str = "thing", **more: Any) -> Any:
    """The component of the first version of one package."""
    return told(kind, inventory(package(kind, name, *versions), **more))["components"][0]


def properties(component: Any) -> list[tuple[str, str]]:
    return [(each["name"], each["value"]) for each in component["properties"]]


# --- the document -----------------------------------------------------------------------------------------------------------------


def test_the_document_says_which_feed_it_is_about_and_by_which_state():
    found = told("pypi", inventory(), known())
    assert (found["bomFormat"], found["specVersion"], found["version"]) == ("CycloneDX", "1.6", 1)
    metadata = found["metadata"]
    assert metadata["timestamp"] == "2026-11-22T10:00:00+00:00"
    assert metadata["component"] == {"bom-ref": "feed:approved", "name": "approved", "type": "data", "version": "c" * 40}
    assert metadata["tools"]["components"] == [{"name": "reconciler", "type": "application", "version": "1.2.3"}]
    assert properties(metadata) == [
        ("reconciler:advisories", "d" * 64),
        ("reconciler:advisories-fetched-at", "2026-11-22T10:00:00Z"),
        ("reconciler:catalog", "b" * 64),
        ("reconciler:commit", "c" * 40),
        ("reconciler:feed", "approved"),
        ("reconciler:states", "listed"),
    ]
    assert (found["components"], found["vulnerabilities"]) == ([], [])
    assert found["dependencies"] == [{"ref": "feed:approved"}]


def test_a_feed_to_which_nothing_was_ever_applied_holds_nothing():
    found = told("pypi", inventory(commit="", catalog=""))
    assert "version" not in found["metadata"]["component"]
    assert found["components"] == []


def test_without_advisories_nothing_is_said_of_vulnerabilities():
    found = told("pypi", inventory(package("pypi", "thing", version("pypi", "1.0"))))
    assert "vulnerabilities" not in found
    assert ("reconciler:advisories", "none") in properties(found["metadata"])


def test_the_same_state_gives_the_same_bytes_and_only_the_clock_differs():
    held = inventory(
        package("pypi", "thing", version("pypi", "1.0", needs=(("other", ""),))), package("pypi", "other", version("pypi", "2"))
    )
    first, again = ("".join(document(held, ways("pypi"), known(FLAW))) for _ in range(2))
    assert first == again
    later = "".join(document(replace(held, at=NOW + timedelta(days=1)), ways("pypi"), known(FLAW)))
    assert later != first
    assert later.replace("2026-11-23T", "2026-11-22T") == first


@pytest.mark.parametrize(
    "other",
    [
        {"catalog": "e" * 64},
        {"commit": "e" * 40},
        {"states": frozenset({"listed", "unlisted"})},
    ],
)
def test_documents_of_different_states_have_different_serial_numbers(other):
    numbers = {told("pypi", held)["serialNumber"] for held in (inventory(), inventory(**other))}
    assert len(numbers) == 2


def test_documents_by_different_advisories_have_different_serial_numbers():
    newer = replace(known(), snapshot=replace(SNAPSHOT, digest=Sha256("f" * 64)))
    numbers = {told("pypi", inventory(), advisories)["serialNumber"] for advisories in (None, known(), newer)}
    assert len(numbers) == 3


def test_each_object_has_a_line_of_its_own():
    held = inventory(package("pypi", "thing", version("pypi", "1.0"), version("pypi", "2.0")))
    lines = "".join(document(held, ways("pypi"), known(FLAW))).splitlines()
    assert sum('"type": "library"' in line for line in lines) == 2
    assert sum('"dependsOn"' in line or line.startswith('  {"ref"') for line in lines) == 3


# --- components -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "text", "expected"),
    [
        ("npm", "@babel/code-frame", "7.29.0", ("pkg:npm/%40babel/code-frame@7.29.0", "@babel", "code-frame")),
        ("npm", "picocolors", "1.1.1", ("pkg:npm/picocolors@1.1.1", None, "picocolors")),
        ("nuget", "Newtonsoft.Json", "13.0.3", ("pkg:nuget/Newtonsoft.Json@13.0.3", None, "Newtonsoft.Json")),
        ("nuget", "Thing", "1.0.0-beta.1", ("pkg:nuget/Thing@1.0.0-beta.1", None, "Thing")),
        ("pypi", "Sample_Thing", "1.0+local", ("pkg:pypi/sample-thing@1.0%2Blocal", None, "Sample_Thing")),
    ],
)
def test_a_version_is_a_library_with_the_package_url_of_its_ecosystem(kind, name, text, expected):
    component = one(kind, version(kind, text), name=name)
    assert (component["purl"], component.get("group"), component["name"]) == expected
    assert (component["type"], component["version"], component["bom-ref"]) == ("library", text, component["purl"])


def test_the_digest_of_the_only_file_is_on_the_component_too():
    component = one("pypi", version("pypi", "1.0", file("thing-1.0.tar.gz", digest="1")))
    digest = [{"alg": "SHA-256", "content": "1" * 64}]
    assert component["hashes"] == digest
    assert component["externalReferences"] == [
        {"type": "distribution", "url": "https://feeds.example/approved/thing/1/thing-1.0.tar.gz", "hashes": digest}
    ]


def test_each_of_several_files_has_its_digest_where_it_is_served():
    component = one("pypi", version("pypi", "1.0", file("thing-1.0.whl", digest="2"), file("thing-1.0.tar.gz", digest="1")))
    assert "hashes" not in component
    assert [(each["url"].rpartition("/")[2], each["hashes"][0]["content"][0]) for each in component["externalReferences"]] == [
        ("thing-1.0.tar.gz", "1"),
        ("thing-1.0.whl", "2"),
    ]


def test_what_was_taken_back_is_told_only_where_it_is_asked_for():
    held = inventory(
        package(
            "pypi",
            "thing",
            version("pypi", "1.0", state="quarantined", reason="It phones home."),
            version("pypi", "1.1", state="unlisted", reason="Slow."),
            version("pypi", "1.2"),
        )
    )
    assert [component["version"] for component in told("pypi", held)["components"]] == ["1.2"]
    found = told("pypi", replace(held, states=frozenset({"listed", "unlisted", "quarantined"})))["components"]
    assert [component["version"] for component in found] == ["1.0", "1.1", "1.2"]
    assert ("reconciler:state", "quarantined") in properties(found[0])
    assert ("reconciler:reason", "It phones home.") in properties(found[0])
    assert [each["url"] for component in found for each in component["externalReferences"]] == [
        "1.0.bin",
        "https://feeds.example/approved/thing/1.1/1.1.bin",
        "https://feeds.example/approved/thing/1.2/1.2.bin",
    ]
    assert "quarantined" in found[0]["externalReferences"][0]["comment"]


def test_who_stands_behind_a_version_is_told_by_its_first_record():
    reviewer = {"name": "Grace", "email": "grace@example.org", "assurance": "reviewed"}
    records = [
        record(1, package="thing", version="1.0", identity=["thing", "1"], approvers=[reviewer]),
        record(2, "mark", package="thing", version="1.0", identity=["thing", "1"], commit="f" * 40),
        {"change": "access", "seq": 3},
    ]
    component = one("pypi", version("pypi", "1.0"), promoted=promotions(records))
    assert properties(component) == [
        ("reconciler:approved-by", "Grace (reviewed)"),
        ("reconciler:author", "Ada Lovelace (claimed)"),
        ("reconciler:commit", "a" * 40),
        ("reconciler:from", "public-pypi"),
        ("reconciler:published-at", "2026-11-22T10:00:00Z"),
    ]


# --- licenses ---------------------------------------------------------------------------------------------------------------------

AGPL = "https://www.gnu.org/licenses/agpl-3.0.html"


@pytest.mark.parametrize(
    ("declared", "concluded", "expected"),
    [
        ("MIT", "MIT", [{"id": "MIT", "acknowledgement": "concluded"}, {"id": "MIT", "acknowledgement": "declared"}]),
        ("mit", "MIT", [{"id": "MIT", "acknowledgement": "concluded"}, {"id": "MIT", "acknowledgement": "declared"}]),
        ("Our own", "", [{"name": "Our own", "acknowledgement": "declared"}]),
        (
            AGPL,
            "AGPL-3.0-only",
            [{"id": "AGPL-3.0-only", "acknowledgement": "concluded"}, {"name": AGPL, "url": AGPL, "acknowledgement": "declared"}],
        ),
        ("https://x.example/%zz", "", [{"name": "https://x.example/%zz", "acknowledgement": "declared"}]),
        ("https://x.example/#a#b", "", [{"name": "https://x.example/#a#b", "acknowledgement": "declared"}]),
        ("file:///etc/passwd", "", [{"name": "file:///etc/passwd", "acknowledgement": "declared"}]),
        (
            "No-Such-1.0",
            "No-Such-1.0",
            [{"name": "No-Such-1.0", "acknowledgement": "concluded"}, {"name": "No-Such-1.0", "acknowledgement": "declared"}],
        ),
    ],
)
def test_single_licenses_are_told_as_declared_and_as_concluded(declared, concluded, expected):
    component = one("nuget", version("nuget", "1.0.0", file("a", License(declared=declared, concluded=concluded))))
    assert [each["license"] for each in component["licenses"]] == expected


def test_an_expression_stands_alone_and_the_declaration_beside_it_is_a_property():
    component = one("pypi", version("pypi", "1", file("a", License(declared="Apache-2.0 or MIT", concluded="Apache-2.0 OR MIT"))))
    assert component["licenses"] == [{"expression": "Apache-2.0 OR MIT", "acknowledgement": "concluded"}]
    assert ("reconciler:declared-license", "Apache-2.0 or MIT") in properties(component)


def test_files_under_different_licenses_come_to_all_of_them():
    files = [file("a", License(declared="x", concluded="MIT OR ISC")), file("b", License(declared="MIT", concluded="MIT"))]
    assert one("pypi", version("pypi", "1", *files))["licenses"] == [{"expression": "(MIT OR ISC) AND MIT", "acknowledgement": "concluded"}]


def test_an_expression_beside_what_is_none_is_not_told_as_if_it_were_all():
    files = [file("a", License(concluded="MIT OR ISC")), file("b", License(concluded="No-Such-1.0"))]
    names = [each["license"]["name"] for each in one("pypi", version("pypi", "1", *files))["licenses"]]
    assert sorted(names) == ["MIT OR ISC", "No-Such-1.0"]


@pytest.mark.parametrize("traits", [None, License(), License(declared="  ")])
def test_where_nothing_is_declared_nothing_is_told(traits):
    assert "licenses" not in one("pypi", version("pypi", "1", file("a", traits)))


# --- what needs what --------------------------------------------------------------------------------------------------------------


def dependencies(kind: str, *packages: PublishedPackage, **more: Any) -> dict[str, list[str]]:
    found = told(kind, inventory(*packages, **more))["dependencies"]
    return {
        each["ref"].removeprefix(f"pkg:{kind}/"): [ref.removeprefix(f"pkg:{kind}/") for ref in each.get("dependsOn", [])] for each in found
    }


def test_each_dependency_is_the_highest_listed_version_in_its_range():
    leaf = package(
        "nuget",
        "Leaf",
        version("nuget", "1.0.0"),
        version("nuget", "1.5.0"),
        version("nuget", "1.9.0", state="unlisted"),
        version("nuget", "2.0.0"),
        version("nuget", "3.0.0-beta.1"),
    )
    users = [
        package("nuget", f"User{number}", version("nuget", "1.0.0", needs=((name, wanted),)))
        for number, (name, wanted) in enumerate(
            [
                ("leaf", "[1.0.0, 2.0.0)"),
                ("LEAF", "1.0.0"),
                ("Leaf", "[3.0.0-alpha, )"),
                ("Leaf", "[9.0.0, )"),
                ("Other", ""),
                ("Leaf", "[x"),
            ]
        )
    ]
    found = dependencies("nuget", leaf, *users, states=frozenset({"listed", "unlisted"}))
    assert [found[f"User{number}@1.0.0"] for number in range(6)] == [["Leaf@1.5.0"], ["Leaf@2.0.0"], ["Leaf@3.0.0-beta.1"], [], [], []]
    assert len(found["feed:approved"]) == 11


def test_cycles_and_packages_that_name_themselves_are_told_once():
    packages = [
        package("pypi", "a", version("pypi", "1", needs=(("b", ""), ("b", ">=1"), ("a", "[all]")))),
        package("pypi", "b", version("pypi", "1", needs=(("a", ""),))),
    ]
    found = dependencies("pypi", *packages)
    assert (found["a@1"], found["b@1"]) == (["b@1"], ["a@1"])


# --- vulnerabilities --------------------------------------------------------------------------------------------------------------


def flaws(*affecting: Affecting, only: str = "") -> Any:
    held = inventory(package("nuget", "Newtonsoft.Json", version("nuget", "12.0.2"), version("nuget", "12.0.3")))
    return told("nuget", held, known(*affecting, only=only))["vulnerabilities"]


def test_a_flaw_is_told_once_with_all_that_it_affects():
    assert flaws(FLAW) == [
        {
            "id": "GHSA-5crp-9r3c-p9vr",
            "source": {"name": "GITHUB", "url": "https://github.com/advisories/GHSA-5crp-9r3c-p9vr"},
            "references": [
                {"id": "CVE-2024-21907", "source": {"name": "NVD", "url": "https://nvd.nist.gov/vuln/detail/CVE-2024-21907"}},
            ],
            "ratings": [{"severity": "high"}],
            "description": "Deep nesting",
            "recommendation": "Use 13.0.1 or later.",
            "affects": [{"ref": "pkg:nuget/Newtonsoft.Json@12.0.2"}, {"ref": "pkg:nuget/Newtonsoft.Json@12.0.3"}],
        }
    ]


def test_it_affects_only_the_versions_that_match():
    (flaw,) = flaws(FLAW, only="12.0.3")
    assert [each["ref"] for each in flaw["affects"]] == ["pkg:nuget/Newtonsoft.Json@12.0.3"]


@pytest.mark.parametrize(
    ("more", "key", "expected"),
    [
        ({"severity": None}, "ratings", [{"severity": "unknown"}]),
        ({"severity": "none"}, "ratings", [{"severity": "none"}]),
        ({"fixed": ("1.1", "2.1"), "fixed_stable": "1.1"}, "recommendation", "Fixed in 1.1, 2.1."),
        ({"fixed": ("106.11.8-alpha.0.13",), "fixed_stable": ""}, "recommendation", "Fixed in 106.11.8-alpha.0.13, no stable version."),
        ({"fixed": (), "fixed_stable": ""}, "recommendation", "No fixed version is known."),
        (
            {"fixed": (), "fixed_stable": "", "last_known": "<= 1.8.9"},
            "recommendation",
            "No fixed version is known. The newest affected version that is known: <= 1.8.9.",
        ),
        (
            {"fixed": (), "fixed_stable": "", "malware": True, "ids": ("MAL-2024-4003",)},
            "recommendation",
            "Do not use it: it was made to do harm.",
        ),
        (
            {"ids": ("MAL-2024-4003",)},
            "source",
            {"name": "OSV", "url": "https://osv.dev/vulnerability/MAL-2024-4003"},
        ),
        ({"unread": "the range '>=x' cannot be read"}, "detail", "the range '>=x' cannot be read"),
    ],
)
def test_what_is_known_of_a_flaw_is_told(more, key, expected):
    (flaw,) = flaws(replace(FLAW, **more))
    assert flaw[key] == expected


# --- hostile text -----------------------------------------------------------------------------------------------------------------


def test_text_from_outside_is_inert_and_bounded():
    long = HOSTILE + "x" * 100_000
    flaw = Affecting(ids=(long, long), severity="low", summary=long, fixed=(long,), malware=False, last_known=long, unread=long)
    held = inventory(
        package(
            "pypi",
            "thing",
            version(
                "pypi",
                "1.0",
                file("a", License(declared=long, concluded=long)),
                file("b", License(declared=f"https://x.example/{long}", concluded="(" * 100_000)),
                state="quarantined",
                reason=long,
                deprecated=long,
                needs=((long, long), ("thing", long)),
            ),
        ),
        states=frozenset({"quarantined"}),
        promoted={("thing", "1"): Promoted(commit=long, source=long, author=long, approvers=(long,))},
    )
    text = "".join(document(held, ways("pypi"), known(flaw)))
    assert VALIDATOR.validate_str(text) is None
    assert len(text) < 20_000
    shown = json.dumps(json.loads(text), ensure_ascii=False)
    assert not any(character in shown for character in "\x1b\r\u202e\u200b\ud800")
    assert "\\u001b" not in text


@pytest.mark.parametrize(
    "concluded",
    ["(" * 999, "MIT AND " * 100, "(MIT OR ISC OR ) AND MIT", "MIT OR\nISC", "MIT WITH", "\x00", "MIT" + " OR ISC" * 500, "\u0663 OR MIT"],
)
def test_what_is_no_expression_is_never_told_as_one(concluded):
    component = one("pypi", version("pypi", "1", file("a", License(concluded=concluded))))
    assert [list(each) for each in component["licenses"]] == [["license"]]
