"""The kind `index-audit`: what in an index works against itself, counts twice, rests on poor data, or decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.index_audit.quality import Grades
from cityloom.insight.domain.study.study import Note, Step, Told
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies import (
    index,
    index_audit_steps,
    index_audit_telling,
    index_base,
    index_changed,
    index_differences,
    index_question,
)
from cityloom.insight.studies.kinds import InputSpec, Kind, Worked

_TEXT = {"type": "string", "maxLength": 120}
_SHARE = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
SCHEMA = {
    **index_question.SCHEMA,
    "properties": {
        **index_question.SCHEMA["properties"],
        "double_above": {"type": "number", "minimum": 0.5, "maximum": 1, "default": 0.92},
        "compare": {"type": "array", "maxItems": 50,
                    "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": _TEXT}},
        "grades": {"type": "object", "additionalProperties": False, "properties": {
            "imputed": _SHARE, "treated": _SHARE, "half_life": {"type": "number", "exclusiveMinimum": 0}}},
        "from_year": {"type": "integer", "minimum": 1, "maximum": 9999},
        "before": {"type": "object", "additionalProperties": False, "properties": {
            name: index_question.SCHEMA["properties"][name] for name in ("framework", "overrides")}},
    },
}  # fmt: skip
_MOST_CELLS = 100_000
_MOST_PAIRS_CELLS = 200_000


def _work(question: Mapping[str, Any], inputs: Mapping[str, Table], told: Told) -> Worked:
    base = index_base.base_of(question, inputs)
    names = base.names(index_question.units_of(inputs))
    grades = Grades(**question.get("grades", {}))
    told(0.2, "correlations")
    found = index_audit_steps.coherence(base, float(question.get("double_above", 0.92)))
    told(0.5, "quality")
    cells = index_audit_steps.cells_of(base, inputs.get("provenance"), grades)
    found += index_audit_steps.quality(base, names, cells, grades, most=_MOST_CELLS)
    told(0.7, "contributions")
    pairs = index_differences.pairs_of(base, question.get("compare", ()), _MOST_PAIRS_CELLS)
    found += index_differences.steps_of(base, names, pairs)
    found += index_changed.steps_of(question, inputs, base)
    return Worked([*found, Step("summary", index_audit_steps.summary(found))], _notes(base, inputs, found))


def _notes(base: index_base.Base, inputs: Mapping[str, Table], steps: list[Step]) -> list[Note]:
    found = [Note("audit_units", len(base.rows))]
    if "provenance" not in inputs:
        found.append(Note("no_provenance", None, None, "doubt"))
    if not index_differences.is_exact(base):
        ways = ", ".join(sorted(set(base.framework.ways)))
        found.append(Note("shares_drawn", index_differences.ORDERS, ways, "doubt"))
    if any(one.name == "change" for one in steps):
        found.append(Note("change_parts"))
    return found


def _check(question: Mapping[str, Any]) -> None:
    index_question.framework_of(question)
    if "before" in question:
        index_question.framework_of(index_changed.question_before(question))


def _example() -> tuple[Mapping[str, Any], Mapping[str, Table]]:
    """The offices of the index's example, with an indicator that says the same as another one, by other numbers."""
    question, tables = index.KIND.example()  # type: ignore[misc]
    framework = dict(question["framework"])
    framework["items"] = [*framework["items"], {
        "code": "late", "title": {"en": "Answered late (share)"}, "parent": "service", "direction": "down",
        "weight": 0.1, "measures": "output"}]  # fmt: skip
    units = tables["units"]
    columns = {**units.columns, "late": np.round(1 - units["response"] + 0.002 * np.arange(units.rows), 3)}
    return {"framework": framework}, {"units": Table(columns, units.key)}


_CELLS = InputSpec(
    "provenance", _("How good the source of a value is, and how old it is"), ("unit", "item"), {},
    {"source": _("how good the source is, 0 to 1"), "age": _("age of the value, years")}, needed=False,
    words=frozenset({"unit", "item"}))  # fmt: skip

KIND = Kind(
    "index-audit",
    _("Audit of an index"),
    _("What in an index works against itself, what is counted twice, what moves it beside what it is weighed, how good "
      "its data are, and why one unit is above another."),
    (*index.KIND.inputs, _CELLS),
    SCHEMA,
    _work,
    index_audit_telling.tell,
    _check,
    notes={
        "audit_units": _("All of it is of {value} units; with few, a correlation may be of chance: see its p."),
        "no_provenance": _("Nothing says how good and how old the sources are, so that quality is told of what was "
                           "filled in, treated or is missing only; add the table provenance."),
        "shares_drawn": _("An aggregate is made in a way ({limit}) that has no split of its own: contributions are "
                          "means over {value} drawn orders. They add up, but each is an estimate."),
        "change_parts": _("Each year's index stands as it would have been published that year, of that year's units. "
                          "A part's share is the mean over all orders in which the parts could have changed."),
    },
    example=_example,
)  # fmt: skip
