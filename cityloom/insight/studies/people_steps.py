"""The steps of the kind `people`: rates, people, births, components of change and housing, each table with a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.people import lifetable
from cityloom.insight.domain.people.futures import Futures
from cityloom.insight.domain.people.plan import (
    Central,
    Plan,
    death_rates_at,
    fertility_at,
    migration_at,
)
from cityloom.insight.domain.people.spreads import Fitted
from cityloom.insight.domain.study.study import Step
from cityloom.insight.domain.study.tables import Table, table

Floats = NDArray[np.float64]
ALL = "all"
"""The name of all districts, and of all ages, together."""
_MOST_ROWS = 250_000
_BANDS = (0.5, 0.1, 0.9, 0.025, 0.975)
_BAND_NAMES = ("median", "low80", "high80", "low95", "high95")
SEXES = ("female", "male")


def steps_of(question: Mapping[str, Any], plan: Plan, central: Central, futures: Futures, fitted: Fitted,
             groups: Sequence[str]) -> tuple[Step, ...]:  # fmt: skip
    """Every step, in the order of the work."""
    seed = int(question.get("seed", 1))
    given = {"base_year": plan.first_year, "steps": plan.steps, "width": plan.base.width,
             "sex_ratio": plan.sex_ratio, "migration": plan.timing}  # fmt: skip
    drawn = {"futures": int(futures.births.shape[-1])} | {
        name: getattr(fitted.spread, name) for name in fitted.sources}  # fmt: skip
    found = [
        Step("life_table", _life_table(plan), {"year": plan.first_year, "infants": plan.infant_rule}),
        Step("rates", _rates(plan, central), given),
        Step("spread", _spread(fitted)),
        Step("projection", _projection(plan, central, futures, groups), given | drawn, seed),
        Step("births", _births(plan, central, futures), given | drawn, seed),
        Step("change", _change(plan, central), given),
        Step("ages", _ages(plan, central, futures), given | drawn, seed),
        Step("people", _people(plan, central), given),
    ]
    if plan.capacity is not None:
        found.append(Step("housing", _housing(plan, central), {"without_room": "move" if plan.spill else "stay"}))
    return tuple(found)


def _grid(**parts: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """Columns of every combination of the parts, the last one fastest."""
    sizes = [len(one) for one in parts.values()]
    places = np.unravel_index(np.arange(int(np.prod(sizes))), sizes)
    columns: dict[str, NDArray[Any]] = {}
    for (name, values), place in zip(parts.items(), places, strict=True):
        words = isinstance(values[0], str)
        listed = np.array(list(values), object if words else np.int64)
        columns[name] = listed[place]
    return columns


def _life_table(plan: Plan) -> Table:
    rates = death_rates_at(plan, plan.first_year)
    starts = plan.mortality.starts
    widths = np.append(np.diff(starts), plan.base.width).astype(float)
    tables = [lifetable.life_table(rates[:, sex], name, widths=widths, rule=plan.infant_rule)
              for sex, name in enumerate(SEXES)]  # fmt: skip
    names = plan.base.districts if len(rates) > 1 else [ALL]
    columns = _grid(district=names, sex=SEXES, age=starts.tolist())
    for name in ("m", "q", "a", "l", "L", "e"):
        columns[name] = np.stack([getattr(one, name) for one in tables], 1).reshape(-1)
    return Table(columns, ("district", "sex", "age"))


def _rates(plan: Plan, central: Central) -> Table:
    """What is assumed of each step, for the city as a whole: women are weighed by where they live."""
    rows: dict[str, list[float]] = {name: [] for name in ("year", "tfr", "e0_female", "e0_male", "net_migration")}
    for number, year in enumerate(plan.years[:-1]):
        people = central.path.people[number]
        weights = people.sum((1, 2)) / max(people.sum(), 1e-9)
        fertility = np.broadcast_to(fertility_at(plan, year), (len(people), people.shape[-1]))
        rates = death_rates_at(plan, year)
        widths = np.append(np.diff(plan.mortality.starts), plan.base.width).astype(float)
        lives = [lifetable.life_table(rates[:, sex], name, widths=widths, rule=plan.infant_rule).e[:, 0]
                 for sex, name in enumerate(SEXES)]  # fmt: skip
        lives = [float(np.broadcast_to(one, weights.shape) @ weights) for one in lives]
        values = (year, float(weights @ fertility.sum(-1)) * plan.base.width, *lives,
                  float(migration_at(plan, year, people).sum()) / plan.base.width)  # fmt: skip
        for name, value in zip(rows, values, strict=True):
            rows[name].append(value)
    return Table({name: np.array(one, np.int64 if name == "year" else float) for name, one in rows.items()}, ("year",))


def _spread(fitted: Fitted) -> Table:
    """The parameters of the futures, and by how much the past changed a year where it was fitted."""
    rows = [(name, float(getattr(fitted.spread, name)), *fitted.sources[name]) for name in fitted.sources]
    rows += [(name, drift, *fitted.sources[name.split("_")[0]]) for name, drift in fitted.drifts.items()]
    return table("parameter", **dict(zip(("parameter", "value", "source", "years"), zip(*rows, strict=True),
                                         strict=True)))  # fmt: skip


def _projection(plan: Plan, central: Central, futures: Futures, groups: Sequence[str]) -> Table:
    """People by district, year and broader age group, all districts and all ages first."""
    starts = [int(name.split("-")[0].rstrip("+")) for name in groups]
    places = np.searchsorted(plan.base.ages, starts)
    exact = np.add.reduceat(central.path.people.sum(2), places, axis=-1)  # (steps + 1, districts, groups)
    columns = _grid(district=[ALL, *plan.base.districts], year=plan.years, group=[ALL, *groups])
    columns["central"] = _with_sums(exact, (1, 2)).transpose(1, 0, 2).reshape(-1)
    bands = _bands(_with_sums(futures.groups, (1, 2)))
    for name, one in zip(_BAND_NAMES, bands, strict=True):
        columns[name] = one.transpose(1, 0, 2).reshape(-1)
    return Table(columns, ("district", "year", "group"))


def _births(plan: Plan, central: Central, futures: Futures) -> Table:
    columns = _grid(district=[ALL, *plan.base.districts], year=plan.years[:-1])
    columns["central"] = _with_sums(central.path.births.sum(-1), (1,)).T.reshape(-1)
    for name, one in zip(_BAND_NAMES, _bands(_with_sums(futures.births, (1,))), strict=True):
        columns[name] = one.T.reshape(-1)
    return Table(columns, ("district", "year"))


def _change(plan: Plan, central: Central) -> Table:
    """start + births - deaths + migration + adjustment + moves = end, in every row."""
    path = central.path
    columns = _grid(district=[ALL, *plan.base.districts], year=plan.years[:-1])
    parts = {"start": path.people[:-1].sum((2, 3)), "births": path.births.sum(-1), "deaths": path.deaths.sum((2, 3)),
             "migration": path.migration.sum((2, 3)), "adjustment": central.adjusted.sum((2, 3)),
             "moves": central.moved, "end": path.people[1:].sum((2, 3))}  # fmt: skip
    for name, one in parts.items():
        columns[name] = _with_sums(one, (1,)).T.reshape(-1)
    return Table(columns, ("district", "year"))


def _ages(plan: Plan, central: Central, futures: Futures) -> Table:
    """The whole city by sex and age, as a pyramid wants it."""
    columns = _grid(year=plan.years, sex=SEXES, age=plan.base.ages.tolist())
    columns["central"] = central.path.people.sum(1).reshape(-1)
    for name, one in zip(_BAND_NAMES[:3], _bands(futures.city, _BANDS[:3]), strict=True):
        columns[name] = one.reshape(-1)
    return Table(columns, ("year", "sex", "age"))


def _people(plan: Plan, central: Central) -> Table:
    """The central projection by district, sex and age: of every year, or of the last where that is too much."""
    years = plan.years
    if plan.base.people.size * len(years) > _MOST_ROWS:
        years = years[-1:]
    columns = _grid(year=years, district=plan.base.districts, sex=SEXES, age=plan.base.ages.tolist())
    columns["people"] = central.path.people[-len(years) :].reshape(-1)
    return Table(columns, ("year", "district", "sex", "age"))


def _housing(plan: Plan, central: Central) -> Table:
    columns = _grid(district=plan.base.districts, year=plan.years[1:])
    room = np.asarray(plan.capacity)
    columns["room"] = np.where(np.isinf(room), np.nan, room).T.reshape(-1)
    columns["people"] = central.path.people[1:].sum((2, 3)).T.reshape(-1)
    columns["moved"], columns["unmet"] = central.moved.T.reshape(-1), central.unmet.T.reshape(-1)
    return Table(columns, ("district", "year"))


def _with_sums(values: NDArray[np.floating], axes: tuple[int, ...]) -> NDArray[np.floating]:
    """The values with the sum along each axis put before them."""
    for axis in axes:
        values = np.concatenate([values.sum(axis, keepdims=True), values], axis)
    return values


def _bands(values: NDArray[np.floating], shares: Sequence[float] = _BANDS) -> Floats:
    """Quantiles over the last axis, (shares, ...), a step at a time so that no second copy of all is made."""
    return np.stack([np.quantile(one, shares, axis=-1) for one in values], 1)
