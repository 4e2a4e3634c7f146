"""The register's ground as unit cells with their loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from django.db import connection
from numpy.typing import NDArray

from cityloom.kernel.cells import cells_of
from cityloom.kernel.refused import Refused
from cityloom.registers.domain import zoning_ground as ground
from cityloom.registers.domain import zoning_load as loads
from cityloom.registers.domain.draft import Ints, Shapes
from cityloom.registers.domain.zoning_cells import RESOLUTION, CellGraph, at_resolution, neighbours_of
from cityloom.registers.models import FIRST_HIDDEN

_MAJOR = "('motorway', 'trunk', 'primary', 'secondary')"
_CUT = 1 << 15
"""The digits of a cell from its eleventh on: a division by it groups by unit cell."""


@dataclass(frozen=True)
class CityCells:
    """A city's unit cells as a graph, the communities that its numbers mean, and the counts behind the loads."""

    graph: CellGraph
    communities: ground.Communities
    counts: Mapping[str, Ints]


def cells_with_loads(weights: Mapping[str, float], cases: Mapping[int, int]) -> CityCells:
    """Read the whole city; `cases` are past cases by unit cell.

    Raises: Refused `city.none`.
    """
    prefix, unit_id, buildings, dwellings, companies = _buildings()
    if not len(prefix):
        raise Refused("city.none", "There is no city yet; build one with: cityloom city build.")
    built = at_resolution(prefix * _CUT, RESOLUTION)
    names, unit = np.unique(unit_id.astype(str), return_inverse=True)
    communities = ground.Communities.of(names.tolist())
    cells = ground.cells_of_city(built)
    near = neighbours_of(cells)
    community = ground.community_of(cells, near, built, unit.reshape(-1).astype(np.int64), buildings)
    community = ground.without_crumbs(near, community, communities.subdistrict)
    row = np.searchsorted(cells, built)
    counts = {
        "people": _people(cells), "dwellings": _summed(cells, row, dwellings),
        "companies": _summed(cells, row, companies), "components": _components(cells),
        "cases": _placed(cells, np.array(list(cases), np.int64), np.array(list(cases.values()), np.int64)),
    }  # fmt: skip
    load = loads.points(counts, weights)
    return CityCells(
        ground.graph_of(cells, community, communities.subdistrict, load, _roads(), _water()), communities, counts
    )


def _buildings() -> tuple[NDArray[np.int64], NDArray[np.object_], Ints, Ints, Ints]:
    """By unit cell and community: buildings, dwellings, and buildings that companies use."""
    uses = ", ".join(f"'{use}'" for use in loads.COMPANY_USES)
    rows = _read(
        f"SELECT cell / {_CUT}, unit_id, COUNT(*), SUM(dwellings), SUM(CASE WHEN use IN ({uses}) THEN 1 ELSE 0 END)"  # noqa: S608 - constants
        f" FROM registers_building GROUP BY cell / {_CUT}, unit_id ORDER BY 1, 2"
    )
    prefix, unit, *counts = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return (np.array(prefix, np.int64), np.array(unit, object), *(np.array(one, np.int64) for one in counts))  # type: ignore[return-value]


def _people(cells: Ints) -> Ints:
    """Residents by unit cell; only the sums leave the database."""
    rows = _read(
        f"SELECT b.cell / {_CUT}, COUNT(*) FROM registers_building b JOIN registers_resident r"  # noqa: S608 - constants
        " ON r.dwelling_id BETWEEN b.first_dwelling_id AND b.first_dwelling_id + b.dwellings - 1"
        f" WHERE b.dwellings > 0 AND r.subject < {FIRST_HIDDEN} GROUP BY b.cell / {_CUT}"
    )
    prefix, count = (np.array(column, np.int64) for column in (zip(*rows, strict=True) if rows else ((), ())))
    return _placed(cells, at_resolution(prefix * _CUT, RESOLUTION), count)


def _components(cells: Ints) -> Ints:
    """Valves, until other components of the street are registered."""
    rows = _read("SELECT lon, lat FROM registers_valve")
    lon, lat = (np.array(column, np.float64) for column in (zip(*rows, strict=True) if rows else ((), ())))
    return _placed(cells, cells_of(lon, lat, RESOLUTION), np.ones(len(lon), np.int64))


def _placed(cells: Ints, where: Ints, count: Ints) -> Ints:
    """Counts by unit cell; what lies outside the city's cells is left out."""
    row = np.minimum(np.searchsorted(cells, where), len(cells) - 1)
    inside = cells[row] == where
    return _summed(cells, row[inside], count[inside])


def _summed(cells: Ints, row: Ints, count: Ints) -> Ints:
    return np.bincount(row, count, minlength=len(cells)).astype(np.int64)


def _roads() -> Shapes:
    return _shapes(f"SELECT geometry FROM registers_roadsegment WHERE kind IN {_MAJOR}")  # noqa: S608 - a constant


def _water() -> Shapes:
    return _shapes("SELECT geometry FROM registers_land WHERE kind = 'water'")


def _shapes(statement: str) -> Shapes:
    wkb = np.empty(0, object)
    rows = _read(statement)
    wkb = np.empty(len(rows), object)
    wkb[:] = [bytes(row[0]) for row in rows]
    return shapely.from_wkb(wkb)


def _read(statement: str) -> Sequence[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()
