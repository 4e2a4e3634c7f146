"""The kind `index-robustness`: how far the ranking of an index depends on the choices of its recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.robustness import ranking, removal, runs
from cityloom.insight.domain.robustness.choices import Uncertain
from cityloom.insight.domain.study.study import Note, Told
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies import index, index_base, index_question, index_robust_steps, index_robust_telling
from cityloom.insight.studies.index_varied import Varied, varied
from cityloom.insight.studies.kinds import Kind, Worked
from cityloom.kernel.refused import Refused

_OPTIONS = {"type": "array", "maxItems": 8, "items": {"type": "object"}}
_LEVELS = {"type": "array", "minItems": 1, "maxItems": 12, "items": {"type": "integer", "minimum": 1}}
VARY = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "impute": _OPTIONS,
        "treat": _OPTIONS,
        "normalise": _OPTIONS,
        "aggregate": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {"^[0-9]{1,2}$": {"type": "array", "minItems": 1, "items": {"type": "string"}}},
        },
        "weights": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "spread": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                "concentration": {"type": "number", "exclusiveMinimum": 0, "maximum": 100_000},
                "levels": _LEVELS,
            },
            "oneOf": [{"required": ["spread"]}, {"required": ["concentration"]}],
        },
        "leave_out": {"type": "boolean"},
    },
}
SCHEMA = {
    **index_question.SCHEMA,
    "properties": {
        **index_question.SCHEMA["properties"],
        "runs": {"type": "integer", "minimum": 100, "maximum": 100_000, "default": 10_000},
        "base": {"enum": [2**power for power in range(5, 15)], "default": 1024},
        "certain": {"type": "number", "exclusiveMinimum": 0.5, "maximum": 0.999, "default": 0.9},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**53, "default": 1},
        "vary": VARY,
    },
}
_MOST_PAIRS_UNITS = 2_000
_MANY = "The ranking has {value} units, and pairs of at most {limit} are worked; take a part of them."


def _work(question: Mapping[str, Any], inputs: Mapping[str, Table], told: Told) -> Worked:
    base = index_base.base_of(question, inputs)
    if len(base.rows) > _MOST_PAIRS_UNITS:
        raise Refused("insight.robust_many", _MANY, value=len(base.rows), limit=_MOST_PAIRS_UNITS)
    told(0.1, "choices")
    made = varied(question, inputs, base)
    nominal = ranking.ranks_of(base.items[None, :, -1])[0]
    found = runs.robust(made.variants, base.tree, made.uncertain, nominal, runs=int(question.get("runs", 10_000)),
                        base=int(question.get("base", 1024)), seed=int(question.get("seed", 1)),
                        tick=lambda share: told(0.2 + 0.7 * share, "runs"))  # fmt: skip
    removed = removal.removed(base.items[:, : base.tree.indicators], base.tree, base.framework.ways)
    names = base.names(index_question.units_of(inputs))
    steps = index_robust_steps.steps_of(question, base, names, made, found, removed)
    return Worked(steps, _notes(made, float(question.get("certain", 0.9))))


def _notes(made: Varied, certain: float) -> list[Note]:
    found = [Note("robust_choices", ", ".join(_held_certain(made.uncertain)) or "-"), Note("tie_groups", None, certain)]
    found += [Note("mean_left_out", one, None, "doubt") for one in made.left_out]
    return found


def _held_certain(uncertain: Uncertain) -> list[str]:
    """The choices that did not vary."""
    before = [name for name, options in uncertain.variants.items() if len(options) < 2]
    return before + ([] if any(len(one) > 1 for one in uncertain.methods.values()) else ["aggregate"]) + (
        [] if uncertain.weights else ["weights"])  # fmt: skip


def _check(question: Mapping[str, Any]) -> None:
    index_question.framework_of(question)


def _example() -> tuple[Mapping[str, Any], Mapping[str, Table]]:
    question, tables = index.KIND.example()  # type: ignore[misc]
    return {**question, "runs": 2_000, "base": 256, "seed": 1}, tables


KIND = Kind(
    "index-robustness",
    _("Robustness of a ranking"),
    _("How far the ranks of an index depend on the choices of its recipe: thousands of runs, what each choice brings "
      "in, what leaving out each element does, and which units are told apart at all."),
    index.KIND.inputs,
    SCHEMA,
    _work,
    index_robust_telling.tell,
    _check,
    notes={
        "robust_choices": _("Intervals hold for the choices that were varied; these were not: {value}. What the "
                            "framework measures, and how well, is not varied."),
        "tie_groups": _("Units are in one group unless every unit of the higher group is above every one of the lower "
                        "in at least the share {limit} of the runs. Places not told apart are those of units that are "
                        "neither above nor below so surely."),
        "mean_left_out": _("The {value} mean was not varied, for some way of normalising gives values at or below "
                           "zero."),
    },
    example=_example,
)  # fmt: skip
