"""What arrives from outside, and which of it can be believed enough to be kept."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel import units
from cityloom.kernel.refused import Refused

OLDEST = timedelta(days=7)
FURTHEST_AHEAD = timedelta(minutes=5)
MESSAGE_ID_LENGTH = 64

SENTENCES = {
    "unknown_sensor": "No sensor of this city has that id or name; install it first.",
    "not_a_number": "The value is not a finite number; send a number.",
    "wrong_unit": "The unit cannot be turned into the one of this stream; send the stream's own unit.",
    "no_time_zone": "The instant has no time zone; send it in UTC.",
    "too_old": "The instant lies more than 7 days back; load history through the archive instead.",
    "in_future": "The instant lies more than 5 minutes ahead; set the sender's clock.",
    "out_of_range": "The value is physically impossible for this sensor; have the sensor checked.",
    "no_message_id": "The message has no id of 1 to 64 characters; without one it could count twice.",
    "not_readable": "The message is not JSON with datastream, result and phenomenonTime; send one object a line.",
    "no_instant": "The instant is not in ISO 8601; send it as in 2026-05-01T12:00:00Z.",
    "too_long": "The line or message is longer than can be a reading; send one reading a line.",
    "no_topic": "No rule of the bridge fits the message's topic; add one, or ask for fewer topics.",
    "contradicts": "For this instant the sensor has said something else already; what came first is kept.",
    "not_allowed_thing": "The key may only write to the datastreams of one thing; use a key of a wider scope.",
    "bad_place": "The place is not a longitude and latitude in WGS 84; send longitude first.",
    "bad_category": "The category is not a short lower-case word such as ground-collapse.",
    "bad_still": "The still is not a PNG or JPEG picture of at most 2 MB; the scene was kept without it.",
    "still_not_stored": "The still could not be written to disk; the scene was kept without it.",
}
"""Why something was set aside, by code."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_KEYS = (int, str)
_CATEGORY = re.compile(r"[a-z][a-z0-9-]{1,39}\Z")


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value; `datastream` is an id or the external name that its sender uses, `unit` a UCUM code."""

    datastream: int | str
    value: float
    unit: str
    at: datetime
    message_id: str


@dataclass(frozen=True, slots=True)
class CallReport:
    """What a resident said by telephone or in the app; `caller` tells callers apart and is never stored as it is."""

    message_id: str
    category: str
    lon: float
    lat: float
    at: datetime
    caller: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a camera noticed, with a picture in which people are masked: its bytes, or the file that holds them."""

    message_id: str
    camera: int | str
    category: str
    at: datetime
    still: bytes | Path | None = None


@dataclass(frozen=True)
class Stream:
    """What must be known of a datastream to judge its readings."""

    id: int
    unit: str
    low: float
    high: float


@dataclass(frozen=True)
class Checked:
    """Columns of the readings that are kept, each once, and how many of the others fell to which reason."""

    datastream_id: NDArray[np.int64]
    at_us: NDArray[np.int64]
    result: NDArray[np.float64]
    message_id: list[str]
    duplicates: int
    rejected: Counter[str]


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(at_us: int) -> datetime:
    """The instant again."""
    return _EPOCH + timedelta(microseconds=int(at_us))


def check(readings: Sequence[Reading], streams: Mapping[int | str, Stream], at: datetime) -> Checked:
    """Convert, judge and de-duplicate a batch; nothing in a single reading can make the batch fail.

    `streams` holds every known datastream under each key that the batch uses. Order is kept, late readings included.
    """
    found = [streams.get(reading.datastream) if type(reading.datastream) in _KEYS else None for reading in readings]
    value, wrong_unit = _in_own_unit(readings, found)
    at_us, untimely = _instants([reading.at for reading in readings], at)
    low = np.array([stream.low if stream else 0.0 for stream in found])
    high = np.array([stream.high if stream else 0.0 for stream in found])
    reasons = np.full(len(readings), "", dtype=object)
    verdicts = {  # from the least to the most telling: the last one that holds is the reason given
        "out_of_range": (value < low) | (value > high),
        **untimely,
        "wrong_unit": wrong_unit,
        "not_a_number": ~np.isfinite(value),
        "no_message_id": np.array([not _good_id(reading.message_id) for reading in readings], dtype=bool),
        "unknown_sensor": np.array([stream is None for stream in found], dtype=bool),
    }
    for code, holds in verdicts.items():
        reasons[holds] = code
    return _kept(readings, found, value, at_us, reasons)


