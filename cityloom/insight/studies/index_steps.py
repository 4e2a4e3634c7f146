"""What the recipe of an index made, as the tables of a study: each stage by unit, and what was done to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cityloom.insight.domain.indicators.framework import Framework
from cityloom.insight.domain.indicators.moments import Floats
from cityloom.insight.domain.indicators.ranking import tied_by_rounding
from cityloom.insight.domain.indicators.working import Index
from cityloom.insight.domain.study.study import Note, Step
from cityloom.insight.domain.study.tables import Column, Table, table
from cityloom.kernel import canonical

BESIDE = ("name", "area", "lon", "lat")
"""Columns of units that a ranking keeps, beside the groups of the framework."""


def steps_of(index: Index, units: Table) -> list[Step]:
    """All steps of an index or a profile, in the order of the work."""
    framework, steps = index.framework, index.framework.document.get("steps", {})
    found = [Step("structure", _structure(index), {"framework": framework.code, "version": framework.version,
                                                   "digest": canonical.digest(dict(framework.document))}),
             Step("units", _units(index, units), {"minimum": framework.document.get("minimum")}),
             _wide("raw", index, index.raw, {})]  # fmt: skip
    if any(one.denominator for one in framework.indicators) and framework.recipe.denominate:
        found.append(_wide("denominated", index, index.denominated, {}))
    if framework.recipe.impute.method != "none":
        found.append(Step("imputed", _imputed(index), dict(steps.get("impute", {}))))
        found.append(_wide("filled", index, index.filled, dict(steps.get("impute", {}))))
    if framework.purpose == "profile":
        return [*found, _wide("positions", index, _positions(index), {}), Step("summary", _summary(index))]
    found.append(Step("treatments", _treatments(index), dict(steps.get("treat", {}))))
    if any(one.method != "none" for one in index.treatments):
        found.append(_wide("treated", index, index.treated, dict(steps.get("treat", {}))))
    found += [
        _wide("directed", index, index.directed, {}),
        _wide("normalised", index, index.normalised, dict(steps.get("normalise", {}))),
        Step("weights", _weights(index), {"method": framework.recipe.weight.method}),
        Step("scores", _scores(index), dict(steps.get("aggregate", {}))),
        Step("ranking", _ranking(index, units), {}),
        Step("summary", _summary(index)),
    ]
    return found


def notes_of(index: Index) -> list[Note]:
    """What whoever reads the scores has to know."""
    framework = index.framework
    cells = index.denominated.size
    found = [Note("profile" if framework.purpose == "profile" else "one_recipe")]
    counts = [("too_small", len(index.too_small), framework.minimum and framework.minimum.least),
              ("screened", len(index.screened_out), framework.recipe.screen.least),
              ("imputed", int(index.imputed.sum()), cells), ("unknown", int(np.isnan(index.filled).sum()), cells),
              ("treated", sum(one.method != "none" for one in index.treatments), len(index.treatments))]  # fmt: skip
    found += [Note(code, value, limit, "told" if code == "treated" else "doubt") for code, value, limit in counts
              if value]  # fmt: skip
    left = [framework.indicators[place].code for place in index.unusable]
    failing = [one.code for one, done in zip(framework.indicators, index.treatments, strict=True)
               if not done.passes and framework.recipe.treat.first != "none"]  # fmt: skip
    for code, names in (("unusable", left), ("still_outlying", failing)):
        if names:
            found.append(Note(code, ", ".join(names)[:300], None, "doubt"))
    if framework.purpose == "index":
        found += _weighing_notes(index)
    return found


def _weighing_notes(index: Index) -> list[Note]:
    found = [Note("inconsistent", code, round(one.ratio, 3), "doubt") for code, one in index.weights.comparisons.items()
             if not one.is_consistent]  # fmt: skip
    found += [Note("influence_missed", code, round(one.apart, 3), "doubt")
              for code, one in index.weights.influences.items() if one.apart > 0.01]  # fmt: skip
    changed = int(tied_by_rounding(index.index, 2).sum()) if index.data.years is None else 0
    if changed:
        found.append(Note("rounding", changed, 2))
    years = index.data.years
    if years is not None:
        found.append(Note("frozen", f"{years.min()} – {years.max()}"))
        gaps = len(set(index.data.units)) * len(np.unique(years)) - len(years)
        if gaps:
            found.append(Note("gaps", gaps, len(np.unique(years)), "doubt"))
    return found


def key_of(index: Index) -> tuple[str, ...]:
    """What names a row: the unit, with the year where there are several."""
    return ("unit",) if index.data.years is None else ("unit", "year")


def _named(index: Index) -> dict[str, Any]:
    years = {} if index.data.years is None else {"year": index.data.years}
    return {"unit": list(index.data.units), **years}


def _wide(name: str, index: Index, values: Floats, given: Mapping[str, Any]) -> Step:
    columns = {one.code: values[:, place] for place, one in enumerate(index.framework.indicators)}
    return Step(name, table(key_of(index), **(_named(index) | columns)), given)


def _structure(index: Index) -> Table:
    framework, tree = index.framework, index.framework.tree
    items = [framework.by_code[code] for code in tree.codes]
    return table(
        "item", item=list(tree.codes), parent=[one.parent for one in items], level=tree.level,
        title=[one.title["en"] for one in items], title_zh=[one.title.get("zh-hans", "") for one in items],
        direction=["" if place >= tree.indicators else "down" if one.direction < 0 else "up"
                   for place, one in enumerate(items)],
        unit=[one.unit for one in items], denominator=[one.denominator for one in items],
        measures=[one.measures for one in items], source=[one.from_where for one in items],
    )  # fmt: skip


def _units(index: Index, units: Table) -> Table:
    rows = units.rows
    standing = np.array(["kept"] * rows, object)
    standing[index.too_small], standing[index.screened_out] = "too small", "too few data"
    share = np.full(rows, np.nan)
    share[index.large] = index.known_share
    columns: dict[str, Column] = {name: units[name] for name in units.key}
    return table(units.key, **columns, standing=standing, known_share=share)


def _imputed(index: Index) -> Table:
    rows, places = np.nonzero(index.imputed)
    named = {name: [values[row] for row in rows] for name, values in _named(index).items()}
    codes = [index.framework.indicators[place].code for place in places]
    return table((*key_of(index), "item"), **named, item=codes, value=index.filled[rows, places])


def _treatments(index: Index) -> Table:
    done, items = index.treatments, index.framework.indicators
    return table(
        "item", item=[one.code for one in items], method=[one.method for one in done],
        points=[int(one.changed.sum()) for one in done], passes=[one.passes for one in done],
        skewness_before=_floats(one.skew[0] for one in done), skewness_after=_floats(one.skew[1] for one in done),
        kurtosis_before=_floats(one.kurtosis[0] for one in done),
        kurtosis_after=_floats(one.kurtosis[1] for one in done),
    )  # fmt: skip


def _weights(index: Index) -> Table:
    framework, tree = index.framework, index.framework.tree
    values = index.weights.values
    ratios, items = index.weights.comparisons, [framework.by_code[code] for code in tree.codes]
    return table(
        "item", item=list(tree.codes), parent=[item.parent or "-" for item in items],
        title=[item.title["en"] for item in items], title_zh=[item.title.get("zh-hans", "") for item in items],
        given=framework.given_weights, weight=values, share=tree.effective(values),
        way=["-"] * tree.indicators + framework.ways,
        consistency_ratio=_floats(ratios[code].ratio if code in ratios else np.nan for code in tree.codes),
    )  # fmt: skip


def _scores(index: Index) -> Table:
    columns = {code: index.scores[:, place] for place, code in enumerate(index.framework.tree.aggregates)}
    return table(key_of(index), **(_named(index) | columns))


def _ranking(index: Index, units: Table) -> Table:
    beside = {name: _kept(units[name], index) for name in (*BESIDE, *index.data.groups) if name in units.columns}
    if "name" not in beside:
        beside["name"] = list(index.data.units)
    parts = {code: index.scores[:, index.framework.tree.aggregates.index(code)] for code in parts_of(index.framework)}
    measured = 1 - (np.isnan(index.denominated)).mean(1)
    return table(key_of(index), **(_named(index) | beside), rank=index.ranks, score=index.index, **parts,
                 measured=measured)  # fmt: skip


def parts_of(framework: Framework) -> list[str]:
    """The aggregates right below the index, which a ranking shows beside it."""
    tree = framework.tree
    return [tree.codes[one] for one in tree.children[-1] if one >= tree.indicators][:8]


def _positions(index: Index) -> Floats:
    """The share of the other units that an indicator of a profile is better than, by its direction."""
    from cityloom.insight.domain.indicators.normalising import percentile_rank

    return percentile_rank(index.directed)


def _summary(index: Index) -> Table:
    figures = {
        "units": len(index.kept), "too_small": len(index.too_small), "too_few_data": len(index.screened_out),
        "indicators": len(index.framework.indicators), "values": index.denominated.size,
        "imputed": int(index.imputed.sum()), "unknown": int(np.isnan(index.filled).sum()),
        "treated": sum(one.method != "none" for one in index.treatments),
    }  # fmt: skip
    return table("figure", figure=list(figures), value=list(figures.values()))


def _kept(column: Column, index: Index) -> Column:
    return column[index.kept]


def _floats(values: Any) -> Floats:
    return np.array(list(values), float)


