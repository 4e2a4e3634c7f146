"""The building table out of outlines, their parts, the ground below and the address points inside."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.kernel.geometry import LocalProjection
from cityloom.registers.domain import osm_places, osm_shapes, osm_use, osm_words
from cityloom.registers.domain.building_addresses import AddressLevel
from cityloom.registers.domain.draft import BuildingTable, Floats, Shapes, Texts
from cityloom.registers.domain.osm_features import Defects, Features, Outline, Spot
from cityloom.registers.domain.plane import around

LARGEST_M2 = 2_000_000.0
"""No building on Earth stands on more; what claims to is a mistake of drawing."""
SMALLEST_M2 = 1.0
BESIDE_M = 15.0
"""How far from a building its address may be marked: at the gate, on the pavement."""
_TELLING = frozenset({"school", "hospital", "university", "nursing_home", "place_of_worship", "town_hall",
                      "sports_hall"})  # fmt: skip
_USE_OF_PLACE = {"place_of_worship": "worship", "town_hall": "civic", "sports_hall": "sports"}


def sound(outlines: Sequence[Outline], defects: Defects) -> list[Outline]:
    """Outlines with valid shapes of a possible size, each once; what was repaired or left out is noted."""
    whole = _repaired(outlines, defects)
    shapes = _shapes(whole)
    flaws = _flaws(shapes)
    kept: dict[bytes, Outline] = {}
    for outline, flaw, key in zip(whole, flaws, shapely.to_wkb(shapely.normalize(shapes)), strict=True):
        if flaw or key in kept:
            defects.note(flaw or "outlines drawn twice, one left out", outline.ref)
        else:
            kept[key] = outline
    return list(kept.values())


def building_table(features: Features, outlines: Sequence[Outline]) -> BuildingTable:
    """The table, with what the tags, the parts, the ground and the points say; the rest stays unknown."""
    footprint = _shapes(outlines)
    tree = shapely.STRtree(footprint)
    street, number, level, ref = _addresses(features, outlines, tree)
    return BuildingTable.of(
        footprint,
        use=_uses(features, outlines, tree),
        levels=_levels(features, outlines, tree),
        height_m=_numbers(outlines, osm_words.height_of),
        street=street,
        house_number=number,
        name=_texts(osm_words.place_name_of(outline.tags) for outline in outlines),
        source_ref=_texts(outline.ref for outline in outlines),
        address_level=np.array(level, np.int64), address_ref=_texts(ref),
    )


def with_lone_parts(outlines: list[Outline], parts: Sequence[Outline]) -> list[Outline]:
    """The outlines and those building parts that no outline covers: they are the building themselves."""
    if not parts:
        return outlines
    middles = shapely.point_on_surface(_shapes(parts))
    covered, _ = shapely.STRtree(_shapes(outlines)).query(middles, predicate="intersects")
    lone = np.setdiff1d(np.arange(len(parts)), covered)
    return outlines + [parts[row] for row in lone.tolist()]


def areas_m2(shapes: Shapes) -> Floats:
    """Ground areas, each measured on its own parallel."""
    bounds = shapely.bounds(shapes)
    parallels = np.nan_to_num(np.round((bounds[:, 1] + bounds[:, 3]) / 2, 2))
    distinct, which = np.unique(parallels, return_inverse=True)
    scale = np.array([_square_metres_per_degree(lat) for lat in distinct])
    return shapely.area(shapes) * scale[which]


def _square_metres_per_degree(lat: float) -> float:
    x, y = LocalProjection(0.0, lat).xy(np.array([1.0]), np.array([lat + 1.0]))[0]
    return float(x * y)


def _repaired(outlines: Sequence[Outline], defects: Defects) -> list[Outline]:
    repaired = list(outlines)
    for row in np.flatnonzero(~shapely.is_valid(_shapes(outlines))).tolist():
        broken = outlines[row]
        repaired[row] = Outline(osm_shapes.repaired(broken.shape), broken.tags, broken.ref)
        if not repaired[row].shape.is_empty:
            defects.note("self-crossing outlines repaired", broken.ref)
    return repaired


def _flaws(shapes: Shapes) -> list[str]:
    flaws = np.full(len(shapes), "", dtype=object)
    areas = areas_m2(shapes)
    flaws[areas > LARGEST_M2] = "outlines larger than any building left out"
    flaws[~(areas >= SMALLEST_M2)] = "outlines without a square metre of ground left out"
    return flaws.tolist()


def _shapes(outlines: Sequence[Outline]) -> Shapes:
    array = np.empty(len(outlines), dtype=object)
    array[:] = [outline.shape for outline in outlines]
    return array


def _texts(values: object) -> Texts:
    listed = list(values)  # type: ignore[call-overload]
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def _numbers(outlines: Sequence[Outline], read: Callable[[osm_words.Tags], float]) -> Floats:
    return np.array([read(outline.tags) for outline in outlines], dtype=np.float64)


def _levels(features: Features, outlines: Sequence[Outline], tree: shapely.STRtree) -> Floats:
    """Levels by tag, else the mean over the building's parts, weighted with their areas."""
    levels = _numbers(outlines, osm_words.levels_of)
    parts = [part for part in features.parts if not np.isnan(osm_words.levels_of(part.tags))]
    if not parts:
        return levels
    shapes = _shapes(parts)
    part, row = tree.query(shapely.point_on_surface(shapes), predicate="intersects")
    weight = shapely.area(shapes)[part]
    ground = np.bincount(row, weight, len(outlines))
    floors = np.bincount(row, weight * _numbers(parts, osm_words.levels_of)[part], len(outlines))
    mean = np.divide(floors, ground, out=np.full(len(outlines), np.nan), where=ground > 0)
    return np.where(np.isnan(levels), mean, levels)


