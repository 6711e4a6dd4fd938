"""`review`: how many entitled people must stand behind a promotion, or a change of the rules, and how well each must be known.

Somebody counts who is entitled to what is asked, known at least as well as `min_assurance` says (claimed < signed < reviewed), a declared
user (an address alone might be the second one of somebody who counts already), and, unless `author_counts`, had no hand in it: opened no
pull request for it, wrote or committed none of it. People are compared as users, never as strings.

Taking back (a withdrawal, an earlier expiry, a deprecation) is not judged by this rule: it must not wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import Field

from reconciler.decide.rights import Ask, decide_right
from reconciler.decide.rules.interface import Facts, Subject
from reconciler.model.declared import Forge, Policy, Rules
from reconciler.model.events import ASSURANCES, Assurance, Voice
from reconciler.model.permissions import User
from reconciler.model.text import Count, Flag, Shape, one_of
from reconciler.model.verdicts import ALLOW, Unmet, Verdict, missing
from reconciler.model.waivers import Waivable


class Params(Shape):
    """The parameters of a policy with `rule: review`."""

    min_assurance: Annotated[Assurance, *one_of(*ASSURANCES)] = Field(
        default="claimed",
        description="How well somebody must be known to count: claimed, signed (SSH signature) or reviewed (at the forge).",
    )
    approvers: Count = Field(default=1, description="How many entitled people must stand behind it.")
    author_counts: Flag = Field(default=False, description="Whether people who had a hand in it count among them.")
    rule_files: Flag = Field(default=True, description="Whether the rule holds for changes of feeds.yaml and policies/, too.")


REVIEW: Final = "review"

waivable: Final[Waivable] = "no"
reads_archives: Final = False


def check(subject: Subject, policy: Policy, facts: Facts) -> tuple[Verdict, ...]:
    """Whether enough people stand behind it; those who do not count are named with the reason."""
    params: Params = policy.params
    if facts.voices is None:
        return (missing("nobody knows who stands behind it"),)
    counted = {voice.user for voice in facts.voices if not _objection(voice, params)}
    if len(counted) >= params.approvers:
        return (ALLOW,)
    others = [f"{voice.person.name} ({_objection(voice, params)})" for voice in facts.voices if _objection(voice, params)]
    rest = f"; not counted: {', '.join(others)}" if others else ""
    who = f" ({', '.join(sorted(filter(None, counted)))})" if counted else ""
    needed = f"{params.approvers} entitled {'person' if params.approvers == 1 else 'people'}"
    known = "" if params.min_assurance == "claimed" else f", known as {params.min_assurance} or better"
    independent = "" if params.author_counts else ", who had no hand in it,"
    reason = f"{needed}{independent} must stand behind it{known}; so far {len(counted)}{who}{rest}"
    return (Verdict(level=policy.on_violation, reason=reason),)


def unmet(policy: Policy, rules: Rules) -> Unmet | None:
    """Whether enough people may administer, and can be known well enough, that the rules can ever be changed again."""
    params: Params = policy.params
    if not params.rule_files or policy.on_violation == "warn":
        return None
    permissions = rules.permissions
    able = sorted(
        id_
        for id_, user in permissions.users.items()
        if decide_right(permissions, id_, Ask(task="administer")).allowed and _can_be_known(user, rules.forge, params)
    )
    needed = params.approvers + (0 if params.author_counts else 1)
    if len(able) >= needed:
        return None
    who = "1 person" if len(able) == 1 else f"{len(able)} people"
    known = "" if params.min_assurance == "claimed" else f" and can be known as {params.min_assurance}"
    author = "" if params.author_counts else ", one of whom may be the author"
    names = f" ({', '.join(able)})" if able else ""
    return Unmet(
        found=f"{who} who may administer{known}{names}",
        expected=f"{needed}{author}, else nobody could change the rules again (or rule_files: false)",
    )


def _can_be_known(user: User, forge: Forge | None, params: Params) -> bool:
    """Whether somebody has what it takes to be known as well as a policy asks: an account at the forge, a key."""
    account = forge is not None and (user.github if forge.kind == "github" else user.gitlab) is not None
    match params.min_assurance:
        case "claimed":
            return True
        case "signed":
            return account or any(key.revoked is None for key in user.signing_keys)
        case "reviewed":
            return account


def could_still(candidates: Iterable[str], voices: Iterable[Voice], params: Params) -> tuple[str, ...]:
    """Those of the entitled (user ids, "everyone") who do not count yet, and would, were they known well enough."""
    spoken = [voice for voice in voices if not _objection(voice, params) or (voice.contributed and not params.author_counts)]
    out = {voice.user for voice in spoken}
    return tuple(candidate for candidate in candidates if candidate not in out)


def _objection(voice: Voice, params: Params) -> str:
    """Why somebody does not count; "" for who does."""
    if voice.user is None:
        return "no declared user"
    if not voice.entitled:
        return "not entitled"
    if voice.contributed and not params.author_counts:
        return "had a hand in it"
    if ASSURANCES.index(voice.assurance) < ASSURANCES.index(params.min_assurance):
        return f"only {voice.assurance}"
    return ""
