"""Random surroundings of a collapse, for property tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from cityloom.detection.domain.evidence import Evidence
from cityloom.detection.domain.scoring import RULES
from cityloom.kernel.geometry import LocalProjection

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
PLANE = LocalProjection(113.93, 22.53)
KINDS = ("pressure", "settlement", "traffic_speed", "call", "scene")


def evidence(kind: str, number: int, x_m: float, y_m: float, *, share: float = 1.0, second: float = 0.0) -> Evidence:
    """A source at metres east and north of the centre, with a share of its kind's full weight (0: looks ordinary)."""
    lon, lat = PLANE.lonlat(np.array([[x_m, y_m]]))[0].tolist()
    return Evidence(kind, f"{kind}:{number}", lon, lat, AT + timedelta(seconds=second), RULES[kind].cap * share)


@st.composite
def spots(draw: st.DrawFn, reach_m: float) -> tuple[float, float]:
    """Metres east and north, at most `reach_m` away."""
    distance, angle = draw(st.floats(0, reach_m)), draw(st.floats(0, 2 * np.pi))
    return distance * np.cos(angle), distance * np.sin(angle)


@st.composite
def ordinary(draw: st.DrawFn) -> list[Evidence]:
    """Streams around that look as always."""
    kinds = draw(st.lists(st.sampled_from(("pressure", "flow", "settlement", "traffic_speed")), max_size=12))
    return [evidence(kind, 1_000 + n, *draw(spots(400)), share=0.0) for n, kind in enumerate(kinds)]


@st.composite
def collapses(draw: st.DrawFn) -> list[Evidence]:
    """All that sees a collapse within 250 m of it: two or more of each kind but scenes, no kind more than half.

    The neighbours call from one spot, so each further call weighs half of the one before.
    """
    counts = {kind: draw(st.integers(1 if kind == "scene" else 2, 9)) for kind in KINDS}
    others = {kind: sum(counts.values()) - counts[kind] for kind in KINDS}
    counts = {kind: min(counts[kind], others[kind]) for kind in KINDS}
    found = []
    for kind in KINDS:
        for number in range(counts[kind]):
            share = max(0.5**number, 1 / 8) if kind == "call" else 1.0
            found.append(evidence(kind, number, *draw(spots(249)), share=share, second=draw(st.floats(0, 599))))
    return found


@st.composite
def collapses_partly_silent(draw: st.DrawFn) -> tuple[list[Evidence], list[Evidence]]:
    """A collapse and what is left of it when any third of its sources is silent."""
    whole = draw(collapses())
    lost = set(draw(st.permutations(range(len(whole))))[: len(whole) // 3])
    left = [item for number, item in enumerate(whole) if number not in lost]
    return whole, _called_again(left)


def _called_again(left: list[Evidence]) -> list[Evidence]:
    """The same, with the calls weighed as the only ones that came."""
    calls = iter(range(len(left)))
    return [
        replace(item, weight=RULES["call"].cap * max(0.5 ** next(calls), 1 / 8)) if item.kind == "call" else item
        for item in left
    ]
