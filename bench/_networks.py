"""Networks for the benches, from EPANET files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cityloom.detection.domain.topology import PIPE, PUMP, REGULATOR, VALVE, Network
from cityloom.registers.domain.drawing import Drawing
from cityloom.registers.domain.epanet import Link, read


def water_network(inp: Path, place: str = "113.93,22.53") -> Network:
    """The open pipes of an EPANET file as detection knows a network."""
    written = read(inp.read_text(encoding="utf-8", errors="replace"))
    nodes = list(written.nodes.values())
    links = [link for link in written.links.values() if link.is_open]
    row = {node.code: at for at, node in enumerate(nodes)}
    lonlat = Drawing(place).lonlat(np.array([[node.x, node.y] for node in nodes]))
    return Network(
        node=np.array([node.code for node in nodes], object), lon=lonlat[:, 0], lat=lonlat[:, 1],
        edge=np.array([link.code for link in links], object),
        begin=np.array([row[link.begin] for link in links]), end=np.array([row[link.end] for link in links]),
        length_m=np.array([link.length_m for link in links]),
        diameter_mm=np.array([link.diameter_mm for link in links]),
        roughness=np.array([link.roughness for link in links]),
        passed=np.array([_passed(link) for link in links], object),
        demand_ls=np.array([node.demand_ls for node in nodes]),
        held=np.array([at for at, node in enumerate(nodes) if node.kind != "junction"]),
    )  # fmt: skip


def _passed(link: Link) -> str:
    if link.kind == "valve":
        return REGULATOR if link.valve == "PRV" else VALVE
    return PUMP if link.kind == "pump" else PIPE
