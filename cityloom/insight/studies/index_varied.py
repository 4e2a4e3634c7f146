"""What may be otherwise in an index: the options of each step, and the values that each combination makes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from cityloom.insight.domain.indicators import reading
from cityloom.insight.domain.indicators.framework import Framework
from cityloom.insight.domain.indicators.working import worked
from cityloom.insight.domain.robustness.choices import Uncertain, Weights
from cityloom.insight.domain.robustness.tree import Floats
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies import index_question
from cityloom.insight.studies.index_base import Base
from cityloom.kernel.refused import Refused

MOST_VARIANTS = 64
SPREAD = 0.25
_BEFORE = ("impute", "treat", "normalise")
_PLAIN: Mapping[str, Mapping[str, Any]] = {"impute": {"method": "none"}, "treat": {"method": "none"},
                                           "normalise": {"method": "min-max", "range": [0, 100]}}  # fmt: skip
_USUAL = ({"method": "min-max", "range": [1, 100]}, {"method": "z-score", "mean": 100, "sd": 10}, {"method": "rank"})
_OTHER = {"group-mean": "group-median", "group-median": "group-mean", "mean": "median", "median": "mean"}
_TOO_MANY = "The options of impute, treat and normalise make {value} combinations and at most {limit} are worked."
_NO_LEVEL = "There is no level {value} to aggregate or weigh; levels are {limit}."
_POSITIVE = ("geometric", "harmonic")


@dataclass(frozen=True, eq=False)
class Varied:
    """The choices that vary, the values that they make [variants, units, indicators], and what could not vary."""

    uncertain: Uncertain
    variants: Floats
    left_out: Sequence[str] = ()


def varied(question: Mapping[str, Any], inputs: Mapping[str, Table], base: Base) -> Varied:
    """Work each combination of the options before aggregating; the recipe as it is comes first.

    Without `vary` the usual alternatives are taken; among these a mean that is not defined for the values is left out.

    Raises: Refused, as the recipe's steps; `insight.robust_variants`, `insight.robust_level`.
    """
    asked = question.get("vary")
    document = index_question.document_of(question)
    options = _options(document.get("steps", {}), asked)
    if (count := int(np.prod([len(one) for one in options.values()]))) > MOST_VARIANTS:
        raise Refused("insight.robust_variants", _TOO_MANY, value=count, limit=MOST_VARIANTS)
    parts = [[_part(document, name, one) for one in some] for name, some in options.items()]
    recipe = base.framework.recipe
    recipes = [replace(recipe, **dict(zip(options, chosen, strict=True))) for chosen in product(*parts)]
    values = [_values(replace(base.framework, recipe=one), inputs, base) for one in recipes]
    methods, left_out = _methods(base, asked, positive=all(np.nanmin(one) > 0 for one in values))
    uncertain = Uncertain(
        base.framework.ways, methods, {name: [said(one) for one in some] for name, some in options.items()},
        _weights(base, asked), bool(asked and asked.get("leave_out", False)),
        frozenset(place for place, one in enumerate(base.framework.aggregates) if one.way))  # fmt: skip
    return Varied(uncertain, np.stack(values), left_out)


def said(option: Mapping[str, Any]) -> str:
    """An option in a few words: its method, and what is given to it."""
    given = [f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in option.items() if name != "method"]
    return " ".join([str(option.get("method", "")), *given])[:120]


def _options(steps: Mapping[str, Any], asked: Mapping[str, Any] | None) -> dict[str, list[Mapping[str, Any]]]:
    found = {}
    for name in _BEFORE:
        own = steps.get(name, _PLAIN[name])
        others = asked.get(name, []) if asked is not None else _usual(name, own)
        found[name] = [own, *(one for one in others if one != own)]
    return found


def _usual(name: str, own: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    method = str(own.get("method", ""))
    if name == "impute":
        return [{**own, "method": _OTHER[method]}] if method in _OTHER else []
    if name == "treat":
        return [{"method": "none"}] if method != "none" else []
    usual = [one for one in _USUAL if one["method"] != method]
    return usual if method in {str(one["method"]) for one in _USUAL} and "frozen" not in own else []


def _part(document: Mapping[str, Any], name: str, option: Mapping[str, Any]) -> Any:
    """A part of the recipe as an option has it, once that was checked within its framework."""
    other = {**document, "steps": {**document.get("steps", {}), name: option}}
    return getattr(reading.framework_of(other).recipe, name)


def _values(framework: Framework, inputs: Mapping[str, Table], base: Base) -> Floats:
    """The normalised values of the base's units; unknown for one that this variant leaves out."""
    index = worked(framework, index_question.data_of(framework, inputs))
    found = np.full((len(base.rows), len(framework.indicators)), np.nan)
    places = {row: place for place, row in enumerate(index.kept.tolist())}
    for at, row in enumerate(base.index.kept[base.rows].tolist()):
        if row in places:
            found[at] = index.normalised[places[row]]
    return found


def _methods(base: Base, asked: Mapping[str, Any] | None, *, positive: bool
             ) -> tuple[dict[int, Sequence[str]], Sequence[str]]:  # fmt: skip
    """The options of each level, its own way first, and the ways that are not defined for the values."""
    levels = base.tree.level[base.tree.indicators :]
    own = {int(level): base.framework.ways[int(np.flatnonzero(levels == level)[-1])] for level in np.unique(levels)}
    if asked is not None:
        given = {int(level): ways for level, ways in asked.get("aggregate", {}).items()}
        _check_levels(list(given), list(own))
        return {level: list(dict.fromkeys([own[level], *ways])) for level, ways in given.items()}, ()
    usual = {level: list(dict.fromkeys([way, "arithmetic", "geometric"])) for level, way in own.items()
             if way in ("arithmetic", "geometric")}  # fmt: skip
    if positive:
        return dict(usual), ()
    return {level: [one for one in ways if one not in _POSITIVE or one == own[level]]
            for level, ways in usual.items()}, ("geometric",)  # fmt: skip


def _weights(base: Base, asked: Mapping[str, Any] | None) -> list[Weights]:
    given = {"spread": SPREAD} if asked is None else asked.get("weights")
    if given is None:
        return []
    weighed = [int(level) for level in np.unique(base.tree.level[:-1])
               if any((base.tree.level[members] == level).any() and len(members) > 1
                      for members in base.tree.children)]  # fmt: skip
    levels = given.get("levels", weighed)
    _check_levels(levels, weighed)
    return [Weights(level, float(given.get("spread", 0)), float(given.get("concentration", 0))) for level in levels]


def _check_levels(asked: Sequence[int], known: Sequence[int]) -> None:
    for level in asked:
        if level not in known:
            raise Refused("insight.robust_level", _NO_LEVEL, value=level, limit=", ".join(map(str, known)))
