"""The register's ground as unit cells with their loads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from cityloom.registers.models import FIRST_HIDDEN, RECORDS, Load

_MAJOR = "('motorway', 'trunk', 'primary', 'secondary')"
_REGISTERS = {"companies": "organisations", "components": "components"}
_STAND_INS = {"companies": "buildings", "components": "valves"}
"""What a load is counted from where no entry of its register has a place."""
_CUT = 1 << 15
"""The digits of a cell from its eleventh on: a division by it groups by unit cell."""


@dataclass(frozen=True)
class CityCells:
    """A city's unit cells as a graph, the communities that its numbers mean, and the counts behind the loads.

    `counted_from` says of companies and components what they were counted from: their register, or what stands in.
    """

    graph: CellGraph
    communities: ground.Communities
    counts: Mapping[str, Ints]
    counted_from: Mapping[str, str]


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
    registered = {kind: _registered(cells, register) for kind, register in _REGISTERS.items()}
    counts = {
        "people": _people(cells), "dwellings": _summed(cells, row, dwellings),
        "companies": _or(registered["companies"], lambda: _summed(cells, row, companies)),
        "components": _or(registered["components"], lambda: _valves(cells)),
        "cases": _placed(cells, np.array(list(cases), np.int64), np.array(list(cases.values()), np.int64)),
    }  # fmt: skip
    load = loads.points(counts, weights)
    counted_from = {kind: _REGISTERS[kind] if found is not None else _STAND_INS[kind]
                    for kind, found in registered.items()}  # fmt: skip
    graph = ground.graph_of(cells, community, communities.subdistrict, load, _roads(), _water())
    return CityCells(graph, communities, counts, counted_from)


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


def _registered(cells: Ints, register: str) -> Ints | None:
    """Entries of a register by unit cell, as far as their place is known; None where no entry has one.

    An entry of several sources lies in the middle of their points.
    """
    table, last = RECORDS[register], _last_known_load()
    ended = ", ".join(f"'{state}'" for state in loads.ENDED)
    alive = f" AND status NOT IN ({ended})" if register == "organisations" else ""
    rows = _read(
        f"SELECT AVG(lon), AVG(lat) FROM {table._meta.db_table} WHERE cell IS NOT NULL AND NOT is_gone"  # noqa: S608 - constants
        f" AND closed_by > {int(last)} AND id < {(int(last) + 1) << 32}{alive} GROUP BY key"
    )
    if not rows:
        return None
    lon, lat = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    return _placed(cells, cells_of(lon, lat, RESOLUTION), np.ones(len(lon), np.int64))


def _or(known: Ints | None, stand_in: Callable[[], Ints]) -> Ints:
    return stand_in() if known is None else known


def _valves(cells: Ints) -> Ints:
    """What stands in for components where none is registered."""
    rows = _read("SELECT lon, lat FROM registers_valve")
    lon, lat = (np.array(column, np.float64) for column in (zip(*rows, strict=True) if rows else ((), ())))
    return _placed(cells, cells_of(lon, lat, RESOLUTION), np.ones(len(lon), np.int64))


def _placed(cells: Ints, where: Ints, count: Ints) -> Ints:
    """Counts by unit cell; what lies outside the city's cells is left out."""
    row = np.minimum(np.searchsorted(cells, where), len(cells) - 1)
    inside = cells[row] == where
    return _summed(cells, row[inside], count[inside])


def _last_known_load() -> int:
    """The number of the last load that is known."""
    done = Load.objects.filter(state=Load.DONE).order_by("-number")
    return done.values_list("number", flat=True).first() or 0


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
