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
_REGULATES = "PRV"
"""The valve that holds the pressure behind it."""
_UNITS = {"diameter_mm": "mm", "length_m": "m", "elevation_m": "m", "demand_ls": "L/s"}


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
    fields = {name: f"{{field: {name}, unit: {unit}}}" for name, unit in _UNITS.items()}
    fields |= {"begin": "{field: begin_fitting}", "end": "{field: end_fitting}"}
    columns = "\n".join(f"  {name}: {fields.get(name, f'{{field: {name}}}')}" for name in HEADERS[part])
    return (
        f"cityloom: 1\nsource: {json.dumps(source)}\nregister: {part}\n"
        f"file: {{format: epanet, sheet: {part}, place: {json.dumps(place)}}}\n"
        f"columns:\n{columns}\n"
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
    kind = "regulator" if link.valve == _REGULATES else link.kind
    return [link.code, "water", kind, _text(link.diameter_mm), _text(link.length_m), _text(link.roughness),
            "in-use" if link.is_open else "out-of-use", link.begin, link.end, line]  # fmt: skip


def _fitting(node: Node, place: tuple[float, float]) -> list[str]:
    return [node.code, "water", node.kind, _text(node.elevation_m), _text(node.demand_ls), *map(repr, place)]


def _text(number: float) -> str:
    return f"{number:.10g}" if number else ""
