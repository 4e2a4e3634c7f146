"""The recipe, worked: columns of units become an index or a profile, and every stage is kept.

The order is fixed: denominate, impute, screen, treat, direct, normalise, weight, aggregate, rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.indicators import denominating, imputing, treating
from cityloom.insight.domain.indicators.collecting import Data, collected
from cityloom.insight.domain.indicators.framework import Framework
from cityloom.insight.domain.indicators.hierarchy import rolled_up
from cityloom.insight.domain.indicators.moments import Floats
from cityloom.insight.domain.indicators.ranking import ranked
from cityloom.insight.domain.indicators.scaling import normal_of, normalised
from cityloom.insight.domain.indicators.treating import NO_TREATMENT, Treated
from cityloom.insight.domain.indicators.weighing import Weights, weights_of
from cityloom.kernel.refused import Refused

Marks = NDArray[np.bool_]
Places = NDArray[np.int64]
_ALONE = "There is one unit only, and {value} is normalised by comparison with others: add units, or give goalposts."
_NO_VALUES = "The indicator {value} is unknown for all units: leave it out, or fill it in."
_NONE_LEFT = "No unit has enough data: at least the share {limit} of indicators is asked for. Ask for less, or fill in."
_NO_DENOMINATOR = "There is no column {value}, by which {limit} is divided: add it to the units or denominators."
_FLAT = ("The indicator {value} has the same value for all units, so it says nothing of their order: leave it out, or "
         "give it goalposts.")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Index:
    """What the recipe made, stage by stage; arrays are (rows, indicators) of the rows that were kept.

    `data` are these rows, `kept` their places in what was given; `too_small` and `screened_out` are places, too.
    `known_share` is the share of indicators measured of each row that was large enough (`large`).
    `imputed` marks what was filled in, `unusable` are places of indicators that were left out.
    """

    framework: Framework
    data: Data
    kept: Places
    large: Places
    too_small: Places
    screened_out: Places
    known_share: Floats
    raw: Floats
    denominated: Floats
    filled: Floats
    imputed: Marks
    treated: Floats
    treatments: Sequence[Treated]
    directed: Floats
    normalised: Floats
    unusable: tuple[int, ...]
    weights: Weights
    scores: Floats
    ranks: Floats

    @property
    def index(self) -> Floats:
        """The score of each row: that of the item at the top."""
        return self.scores[:, -1]


def worked(framework: Framework, data: Data) -> Index:
    """Work the recipe of a framework on some data.

    A profile ends before normalisation: its normalised values are unknown, its scores none.

    Raises: Refused `insight.index_*`, a sentence each.
    """
    large = _large(framework, data)
    given = data.of(large)
    raw = collected(framework, given)
    divided = _denominated(framework, raw, given)
    filled = _imputed(framework, divided, given)
    keep, share = _screened(framework, divided, filled)
    kept = np.flatnonzero(keep)
    if not kept.size:
        raise Refused("insight.index_screened", _NONE_LEFT, limit=framework.recipe.screen.least)
    rows = given.of(kept)
    raw, divided, filled = raw[kept], divided[kept], filled[kept]
    unusable = _unusable(framework, filled, rows)
    treated, treatments = _treated(framework, filled, 1 if rows.years is None else len(np.unique(rows.years)))
    directed = treated * [1 if normal_of(framework, one).is_score else one.direction for one in framework.indicators]
    is_index = framework.purpose == "index"
    scaled = np.full(filled.shape, np.nan)
    weights = Weights(framework.given_weights)
    scores, ranks = np.zeros((len(kept), 0)), np.full(len(kept), np.nan)
    if is_index:
        usable = [place for place in range(filled.shape[1]) if place not in unusable]
        scaled = normalised(framework, directed, filled, rows, usable)
        weights = weights_of(framework, scaled, data.experts)
        scores = rolled_up(framework.tree, scaled, weights.values, framework.ways, framework.leasts)
        ranks = ranked_by_year(scores[:, -1], rows.years)
    return Index(
        framework, rows, large[kept], large, np.setdiff1d(np.arange(len(data.units)), large), large[~keep], share, raw,
        divided, filled, np.isnan(divided) & ~np.isnan(filled), treated, treatments, directed, scaled, unusable,
        weights, scores, ranks,
    )  # fmt: skip


def ranked_by_year(scores: Floats, years: NDArray[np.int64] | None) -> Floats:
    """Competition ranks, within each year where there are several."""
    if years is None:
        return ranked(scores)
    outcome = np.full(len(scores), np.nan)
    for year in np.unique(years):
        rows = years == year
        outcome[rows] = ranked(scores[rows])
    return outcome


def _large(framework: Framework, data: Data) -> Places:
    """The rows that are large enough to be told of; a size that is unknown is too small."""
    if framework.minimum is None:
        return np.arange(len(data.units))
    column = data.columns.get(framework.minimum.column)
    if column is None:
        raise Refused("insight.index_no_size", "There is no column {value}, which says how large a unit is; add it.",
                      value=framework.minimum.column)  # fmt: skip
    with np.errstate(invalid="ignore"):
        return np.flatnonzero(np.asarray(column, float) >= framework.minimum.least)


def _denominated(framework: Framework, raw: Floats, data: Data) -> Floats:
    outcome = raw.copy()
    for place, item in enumerate(framework.indicators):
        if framework.recipe.denominate and item.denominator:
            if item.denominator not in data.columns:
                raise Refused("insight.index_no_denominator", _NO_DENOMINATOR, value=item.denominator, limit=item.code)
            by = np.asarray(data.columns[item.denominator], float)
            outcome[:, place] = denominating.denominated(raw[:, place], by, item.scale, item.denominator,
                                                         data.row_names())  # fmt: skip
    return outcome


def _imputed(framework: Framework, values: Floats, data: Data) -> Floats:
    rule = framework.recipe.impute
    if rule.method == "none" or not np.isnan(values).any():
        return values
    if rule.method == "regression":
        return imputing.by_regression(values, rule.predictors)
    if rule.method == "carry":
        years = data.years if data.years is not None else np.zeros(len(data.units), np.int64)
        return imputing.carried_forward(values, data.units, years.tolist(), rule.most_years)
    groups: Sequence[str] | None = None
    if rule.method.startswith("group-"):
        if rule.group not in data.groups:
            raise Refused("insight.index_no_group", "There is no column {value}, by whose groups values are filled in.",
                          value=rule.group)  # fmt: skip
        groups = data.groups[rule.group]
    if data.years is not None:  # what is typical is typical of a year
        named = groups if groups is not None else ["-"] * len(data.units)
        groups = [f"{name}\x1f{year}" if name else "" for name, year in zip(named, data.years.tolist(), strict=True)]
    return imputing.by_group(values, groups, rule.method.removeprefix("group-"))


def _screened(framework: Framework, measured: Floats, filled: Floats) -> tuple[Marks, Floats]:
    rule = framework.recipe.screen
    keep, _share, _nonzero = denominating.screened(filled if rule.of == "filled" else measured, rule.least,
                                                   rule.least_nonzero)  # fmt: skip
    return keep, 1 - np.isnan(measured).mean(1)


def _unusable(framework: Framework, filled: Floats, data: Data) -> tuple[int, ...]:
    """Indicators that cannot be compared: refused, or left out, as the recipe says."""
    found = []
    is_index = framework.purpose == "index"
    for place, item in enumerate(framework.indicators):
        column = filled[:, place]
        known = column[~np.isnan(column)]
        relative = is_index and normal_of(framework, item).is_relative
        if relative and len(set(data.units)) == 1 and data.years is None:
            raise Refused("insight.index_alone", _ALONE, value=item.code)
        flat = known.size and relative and np.ptp(known) <= 1e-12 * np.abs(known).max()
        if known.size and not flat:
            continue
        if is_index and framework.recipe.unusable == "refuse":
            code, sentence = ("insight.index_flat", _FLAT) if known.size else ("insight.index_unknown", _NO_VALUES)
            raise Refused(code, sentence, value=item.code)
        found.append(place)
    return tuple(found)


def _treated(framework: Framework, filled: Floats, years: int) -> tuple[Floats, list[Treated]]:
    """What is fixed in the indicator's own unit is not treated, unless its item asks for it.

    Years of a panel are treated together, and as many points may be winsorised as so many years would have.
    """
    rules = {}
    for place, item in enumerate(framework.indicators):
        if item.treat is not None:
            rules[place] = item.treat
        elif framework.purpose == "profile" or normal_of(framework, item).is_fixed:
            rules[place] = NO_TREATMENT
    longer = {place: replace(rule, most=rule.most * years) for place, rule in rules.items()}
    whole = replace(framework.recipe.treat, most=framework.recipe.treat.most * years)
    return treating.treated(filled, longer, whole)
