"""Questions about sensors, readings, calls and scenes; readings come as columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cityloom.kernel import cells, clock, geometry
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.signals import policies
from cityloom.signals.display import WORDS
from cityloom.signals.domain.categories import DANGEROUS
from cityloom.signals.domain.kinds import KINDS, SILENT_AFTER_CADENCES, silent
from cityloom.signals.domain.reading import SENTENCES, Stream, instant_of, microseconds
from cityloom.signals.domain.still import MEDIA_TYPES
from cityloom.signals.models import Datastream, DeviceKey, RejectedSignal, Report, SceneEvent
from cityloom.signals.readings import outline as outlines
from cityloom.signals.readings.outline import Outline
from cityloom.signals.watching.sensors import (
    Narrowed,
    SensorFacts,
    bounds_wanted,
    last_recorded,
    owner_units,
    sensor,
    sensors_listed,
    sensors_wanted,
)  # fmt: skip
from cityloom.ui.domain import declared as figures
from cityloom.ui.words import sentence_of as sentence_in_words

__all__ = [
    "Datastreams", "Fact", "Key", "KeyFacts", "Narrowed", "Outline", "PublicSensor", "Readings", "Rejections",
    "ReportCard", "ReportFacts", "SceneFacts", "SensorFacts", "Still", "StreamTold", "bounds_wanted", "bridge_schema",
    "datastreams", "datastreams_near", "datastreams_of_kinds", "device_keys", "exchange_schema", "extremes",
    "hourly_until", "is_reported", "last_instant", "last_instants", "last_recorded", "outline", "owner_units",
    "readings_between", "readings_of", "readings_told", "recent", "recent_reports", "reference_of", "rejections",
    "report_card", "reports_between", "reports_counted", "reports_of_a_day", "road_of", "scenes_between", "sensor",
    "sensor_counts", "sensor_faults", "sensors_counted", "sensors_for_everyone", "sensors_in_service",
    "sensors_listed", "sensors_wanted", "sentence_of", "silent_among", "still_of", "stream_names", "streams_by_key",
    "streams_that_spoke", "unit_of", "why_not_look_after",
]  # fmt: skip
Fact = TypeVar("Fact", "ReportFacts", "SceneFacts")
Key = TypeVar("Key")
_IN = {"sqlite": "IN (SELECT value FROM json_each(%s))", "postgresql": "= ANY(%s::bigint[])"}
_CARD = ("id", "category", "lon", "lat", "reported_at", "source", "packet", "has_words", "photos", "exercise_id")
_CHUNK = 5_000  # keys in one question; both databases take more, planning gets slow


@dataclass(frozen=True)
class Datastreams:
    """Columns of datastreams in service, by id; longitude and latitude in WGS 84."""

    id: NDArray[np.int64]
    name: NDArray[np.object_]
    kind: NDArray[np.object_]
    unit: NDArray[np.object_]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    cadence_s: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.id)

    def only(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Datastreams:
        """The chosen rows."""
        return Datastreams(self.id[rows], self.name[rows], self.kind[rows], self.unit[rows], self.lon[rows],
                           self.lat[rows], self.cadence_s[rows])  # fmt: skip


@dataclass(frozen=True)
class Readings:
    """Columns of observations, by stream and then by instant (microseconds since 1970, UTC)."""

    datastream_id: NDArray[np.int64]
    at_us: NDArray[np.int64]
    result: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.result)

    def instants(self) -> list[datetime]:
        """When each reading was made."""
        return [instant_of(at_us) for at_us in self.at_us.tolist()]


@dataclass(frozen=True)
class ReportFacts:
    """A call; two calls with the same `caller_digest` on one day came from the same caller."""

    id: str
    category: str
    lon: float
    lat: float
    cell: int
    at: datetime
    caller_digest: str


@dataclass(frozen=True)
class ReportCard:
    """A call or report for those who deal with it; `packet` is where its words and photos lie sealed, if it has any.

    `reference` is what whoever reported it was given.
    """

    id: str
    category: str
    lon: float
    lat: float
    at: datetime
    source: str
    packet: int | None
    has_words: bool
    photos: int
    exercise_id: str

    @property
    def reference(self) -> str:
        return reference_of(self.id)


@dataclass(frozen=True)
class SceneFacts:
    """What a camera noticed, where the camera stands."""

    id: str
    camera_id: int
    category: str
    lon: float
    lat: float
    at: datetime
    has_still: bool


@dataclass(frozen=True)
class Still:
    """A masked picture on disk."""

    path: Path
    media_type: str


@dataclass(frozen=True)
class StreamTold:
    """How many readings in bulk a stream has, and the latest."""

    id: int
    name: str
    count: int
    last_at: datetime
    last: float


@dataclass(frozen=True)
class PublicSensor:
    """A sensor as anybody may know it; `unit` is a UCUM code, `cadence_s` how often it speaks."""

    id: int
    name: str
    kind: str
    unit: str
    street: str
    lon: float
    lat: float
    cadence_s: int
    in_service: bool
    made_up: bool


@dataclass(frozen=True)
class KeyFacts:
    """A device key as an operator sees it."""

    id: str
    owner: str
    thing_id: int | None
    made_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Rejections:
    """How many signals were set aside for one reason, and what the sender should do."""

    kind: str
    code: str
    sentence: str
    count: int


def datastreams(datastream_ids: Iterable[int]) -> Datastreams:
    """The datastreams with those ids; unknown ones and those out of service are left out."""
    return _streams("id", (int(key) for key in datastream_ids))


def datastreams_near(lon: float, lat: float, radius_m: float, kinds: Sequence[str] | None = None) -> Datastreams:
    """The datastreams in service within `radius_m` of a place."""
    found = _streams("cell", cells.cover_circle(lon, lat, radius_m))
    near = _within(lon, lat, radius_m, found.lon, found.lat)
    return found.only(near if kinds is None else near & np.isin(found.kind, list(kinds)))


def datastreams_of_kinds(kinds: Iterable[str]) -> Datastreams:
    """The datastreams in service of those kinds."""
    chosen = _installed().filter(kind__in=sorted(set(kinds)), state=Datastream.IN_SERVICE)
    columns = ("id", "name", "kind", "unit", "lon", "lat", "cadence_s")
    types = (np.int64, object, object, object, np.float64, np.float64, np.int64)
    return Datastreams(*_columns(list(chosen.order_by("id").values_list(*columns)), types))


def recent(datastream_ids: Iterable[int], since: datetime, until: datetime, exercise_id: str = "") -> Readings:
    """The readings of those streams after `since` and up to and including `until`, whichever road they came on."""
    keys, window = [int(key) for key in datastream_ids], (microseconds(since), microseconds(until))
    recorded, came = _readings(keys, *window, exercise_id), _on_the_road(keys, *window, exercise_id)
    return _together(recorded, came) if len(came) else recorded


def extremes(datastream_ids: Iterable[int], since: datetime, until: datetime, exercise_id: str = "") -> Readings:
    """The lowest and the highest reading of each stream in the window, both at the instant of its latest reading."""
    sql = (
        "SELECT datastream_id, MAX(phenomenon_us), MIN(result), MAX(result) FROM signals_observation"  # noqa: S608 - constants
        f" WHERE exercise_id = %s AND datastream_id {_IN[connection.vendor]}"
        " AND phenomenon_us > %s AND phenomenon_us <= %s AND result IS NOT NULL"
        " GROUP BY datastream_id ORDER BY datastream_id"
    )
    keys, window = [int(key) for key in datastream_ids], (microseconds(since), microseconds(until))
    with connection.cursor() as cursor:
        cursor.execute(sql, [exercise_id, _as_one(keys), *window])
        key, at_us, low, high = _columns(cursor.fetchall(), (np.int64, np.int64, np.float64, np.float64))
    recorded = Readings(np.repeat(key, 2), np.repeat(at_us, 2), np.stack([low, high], axis=1).ravel())
    came = _on_the_road(keys, *window, exercise_id)
    return _outline(_together(recorded, came)) if len(came) else recorded


def sensors_for_everyone(
    *, kind: str = "", street: str = "", first: int = 0, most: int = 50
) -> list[PublicSensor]:
    """Sensors of a kind in streets whose name holds a text, by street and name; all of them where nothing is asked."""
    rows = _sensors(kind, street).order_by("thing__street", "name")[first : first + most]
    return [
        PublicSensor(
            row.id, row.name, row.kind, row.unit, row.thing.street, row.lon, row.lat, row.cadence_s,
            row.state == Datastream.IN_SERVICE, bool(row.made_up),
        )
        for row in rows.select_related("thing")
    ]  # fmt: skip


def streams_that_spoke(most: int = 100) -> list[StreamTold]:
    """What streams with readings in bulk have said, the one that spoke last first; no reading is looked at."""
    from cityloom.signals.readings import looking

    told = looking.tallies(Path(settings.CITYLOOM["LAKE_DIR"]))
    told = told[told["count"] > 0]
    chosen = told[np.argsort(-told["last_us"], kind="stable")[:most]]
    names = dict(Datastream.objects.filter(id__in=chosen["id"].tolist()).values_list("id", "name"))
    return [StreamTold(int(row["id"]), names.get(int(row["id"]), ""), int(row["count"]), instant_of(row["last_us"]),
                       float(row["last"])) for row in chosen]  # fmt: skip


def bridge_schema() -> dict[str, object]:
    """The JSON Schema of a bridge to a broker."""
    from cityloom.signals.domain import bridge

    return bridge.schema()


def exchange_schema() -> dict[str, object]:
    """The JSON Schema of an exchange of SensorThings with a broker."""
    from cityloom.signals.domain.sensorthings import exchanging

    return exchanging.schema()


def sentence_of(code: str) -> str:
    """Why something was set aside, by code, and what the sender should do."""
    return SENTENCES.get(code, code)


def readings_told() -> tuple[int, int]:
    """How many streams have readings in bulk, and how many readings there are; exact, and counted already."""
    from cityloom.signals.readings import looking

    told = looking.tallies(Path(settings.CITYLOOM["LAKE_DIR"]))["count"]
    return int((told > 0).sum()), int(told.sum())


def readings_between(datastream_ids: Iterable[int], since: datetime, until: datetime) -> Readings:
    """The readings in bulk of those streams from an instant until before another, wherever they lie by now."""
    from cityloom.signals.readings import looking

    root, keys = Path(settings.CITYLOOM["LAKE_DIR"]), np.array(list(datastream_ids), np.int64)
    found = looking.between(root, keys, microseconds(since), microseconds(until))
    return Readings(found.thing, found.at_us, found.result)


def last_instants(exercise_id: str = "") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The streams that have readings in bulk, by id, and the instant of each one's latest in microseconds."""
    from cityloom.signals.readings import looking

    told = looking.tallies(road_of(exercise_id))
    told = np.sort(told[told["count"] > 0], order="id")
    return told["id"].copy(), told["last_us"].copy()


