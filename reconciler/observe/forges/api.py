"""Asking a forge's REST API: documents and paged lists, in the shapes that the forge documents, bounded in number.

Whatever is not the answer itself is an error and never "nothing": a 404 too, as forges give it to who may not see a project. An answer
that comes from elsewhere, by a redirect, is none, since it is about another project (one that was renamed, and whose name may be
somebody else's soon).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, NoReturn, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, WrapValidator
from pydantic_core.core_schema import ValidatorFunctionWrapHandler

from reconciler.errors import Malformed, NotThere, Unreachable
from reconciler.model.declared import APPROVALS_FOLDER, FEEDS_FILE, POLICIES_FOLDER, Forge
from reconciler.model.evidence import Account, Moment
from reconciler.model.packages import Document
from reconciler.model.words import BlobId, CommitId
from reconciler.wire import Wire, without_credentials

PAGE: Final = 100
"""Rows that are asked for at once: the most that GitHub and GitLab give."""
MAX_PAGES: Final = 30
MAX_PATH: Final = 4096
"""Characters of a path."""
MAX_REASON: Final = 500
"""Characters of a forge's own words."""

_OBJECT: Final = "^([0-9a-f]{40}|[0-9a-f]{64})$"
_GHOST: Final = "ghost"
"""Who stands for deleted accounts, at GitHub and GitLab."""
_T = TypeVar("_T")
_Row_co = TypeVar("_Row_co", covariant=True)

ForgeCommit: TypeAlias = Annotated[CommitId, StringConstraints(pattern=_OBJECT)]
ForgeBlob: TypeAlias = Annotated[BlobId, StringConstraints(pattern=_OBJECT)]
Number: TypeAlias = Annotated[int, Field(gt=0, lt=2**63)]
Login: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Link: TypeAlias = Annotated[str, StringConstraints(max_length=2000)]


def _or_none(value: Any, parse: ValidatorFunctionWrapHandler) -> Any:
    try:
        return parse(value)
    except ValidationError:
        return None


ClaimedTime: TypeAlias = Annotated[Moment | None, Field(strict=False), WrapValidator(_or_none)]
"""A date of a commit, None for what is none: whoever makes a commit writes there what he likes."""


class Shape(BaseModel):
    """A part of an answer; what it says besides is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows(Generic[_Row_co]):
    """A list; `whole` is False where the forge has more than MAX_PAGES of it."""

    rows: tuple[_Row_co, ...]
    whole: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Denied:
    """The forge's own words for why it made nothing of a document."""

    reason: str


class Api:
    """A project's part of a REST API, at `base` below the declared address."""

    def __init__(self, forge: Forge, wire: Wire, *, base: str, accept: str) -> None:
        self.project: Final = forge.project
        self._address = without_credentials(forge.url.rstrip("/"))
        self._base = base
        self._accept = accept
        self._wire = wire

    def one(self, path: str, shape: type[_T]) -> _T:
        """A document; of the project itself at ""."""
        return self._read(self._ask(path), shape)

    def rows(self, path: str, shape: type[_T], *, query: str = "") -> Rows[_T]:
        """A list, page by page, up to one that is not full."""
        found: list[_T] = []
        for page in range(1, MAX_PAGES + 1):
            document = self._ask(f"{path}?{query}per_page={PAGE}&page={page}")
            new = self._read(document, tuple[shape, ...])  # type: ignore[valid-type]  # made at run time, for pydantic
            if len(new) > PAGE:
                message = f"{document.shown} answers with {len(new)} rows where {PAGE} were asked for"
                raise Malformed(message)
            found += new
            if len(new) < PAGE:
                return Rows(rows=tuple(found), whole=True)
        return Rows(rows=tuple(found), whole=False)

    @property
    def may_write(self) -> bool:
        """Whether there is a token for it; what the token may do, only the forge knows."""
        return self._wire.may_log_in(self._address)

    def make(self, path: str, document: Mapping[str, Any], shape: type[_T]) -> _T | Denied:
        """What the forge made of a document, or why it did not."""
        url = self._url(path)
        try:
            reply = self._wire.post(url, json.dumps(document).encode(), accept=self._accept, upstream=self._address)
        except NotThere as error:  # what forges say to who may not write, too
            raise Unreachable(str(error), remedy="Check the project, and that the token may open pull requests there.") from error
        answer = Document(url=url, content_type="application/json", body=reply.body)
        return Denied(reason=_reason(reply.body)) if reply.denied else self._read(answer, shape)

    def refuse(self, what: str) -> NoReturn:
        """Malformed for answers that cannot all be true."""
        message = f"{self._address} contradicts itself about {self.project}: {what}"
        raise Malformed(message)

    def _url(self, path: str) -> str:
        return without_credentials("/".join(part for part in (self._address, self._base, path) if part))

    def _ask(self, path: str) -> Document:
        url = self._url(path)
        try:
            document = self._wire.get(url, accept=self._accept, upstream=self._address)
        except NotThere as error:
            remedy = "Check the project in policies/forge.yaml, that its token may read it, and that the commit is pushed."
            raise Unreachable(str(error), remedy=remedy) from error
        if document.url != url:
            message = f"{url.partition('?')[0]} answers from elsewhere, {document.shown}"
            raise Unreachable(message, remedy="If the project was renamed or moved, correct policies/forge.yaml.")
        return document

    @staticmethod
    def _read(document: Document, shape: type[_T]) -> _T:
        try:
            return TypeAdapter(shape).validate_json(document.body)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            message = f"{document.shown} answers otherwise than documented: {f'{where}: ' if where else ''}{first['msg'][:200]}"
            raise Malformed(message) from error


def _reason(body: bytes) -> str:
    """The `message` and the `errors` of an answer (GitHub's and GitLab's), whatever shape they have, cut off."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return "it does not say why"
    parts = [told.get("message"), told.get("errors"), told.get("error")] if isinstance(told, dict) else [told]
    return "; ".join(part if isinstance(part, str) else json.dumps(part) for part in parts if part)[:MAX_REASON] or "it does not say why"


def somebody(account: Account | None) -> Account | None:
    """The account, None for those that were deleted."""
    return account if account is not None and account.login.casefold() != _GHOST else None


def each_once(accounts: Iterable[Account | None]) -> tuple[Account, ...]:
    """By number, without those that were deleted; of an account that changed its login, the last one that is named."""
    known = {account.id: account for account in map(somebody, accounts) if account is not None}
    return tuple(known[number] for number in sorted(known))


def addresses(claimed: Iterable[str | None]) -> tuple[str, ...]:
    """E-mail addresses that commits claim, folded, each once."""
    return tuple(sorted({one.casefold() for one in claimed if one}))


def is_declared(path: str) -> bool:
    """Whether a path is part of the declaration."""
    return path == FEEDS_FILE or path.startswith((f"{POLICIES_FOLDER}/", f"{APPROVALS_FOLDER}/"))


NoneIfEmpty: Final = BeforeValidator(lambda value: value or None)
"""GitHub writes {} where there is no account."""
