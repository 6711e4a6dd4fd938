"""JSON from outside, no laxer than RFC 8259 (https://www.rfc-editor.org/rfc/rfc8259): pages of a feed repeat parts of it.

Python reads NaN and infinity, which JavaScript does not; and a depth that this interpreter cannot follow is an error like others.
"""

from __future__ import annotations

import json
import math

from reconciler.model.words import Json


def parse_json(data: bytes) -> Json:
    """The value in UTF-8 text, with or without a byte order mark. ValueError, with the reason, for what is none."""
    try:
        value: Json = json.loads(data.decode("utf-8-sig"), parse_constant=_refused, parse_float=_finite)
    except RecursionError as error:
        message = "it is nested too deeply"
        raise ValueError(message) from error
    return value


def _refused(constant: str) -> float:
    message = f"{constant[:40]} is no JSON"
    raise ValueError(message)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refused(text)
