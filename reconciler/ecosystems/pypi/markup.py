"""The links of a simple page in HTML, in one pass over the text.

https://packaging.python.org/en/latest/specifications/simple-repository-api/#base-html-api

Read here and not by the library, since every HTML reader of pypi-simple stands on `html.parser` or collects the text of nested
anchors again and again: 24 KB of unfinished tags cost ten seconds with Python 3.11, and the time grows with the square of the
size. Here every quantifier is possessive and each character is consumed once; a tag that does not end is an error, so nothing
is scanned twice. As in HTML 5, an anchor ends where the next one begins, and of two attributes with one name the first counts.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_OPENING: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<raw>script|style)(?=[\s/>]).*?(?:</(?P=raw)(?=[\s/>])|\Z)|<(?P<tag>/?(?:a|base|meta))(?=[\s/>])",
    re.IGNORECASE | re.DOTALL,
)
_VALUE: Final = r"""\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>]++))"""
_ATTRIBUTE: Final = re.compile(rf"""([^\s"'<>/=]++)(?:{_VALUE})?+""")
_REST_OF_TAG: Final = re.compile(rf"""((?:[\s/]++|[^\s"'<>/=]++(?:{_VALUE})?+)*+)>""")
_INNER_TAG: Final = re.compile(r"<[^<>]*+>")


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """A link: the text that it shows, and its attributes by name in lower case."""

    text: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Markup:
    """What a simple page says: `<meta name= content=>`, the first `<base href=>` ("" if there is none), the links in order."""

    meta: Mapping[str, str]
    base: str
    anchors: tuple[Anchor, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tag:
    name: str
    attributes: Mapping[str, str]
    start: int
    end: int


def read_markup(text: str) -> Markup:
    """Reads a page. ValueError for one that cannot be read: a tag that does not end, a character reference beyond all bounds."""
    tags = tuple(_tags(text))
    meta: dict[str, str] = {}
    for tag in tags:
        if tag.name == "meta" and {"name", "content"} <= tag.attributes.keys():
            meta.setdefault(tag.attributes["name"].lower(), tag.attributes["content"])
    base = next((tag.attributes["href"] for tag in tags if tag.name == "base" and "href" in tag.attributes), "")
    return Markup(meta=meta, base=base, anchors=tuple(_anchors(text, tags)))


def _anchors(text: str, tags: tuple[_Tag, ...]) -> Iterator[Anchor]:
    edges = [tag for tag in tags if tag.name in {"a", "/a"}]
    ends = [*(tag.start for tag in edges[1:]), len(text)]
    for tag, end in zip(edges, ends, strict=False):
        if tag.name == "a" and "href" in tag.attributes:
            shown = html.unescape(_INNER_TAG.sub("", text[tag.end : end]))
            yield Anchor(text=shown.strip(), attributes=tag.attributes)


def _tags(text: str) -> Iterator[_Tag]:
    position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        position = opening.end()
        if opening["tag"] is None:
            continue
        rest = _REST_OF_TAG.match(text, position)
        if rest is None:
            message = f"a tag that does not end: {text[opening.start() : opening.start() + 60]!r}"
            raise ValueError(message)
        position = rest.end()
        yield _Tag(name=opening["tag"].lower(), attributes=_attributes(rest[1]), start=opening.start(), end=position)


def _attributes(text: str) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(text):
        attributes.setdefault(name.lower(), html.unescape("".join(values)))
    return attributes