def readings_of(datastream_ids: Iterable[int], since_us: int, until_us: int, exercise_id: str = "") -> Readings:
    """The readings in bulk of those streams from an instant until before another, both in microseconds since 1970."""
    from cityloom.signals.readings import looking

    keys = np.array(list(datastream_ids), np.int64)
    found = looking.between(road_of(exercise_id), keys, since_us, until_us)
    return Readings(found.thing, found.at_us, found.result)


def outline(
    datastream_ids: Iterable[int], since: datetime, until: datetime, exercise_id: str = "", *, most: int = 600
) -> Outline:
    """The readings of streams from an instant until before another, in at most so many stretches of time a stream.

    Single observations and readings in bulk are united.
    """
    keys, root = sorted({int(key) for key in datastream_ids}), road_of(exercise_id)
    return outlines.outline(root, keys, microseconds(since), microseconds(until), exercise_id, most=most)


def hourly_until(datastream_id: int, since: datetime, until: datetime) -> datetime | None:
    """Up to when readings of a stream are kept as hours alone, of those between two instants; None where none are."""
    root = road_of("")
    if not (root / ".readings").is_dir():
        return None
    from cityloom.signals.readings import hourly

    last = hourly.last_us(root, datastream_id, microseconds(since), microseconds(until))
    return None if last is None else instant_of(last + hourly.HOUR_US // 2)


def last_instant(datastream_id: int, exercise_id: str = "") -> datetime | None:
    """When the latest reading of a stream was made, wherever it lies; None where there is none."""
    found = [last_recorded(datastream_id, exercise_id)]
    if (road_of(exercise_id) / ".readings").is_dir():
        from cityloom.signals.readings import looking

        for who in (looking.WHO, looking.WEB):
            told = looking.tallies(road_of(exercise_id), who)
            ours = (told["id"] == datastream_id) & (told["count"] > 0)
            found += [instant_of(last) for last in told["last_us"][ours]]
    return max((one for one in found if one is not None), default=None)


def why_not_look_after(actor: Actor) -> str:
    """Why somebody may not say whose a sensor is and when it was calibrated; "" where they may."""
    try:
        policies.check_can_look_after_sensors(actor)
    except Refused as refusal:
        return sentence_in_words(refusal)
    return ""


def stream_names(datastream_ids: Iterable[int]) -> dict[int, str]:
    """What streams are called, in service or not; those that there are."""
    return dict(Datastream.objects.filter(id__in=list(datastream_ids)).values_list("id", "name"))


def sensors_counted(kind: str = "", street: str = "") -> int:
    """How many sensors `sensors_for_everyone` would list."""
    return _sensors(kind, street).count()


def sensor_counts() -> dict[str, int]:
    """How many sensors there are of each kind, out of service or not."""
    return dict(_installed().values_list("kind").annotate(count=Count("id")).order_by("kind"))


def unit_of(kind: str) -> str:
    """The unit in which a kind of sensor speaks."""
    return KINDS[kind].unit if kind in KINDS else ""


def sensors_in_service(actor: Actor, at: datetime | None) -> figures.Reading:
    """How many sensors there are whose readings count."""
    return figures.Reading(float(_installed().filter(state=Datastream.IN_SERVICE).count()))


def reports_of_a_day(actor: Actor, at: datetime | None) -> figures.Reading:
    """How many reports came in the 24 hours up to `at`, with the days before as series."""
    until = at or clock.now()
    days = [until - timedelta(days=back) for back in range(6, -1, -1)]
    times = Report.objects.filter(exercise_id="", reported_at__gt=days[0] - timedelta(days=1), reported_at__lte=until)
    found = list(times.values_list("reported_at", flat=True))
    series = [(day, float(sum(day - timedelta(days=1) < one <= day for one in found))) for day in days]
    return figures.Reading(series[-1][1], series)


def sensor_faults(actor: Actor, at: datetime) -> list[figures.Fault]:
    """Sensors that have fallen silent within a day, and whether any has spoken in it; exercises left out."""
    spoke = (
        "SUM(CASE WHEN EXISTS (SELECT 1 FROM signals_observation o WHERE o.exercise_id = '' AND o.datastream_id = d.id"
        " AND o.phenomenon_us > %s AND o.phenomenon_us <= %s) THEN 1 ELSE 0 END)"
    )
    lately = spoke.replace("> %s", "> %s - d.cadence_s * %s", 1)
    sql = f"SELECT COUNT(*), {spoke}, {lately} FROM signals_datastream d WHERE d.kind <> '' AND d.state = %s"  # noqa: S608 - constants
    until = microseconds(at)
    day_us = microseconds(at - timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute(
            sql, [day_us, until, until, SILENT_AFTER_CADENCES * 1_000_000, until, Datastream.IN_SERVICE]
        )
        count, in_a_day, now = (int(number or 0) for number in cursor.fetchone())
    if count and not in_a_day:
        note = _("Connect them, or run a drill; until then incidents are found by calls and people only.")
        return [figures.Fault(_("No sensor has sent a reading in a day"), note=note)]
    if silent_count := in_a_day - now:
        words = _("Sensors that fell silent: {silent} of {all}").format(silent=silent_count, all=count)
        return [figures.Fault(words, "bad" if silent_count * 5 > count else "wait")]
    return []


def device_keys() -> list[KeyFacts]:
    """All keys with which devices write, the newest first; not what they are."""
    rows = DeviceKey.objects.order_by("-made_at")
    return [KeyFacts(row.id, row.owner, row.thing_id, row.made_at, row.ended_at) for row in rows]


def silent_among(streams: Datastreams, readings: Readings, until: datetime) -> NDArray[np.bool_]:
    """Which of the streams had, by `until`, said nothing for more than five of their cadences in these readings."""
    last = np.zeros(len(streams), np.int64)
    ours = np.isin(readings.datastream_id, streams.id)
    np.maximum.at(last, np.searchsorted(streams.id, readings.datastream_id[ours]), readings.at_us[ours])
    return silent(last, streams.cadence_s, microseconds(until))


def reports_between(
    since: datetime, until: datetime, exercise_id: str = "", *, near: tuple[float, float, float] | None = None
) -> list[ReportFacts]:
    """The calls after `since` and up to `until`, oldest first; `near` is longitude, latitude and metres."""
    rows = Report.objects.filter(exercise_id=exercise_id, reported_at__gt=since, reported_at__lte=until)
    columns = rows.order_by("reported_at", "id").values_list(
        "id", "category", "lon", "lat", "cell", "reported_at", "caller_digest"
    )
    return _near([ReportFacts(*row) for row in columns], near)


def report_words() -> dict[str, str]:
    """What each category is called by those who report it, in the reader's language."""
    return {code: _(words) for code, words in WORDS.items()}


def dangerous_reports() -> tuple[str, ...]:
    """The categories that can cost lives, in the order of the form."""
    return DANGEROUS


def report_card(report_id: str) -> ReportCard:
    """A call or report. Raises: Refused `signals.no_report`."""
    row = Report.objects.filter(pk=report_id).values_list(*_CARD).first()
    if row is None:
        raise Refused("signals.no_report", "There is no such report; it may have belonged to a drill that was removed.")
    return ReportCard(*row)


def recent_reports(most: int = 50, *, skip: int = 0, source: str = "") -> list[ReportCard]:
    """The latest calls and reports, of drills too."""
    rows = Report.objects.filter(source=source) if source else Report.objects.all()
    return [ReportCard(*row) for row in rows.order_by("-reported_at", "id").values_list(*_CARD)[skip : skip + most]]


def is_reported(report_id: str) -> bool:
    """Whether there is a call or report with that id."""
    return Report.objects.filter(pk=report_id).exists()


def reports_counted(since: datetime, *, caller_digest: str = "") -> int:
    """How many came from the portal after `since`, from one caller or from all."""
    rows = Report.objects.filter(source=Report.WEB, reported_at__gt=since)
    return (rows.filter(caller_digest=caller_digest) if caller_digest else rows).count()


def reference_of(report_id: str) -> str:
    """The first 60 bits of a report's random id, as people read it out."""
    return "-".join(report_id[start : start + 4] for start in (0, 4, 8))


def scenes_between(
    since: datetime, until: datetime, exercise_id: str = "", *, near: tuple[float, float, float] | None = None
) -> list[SceneFacts]:
    """The scenes after `since` and up to `until`, oldest first; `near` is longitude, latitude and metres."""
    rows = SceneEvent.objects.filter(exercise_id=exercise_id, noticed_at__gt=since, noticed_at__lte=until)
    columns = rows.order_by("noticed_at", "id").values_list(
        "id", "camera_id", "category", "lon", "lat", "noticed_at", "still"
    )
    return _near([SceneFacts(*row[:-1], has_still=bool(row[-1])) for row in columns], near)


def still_of(scene_id: str) -> Still | None:
    """The masked picture of a scene, where there is one."""
    name = SceneEvent.objects.filter(pk=scene_id).values_list("still", flat=True).first()
    if not name:
        return None
    path = Path(settings.CITYLOOM["STILLS_DIR"]) / name
    return Still(path, MEDIA_TYPES[path.suffix]) if path.exists() else None


def rejections(exercise_id: str = "") -> list[Rejections]:
    """What was set aside, summed by kind of signal and reason."""
    rows = RejectedSignal.objects.filter(exercise_id=exercise_id).values_list("kind", "code")
    summed = rows.annotate(total=Sum("count")).order_by("kind", "code")
    return [Rejections(kind, code, SENTENCES[code], total) for kind, code, total in summed]


def streams_by_key(keys: Iterable[int | str]) -> dict[int | str, Stream]:
    """What is needed to judge readings, under each id or name that was asked for; unknown keys are left out."""
    asked = set(keys)
    found: dict[int | str, Stream] = {}
    for column in (int, str):
        for chunk in _chunks([key for key in asked if isinstance(key, column)]):
            field = "id" if column is int else "name"
            rows = _installed().filter(**{f"{field}__in": chunk}).values_list(field, "id", "unit", "low", "high")
            found.update({row[0]: Stream(*row[1:]) for row in rows})
    return found


def _streams(column: str, keys: Iterable[int]) -> Datastreams:
    sql = (
        "SELECT id, name, kind, unit, lon, lat, cadence_s FROM signals_datastream"  # noqa: S608 - constants
        f" WHERE {column} {_IN[connection.vendor]} AND kind <> '' AND state = %s ORDER BY id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [_as_one([int(key) for key in keys]), Datastream.IN_SERVICE])
        types = (np.int64, object, object, object, np.float64, np.float64, np.int64)
        return Datastreams(*_columns(cursor.fetchall(), types))


def _readings(datastream_ids: Iterable[int], since_us: int, until_us: int, exercise_id: str) -> Readings:
    sql = (
        "SELECT datastream_id, phenomenon_us, result FROM signals_observation"  # noqa: S608 - constants
        f" WHERE exercise_id = %s AND datastream_id {_IN[connection.vendor]}"
        " AND phenomenon_us > %s AND phenomenon_us <= %s AND result IS NOT NULL"
        " ORDER BY datastream_id, phenomenon_us, id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [exercise_id, _as_one([int(key) for key in datastream_ids]), since_us, until_us])
        return Readings(*_columns(cursor.fetchall(), (np.int64, np.int64, np.float64)))


def road_of(exercise_id: str) -> Path:
    """Where readings in bulk lie: in the lake, those of an exercise in a folder of their own."""
    lake = Path(settings.CITYLOOM["LAKE_DIR"])
    return lake.parent / "exercises" / exercise_id if exercise_id else lake


def _on_the_road(keys: list[int], since_us: int, until_us: int, exercise_id: str) -> Readings:
    """What came at a high rate: from the last minutes of each stream, and from what is kept where these are too few."""
    root = road_of(exercise_id)
    folder = root / ".readings" / "ingest"
    if not keys or not folder.exists():
        return Readings(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    from cityloom.signals.readings import looking, ring

    found, rest = ring.lately(folder, np.unique(np.array(keys, np.int64)), since_us + 1, until_us + 1)
    lately = Readings(found.thing, found.at_us, found.result)
    if len(rest):
        more = looking.between(root, rest, since_us + 1, until_us + 1)
        lately = _together(lately, Readings(more.thing, more.at_us, more.result))
    return lately


def _together(one: Readings, other: Readings) -> Readings:
    """Both, by stream and then by instant."""
    key, at_us, result = (np.concatenate([getattr(one, name), getattr(other, name)])
                          for name in ("datastream_id", "at_us", "result"))  # fmt: skip
    order = np.lexsort((at_us, key))
    return Readings(key[order], at_us[order], result[order])


def _outline(readings: Readings) -> Readings:
    """The lowest and the highest of each stream, both at the instant of its latest."""
    first = np.flatnonzero(np.r_[True, readings.datastream_id[1:] != readings.datastream_id[:-1]])
    latest = np.repeat(np.maximum.reduceat(readings.at_us, first), 2)
    ends = [each.reduceat(readings.result, first) for each in (np.minimum, np.maximum)]
    return Readings(np.repeat(readings.datastream_id[first], 2), latest, np.stack(ends, axis=1).ravel())


def _sensors(kind: str, street: str) -> QuerySet[Datastream]:
    rows = Datastream.objects.filter(kind=kind) if kind else _installed()
    return rows.filter(thing__street__icontains=street) if street else rows


def _installed() -> QuerySet[Datastream]:
    """What the city itself has installed: of known kind, unit, range and place."""
    return Datastream.objects.exclude(kind="")


def _as_one(keys: list[int]) -> object:
    """Any number of keys as one parameter."""
    return keys if connection.vendor == "postgresql" else json.dumps(keys)


def _columns(rows: list[tuple[object, ...]], types: Sequence[type]) -> list[NDArray[np.generic]]:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(types)
    return [np.array(values, dtype=kind) for values, kind in zip(columns, types, strict=True)]


def _near(facts: list[Fact], near: tuple[float, float, float] | None) -> list[Fact]:
    if near is None or not facts:
        return facts
    lon, lat = np.array([fact.lon for fact in facts]), np.array([fact.lat for fact in facts])
    return [facts[row] for row in np.flatnonzero(_within(*near, lon, lat)).tolist()]


def _within(
    lon: float, lat: float, radius_m: float, lons: NDArray[np.float64], lats: NDArray[np.float64]
) -> NDArray[np.bool_]:
    return np.hypot(*geometry.LocalProjection(lon, lat).xy(lons, lats).T) <= radius_m


def _chunks(keys: list[Key]) -> Iterator[list[Key]]:
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))
