"""The networks of mains and roads along which causes spread, as the registers have them now."""

from __future__ import annotations

import logging

import numpy as np

from cityloom.detection.domain.topology import Network
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers

log = logging.getLogger(__name__)
_LOOK_S = 60.0


class Networks:
    """Networks by name, read once and again where the registers have changed."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Network | None]] = {}
        self._looked_at: dict[str, float] = {}

    def get(self, name: str) -> Network | None:
        """A network; None where the registers have none of that name, or one that is too large."""
        if name not in registers.network_names():
            return None
        if clock.stopwatch() - self._looked_at.get(name, -_LOOK_S) >= _LOOK_S:
            self._looked_at[name] = clock.stopwatch()
            version = registers.network_version(name)
            if self._known.get(name, ("",))[0] != version:
                self._known[name] = (version, self._read(name))
        return self._known[name][1]

    def _read(self, name: str) -> Network | None:
        try:
            return network_of(registers.network(name))
        except Refused as refusal:
            log.warning("the network %s: %s", name, refusal.code)
            return None


def network_of(graph: registers.Graph | None) -> Network | None:
    """What the registers answer, as causes are weighed along it; None where there is nothing to weigh along."""
    if graph is None or not len(graph):
        return None
    is_known = bool(np.isfinite(graph.demand_ls).any())
    return Network(
        graph.node, graph.lon, graph.lat, graph.edge, graph.begin, graph.end, graph.length_m,
        diameter_mm=graph.diameter_mm, roughness=graph.roughness, passed=graph.kind,
        demand_ls=np.nan_to_num(graph.demand_ls) if is_known else None, held=np.flatnonzero(graph.held),
    )  # fmt: skip
