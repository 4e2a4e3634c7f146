"""A framework: which indicators make an index or a profile of which kind of units, and by which recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from cityloom.insight.domain.indicators.hierarchy import Hierarchy, hierarchy_of
from cityloom.insight.domain.indicators.moments import Floats
from cityloom.insight.domain.indicators.treating import NO_TREATMENT, Rule

Words = Mapping[str, str]
"""A text by language; `en` is always there."""


@dataclass(frozen=True)
class Source:
    """How an indicator is got from the columns of the input: one column, a ratio or a mean of several, or a count.

    `form` is column, ratio (sum of `over` by sum of `under`, times `times`), mean (of `over`), sum, or checklist
    (points for parts that are there).
    """

    form: Literal["column", "ratio", "mean", "sum", "checklist"]
    over: tuple[str, ...]
    under: tuple[str, ...] = ()
    times: float = 1.0
    points: tuple[float, ...] = ()


@dataclass(frozen=True)
class Gate:
    """A score is at most `most` unless a column (`of`, with its raw value) is at least, at most or equal to `value`."""

    of: str
    test: Literal["at_least", "at_most", "equals"]
    value: float
    most: float


@dataclass(frozen=True)
class Normal:
    """How an indicator is brought to the common scale: a method with what it is given, and the gates on its score."""

    method: str
    given: Mapping[str, Any] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()

    @property
    def is_score(self) -> bool:
        """Whether it is a formula of the raw value, which is neither treated nor directed before."""
        return self.method in SCORES


    @property
    def is_fixed(self) -> bool:
        """Whether its scale is fixed in the indicator's own unit, so that a transformation would miss it."""
        return self.is_score or self.method in FIXED or "frozen" in self.given

    @property
    def is_relative(self) -> bool:
        """Whether a unit's value is brought to the scale by those of other units."""
        return not (self.is_score or self.method in ("goalposts", "scaled") or "frozen" in self.given)


SCORES = frozenset({"ratio", "piecewise", "steps", "thresholds", "as-is"})
FIXED = frozenset({"goalposts", "scaled", "distance-to-target"})


@dataclass(frozen=True)
class Item:
    """An indicator or an aggregate. `direction` is 1 if more is better, else -1; `weight` is among its siblings.

    `treat`, `normal` and `way` are None where the recipe's own hold.
    """

    code: str
    title: Words
    parent: str
    direction: int = 1
    weight: float = 1.0
    about: Words | None = None
    unit: str = ""
    denominator: str = ""
    scale: float = 1.0
    target: float | None = None
    measures: str = ""
    source: Source | None = None
    treat: Rule | None = None
    normal: Normal | None = None
    way: str = ""
    least: float | None = None
    from_where: str = ""


@dataclass(frozen=True)
class Imputing:
    """`method`: none, group-mean, group-median, mean, median, regression or carry; `group` is a column."""

    method: str = "none"
    group: str = ""
    predictors: int = 3
    most_years: int = 0


@dataclass(frozen=True)
class Screening:
    """The least share of indicators known of a unit, and of those known that are not zero; before or after imputing."""

    least: float = 0.0
    least_nonzero: float = 0.0
    of: Literal["measured", "filled"] = "measured"


@dataclass(frozen=True)
class Weighting:
    """`method`: given, equal, pca-loadings, pca-variance, budget, ahp or influence.

    `below` names the aggregates whose children are weighted so; the others keep the given weights. () is all.
    `matrices` are comparisons by aggregate; `wanted` importances by item, and by `measure` of influence.
    """

    method: str = "given"
    below: tuple[str, ...] = ()
    matrices: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    wanted: Mapping[str, float] = field(default_factory=dict)
    measure: Literal["squared-correlation", "correlation-ratio"] = "squared-correlation"


@dataclass(frozen=True)
class Aggregating:
    """`method` of all aggregates, or by `levels` (2: those of indicators only); an item's own goes before both."""

    method: str = "arithmetic"
    levels: Mapping[int, str] = field(default_factory=dict)
    least: float = 0.0


@dataclass(frozen=True)
class Minimum:
    """Units of which a column is below `least` are left out as too small to be told of."""

    column: str
    least: float


@dataclass(frozen=True)
class Recipe:
    """The steps, in their order. `unusable` says what is done with an indicator that has no variance or no value."""

    impute: Imputing = Imputing()
    screen: Screening = Screening()
    treat: Rule = NO_TREATMENT
    normalise: Normal = Normal("min-max", {"range": [0, 100]})
    weight: Weighting = Weighting()
    aggregate: Aggregating = Aggregating()
    denominate: bool = True
    unusable: Literal["refuse", "leave-out"] = "refuse"


@dataclass(frozen=True, eq=False)
class Framework:
    """A framework that was checked: its tree is one, its weights can be shared out, its unit is no person."""

    code: str
    version: str
    title: Words
    purpose: Literal["index", "profile"]
    unit: str
    items: tuple[Item, ...]
    recipe: Recipe
    document: Mapping[str, Any]
    about: Words | None = None
    source: str = ""
    denominators: Sequence[Mapping[str, Any]] = ()
    groups: Sequence[Mapping[str, Any]] = ()
    minimum: Minimum | None = None

    @cached_property
    def tree(self) -> Hierarchy:
        """The tree of the items."""
        return hierarchy_of({item.code: item.parent for item in self.items})

    @cached_property
    def by_code(self) -> Mapping[str, Item]:
        """Items by their code."""
        return {item.code: item for item in self.items}

    @cached_property
    def indicators(self) -> tuple[Item, ...]:
        """The indicators, in the tree's order."""
        return tuple(self.by_code[code] for code in self.tree.codes[: self.tree.indicators])

    @property
    def aggregates(self) -> tuple[Item, ...]:
        """The aggregates, in the tree's order; the index is the last."""
        return tuple(self.by_code[code] for code in self.tree.aggregates)

    @cached_property
    def given_weights(self) -> Floats:
        """The weight of each item of the tree, as it is written."""
        return np.array([self.by_code[code].weight for code in self.tree.codes], float)

    @cached_property
    def directions(self) -> Floats:
        """1 or -1 for each indicator."""
        return np.array([item.direction for item in self.indicators], float)

    @property
    def ways(self) -> list[str]:
        """How each aggregate is made: its own way, that of its level, or that of all."""
        rule = self.recipe.aggregate
        level = dict(zip(self.tree.codes, self.tree.level.tolist(), strict=True))
        return [item.way or rule.levels.get(level[item.code], rule.method) for item in self.aggregates]

    @property
    def leasts(self) -> list[float]:
        """The least known share of weight of each aggregate."""
        return [self.recipe.aggregate.least if one.least is None else one.least for one in self.aggregates]
