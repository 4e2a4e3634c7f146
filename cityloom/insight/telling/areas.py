"""Outlines of the city's units by their codes: work zones, and communities, subdistricts and districts made of them."""

from __future__ import annotations

from collections.abc import Collection

import shapely

from cityloom.registers import queries as registers


def outlines(codes: Collection[str]) -> dict[str, shapely.Geometry]:
    """The outlines of those codes that the plan of zones in force knows."""
    plan = registers.zone_plan_on(registers.today()) if codes else None
    if plan is None:
        return {}
    wanted, parts = set(codes), {}
    for zone in registers.zones_of(plan.id):
        for code in (zone.code, *_above(zone.unit_id)):
            if code in wanted:
                parts.setdefault(code, []).append(zone.outline)
    return {code: shapely.union_all(shapes) for code, shapes in parts.items()}


def _above(unit: str) -> list[str]:
    """A unit and those that it is in: city/d01/s01, city/d01, city."""
    names = unit.split("/")
    return ["/".join(names[:end]) for end in range(len(names), 0, -1)]
