"""What a table says of a case: the result, the rules that fired, and what would have had to be different."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cityloom.cases.domain.decisions import regions
from cityloom.cases.domain.decisions.analysis import Grid, rules_before
from cityloom.cases.domain.decisions.regions import Region
from cityloom.cases.domain.decisions.tables import Column, Hit, Rule, Table, given_of
from cityloom.kernel.refused import Refused

Outcome = dict[str, Any]
MOST_WAYS = 5


@dataclass(frozen=True)
class Change:
    """One input that would have had to be different: the cell that it would have had to meet."""

    input: str
    label: str
    must: str
    was_missing: bool


@dataclass(frozen=True)
class Way:
    """One set of changes with which the rule of a row would have fired."""

    row: int
    changes: tuple[Change, ...]
    because: str = ""


@dataclass(frozen=True)
class Decided:
    """The results in the order of the hit policy, the rows that fired, and inputs that were not known."""

    results: tuple[Outcome, ...]
    fired: tuple[int, ...]
    reasons: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def result(self) -> Outcome | None:
        """The one result; None where no rule fired."""
        return self.results[0] if self.results else None


def decide(table: Table, facts: Mapping[str, Any]) -> Decided:
    """What the table says of these facts.

    Raises: Refused `cases.input_wrong`, `cases.table_overlaps`, `cases.table_contradicts`.
    """
    given = given_of(table, facts)
    matched = [(row, rule) for row, rule in enumerate(table.rules, 1) if rule.matches(given)]
    missing = tuple(column.name for column, value in zip(table.inputs, given, strict=True) if value is None)
    fired = _fired(table, matched)
    return Decided(
        _aggregated(table, [_outcome(table, rule) for _, rule in fired]), tuple(row for row, _ in fired),
        tuple(rule.because for _, rule in fired if rule.because), missing,
    )  # fmt: skip


def _fired(table: Table, matched: list[tuple[int, Rule]]) -> list[tuple[int, Rule]]:
    if table.hit is Hit.UNIQUE and len(matched) > 1:
        raise Refused("cases.table_overlaps", "Rules of a UNIQUE table overlap, in rows {value}; make them apart, or "
                      "choose another hit policy.", value=", ".join(str(row) for row, _ in matched))  # fmt: skip
    if table.hit is Hit.ANY and len({rule.outcome for _, rule in matched}) > 1:
        raise Refused("cases.table_contradicts", "Rules of an ANY table match the same case and say different things, "
                      "in rows {value}.", value=", ".join(str(row) for row, _ in matched))  # fmt: skip
    if table.hit in (Hit.PRIORITY, Hit.OUTPUT_ORDER):
        matched = sorted(matched, key=lambda pair: table.rank(pair[1]))
    return matched[:1] if table.hit in (Hit.FIRST, Hit.PRIORITY) else matched


def _outcome(table: Table, rule: Rule) -> Outcome:
    return {column.name: column.type.outside(value)
            for column, value in zip(table.outputs, rule.outcome, strict=True)}  # fmt: skip


def _aggregated(table: Table, results: list[Outcome]) -> tuple[Outcome, ...]:
    if table.hit is Hit.ANY:
        return tuple(results[:1])
    if not table.aggregation:
        return tuple(results)
    name = table.outputs[0].name
    if table.aggregation == "COUNT":
        return ({name: len(results)},)
    return ({name: _AGGREGATES[table.aggregation](result[name] for result in results)},) if results else ()


_AGGREGATES: Mapping[str, Callable[[Any], Any]] = {"SUM": sum, "MIN": min, "MAX": max}


def ways_to(table: Table, facts: Mapping[str, Any], wanted: Callable[[Outcome], bool]) -> list[Way]:
    """The smallest changes of inputs with which the table would have said what is wanted, those of the fewest inputs.

    Exact for tables whose every result is wanted. Where other rules stand before, their cases are taken out of the way.

    Raises: Refused `cases.input_wrong`.
    """
    given = given_of(table, facts)
    rules = sorted(
        (sum(map(_unmet, rule.regions, given)), at)
        for at, rule in enumerate(table.rules)
        if _can_fire(table, rule) and wanted(_outcome(table, rule))
    )
    found: list[Way] = []
    fewest = 0
    for count, at in rules:
        if (found and count > fewest) or len(found) >= MOST_WAYS:
            break
        needed = _needed(table, given, at, wanted) if count else None
        if needed is not None:
            fewest = count
            found.append(Way(at + 1, _changes(table, given, needed), table.rules[at].because))
    return found


def _can_fire(table: Table, rule: Rule) -> bool:
    """Whether its cells allow anything; a table in which one does not is refused at upload."""
    return all(regions.intersection(region, column.universe)
               for region, column in zip(rule.regions, table.inputs, strict=True))  # fmt: skip


def _unmet(region: Region, value: Any) -> bool:
    return region != regions.EVERYTHING and (value is None or not regions.contains(region, value))


def _needed(table: Table, given: Sequence[Any], at: int, wanted: Callable[[Outcome], bool]) -> list[Region] | None:
    """The cells that the inputs have to meet so that this rule has its say; None where there is no such case."""
    own = table.rules[at].regions
    sooner = [other for other in rules_before(table, at) if not wanted(_outcome(table, table.rules[other]))]
    if not sooner:
        return list(own)
    grid = _grid(table)
    kept = [not _unmet(region, value) for region, value in zip(own, given, strict=True)]
    sooner = [other for other in sooner if not any(
        keep and value is None and region != regions.EVERYTHING
        for keep, value, region in zip(kept, given, table.rules[other].regions, strict=True))]  # fmt: skip
    box = [grid.piece_of(column, value) if keep and value is not None else mask
           for column, (keep, value, mask) in enumerate(zip(kept, given, grid.masks[at], strict=True))]  # fmt: skip
    free = grid.uncovered(box, sooner, 1)
    if not free:
        return None
    return [region if keep else grid.region(column, mask)
            for column, (keep, region, mask) in enumerate(zip(kept, own, free[0], strict=True))]  # fmt: skip


@lru_cache(maxsize=64)
def _grid(table: Table) -> Grid:
    return Grid(table)


def _changes(table: Table, given: Sequence[Any], needed: Sequence[Region]) -> tuple[Change, ...]:
    return tuple(_change(column, region, value)
                 for column, region, value in zip(table.inputs, needed, given, strict=True)
                 if _unmet(region, value))  # fmt: skip


def _change(column: Column, region: Region, value: Any) -> Change:
    words = regions.words(region, column.type.literal, discrete=column.type.is_discrete)
    return Change(column.name, column.label or column.name, words, value is None)
