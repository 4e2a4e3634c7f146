"""The work of the kind `people`: tables to a plan, the plan to a central projection and its futures, those to steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.people.cells import Base, base_of, places_in, schedule_of
from cityloom.insight.domain.people.futures import Futures, simulate
from cityloom.insight.domain.people.plan import Central, Plan, group_names, projected
from cityloom.insight.domain.people.settling import housing_capacity
from cityloom.insight.domain.people.spreads import Fitted, spread_of
from cityloom.insight.domain.study.study import Note, Told
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies.kinds import Worked
from cityloom.insight.studies.people_steps import steps_of
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
MOST_CELLS = 60_000_000
_ONE = "Give {limit} as one column or the other; the table {value} has both or neither."
_MUCH = ("That would be {value} cells of people in the central projection; at most {limit} are worked: fewer years, or"
         " groups of five years.")  # fmt: skip


def work(question: Mapping[str, Any], inputs: Mapping[str, Table], told: Told) -> Worked:
    """Work the question. Raises: Refused, as the rooms that it calls."""
    base = base_of(inputs["base"])
    plan = plan_of(question, inputs, base)
    cells = plan.base.people.size * (plan.steps + 1)
    if cells > MOST_CELLS:
        raise Refused("insight.people_too_many_cells", _MUCH, value=f"{cells:,}", limit=f"{MOST_CELLS:,}")
    told(0.02, "projection")
    central = projected(plan)
    asked = question.get("futures", {})
    fitted = spread_of(asked, base, inputs.get("past"), inputs.get("past_mortality"))
    starts, ages = _starts(question, base)
    futures = simulate(central.course, fitted.spread, starts, int(asked.get("count", 1000)),
                       int(question.get("seed", 1)), lambda share: told(0.05 + 0.85 * share, "futures"))  # fmt: skip
    told(0.92, "tables")
    steps = steps_of(question, plan, central, futures, fitted, group_names(ages))
    return Worked(steps, _notes(inputs, plan, central, futures, fitted))


def plan_of(question: Mapping[str, Any], inputs: Mapping[str, Table], base: Base) -> Plan:
    """The plan of a question. Raises: Refused `insight.people_columns`, and as `cells.schedule_of`."""
    first, width = int(question["base_year"]), base.width
    steps = max(1, -(-int(question.get("years", 20)) // width))
    mortality = _one_of(inputs["mortality"], "mortality", "rate", "qx")
    migration = inputs.get("migration")
    net = _one_of(migration, "migration", "net", "rate") if migration is not None else ""
    years = [first + width * (number + 1) for number in range(steps)]
    return Plan(
        base, first, steps,
        schedule_of(inputs["fertility"], "rate", base.districts, by_sex=False),
        schedule_of(inputs["mortality"], mortality, base.districts, by_sex=True),
        None if migration is None else schedule_of(migration, net, base.districts, by_sex=True, signed=True),
        are_chances=mortality == "qx", is_rate=net == "rate", sex_ratio=float(question.get("sex_ratio", 1.05)),
        timing=str(question.get("migration", "spread")),
        fertility_change=float(question.get("fertility_change", 0)),
        mortality_change=float(question.get("mortality_change", 0)),
        infant_rule=question.get("infants", "andreev-kingkade"),
        capacity=_capacity(inputs.get("housing"), base, years), spill=question.get("without_room", "move") == "move",
        totals=_totals(inputs.get("total"), years),
    )  # fmt: skip


def _one_of(given: Table, name: str, one: str, other: str) -> str:
    there = [column for column in (one, other) if column in given.columns]
    if len(there) != 1:
        raise Refused("insight.people_columns", _ONE, value=name, limit=f"{one} / {other}")
    return there[0]


def _capacity(housing: Table | None, base: Base, years: list[int]) -> Floats | None:
    """Room by step and district: what a district's last row before says; no row is no limit."""
    if housing is None:
        return None
    place, year = places_in(housing, base.districts), np.asarray(housing["year"], np.int64)
    vacancy = housing["vacancy"] if "vacancy" in housing.columns else 0.0
    room = housing_capacity(housing["dwellings"], housing["people_per_dwelling"], vacancy)
    found = np.full((len(years), len(base.districts)), np.inf)
    for row in np.argsort(year, kind="stable"):
        found[np.array(years) >= year[row], place[row]] = room[row]  # type: ignore[index]
    return found


def _totals(total: Table | None, years: list[int]) -> Floats | None:
    if total is None:
        return None
    known = dict(zip(np.asarray(total["year"], np.int64).tolist(), total["people"].tolist(), strict=True))
    return np.array([float(known.get(year, np.nan)) for year in years])


def _starts(question: Mapping[str, Any], base: Base) -> tuple[list[int], list[int]]:
    """Broader groups as places in the ages of the people, and the ages themselves; those between ages are left out."""
    wanted = question.get("age_groups", [0, 3, 6, 12, 15, 18, 60, 80])
    ages = [one for one in wanted if one in set(base.ages.tolist())]
    return np.searchsorted(base.ages, ages).tolist(), ages


def _notes(inputs: Mapping[str, Table], plan: Plan, central: Central, futures: Futures, fitted: Fitted) -> list[Note]:
    notes = [Note("how")]
    if plan.base.unknown:
        notes.append(Note("unknown_cells", plan.base.unknown, weight="doubt"))
    if "estimated" in inputs["base"].columns:
        share = float(np.nanmean(np.asarray(inputs["base"]["estimated"], float) > 0))
        if share:
            notes.append(Note("estimated", round(100 * share), weight="doubt"))
    assumed = [name for name, (source, _years) in fitted.sources.items() if source == "assumed"]
    if assumed:
        notes.append(Note("assumed_spread", ", ".join(assumed), weight="doubt"))
    if plan.migration is None:
        notes.append(Note("no_migration", weight="doubt"))
    if plan.totals is not None:
        unmet = int(np.isnan(plan.totals).sum())
        notes.append(Note("raked", plan.steps - unmet, plan.steps))
    if plan.capacity is not None and float(central.unmet.max()) > 0.5:
        notes.append(Note("without_room", round(float(central.unmet[-1].sum())), plan.years[-1], "doubt"))
    return notes
