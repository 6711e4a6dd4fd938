"""Real packages and manifests, sound and damaged: inspecting them agrees with what was recorded of them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from reconciler.ecosystems.nuget import inspect as inspect_package
from reconciler.ecosystems.nuget import parse_version
from reconciler.ecosystems.nuget.nuspec import read_nuspec
from reconciler.errors import ArchiveRefused
from tests.ecosystems.nuget.shared import DATA, load, needs_shared


@needs_shared
def test_real_packages_say_what_was_recorded() -> None:
    different = []
    for package in load("nupkg/INDEX.json")["packages"]:
        # This one has a zip64 locator that points outside the file; its own repository calls it "Corrupted".
        if package["kind"] != "nupkg" or package["path"].endswith("Zip64Package.Corrupted.1.0.0.nupkg"):
            continue
        with (DATA / "nupkg" / package["file"]).open("rb") as file:
            found = inspect_package(f"{package['id']}.{package['version']}.nupkg", file)
        pairs = sorted((d[0] or "", d[1].strip()) for d in package["dependencies"] if (d[1] or "").strip())
        actual = sorted((d.condition, d.name) for d in found.dependencies)
        said = (found.name, found.version.text, found.content_hash, bool(found.metadata.get("signed")), actual)
        expected_hash = package["nuget_content_hash"] or b64encode(bytes.fromhex(package["sha512"])).decode()  # Not recorded for zip64.
        if said != (package["id"], package["version"], expected_hash, package["signed"], pairs):
            different.append((package["file"], said))
    assert different == []


@needs_shared
def test_real_damaged_packages_are_refused() -> None:
    files = sorted((DATA / "nupkg" / "_corrupt").iterdir())
    assert len(files) >= 10
    for path in [*files, DATA / "nupkg" / "Zip64Package.1.0.0.nupkg"]:
        name = path.name.rsplit("_", 1)[-1]
        with path.open("rb") as file, pytest.raises(ArchiveRefused):
            inspect_package(name, file)


@needs_shared
def test_nugets_own_manifests_are_read_or_refused_for_a_reason() -> None:
    table = load("conformance/nuget-nuspecs.json")
    texts = [row["xml"] for part in ("from_unit_tests", "from_endtoend_files") for row in table[part]]
    read, refusals = 0, []
    for text in texts:
        try:
            read_nuspec(text.strip().encode())
            read += 1
        except ArchiveRefused as error:
            refusals.append(str(error))
    assert [reason for reason in refusals if "no usable identity" not in reason and "not well-formed" not in reason] == []
    assert read > len(refusals)


@needs_shared
def test_dependencies_and_types_are_those_of_nuget_orgs_catalog() -> None:
    packages = {package["path"].rsplit("/", 1)[-1].split(".nupkg")[0]: package for package in load("nupkg/INDEX.json")["packages"]}
    compared = 0
    for row in load("conformance/nuget-catalog-leaves.json")["leaves"]:
        leaf, package = row["catalog_leaf"], packages.get(row["file"].removesuffix(".json"))
        if package is None:
            continue
        with (DATA / "nupkg" / package["file"]).open("rb") as file:
            found = inspect_package(f"{package['id']}.{package['version']}.nupkg", file)
        theirs = [
            (g.get("targetFramework", ""), d["id"], d["range"]) for g in leaf.get("dependencyGroups", []) for d in g.get("dependencies", [])
        ]
        assert sorted((d.condition, d.name, d.range) for d in found.dependencies) == sorted(theirs), row["file"]
        assert parse_version(leaf["version"]) == found.version
        assert found.metadata.get("authors") == leaf.get("authors")
        types: Any = found.metadata.get("packageTypes", [])
        assert {t["name"] for t in leaf.get("packageTypes", [])} >= {t["name"] for t in types}
        compared += 1
    assert compared > 20
