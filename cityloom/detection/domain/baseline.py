"""What is normal for a stream: median and spread, which a few wild readings cannot move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_READINGS = 12
"""Below this many readings a stream has no baseline, and is no evidence for or against anything."""
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class Baselines:
    """Columns by stream: how many readings were learnt from, their median, and their spread in the stream's unit."""

    datastream_id: NDArray[np.int64]
    count: NDArray[np.int64]
    median: NDArray[np.float64]
    spread: NDArray[np.float64]


def learn(datastream_id: NDArray[np.int64], result: NDArray[np.float64]) -> Baselines:
    """Median and 1.4826 x median absolute deviation of each stream; no loop over streams.

    Source: Rousseeuw and Croux (1993), Alternatives to the median absolute deviation, section 1.
    """
    streams, group, count = np.unique(datastream_id, return_inverse=True, return_counts=True)
    median = _medians(group, result, count)
    spread = _medians(group, np.abs(result - median[group]), count) * _MAD_TO_SIGMA
    return Baselines(streams, count, median, spread)


def _medians(group: NDArray[np.intp], value: NDArray[np.float64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    ordered = value[np.lexsort((value, group))]
    first = np.cumsum(count) - count
    return (ordered[first + (count - 1) // 2] + ordered[first + count // 2]) / 2
