"""Real packages and manifests, sound and damaged: inspecting them agrees with what was recorded of them."""

from __future__ import annotations

import io
from base64 import b64encode
from hashlib import file_digest
from typing import Any, Final

import pytest

from reconciler.ecosystems.nuget import inspect as inspect_package
from reconciler.ecosystems.nuget import parse_version
from reconciler.ecosystems.nuget.nuspec import read_nuspec
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import Inspection
from tests.ecosystems.nuget.shared import DATA, load, needs_shared

REFUSED: Final = {
    # Test packages that are broken on purpose; the reasons are those of the index and of the repositories they are from.
    "DuplicateReadmeFiles.1.0.0.nupkg": "two entries named 'README.md' with different content",
    "Zip64Package.1.0.0.nupkg": "zip64 end record is not where its locator says",  # "Zip64Package.Corrupted" at its origin
    # Damaged on their way: pointers in place of files, line endings, missing and additional bytes.
    "_corrupt/174808b66b_EntityFramework.6.5.1.nupkg": "there is no end record",
    "_corrupt/2940df8670_BitMiracle.LibTiff.NET.2.4.649.nupkg": "there is no end record",
    "_corrupt/4685f530d0_Antlr.3.5.0.2.nupkg": "there is no end record",
    "_corrupt/989d431a65_Angular.UI.UI-Router.0.2.15.nupkg": "end record is not at its end",
    "_corrupt/a02fc0d63b_LABjs.2.0.3.nupkg": "end record is not at its end",
    "_corrupt/own_badcrc_PagedList.1.17.0.0.nupkg": "is damaged",
    "_corrupt/own_crlf_PagedList.1.17.0.0.nupkg": "its directory is not where its end record says",
    "_corrupt/own_prefixed_PagedList.1.17.0.0.nupkg": "+46080 bytes: something is in front of the archive",
    "_corrupt/own_truncated_PagedList.1.17.0.0.nupkg": "there is no end record",
    "_corrupt/prefixed_jQuery.3.4.1.nupkg": "+61021 bytes: something is in front of the archive",
}
"""Every file of the recorded data that is refused, and why; all others are accepted."""


def facts(package: dict[str, Any]) -> dict[str, Any]:
    """What the index says of a package, as an inspection would say it."""
    stated = package.get("license") or {}
    value = stated.get("value")
    named = {"expression": value, "file": f"file: {value}"}.get(stated.get("type", ""))
    return {
        "id": package["id"],
        "version": package["version"],
        "license": named or package.get("licenseUrl"),
        "content_hash": package["nuget_content_hash"] or b64encode(bytes.fromhex(package["sha512"])).decode(),  # Not recorded for zip64.
        "signed": package["signed"],
        "dependencies": sorted((d[0] or "", d[1].strip()) for d in package["dependencies"] if (d[1] or "").strip()),
    }


def facts_found(found: Inspection) -> dict[str, Any]:
    return {
        "id": found.name,
        "version": found.version.text,
        "license": found.license,
        "content_hash": found.content_hash,
        "signed": bool(found.metadata.get("signed")),
        "dependencies": sorted((d.condition, d.name) for d in found.dependencies),
    }


@needs_shared
def test_real_packages_say_what_was_recorded() -> None:
    different = {}
    packages = load("nupkg/INDEX.json")["packages"]
    for package in packages:
        if package["file"] in REFUSED:
            continue
        with (DATA / "nupkg" / package["file"]).open("rb") as file:
            assert file_digest(file, "sha256").hexdigest() == package["sha256"]
            file.seek(0)
            found = facts_found(inspect_package(f"{package['id']}.{package['version']}.nupkg", file))
        if found != facts(package):
            different[package["file"]] = found
    assert different == {}
    assert len(packages) > 150


@needs_shared
def test_real_packages_are_refused_for_the_reasons_in_the_table() -> None:
    folder, told = DATA / "nupkg", {}
    files = sorted(path for path in folder.rglob("*nupkg") if path.is_file())
    names = {row["file"]: f"{row['id']}.{row['version']}.nupkg" for row in load("nupkg/INDEX.json")["packages"]}
    for path in files:
        file = path.relative_to(folder).as_posix()
        with path.open("rb") as stream:
            try:
                inspect_package(names.get(file, path.name.rsplit("_", 1)[-1]), stream)
            except ArchiveRefused as error:
                told[file] = str(error)
    assert sorted(told) == sorted(REFUSED)
    assert [(file, reason) for file, reason in told.items() if REFUSED[file] not in reason] == []


@needs_shared
@pytest.mark.parametrize(
    "identity", ["System.Buffers.4.5.1", "System.Threading.Tasks.Extensions.4.5.4", "Microsoft.Bcl.AsyncInterfaces.5.0.0"]
)
def test_packages_that_nuget_org_has_signed_again_have_one_content_hash(identity: str) -> None:
    paths = sorted((DATA / "nupkg").glob(f"{identity}*.nupkg"))
    hashes = {inspect_package(f"{identity}.nupkg", io.BytesIO(path.read_bytes())).content_hash for path in paths}
    assert (len(paths), len(hashes), len({path.read_bytes() for path in paths})) == (2, 1, 2)


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
        if package is None or package["file"] in REFUSED:
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
