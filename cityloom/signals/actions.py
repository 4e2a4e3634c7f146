"""Install sensors, and record what they, callers and cameras say."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import repeat
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Model
from django.utils.crypto import salted_hmac

from cityloom.bus import actions as bus
from cityloom.gate import actions as gate
from cityloom.kernel import cells, clock, ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.signals import plugins, policies, queries
from cityloom.signals.domain.kinds import KINDS, OWNERS, Sites
from cityloom.signals.domain.meters import Meter, NamedSites, read_meters
from cityloom.signals.domain.reading import (
    SENTENCES,
    CallReport,
    Checked,
    Reading,
    Scene,
    Stream,
    check,
    fault_of_report,
    fault_of_scene,
    instant_of,
)
from cityloom.signals.domain.sensorthings.entities import BY_TITLE
from cityloom.signals.domain.still import LARGEST_BYTES, suffix_of, synthetic_still
from cityloom.signals.events import SignalsRecorded
from cityloom.signals.models import (
    Datastream,
    FeatureOfInterest,
    Observation,
    ObservedProperty,
    RejectedSignal,
    Report,
    SceneEvent,
    Sensor,
    Thing,
)
from cityloom.signals.sensorthings import adopting, counting, placing, telling
from cityloom.signals.sensorthings.changes import Changes, note_readings
from cityloom.signals.sensorthings.keys import end_key, make_key

if TYPE_CHECKING:
    from cityloom.signals.domain.bridge import Message
    from cityloom.signals.domain.weather import Weather
    from cityloom.signals.readings.door import Door
    from cityloom.signals.readings.folder import Folder
    from cityloom.signals.readings.road import Kept, Road

__all__ = [
    "CallReport", "Meter", "OpenedReport", "Problem", "Reading", "ReadingsTaken", "Received", "Recorded", "Scene",
    "bridge_readings", "carry", "check_can_receive", "erase_old_reports", "forget", "install",
    "install_meters", "open_door", "open_folder", "open_report", "open_road", "put_weather", "read_meters",
    "receive", "record", "report_id_of", "set_service", "synthetic_still", "take_readings", "take_weather",
    "thin_readings",
]  # fmt: skip
log = logging.getLogger(__name__)
PURPOSE = "problem-reports"
KEPT = timedelta(days=180)
"""How long words and photos of a report are kept."""
__all__ += [
    "add_up_counts", "adopt", "end_exchange", "end_exchange_if_left", "end_key", "exchange_things", "make_key",
    "set_public",
]  # fmt: skip
_FIELDS = ("words", "contact", "photo")
_OPEN_FOR = timedelta(hours=8)  # a shift
_ERASED_AT_ONCE = 200

Signal = TypeVar("Signal", CallReport, Scene)
Row = tuple[str, int, int, float, str]
_ROWS_AT_ONCE = 10_000  # keeps a transaction well under 200 ms
_FROM_ROWS = (
    "INSERT INTO signals_observation (exercise_id, datastream_id, phenomenon_us, result, message_id)"
    " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_FROM_COLUMNS = (
    "INSERT INTO signals_observation (exercise_id, datastream_id, phenomenon_us, result, message_id)"
    " SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::float8[], %s::text[]) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True)
class Problem:
    """What a resident reports on the portal; photos are cleaned JPEGs, `caller` tells callers apart for a day.

    `token` is the form's own: the same content with the same token is the same report. `contact` is how to reach them.
    """

    token: str
    category: str
    lon: float
    lat: float
    words: str = ""
    photos: Sequence[bytes] = ()
    caller: str = ""
    contact: str = ""


@dataclass(frozen=True)
class Received:
    """What became of a report: its id, and whether words and photos could be sealed and so were kept."""

    report_id: str
    is_new: bool
    is_whole: bool


@dataclass(frozen=True)
class OpenedReport:
    """The words and photos of a report, for whoever works on it; never to be stored."""

    words: str
    photos: tuple[bytes, ...]
    contact: str = ""


@dataclass(frozen=True)
class ReadingsTaken:
    """What became of readings in bulk: new ones, those known already, and those set aside, by reason."""

    kept: int
    duplicates: int
    rejected: dict[str, int]


@dataclass(frozen=True)
class WeatherTaken:
    """What became of a file of weather: new sensors, its readings, and the first rows that were set aside, from 0."""

    sensors: int
    readings: ReadingsTaken
    aside: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class WeatherPut:
    """How many sensors are new, the file's readings as CSV, and the rows that could not be read, from 0."""

    sensors: int
    body: bytes
    aside: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Recorded:
    """What became of a batch: new signals, those known already, and those set aside, by reason."""

    accepted: int = 0
    duplicates: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    report_ids: tuple[str, ...] = ()
    scene_ids: tuple[str, ...] = ()


