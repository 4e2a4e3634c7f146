"""Plans of zones as the database holds them, read and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import h3.api.basic_int as h3
import numpy as np
import shapely
from django.db.models import Avg, Count, Max, Min, Q
from numpy.typing import NDArray

from cityloom.kernel.cells import cell_of
from cityloom.kernel.refused import Refused
from cityloom.registers.domain import zoning_measures as measures
from cityloom.registers.domain.draft import Floats, Ints
from cityloom.registers.domain.zoning import Zones
from cityloom.registers.domain.zoning_answers import BorderCell, PlanDifference, PlanFacts, SubdistrictFacts, ZoneFacts
from cityloom.registers.domain.zoning_cells import PLAIN, RESOLUTION, CellGraph, neighbours_of
from cityloom.registers.domain.zoning_ground import Communities
from cityloom.registers.domain.zoning_measures import ZoneMeasures
from cityloom.registers.domain.zoning_moves import BAND
from cityloom.registers.models import WorkZone, ZoneGrid, ZonePlan
from cityloom.registers.policies import PUBLISHED

_BATCH = 1_000


def find(plan_id: str) -> ZonePlan:
    """The plan. Raises: Refused `zones.no_plan`."""
    row = ZonePlan.objects.filter(id=plan_id).first()
    if row is None:
        raise Refused("zones.no_plan", "There is no plan of zones {value}; `cityloom zones show` lists them.",
                      value=plan_id)  # fmt: skip
    return row


def plans(on: date) -> list[PlanFacts]:
    """Every plan, the newest first; `is_in_force` as of a day."""
    return [facts_of(row, on) for row in ZonePlan.objects.defer("communities").order_by("-made_at", "-id")]


def facts_of(row: ZonePlan, on: date) -> PlanFacts:
    """A plan as others see it."""
    return PlanFacts(
        row.id, row.name, row.state, row.based_on, row.wanted, row.weights, row.figures, row.made_at, row.changed_at,
        row.published_at, row.valid_from, row.valid_until, is_in_force=_is_in_force(row, on),
    )  # fmt: skip


def _is_in_force(row: ZonePlan, on: date) -> bool:
    begun = row.state == PUBLISHED and row.valid_from is not None and row.valid_from <= on
    return begun and (row.valid_until is None or on < row.valid_until)


def in_force(on: date) -> ZonePlan | None:
    """The published plan of a day."""
    begun = ZonePlan.objects.filter(state=PUBLISHED, valid_from__lte=on)
    return begun.filter(Q(valid_until=None) | Q(valid_until__gt=on)).order_by("-valid_from").first()


def last_published() -> ZonePlan | None:
    """The plan that begins last."""
    return ZonePlan.objects.filter(state=PUBLISHED).order_by("-valid_from").first()


def published_codes() -> list[str]:
    """Every identifier that a published plan ever gave."""
    found = WorkZone.objects.filter(plan__state=PUBLISHED).values_list("code", flat=True)
    return list(found.distinct())


@dataclass(frozen=True)
class Grid:
    """The cells of a plan; `graph` knows no roads, since a plan that is drawn needs none."""

    graph: CellGraph
    zone: Zones
    communities: Communities


def grid_of(row: ZonePlan) -> Grid:
    """Read the cells of a plan; what never changes in it is kept for the next time."""
    zone = ZoneGrid.objects.values_list("zone", flat=True).get(plan_id=row.id)
    graph, communities = _ground_of(row.id)
    return Grid(graph, np.frombuffer(bytes(zone), "<i4").astype(np.int32), communities)


@lru_cache(maxsize=2)
def _ground_of(plan_id: str) -> tuple[CellGraph, Communities]:
    grid = ZoneGrid.objects.defer("zone").get(plan_id=plan_id)
    communities = Communities.of(ZonePlan.objects.values_list("communities", flat=True).get(id=plan_id))
    cell = np.frombuffer(bytes(grid.cell), "<i8").astype(np.int64)
    community = np.frombuffer(bytes(grid.community), "<i4").astype(np.int64)
    load = np.frombuffer(bytes(grid.load), "<f8").astype(np.float64)
    near = neighbours_of(cell)
    graph = CellGraph(cell, near, np.full(near.shape, PLAIN), load, communities.subdistrict[community], community)
    return graph, communities


def write(row: ZonePlan, graph: CellGraph, zone: Zones, codes: Sequence[str]) -> None:
    """Store a new plan with its cells and zones, numbered from 0; in the caller's transaction."""
    of = measures.measured(graph, zone)
    figures = figures_of(of.share, of.compactness)
    row.figures = {**row.figures, **figures, "cells": len(graph), "load": round(float(of.load.sum()), 1)}
    row.save(force_insert=True)
    ZoneGrid.objects.create(
        plan=row, cell=graph.cell.astype("<i8").tobytes(), zone=zone.astype("<i4").tobytes(),
        community=graph.community.astype("<i4").tobytes(), load=graph.load.astype("<f8").tobytes(),
    )  # fmt: skip
    rows = zones_as_rows(row, graph, zone, of, codes, range(len(of)))
    WorkZone.objects.bulk_create(rows, batch_size=_BATCH)


