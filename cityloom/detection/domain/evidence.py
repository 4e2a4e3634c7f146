"""What single sources say, brought into one form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.baseline import LEAST_READINGS, Baselines
from cityloom.detection.domain.scoring import call_weights, scene_weight, stream_weights, z_scores

_SURE = 0.999


@dataclass(frozen=True)
class Evidence:
    """What one source says: `weight` is its log-odds, 0 where it looks ordinary; `source` is never a person."""

    kind: str
    source: str
    lon: float
    lat: float
    at: datetime
    weight: float
    value: float | None = None
    unit: str = ""
    baseline: float | None = None
    z: float | None = None


class Streams(Protocol):
    """Columns of datastreams, ordered by id."""

    id: NDArray[np.int64]
    kind: NDArray[np.object_]
    unit: NDArray[np.object_]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]


class Call(Protocol):
    """A resident's call; equal `caller_digest` means the same caller."""

    id: str
    category: str
    lon: float
    lat: float
    cell: int
    at: datetime
    caller_digest: str


class Scene(Protocol):
    """What a camera noticed."""

    id: str
    camera_id: int
    category: str
    lon: float
    lat: float
    at: datetime


def of_streams(
    streams: Streams,
    silent: NDArray[np.bool_],
    baselines: Baselines,
    *,
    datastream_id: NDArray[np.int64],
    at: Sequence[datetime],
    result: NDArray[np.float64],
) -> list[Evidence]:
    """The most telling reading of each stream, among readings given as columns.

    A stream without a baseline says nothing. A silent one says nothing with its silence: what it sent before may
    speak for a collapse, but it is no longer a sign that all is well.
    """
    known = baselines.count >= LEAST_READINGS
    judged = np.isin(datastream_id, baselines.datastream_id[known]) & np.isin(datastream_id, streams.id)
    rows = np.flatnonzero(judged)
    stream = np.searchsorted(streams.id, datastream_id[rows])
    base = np.searchsorted(baselines.datastream_id, datastream_id[rows])
    z = z_scores(result[rows], baselines.median[base], baselines.spread[base], streams.kind[stream])
    order = np.lexsort((-rows, np.nan_to_num(z, nan=-np.inf), stream))
    most_telling = order[np.append(np.diff(stream[order]) > 0, True)[: len(order)]]
    weight = stream_weights(z, streams.kind[stream])
    return [
        Evidence(
            str(streams.kind[who]), f"datastream:{streams.id[who]}", float(streams.lon[who]), float(streams.lat[who]),
            at[rows[row]], round(float(weight[row]), 3), float(result[rows[row]]), str(streams.unit[who]),
            round(float(baselines.median[base[row]]), 3), round(float(z[row]), 2),
        )
        for row, who in zip(most_telling.tolist(), stream[most_telling].tolist(), strict=True)
        if weight[row] > 0 or not (silent[who] or np.isnan(z[row]))
    ]  # fmt: skip


def of_calls(calls: Sequence[Call]) -> list[Evidence]:
    """The calls that speak for a collapse, each caller once; `calls` are in order of time."""
    weights = call_weights((call.category, call.caller_digest, call.cell) for call in calls)
    return [
        Evidence("call", f"report:{call.id}", call.lon, call.lat, call.at, weight)
        for call, weight in zip(calls, weights, strict=True)
        if weight > 0
    ]


def of_scenes(scenes: Sequence[Scene]) -> list[Evidence]:
    """The scenes that speak for a collapse, each camera once; `scenes` are in order of time."""
    strongest: dict[int, Evidence] = {}
    for scene in scenes:
        weight = scene_weight(scene.category)
        if weight > (strongest[scene.camera_id].weight if scene.camera_id in strongest else 0.0):
            strongest[scene.camera_id] = Evidence("scene", f"scene:{scene.id}", scene.lon, scene.lat, scene.at, weight)
    return list(strongest.values())


def probability_words(score: float, rule: str = "") -> str:
    """Log-odds as a percentage; a model is never surer than it can be checked, and a rule says nothing of it."""
    if rule:
        return "–"
    share = 1 / (1 + math.exp(-max(min(score, 50.0), -50.0)))
    return "> 99.9 %" if share > _SURE else f"{100 * share:.1f} %"