def install(sites: Sites, *, by: Actor, at: datetime) -> int:
    """Put a sensor with one datastream on each site; return how many.

    Streams are numbered in the order of the sites and named by kind and number, as in `pressure-17`.
    Raises: Refused `signals.unknown_kind`.
    """
    kinds = [str(kind) for kind in sites.kind]
    if unknown := sorted(set(kinds) - KINDS.keys()):
        raise Refused("signals.unknown_kind", "There are no sensors of kind {value}; use one of {limit}.",
                      value=", ".join(unknown)[:80], limit=", ".join(KINDS))  # fmt: skip
    with transaction.atomic():
        first = max(model.objects.aggregate(last=Max("id"))["last"] or 0 for model in (Thing, Datastream)) + 1
        sensors = {name: _sensor(name) for name in sorted(set(kinds))}
        things = _things(sites, kinds, first)
        Thing.objects.bulk_create(things, batch_size=_ROWS_AT_ONCE)
        observed = {name: placing.observed(KINDS[name]) for name in sensors}
        features = placing.place(things, at)
        streams = [
            _datastream(thing, kind, sensors[kind], observed[kind], feature)
            for thing, kind, feature in zip(things, kinds, features, strict=True)
        ]
        Datastream.objects.bulk_create(streams, batch_size=_ROWS_AT_ONCE)
        placing.count_on()
    return len(streams)


def install_meters(
    meters: Sequence[Meter], places: Sequence[tuple[float, float]], *, by: Actor, at: datetime
) -> tuple[int, int]:  # fmt: skip
    """Put the meters that a department names at their places; return how many, and how many were there already.

    Raises: Refused `signals.unknown_kind`.
    """
    names = [meter.name for meter in meters]
    known = set(Datastream.objects.filter(name__in=names).exclude(kind="").values_list("name", flat=True))
    new = [(meter, place) for meter, place in zip(meters, places, strict=True) if meter.name not in known]
    if new:
        install(NamedSites.of(new), by=by, at=at)
    return len(new), len(meters) - len(new)


def set_service(*, datastream_ids: Sequence[int], in_service: bool, by: Actor, at: datetime) -> int:
    """Take sensors out of service, or back; what they send is stored all the same, and counts for nothing."""
    state = Datastream.IN_SERVICE if in_service else Datastream.OUT_OF_SERVICE
    return Datastream.objects.filter(id__in=datastream_ids).update(state=state)


def adopt(*, datastream_id: int, kind: str = "", by: Actor, at: datetime) -> str:
    """Take a stream that a client has made among the city's own sensors; return its kind.

    Raises: Refused `signals.role` and as `adopting.adopt`.
    """
    policies.check_can_make_key(by)
    return adopting.adopt(datastream_id, kind)


def set_owner(*, datastream_ids: Sequence[int], unit: str, by: Actor, at: datetime) -> int:
    """Say which unit looks after sensors; return how many there are. Raises: Refused `signals.role`."""
    policies.check_can_look_after_sensors(by)
    return Datastream.objects.filter(id__in=datastream_ids).update(owner_unit=unit[:80])


def note_calibration(
    *, datastream_ids: Sequence[int], on: date, due_on: date | None, by: Actor, at: datetime
) -> int:  # fmt: skip
    """Write down when sensors were calibrated and when that is due again; return how many there are.

    Raises: Refused `signals.role`, `signals.calibration`.
    """
    policies.check_can_look_after_sensors(by)
    policies.check_calibration(on, due_on, at.date())
    return Datastream.objects.filter(id__in=datastream_ids).update(calibrated_on=on, calibration_due_on=due_on)


