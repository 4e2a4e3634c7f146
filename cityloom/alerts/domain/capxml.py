"""CAP 1.2 as XML: written from an approved document, read from anyone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree

from cityloom.alerts.domain import document as documents
from cityloom.alerts.domain import structure
from cityloom.alerts.domain.cap import NAMESPACE, CapAlert, CapArea, CapInfo
from cityloom.alerts.domain.document import Document
from cityloom.alerts.domain.findings import check_no_errors
from cityloom.kernel import canonical
from cityloom.kernel.refused import Refused

MAX_BYTES = 256 * 1024
_IN = f"{{{NAMESPACE}}}"


def build_xml(document: Mapping[str, Any]) -> bytes:
    """The alert as it leaves: the same document always gives the same bytes.

    Raises: Refused `alerts.document_malformed`; `alerts.too_large` over 256 KiB.
    """
    checked = documents.read(document)
    alert = etree.Element(_IN + "alert", nsmap={None: NAMESPACE})
    for name, text in _head(checked):
        _add(alert, name, text)
    digest = canonical.digest(document)
    for language in checked.languages:
        _add_info(alert, checked, language, digest)
    data = etree.tostring(alert, xml_declaration=True, encoding="UTF-8")
    _check_size(data)
    return data


def read_tree(data: bytes) -> etree._Element:
    """The root element of untrusted bytes: no document type, no entities, no network, at most 256 KiB.

    Raises: Refused `alerts.empty`, `alerts.too_large`, `alerts.doctype`, `alerts.not_xml`.
    """
    _check_size(data)
    if not data.strip():
        raise Refused("alerts.empty", "The alert is empty; send a CAP 1.2 message.")
    if b"<!DOCTYPE" in data:
        raise _doctype()
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Refused("alerts.not_xml", "The alert is not well-formed XML; send a CAP 1.2 message.") from error
    if root.getroottree().docinfo.doctype:  # an encoding that hid it from the search above
        raise _doctype()
    return root


def parse(data: bytes) -> CapAlert:
    """The alert in untrusted bytes.

    Raises: Refused as `read_tree` does, and the first error of `structure.validate_structure`.
    """
    root = read_tree(data)
    check_no_errors(structure.validate_structure(root))
    return alert_of(root)


def alert_of(root: etree._Element) -> CapAlert:
    """The values of a tree whose structure is valid."""
    return CapAlert(
        identifier=_text(root, "identifier"), sender=_text(root, "sender"), sent=_text(root, "sent"),
        status=_text(root, "status"), message_type=_text(root, "msgType"), scope=_text(root, "scope"),
        note=_text(root, "note"), references=tuple(_text(root, "references").split()),
        incidents=tuple(_text(root, "incidents").split()),
        infos=tuple(_info_of(node) for node in root.iterchildren(_IN + "info")),
    )  # fmt: skip


def _info_of(node: etree._Element) -> CapInfo:
    return CapInfo(
        language=_text(node, "language") or "en-US",  # the schema's default
        categories=_texts(node, "category"), event=_text(node, "event"), responses=_texts(node, "responseType"),
        urgency=_text(node, "urgency"), severity=_text(node, "severity"), certainty=_text(node, "certainty"),
        expires=_text(node, "expires"), headline=_text(node, "headline"), description=_text(node, "description"),
        instruction=_text(node, "instruction"), parameters=_pairs(node, "parameter"),
        areas=tuple(_area_of(area) for area in node.iterchildren(_IN + "area")),
    )  # fmt: skip


def _area_of(node: etree._Element) -> CapArea:
    return CapArea(
        words=_text(node, "areaDesc"), polygons=_texts(node, "polygon"), circles=_texts(node, "circle"),
        geocodes=_pairs(node, "geocode"),
    )  # fmt: skip


def _head(document: Document) -> list[tuple[str, str]]:
    head = [
        ("identifier", document.identifier), ("sender", document.sender), ("sent", document.sent),
        ("status", document.status), ("msgType", document.message_type), ("scope", "Public"),
        ("note", documents.note_of(document)), ("references", " ".join(document.references)),
        ("incidents", document.incident),
    ]  # fmt: skip
    return [(name, text) for name, text in head if text]


def _add_info(alert: etree._Element, document: Document, language: str, digest: str) -> None:
    words, info = document.info[language], etree.SubElement(alert, _IN + "info")
    for name, text in (
        ("language", language), ("category", document.category), ("event", words.event),
        ("responseType", document.response), ("urgency", document.urgency), ("severity", document.severity),
        ("certainty", document.certainty), ("expires", document.expires), ("headline", words.headline),
        ("description", words.description), ("instruction", words.instruction),
    ):  # fmt: skip
        _add(info, name, text)
    parameter = etree.SubElement(info, _IN + "parameter")
    _add(parameter, "valueName", documents.DIGEST_PARAMETER)
    _add(parameter, "value", digest)
    area = etree.SubElement(info, _IN + "area")
    _add(area, "areaDesc", words.area)
    for polygon in document.polygons:
        _add(area, "polygon", polygon)


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, _IN + name).text = text


def _text(node: etree._Element, name: str) -> str:
    return node.findtext(_IN + name) or ""


def _texts(node: etree._Element, name: str) -> tuple[str, ...]:
    return tuple(child.text or "" for child in node.iterchildren(_IN + name))


def _pairs(node: etree._Element, name: str) -> tuple[tuple[str, str], ...]:
    return tuple((_text(child, "valueName"), _text(child, "value")) for child in node.iterchildren(_IN + name))


def _check_size(data: bytes) -> None:
    if len(data) > MAX_BYTES:
        raise Refused(
            "alerts.too_large", "The alert has {value} bytes, more than the {limit} that channels take; shorten it.",
            value=len(data), limit=MAX_BYTES,
        )  # fmt: skip


def _doctype() -> Refused:
    return Refused(
        "alerts.doctype",
        "The alert declares a document type or entities, which a CAP message never needs and which can be used to "
        "read files of this machine. It was not read; send it without the DOCTYPE.",
    )
