"""The parts of an EPANET network as rows of the registers of mains and fittings."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import shapely

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.drawing import Drawing
from cityloom.registers.domain.epanet import Link, Node, WaterNetwork
from cityloom.registers.domain.tables import Table

MAINS, FITTINGS = "mains", "fittings"
HEADERS = {
    MAINS: ("code", "network", "kind", "diameter_mm", "length_m", "roughness", "state", "begin", "end", "geometry"),
    FITTINGS: ("code", "network", "kind", "elevation_m", "demand_ls", "lon", "lat"),
}
_PART = "An EPANET file has the parts {limit}; {value} is none of them. Name one as the mapping's sheet."
_IGNORED = {MAINS: ("kind", "length_m", "roughness"), FITTINGS: ("elevation_m", "demand_ls")}


def rows_of(network: WaterNetwork, part: str, drawing: Drawing) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line of the file that it comes from; numbers are in metres, millimetres and litres a second.

    Pumps and valves lead from node to node, and so are mains too: without them the network would fall apart.
    Raises: Refused `registers.epanet_part`, `registers.drawing_off`.
    """
    if part not in HEADERS:
        raise Refused("registers.epanet_part", _PART, value=part or "nothing", limit=", ".join(HEADERS))
    places = _places(network, drawing)
    if part == MAINS:
        lines = _lines(network, places, drawing)
        yield from ((link.line, _main(link, lines[link.code])) for link in network.links.values())
    else:
        yield from ((node.line, _fitting(node, places[node.code])) for node in network.nodes.values())


def places_in(table: Table, part: str) -> Iterator[tuple[str, tuple[float, float]]]:
    """The codes in a table of one part, with where each node, or the middle of each link, is."""
    for batch in table.batches():
        for row in batch.texts:
            if part == FITTINGS:
                yield row[0], (float(row[-2]), float(row[-1]))
            else:
                middle = shapely.line_interpolate_point(shapely.from_wkt(row[-1]), 0.5, normalized=True)
                yield row[0], (middle.x, middle.y)


def mapping_text(part: str, source: str, place: str) -> str:
    """What the columns of a part mean, as a steward would write it."""
    fields = {"diameter_mm": "{field: diameter_mm, unit: mm}", "begin": "{field: begin_fitting}",
              "end": "{field: end_fitting}"}  # fmt: skip
    named = [name for name in HEADERS[part] if name not in _IGNORED[part]]
    columns = "\n".join(f"  {name}: {fields.get(name, f'{{field: {name}}}')}" for name in named)
    return (
        f"cityloom: 1\nsource: {json.dumps(source)}\nregister: {part}\n"
        f"file: {{format: epanet, sheet: {part}, place: {json.dumps(place)}}}\n"
        f"columns:\n{columns}\nignore: [{', '.join(_IGNORED[part])}]\n"
    )


def _places(network: WaterNetwork, drawing: Drawing) -> dict[str, tuple[float, float]]:
    nodes = list(network.nodes.values())
    lonlat = drawing.lonlat(np.array([[node.x, node.y] for node in nodes]))
    return {node.code: (lon, lat) for node, (lon, lat) in zip(nodes, lonlat.round(7).tolist(), strict=True)}


def _lines(network: WaterNetwork, places: dict[str, tuple[float, float]], drawing: Drawing) -> dict[str, str]:
    found = {}
    for link in network.links.values():
        between = drawing.lonlat(np.array(link.corners)).round(7).tolist() if link.corners else []
        corners = [places[link.begin], *between, places[link.end]]
        found[link.code] = f"LINESTRING ({', '.join(f'{lon} {lat}' for lon, lat in corners)})"
    return found


def _main(link: Link, line: str) -> list[str]:
    return [link.code, "water", link.kind, _text(link.diameter_mm), _text(link.length_m), _text(link.roughness),
            "in-use" if link.is_open else "out-of-use", link.begin, link.end, line]  # fmt: skip


def _fitting(node: Node, place: tuple[float, float]) -> list[str]:
    return [node.code, "water", node.kind, _text(node.elevation_m), _text(node.demand_ls), *map(repr, place)]


def _text(number: float) -> str:
    return f"{number:.10g}" if number else ""