def set_public(*, datastream_ids: Sequence[int], is_public: bool, by: Actor, at: datetime) -> int:
    """Say whether everyone is served the observations of streams; the city's own pages and rules read them anyway."""
    return Datastream.objects.filter(id__in=datastream_ids).update(is_public=is_public)


def record(
    *, readings: Sequence[Reading] = (), reports: Sequence[CallReport] = (), scenes: Sequence[Scene] = (),
    by: Actor, at: datetime, exercise_id: str = "", history: bool = False,
) -> Recorded:  # fmt: skip
    """Store a batch of signals and announce it with one event; `history` stores without announcing.

    A bad signal is set aside with its reason and never stops the others. A batch that is sent again changes nothing:
    its event is named after its messages, so it is announced once even where the first attempt was cut short.
    """
    streams = queries.streams_by_key(_keys(readings, scenes))
    checked = check(readings, streams, at)
    good_reports, report_faults = _sorted_out(reports, lambda report: fault_of_report(report, at))
    good_scenes, scene_faults = _sorted_out(scenes, lambda scene: fault_of_scene(scene, streams, at))
    report_rows = {row.id: row for row in (_report(report, exercise_id) for report in good_reports)}
    scene_rows, still_faults = _scenes(good_scenes, streams, exercise_id)
    faults = {"reading": checked.rejected, "report": report_faults, "scene": scene_faults + still_faults}
    *earlier, last = _parts(checked, exercise_id)
    new = sum(_insert_alone(part) for part in earlier)
    with transaction.atomic():
        new += _insert(last) + _create_new(Report, report_rows) + _create_new(SceneEvent, scene_rows)
        _quarantine(faults, at, exercise_id)
        if not history and (last or report_rows or scene_rows):
            _announce(checked, report_rows, scene_rows, at, exercise_id)
    offered = len(checked.message_id) + checked.duplicates + len(good_reports) + len(good_scenes)
    rejected = dict(sorted(sum(faults.values(), Counter()).items()))
    return Recorded(new, offered - new, rejected, tuple(report_rows), tuple(scene_rows))


def take_readings(
    *, bodies: Iterable[tuple[str, bytes]], by: Actor, at: datetime, tell: Callable[[int], None] = lambda readings: None
) -> ReadingsTaken:  # fmt: skip
    """Keep readings in bulk: bodies of JSON lines, CSV or Parquet by their names' endings; each reading once.

    What is wrong is counted by reason and stops nothing; what was taken stays taken where a later body is refused.
    Raises: Refused `signals.readings_format`, `signals.readings_large`, `lake.appender_taken`, `lake.disk_full`.
    """
    from cityloom.signals.domain import bulk  # what reads and keeps readings takes a while to import

    road = open_road()
    try:
        for name, body in bodies:
            for block in bulk.blocks(name, body):
                road.take([block], at)
                tell(road.told.kept + road.told.duplicates)
    finally:
        road.close()
    return ReadingsTaken(road.told.kept, road.told.duplicates, dict(sorted(road.told.rejected.items())))


def take_weather(*, name: str, content: bytes, form: str, by: Actor, at: datetime) -> WeatherTaken:
    """Put the stations or cells of a file of weather among the city's sensors, and keep what they say, each once.

    `form` is YAML, "" for the usual columns. What is wrong in a row is counted by reason and stops nothing.
    Raises: Refused `signals.weather_format`, `signals.weather_columns`, `signals.weather_large`,
    `signals.weather_form`, `lake.appender_taken`, `lake.disk_full`.
    """
    from cityloom.signals.domain import weather
    from cityloom.signals.domain.weather_form import form_of

    found = weather.read(name, content, form_of(form))
    road = open_road()
    try:
        new, _ = install_meters(list(found.places), list(found.places.values()), by=by, at=at)
        told = road.take([found.arrived()], at)
    finally:
        road.close()
    taken = ReadingsTaken(told.kept, told.duplicates, dict(sorted(told.rejected.items())))
    return WeatherTaken(new, taken, tuple(told.aside))


