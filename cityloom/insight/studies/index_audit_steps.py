"""The audit of an index as tables: correlations, groups, doubles, influence, thresholds, quality of data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cityloom.insight.domain.index_audit import correlations, influence, thresholds
from cityloom.insight.domain.index_audit.quality import Grades, cell_scores, risen
from cityloom.insight.domain.indicators.framework import Item
from cityloom.insight.domain.indicators.scaling import normal_of
from cityloom.insight.domain.robustness.tree import Floats
from cityloom.insight.domain.study.study import Step
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies.index_base import Base

SURE = 0.05


def coherence(base: Base, double_above: float) -> list[Step]:
    """What hangs together, and what does not."""
    return [
        Step("correlations", _correlations(base), {"sure": SURE}),
        Step("alphas", _alphas(base)),
        Step("doubles", _doubles(base, double_above), {"above": double_above}),
        Step("influence", _influence(base)),
        Step("thresholds", _thresholds(base), {"sure": SURE}),
    ]  # fmt: skip


def summary(steps: Sequence[Step]) -> Table:
    """How much there is of each finding."""
    by = {one.name: one.table for one in steps}
    flags = by["correlations"]["flag"].tolist()
    figures = {
        "items": by["correlations"].rows, "against": sum(one != "-" for one in flags),
        "surely_against": sum(one.endswith("surely") for one in flags), "doubles": by["doubles"].rows,
        "bunched": int((np.nan_to_num(by["thresholds"]["p"], nan=1.0) < SURE).sum()) if by["thresholds"].rows else 0,
        "quality": float(np.mean(by["quality"]["score"])),
    }  # fmt: skip
    return table("figure", figure=list(figures), value=list(figures.values()))


def _correlations(base: Base) -> Table:
    rows = correlations.against_parents(base.items, base.tree)
    parents = [base.codes[base.tree.parent[one.item]] for one in rows]
    return table(
        "item", item=[base.codes[one.item] for one in rows], title=[base.titles[one.item] for one in rows],
        parent=parents, r_parent=[one.parent.r for one in rows], p_parent=[one.parent.p for one in rows],
        r_index=[one.index.r for one in rows], p_index=[one.index.p for one in rows],
        units=[one.parent.units for one in rows], flag=[_flag(one) for one in rows],
    )  # fmt: skip


def _flag(one: correlations.AgainstParent) -> str:
    """Against what an item works: only what lies below zero; surely, where it would hardly be so by chance."""
    against = [name for name, found in (("parent", one.parent), ("index", one.index)) if found.r < 0]
    if not against:
        return "-"
    sure = any(found.r < 0 and found.p < SURE for found in (one.parent, one.index))
    return f"against {' and '.join(against)}, {'surely' if sure else 'perhaps'}"


def _alphas(base: Base) -> Table:
    first = base.tree.indicators
    return table("item", item=list(base.codes[first:]), title=base.titles[first:],
                 children=[len(one) for one in base.tree.children],
                 alpha=correlations.alphas(base.items, base.tree))  # fmt: skip


def _doubles(base: Base, above: float) -> Table:
    values = base.items[:, : base.tree.indicators]
    found = correlations.doubles(values, above, base.index.raw[base.rows])
    return table(
        ("item", "other"), item=[base.codes[one.one] for one in found], other=[base.codes[one.other] for one in found],
        title=[base.titles[one.one] for one in found], other_title=[base.titles[one.other] for one in found],
        r=np.array([one.r for one in found], float), units=np.array([one.units for one in found], np.int64),
        same=["same values" if one.same else "alike" for one in found],
    )  # fmt: skip


def _influence(base: Base) -> Table:
    size = base.tree.indicators
    found = influence.influences(base.items[:, :size], base.items[:, -1], base.tree.effective[:size])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(found.nominal > 0, found.spline_share / found.nominal, np.nan)
    return table("item", item=list(base.codes[:size]), title=base.titles[:size], weight=found.nominal,
                 linear=found.linear, spline=found.spline, linear_share=found.linear_share,
                 spline_share=found.spline_share, ratio=ratio)  # fmt: skip


def _thresholds(base: Base) -> Table:
    rows: list[tuple[str, str, thresholds.Bunching]] = []
    for place, item in enumerate(base.framework.indicators):
        steps, better = _steps_of(base, item)
        if steps:
            found = thresholds.bunchings(base.index.raw[base.rows, place], steps, better)
            rows += [(item.code, item.title["en"], one) for one in found]
    found_ = [one for _, _, one in rows]
    return table(("item", "threshold"), item=[one for one, _, _ in rows],
                 threshold=np.array([one.threshold for one in found_], float), title=[one for _, one, _ in rows],
                 width=np.array([one.width for one in found_], float),
                 below=np.array([one.below for one in found_], np.int64),
                 above=np.array([one.above for one in found_], np.int64),
                 p=np.array([one.p for one in found_], float))  # fmt: skip


def _steps_of(base: Base, item: Item) -> tuple[list[float], int]:
    """The raw values at which an indicator's score jumps or ends, and whether more is better there."""
    normal = normal_of(base.framework, item)
    given: Any = normal.given
    if normal.method == "steps":
        table_ = sorted(map(tuple, given["table"]))
        return [row[0] for row in table_], 1 if table_[-1][1] >= given.get("below", 0) else -1
    if normal.method == "thresholds":
        return [float(one) for one in given["thresholds"]], item.direction
    if normal.method == "ratio" and "target" in given:
        return [float(given["target"])], -1 if given.get("lower_is_better") else 1
    return [], 1


