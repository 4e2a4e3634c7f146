"""Changes to plans of zones: drafted by computer, changed by hand, published with a day; `actions` is their door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from django.db import transaction

from cityloom.bus import actions as bus
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import policies
from cityloom.registers.domain import zoning, zoning_codes, zoning_load
from cityloom.registers.domain import zoning_measures as measures
from cityloom.registers.domain.draft import Ints
from cityloom.registers.domain.zoning import Across, Zones
from cityloom.registers.domain.zoning_answers import Effect, ZoneFacts
from cityloom.registers.domain.zoning_cells import CellGraph
from cityloom.registers.events import ZonePlanPublished
from cityloom.registers.models import City, WorkZone, ZoneGrid, ZonePlan
from cityloom.registers.zones import book
from cityloom.registers.zones.cases import past_cases
from cityloom.registers.zones.ground import CityCells, cells_with_loads

MOST_ZONES = 100_000
_NAME = 120


@dataclass(frozen=True)
class Wish:
    """What a plan shall be: `counties` are official codes (6 digits) by district.

    `cases` are past cases by unit cell; None takes those of the last twelve months from the lake.
    """

    name: str
    zones: int = 0
    weights: Mapping[str, float] = field(default_factory=lambda: zoning_load.WEIGHTS)
    cases: Mapping[int, int] | None = None
    counties: Mapping[str, str] = field(default_factory=dict)
    seed: int = 1


def draft_zone_plan(*, wish: Wish, by: Actor, at: datetime, across: Across = map, most_cells: int = 0) -> str:
    """Divide the city anew into about so many zones, and return the draft's id; `most_cells` bounds a patient reader.

    Raises: Refused `zones.role`, `.name`, `.number`, `.weights`, `.unit`, `.county`, `.too_many`, `.large`,
    `city.none`.
    """
    policies.check_can_plan(by)
    name = _checked_name(wish.name)
    if not 1 <= wish.zones <= MOST_ZONES:
        raise Refused("zones.number", "A city is divided into 1 to {limit} zones; {value} is not possible.",
                      value=wish.zones, limit=MOST_ZONES)  # fmt: skip
    weights = zoning_load.checked(wish.weights)
    city = _city_cells(weights, _cases(wish, at), most_cells)
    zone = zoning.plan(city.graph, wish.zones, seed=wish.seed, across=across)
    of = measures.measured(city.graph, zone)
    codes = zoning_codes.codes(_communities_of(city, of, wish.counties), book.published_codes())
    row = _draft(name, wish, weights, city, by=by, at=at)
    with transaction.atomic():
        book.write(row, city.graph, zone, codes)
    return row.id


def rebalance_zone_plan(
    *, plan_id: str, wish: Wish, by: Actor, at: datetime, across: Across = map, most_cells: int = 0
) -> str:  # fmt: skip
    """Draft next year's plan from one there is, under today's loads: at most 5 % of the cells move.

    Weights and county codes stay those of the plan.

    Raises: Refused `zones.role`, `.no_plan`, `.name`, `.too_many`, `.large`, `city.none`.
    """
    policies.check_can_plan(by)
    name, last = _checked_name(wish.name), book.find(plan_id)
    city = _city_cells(last.weights, _cases(wish, at), most_cells)
    known = _zones_known(last, city.graph)
    found = zoning.rebalance(city.graph, known, seed=wish.seed, across=across)
    kept, zone = np.unique(found, return_inverse=True)
    zone = zone.reshape(-1).astype(np.int32)
    of = measures.measured(city.graph, zone)
    counties = {**last.counties, **wish.counties}
    codes = _codes_again(book.codes_by_number(last.id), kept.tolist(), _communities_of(city, of, counties))
    row = _draft(name, wish, last.weights, city, by=by, at=at)
    row.based_on, row.counties, row.wanted = last.id, counties, last.wanted
    moved = int(((known >= 0) & (known != found)).sum())
    row.figures |= {"moved": moved, "moved_share": round(moved / max(int((known >= 0).sum()), 1), 4)}
    with transaction.atomic():
        book.write(row, city.graph, zone, codes)
    return row.id


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= _NAME:
        raise Refused("zones.name", "Give the plan a name of 1 to {limit} letters.", limit=_NAME)
    return name


def _cases(wish: Wish, at: datetime) -> Mapping[int, int]:
    return past_cases(at) if wish.cases is None else wish.cases


def _city_cells(weights: Mapping[str, float], cases: Mapping[int, int], most_cells: int) -> CityCells:
    city = cells_with_loads(weights, cases)
    if most_cells and len(city.graph) > most_cells:
        raise Refused("zones.large", "This city has {value} unit cells, too many to divide while a page waits (at most "
                      "{limit}); run `cityloom zones plan` or `cityloom zones rebalance` instead.",
                      value=len(city.graph), limit=most_cells)  # fmt: skip
    return city


def _draft(
    name: str, wish: Wish, weights: Mapping[str, float], city: CityCells, *, by: Actor, at: datetime
) -> ZonePlan:
    version = City.objects.values_list("data_version", flat=True).get()
    return ZonePlan(
        id=ids.new_ulid(), name=name, data_version=version, seed=wish.seed, wanted=wish.zones, weights=dict(weights),
        counties=dict(wish.counties), communities=list(city.communities.ids), made_by=by.account, made_at=at,
        changed_at=at, figures={
            "counted_from": dict(city.counted_from),
            "counted": {kind: int(count.sum()) for kind, count in city.counts.items()},
        },
    )  # fmt: skip


def _communities_of(city: CityCells, of: measures.ZoneMeasures, counties: Mapping[str, str]) -> list[str]:
    """The first 12 digits of each zone's identifier."""
    known = {
        number: zoning_codes.community_code(city.communities.ids[number], dict(counties))
        for number in np.unique(of.community).tolist()
    }
    return [known[number] for number in of.community.tolist()]


