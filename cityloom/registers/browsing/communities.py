"""Communities by their names: where an entry lies in one, as its nearest building does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely

from cityloom.accounts import queries as accounts
from cityloom.kernel.geometry import LocalProjection
from cityloom.kernel.refused import Refused
from cityloom.registers import queries
from cityloom.registers.domain.answers import Buildings
from cityloom.registers.models import Building

MOST_OFFERED = 2_000
"""More are not listed on a page; their names can be written all the same."""
_REACH_M = 300.0
_MOST_TOLD = 8


@dataclass(frozen=True)
class Community:
    """A community, and the subdistrict that it is in, in both languages."""

    id: str
    name: str
    name_zh: str
    above: str
    above_zh: str

    @property
    def labels(self) -> tuple[str, str]:
        """The name with that of the subdistrict, which tells two of one name apart."""
        return f"{self.name}, {self.above}", f"{self.name_zh}，{self.above_zh}"


def communities() -> list[Community]:
    """All of them, in the order of the unit tree."""
    units = {unit: (name, zh) for unit, _kind, name, zh in accounts.districts()}
    return [Community(unit, name, zh, *units.get(unit.rpartition("/")[0], ("", "")))
            for unit, kind, name, zh in accounts.districts() if kind == "community"]  # fmt: skip


def outline_of(text: str) -> shapely.Geometry:
    """Where a community lies, by its name in either language, with or without that of its subdistrict.

    Raises: Refused `registers.no_community`, `registers.several_communities`.
    """
    city = queries.city()
    return _outline(city.data_version if city else "", _called(text).id)


def _called(text: str) -> Community:
    wanted = text.strip().casefold()
    every = communities()
    found = [one for one in every if wanted in map(str.casefold, (*one.labels, one.name, one.name_zh, one.id))]
    if len(found) > 1:
        told = "; ".join(one.labels[0] for one in found[:_MOST_TOLD])
        raise Refused("registers.several_communities", "Several communities are called {value}; write the subdistrict "
                      "behind the name: {limit}.", value=text, limit=told)  # fmt: skip
    if not found:
        near = [one for one in every if any(wanted in name.casefold() for name in one.labels)]
        told = "; ".join(one.labels[0] for one in (near or every)[:_MOST_TOLD])
        raise Refused("registers.no_community", "There is no community {value}; there are, among others: {limit}.",
                      value=text, limit=told)  # fmt: skip
    return found[0]


@lru_cache(maxsize=32)
def _outline(version: str, unit: str) -> shapely.Geometry:
    """All places whose nearest building stands in the community, and is near; `version` is that of the city."""
    own = np.array(list(Building.objects.filter(unit_id=unit).values_list("lon", "lat")), np.float64).reshape(-1, 2)
    if not len(own):
        return shapely.Point()
    plane = LocalProjection(*own.mean(axis=0).tolist())
    reached = shapely.buffer(shapely.MultiPoint(plane.to_metres(shapely.points(own))), _REACH_M)
    near = queries.buildings_touching(plane.to_degrees(shapely.buffer(shapely.box(*reached.bounds), _REACH_M)))
    return plane.to_degrees(shapely.intersection(reached, _nearest(near, unit, plane)))


def _nearest(near: Buildings, unit: str, plane: LocalProjection) -> shapely.Geometry:
    """Of some buildings' places, those next to a building of the unit."""
    points = plane.to_metres(shapely.points(np.stack([near.lon, near.lat], axis=1)))
    whole = shapely.buffer(shapely.box(*shapely.total_bounds(points)), _REACH_M)
    if (near.unit_id == unit).all():
        return whole
    parts = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points), extend_to=whole))
    building, part = shapely.STRtree(parts).query(points, predicate="within")
    return shapely.union_all(parts[np.unique(part[near.unit_id[building] == unit])])
