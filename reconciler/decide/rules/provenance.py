"""`provenance`: something must vouch for every file of a release: a signature, or an attestation of how it was built.

This is about presence, not about verification: whether the file carries it (NuGet: a signature in the package), or its index announces it
(PyPI: attestations by PEP 740; npm: registry signatures, provenance attestations). Who signed, and whether the signature is good,
is for a verifier to say.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from reconciler.decide.rules.interface import Facts, Subject, satisfiable
from reconciler.decide.rules.wording import enumerated, quoted
from reconciler.model.declared import Policy
from reconciler.model.text import Shape, one_of
from reconciler.model.verdicts import ALLOW, Verdict, missing
from reconciler.model.waivers import Waivable


class Params(Shape):
    """The parameters of a policy with `rule: provenance`."""

    require: Annotated[Literal["any", "attestation", "signature"], *one_of("any", "attestation", "signature")] = Field(
        default="any", description="What every file must have: an attestation, a signature, or any of the two. Present, not verified."
    )


WORDS: Final = {"any": "neither signature nor attestation", "attestation": "no attestation", "signature": "no signature"}

waivable: Final[Waivable] = "whole"
unmet: Final = satisfiable
reads_archives: Final = True


def check(subject: Subject, policy: Policy, facts: Facts) -> tuple[Verdict, ...]:
    """Which files nothing vouches for."""
    params: Params = policy.params
    files = facts.files or ()
    accepted = {"signature", "attestation"} if params.require == "any" else {params.require}
    bare = [quoted(file.name) for file in files if file.traits is not None and not accepted.intersection(file.traits.provenance)]
    found = []
    if bare:
        reason = f"{WORDS[params.require]} for {enumerated(bare)}"
        remedy = "approve a release that its makers have published with one"
        found.append(Verdict(level=policy.on_violation, reason=reason, remedy=remedy))
    unread = [quoted(file.name) for file in files if file.traits is None]
    if unread or not files:
        reason = f"nobody has looked for signatures and attestations of {enumerated(unread)}" if unread else "nobody knows its files"
        found.append(missing(reason))
    return tuple(found) or (ALLOW,)