def put_weather(*, name: str, content: bytes, form: str, by: Actor, at: datetime) -> WeatherPut:
    """Put the stations or cells of a file among the city's sensors, and give its readings as another file, in CSV.

    For when another process keeps the readings. Raises as `take_weather`, but for what the lake refuses.
    """
    from cityloom.signals.domain import weather
    from cityloom.signals.domain.weather_form import form_of

    found = weather.read(name, content, form_of(form))
    new, _ = install_meters(list(found.places), list(found.places.values()), by=by, at=at)
    return WeatherPut(new, found.as_csv(), tuple(sorted(found.faults.items())))


def bridge_readings(*, text: str, stop: Event, by: Actor, at: datetime, tell: Callable[[str, int], None]) -> None:
    """Keep what a broker sends, until told to stop; `text` is the bridge's YAML, `tell` takes words and readings kept.

    Raises: Refused `signals.bridge`, `signals.no_broker`, `signals.broker_refuses`, `lake.appender_taken`.
    """
    road = open_road()
    try:
        carry(road, text=text, stop=stop, turn=lambda words: tell(words, road.told.kept))
    finally:
        road.close()


def open_road(
    *, exercise_id: str = "", noted: Callable[[Kept], None] = lambda kept: None,
    now: Callable[[], datetime] = clock.now,
) -> Road:  # fmt: skip
    """Own the readings of the city, or of an exercise, until the road is closed; `noted` is told of what is kept.

    Raises: Refused `lake.appender_taken`.
    """
    from cityloom.signals.readings.road import Road

    if exercise_id:
        return Road(exercise_id=exercise_id, noted=noted, now=now)
    return Road(noted=noted, now=now, coming=note_readings)


def thin_readings(*, text: str, by: Actor, at: datetime) -> int:
    """Sum up by the hour what is past its time as it came, by a rule in YAML; return how many readings that were.

    Raises: Refused `signals.keeping`, `lake.disk_full`.
    """
    from cityloom.signals.readings import thinning

    return thinning.thin(queries.road_of(""), thinning.rule_of(text), at.date())


def open_door(road: Road, path: Path) -> Door:
    """Where other processes hand readings over to a road; closed before it is."""
    from cityloom.signals.readings.door import Door

    return Door(road, path)


def open_folder(path: Path) -> Folder:
    """A folder whose files are read as they come."""
    from cityloom.signals.readings.folder import Folder

    def install_them(found: Weather) -> None:
        install_meters(list(found.places), list(found.places.values()), by=SYSTEM, at=clock.now())

    return Folder(path, install_them)


def carry(
    road: Road, *, text: str, stop: Event, turn: Callable[[str], None],
    around: Callable[[Sequence[Message]], AbstractContextManager[None]] = nullcontext,
) -> None:  # fmt: skip
    """Put what a broker sends on a road until told to stop; `text` is the bridge's YAML.

    Messages are taken inside of `around`; when it has ended the broker may forget them.

    `turn` is called with each batch and at least twice a second, with words where the line has something to say.
    Raises: Refused `signals.bridge`, `signals.no_broker`, `signals.broker_refuses`.
    """
    from cityloom.signals.domain import bridge as bridging

    bridge = bridging.read(text)

    def take(messages: Sequence[bridging.Message]) -> None:
        turn("")
        if messages:
            with around(messages):
                road.take_messages(messages, bridge.topics)
        road.tick()

    plugins.broker_for(bridge.broker).run(bridge, take, stop, turn)


