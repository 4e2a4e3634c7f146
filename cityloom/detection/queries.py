"""Questions about detections and what speaks for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from django.utils.translation import gettext

from cityloom.detection import bulk
from cityloom.detection.domain import cause as causes
from cityloom.detection.domain import pack as packs
from cityloom.detection.domain import telling
from cityloom.detection.domain.baseline import LEAST_READINGS, Baselines
from cityloom.detection.domain.cause import Cause
from cityloom.detection.domain.evidence import Call
from cityloom.detection.domain.firing import Fired, Recorded
from cityloom.detection.domain.gathering import Finding
from cityloom.detection.domain.health import STATES
from cityloom.detection.domain.pack import Pack
from cityloom.detection.domain.reasons import TEMPLATES, TIMES, Reason
from cityloom.detection.domain.said import Said
from cityloom.detection.models import Baseline, Detection, SensorState
from cityloom.detection.trust import past, replay
from cityloom.detection.trust.judgements import JudgementFacts, OutcomeFacts, duplicates_of, judgements_of, outcomes_of
from cityloom.detection.trust.leaks import is_wanted as are_leaks_wanted
from cityloom.detection.trust.packs import StepFacts, VersionFacts, packs_in_force, steps_of, versions_of, written
from cityloom.detection.trust.packs import in_force as versions_in_force
from cityloom.detection.trust.packs import names as kept_packs
from cityloom.detection.trust.packs import version as pack_version
from cityloom.detection.trust.trials import is_any_open as is_any_trial_open
from cityloom.detection.trust.trials import to_stop as is_trial_to_stop
from cityloom.detection.watching import seen
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

__all__ = [
    "DetectionFacts", "EvidenceFacts", "FailedSensor", "JudgementFacts", "OutcomeFacts", "SensorNow", "StepFacts",
    "Tried", "VersionFacts", "are_leaks_wanted", "baselines_of", "detection", "detections_of", "duplicates_of",
    "evidence_of", "failed_sensors", "fired_in_city", "fired_on", "fired_on_sent", "is_any_trial_open", "is_known",
    "is_trial_to_stop", "judgements_of", "kept_packs", "outcomes_of", "pack_of", "pack_version", "packs_in_force",
    "scenes_of", "sensor_now", "sensors_now", "sentence_of", "shipped_pack_files", "shipped_packs", "states_now",
    "steps_of", "versions_in_force", "versions_of", "written",
]  # fmt: skip

_CHUNK = 5_000
NO_DETECTION = "There is no such detection; it may have belonged to an erased exercise."
LARGEST_PACK_BYTES = packs.LARGEST_BYTES


@dataclass(frozen=True)
class EvidenceFacts:
    """What one source said: `z` is robust standard deviations from `baseline`, `weight` log-odds.

    `source` is `datastream:<id>`, `report:<id>` or `scene:<id>`.
    """

    kind: str
    source: str
    lon: float
    lat: float
    at: datetime
    weight: float
    value: float | None
    unit: str
    baseline: float | None
    z: float | None


@dataclass(frozen=True)
class DetectionFacts:
    """A detection: its place, how far its sources are spread around it, and its log-odds.

    `places` are the likeliest mains or roads with their shares, `litres_s` is what a leak loses, and `part_of` the
    detection of a cause that says the same and more.
    Where a rule fired, `category` is its pack, `rule` its name, and the score 0: a rule does not weigh.
    """

    id: str
    exercise_id: str
    category: str
    lon: float
    lat: float
    radius_m: float
    first_at: datetime
    last_at: datetime
    raised_at: datetime
    score: float
    scene_ids: tuple[str, ...]
    rule: str = ""
    places: tuple[tuple[str, str], ...] = ()
    litres_s: float | None = None
    part_of: str = ""


@dataclass(frozen=True)
class SensorNow:
    """A stream's last reading, what is usual of it now with its spread, and its sensor's state (`health.STATES`).

    `found` and `limit` are the number that the state was judged by and where it begins.
    """

    id: int
    at: datetime
    value: float
    count: int
    expected: float
    spread: float
    state: str
    found: float
    limit: float


@dataclass(frozen=True)
class FailedSensor:
    """A sensor that does not do its work, how, and since when that is known."""

    datastream_id: int
    state: str
    since: datetime
    found: float
    limit: float


def detection(detection_id: str) -> DetectionFacts:
    """A detection by its id.

    Raises: Refused `detection.unknown`.
    """
    return _facts(_found(detection_id))


def is_known(detection_id: str) -> bool:
    """Whether there is such a detection."""
    return Detection.objects.filter(pk=detection_id).exists()


def scenes_of(detection_id: str) -> tuple[str, ...]:
    """The scenes that speak for a detection so far, weightiest first; none where there is no such detection."""
    row = Detection.objects.filter(pk=detection_id).first()
    return _facts(row).scene_ids if row else ()


def detections_of(exercise_id: str = "") -> list[DetectionFacts]:
    """All detections of an exercise, or of the real city, oldest first."""
    return [_facts(row) for row in Detection.objects.filter(exercise_id=exercise_id).order_by("raised_at", "id")]


def evidence_of(detection_id: str) -> list[EvidenceFacts]:
    """What speaks for a detection, weightiest first.

    Raises: Refused `detection.unknown`.
    """
    items = _found(detection_id).evidence
    found = [EvidenceFacts(**(item | {"at": clock.from_text(item["at"])})) for item in items]
    return sorted(found, key=lambda item: (-item.weight, item.kind, item.source))


def baselines_of(datastream_ids: list[int], exercise_id: str = "") -> Baselines:
    """The baselines of those streams, by id; streams without one are left out.

    In the real city, what is learnt from readings as they come holds before what was learnt once.
    """
    return _learnt_once(datastream_ids, exercise_id) if exercise_id else _learnt_live(datastream_ids)


def sensors_now(exercise_id: str = "") -> list[SensorNow]:
    """What is known of each stream whose readings are watched, by id."""
    rows = np.sort(seen.seen(seen.folder_of(exercise_id)), order="id")
    rows = rows[rows["count"] > 0]
    columns = [rows[name].tolist() for name in ("id", "at_us", "value", "count", "expected", "spread", "state", "found",
                                                "limit")]  # fmt: skip
    return [SensorNow(key, _instant(at_us), value, count, expected, spread, STATES[state], found, limit)
            for key, at_us, value, count, expected, spread, state, found, limit in zip(*columns, strict=True)]


def sensor_now(datastream_id: int, exercise_id: str = "") -> SensorNow | None:
    """What is known of one stream whose readings are watched."""
    rows = seen.seen(seen.folder_of(exercise_id))
    rows = rows[(rows["id"] == datastream_id) & (rows["count"] > 0)]
    return _now(rows[0].tolist()) if len(rows) else None


def states_now(datastream_ids: Iterable[int], exercise_id: str = "") -> dict[int, str]:
    """The states of the sensors of those streams, as far as their readings are watched."""
    rows = seen.seen(seen.folder_of(exercise_id))
    rows = rows[np.isin(rows["id"], list(datastream_ids)) & (rows["count"] > 0)]
    return {int(key): STATES[int(state)] for key, state in zip(rows["id"], rows["state"], strict=True)}


def _now(row: tuple) -> SensorNow:
    key, at_us, value, count, expected, spread, state, found, limit = row
    return SensorNow(key, _instant(at_us), value, count, expected, spread, STATES[state], found, limit)


def failed_sensors() -> list[FailedSensor]:
    """The sensors that do not do their work, the latest first."""
    rows = SensorState.objects.filter(is_failed=True).order_by("-since", "datastream_id")
    return [FailedSensor(row.datastream_id, row.state, row.since, row.found, row.limit) for row in rows]


def _instant(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1e6, UTC)


def _learnt_live(datastream_ids: list[int]) -> Baselines:
    """What is usual of streams now, by what is learnt from their readings; else by what was learnt once."""
    live = np.sort(seen.seen(seen.folder_of()), order="id")
    known = (live["count"] >= LEAST_READINGS) & ((live["spread"] != 0) | (live["expected"] != 0))
    live = live[np.isin(live["id"], datastream_ids) & known]
    rest = _learnt_once(sorted(set(datastream_ids) - set(live["id"].tolist())), "")
    pairs = (("datastream_id", "id"), ("count", "count"), ("median", "expected"), ("spread", "spread"))
    columns = [np.concatenate([getattr(rest, name), live[field]]) for name, field in pairs]
    order = np.argsort(columns[0])
    return Baselines(*(each[order] for each in columns))


def _learnt_once(datastream_ids: list[int], exercise_id: str) -> Baselines:
    rows: list[tuple[int, int, float, float]] = []
    for start in range(0, len(datastream_ids), _CHUNK):
        chunk = datastream_ids[start : start + _CHUNK]
        found = Baseline.objects.filter(exercise_id=exercise_id, datastream_id__in=chunk)
        rows += found.values_list("datastream_id", "count", "median", "spread")
    columns = list(zip(*sorted(rows), strict=True)) or [(), (), (), ()]
    types = (np.int64, np.int64, np.float64, np.float64)
    return Baselines(*(np.array(values, dtype=kind) for values, kind in zip(columns, types, strict=True)))


def _found(detection_id: str) -> Detection:
    row = Detection.objects.filter(pk=detection_id).first()
    if row is None:
        raise Refused("detection.unknown", NO_DETECTION)
    return row


def _facts(row: Detection) -> DetectionFacts:
    scenes = (item["source"] for item in row.evidence if item["kind"] == "scene")
    return DetectionFacts(
        row.id, row.exercise_id, row.category, row.lon, row.lat, row.radius_m, row.first_at, row.last_at,
        row.raised_at, row.score, tuple(source.removeprefix("scene:") for source in scenes),
        row.rule, tuple((code, f"{100 * share:.0f} %") for code, share in row.places), row.litres_s, row.part_of,
    )  # fmt: skip


def sentence_of(reason: Reason, *, name: str, unit: str) -> str:
    """Why a reading scored, in the reader's language; `name` is what the stream is called, `unit` as it is shown."""
    return _sentence(TEMPLATES[reason.key], reason, name, unit)