def _uses(features: Features, outlines: Sequence[Outline], tree: shapely.STRtree) -> Texts:
    uses = [osm_use.use_of(outline.tags) for outline in outlines]
    open_rows = np.flatnonzero([use == "" for use in uses])
    by_spot = _uses_by_spot(features.spots, tree)
    by_ground = _uses_by_ground(features.grounds, outlines, open_rows)
    for row in open_rows.tolist():
        uses[row] = by_spot.get(row) or by_ground.get(row, "")
    return _texts(uses)


def _uses_by_spot(spots: Sequence[Spot], tree: shapely.STRtree) -> dict[int, str]:
    """A school or the like, marked by a point, fills the building around it."""
    kinds = [(spot, osm_places.kind_of(spot.tags)) for spot in spots]
    telling = [(spot, kind) for spot, kind in kinds if kind in _TELLING]
    if not telling:
        return {}
    point, row = tree.query(_points([spot for spot, _ in telling]), predicate="intersects")
    return {
        building: _USE_OF_PLACE.get(telling[index][1], telling[index][1])
        for index, building in zip(point.tolist(), row.tolist(), strict=True)
    }


def _uses_by_ground(grounds: Sequence[Outline], outlines: Sequence[Outline], rows: NDArray[np.int64]) -> dict[int, str]:
    """The use of the smallest piece of ground that a building's middle lies on."""
    telling = [(ground.shape, osm_use.use_below(ground.tags)) for ground in grounds]
    telling = sorted(((shape, use) for shape, use in telling if use), key=lambda pair: -pair[0].area)
    if not telling or not len(rows):
        return {}
    middles = shapely.point_on_surface(_shapes([outlines[row] for row in rows.tolist()]))
    tree = shapely.STRtree([shape for shape, _ in telling])
    point, ground = tree.query(middles, predicate="intersects")
    order = np.argsort(ground, kind="stable")  # the smallest comes last and stays
    pairs = zip(rows[point[order]].tolist(), ground[order].tolist(), strict=True)
    return {row: telling[index][1] for row, index in pairs}


def _addresses(
    features: Features, outlines: Sequence[Outline], tree: shapely.STRtree
) -> tuple[Texts, Texts, list[int], list[str]]:  # fmt: skip
    """Street and house number by tag, else by the first address point on or in the building; from where they are."""
    related = features.street_of_ref
    street = [osm_words.street_of(outline.tags) or related.get(outline.ref, "") for outline in outlines]
    number = [osm_words.house_number_of(outline.tags) for outline in outlines]
    level = [int(AddressLevel.TAGS) if own else 0 for own in number]
    ref = [""] * len(outlines)
    spots = sorted((s for s in features.spots if osm_words.house_number_of(s.tags)), key=_address_order, reverse=True)
    if spots:
        point, building = tree.query(_points(spots), predicate="intersects")
        order = np.argsort(point, kind="stable")  # the first address comes last and stays
        inside = dict(zip(building[order].tolist(), point[order].tolist(), strict=True))
        for row, index in (_beside(spots, outlines, point, inside, number) | inside).items():
            if not number[row] or not street[row]:
                tags, name = spots[index].tags, spots[index].ref
                if not number[row]:
                    level[row] = int(AddressLevel.POINT_INSIDE if row in inside else AddressLevel.POINT_NEAR)
                    ref[row] = name
                street[row] = street[row] or osm_words.street_of(tags) or related.get(name, "")
                number[row] = number[row] or osm_words.house_number_of(tags)
    return _texts(street), _texts(number), level, ref


def _beside(
    spots: Sequence[Spot], outlines: Sequence[Outline], used: NDArray[np.int64], inside: Mapping[int, int],
    number: Sequence[str],
) -> dict[int, int]:  # fmt: skip
    """Address points at a gate or on the pavement, for the nearest building where that has no address otherwise."""
    loose = np.setdiff1d(np.arange(len(spots)), used)
    bare = np.array([row for row in range(len(outlines)) if row not in inside and not number[row]], dtype=np.int64)
    if not len(loose) or not len(bare):
        return {}
    points = _points([spots[row] for row in loose.tolist()])
    local = around(shapely.get_x(points), shapely.get_y(points))
    tree = shapely.STRtree(local.to_metres(_shapes([outlines[row] for row in bare.tolist()])))
    point, near = tree.query_nearest(local.to_metres(points), max_distance=BESIDE_M, all_matches=False)
    order = np.argsort(point, kind="stable")  # the first address comes last and stays
    return dict(zip(bare[near[order]].tolist(), loose[point[order]].tolist(), strict=True))


def _address_order(spot: Spot) -> tuple[bool, str, int, str]:
    number = osm_words.house_number_of(spot.tags)
    digits = re.match(r"\d{1,9}", number)
    return not osm_words.street_of(spot.tags), osm_words.street_of(spot.tags), int(digits[0]) if digits else 0, number


def _points(spots: Sequence[Spot]) -> Shapes:
    return shapely.points([spot.lon for spot in spots], [spot.lat for spot in spots])