def figures_of(share: Floats, compactness: Floats) -> dict[str, float]:
    """What sums a plan up, from the columns of its zones."""
    return {
        "zones": len(share), "uneven": int((np.abs(share - 1) > BAND).sum()),
        "spread": round(measures.spread(share), 4), "compactness": round(float(compactness.mean()), 4),
    }  # fmt: skip


def figures_now(plan_id: str) -> dict[str, float]:
    """The same, from the zones as they are stored."""
    rows = WorkZone.objects.filter(plan_id=plan_id).values_list("share", "compactness")
    share, compactness = np.array(list(rows), np.float64).T
    return figures_of(share, compactness)


def zones_as_rows(
    row: ZonePlan, graph: CellGraph, zone: Zones, of: ZoneMeasures, codes: Sequence[str], numbers: Sequence[int]
) -> list[WorkZone]:
    """Zones with what they measure, not yet stored; `codes` and `numbers` are theirs in the plan."""
    outlines = outlines_of(graph.cell, zone)
    communities = [row.communities[number] for number in of.community.tolist()]
    return [
        WorkZone(
            plan=row, number=number, code=code, unit_id=community, subdistrict_id=community.rpartition("/")[0],
            cells=int(of.cells[at]), load=float(of.load[at]), share=float(of.share[at]),
            area_m2=float(of.area_m2[at]), compactness=float(of.compactness[at]), reason=str(of.reason[at]),
            outline=shapely.to_wkb(outlines[at]),
        )
        for at, (number, code, community) in enumerate(zip(numbers, codes, communities, strict=True))
    ]  # fmt: skip


def outlines_of(cell: Ints, zone: Zones) -> list[shapely.Geometry]:
    """What zones 0, 1, ... cover, along the sides of their cells."""
    order = np.argsort(zone, kind="stable")
    parts = np.split(cell[order], np.cumsum(np.bincount(zone))[:-1])
    shapes = (h3.cells_to_h3shape(part.tolist()).__geo_interface__ for part in parts)
    return [shapely.geometry.shape(shape) for shape in shapes]


def zones_of(
    plan_id: str, subdistrict: str = "", codes: Sequence[str] = (), *, only_uneven: bool = False
) -> list[ZoneFacts]:  # fmt: skip
    """The zones of a plan, or those of a subdistrict, or with these identifiers, by identifier."""
    found = WorkZone.objects.filter(plan_id=plan_id)
    if only_uneven:
        found = found.exclude(reason="")
    if subdistrict:
        found = found.filter(subdistrict_id=subdistrict)
    if codes:
        found = found.filter(code__in=codes)
    return [zone_facts(row) for row in found.order_by("code")]


def zone_facts(row: WorkZone) -> ZoneFacts:
    """A zone as others see it."""
    return ZoneFacts(
        row.number, row.code, row.unit_id, row.subdistrict_id, row.cells, row.load, row.share, row.area_m2,
        row.compactness, row.reason, shapely.from_wkb(bytes(row.outline)),
    )  # fmt: skip


def zone_with(plan_id: str, code: str) -> ZoneFacts:
    """One zone. Raises: Refused `zones.no_zone`."""
    found = zones_of(plan_id, codes=[code])
    if not found:
        raise Refused("zones.no_zone", "There is no zone {value} in this plan; choose one from its list.", value=code)
    return found[0]


def history_of(code: str) -> list[tuple[PlanFacts, ZoneFacts]]:
    """A zone in every published plan that has it, the oldest first; `is_in_force` as of the plan's first day."""
    rows = WorkZone.objects.filter(code=code, plan__state=PUBLISHED).select_related("plan").order_by("plan__valid_from")
    return [(facts_of(row.plan, row.plan.valid_from), zone_facts(row)) for row in rows]  # type: ignore[arg-type]


