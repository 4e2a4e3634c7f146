"""The kind `demand-chain`: people, what they need, what is missing, who reaches it, where to build; one set of futures.

Futures are drawn once, with the people; future k of the people is future k of demand, gap, load and access, so that the
uncertainty of the last link is that of all links before it, and not a new draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.people.cells import base_of
from cityloom.insight.domain.people.futures import Futures, simulate
from cityloom.insight.domain.people.plan import projected
from cityloom.insight.domain.people.spreads import spread_of
from cityloom.insight.domain.siting.problem import check_size
from cityloom.insight.domain.study.study import Note, Step, Told
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies import chain_sites as sites
from cityloom.insight.studies import chain_steps as steps
from cityloom.insight.studies import travel as ways
from cityloom.insight.studies.access import OF_SUPPLY
from cityloom.insight.studies.access_steps import amounts
from cityloom.insight.studies.chain_example import example
from cityloom.insight.studies.chain_notes import NOTES
from cityloom.insight.studies.chain_told import tell
from cityloom.insight.studies.kinds import InputSpec, Kind, Worked, kind
from cityloom.insight.studies.people_work import plan_of
from cityloom.insight.studies.siting_inputs import column
from cityloom.kernel.refused import Refused

Floats = np.ndarray
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["base_year", "ages"],
    "properties": {
        "base_year": {"type": "integer", "minimum": 1900, "maximum": 2200},
        "years": {"type": "integer", "minimum": 1, "maximum": 30, "default": 10},
        "ages": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 120}, "minItems": 2,
                 "maxItems": 2},
        "rate": {"type": "number", "minimum": 0, "maximum": 1_000, "default": 1},
        "rate_spread": {**_SHARE, "default": 0.03},
        "rate_change": {"type": "number", "minimum": -0.2, "maximum": 0.2, "default": 0},
        "fertility_change": {"type": "number", "minimum": -0.2, "maximum": 0.2, "default": 0},
        "mortality_change": {"type": "number", "minimum": -0.2, "maximum": 0.2, "default": 0},
        "futures": {"type": "object", "additionalProperties": False, "properties": {
            "count": {"type": "integer", "minimum": 20, "maximum": 2_000, "default": 200},
            **{name: {"type": "number", "minimum": 0, "maximum": 1} for name in
               ("fertility", "mortality", "migration", "persistence", "correlation")}}},
        "level": {"type": "number", "minimum": 0.5, "maximum": 0.99, "default": 0.8},
        "catchment": {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000, "default": 30},
        "limit": {"type": "number", "exclusiveMinimum": 0, "maximum": 10_000, "default": 60},
        "p": {"type": "integer", "minimum": 0, "maximum": 1_000, "default": 5},
        "budget": {"type": "number", "minimum": 0},
        "plan_for": {**_SHARE, "default": 0.5},
        "others": {"type": "array", "items": _SHARE, "maxItems": 5, "default": [0.1, 0.9]},
        "seconds": {"type": "number", "minimum": 1, "maximum": 3_600, "default": 30},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**31, "default": 1},
        **ways.MODES,
    },
}  # fmt: skip
_AREAS = "The table of areas lacks {value} of the {limit} districts in the base of people; each needs its lon and lat."
_AGES = "The ages that need the service are to be from a lower to a higher one that the base has, not {value}."


def check(question: Mapping[str, Any]) -> None:
    """Refuse ages that are none.

    Raises: Refused `insight.chain_ages`.
    """
    first, last = question["ages"]
    if first > last:
        raise Refused("insight.chain_ages", _AGES, value=f"{first}, {last}")


def work(question: Mapping[str, Any], inputs: Mapping[str, Table], told: Told) -> Worked:
    """All links, with the same futures through all of them."""
    check(question)
    base = base_of(inputs["base"])
    at = _placed(inputs["areas"], base.districts)
    supply, others = ways.points(inputs["supply"], "facility"), ways.points(inputs["candidates"], "site")
    check_size(len(at.code), len(supply.code) + len(others.code))
    capacity = amounts(inputs["supply"], "capacity")
    told(0.02, "people")
    plan = plan_of(question, inputs, base)
    asked = dict(question.get("futures", {}))
    count, seed, level = (int(asked.get("count", 200)), int(question.get("seed", 1)), float(question.get("level", 0.8)))
    futures = simulate(projected(plan).course, spread_of(asked, base, None, None).spread, _starts(question, base.ages),
                       count, seed, lambda share: told(0.02 + 0.43 * share, "people"))  # fmt: skip
    needing = _needing(question, futures, base.ages)
    demand = needing * _rates(question, count, len(plan.years), seed)[:, None, :]
    told(0.5, "costs")
    both = ways.joined(supply, others)
    reach = max(float(question.get("limit", 60)), float(question.get("catchment", 30)))
    moved = ways.travel(question, inputs, at, both, demand[-1].mean(1), reach)
    told(0.6, "access")
    said = {"level": level, "futures": count}
    near = float(question.get("catchment", 30))
    kept = [
        Step("people", steps.people_table(plan.years, needing, level), said, seed),
        Step("demand", steps.areas_demand(at, needing, demand, level), said, seed),
        Step("gap", steps.gap_table(plan.years, demand, capacity, level), {**said, "capacity": float(capacity.sum())},
             seed),
    ]
    given = sites.Given(at, both, len(supply.code), moved.minutes, np.concatenate([capacity, column(
        inputs["candidates"], "capacity", np.inf)]), np.concatenate([np.zeros(len(capacity)), column(
            inputs["candidates"], "cost", 1.0)]), near)  # fmt: skip
    existing = np.arange(len(both.code)) < len(supply.code)
    before = sites.seen(given, existing, demand[-1], level)
    kept += [Step("facilities", before.facilities, said, seed), Step("access", before.access, said, seed)]
    told(0.7, "sites")
    chosen = sites.chosen(question, given, demand[-1], lambda share: told(0.7 + 0.25 * share, "sites"))
    after = sites.seen(given, chosen.open, demand[-1], level)
    kept += [
        Step("sites", sites.sites_table(given, chosen, after),
             {**said, "plan_for": float(question.get("plan_for", 0.5))}, seed),
        Step("access_after", after.access, said, seed),
        Step("links", steps.links_table(needing, demand, capacity, before, after, given, chosen, level), said, seed),
    ]
    return Worked(kept, [*moved.notes, *_notes(question, chosen)])


def _placed(areas: Table, districts: Any) -> ways.Points:
    """The areas in the order of the districts of the base."""
    known = ways.points(areas, "area")
    at = {one: number for number, one in enumerate(known.code)}
    missing = [one for one in districts if one not in at]
    if missing:
        raise Refused("insight.chain_areas", _AREAS, value=f"{len(missing)} ({missing[0]})", limit=len(districts))
    order = np.array([at[one] for one in districts])
    return ways.Points(list(districts), [known.name[one] for one in order], known.lon[order], known.lat[order])


def _starts(question: Mapping[str, Any], ages: Any) -> list[int]:
    """Where the ages begin that need the service, and where those begin that no longer do."""
    first, last = question["ages"]
    some = np.flatnonzero((ages >= first) & (ages <= last))
    if not len(some):
        raise Refused("insight.chain_ages", _AGES, value=f"{first}, {last}")
    return sorted({0, int(some[0]), int(some[-1]) + 1} - {len(ages)})


def _needing(question: Mapping[str, Any], futures: Futures, ages: Any) -> Floats:
    """People of the ages that need the service, (years, areas, futures)."""
    starts = _starts(question, ages)
    first = int(np.flatnonzero(ages >= question["ages"][0])[0])
    return futures.groups[:, :, starts.index(first)].astype(np.float64)


def _rates(question: Mapping[str, Any], count: int, years: int, seed: int) -> Floats:
    """What one of them needs, (years, futures): a rate that changes, and is off by a walk of its own in each future."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2**20,)))
    walk = np.cumsum(rng.standard_normal((years - 1, count)), 0) * float(question.get("rate_spread", 0.03))
    off = np.vstack([np.zeros((1, count)), walk])
    trend = (1 + float(question.get("rate_change", 0))) ** np.arange(years)
    return float(question.get("rate", 1)) * trend[:, None] * np.exp(off)


