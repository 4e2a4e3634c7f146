"""How much one source speaks for a ground collapse: pure arithmetic from readings, calls and scenes to weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z_NOTICED = 4.0
"""Robust standard deviations below which a reading is ordinary."""
Z_CERTAIN = 8.0
"""Robust standard deviations from which a reading has its full weight, however wild."""


@dataclass(frozen=True)
class Rule:
    """What a kind of source can contribute, in log-odds.

    `direction` is -1 where a collapse makes values fall, +1 where they rise, 0 where either counts. `floor` is the
    least spread in the stream's unit. `cap` bounds one source, `kind_cap` all sources of the kind together; both are
    what keeps one wild sensor, or one wild utility, from deciding alone. `reach_m` is how far off such a source
    usually lies from what it notices.
    """

    utility: str
    direction: int
    floor: float
    cap: float
    kind_cap: float
    reach_m: float


RULES = {
    "pressure": Rule("water", -1, 5.0, 5.0, 7.5, 120.0),
    "flow": Rule("water", +1, 2.0, 3.0, 4.5, 120.0),
    "settlement": Rule("ground", 0, 1.0, 5.5, 9.0, 30.0),
    "traffic_speed": Rule("road", -1, 3.0, 2.5, 5.0, 100.0),
    "call": Rule("residents", 0, 0.0, 4.0, 8.0, 50.0),
    "scene": Rule("cameras", 0, 0.0, 5.5, 8.0, 40.0),
}
CALL_SHARES = {"ground-collapse": 1.0, "road-damage": 0.75, "building-crack": 0.5, "water-leak": 0.5}
"""Which calls speak for a collapse, and with what share of a call's weight."""
SCENE_SHARES = {"ground-collapse": 1.0, "road-damage": 0.75}
"""Which scenes speak for a collapse, and with what share of a scene's weight."""
_LEAST_SHARE_OF_REPEAT = 1 / 8


def z_scores(
    result: NDArray[np.float64], median: NDArray[np.float64], spread: NDArray[np.float64], kind: NDArray[np.object_]
) -> NDArray[np.float64]:
    """Robust standard deviations in the direction that speaks for a collapse; NaN for kinds without a rule."""
    direction = _of_kind(kind, "direction")
    scaled = (result - median) / np.maximum(spread, _of_kind(kind, "floor"))
    return np.where(direction == 0, np.abs(scaled), scaled * direction)


def stream_weights(z: NDArray[np.float64], kind: NDArray[np.object_]) -> NDArray[np.float64]:
    """Log-odds of each stream: nothing up to `Z_NOTICED`, then in a straight line to the kind's cap at `Z_CERTAIN`."""
    share = np.clip((z - Z_NOTICED) / (Z_CERTAIN - Z_NOTICED), 0.0, 1.0)
    return np.nan_to_num(share * _of_kind(kind, "cap"))


def call_weights(calls: Iterable[tuple[str, str, int]]) -> list[float]:
    """Log-odds of each call, given as category, caller and cell in order of time.

    A caller counts once, with the first call that says something. Each further caller from the same cell counts half
    of the one before, down to an eighth: neighbours see the same thing, and so do friends who agree on a prank.
    """
    heard: set[str] = set()
    at_cell: dict[int, int] = {}
    weights = []
    for category, caller, cell in calls:
        share = CALL_SHARES.get(category, 0.0)
        if caller in heard or not share:
            weights.append(0.0)
            continue
        heard.add(caller)
        earlier = at_cell.get(cell, 0)
        at_cell[cell] = earlier + 1
        weights.append(RULES["call"].cap * share * max(0.5**earlier, _LEAST_SHARE_OF_REPEAT))
    return weights


def scene_weight(category: str) -> float:
    """Log-odds of a scene."""
    return RULES["scene"].cap * SCENE_SHARES.get(category, 0.0)


def _of_kind(kind: NDArray[np.object_], attribute: str) -> NDArray[np.float64]:
    names, inverse = np.unique(kind.astype(str), return_inverse=True)
    values = [float(getattr(RULES[name], attribute)) if name in RULES else np.nan for name in names]
    return np.array(values, dtype=np.float64)[inverse]
