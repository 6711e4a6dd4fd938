"""The texts of the declaration as types: what each may look like, in words, as a check, and as JSON Schema.

YAML gives every scalar as text (`strict_yaml.py`), so each type here takes a text and gives the checked value. The words are
what a problem says after "expected". The JSON Schemas are for editors, which read YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema)
and so see a number where we see its digits: they accept both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Annotated, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import WithJsonSchema

from reconciler.declare.paths import is_device
from reconciler.declare.ssh_keys import ANY_KEY, KEY_TYPES, NoKey, PublicKey, public_key
from reconciler.model.declared import FEED_SCHEME, Aliens, Closure, Limit, Usage, WithdrawalAction
from reconciler.model.permissions import TASKS, Task
from reconciler.model.text import DIGITS, among, one_or_more, refuse, texts
from reconciler.model.words import FeedName, Sha256

MAX_SIZE: Final = 2**53
"""The largest number that every JSON reader keeps exactly (RFC 8259, section 6)."""
MAX_FILE_NAME_BYTES: Final = 255
MAX_SHARE: Final = 100
RESERVED_FEEDS: Final = frozenset({"ui", "api", "healthz", "metrics"})
RESERVED_USERS: Final = frozenset({"everyone", "anonymous"})
SCALAR: Final = ["string", "number", "boolean"]
TARGET_SCHEMA: Final = {"type": ["string", "number"], "minLength": 1}
ACCOUNT: Final = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[1-9][0-9]*$"}]}

DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
CONTENT_HASH: Final = re.compile(r"[A-Za-z0-9+/]{86}==")
SHARE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%")
FEED_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
EMAIL: Final = re.compile(r"[^\s@<>]{1,128}@[^\s@<>]{1,255}")
KEY_SCHEMA: Final[Mapping[str, str]] = {
    "type": "string",
    "pattern": rf"^\s*({'|'.join(type_.replace('.', '[.]') for type_ in KEY_TYPES)})\s+AAAA[A-Za-z0-9+/]+={{0,2}}(\s|$)",
}


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda text: text if pattern.fullmatch(text) else None


def _schema(pattern: re.Pattern[str], types: object = "string") -> WithJsonSchema:
    return WithJsonSchema({"type": types, "pattern": f"^(?:{pattern.pattern})$"})


def _number(text: str) -> int | None:
    return int(text) if DIGITS.fullmatch(text) and int(text) <= MAX_SIZE else None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if DATE.fullmatch(text) else None
    except ValueError:
        return None


def _file_name(text: str) -> str | None:
    if not text or text.startswith(".") or len(text.encode()) > MAX_FILE_NAME_BYTES:
        return None
    return None if any(c in "/\\" or not c.isprintable() for c in text) else text


def _limit(text: str) -> Limit | None:
    if DIGITS.fullmatch(text):
        return Limit(count=int(text))
    if (match := SHARE.fullmatch(text)) and 0 < (percent := Fraction(match[1])) <= MAX_SHARE:
        return Limit(share=percent / 100)
    return None


def _feed_name(text: str) -> FeedName | None:
    if not FEED_NAME.fullmatch(text) or text in RESERVED_FEEDS or is_device(text):
        return None
    return FeedName(text)


def _by(text: str) -> str | None:
    return text if NAME.fullmatch(text) else _email(text)


def _email(text: str) -> str | None:
    return text.casefold() if EMAIL.fullmatch(text) else None


def _group_member(text: str) -> str | None:
    return text if NAME.fullmatch(text.removeprefix("@")) else None


def _filter(text: str) -> str | None:
    return text if text.removeprefix("!").strip() else None


def _without_credentials(text: str) -> bool:
    """Whether it is an http(s) address of a server and a path, and nothing else."""
    try:
        parts = urlsplit(text)
        port_readable = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return port_readable and bool(parts.hostname) and "@" not in parts.netloc and not set("?#\\").intersection(text) and text.isprintable()


def _public_url(text: str) -> str | None:
    address = text.startswith(("http://", "https://")) and " " not in text and _without_credentials(text)
    return text.rstrip("/") if address else None


def _upstream(text: str) -> str | None:
    if text != text.strip() or not text or not text.isprintable():
        return None
    if text.startswith(FEED_SCHEME):
        return text if FEED_NAME.fullmatch(text.removeprefix(FEED_SCHEME)) else None
    if "://" not in text:
        return text
    return text if text.startswith(("http://", "https://")) and " " not in text and _without_credentials(text) else None


def _source(text: str) -> str | None:
    return None if text.startswith(FEED_SCHEME) else _upstream(text)


def _usage(text: str) -> Usage | None:
    if text == "private":
        refuse("proxy or approved (private feeds are not supported in this version)")
    return among(SUPPORTED_USAGES)(text)


def _key(text: str) -> PublicKey:
    key = public_key(text)
    if isinstance(key, NoKey):
        refuse(key.expected, found=key.found)
    return key


SUPPORTED_USAGES: Final[tuple[Usage, ...]] = ("proxy", "approved")
ALIENS: Final[tuple[Aliens, ...]] = ("report", "quarantine")
CLOSURES: Final[tuple[Closure, ...]] = ("require", "warn", "off")
ACTIONS: Final[tuple[WithdrawalAction, ...]] = ("unlist", "quarantine")

Text: TypeAlias = Annotated[
    str, *texts("a text that is not empty", lambda t: t if t.strip() else None), WithJsonSchema({"type": SCALAR, "minLength": 1})
]
"""One line or several, kept as it stands."""
OneLine: TypeAlias = Annotated[
    str,
    *texts("one line of text", lambda t: t if t.strip() and "\n" not in t else None),
    WithJsonSchema({"type": SCALAR, "minLength": 1}),
]
Size: TypeAlias = Annotated[
    int,
    *texts(f"a number of bytes, at most {MAX_SIZE}", _number),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0, "maximum": MAX_SIZE}, {"type": "string", "pattern": "^(0|[1-9][0-9]*)$"}]}),
]
GithubId: TypeAlias = Annotated[int, *texts("the number of a GitHub account", lambda t: _number(t) or None), WithJsonSchema(ACCOUNT)]
GitlabId: TypeAlias = Annotated[int, *texts("the number of a GitLab account", lambda t: _number(t) or None), WithJsonSchema(ACCOUNT)]
Key: TypeAlias = Annotated[PublicKey, *texts(ANY_KEY, _key), WithJsonSchema(dict(KEY_SCHEMA))]
Day: TypeAlias = Annotated[
    date, *texts("a date as in 2027-11-22", _date), WithJsonSchema({"type": "string", "format": "date", "pattern": f"^{DATE.pattern}$"})
]
Digest: TypeAlias = Annotated[
    Sha256,
    *texts("64 hexadecimal digits (SHA-256)", lambda t: Sha256(t.lower()) if SHA256.fullmatch(t) else None),
    _schema(SHA256),
]
ContentHash: TypeAlias = Annotated[
    str, *texts("88 characters of base64 (SHA-512 of the archive without its signature)", _matching(CONTENT_HASH)), _schema(CONTENT_HASH)
]
FileName: TypeAlias = Annotated[
    str,
    *texts("a file name: no '/' or '\\', no leading dot, no hidden characters, at most 255 bytes", _file_name),
    WithJsonSchema({"type": "string", "pattern": r"^[^./\\][^/\\]*$", "maxLength": MAX_FILE_NAME_BYTES}),
]
NewFeedName: TypeAlias = Annotated[
    FeedName,
    *texts("a feed name: a-z, 0-9 and '-', not ui, api, healthz, metrics or a device name of Windows", _feed_name),
    _schema(FEED_NAME, ["string", "integer"]),
]
FeedReference: TypeAlias = Annotated[
    FeedName,
    *texts("the name of a feed", lambda t: FeedName(t) if FEED_NAME.fullmatch(t) else None),
    _schema(FEED_NAME, ["string", "integer"]),
]
PrincipalName: TypeAlias = Annotated[
    str,
    *texts(
        "a name of A-Z, a-z, 0-9, '.', '_', '-', not everyone or anonymous", lambda t: None if t in RESERVED_USERS else _matching(NAME)(t)
    ),
    _schema(NAME, ["string", "integer"]),
]
PrincipalReference: TypeAlias = Annotated[str, *texts("the name of a user or group", _matching(NAME)), _schema(NAME, ["string", "integer"])]
GroupMember: TypeAlias = Annotated[
    str,
    *texts('the id of a user, or the name of a group as in "@developers"', _group_member),
    _schema(re.compile(f"@?{NAME.pattern}"), ["string", "integer"]),
]
By: TypeAlias = Annotated[
    str, *texts("the id of a user or an e-mail address", _by), WithJsonSchema({"type": ["string", "integer"], "minLength": 1})
]
Email: TypeAlias = Annotated[str, *texts("an e-mail address", _email), WithJsonSchema({"type": "string", "pattern": "^[^@]+@[^@]+$"})]
Filter: TypeAlias = Annotated[
    str,
    *texts("a pattern as in Newtonsoft.* or !Rubbishsoft.*", _filter),
    WithJsonSchema({"type": ["string", "integer"], "minLength": 1}),
]
Upstream: TypeAlias = Annotated[
    str,
    *texts("a well-known name, a folder, feed:<name>, or an http(s) address without user name, password, '?' and '#'", _upstream),
    WithJsonSchema({"type": "string", "minLength": 1}),
]
AdvisorySource: TypeAlias = Annotated[
    str,
    *texts("osv.dev, a folder, or an http(s) address without user name, password, '?' and '#'", _source),
    WithJsonSchema({"type": "string", "minLength": 1}),
]
PublicUrl: TypeAlias = Annotated[
    str,
    *texts("an http(s) address without user name, password, '?' and '#'", _public_url),
    WithJsonSchema({"type": "string", "pattern": "^https?://[^@?#]+$"}),
]
Bound: TypeAlias = Annotated[
    Limit,
    *texts('a count, or a share as in "10%" (more than 0%, at most 100%)', _limit),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^([0-9]+|[0-9]{1,3}(\.[0-9]{1,3})?%)$"}]}),
]
TaskName: TypeAlias = Annotated[Task, *texts(f"one of: {', '.join(TASKS)}", among(TASKS)), WithJsonSchema({"enum": list(TASKS)})]
FeedUsage: TypeAlias = Annotated[Usage, *texts("proxy or approved", _usage), WithJsonSchema({"enum": list(SUPPORTED_USAGES)})]
AliensOption: TypeAlias = Annotated[Aliens, *texts("report or quarantine", among(ALIENS)), WithJsonSchema({"enum": list(ALIENS)})]
ClosureOption: TypeAlias = Annotated[Closure, *texts("require, warn or off", among(CLOSURES)), WithJsonSchema({"enum": list(CLOSURES)})]
Targets: TypeAlias = Annotated[
    list[OneLine],
    *one_or_more("a target, or a list of targets", TARGET_SCHEMA),
]
Action: TypeAlias = Annotated[WithdrawalAction, *texts("unlist or quarantine", among(ACTIONS)), WithJsonSchema({"enum": list(ACTIONS)})]