def _sentence(template: str, reason: Reason, name: str, unit: str) -> str:
    many, count = TIMES[reason.time[0]], reason.time[1]
    time = gettext(many).replace("{count}", str(count))
    return gettext(template).format_map(reason.numbers | {"time": time, "name": name, "unit": unit})


def words_of(finding: Finding, said: Said) -> list[str]:
    """A finding in the reader's language, a sentence each: what sources saw, who agrees, how sure it is and where."""
    templates = TEMPLATES | telling.TEMPLATES
    return [_sentence(templates[reason.key], reason, name, unit) for name, unit, reason in telling.told(finding, said)]


def cause_of(text: str) -> Cause:
    """The cause pack that is written.

    Raises: Refused `detection.pack_unreadable`, `detection.pack_unfit`, `detection.pack_too_large`.
    """
    return causes.cause_of(text)


def shipped_cause_files() -> dict[str, Path]:
    """The files of the cause packs that come with the program."""
    return causes.shipped()


def shipped_causes() -> list[Cause]:
    """The cause packs that come with the program."""
    return [causes.cause_of(path.read_text(encoding="utf-8")) for path in causes.shipped().values()]


@dataclass(frozen=True)
class Tried:
    """When the rules of a pack would have fired on a recording, by rule, and what it covers; a cause is one rule."""

    fired: dict[str, list[Fired]]
    readings: int
    since_s: float
    until_s: float


