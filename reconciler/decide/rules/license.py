"""`license`: under which licenses a package may be, by what each of its files declares.

With `allow`, a license that it does not name is a violation; with `deny` alone, only one that it names. In an expression, of "A OR B" one
part has to pass, of "A AND B" all.

A license "WITH" an exception is another license: `allow` must name the pair, since of some exceptions it cannot be said that they only
grant more. `deny`, which must miss nothing, takes the pair for its license, too. "X-or-later" and "X+" let one choose X: they are allowed
where "X-only" or "X" is, but not the other way round; `deny` of one form of X is `deny` of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import Annotated, Final, TypeAlias

from pydantic import Field, WithJsonSchema

from reconciler.decide.rules.interface import Facts, JudgedFile, Subject
from reconciler.decide.rules.wording import enumerated, quoted
from reconciler.decide.spdx import ONLY, REMEMBERED, Every, Expression, Term, Unreadable, read_expression, read_term
from reconciler.model.declared import OnViolation, Policy, Rules
from reconciler.model.packages import License
from reconciler.model.text import Shape, one_of, one_or_more, texts
from reconciler.model.verdicts import ALLOW, Unmet, Verdict, missing
from reconciler.model.waivers import Waivable

NAMED: Final = 'an SPDX license id as in "MIT" or "GPL-2.0-only WITH Classpath-exception-2.0", or a "LicenseRef-..."'


def _canonical(text: str) -> str | None:
    term = read_term(text)
    return str(term) if term is not None else None


Licenses: TypeAlias = Annotated[
    list[Annotated[str, *texts(NAMED, _canonical), WithJsonSchema({"type": "string"})]],
    *one_or_more("a license, or a list of licenses", {"type": "string"}),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lists:
    """`allow` and `deny` of a policy for look-ups: references are compared without regard to case, as SPDX has it."""

    allow: frozenset[str]
    deny: frozenset[str]
    deny_any: frozenset[str]
    """The licenses that are denied with any exception, by `Term.named`."""

    def denies(self, term: Term) -> bool:
        """Whether `deny` is about a license."""
        return term.named.casefold() in self.deny_any or _folded(term.named, term.exception) in self.deny

    def passes(self, term: Term) -> bool:
        """Whether a license is no violation."""
        if self.denies(term):
            return False
        forms = (term.license, term.named, f"{term.named}{ONLY}") if term.or_later else (term.license,)
        return not self.allow or any(_folded(form, term.exception) in self.allow for form in forms)


def _folded(license_: str, exception: str) -> str:
    return str(Term(license_, exception)).casefold()


class Params(Shape):
    """The parameters of a policy with `rule: license`."""

    allow: Licenses = Field(
        default=[],
        description="The licenses that pass, by SPDX id; no other does. Left out: all pass that `deny` does not name.",
        examples=[["MIT", "Apache-2.0", "BSD-3-Clause"]],
    )
    deny: Licenses = Field(
        default=[],
        description="The licenses that do not pass, by SPDX id, with any exception, and with or without later versions.",
        examples=[["AGPL-3.0-only", "SSPL-1.0"]],
    )
    unknown: Annotated[OnViolation, *one_of("warn", "hold", "deny")] = Field(
        default="hold", description="What becomes of a package whose license is not declared, has no one meaning or cannot be read."
    )

    @cached_property
    def lists(self) -> Lists:
        """Both lists, made once."""
        denied = terms(self.deny)
        return Lists(
            allow=frozenset(license_.casefold() for license_ in self.allow),
            deny=frozenset(_folded(term.named, term.exception) for term in denied),
            deny_any=frozenset(term.named.casefold() for term in denied if not term.exception),
        )


def terms(licenses: Iterable[str]) -> list[Term]:
    """The licenses of a list, read again."""
    return [term for license_ in licenses if (term := read_term(license_)) is not None]


NOASSERTION: Final = "NOASSERTION"
"""What SPDX calls a license of which nothing can be said; the id by which a waiver names it."""
MAX_ID: Final = 100
"""Characters of a declared text by which a waiver may name it."""
MAX_CHOICES: Final = 64
"""Demands of one expression; more are not told apart, and cannot be waived."""

waivable: Final[Waivable] = "by id"
reads_archives: Final = True

Demand: TypeAlias = tuple[Term, ...]
"""Violating licenses of which one would have to pass."""


def check(subject: Subject, policy: Policy, facts: Facts) -> tuple[Verdict, ...]:
    """A verdict for each license that would have to be allowed, or known; files with the same license are judged once."""
    if not facts.files:
        return (missing("its license is not known: nobody knows its files"),)
    found: dict[License | None, list[JudgedFile]] = {}
    for file in facts.files:
        found.setdefault(file.traits.license if file.traits else None, []).append(file)
    return tuple(one for license_, files in found.items() for one in _verdicts(license_, policy, files, alone=len(found) == 1)) or (ALLOW,)


def unmet(policy: Policy, rules: Rules) -> Unmet | None:
    """Whether it allows what it denies."""
    params: Params = policy.params
    both = [str(term) for term in terms(params.allow) if params.lists.denies(term)]
    return Unmet(found=f"{enumerated(both)} in allow, and denied by deny", expected="each license in one of them") if both else None


def _verdicts(license_: License | None, policy: Policy, files: Sequence[JudgedFile], *, alone: bool) -> list[Verdict]:
    """What is to be said of one license, which these files have; `alone`: there is no other."""
    params: Params = policy.params
    expression = read_expression(license_.concluded) if license_ is not None and license_.concluded else None
    wanted = demands(expression, params.lists) if expression is not None and not isinstance(expression, Unreadable) else None
    if wanted == ():
        return []
    names = enumerated([quoted(file.name) for file in files])
    if license_ is None:
        return [missing(f"its license is not known: nobody has looked into {names}")]
    declares = "declares" if alone else f"{names} declare{'' if len(files) > 1 else 's'}"
    if expression is None or isinstance(expression, Unreadable) or wanted is None:
        return [_unknown(license_, expression if isinstance(expression, Unreadable) else None, params.unknown, declares)]
    shown = _shown(license_, expression)
    file = policy.path.rpartition("/")[2]
    return [
        Verdict(
            level=policy.on_violation,
            reason=f"{declares} {shown}{_objection(demand, params.lists, expression, file)}",
            ids=tuple(map(str, demand)),
            remedy=_remedy(demand, params.lists, policy.path),
        )
        for demand in wanted
    ]


def _unknown(license_: License, unreadable: Unreadable | None, level: OnViolation, declares: str) -> Verdict:
    declared = " ".join(license_.declared[: MAX_ID * 4].split())
    if unreadable is not None:
        concluded = quoted(license_.concluded)
        source = f'"{concluded}"' if license_.declared == license_.concluded else f'"{quoted(license_.declared)}" ("{concluded}")'
        reason = f"{declares} {source}, which {unreadable.reason}"
    elif declared:
        reason = f'{declares} "{quoted(license_.declared)}", which does not say which SPDX license that is'
    else:
        reason = f"{declares} no license"
    named = (declared,) if declared and declared.isprintable() and len(license_.declared) <= MAX_ID else ()
    remedy = f"find out which license it has, and put that into the reason of a waiver for {NOASSERTION}"
    return Verdict(level=level, reason=reason, ids=(NOASSERTION, *named), remedy=remedy, unknown=True)


@lru_cache(maxsize=REMEMBERED)
def demands(expression: Expression, lists: Lists) -> tuple[Demand, ...]:
    """What has to pass for an expression to pass: of each of these one license. None where it passes as it is.

    That is its conjunctive normal form, reduced to what does not pass: so a waiver for one license of "A AND B" leaves the other to be
    waived, and of "A OR B" one is enough. One demand without licenses stands for more than `MAX_CHOICES`.
    """
    if isinstance(expression, Term):
        return () if lists.passes(expression) else ((expression,),)
    parts = [demands(part, lists) for part in expression.parts]
    if isinstance(expression, Every):
        return _least(demand for part in parts for demand in part)
    if any(not part for part in parts):
        return ()
    combinations: tuple[Demand, ...] = ((),)
    for part in parts:
        if () in part or len(combinations) * len(part) > MAX_CHOICES:
            return ((),)
        combinations = _least((*one, *other) for one, other in product(combinations, part))
    return combinations


def _least(found: Iterable[Demand]) -> tuple[Demand, ...]:
    """Those of the demands that no other one makes needless, each license in it once."""
    sets = {frozenset(demand): tuple(dict.fromkeys(demand)) for demand in found}
    least = tuple(demand for one, demand in sets.items() if not any(other < one for other in sets))
    return least if len(least) <= MAX_CHOICES else ((),)


def _shown(license_: License, expression: Expression) -> str:
    """What is declared, and what that comes to where it is not the same."""
    declared, concluded = license_.declared.strip(), str(expression)
    if not declared:
        return f"nothing, and is taken to be under {quoted(concluded)}"
    return f'"{quoted(declared)}"' + ("" if declared == concluded else f" ({quoted(concluded)})")


def _objection(demand: Demand, lists: Lists, expression: Expression, file: str) -> str:
    """What the policy has against it: the end of the sentence."""
    denied = bool(demand) and all(lists.denies(term) for term in demand)
    if isinstance(expression, Term) or not demand:
        return f", which {file} {'denies' if denied else 'does not allow'}"
    names = enumerated([str(term) for term in demand])
    if len(demand) == 1:
        return f"; {file} {'denies' if denied else 'does not allow'} {names}"
    return f"; {file} {f'denies all of {names}' if denied else f'allows none of {names}'}"


def _remedy(demand: Demand, lists: Lists, path: str) -> str:
    names = " or ".join(str(term) for term in demand)
    if not demand:
        return f"approve another package, or allow its licenses in {path}"
    if any(lists.denies(term) for term in demand):
        return f"approve another package, or waive {names} for this one"
    return f"allow {names} in {path}, or waive it for this package"