def _codes_again(codes: Sequence[str], numbers: Sequence[int], communities: Sequence[str]) -> list[str]:
    """The identifiers that zones had, and new ones for those that are new."""
    new = [community for number, community in zip(numbers, communities, strict=True) if number >= len(codes)]
    fresh = iter(zoning_codes.codes(new, book.published_codes()))
    return [codes[number] if number < len(codes) else next(fresh) for number in numbers]


def _zones_known(last: ZonePlan, graph: CellGraph) -> Zones:
    """The zone that each cell had in a plan, -1 where it had none."""
    grid = book.grid_of(last)
    at = np.minimum(np.searchsorted(grid.graph.cell, graph.cell), len(grid.graph) - 1)
    return np.where(grid.graph.cell[at] == graph.cell, grid.zone[at], -1).astype(np.int32)


def move_cells(*, plan_id: str, cells: Sequence[int], to_code: str, by: Actor, at: datetime) -> Effect:
    """Put cells of a draft into another zone of their subdistrict, and say what became of the zones concerned.

    Raises: Refused `zones.role`, `.no_plan`, `.published`, `.no_zone`, `.cells`, `.other_subdistrict`, `.apart`,
    `.empty`.
    """
    book.grid_of(book.find(plan_id))  # what never changes is read before others have to wait
    with transaction.atomic():
        row = _locked(plan_id)
        policies.check_can_change(by, row.state)
        target = book.zone_with(plan_id, to_code)
        grid = book.grid_of(row)
        rows = _rows_of(grid.graph, cells)
        around = np.flatnonzero(grid.graph.subdistrict == _subdistrict_of(grid, target.number))
        if not np.isin(rows, around).all():
            raise Refused("zones.other_subdistrict", "A zone lies inside one subdistrict; choose cells and a zone of "
                          "the same one.")  # fmt: skip
        zone = grid.zone.copy()
        numbers = sorted({*zone[rows].tolist(), target.number})
        zone[rows] = target.number
        _check_whole(grid.graph, zone, numbers)
        before = _zones_numbered(plan_id, numbers)
        _store(row, grid.graph.part(around), zone, around, at)
        return Effect(before, _zones_numbered(plan_id, numbers))


def _zones_numbered(plan_id: str, numbers: Sequence[int]) -> list[ZoneFacts]:
    rows = WorkZone.objects.filter(plan_id=plan_id, number__in=numbers).order_by("code")
    return [book.zone_facts(row) for row in rows]


def _locked(plan_id: str) -> ZonePlan:
    book.find(plan_id)
    return ZonePlan.objects.select_for_update().get(id=plan_id)


