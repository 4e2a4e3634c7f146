"""What thousands of runs of an index left, as tables: ranks, pairs, sensitivity, removals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cityloom.insight.domain.robustness import ranking
from cityloom.insight.domain.robustness.removal import Removed
from cityloom.insight.domain.robustness.runs import Robust
from cityloom.insight.domain.robustness.tree import Ints
from cityloom.insight.domain.study.study import Step
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies.index_base import Base
from cityloom.insight.studies.index_varied import Varied

_NEAR = 25
_ALL_PAIRS = 300
CHOICES = {"impute": "imputation", "treat": "treatment of outliers", "normalise": "normalisation",
           "leave_out": "one indicator left out"}  # fmt: skip


def steps_of(question: Mapping[str, Any], base: Base, names: Sequence[str], made: Varied, found: Robust,
             removed: Removed) -> list[Step]:  # fmt: skip
    """All steps, in the order of the work."""
    seed, certain = int(question.get("seed", 1)), float(question.get("certain", 0.9))
    given = {"runs": len(found.ranks), "certain": certain}
    order = np.lexsort((found.ranks.mean(0), found.nominal))
    return [
        Step("choices", _choices(found)),
        Step("ranks", _ranks(base, names, found, order, certain), given, seed),
        Step("pairs", _pairs(base, found, order), given, seed),
        Step("rank_shares", _shares(base, found), given, seed),
        Step("sensitivity", _sensitivity(found), {"outcome": "mean shift of ranks"}, seed),
        Step("unit_sensitivity", _by_unit(base, found), {"outcome": "rank of the unit"}, seed),
        Step("removal", _removal(base, names, removed, found.nominal)),
        Step("summary", _summary(found, order, certain), given, seed),
    ]  # fmt: skip


def title_of(choice: str) -> str:
    """A choice in words."""
    name, _, level = choice.partition(" ")
    return CHOICES.get(name) or f"{'mean' if name == 'aggregate' else 'weights'}, level {level}"


def _choices(found: Robust) -> Table:
    return table("choice", choice=[one.name for one in found.choices],
                 title=[title_of(one.name) for one in found.choices],
                 options=["; ".join(one.options) or "drawn" for one in found.choices],
                 columns=[one.columns for one in found.choices])  # fmt: skip


def _ranks(base: Base, names: Sequence[str], found: Robust, order: Ints, certain: float) -> Table:
    low, middle, high = ranking.rank_quantiles(found.ranks)
    first, last = ranking.told_apart(found.probability, order, certain)
    return table(
        "unit", unit=base.units, name=list(names), rank=found.nominal, score=base.items[:, -1], median=middle, low=low,
        high=high, mean_rank=found.ranks.mean(0), as_given=(found.ranks == found.nominal[None]).mean(0),
        group=ranking.tie_groups(found.probability, order, certain),
        tier=ranking.tiers(found.probability, order, certain), not_apart_from=first, not_apart_to=last,
    )  # fmt: skip


def _pairs(base: Base, found: Robust, order: Ints) -> Table:
    """Each pair once, the higher of the recipe first; of many units those within 25 places of each other."""
    units, reach = len(order), len(order) if len(order) <= _ALL_PAIRS else _NEAR
    pairs = [(order[at], order[to]) for at in range(units) for to in range(at + 1, min(at + 1 + reach, units))]
    one, other = (np.array(side, np.int64) for side in zip(*pairs, strict=True))
    named = np.array(base.units, object)
    return table(("unit", "other"), unit=named[one].tolist(), other=named[other].tolist(),
                 above=found.probability[one, other])  # fmt: skip


def _shares(base: Base, found: Robust) -> Table:
    shares = ranking.rank_shares(found.ranks)
    units, ranks = np.nonzero(shares)
    named = np.array(base.units, object)
    return table(("unit", "rank"), unit=named[units].tolist(), rank=ranks + 1, share=shares[units, ranks])


def _sensitivity(found: Robust) -> Table:
    return table("choice", choice=[one.name for one in found.choices],
                 title=[title_of(one.name) for one in found.choices],
                 **{name: values[:, -1] for name, values in _indices(found).items()})  # fmt: skip


def _by_unit(base: Base, found: Robust) -> Table:
    choices = [one.name for one in found.choices]
    return table(("unit", "choice"), unit=[unit for unit in base.units for _ in choices],
                 choice=choices * len(base.units),
                 **{name: values[:, :-1].T.ravel() for name, values in _indices(found).items()})  # fmt: skip


def _indices(found: Robust) -> dict[str, Any]:
    held = found.sensitivity
    return {"first": held.first, "first_low": held.first_low, "first_high": held.first_high, "total": held.total,
            "total_low": held.total_low, "total_high": held.total_high}  # fmt: skip


def _removal(base: Base, names: Sequence[str], removed: Removed, nominal: Ints) -> Table:
    items, change = base.tree.items - 1, removed.ranks - nominal[None]
    most = np.abs(change).argmax(1)
    return table(
        "item", item=list(base.codes[:items]), title=base.titles[:items], level=base.tree.level[:items],
        share=base.tree.effective[:items], mean_change=removed.mean_change, most_change=removed.most_change,
        most_moved=[names[one] if removed.most_change[at] else "-" for at, one in enumerate(most)],
        moved_by=[int(change[at, one]) for at, one in enumerate(most)],
    )  # fmt: skip


def _summary(found: Robust, order: Ints, certain: float) -> Table:
    low, high = np.quantile(found.shift, (0.05, 0.95))
    sure = np.maximum(found.probability, found.probability.T)[np.triu_indices(len(order), 1)] >= certain
    figures = {
        "runs": len(found.ranks), "units": len(order), "shift": float(found.shift.mean()), "shift_low": float(low),
        "shift_high": float(high), "pairs": len(sure), "certain_pairs": float(sure.mean()),
        "groups": int(ranking.tie_groups(found.probability, order, certain).max()),
    }  # fmt: skip
    return table("figure", figure=list(figures), value=list(figures.values()))
