"""Questions that are asked of any dataset, written once for every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cityloom.lake.domain.dataset import AT, DAY, THING

if TYPE_CHECKING:
    import ibis.expr.types as ir


def by(facts: ir.Table, *keys: str, number: str = "") -> ir.Table:
    """How many facts there are for each value of the keys, and the mean, least and greatest of a number."""
    counted = {"facts": facts.count()}
    if number:
        of = facts[number]
        counted |= {"mean": of.mean(), "least": of.min(), "most": of.max()}
    return facts.group_by(list(keys)).aggregate(**counted).order_by(list(keys))


def history(facts: ir.Table, thing: int) -> ir.Table:
    """All facts of one thing, the oldest first."""
    return facts.filter(facts[THING] == thing).order_by(AT)


def latest(facts: ir.Table) -> ir.Table:
    """The last fact of each thing."""
    import ibis

    ranked = facts.mutate(nth=ibis.row_number().over(group_by=THING, order_by=ibis.desc(AT)))
    return ranked.filter(ranked.nth == 0).drop("nth").order_by(THING)


def by_day(facts: ir.Table) -> ir.Table:
    """Facts of each day."""
    return by(facts, DAY)