def _rows_of(graph: CellGraph, cells: Sequence[int]) -> np.ndarray:
    wanted = np.unique(np.array(list(cells), np.int64))
    at = np.minimum(np.searchsorted(graph.cell, wanted), len(graph) - 1)
    if not len(wanted) or (graph.cell[at] != wanted).any():
        raise Refused("zones.cells", "Choose at least one cell of this plan to move.")
    return at


def _subdistrict_of(grid: book.Grid, number: int) -> int:
    return int(grid.graph.subdistrict[int(np.argmax(grid.zone == number))])


def _check_whole(graph: CellGraph, zone: Zones, numbers: Sequence[int]) -> None:
    for number in numbers:
        rows = np.flatnonzero(zone == number)
        if not len(rows):
            raise Refused("zones.empty", "This would leave a zone without any cell; leave it at least one.")
        if not book.is_whole(graph, set(rows.tolist())):
            raise Refused("zones.apart", "A zone would fall into pieces; choose cells that lie side by side at its "
                          "edge.")  # fmt: skip


def _store(row: ZonePlan, part: CellGraph, zone: Zones, around: Ints, at: datetime) -> None:
    """Write the zones of a subdistrict over the old ones; identifiers stay."""
    numbers, inside = np.unique(zone[around], return_inverse=True)
    inside = inside.reshape(-1).astype(np.int32)
    known = dict(WorkZone.objects.filter(plan=row, number__in=numbers.tolist()).values_list("number", "id"))
    codes = [""] * len(numbers)
    fresh = book.zones_as_rows(row, part, inside, measures.measured(part, inside), codes, numbers.tolist())
    for one in fresh:
        one.id = known[one.number]
    WorkZone.objects.bulk_update(fresh, _MEASURED, batch_size=50)
    ZoneGrid.objects.filter(plan=row).update(zone=zone.astype("<i4").tobytes())
    row.figures, row.changed_at = {**row.figures, **book.figures_now(row.id)}, at
    row.save(update_fields=["figures", "changed_at"])


_MEASURED = ("unit_id", "cells", "load", "share", "area_m2", "compactness", "reason", "outline")


def publish_zone_plan(*, plan_id: str, valid_from: date, today: date, by: Actor, at: datetime) -> None:
    """Put a draft in force from a day on; the plan before it ends on that day.

    Raises: Refused `zones.role`, `.no_plan`, `.published`, `.past`, `.before_last`.
    """
    moved = _moved_since_last(plan_id, today)
    with transaction.atomic():
        row, last = _locked(plan_id), book.last_published()
        policies.check_can_publish(by, row.state, valid_from, today, last.valid_from if last else None)
        if not row.based_on:
            _name_anew(row)
        if last is not None:
            ZonePlan.objects.filter(id=last.id).update(valid_until=valid_from)
        row.state, row.valid_from, row.published_by, row.published_at = policies.PUBLISHED, valid_from, by.account, at
        row.save(update_fields=["state", "valid_from", "published_by", "published_at"])
        fact = ZonePlanPublished(row.id, valid_from.isoformat(), int(row.figures["zones"]), moved, at)
        bus.publish(fact, at=at, event_id=ids.named_id("zones published", row.id))


def _moved_since_last(plan_id: str, today: date) -> int:
    row, last = book.find(plan_id), book.last_published()
    return book.compared(last, row, today).moved if last else 0


def _name_anew(row: ZonePlan) -> None:
    """Give zones of a division made anew other identifiers where these were published while it was a draft."""
    taken = set(book.published_codes())
    clashing = list(WorkZone.objects.filter(plan=row, code__in=taken).order_by("number"))
    own = WorkZone.objects.filter(plan=row).values_list("code", flat=True)
    fresh = zoning_codes.codes([zone.code[:12] for zone in clashing], [*taken, *own])
    for zone, code in zip(clashing, fresh, strict=True):
        zone.code = code
    WorkZone.objects.bulk_update(clashing, ["code"], batch_size=500)


@transaction.atomic
def discard_zone_plan(*, plan_id: str, by: Actor, at: datetime) -> None:
    """Throw a draft away; published plans stay for as long as anybody may ask which zone a day had.

    Raises: Refused `zones.role`, `.no_plan`, `.published`.
    """
    row = _locked(plan_id)
    policies.check_can_change(by, row.state)
    row.delete()

