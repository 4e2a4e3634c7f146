"""XML from outside, read safely: no document types, entities or references, bounded in bytes, depth and elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from cityloom.kernel.refused import Refused

MOST_ELEMENTS = 100_000
_DEEPEST = 60


def root_of(data: bytes, largest: int) -> Any:
    """The root of a document.

    Raises: Refused `cases.xml_too_large`, `cases.xml_unreadable`, `cases.xml_doctype`.
    """
    if len(data) > largest:
        raise Refused("cases.xml_too_large", "A file of this kind has at most {limit} bytes; this one has {value}.",
                      value=len(data), limit=largest)  # fmt: skip
    parser = etree.XMLPullParser(events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False,
                                 huge_tree=False, remove_comments=True, remove_pis=True)  # fmt: skip
    try:
        parser.feed(data)
        root = parser.close()
    except etree.XMLSyntaxError as error:
        line = (error.position or (1, 0))[0]
        raise Refused("cases.xml_unreadable", "The file cannot be read as XML; it goes wrong at line {value}.",
                      value=line) from error  # fmt: skip
    if root.getroottree().docinfo.doctype:
        raise Refused("cases.xml_doctype", "The file has a document type, which is not read; take its DOCTYPE away.")
    _bound(parser)
    return root


def _bound(parser: Any) -> None:
    depth = count = 0
    for event, _ in parser.read_events():
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > _DEEPEST or count > MOST_ELEMENTS:
            raise Refused("cases.xml_too_large", "A file of this kind has at most {limit} elements, {value} deep.",
                          value=_DEEPEST, limit=MOST_ELEMENTS)  # fmt: skip


def name_of(element: Any) -> tuple[str, str]:
    """The name of an element without its namespace, and its namespace."""
    found = etree.QName(element)
    return found.localname, found.namespace or ""


def children(element: Any) -> Iterator[Any]:
    """The elements within, without what is no element."""
    return (child for child in element if isinstance(child.tag, str))


def shown(element: Any) -> str:
    """An element as a person finds it again: its name, its id, its line."""
    name, _ = name_of(element)
    identity = f" {element.get('id')[:60]}" if element.get("id") else ""
    return f"{name}{identity} (line {element.sourceline})"