def exchange_things(
    *, text: str, stop: Event, by: Actor, at: datetime, tell: Callable[[str, int, int], None],
    root: str = "http://localhost/sta/v1.1",
) -> None:  # fmt: skip
    """Tell an MQTT broker's subscribers what changes, and make what its clients send, until told to stop.

    `text` is the exchange's YAML; `tell` takes words, how many changes were told, and how many entities were made;
    `root` is the address of the service, for links, where the YAML names none.
    Raises: Refused `signals.exchange`, `.sta_topic`, `.no_broker`, `.broker_refuses`, `.broker_taken`.
    """
    from cityloom.signals.domain.sensorthings import exchanging
    from cityloom.signals.sensorthings.exchange import Desk

    exchange = exchanging.read(text, root)
    broker = plugins.broker_for(exchange.broker)
    desk = Desk(exchange, tell)
    broker.exchange(exchange, desk, stop, desk.say)


def end_exchange(*, by: Actor, at: datetime) -> int:
    """Tell nobody of changes any more; return how many waited to be told."""
    return telling.end(at)


def end_exchange_if_left(*, by: Actor, at: datetime) -> int:
    """End the exchange with a broker where nobody has told anything for a week; return how many changes waited."""
    return telling.end_if_left(at)


def add_up_counts() -> None:
    """Put the counts of observations together that single statements have left on PostgreSQL."""
    counting.put_together()


def receive(problem: Problem, *, by: Actor, at: datetime) -> Received:
    """Record what a resident reports; its words and photos are sealed with a key that only the keeper has.

    Where the keeper does not answer, the report counts all the same, without words and photos.
    Raises: Refused `signals.too_many`, `signals.too_busy`, `signals.bad_place`, `signals.bad_report`.
    """
    call = CallReport(_message_id(problem), problem.category, problem.lon, problem.lat, at, problem.caller)
    _check_can_be_kept(call, at)
    report_id = report_id_of(problem)
    if queries.is_reported(report_id):
        return Received(report_id, is_new=False, is_whole=True)
    _check_not_too_many(problem.caller, call, at)
    return _kept(problem, call, report_id, Report.WEB, by, at)


def report_id_of(problem: Problem) -> str:
    """The id that a report on the portal has, or will have once it is received."""
    return ids.named_id("report", "", _message_id(problem))


def check_can_receive(problem: Problem, *, at: datetime) -> None:
    """Whether a report would be received now; for whoever does something before it.

    Raises: Refused as `receive`.
    """
    call = CallReport(_message_id(problem), problem.category, problem.lon, problem.lat, at, problem.caller)
    _check_can_be_kept(call, at)
    if not queries.is_reported(report_id_of(problem)):
        _check_not_too_many(problem.caller, call, at)


def take_call(problem: Problem, *, by: Actor, at: datetime) -> Received:
    """Record what a caller tells somebody on duty; the words are sealed like those of residents' own reports.

    Who called is not asked, so that calls from one place count as one source, however many there are.
    Raises: Refused `signals.role`, `signals.bad_place`, `signals.bad_report`.
    """
    policies.check_can_take_calls(by)
    call = CallReport(_message_id(problem, "taken"), problem.category, problem.lon, problem.lat, at, "")
    _check_can_be_kept(call, at)
    report_id = ids.named_id("report", "", call.message_id)
    if queries.is_reported(report_id):
        return Received(report_id, is_new=False, is_whole=True)
    return _kept(problem, call, report_id, Report.CALL, by, at)


def _kept(problem: Problem, call: CallReport, report_id: str, source: str, by: Actor, at: datetime) -> Received:
    """Seal the words and photos, record the report, and keep both in one transaction."""
    packet = _sealed(problem, SYSTEM, at)
    with transaction.atomic():
        if not record(reports=[call], by=by, at=at).accepted:
            return Received(report_id, is_new=False, is_whole=True)  # the other click was faster
        if packet is not None:
            gate.keep_packets([packet])
        Report.objects.filter(pk=report_id).update(
            source=source, packet=packet.id if packet else None, has_words=bool(packet and problem.words),
            photos=len(problem.photos) if packet else 0,
        )  # fmt: skip
    return Received(report_id, is_new=True, is_whole=packet is not None or not _has_to_be_sealed(problem))


def _check_can_be_kept(call: CallReport, at: datetime) -> None:
    if fault := fault_of_report(call, at):
        code = "signals.bad_place" if fault == "bad_place" else "signals.bad_report"
        raise Refused(code, SENTENCES[fault])


