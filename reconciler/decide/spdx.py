"""SPDX license expressions, read and made comparable.

Specification: https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions/

The grammar is read by the library `license-expression`, which is told no ids: it builds its own list from an index of 2,500 licenses that
lacks newer ones, while the ids of `spdx_list.py` are a look-up. What is read is canonical: ids as the list spells them, successors in
the place of deprecated ids, "X-or-later" for the "X+" of the GNU licenses.

More is accepted than the specification has: operators in any case, as packages write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, TypeAlias

from reconciler.decide.spdx_list import EXCEPTION_SUCCESSORS, EXCEPTIONS, LICENSES, LIST_VERSION, SUCCESSORS

MAX_LENGTH: Final = 2_000
"""Characters. The longest expressions of real packages, for bundled C libraries, have a few hundred."""
MAX_DEPTH: Final = 50
"""Parentheses inside one another."""
REMEMBERED: Final = 4_096
"""Expressions. A registry has few distinct ones; so many of the greatest length take 8 MB."""

ONLY: Final = "-only"
OR_LATER: Final = "-or-later"
PLUS: Final = "+"

_CHARACTERS: Final = re.compile(r"[A-Za-z0-9.:+() \t\r\n-]*")
_WORDS: Final = re.compile(r"[()]|[^\s()]+")
_OPERATORS: Final = frozenset({"and", "or", "with"})
_REFERENCE: Final = re.compile(r"(DocumentRef-[A-Za-z0-9.-]+:)?(LicenseRef-[A-Za-z0-9.-]+)", re.IGNORECASE)
_ADDITION: Final = re.compile(r"(DocumentRef-[A-Za-z0-9.-]+:)?(AdditionRef-[A-Za-z0-9.-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Term:
    """One license, canonical: an id of the list ("Apache-2.0", with "+" where it says "or any later version"), or a reference
    ("LicenseRef-Contoso"); with its exception, "" for none."""

    license: str
    exception: str = ""

    def __str__(self) -> str:
        return f"{self.license} WITH {self.exception}" if self.exception else self.license

    @property
    def named(self) -> str:
        """Its license without what is said of later versions: "GPL-2.0" of GPL-2.0-only and of GPL-2.0-or-later."""
        if "LicenseRef-" in self.license:
            return self.license
        return self.license.removesuffix(PLUS).removesuffix(OR_LATER).removesuffix(ONLY)

    @property
    def or_later(self) -> bool:
        """Whether any later version of the license may be chosen, too."""
        return self.named != self.license and self.license.endswith((PLUS, OR_LATER))


@dataclass(frozen=True, slots=True)
class Every:
    """All of these have to be complied with ("A AND B"); two or more."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return _joined(" AND ", self.parts)


@dataclass(frozen=True, slots=True)
class Either:
    """One of these has to be complied with, whichever one likes ("A OR B"); two or more."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return _joined(" OR ", self.parts)


Expression: TypeAlias = Term | Every | Either


def _joined(operator: str, parts: Iterable[Expression]) -> str:
    return operator.join(str(part) if isinstance(part, Term) else f"({part})" for part in parts)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a text is no expression, to be read after "which": 'names "Foo", which the SPDX License List 3.29 does not have'."""

    reason: str


@lru_cache(maxsize=REMEMBERED)
def read_expression(text: str) -> Expression | Unreadable:
    """The expression that a text is; never raises, whatever the text."""
    if objection := _objection(text):
        return Unreadable(objection)
    try:
        return _translated(_grammar().parse(text, simple=True))
    except _library().ExpressionError:
        return Unreadable("is no SPDX license expression")
    except _UnknownIdError as error:
        return Unreadable(str(error))


def read_term(text: str) -> Term | None:
    """The one license, with its exception, that a text names; None for what names none, or several."""
    found = read_expression(text)
    return found if isinstance(found, Term) else None


def terms_of(expression: Expression) -> Iterable[Term]:
    """The licenses in an expression, from left to right."""
    if isinstance(expression, Term):
        yield expression
    else:
        for part in expression.parts:
            yield from terms_of(part)