def cells_of(base: Base, provenance: Table | None, grades: Grades) -> dict[str, Floats]:
    """The score of each cell and what it is made of, arrays [units, indicators]."""
    rows, size = base.rows, base.tree.indicators
    source, age = np.ones((len(rows), size)), np.zeros((len(rows), size))
    if provenance is not None:
        units = {unit: at for at, unit in enumerate(base.units)}
        items = {code: at for at, code in enumerate(base.codes[:size])}
        for name, into, most in (("source", source, 1.0), ("age", age, 1_000.0)):
            if name in provenance.columns:
                for unit, item, value in zip(provenance["unit"].tolist(), provenance["item"].tolist(),
                                             provenance[name].tolist(), strict=True):  # fmt: skip
                    if str(unit) in units and str(item) in items and not np.isnan(value):
                        into[units[str(unit)], items[str(item)]] = min(max(float(value), 0.0), most)
    imputed = base.index.imputed[rows]
    treated = np.column_stack([one.changed[rows] for one in base.index.treatments])
    known = ~np.isnan(base.index.filled[rows])
    return {"score": cell_scores(known, imputed, treated, source, age, grades), "source": source, "age": age,
            "imputed": imputed.astype(float), "treated": treated.astype(float)}  # fmt: skip


def quality(base: Base, names: Sequence[str], cells: dict[str, Floats], grades: Grades, most: int) -> list[Step]:
    """The quality of each cell, as far as they are not too many, and of each unit's index and groups."""
    size, given = base.tree.indicators, dict(vars(grades))
    up = risen(cells["score"], base.tree)
    parts = {base.codes[one]: up[:, one] for one in base.tree.children[-1] if one >= size}
    found = []
    if cells["score"].size <= most:
        named: dict[str, Any] = {"unit": [unit for unit in base.units for _ in range(size)],
                                 "item": list(base.codes[:size]) * len(base.rows)}  # fmt: skip
        found.append(Step("quality_cells", table(("unit", "item"), **named,
                                                 **{name: values.ravel() for name, values in cells.items()}), given))
    own = {"unit": base.units, "name": list(names), "score": up[:, -1], "imputed": cells["imputed"].mean(1)}
    whole = table("unit", **{**own, **{code: part for code, part in parts.items() if code not in own}})
    return [*found, Step("quality", whole, given)]
