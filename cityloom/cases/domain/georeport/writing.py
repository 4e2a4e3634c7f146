"""Answers of Open311 as XML and as JSON: the same plain document either way, and numbers that are names stay texts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

XML, JSON = "xml", "json"
TYPES = {XML: "text/xml; charset=utf-8", JSON: "application/json; charset=utf-8"}
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Listed:
    """Several of one kind: in XML elements called `item`, in JSON an array without that name."""

    item: str
    entries: Sequence[Any]


def written(root: str, content: Listed | Mapping[str, Any], form: str) -> bytes:
    """A document in one of the two forms, in UTF-8; XML with its declaration.

    Source: GeoReport v2, "Format support", and the Spark convention for JSON: lists lose the element around them.
    """
    if form == JSON:
        return json.dumps(_plain(content), ensure_ascii=False, separators=(",", ":")).encode()
    element = etree.Element(root)
    _fill(element, content)
    return etree.tostring(element, xml_declaration=True, encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, Listed):
        return [_plain(each) for each in value.entries]
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _fill(element: etree._Element, value: Any) -> None:
    if isinstance(value, Listed):
        for each in value.entries:
            _fill(etree.SubElement(element, value.item), each)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            _fill(etree.SubElement(element, name), each)
    elif value is not None:
        element.text = _said(value)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _NOT_IN_XML.sub("", str(value))
