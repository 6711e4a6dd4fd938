"""A version as a CycloneDX component (https://cyclonedx.org/docs/1.6/json/#components): files, licenses, on whose word it came in.

Every file is an external reference of the type "distribution" with its SHA-256; a version with one file has that on the component, too.
Several hashes of one algorithm on a component would read as a contradiction, and files as nested components would be counted as
packages by tools that flatten the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import quote

from cyclonedx.exception.model import InvalidUriException
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement, LicenseExpression
from cyclonedx.spdx import fixup_id, is_expression
from packageurl import PackageURL

from reconciler.model.packages import License, PublishedFile, PublishedVersion
from reconciler.show.inert import inert

LONGEST: Final = 300
"""Characters of a name, a license, a reason: a declaration may be a whole license text."""
LONGEST_EXPRESSION: Final = 1000
"""Characters that are read as an SPDX expression."""
ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9._~:/?@!$&()*+,;=%#-]{1,500}")
DANGLING: Final = re.compile(r"\b(?:AND|OR|WITH) *(?:\)|$)", re.IGNORECASE)
"""An operator with nothing to its right, which the library's parser passes over ("MIT AND ISC AND")."""
DECLARED, CONCLUDED = LicenseAcknowledgement.DECLARED, LicenseAcknowledgement.CONCLUDED


@dataclass(frozen=True, kw_only=True, slots=True)
class Promoted:
    """On whose word a version came in, by the first record of it: the landing commit, the proxy feed; people with how each is known."""

    commit: str
    source: str
    author: str
    approvers: tuple[str, ...]


def promotions(records: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Promoted]:
    """What a ledger says of each version, by the keys of package and version."""
    found: dict[tuple[str, str], Promoted] = {}
    for record in records:
        if "identity" in record:
            package, version = record["identity"]
            if (package, version) not in found:
                people = [f"{person['name']} ({person['assurance']})" for person in (record["author"], *record["approvers"])]
                found[package, version] = Promoted(
                    commit=record["commit"], source=record["from"], author=people[0], approvers=tuple(people[1:])
                )
    return found


def component(ref: str, name: str, version: PublishedVersion, *, addresses: Mapping[str, str], promoted: Promoted | None) -> Component:
    """The component; `ref` is its package URL, `addresses` say where each file is served."""
    group, _, last = inert(name, longest=LONGEST).rpartition("/")
    declared = list(dict.fromkeys(file.traits.license for file in version.files if file.traits is not None))
    hashes = [_hash(file) for file in version.files] if len(version.files) == 1 else []
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=ref,
        group=group or None,
        name=last,
        version=inert(version.version.text, longest=LONGEST),
        purl=PackageURL.from_string(ref),
        hashes=hashes,
        licenses=licenses(declared),
        external_references=[_distribution(file, version, addresses[file.name]) for file in version.files],
        properties=[Property(name=key, value=inert(value, longest=LONGEST)) for key, value in _said(version, declared, promoted) if value],
    )


def _hash(file: PublishedFile) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=file.sha256)


def _distribution(file: PublishedFile, version: PublishedVersion, address: str) -> ExternalReference:
    """Where a file is; of what is quarantined only the name is told, since nobody can fetch it."""
    quarantined = version.state == "quarantined"
    return ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(quote(inert(file.name)) if quarantined else address),
        hashes=[_hash(file)],
        comment="quarantined: it cannot be downloaded" if quarantined else None,
    )


def _said(version: PublishedVersion, declared: Sequence[License], promoted: Promoted | None) -> Iterator[tuple[str, str]]:
    """What the format has no field for."""
    if version.state != "listed":
        yield "reconciler:state", version.state
        yield "reconciler:reason", version.reason
    yield "reconciler:deprecated", version.deprecated or ""
    yield "reconciler:published-at", f"{version.published_at:%Y-%m-%dT%H:%M:%SZ}"
    if promoted is not None:
        yield "reconciler:from", promoted.source
        yield "reconciler:commit", promoted.commit
        yield "reconciler:author", promoted.author
        for approver in promoted.approvers:
            yield "reconciler:approved-by", approver
    if _together(declared):
        for license_ in declared:
            yield "reconciler:declared-license", license_.declared


# --- licenses -----------------------------------------------------------------------------------------------------------------------


def licenses(found: Sequence[License]) -> list[DisjunctiveLicense | LicenseExpression]:
    """What the files of a version declare, each its own, and what that comes to.

    Beside an expression the format has room for nothing else: where what was concluded is more than single licenses, it stands alone,
    over all files, and what was declared becomes a property.
    """
    if together := _together(found):
        return [LicenseExpression(together, acknowledgement=CONCLUDED)]
    named = [(license_.declared, DECLARED) for license_ in found if license_.declared.strip()]
    named += [(license_.concluded, CONCLUDED) for license_ in found if license_.concluded.strip()]
    return [_license(text, how) for text, how in dict.fromkeys(named)]


def _together(found: Iterable[License]) -> str:
    """What was concluded of all files as one SPDX expression, "" where ids say it as well, or nothing valid says it."""
    concluded = list(dict.fromkeys(license_.concluded for license_ in found if license_.concluded))
    if not any(map(_compound, concluded)) or not all(_id(text) or _compound(text) for text in concluded):
        return ""
    return concluded[0] if len(concluded) == 1 else " AND ".join(f"({text})" if " " in text else text for text in concluded)


def _license(text: str, how: LicenseAcknowledgement) -> DisjunctiveLicense:
    """A single license: by its SPDX id, else by the name or the address that it was given."""
    if known := _id(text):
        return DisjunctiveLicense(id=known, acknowledgement=how)
    return DisjunctiveLicense(name=inert(text, longest=LONGEST), url=_address(text), acknowledgement=how)


def _address(text: str) -> XsUri | None:
    if not ADDRESS.fullmatch(text):
        return None
    try:
        return XsUri(text)
    except InvalidUriException:
        return None


@cache
def _id(text: str) -> str:
    """The text as an id of the SPDX list that the format knows, "" if it is none."""
    return fixup_id(text) or ""


@cache
def _compound(text: str) -> bool:
    """Whether it is a valid SPDX expression that no single id says."""
    plain = 0 < len(text) <= LONGEST_EXPRESSION and text.isascii() and text.isprintable()
    return plain and not _id(text) and not DANGLING.search(text) and is_expression(text)