def fault_of_report(report: CallReport, at: datetime) -> str:
    """Why a call cannot be kept, or nothing."""
    if not _good_id(report.message_id):
        return "no_message_id"
    if not _good_category(report.category):
        return "bad_category"
    return fault_of_place(report.lon, report.lat) or fault_of_time(report.at, at)


def fault_of_scene(scene: Scene, streams: Mapping[int | str, Stream], at: datetime) -> str:
    """Why a scene cannot be kept, or nothing."""
    if not _good_id(scene.message_id):
        return "no_message_id"
    if not _good_category(scene.category):
        return "bad_category"
    if type(scene.camera) not in _KEYS or scene.camera not in streams:
        return "unknown_sensor"
    return fault_of_time(scene.at, at)


def fault_of_place(lon: object, lat: object) -> str:
    """Why a place is none, or nothing."""
    numbers = all(isinstance(part, (int, float)) and math.isfinite(part) for part in (lon, lat))
    return "" if numbers and abs(lon) <= 180 and abs(lat) <= 90 else "bad_place"  # type: ignore[arg-type]


def fault_of_time(instant: datetime, at: datetime) -> str:
    """Why an instant cannot be believed at `at`, or nothing."""
    return next((code for code, holds in _instants([instant], at)[1].items() if holds[0]), "")


def _in_own_unit(
    readings: Sequence[Reading], found: Sequence[Stream | None]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    value = _numbers([reading.value for reading in readings])
    wrong = np.zeros(len(readings), dtype=bool)
    pairs: dict[tuple[str, str], list[int]] = {}
    for row, (reading, stream) in enumerate(zip(readings, found, strict=True)):
        if stream and reading.unit != stream.unit:
            pairs.setdefault((str(reading.unit), stream.unit), []).append(row)
    for (unit, own), rows in pairs.items():
        try:
            zero, one = units.convert(0.0, unit, own), units.convert(1.0, unit, own)
        except Refused:
            wrong[rows] = True
        else:
            with np.errstate(over="ignore"):  # what overflows is set aside as no number
                value[rows] = value[rows] * (one - zero) + zero
    return value, wrong


def _numbers(values: list[object]) -> NDArray[np.float64]:
    """Values as floats; NaN for whatever is not a number, text and booleans included."""
    if not {type(value) for value in values} <= {float, int, np.float64}:
        values = [value if type(value) in (float, int, np.float64) else math.nan for value in values]
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:
        return np.array([value if abs(value) < 1e300 else math.inf for value in values])  # type: ignore[arg-type]


def _instants(instants: Sequence[datetime], at: datetime) -> tuple[NDArray[np.int64], dict[str, NDArray[np.bool_]]]:
    aware = np.array([isinstance(when, datetime) and when.tzinfo is not None for when in instants], dtype=bool)
    at_us = np.fromiter(
        (microseconds(when) if good else 0 for when, good in zip(instants, aware.tolist(), strict=True)),
        np.int64, len(instants),
    )  # fmt: skip
    too_old = aware & (at_us < microseconds(at - OLDEST))
    in_future = aware & (at_us > microseconds(at + FURTHEST_AHEAD))
    return at_us, {"too_old": too_old, "in_future": in_future, "no_time_zone": ~aware}


def _kept(
    readings: Sequence[Reading], found: Sequence[Stream | None], value: NDArray[np.float64],
    at_us: NDArray[np.int64], reasons: NDArray[np.object_],
) -> Checked:  # fmt: skip
    good = np.flatnonzero(reasons == "").tolist()
    first = {(found[row].id, readings[row].message_id): row for row in reversed(good)}  # type: ignore[union-attr]
    rows = sorted(first.values())
    return Checked(
        datastream_id=np.fromiter((found[row].id for row in rows), np.int64, len(rows)),  # type: ignore[union-attr]
        at_us=at_us[rows],
        result=value[rows],
        message_id=[readings[row].message_id for row in rows],
        duplicates=len(good) - len(rows),
        rejected=Counter(reasons[reasons != ""].tolist()),
    )


def _good_id(message_id: object) -> bool:
    return isinstance(message_id, str) and 0 < len(message_id) <= MESSAGE_ID_LENGTH and "\x00" not in message_id


def _good_category(category: object) -> bool:
    return isinstance(category, str) and _CATEGORY.match(category) is not None
