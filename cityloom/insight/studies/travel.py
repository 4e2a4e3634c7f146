"""Travel times of a study: as a table gives them, else along the study's road graph, else in a straight line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop as _
from numpy.typing import NDArray

from cityloom.insight.domain.access import pairs, places, roads, speeds
from cityloom.insight.domain.study.study import Note
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies.kinds import InputSpec
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
MODES = {
    "mode": {"enum": ["walk", "cycle", "drive"], "default": "walk"},
    "speed_kmh": {"type": "number", "minimum": 0.5, "maximum": 130},
    "speeds": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0.5, "maximum": 130},
               "maxProperties": 60},
    "detour": {"type": "number", "minimum": 1, "maximum": 5, "default": 1.3},
    "snap_m": {"type": "number", "minimum": 1, "maximum": 100_000, "default": 1_000},
}  # fmt: skip
_STRAIGHT_KMH = {"walk": speeds.WALK_KMH, "cycle": speeds.CYCLE_KMH, "drive": 25.0}
_UNKNOWN = "The table {limit} names {value}, which no other table has; correct it, or leave the row out."
_NO_PLACE = "Without a table of costs each row needs lon and lat; {value} of {limit} rows lack them."
_NO_NODES = "Edges need the table of nodes with their lon and lat; give both, or neither."
_NO_TIME = "Edges need minutes, or length_m (with the class of the road in kind); the table has {limit}."
NOTES: Mapping[str, str] = {
    "straight": _("Ways are straight lines made {value} times as long, at {limit} km/h; no road graph was given."),
    "given_costs": _("Travel times are those of the table of costs; a pair that is not in it counts as out of reach."),
    "roads": _("Ways go along the road graph of {value} nodes and {limit} edges; legs to the nearest node are walked."),
    "pieces": _("The road graph is in {value} pieces; {limit} people are at places outside the largest, from which "
                "the rest cannot be reached."),
    "off_roads": _("{value} places are farther from every road than {limit} m and count as out of reach."),
}  # fmt: skip
_OF_NODES = {"node": _("the node"), "lon": _("longitude, degrees"), "lat": _("latitude, degrees")}
INPUTS: tuple[InputSpec, ...] = (
    InputSpec("costs", _("Travel times between places"), ("from", "to"), {"minutes": _("minutes of travel")}, {},
              needed=False),
    InputSpec("nodes", _("Nodes of the road graph"), ("node",), {one: _OF_NODES[one] for one in ("lon", "lat")}, {},
              needed=False),
    InputSpec("edges", _("Edges of the road graph"), (), {"from": _("the node it starts from"),
              "to": _("the node it leads to")}, {"minutes": _("minutes of travel"), "length_m": _("metres"),
              "kind": _("class of the road"), "oneway": _("1: one way only")}, needed=False,
              words=frozenset({"from", "to", "kind"})),
)  # fmt: skip


@dataclass(frozen=True)
class Points:
    """Places of a table: codes, names, degrees (nan where not given)."""

    code: list[str]
    name: list[str]
    lon: Floats
    lat: Floats


def points(table: Table, key: str) -> Points:
    """The places of a table."""
    code = [str(one) for one in table[key].tolist()]
    name = [str(one) for one in table["name"].tolist()] if "name" in table.columns else code
    lon, lat = (table[one].astype(np.float64) if one in table.columns else np.full(len(code), np.nan)
                for one in ("lon", "lat"))  # fmt: skip
    return Points(code, [one or at for one, at in zip(name, code, strict=True)], lon, lat)


def joined(*some: Points) -> Points:
    """Places of several tables after each other."""
    code, name = [one for part in some for one in part.code], [one for part in some for one in part.name]
    return Points(code, name, *(np.concatenate([getattr(part, one) for part in some]) for one in ("lon", "lat")))


@dataclass(frozen=True)
class Travel:
    """Minutes (n, m) as sparse pairs within the limit, and what has to be said of them."""

    minutes: pairs.Sparse
    notes: Sequence[Note]


def travel(question: Mapping[str, Any], inputs: Mapping[str, Table], ours: Points, others: Points, people: Floats,
           limit: float) -> Travel:  # fmt: skip
    """Minutes from each of `ours` to each of `others`, up to a limit.

    Raises: Refused `insight.travel_*`, and as the mathematics refuses.
    """
    if "costs" in inputs:
        return Travel(_of_table(inputs["costs"], ours, others, limit), [Note("given_costs")])
    for one in (ours, others):
        lacking = int((~np.isfinite(one.lon) | ~np.isfinite(one.lat)).sum())
        if lacking:
            raise Refused("insight.travel_no_place", _NO_PLACE, value=lacking, limit=len(one.code))
    if "edges" in inputs:
        return _on_roads(question, inputs, ours, others, people, limit)
    mode, detour = question.get("mode", "walk"), float(question.get("detour", 1.3))
    kmh = float(question.get("speed_kmh", _STRAIGHT_KMH[mode]))
    found = places.straight_line(*(places.in_space(one.lon, one.lat) for one in (ours, others)), kmh / 0.06, detour,
                                 limit)  # fmt: skip
    return Travel(found, [Note("straight", detour, kmh, "doubt")])


def _of_table(costs: Table, ours: Points, others: Points, limit: float) -> pairs.Sparse:
    row = _numbered(costs["from"], ours.code, "costs")
    column = _numbered(costs["to"], others.code, "costs", skip=True)
    minutes = costs["minutes"].astype(np.float64)
    keep = (column >= 0) & np.isfinite(minutes)
    found = pairs.of_pairs(row[keep], column[keep], minutes[keep], (len(ours.code), len(others.code)))
    return pairs.within(found, limit)


def _numbered(column: NDArray[Any], codes: Sequence[str], name: str, *, skip: bool = False) -> NDArray[np.int64]:
    """The number of each word among the codes; one that is not there is refused, or -1."""
    names, place = np.unique(np.array([str(one) for one in column.tolist()], np.str_), return_inverse=True)
    at = {one: number for number, one in enumerate(codes)}
    numbers = np.array([at.get(str(one), -1) for one in names], np.int64)
    if (numbers < 0).any() and not skip:
        raise Refused("insight.travel_unknown", _UNKNOWN, value=str(names[numbers < 0][0])[:80], limit=name)
    return numbers[place] if len(place) else np.zeros(0, np.int64)


def _on_roads(question: Mapping[str, Any], inputs: Mapping[str, Table], ours: Points, others: Points, people: Floats,
              limit: float) -> Travel:  # fmt: skip
    if "nodes" not in inputs:
        raise Refused("insight.travel_no_nodes", _NO_NODES)
    nodes, edges = inputs["nodes"], inputs["edges"]
    code = [str(one) for one in nodes["node"].tolist()]
    minutes = _edge_minutes(question, edges)
    usable = np.isfinite(minutes)
    ends = [_numbered(edges[one], code, "edges")[usable] for one in ("from", "to")]
    oneway = edges["oneway"].astype(np.float64)[usable] > 0 if "oneway" in edges.columns else None
    if question.get("mode", "walk") == "walk":
        oneway = None
    graph = roads.graph(places.in_space(nodes["lon"], nodes["lat"]), *ends, minutes[usable], oneway)
    most_m = float(question.get("snap_m", 1_000))
    snapped = [roads.snap(graph, places.in_space(one.lon, one.lat), most_m) for one in (ours, others)]
    notes = [Note("roads", len(code), int(usable.sum()))]
    count = int(graph.pieces.max(initial=-1)) + 1
    if count > 1:
        apart = float(people[snapped[0].piece > 0].sum())
        notes.append(Note("pieces", count, round(apart), "doubt" if apart > 0 else "told"))
    off = sum(int((one.node < 0).sum()) for one in snapped)
    if off:
        notes.append(Note("off_roads", off, round(most_m), "doubt"))
    return Travel(roads.travel_minutes(graph, *snapped, limit), notes)


def _edge_minutes(question: Mapping[str, Any], edges: Table) -> Floats:
    if "minutes" in edges.columns:
        return edges["minutes"].astype(np.float64)
    if "length_m" not in edges.columns:
        raise Refused("insight.travel_no_time", _NO_TIME, limit=", ".join(edges.columns)[:200])
    kinds = edges["kind"] if "kind" in edges.columns else np.full(edges.rows, "", object)
    given = dict(question.get("speeds", {}))
    if "speed_kmh" in question:
        given.setdefault("", float(question["speed_kmh"]))
    length = np.asarray(edges["length_m"], np.float64)
    return speeds.edge_minutes(kinds, length, question.get("mode", "walk"), given)