def _notes(question: Mapping[str, Any], chosen: sites.Chosen) -> list[Note]:
    notes = [Note("same_futures", int(dict(question.get("futures", {})).get("count", 200))), Note("chain_simple")]
    if not chosen.proved:
        notes.append(Note("chain_bound", round(100 * chosen.gap, 2), weight="doubt"))
    return notes


def _people_inputs() -> tuple[InputSpec, ...]:
    return tuple(one for one in kind("people").inputs if one.name in
                 ("base", "fertility", "mortality", "migration", "housing", "total"))  # fmt: skip


KIND = Kind(
    "demand-chain",
    _("From people to sites"),
    _("People to come by area, what they need of a service, what is missing, who reaches it and where to build, with "
      "the same futures through all links."),
    (
        *_people_inputs(),
        InputSpec("areas", _("Areas and where they are"), ("area",),
                  {"lon": _("longitude, degrees"), "lat": _("latitude, degrees")},
                  {"name": _("what the area is called")}, words=frozenset({"name"})),
        InputSpec("supply", _("Facilities with their capacity"), ("facility",),
                  {"capacity": _("places, beds, doctors: what is shared out")}, OF_SUPPLY, words=frozenset({"name"})),
        InputSpec("candidates", _("Sites that may be opened"), ("site",), {}, {
            **OF_SUPPLY, "capacity": _("people it can serve; empty: any number"), "cost": _("what opening it costs")},
            words=frozenset({"name"})),
        *ways.INPUTS,
    ),
    SCHEMA,
    work,
    tell,
    check,
    notes={**ways.NOTES, **NOTES},
    example=example,
    options="sites",
)  # fmt: skip
