"""The content model of CAP 1.2, checked without the schema file.

Source: OASIS CAP-v1.2.xsd; a test holds both to the same verdict.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lxml import etree

from cityloom.alerts.domain import cap
from cityloom.alerts.domain.findings import Finding

_IN = f"{{{cap.NAMESPACE}}}"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")
_INTEGER = re.compile(r"[-+]?\d+")
_BLANK = " \t\r\n"
MANY = 1_000_000


@dataclass(frozen=True)
class Element:
    """One line of a content model: a name, how often, and what it may hold (a check of its text, or a model)."""

    name: str
    least: int
    most: int
    holds: Callable[[str], bool] | tuple[Element, ...]


def _any(text: str) -> bool:
    return True


def _one_of(words: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda text: text in words


def _time(text: str) -> bool:
    return cap.time_from(text) is not None


def _language(text: str) -> bool:
    return _LANGUAGE.fullmatch(text.strip(_BLANK)) is not None


def _integer(text: str) -> bool:
    return _INTEGER.fullmatch(text.strip(_BLANK)) is not None


def _decimal(text: str) -> bool:
    try:
        return "e" not in text.lower() and Decimal(text.strip(_BLANK)).is_finite()
    except InvalidOperation:
        return False


def _once(name: str, holds: Callable[[str], bool] = _any) -> Element:
    return Element(name, 1, 1, holds)


def _maybe(name: str, holds: Callable[[str], bool] = _any) -> Element:
    return Element(name, 0, 1, holds)


def _several(name: str, holds: Callable[[str], bool] | tuple[Element, ...] = _any, least: int = 0) -> Element:
    return Element(name, least, MANY, holds)


_PAIR = (_once("valueName"), _once("value"))
_AREA = (
    _once("areaDesc"), _several("polygon"), _several("circle"), _several("geocode", _PAIR),
    _maybe("altitude", _decimal), _maybe("ceiling", _decimal),
)  # fmt: skip
_RESOURCE = (
    _once("resourceDesc"), _once("mimeType"), _maybe("size", _integer), _maybe("uri"), _maybe("derefUri"),
    _maybe("digest"),
)  # fmt: skip
_INFO = (
    _maybe("language", _language), _several("category", _one_of(cap.CATEGORIES), least=1), _once("event"),
    _several("responseType", _one_of(cap.RESPONSES)), _once("urgency", _one_of(cap.URGENCIES)),
    _once("severity", _one_of(cap.SEVERITIES)), _once("certainty", _one_of(cap.CERTAINTIES)), _maybe("audience"),
    _several("eventCode", _PAIR), _maybe("effective", _time), _maybe("onset", _time), _maybe("expires", _time),
    _maybe("senderName"), _maybe("headline"), _maybe("description"), _maybe("instruction"), _maybe("web"),
    _maybe("contact"), _several("parameter", _PAIR), _several("resource", _RESOURCE), _several("area", _AREA),
)  # fmt: skip
_ALERT = (
    _once("identifier"), _once("sender"), _once("sent", _time), _once("status", _one_of(cap.STATUSES)),
    _once("msgType", _one_of(cap.MESSAGE_TYPES)), _maybe("source"), _once("scope", _one_of(cap.SCOPES)),
    _maybe("restriction"), _maybe("addresses"), _several("code"), _maybe("note"), _maybe("references"),
    _maybe("incidents"), _several("info", _INFO),
)  # fmt: skip


def validate_structure(root: etree._Element) -> list[Finding]:
    """Everything in a tree that the CAP 1.2 schema does not allow; empty for a valid message."""
    if root.tag != _IN + "alert":
        return [_finding("alerts.not_cap", "The root is not a CAP 1.2 alert but {value}; send CAP 1.2.", "", root.tag)]
    body = [node for node in root if not (isinstance(node.tag, str) and node.tag.startswith(_SIGNATURE))]
    findings = _check_model(root, body, _ALERT, "alert")
    if body != list(root)[: len(body)]:
        text = "A signature stands before the end of the alert; it must come last."
        findings.append(_finding("alerts.element_misplaced", text, "alert", ""))
    return findings


def _check_model(
    parent: etree._Element, children: list[etree._Element], model: tuple[Element, ...], where: str
) -> list[Finding]:
    findings = _check_bare(parent, where)
    position = 0
    for element in model:
        count = 0
        while position < len(children) and children[position].tag == _IN + element.name and count < element.most:
            findings += _check_element(children[position], element, f"{where}/{element.name}")
            position, count = position + 1, count + 1
        if count < element.least:
            text = "The alert lacks the element {value}, which CAP 1.2 requires there; add it."
            findings.append(_finding("alerts.element_missing", text, where, element.name))
    if position < len(children):
        text = "The element {value} is unknown to CAP 1.2, stands in the wrong place or too often; remove or move it."
        findings.append(_finding("alerts.element_misplaced", text, where, etree.QName(children[position]).localname))
    return findings


def _check_element(node: etree._Element, element: Element, where: str) -> list[Finding]:
    if isinstance(element.holds, tuple):
        return _check_model(node, list(node), element.holds, where)
    if len(node):
        text = "The element {value} holds other elements, where CAP 1.2 has text only."
        return [*_check_attributes(node, where), _finding("alerts.element_misplaced", text, where, element.name)]
    if not element.holds(node.text or ""):
        text = "{value} is not a value that CAP 1.2 allows in this element; correct it."
        return [*_check_attributes(node, where), _finding("alerts.value_unknown", text, where, (node.text or "")[:60])]
    return _check_attributes(node, where)


def _check_bare(node: etree._Element, where: str) -> list[Finding]:
    findings = _check_attributes(node, where)
    if any(text and text.strip(_BLANK) for text in (node.text, *(child.tail for child in node))):
        text = "There is text between the elements of {value}, where CAP 1.2 has none; remove it."
        findings.append(_finding("alerts.text_misplaced", text, where, where))
    return findings


def _check_attributes(node: etree._Element, where: str) -> list[Finding]:
    text = "The attribute {value} is unknown to CAP 1.2; remove it."
    names = [str(name) for name in node.attrib if not str(name).startswith(_XSI)]
    return [_finding("alerts.attribute_unknown", text, where, name) for name in names]


def _finding(code: str, template: str, where: str, value: object) -> Finding:
    return Finding(code, "error", template, where=where, value=value)
