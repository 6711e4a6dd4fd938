"""Rows of JSON as a table for spreadsheets: CSV as RFC 4180 has it (https://www.rfc-editor.org/rfc/rfc4180).

One header row, columns in the order of the JSON, CRLF at the end of each row. It is for people who filter and sort; JSON is for programs,
and has every text as it is. Here texts are made inert (one line, nothing invisible, cut after LONGEST characters) and, since a spreadsheet
runs a cell that begins like a formula, such a beginning gets an apostrophe before it: = + - @, tab, carriage return, and the full-width
forms (https://owasp.org/www-community/attacks/CSV_Injection). So does one behind a semicolon, where some locales begin a new cell.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel

from reconciler.show.contract import FileRow
from reconciler.show.inert import inert
from reconciler.show.people import person_text
from reconciler.show.rows import PersonRow

LONGEST: Final = 4000
"""A cell of the usual spreadsheets ends at 32,767 characters; one of these has up to six, where it is escaped."""
FORMULA: Final = re.compile(r"""(^|;)(['"\s]*)(?=[-=+@\t\r\uff0d\uff1d\uff0b\uff20])""")


def csv_table(kind: type[BaseModel], rows: Iterable[BaseModel]) -> str:
    """The rows, all of one kind, with a header row."""
    out = io.StringIO()
    writer = csv.writer(out)
    names = {name: field.alias or name for name, field in kind.model_fields.items()}
    writer.writerow(names.values())
    writer.writerows([cell(getattr(row, name)) for name in names] for row in rows)
    return out.getvalue()


def cell(value: Any) -> str:
    """A value as one harmless cell."""
    return FORMULA.sub(r"\1\2'", _text(value))


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        case PersonRow():
            return _part(person_text(value.named()))
        case FileRow():
            return _part(f"{inert(value.name)} sha256:{value.sha256}")
        case Sequence() if not isinstance(value, str):
            return "; ".join(map(_text, value))
        case _:
            return inert(str(value), longest=LONGEST)


def _part(text: str) -> str:
    """One of several in a cell: no name can pass for two."""
    return text.replace(";", "\\x3b")
