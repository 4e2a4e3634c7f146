"""Learn what is normal, and raise what is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from cityloom.bus import actions as bus
from cityloom.detection import policies, queries
from cityloom.detection.domain.baseline import Baselines, learn
from cityloom.detection.domain.cause import Cause
from cityloom.detection.domain.evidence import Evidence, of_calls, of_scenes, of_streams
from cityloom.detection.domain.fusion import RADIUS_M, Finding, fuse
from cityloom.detection.domain.pack import Pack
from cityloom.detection.domain.windows import WIDTH, windows
from cityloom.detection.events import DetectionRaised
from cityloom.detection.models import Baseline, Detection, Miss
from cityloom.detection.trust import judgements, leaks, misses, trials
from cityloom.detection.trust import packs as kept
from cityloom.detection.trust.misses import Event
from cityloom.detection.trust.trials import Past
from cityloom.detection.trust.trying import try_what_waits
from cityloom.detection.watching.lookout import Lookout
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.geometry import LocalProjection, distance_m
from cityloom.kernel.refused import Refused
from cityloom.signals import queries as signals
from cityloom.signals.events import SignalsRecorded

CATEGORY = "ground-collapse"
INCIDENTS = frozenset({CATEGORY, "gas-leak", "fire"})
"""Categories that open incidents, which no rule alone may do."""
_LOCK = 0x6465746563740000  # PostgreSQL's advisory lock for raising: "detect"
_LOOK_AROUND_M = 3 * RADIUS_M  # a seed, its cluster's reach, and the far side of a circle that holds it
_ROWS_AT_ONCE = 5_000

Window = tuple[datetime, datetime]


def learn_baselines(
    *, datastream_ids: Sequence[int], since: datetime, until: datetime, by: Actor, at: datetime, exercise_id: str = ""
) -> int:
    """Learn what is normal from the readings after `since` and up to `until`; return how many streams were learnt.

    What an exercise learns is its own. Learning again replaces what was known of those streams.
    """
    readings = signals.recent(datastream_ids, since, until, exercise_id)
    if not len(readings):
        return 0
    found = learn(readings.datastream_id, readings.result)
    columns = (found.datastream_id, found.count, found.median, found.spread)
    rows = [
        Baseline(exercise_id=exercise_id, datastream_id=key, count=count, median=median, spread=spread, updated_at=at)
        for key, count, median, spread in zip(*(column.tolist() for column in columns), strict=True)
    ]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        Baseline.objects.bulk_create(
            rows[start : start + _ROWS_AT_ONCE], update_conflicts=True, unique_fields=["exercise_id", "datastream_id"],
            update_fields=["count", "median", "spread", "updated_at"],
        )  # fmt: skip
    return len(rows)


def assess(
    *, recorded: SignalsRecorded, by: Actor, at: datetime, exercise_id: str = "", caused_by: str = ""
) -> list[str]:
    """Look around new signals; raise what speaks for a collapse, or add to what is raised already.

    Returns the ids of the detections that were raised or added to. Assessing the same signals again raises nothing.
    """
    report = partial(_raise_or_add, at=at, exercise_id=exercise_id, caused_by=caused_by)
    touched: list[str] = []
    for window in windows(recorded.window_start, recorded.window_end, at):
        seeds = _seeds(recorded, window, exercise_id)
        while seeds:
            lon, lat = seeds[0].lon, seeds[0].lat
            keys, spent = _reported(_evidence_near(lon, lat, window, exercise_id), report)
            touched += keys
            seeds = [seed for seed in _further_than(RADIUS_M, lon, lat, seeds) if seed.source not in spent]
    return list(dict.fromkeys(touched))


def watch_readings(
    *, by: Actor, exercise_id: str = "", now: Callable[[], datetime] = clock.now,
    turn: Callable[[], None] = lambda: None, aside: bool = True,
) -> Lookout:  # fmt: skip
    """Watch the readings that this process keeps, from where the last one that watched has come; one at a time does.

    `turn` is called now and then while what was missed is judged; causes are weighed `aside`, in a thread, or at once.
    """
    lookout = Lookout(by=by, exercise_id=exercise_id, now=now, aside=aside)
    lookout.catch_up(turn)
    return lookout


def judge(
    *, detection_id: str, verdict: str, reason: str, by: Actor, at: datetime, duplicate_of: str = ""
) -> str:  # fmt: skip
    """Say what a detection was, with a reason, and return the judgement's id; what was said before stays behind it.

    Raises: Refused `detection.role`, `detection.unknown`, `.verdict`, `.which`, `.reason`, `.itself`, `.no_first`,
    `.chain`.
    """
    policies.check_can_judge(by)
    row = Detection.objects.filter(pk=detection_id).first()
    if row is None:
        raise Refused("detection.unknown", queries.NO_DETECTION)
    return judgements.write(row, verdict, reason, duplicate_of, by, at)


def keep_pack(*, text: str, by: Actor, at: datetime, reason: str = "") -> tuple[str, int]:
    """Keep rules as a new version of their pack, not in force yet; return the pack's name and the version.

    Raises: Refused `detection.role`, `detection.pack_unreadable`, `detection.pack_unfit`, `detection.pack_too_large`,
    `detection.pack_name`.
    """
    policies.check_can_write_packs(by)
    pack = queries.written(text)
    if pack.name == CATEGORY or (pack.name in INCIDENTS and isinstance(pack, Pack)):
        raise Refused("detection.pack_name", "A pack cannot be named {value}, as what opens incidents is; name it "
                      "after what it watches.", value=pack.name)  # fmt: skip
    if pack.name in INCIDENTS and isinstance(pack, Cause) and pack.least_sources < 2:
        raise Refused("detection.pack_alone", "What is named {value} opens incidents, and no source may do so alone: "
                      "ask for at least {limit} sources.", value=pack.name, limit=2)  # fmt: skip
    return kept.keep(text, reason, by, at)


def put_in_force(*, pack: str, number: int, by: Actor, at: datetime, reason: str = "") -> None:
    """Let a version of a rule pack run instead of the one that does; going back is the same with an earlier one.

    Raises: Refused `detection.no_version`, `detection.role`, `detection.alone`.
    """
    kept.put(pack, number, reason, by, at)


def withdraw_pack(*, pack: str, by: Actor, at: datetime, reason: str) -> None:
    """Let a rule pack run no more.

    Raises: Refused `detection.not_in_force`, `detection.role`, `detection.alone`.
    """
    kept.withdraw(pack, reason, by, at)


def ask_for_trial(*, text: str, on: Past, by: Actor, at: datetime) -> str:
    """Have rules tried on the past by a process of its own; return the trial's id.

    Raises: Refused `detection.role`, `detection.pack_*`, `detection.past_long`, `detection.trials_busy`.
    """
    policies.check_can_write_packs(by)
    return trials.ask(text, queries.written(text), on, by, at)


def do_trials(*, by: Actor, now: Callable[[], datetime] = clock.now) -> int:
    """Try what waits until nothing does, and return how many trials ended; may be killed at any instant."""
    return try_what_waits(now)


def cancel_trial(*, trial_id: str, by: Actor, at: datetime) -> None:
    """End a trial that nobody needs; it stops within seconds.

    Raises: Refused `detection.role`, `detection.no_trial`.
    """
    policies.check_can_write_packs(by)
    trials.cancel(trial_id, at)


def look_for_leaks(*, by: Actor, at: datetime) -> leaks.Looked:
    """Look for leaks in all whole days since what is usual was learnt; the same day again tells nothing new.

    Raises: Refused `detection.leak_network`, `detection.leak_sensors`, `detection.leak_young`, `detection.leak_old`.
    """
    return leaks.look(at)


def learn_usual(*, since: datetime, days: int, by: Actor, at: datetime) -> None:
    """Choose the weeks, without leaks that one knows of, in which the water network's usual is learnt.

    Raises: Refused `detection.role`, `detection.quiet_short`.
    """
    policies.check_can_write_packs(by)
    leaks.learn_from(since, days, at)


def note_outcome(*, detection_id: str, kind: str, matter_id: str, by: Actor, at: datetime) -> None:
    """Write down what a detection led to, as in `incident`; said by whoever opened it, once or again."""
    if Detection.objects.filter(pk=detection_id).exists():
        judgements.note_outcome(detection_id, kind, matter_id, at)


def note_miss(event: Event, *, by: Actor, at: datetime, exercise_id: str = "") -> str:
    """Write down something that really happened and that nothing detected; return its id.

    Raises: Refused `detection.role`, `detection.miss_source`, `.miss_later`, `.was_detected`, `.miss_noted`.
    """
    policies.check_can_judge(by)
    return misses.note(event, exercise_id, by, at)


def note_undetected(
    event: Event, *, kind: str, matter_id: str, by: Actor, at: datetime, exercise_id: str = ""
) -> str:  # fmt: skip
    """Write down that a matter was opened and no detection had led to it; said by whoever opened it, once or again."""
    return misses.note_matter(event, kind, matter_id, exercise_id, by, at)


def withdraw_miss(*, miss_id: str, by: Actor, at: datetime) -> None:
    """Take back that something was not detected; the note stays, and counts no more.

    Raises: Refused `detection.role`, `detection.no_miss`.
    """
    policies.check_can_judge(by)
    misses.withdraw(miss_id, by, at)


def forget(*, exercise_id: str, by: Actor, at: datetime) -> int:
    """Erase what an exercise learnt and found; return how many rows there were.

    Raises: Refused `detection.not_an_exercise`.
    """
    if not exercise_id:
        raise Refused("detection.not_an_exercise", "Only the detections of an exercise can be erased; name one.")
    with transaction.atomic():
        return sum(model.objects.filter(exercise_id=exercise_id).delete()[0] for model in (Baseline, Detection, Miss))


def _seeds(recorded: SignalsRecorded, window: Window, exercise_id: str) -> list[Evidence]:
    """What among the new signals speaks for a collapse at all."""
    streams = signals.datastreams(recorded.datastream_ids)
    reports, scenes = set(recorded.report_ids), set(recorded.scene_ids)
    calls = [call for call in signals.reports_between(*window, exercise_id) if call.id in reports] if reports else []
    seen = [scene for scene in signals.scenes_between(*window, exercise_id) if scene.id in scenes] if scenes else []
    evidence = [*_stream_evidence(streams, window, exercise_id), *of_calls(calls), *of_scenes(seen)]
    return [item for item in evidence if item.weight > 0]


def _further_than(radius_m: float, lon: float, lat: float, seeds: Sequence[Evidence]) -> list[Evidence]:
    places = LocalProjection(lon, lat).xy(
        np.array([seed.lon for seed in seeds]), np.array([seed.lat for seed in seeds])
    )
    return [seeds[row] for row in np.flatnonzero(np.hypot(*places.T) > radius_m).tolist()]


def _evidence_near(lon: float, lat: float, window: Window, exercise_id: str) -> list[Evidence]:
    near = (lon, lat, _LOOK_AROUND_M)
    streams = _stream_evidence(signals.datastreams_near(*near), window, exercise_id)
    calls = of_calls(signals.reports_between(*window, exercise_id, near=near))
    return [*streams, *calls, *of_scenes(signals.scenes_between(*window, exercise_id, near=near))]


def _stream_evidence(streams: signals.Datastreams, window: Window, exercise_id: str) -> list[Evidence]:
    """What streams say: their extremes tell which are out of the ordinary, and only those are read in full."""
    if not len(streams):
        return []
    baselines = queries.baselines_of(streams.id.tolist(), exercise_id)
    outline = signals.extremes(streams.id, *window, exercise_id)
    silent = signals.silent_among(streams, outline, window[1])
    first_look = _said(streams, silent, baselines, outline)
    wild = np.isin(streams.id, [int(item.source.split(":")[1]) for item in first_look if item.weight > 0])
    readings = signals.recent(streams.id[wild], *window, exercise_id)
    calm = [item for item in first_look if item.weight == 0]
    return calm + _said(streams.only(wild), silent[wild], baselines, readings)


def _said(
    streams: signals.Datastreams, silent: NDArray[np.bool_], baselines: Baselines, readings: signals.Readings
) -> list[Evidence]:
    return of_streams(
        streams, silent, baselines,
        datastream_id=readings.datastream_id, at=readings.instants(), result=readings.result,
    )  # fmt: skip


def _reported(
    evidence: list[Evidence], report: Callable[[Finding], tuple[str, set[str]]]
) -> tuple[list[str], set[str]]:
    """Report every place that may be raised, the best supported first; each source speaks for one place only.

    Returns the detections and the sources that are spent on them.
    """
    keys: list[str] = []
    spent: set[str] = set()
    while (finding := fuse([item for item in evidence if item.source not in spent])).raised:
        key, sources = report(finding)
        keys += [key] if key else []
        spent |= sources
    return keys, spent


def _raise_or_add(finding: Finding, *, at: datetime, exercise_id: str, caused_by: str) -> tuple[str, set[str]]:
    """Write a finding down; return the detection's id and the sources that are spent on it.

    Where some of the sources speak for a detection further off already, those are returned alone, without an id: what
    is left without them has to be judged again.
    """
    sources = {item.source for item in finding.evidence}
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite's writers are alone from the start of their transaction
            connection.cursor().execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        known = _open_at_the_time(finding, exercise_id)
        near = [row for row in known if _metres(row, finding) <= RADIUS_M]
        if near:
            return _add(min(near, key=lambda row: (_metres(row, finding), row.id)), finding), sources
        claimed = sources & {item["source"] for row in known for item in row.evidence}
        if claimed:
            return "", claimed
        return _raise(finding, at=at, exercise_id=exercise_id, caused_by=caused_by), sources


def _open_at_the_time(finding: Finding, exercise_id: str) -> list[Detection]:
    first, last = _span(finding)
    return list(
        Detection.objects.filter(
            exercise_id=exercise_id, category=CATEGORY, last_at__gte=first - WIDTH, first_at__lte=last + WIDTH
        )
    )


def _metres(row: Detection, finding: Finding) -> float:
    return distance_m(row.lon, row.lat, finding.lon, finding.lat)


def _add(known: Detection, finding: Finding) -> str:
    """Add sources and strength; the place stays, since people have been shown it."""
    merged = {item["source"]: item for item in known.evidence}
    for item in _plain(finding):
        if item["source"] not in merged or item["weight"] > merged[item["source"]]["weight"]:
            merged[item["source"]] = item
    known.evidence = list(merged.values())
    known.score = max(known.score, finding.score)
    known.last_at = max(known.last_at, _span(finding)[1])
    known.save(update_fields=["evidence", "score", "last_at"])
    return known.id


def _raise(finding: Finding, *, at: datetime, exercise_id: str, caused_by: str) -> str:
    first, last = _span(finding)
    key = ids.named_id("detection", exercise_id, CATEGORY, finding.evidence[0].source, clock.to_text(first))
    Detection.objects.create(
        id=key, exercise_id=exercise_id, category=CATEGORY, lon=finding.lon, lat=finding.lat,
        radius_m=finding.radius_m, first_at=first, last_at=last, raised_at=at, score=finding.score,
        evidence=_plain(finding),
    )  # fmt: skip
    event = DetectionRaised(key, CATEGORY, finding.lon, finding.lat, finding.score, first, at)
    bus.publish(event, at=at, exercise_id=exercise_id, caused_by=caused_by, event_id=ids.named_id("raised", key))
    return key


def _span(finding: Finding) -> tuple[datetime, datetime]:
    moments = [item.at for item in finding.evidence]
    return min(moments), max(moments)


def _plain(finding: Finding) -> list[dict[str, object]]:
    return [dataclasses.asdict(item) | {"at": clock.to_text(item.at)} for item in finding.evidence]