def subdistricts_of(plan_id: str) -> list[SubdistrictFacts]:
    """The subdistricts of a plan, in the order of their ids."""
    rows = WorkZone.objects.filter(plan_id=plan_id).values("subdistrict_id").order_by("subdistrict_id")
    rows = rows.annotate(
        zones=Count("id"), uneven=Count("id", filter=~Q(reason="")), mean=Avg("load"), least=Min("share"),
        most=Max("share"), shape=Avg("compactness"),
    )  # fmt: skip
    return [
        SubdistrictFacts(
            row["subdistrict_id"], row["zones"], row["uneven"], row["mean"], row["least"], row["most"], row["shape"]
        )
        for row in rows
    ]


def border_cells(row: ZonePlan, zone: ZoneFacts) -> list[BorderCell]:
    """What could leave a zone without parting it, and join a neighbour in its subdistrict; heaviest cells first."""
    grid = grid_of(row)
    graph, of = grid.graph, grid.zone
    facts = {one.number: one for one in zones_of(row.id, zone.subdistrict_id)}
    mean = zone.load / zone.share if zone.share else 1.0
    found = []
    for at in np.flatnonzero(of == zone.number).tolist():
        near = graph.near[at][graph.near[at] >= 0]
        others = set(of[near[graph.subdistrict[near] == graph.subdistrict[at]]].tolist()) - {zone.number}
        if not others or zone.cells < 2 or not stays_whole(graph, of, at):
            continue
        load = float(graph.load[at])
        found += [
            BorderCell(int(graph.cell[at]), load, facts[other].code, zone.share - load / mean,
                       facts[other].share + load / mean)
            for other in sorted(others) if other in facts
        ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.load, one.cell, one.to_code))


def stays_whole(graph: CellGraph, zone: Zones, at: int) -> bool:
    """Whether what is left of a cell's zone hangs together without it."""
    return is_whole(graph, set(np.flatnonzero(zone == zone[at]).tolist()) - {at})


def is_whole(graph: CellGraph, rows: set[int]) -> bool:
    """Whether cells hang together, and are any."""
    seen, ahead = set(), sorted(rows)[:1]
    while ahead:
        fresh = {other for other in graph.near[ahead.pop()].tolist() if other in rows} - seen
        seen |= fresh
        ahead += fresh
    return bool(rows) and (len(seen) == len(rows) or len(rows) == 1)


def zone_at(lon: float, lat: float, on: date) -> ZoneFacts | None:
    """The zone in force at a place on a day."""
    row = in_force(on)
    if row is None:
        return None
    grid = grid_of(row)
    cell = cell_of(lon, lat, RESOLUTION)
    at = int(np.searchsorted(grid.graph.cell, cell))
    if at == len(grid.graph) or grid.graph.cell[at] != cell:
        return None
    return zone_facts(WorkZone.objects.get(plan_id=row.id, number=int(grid.zone[at])))


def compared(before: ZonePlan, after: ZonePlan, on: date) -> PlanDifference:
    """One plan beside another, by the identifiers of their zones."""
    old, new = grid_of(before), grid_of(after)
    _, at_old, at_new = np.intersect1d(old.graph.cell, new.graph.cell, assume_unique=True, return_indices=True)
    old_codes, new_codes = (_codes_by_number(plan.id) for plan in (before, after))
    moved = old_codes[old.zone[at_old]] != new_codes[new.zone[at_new]]
    loads = [dict(WorkZone.objects.filter(plan_id=plan.id).values_list("code", "load")) for plan in (before, after)]
    touched = set(old_codes[old.zone[at_old[moved]]]) | set(new_codes[new.zone[at_new[moved]]])
    changed = [(code, loads[0].get(code, 0.0), loads[1].get(code, 0.0)) for code in touched]
    return PlanDifference(
        facts_of(before, on), facts_of(after, on), len(at_old), int(moved.sum()), len(old.graph) - len(at_old),
        len(new.graph) - len(at_new), sorted(changed, key=lambda one: (-abs(one[2] - one[1]), one[0])),
    )  # fmt: skip


def _codes_by_number(plan_id: str) -> NDArray[np.object_]:
    found: Mapping[int, str] = dict(WorkZone.objects.filter(plan_id=plan_id).values_list("number", "code"))
    codes = np.empty(max(found, default=-1) + 1, object)
    for number, code in found.items():
        codes[number] = code
    return codes


def codes_by_number(plan_id: str) -> list[str]:
    """The identifiers of a plan's zones 0, 1, ..."""
    return _codes_by_number(plan_id).tolist()


