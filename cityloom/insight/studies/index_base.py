"""An index that was worked, as its robustness and its audit take it: one year, units with a score, one tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cityloom.insight.domain.indicators.framework import Framework
from cityloom.insight.domain.indicators.working import Index
from cityloom.insight.domain.indicators.working import worked as work_index
from cityloom.insight.domain.robustness.tree import Floats, Ints, Tree
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies import index_question
from cityloom.kernel.refused import Refused

FEWEST = 3
_PROFILE = "{value} is a profile: nothing is added up and nobody ranked, so there is no ranking to examine."
_FEW = "{value} units have a score, and at least {limit} are needed to examine a ranking."


@dataclass(frozen=True, eq=False)
class Base:
    """The index, the rows (of its arrays) that are examined, its tree, and the values of all items [units, items]."""

    index: Index
    rows: Ints
    tree: Tree
    items: Floats

    @property
    def framework(self) -> Framework:
        """The framework."""
        return self.index.framework

    @property
    def units(self) -> list[str]:
        """The units, in the rows' order."""
        return [self.index.data.units[row] for row in self.rows]

    @property
    def codes(self) -> tuple[str, ...]:
        """The items' codes: indicators first, the index last."""
        return self.framework.tree.codes

    @property
    def titles(self) -> list[str]:
        """The items' titles."""
        return [self.framework.by_code[code].title["en"] for code in self.codes]

    def names(self, table: Table) -> list[str]:
        """What the units are called."""
        if "name" not in table.columns:
            return self.units
        return [str(table["name"][self.index.kept[row]]) for row in self.rows]


def base_of(question: Mapping[str, Any], inputs: Mapping[str, Table]) -> Base:
    """Work the index of a question.

    Raises: Refused, as the kind `index`; `insight.robust_profile`, `insight.robust_few`.
    """
    framework = index_question.framework_of(question)
    data = index_question.data_of(framework, inputs)
    return base_from(work_index(framework, data), index_question.year_of(question, data))


def base_from(index: Index, year: int | None) -> Base:
    """Of an index that was worked, the units with a score in one year.

    Raises: Refused `insight.robust_profile`, `insight.robust_few`.
    """
    if index.framework.purpose != "index":
        raise Refused("insight.robust_profile", _PROFILE, value=index.framework.title["en"][:80])
    known = ~np.isnan(index.index)
    rows = np.flatnonzero(known if year is None else known & (index.data.years == year))
    if len(rows) < FEWEST:
        raise Refused("insight.robust_few", _FEW, value=len(rows), limit=FEWEST)
    return Base(index, rows, tree_of(index), np.concatenate([index.normalised, index.scores], 1)[rows])


def tree_of(index: Index) -> Tree:
    """The tree of an index with the weights that its recipe made."""
    shape = index.framework.tree
    return Tree(shape.indicators, shape.parent, shape.level, index.weights.values, tuple(index.framework.leasts))
