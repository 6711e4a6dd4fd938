"""How a web server that knows no ecosystem answers for a feed: plain data, from which its configuration is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """A page that answers for a folder: of an ecosystem's indexes the first whose `accept` the request names, else the last one.

    `accept` is the media type in the request's Accept that asks for it ("" for the last one, which needs no asking).
    """

    file: str
    """Its name in the folder; the suffix (`.json`, `.html`) has this content type in the whole feed."""
    content_type: str
    accept: str = ""
    relative: bool = False
    """Whether it has relative links: an address of the folder without "/" at its end is then redirected to the one with it."""