def open_report(*, report_id: str, by: Actor, at: datetime) -> OpenedReport:
    """Open the words and photos of a report for somebody who works on it; each opening is a leaf of the log.

    Raises: Refused `signals.role`, `signals.no_report`, `signals.nothing_sealed`, and what the gate refuses.
    """
    policies.check_can_read_reports(by)
    card = queries.report_card(report_id)
    if card.packet is None:
        raise Refused("signals.nothing_sealed", "This report has neither words nor photos.")
    grant_id = gate.grant(
        by=SYSTEM, at=at, purpose=PURPOSE, subjects=[card.packet], fields=_FIELDS, holder=by.account,
        until=at + _OPEN_FOR,
    )  # fmt: skip
    found = gate.open_packets(by=by, at=at, grant_id=grant_id, packets=[card.packet], fields=_FIELDS)
    parts = found.get(card.packet)
    if parts is None:
        raise Refused("signals.erased", "The words and photos of this report have been erased.")
    photos = tuple(parts[name] for name in sorted(parts) if name.startswith("photo"))
    return OpenedReport(parts.get("words", b"").decode(), photos, parts.get("contact", b"").decode())


def erase_old_reports(*, by: Actor, at: datetime) -> int:
    """Erase words and photos that are past the time for which they may be kept; category, place and time stay."""
    old = Report.objects.filter(reported_at__lt=at - KEPT).exclude(packet=None)[:_ERASED_AT_ONCE]
    packets = {row.pk: row.packet for row in old}
    if packets:
        gate.erase_packets(by=by, at=at, purpose=PURPOSE, packets=list(packets.values()))
        Report.objects.filter(pk__in=packets).update(packet=None, has_words=False, photos=0)
    return len(packets)


def forget(*, exercise_id: str, by: Actor, at: datetime) -> int:
    """Erase what an exercise recorded, pictures included; return how many rows there were.

    Raises: Refused `signals.not_an_exercise`.
    """
    if not exercise_id:
        raise Refused("signals.not_an_exercise", "Only the signals of an exercise can be erased; name one.")
    names = SceneEvent.objects.filter(exercise_id=exercise_id).exclude(still="").values_list("still", flat=True)
    for name in names:
        (Path(settings.CITYLOOM["STILLS_DIR"]) / name).unlink(missing_ok=True)
    shutil.rmtree(queries.road_of(exercise_id), ignore_errors=True)
    with transaction.atomic():
        models = (Observation, Report, SceneEvent, RejectedSignal)
        return sum(model.objects.filter(exercise_id=exercise_id).delete()[0] for model in models)


def _sensor(kind: str) -> Sensor:
    procedure = KINDS[kind].procedure
    defaults = {"name": kind, "description": procedure, "metadata": json.dumps(procedure)}
    return Sensor.objects.get_or_create(kind=kind, defaults=defaults)[0]


def _things(sites: Sites, kinds: list[str], first: int) -> list[Thing]:
    places = cells.cells_of(sites.lon, sites.lat).tolist()
    rows = zip(kinds, sites.street, sites.lon.tolist(), sites.lat.tolist(), places, sites.made_up.tolist(), strict=True)
    names = getattr(sites, "name", repeat(""))
    return [
        Thing(
            id=number, name=str(name) or f"{kind}-{number}", description=KINDS[kind].procedure,
            street=str(street)[:120], lon=lon, lat=lat, cell=cell, made_up=made_up,
        )
        for number, ((kind, street, lon, lat, cell, made_up), name) in enumerate(zip(rows, names, strict=False), first)
    ]


def _datastream(
    thing: Thing, kind: str, sensor: Sensor, observed: ObservedProperty, feature: FeatureOfInterest
) -> Datastream:  # fmt: skip
    facts = KINDS[kind]
    return Datastream(
        id=thing.id, thing=thing, sensor=sensor, observed_property=observed, feature=feature, name=thing.name,
        description=facts.procedure, unit_of_measurement=placing.unit_of_measurement(facts.unit), kind=kind,
        unit=facts.unit, lon=thing.lon, lat=thing.lat, cell=thing.cell,
        cadence_s=facts.cadence_s, low=facts.low, high=facts.high,
        made_up=thing.made_up, owner_unit=OWNERS.get(kind, ""),
    )  # fmt: skip


