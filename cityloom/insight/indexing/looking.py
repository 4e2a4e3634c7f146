"""An index as its own pages look at it: the study, its units and tree, and how sure each rank is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from django.utils.translation import get_language

from cityloom.insight.domain.robustness import choices, ranking, runs, sobol
from cityloom.insight.domain.robustness.tree import Floats, Ints
from cityloom.insight.domain.study.study import Cell, Step, Study
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies import index_base, index_question
from cityloom.insight.studies.index_base import Base
from cityloom.insight.studies.index_varied import varied
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of

RUNS = 2_000
CERTAIN = 0.9
MOST_CELLS = 60_000
"""Of larger indices (units times indicators) a page does not work runs; the kind `index-robustness` does."""
_SEED = 1
Address = Callable[[Cell], str]
_LARGE = ("With {value} values this index is too large to work its intervals on a page (at most {limit}); have a "
          "study of the kind index-robustness worked.")  # fmt: skip
_NO_INDEX = "The study {value} is none of an index with a ranking; its page is that of studies."


@dataclass(frozen=True, eq=False)
class Sure:
    """How sure ranks are: 5 and 95 % of the ranks of `RUNS` runs, places not told apart, groups and
    tiers of them, and pairs."""

    low: Ints
    high: Ints
    first: Ints
    last: Ints
    group: Ints
    tier: Ints
    probability: Floats


@dataclass(frozen=True, eq=False)
class Look:
    """`order` are the units from the highest; `sure` is None, and `why` says why, where no runs were worked."""

    study: Study
    base: Base
    names: list[str]
    order: list[int]
    ranks: Ints
    sure: Sure | None
    why: str

    @property
    def titles(self) -> list[str]:
        """The items' titles in the reader's language."""
        return [title_of(self.base.framework.by_code[code].title) for code in self.base.codes]

    @property
    def title(self) -> str:
        """What the index is called."""
        return title_of(self.base.framework.title)

    def row(self, place: int) -> tuple[str, ...]:
        """What the row of a unit is called in the steps of the study."""
        years = self.base.index.data.years
        at = self.base.rows[place]
        unit = self.base.units[place]
        return (unit,) if years is None else (unit, str(int(years[at])))

    def has(self, step: str) -> bool:
        """Whether the study has a step."""
        return any(one.name == step for one in self.study.steps)

    def with_steps(self, *steps: Step) -> Study:
        """The study with further steps behind its own, to tell of."""
        return Study(self.study.kind, self.study.question, self.study.inputs, (*self.study.steps, *steps))


def title_of(title: Mapping[str, str]) -> str:
    """A text by language, in the reader's."""
    return title.get((get_language() or "en").lower()) or title["en"]


@dataclass(frozen=True)
class _Held:
    """A study by its digest."""

    digest: str
    study: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


def look(study: Study) -> Look:
    """An index to look at; its ranks are worked a few thousand times, once for each study.

    Raises: Refused `insight.index_page` for another study, and as the kind `index`.
    """
    if study.kind != "index" or not any(one.name == "ranking" for one in study.steps):
        raise Refused("insight.index_page", _NO_INDEX, value=study.kind)
    base, names, order, ranks, sure, refused = _looked(_Held(study.digest(), study))
    return Look(study, base, names, order, ranks, sure, "" if refused is None else sentence_of(refused))


@lru_cache(maxsize=4)
def _looked(held: _Held) -> tuple[Base, list[str], list[int], Ints, Sure | None, Refused | None]:
    study: Study = held.study
    base = index_base.base_of(study.question, study.inputs)
    ranks = ranking.ranks_of(base.items[None, :, -1])[0].astype(np.int64)
    order = np.lexsort((np.arange(len(ranks)), ranks)).tolist()
    names = base.names(index_question.units_of(study.inputs))
    if len(base.rows) * base.tree.items > MOST_CELLS:
        size = len(base.rows) * base.tree.items
        large = Refused("insight.index_large_page", _LARGE, value=size, limit=MOST_CELLS)
        return base, names, order, ranks, None, large
    try:
        return base, names, order, ranks, _sure(study, base, order), None
    except Refused as refused:
        return base, names, order, ranks, None, refused


def _sure(study: Study, base: Base, order: list[int]) -> Sure:
    question: Mapping[str, Any] = study.question
    made = varied(question, study.inputs, base)
    groups = [one.columns for one in choices.choices_of(made.uncertain, base.tree)]
    runs.check(made.variants, base.tree, made.uncertain, RUNS)
    points = sobol.sample(RUNS, sum(groups), np.random.default_rng(_SEED), "random")
    found = ranking.ranks_of(runs.scores(made.variants, base.tree, made.uncertain,
                                         choices.drawn(points, made.uncertain, base.tree)))  # fmt: skip
    low, high = ranking.rank_quantiles(found, (0.05, 0.95))
    probability, at = ranking.above(found), np.array(order)
    first, last = ranking.told_apart(probability, at, CERTAIN)
    return Sure(low, high, first, last, ranking.tie_groups(probability, at, CERTAIN),
                ranking.tiers(probability, at, CERTAIN), probability)


def column_of(look: Look, step: str, column: str) -> Floats:
    """A column of a step, for the units that are looked at; nan where the step has none."""
    table: Table = look.study.step(step).table
    if column not in table.columns:
        return np.full(len(look.names), np.nan)
    return np.array([table[column][table.row_of(look.row(place))] for place in range(len(look.names))], np.float64)

