"""How rare a cluster is: rank among simulated maxima, Gumbel's distribution, sequential stopping, recurrence intervals.

Sources: Dwass (1957) and Kulldorff (1997) for the rank; Besag and Clifford (1991) for stopping; Abrams, Kulldorff and
Kleinman (2010) for Gumbel; Kleinman, Lazarus and Platt (2004) for recurrence intervals.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_EULER, _SAME = 0.5772156649015329, 1e-9


def monte_carlo_p(llr: float, maxima: Floats, stop_after: int = 0) -> float:
    """(1 + maxima at least as large) / (1 + maxima), or, stopped after h of them at the l-th map, h / l.

    1 without any simulated map.
    """
    above = maxima >= llr - _SAME
    if stop_after and int(above.sum()) >= stop_after:
        return stop_after / (int(np.flatnonzero(above)[stop_after - 1]) + 1)
    return (1 + int(above.sum())) / (1 + len(maxima))


def gumbel_p(llr: float, maxima: Floats) -> float | None:
    """The chance of so large a maximum by Gumbel's distribution with the maxima's mean and deviation.

    It says more than the rank far out, where hardly a simulated map lies. None for fewer than 20 maps, or all alike.
    """
    deviation = float(np.std(maxima, ddof=1)) if len(maxima) >= 20 else 0.0
    if deviation <= 0:
        return None
    scale = deviation * np.sqrt(6) / np.pi
    place = float(np.mean(maxima)) - _EULER * scale
    return float(-np.expm1(-np.exp(np.clip(-(llr - place) / scale, -700, 700))))


def simulated(draw: Callable[[int], Floats], simulations: int, batch: int, llr: float = np.inf, stop_after: int = 0
              ) -> Floats:  # fmt: skip
    """Maxima of simulated maps, batch by batch; no more once `stop_after` of them are at least `llr` (0: all)."""
    found = list[Floats]()
    done = 0
    while done < simulations:
        found.append(draw(min(batch, simulations - done)))
        done += len(found[-1])
        if stop_after and sum(int((one >= llr - _SAME).sum()) for one in found) >= stop_after:
            break
    return np.concatenate(found) if found else np.zeros(0)


def recurrence_interval(p_value: float, looks_per_year: float = 365.25) -> float:
    """Years in which so rare a cluster is expected once by chance, at so many looks a year: 1 / (p looks).

    Looks on neighbouring days share most of their data, so that false alarms come in groups and less often.
    """
    return 1 / (p_value * looks_per_year)


def p_for(false_alarms_per_year: float, looks_per_year: float = 365.25, watches: int = 1) -> float:
    """The p-value below which an alarm is raised so that `watches` together raise so many by chance in a year."""
    return min(1.0, false_alarms_per_year / (looks_per_year * watches))