def _keys(readings: Sequence[Reading], scenes: Sequence[Scene]) -> set[int | str]:
    keys = [reading.datastream for reading in readings] + [scene.camera for scene in scenes]
    return {key for key in keys if type(key) in (int, str)}


def _sorted_out(signals: Sequence[Signal], fault_of: Callable[[Signal], str]) -> tuple[list[Signal], Counter[str]]:
    faults = [fault_of(signal) for signal in signals]
    good = [signal for signal, fault in zip(signals, faults, strict=True) if not fault]
    return good, Counter(fault for fault in faults if fault)


def _report(report: CallReport, exercise_id: str) -> Report:
    cell = cells.cell_of(report.lon, report.lat)
    caller = report.caller or f"withheld:{cell}"  # calls that hide their number count as one caller for each place
    return Report(
        id=ids.named_id("report", exercise_id, report.message_id), exercise_id=exercise_id, category=report.category,
        lon=report.lon, lat=report.lat, cell=cell, reported_at=report.at,
        caller_digest=_caller_digest(caller, report.at, exercise_id),
        text_digest=_keyed_digest("text", report.text) if report.text else "",
    )  # fmt: skip


def _caller_digest(caller: str, at: datetime, exercise_id: str) -> str:
    return _keyed_digest(f"caller:{exercise_id}:{at:%Y-%m-%d}", caller)


def _message_id(problem: Problem, way: str = "web") -> str:
    """The same for the same form with the same content; other content from the same form is another report."""
    place = f"{problem.lon:.6f},{problem.lat:.6f}"
    parts = [problem.token, problem.category, place, problem.words]
    digest = hashlib.sha256("\x1f".join(parts).encode())
    for photo in problem.photos:
        digest.update(hashlib.sha256(photo).digest())
    return f"{way}-{digest.hexdigest()[:40]}"


def _check_not_too_many(caller: str, call: CallReport, at: datetime) -> None:
    since = at - timedelta(hours=1)
    digest = _caller_digest(caller or f"withheld:{cells.cell_of(call.lon, call.lat)}", at, "")
    policies.check_can_report(
        by_this_one=queries.reports_counted(since, caller_digest=digest), by_all=queries.reports_counted(since)
    )


def _has_to_be_sealed(problem: Problem) -> bool:
    return bool(problem.words or problem.photos or problem.contact)


def _sealed(problem: Problem, by: Actor, at: datetime) -> gate.Packet | None:
    """The words and photos in a packet; None where there are none, or where the keeper cannot seal them now."""
    parts = {f"photo-{number}": photo for number, photo in enumerate(problem.photos, 1)}
    if problem.words:
        parts["words"] = problem.words.encode()
    if problem.contact:
        parts["contact"] = problem.contact.encode()
    if not parts:
        return None
    try:
        return gate.seal_packet(by=by, at=at, purpose=PURPOSE, parts=parts)
    except Refused as refusal:
        log.warning("a report is kept without its words and photos: %s", refusal.code)
        return None


def _keyed_digest(purpose: str, value: str) -> str:
    return salted_hmac(f"cityloom.signals.{purpose}", value, algorithm="sha256").hexdigest()


def _scenes(
    scenes: Sequence[Scene], streams: Mapping[int | str, Stream], exercise_id: str
) -> tuple[dict[str, SceneEvent], Counter[str]]:
    faults: Counter[str] = Counter()
    rows: dict[str, SceneEvent] = {}
    named = {ids.named_id("scene", exercise_id, scene.message_id): scene for scene in reversed(scenes)}
    known = SceneEvent.objects.in_bulk(named)
    cameras = Datastream.objects.in_bulk([streams[scene.camera].id for scene in named.values()])
    for key, scene in reversed(named.items()):
        still, fault = ("", "") if key in known else _kept_still(key, scene.still)
        faults.update([fault] if fault else [])
        camera = cameras[streams[scene.camera].id]
        rows[key] = SceneEvent(
            id=key, exercise_id=exercise_id, camera_id=camera.id, category=scene.category, lon=camera.lon,
            lat=camera.lat, cell=camera.cell, noticed_at=scene.at, still=still,
        )  # fmt: skip
    return rows, faults