def pack_of(text: str) -> Pack:
    """The rule pack that is written.

    Raises: Refused `detection.pack_unreadable`, `detection.pack_unfit`, `detection.pack_too_large`.
    """
    return packs.pack_of(text)


def shipped_pack_files() -> dict[str, Path]:
    """The files of the packs that come with the program."""
    return packs.shipped()


def shipped_packs() -> dict[str, Pack]:
    """The packs that come with the program."""
    return {name: packs.pack_of(path.read_text(encoding="utf-8")) for name, path in packs.shipped().items()}


def fired_on(pack: Pack | Cause, path: Path) -> Tried:
    """How often and when rules would have fired, or a cause would have been told, on the readings of a file.

    Raises: Refused `detection.recording_*`, `detection.no_such_kind`, `detection.no_place`.
    """
    return _tried(pack, bulk.recorded_of(path), ())


def fired_on_sent(pack: Pack | Cause, name: str, content: bytes) -> Tried:
    """The same on a recording that was sent.

    Raises: Refused `detection.recording_*`, `detection.no_such_kind`, `detection.no_place`.
    """
    return _tried(pack, bulk.recorded_in(name, content), ())


def fired_in_city(pack: Pack | Cause, since: datetime, until: datetime, *, most: int = bulk.LARGEST_ROWS) -> Tried:
    """The same on the readings, and for a cause the calls, that the city keeps.

    Raises: Refused `detection.past_long`, `detection.past_empty`, `detection.no_such_kind`, `detection.no_place`.
    """
    return _tried(pack, past.recorded_between(pack, since, until, most), past.calls_between(pack, since, until))


def _tried(pack: Pack | Cause, recorded: Recorded, calls: Sequence[Call]) -> Tried:
    fired = dict(replay.by_rule(pack, recorded, calls))
    return Tried(fired, len(recorded.value), float(recorded.at_s.min()), float(recorded.at_s.max()))