class _UnknownIdError(ValueError):
    """An id that is none, as `Unreadable` says it."""


def _objection(text: str) -> str:
    """What shows, before it is parsed, that it is no expression: so the parser gets nothing large, deep or strange."""
    if len(text) > MAX_LENGTH:
        return f"is longer than the {MAX_LENGTH} characters that are read of an SPDX license expression"
    if not text.strip():
        return "is empty"
    if not _CHARACTERS.fullmatch(text):
        return "is no SPDX license expression"
    return _order(word.lower() for word in _WORDS.findall(text))


def _order(words: Iterable[str]) -> str:
    """What is wrong with the order of licenses, operators and parentheses; "" for nothing. The parser is lenient: it reads
    "MIT AND ISC AND", which may be the half of something, and "(MIT) ISC OR Zlib" as three alternatives."""
    depth, license_due = 0, True
    for word in words:
        opens = word != ")" and word not in _OPERATORS
        if opens != license_due:
            return "is no SPDX license expression"
        depth += (word == "(") - (word == ")")
        if depth > MAX_DEPTH:
            return f"has more than {MAX_DEPTH} parentheses inside one another"
        if depth < 0:
            break
        license_due = word == "(" or word in _OPERATORS
    return "is no SPDX license expression" if license_due or depth else ""


@cache
def _library() -> Any:
    import license_expression  # type: ignore[import-untyped]  # noqa: PLC0415 - 20 ms, which only judging licenses shall cost

    return license_expression


@cache
def _grammar() -> Any:
    return _library().Licensing()


def _translated(node: Any) -> Expression:
    """The library's tree as ours."""
    if isinstance(node, _library().LicenseSymbol):
        return _license(node.key)
    if isinstance(node, _library().LicenseWithExceptionSymbol):
        term, exception = _license(node.license_symbol.key), _exception(node.exception_symbol.key)
        if term.exception:
            message = f'adds the exception "{exception}" to {term.license}, which has one already'
            raise _UnknownIdError(message)
        return Term(term.license, exception)
    parts = tuple(_translated(argument) for argument in node.args)
    return Every(parts) if node.operator.strip() == "AND" else Either(parts)


def _license(text: str) -> Term:
    folded = text.casefold()
    if found := _successors().get(folded):
        return found
    if listed := LICENSES.get(folded):
        return Term(listed)
    if reference := _reference(_REFERENCE, text, "LicenseRef-"):
        return Term(reference)
    if folded.endswith(PLUS) and not folded.endswith(PLUS * 2) and folded.removesuffix(PLUS) in LICENSES:
        return _or_later(_license(folded.removesuffix(PLUS)))
    message = f'names "{text[:80]}", which the SPDX License List {LIST_VERSION} does not have'
    raise _UnknownIdError(message)


def _exception(text: str) -> str:
    if listed := EXCEPTIONS.get(text.casefold()):
        return EXCEPTION_SUCCESSORS.get(listed, listed)
    if reference := _reference(_ADDITION, text, "AdditionRef-"):
        return reference
    message = f'names the exception "{text[:80]}", which the SPDX License List {LIST_VERSION} does not have'
    raise _UnknownIdError(message)


def _reference(pattern: re.Pattern[str], text: str, prefix: str) -> str:
    """A reference to a license that a document defines itself, its fixed parts as the specification spells them; "" for what is none."""
    match = pattern.fullmatch(text)
    if match is None:
        return ""
    document = f"DocumentRef-{match[1][len('DocumentRef-') :]}" if match[1] else ""
    return f"{document}{prefix}{match[2][len(prefix) :]}"


def _or_later(term: Term) -> Term:
    """A license with "+" behind it."""
    gnu = LICENSES.get(f"{term.named}{OR_LATER}".casefold())
    return Term(gnu or f"{term.license}{PLUS}", term.exception)


@cache
def _successors() -> dict[str, Term]:
    found = {}
    for deprecated, successor in SUCCESSORS.items():
        license_, _, exception = successor.partition(" WITH ")
        found[deprecated.casefold()] = Term(license_, exception)
    return found
