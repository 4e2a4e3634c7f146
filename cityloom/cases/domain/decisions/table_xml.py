"""Decision tables as DMN: XML read without entities, documents types or references, and written again.

Source: DMN 1.3 (formal/21-02-01), section 8; the table's elements are the same in 1.2, 1.4 and 1.5, which are read too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from cityloom.cases.domain import xmltext
from cityloom.cases.domain.decisions.tables import LARGEST_BYTES, Column, Table, column_of, table_of
from cityloom.kernel.refused import Detail, Refused

NAMESPACE = "https://www.omg.org/spec/DMN/20191111/MODEL/"
_READ = (NAMESPACE, "http://www.omg.org/spec/DMN/20180521/MODEL/", "https://www.omg.org/spec/DMN/20211108/MODEL/",
         "https://www.omg.org/spec/DMN/20230324/MODEL/")  # fmt: skip
_QUIET = {"description", "extensionElements", "annotation", "question", "allowedAnswers", "variable"}
_AGGREGATION = {"SUM", "MIN", "MAX", "COUNT"}


def table_of_xml(data: bytes) -> Table:
    """The one table of a DMN file.

    Raises: Refused `cases.xml_*`, `cases.table_*`.
    """
    root = xmltext.root_of(data, LARGEST_BYTES)
    name, space = xmltext.name_of(root)
    if name != "definitions" or space not in _READ:
        raise Refused("cases.table_no_dmn", "This is no DMN 1.3 file: it begins with {value}, not with definitions of "
                      "{limit}.", value=name, limit=NAMESPACE)  # fmt: skip
    decision, table = _only_table(root)
    inputs = [_input(number, element) for number, element in enumerate(_children(table, "input"), 1)]
    outputs = [_output(number, element, decision) for number, element in enumerate(_children(table, "output"), 1)]
    return table_of(
        decision.get("id", "")[:60], decision.get("name", "")[:200], table.get("hitPolicy", "UNIQUE"),
        table.get("aggregation", ""), inputs, outputs, [_row(rule) for rule in _children(table, "rule")],
    )  # fmt: skip


def _only_table(root: Any) -> tuple[Any, Any]:
    """The decision and its table; anything else that could decide is refused by name."""
    decisions = []
    for child in xmltext.children(root):
        name, _ = xmltext.name_of(child)
        if name == "decision":
            decisions.append(child)
        elif name not in _QUIET and name != "DMNDI":
            raise _unsupported(child)
    if len(decisions) != 1:
        raise Refused("cases.table_count", "A file has one decision; this one has {value}.", value=len(decisions))
    tables = _children(decisions[0], "decisionTable")
    for child in xmltext.children(decisions[0]):
        if xmltext.name_of(child)[0] not in _QUIET | {"decisionTable"}:
            raise _unsupported(child)
    if len(tables) != 1:
        raise Refused("cases.table_count", "A decision has one table; this one has {value}.", value=len(tables))
    for child in xmltext.children(tables[0]):
        if xmltext.name_of(child)[0] not in _QUIET | {"input", "output", "rule"}:
            raise _unsupported(child)
    return decisions[0], tables[0]


def _unsupported(element: Any) -> Refused:
    return Refused("cases.table_unsupported", "{value} is not used here; a file has one decision table and nothing "
                   "else that decides.", value=xmltext.shown(element))  # fmt: skip


def _children(element: Any, name: str) -> list[Any]:
    return [child for child in xmltext.children(element) if xmltext.name_of(child)[0] == name]


def _text(element: Any, *path: str) -> str:
    for name in path:
        found = _children(element, name)
        if not found:
            return ""
        element = found[0]
    return "".join(element.itertext()).strip()


def _input(number: int, element: Any) -> Column:
    expressions = _children(element, "inputExpression")
    kind = expressions[0].get("typeRef", "") if expressions else ""
    return column_of(_text(element, "inputExpression", "text"), kind, element.get("label", ""),
                     _text(element, "inputValues", "text"), Detail("Input {value}", number))  # fmt: skip


def _output(number: int, element: Any, decision: Any) -> Column:
    kind = element.get("typeRef", "")
    for variable in _children(decision, "variable"):
        kind = kind or variable.get("typeRef", "")
    return column_of(element.get("name", ""), kind, element.get("label", ""), _text(element, "outputValues", "text"),
                     Detail("Output {value}", number))  # fmt: skip


def _row(rule: Any) -> tuple[list[str], list[str], str]:
    when = [_text(entry, "text") for entry in _children(rule, "inputEntry")]
    then = [_text(entry, "text") for entry in _children(rule, "outputEntry")]
    because = _text(rule, "description") or " ".join(
        _text(entry, "text") for entry in _children(rule, "annotationEntry")
    )
    return when, then, because.strip()


def xml_of(table: Table) -> bytes:
    """A table as DMN 1.3."""
    root = etree.Element("definitions", {"id": "definitions", "name": table.title or table.name,
                                         "namespace": "https://cityloom.org/dmn"}, nsmap={None: NAMESPACE})  # fmt: skip
    decision = etree.SubElement(root, "decision", {"id": table.name, "name": table.title})
    body = etree.SubElement(decision, "decisionTable", {"id": "table", "hitPolicy": table.hit.value})
    if table.aggregation:
        body.set("aggregation", table.aggregation)
    for element in (*_inputs_of(table), *_outputs_of(table), *_rules_of(table)):
        body.append(element)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _inputs_of(table: Table) -> Iterator[Any]:
    for number, column in enumerate(table.inputs, 1):
        found = etree.Element("input", {"id": f"input_{number}", **_label(column)})
        expression = etree.SubElement(found, "inputExpression", {"typeRef": _type(column)})
        etree.SubElement(expression, "text").text = column.name
        _values(found, "inputValues", column)
        yield found


def _outputs_of(table: Table) -> Iterator[Any]:
    for number, column in enumerate(table.outputs, 1):
        found = etree.Element("output", {"id": f"output_{number}", "name": column.name, "typeRef": _type(column),
                                         **_label(column)})  # fmt: skip
        _values(found, "outputValues", column)
        yield found


def _rules_of(table: Table) -> Iterator[Any]:
    for number, rule in enumerate(table.rules, 1):
        found = etree.Element("rule", {"id": f"rule_{number}"})
        if rule.because:
            etree.SubElement(found, "description").text = rule.because
        for name, cells in (("inputEntry", rule.when), ("outputEntry", rule.then)):
            for cell in cells:
                etree.SubElement(etree.SubElement(found, name), "text").text = cell
        yield found


def _label(column: Column) -> dict[str, str]:
    return {"label": column.label} if column.label else {}


def _type(column: Column) -> str:
    return "dateTime" if column.type.name == "date and time" else column.type.name


def _values(element: Any, name: str, column: Column) -> None:
    if column.values:
        etree.SubElement(etree.SubElement(element, name), "text").text = column.values