def _kept_still(scene_id: str, still: bytes | Path | None) -> tuple[str, str]:
    """Write a picture under the scene's id; return its name, or nothing and the reason."""
    if still is None:
        return "", ""
    try:
        content = still if isinstance(still, bytes) else _bounded_read(still)
    except OSError:
        return "", "bad_still"
    suffix = suffix_of(content)
    if not suffix:
        return "", "bad_still"
    try:
        _write_private(Path(settings.CITYLOOM["STILLS_DIR"]) / f"{scene_id}{suffix}", content)
    except OSError:
        return "", "still_not_stored"
    return f"{scene_id}{suffix}", ""


def _bounded_read(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(LARGEST_BYTES + 1)


def _write_private(path: Path, content: bytes) -> None:
    part = path.with_suffix(f".{ids.new_ulid()}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _parts(checked: Checked, exercise_id: str) -> list[list[Row]]:
    """The rows to insert, a transaction each; the last part may be empty and goes together with the event."""
    columns = (checked.datastream_id.tolist(), checked.at_us.tolist(), checked.result.tolist(), checked.message_id)
    rows = list(zip(repeat(exercise_id), *columns, strict=False))
    return [rows[start : start + _ROWS_AT_ONCE] for start in range(0, len(rows), _ROWS_AT_ONCE)] or [[]]


def _insert_alone(rows: list[Row]) -> int:
    with transaction.atomic():
        return _insert(rows)


def _insert(rows: list[Row]) -> int:
    if not rows:
        return 0
    told = None if rows[0][0] else Changes()  # of an exercise nobody is told
    wants = told is not None and told.wants(BY_TITLE["Observation"])
    last = Observation.objects.aggregate(last=Max("id"))["last"] or 0 if wants else 0
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FROM_COLUMNS, [list(column) for column in zip(*rows, strict=True)])
        else:
            cursor.executemany(_FROM_ROWS, rows)
        count = cursor.rowcount
    if told is not None and wants and count:
        new = Observation.objects.filter(id__gt=last, exercise_id="").exclude(message_id="")
        told.made(BY_TITLE["Observation"], new.order_by("id").values_list("id", flat=True))
        told.finish()
    return count


def _create_new(model: type[Model], rows: Mapping[str, Model]) -> int:
    known = set(model._default_manager.filter(pk__in=rows).values_list("pk", flat=True))
    model._default_manager.bulk_create([row for key, row in rows.items() if key not in known], ignore_conflicts=True)
    return len(rows) - len(known)


def _quarantine(faults: Mapping[str, Counter[str]], at: datetime, exercise_id: str) -> None:
    RejectedSignal.objects.bulk_create(
        RejectedSignal(exercise_id=exercise_id, kind=kind, code=code, count=count, rejected_at=at)
        for kind, counts in faults.items()
        for code, count in counts.items()
    )


def _announce(
    checked: Checked, reports: Mapping[str, Report], scenes: Mapping[str, SceneEvent], at: datetime, exercise_id: str
) -> None:
    moments = [row.reported_at for row in reports.values()] + [row.noticed_at for row in scenes.values()]
    if len(checked.at_us):
        moments += [instant_of(checked.at_us.min()), instant_of(checked.at_us.max())]
    streams = tuple(sorted(set(checked.datastream_id.tolist())))
    event = SignalsRecorded(
        len(checked.message_id), streams, tuple(reports), tuple(scenes), min(moments), max(moments)
    )  # fmt: skip
    messages = zip(checked.datastream_id.tolist(), checked.message_id, strict=True)
    name = ids.named_id("signals", exercise_id, *(f"{stream}:{text}" for stream, text in messages), *reports, *scenes)
    bus.publish(event, at=at, exercise_id=exercise_id, event_id=name)
