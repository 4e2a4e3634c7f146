"""Categories of a case type as the services of Open311, and its form as their attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cityloom.cases.domain.casetypes.casetype import CaseType, Category, Field, Titles
from cityloom.cases.domain.georeport.writing import Listed
from cityloom.kernel.refused import Refused

WORDS, WHERE, CONTACT, PICTURE = "words", "where", "contact", "picture"
"""Fields that are parameters of their own in Open311: `description`, `address_string`, the reporter's, `media_url`."""
OWN_PARAMETERS = frozenset({WORDS, WHERE, CONTACT, PICTURE})
_DATATYPES = {
    "text": "string", "long-text": "text", "integer": "number", "number": "number", "boolean": "singlevaluelist",
    "date": "datetime", "datetime": "datetime", "choice": "singlevaluelist", "choices": "multivaluelist",
}  # fmt: skip
_TRUTH = (("true", {"en": "Yes", "zh-hans": "是"}), ("false", {"en": "No", "zh-hans": "否"}))


def said(titles: Titles | None, language: str) -> str:
    """Words in a language, in English where they are not there."""
    return titles.get(language, titles["en"]) if titles else ""


def services_of(casetype: CaseType, language: str) -> Listed:
    """The list of services. Source: GeoReport v2, "GET Service List"."""
    return Listed("service", [_service(casetype, each, language) for each in casetype.categories.values()])


def category_of(casetype: CaseType, code: str) -> Category:
    """The category that a service code names.

    Raises: Refused `cases.no_service`.
    """
    found = casetype.categories.get(code)
    if found is None:
        raise Refused("cases.no_service", "There is no service with the code {value}; the list of services names all.",
                      value=code[:60] or "–")  # fmt: skip
    return found


def definition_of(casetype: CaseType, code: str, language: str) -> Mapping[str, Any]:
    """The attributes of a service. Source: GeoReport v2, "GET Service Definition".

    Raises: Refused `cases.no_service`.
    """
    category_of(casetype, code)
    asked = attributes_of(casetype, code)
    entries = [_attribute(each, order, language) for order, each in enumerate(asked, 1)]
    return {"service_code": code, "attributes": Listed("attribute", entries)}


def attributes_of(casetype: CaseType, code: str) -> Sequence[Field]:
    """The fields that a service asks for besides what Open311 has parameters for."""
    return [each for each in casetype.fields_for(code) if each.name not in OWN_PARAMETERS]


def _service(casetype: CaseType, category: Category, language: str) -> Mapping[str, Any]:
    return {
        "service_code": category.name, "service_name": said(category.title, language),
        "description": said(category.about or category.title, language),
        "metadata": bool(attributes_of(casetype, category.name)), "type": "realtime",
        "keywords": ",".join(category.keywords), "group": category.group,
    }  # fmt: skip


def _attribute(asked: Field, order: int, language: str) -> Mapping[str, Any]:
    entry: dict[str, Any] = {
        "variable": True, "code": asked.name, "datatype": _DATATYPES[asked.kind],
        "required": asked.is_required, "datatype_description": said(asked.help, language),
        "order": order, "description": said(asked.title, language),
    }  # fmt: skip
    values = _TRUTH if asked.kind == "boolean" else [(one.value, one.title) for one in asked.choices]
    if values:
        entry["values"] = Listed("value", [{"key": key, "name": said(title, language)} for key, title in values])
    return entry
