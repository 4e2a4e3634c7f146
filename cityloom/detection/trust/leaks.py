"""Leaks in the water network, looked for once a day in the hourly means of its sensors; the same look twice is one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from django.db import transaction

from cityloom.bus import actions as bus
from cityloom.detection.domain.evidence import Evidence
from cityloom.detection.domain.hydraulics import solved
from cityloom.detection.domain.leakage import DAY_S, LEAK, LEAST_DAYS, LITTLE, MENDED, Event, Quiet, Watch, learn
from cityloom.detection.domain.places import Places
from cityloom.detection.domain.topology import Floats, Network
from cityloom.detection.events import DetectionRaised
from cityloom.detection.models import Detection, LeakWatch
from cityloom.detection.trust.networks import network_of
from cityloom.kernel import clock, ids, units
from cityloom.kernel.geometry import distance_m
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.signals import queries as signals

CATEGORY, NETWORK = "leak", "water"
LEARN_DAYS, MOST_DAYS = 56, 456
MOST_SENSORS, MOST_PIPES = 200, 50_000
_LEAST_SENSORS, _LEAST_HOURS = 3, 0.8
_KINDS = {"pressure": ("kPa", 1 / 9.80665, 0.02), "flow": ("L/s", 1.0, 0.1), "level": ("m", 1.0, 0.02)}
"""By kind: the unit that readings are converted to, what that is in metres of water (or litres), the least spread."""
_SNAP_M, _SNAP_FLOW_M = 300.0, 20.0
_AT_ONCE = 20
_SAME_M, _SAME = 300.0, timedelta(days=7)
_HELD, _SPEAKS, _PLACES = 0.8, 0.5, 5
_NO_NETWORK = ("There is no water network in the registers, so no leak can be looked for; load its mains first, as "
               "with `cityloom register epanet`.")  # fmt: skip
_LARGE = "The water network has {value} mains, and leaks are looked for in at most {limit}; load the part with sensors."
_FEW = ("Of the sensors on the water network {value} have readings of the weeks in which is learnt what is usual, and "
        "at least {limit} are needed.")  # fmt: skip
_YOUNG = "What is usual is learnt until {value}, so leaks are looked for from then on."
_OLD = ("What is usual was learnt {value} days ago, and at most {limit} days are gone through; choose quiet weeks anew "
        "with `cityloom detection leaks --learn-since`.")  # fmt: skip


@dataclass(frozen=True)
class Sensors:
    """The sensors of the network that can be asked, in columns; `felt` is what each feels of a litre in each main."""

    streams: signals.Datastreams
    felt: Floats
    factor: Floats
    least: Floats

    def only(self, rows: np.ndarray) -> Sensors:
        """Some of them."""
        return Sensors(self.streams.only(rows), self.felt[rows], self.factor[rows], self.least[rows])


@dataclass(frozen=True)
class Looked:
    """What a look found: events of all days, what was raised, and on what it was judged."""

    events: tuple[Event, ...]
    raised: tuple[str, ...]
    sensors: int
    days: int
    edge: np.ndarray


def is_wanted() -> bool:
    """Whether there is a network that its operator has loaded, and sensors on it."""
    return registers.has_loaded_mains(NETWORK) and len(signals.datastreams_of_kinds(("pressure",))) >= _LEAST_SENSORS


def learn_from(since: datetime, days: int, at: datetime) -> None:
    """Choose the quiet weeks in which what is usual is learnt.

    Raises: Refused `detection.quiet_short`.
    """
    if days < LEAST_DAYS:
        raise Refused("detection.quiet_short", LITTLE, value=days, limit=LEAST_DAYS)
    begin = _midnight(since)
    LeakWatch.objects.update_or_create(
        network=NETWORK, defaults={"since": begin, "until": begin + timedelta(days=days), "set_at": at}
    )


def look(at: datetime) -> Looked:
    """Go through all whole days since what is usual was learnt, and tell the leaks that are there.

    Raises: Refused `detection.leak_network`, `detection.leak_sensors`, `detection.leak_young`, `detection.leak_old`.
    """
    network = _network()
    sensors, until = _sensors(network), _midnight(at)
    period = _period(sensors, until, at)
    hour_s, value = _hours(sensors, period.since, until)
    before = hour_s < period.until.timestamp()
    known = np.isfinite(value[before]).sum(axis=0) >= _LEAST_HOURS * before.sum()
    if known.sum() < _LEAST_SENSORS:
        raise Refused("detection.leak_sensors", _FEW, value=int(known.sum()), limit=_LEAST_SENSORS)
    sensors, value = sensors.only(np.flatnonzero(known)), value[:, known]
    quiet = learn(hour_s[before], value[before], sensors.least)
    watch = Watch(quiet, sensors.felt, network.length_m)
    days = [(end, left) for end, left in quiet.days(hour_s, value) if end > period.until.timestamp()]
    events = [event for end, left in days if (event := watch.observe(end, left))]
    raised = [key for event in _lasting(events, network) if (key := _tell(event, network, sensors, quiet, at))]
    return Looked(tuple(events), tuple(raised), len(sensors.least), len(days), network.edge)


def _network() -> Network:
    network = network_of(registers.network(NETWORK)) if registers.has_loaded_mains(NETWORK) else None
    if network is None:
        raise Refused("detection.leak_network", _NO_NETWORK)
    if len(network.begin) > MOST_PIPES:
        raise Refused("detection.leak_network", _LARGE, value=len(network.begin), limit=MOST_PIPES)
    return network


def _period(sensors: Sensors, until: datetime, at: datetime) -> LeakWatch:
    """The quiet weeks that were chosen, or the first ones of which there are readings."""
    row = LeakWatch.objects.filter(network=NETWORK).first()
    if row is None:
        begin = _first_day(sensors, until)
        row = LeakWatch(network=NETWORK, since=begin, until=begin + timedelta(days=LEARN_DAYS), set_at=at)
        if begin < until:
            row.save()
    if row.until >= until:
        raise Refused("detection.leak_young", _YOUNG, value=f"{row.until:%Y-%m-%d}")
    if (until - row.since).days > MOST_DAYS:
        raise Refused("detection.leak_old", _OLD, value=(until - row.since).days, limit=MOST_DAYS)
    return row


def _first_day(sensors: Sensors, until: datetime) -> datetime:
    """The first whole day on which most of the sensors spoke, within the days that are gone through."""
    since = until - timedelta(days=MOST_DAYS)
    told = signals.outline(sensors.streams.id, since, until, most=MOST_DAYS)
    day = (told.at_us - int(since.timestamp() * 1e6)) // int(DAY_S * 1e6)
    many = np.bincount(day, minlength=MOST_DAYS) >= _LEAST_HOURS * len(sensors.least)
    return since + timedelta(days=int(many.argmax()) + 1) if many.any() else until


def _sensors(network: Network) -> Sensors:
    """The sensors that sit on the network, and what each feels of a litre a second lost in each main."""
    streams = signals.datastreams_of_kinds(_KINDS)
    every = np.array([_factor(kind, unit) for kind, unit in zip(streams.kind, streams.unit, strict=True)], np.float64)
    streams, every = streams.only(np.isfinite(every)), every[np.isfinite(every)]
    xy = network.plane.xy(streams.lon, streams.lat)
    node, off = network.nearest(xy) if len(streams) else (np.zeros(0, np.int64), np.zeros(0))
    edge, along = _nearest_middle(network, xy)
    is_flow = streams.kind == "flow"
    sits = np.where(is_flow, along <= _SNAP_FLOW_M, off <= _SNAP_M)
    rows = np.flatnonzero(sits)[:MOST_SENSORS]
    picture = solved(network)
    felt = np.zeros((len(rows), len(network.begin)))
    pressures, flows = (np.flatnonzero(streams.kind[rows] == kind) for kind in ("pressure", "flow"))
    if len(pressures):
        felt[pressures] = picture.pressure(node[rows[pressures]])
    if len(flows):
        felt[flows] = picture.flow(edge[rows[flows]])
    least = np.array([_KINDS[kind][2] for kind in streams.kind[rows].tolist()], np.float64)
    return Sensors(streams.only(rows), felt, every[rows], least)


def _factor(kind: str, unit: str) -> float:
    """What one of a stream's unit is in metres of water, or in litres a second; NaN where it is neither."""
    try:
        return units.convert(1.0, unit, _KINDS[kind][0]) * _KINDS[kind][1]
    except Refused:
        return float("nan")


def _nearest_middle(network: Network, xy: Floats) -> tuple[np.ndarray, Floats]:
    from scipy.spatial import cKDTree

    if not len(xy):
        return np.zeros(0, np.int64), np.zeros(0)
    metres, row = cKDTree(network.middle).query(xy)
    return row.astype(np.int64), metres


def _hours(sensors: Sensors, since: datetime, until: datetime) -> tuple[Floats, Floats]:
    """The middle of each hour, and the mean of each sensor in it; NaN where it said nothing."""
    count = int((until - since).total_seconds() // 3600)
    value = np.full((count, len(sensors.least)), np.nan)
    begin_us, keys = int(since.timestamp() * 1e6), sensors.streams.id
    for start in range(0, len(keys), _AT_ONCE):
        told = signals.outline(keys[start : start + _AT_ONCE], since, until, most=count)
        column = np.searchsorted(keys, told.datastream_id)
        hour = (told.at_us - begin_us) // 3_600_000_000
        value[hour, column] = told.mean * sensors.factor[column]
    return since.timestamp() + 3600.0 * np.arange(count) + 1800.0, value


def _lasting(events: Sequence[Event], network: Network) -> Iterator[Event]:
    """The leaks that were not mended since, each place once."""
    open_now: list[Event] = []
    for event in events:
        if event.kind not in (LEAK, MENDED):
            continue
        near = [one for one in open_now if _apart_m(network, one.place, event.place) <= _SAME_M]
        if event.kind == MENDED:
            open_now = [one for one in open_now if one not in near]
        elif not near:
            open_now.append(event)
    yield from open_now


def _apart_m(network: Network, one: int, other: int) -> float:
    return float(np.hypot(*(network.middle[one] - network.middle[other])))


def _tell(event: Event, network: Network, sensors: Sensors, quiet: Quiet, at: datetime) -> str:
    """A new detection; "" where the leak is told already, which is renewed."""
    places = Places(network.edge, network.middle, network.length_m / 1000, network.plane)
    lon, lat, radius_m = places.circle(event.weight, _HELD)
    found_at = datetime.fromtimestamp(event.at_s, UTC)
    likeliest = np.argsort(-event.weight, kind="stable")[:_PLACES]
    facts = {
        "lon": lon, "lat": lat, "radius_m": radius_m, "score": round(event.odds, 3), "litres_s": round(event.litres, 2),
        "last_at": at, "evidence": list(_evidence(event, sensors, quiet)),
        "places": [[str(network.edge[row]), round(float(event.weight[row]), 4)] for row in likeliest],
    }  # fmt: skip
    with transaction.atomic():
        near = Detection.objects.filter(exercise_id="", category=CATEGORY, rule="",
                                        first_at__gte=found_at - _SAME - timedelta(days=event.days),
                                        first_at__lte=found_at + _SAME)  # fmt: skip
        same = [row for row in near if distance_m(row.lon, row.lat, lon, lat) <= row.radius_m + radius_m]
        if same:
            Detection.objects.filter(pk=same[0].pk).update(**facts)
            return ""
        key = ids.named_id("detection", CATEGORY, str(network.edge[event.place]), clock.to_text(found_at))
        first = found_at - timedelta(days=event.days)
        Detection.objects.create(id=key, category=CATEGORY, first_at=first, raised_at=at, **facts)
        raised = DetectionRaised(key, CATEGORY, lon, lat, facts["score"], first, at)
        bus.publish(raised, at=at, event_id=ids.named_id("raised", key))
    return key


def _evidence(event: Event, sensors: Sensors, quiet: Quiet) -> Iterator[dict[str, object]]:
    """What each sensor that matters says, in its own unit: its mean of those days beside the usual one."""
    streams, when = sensors.streams, datetime.fromtimestamp(event.at_s, UTC)
    usual = np.nanmean(quiet.week, axis=0) + quiet.offset
    for row in np.argsort(-event.says, kind="stable").tolist():
        if abs(event.says[row]) < _SPEAKS:
            continue
        baseline, off = float(usual[row] / sensors.factor[row]), float(event.off[row] / sensors.factor[row])
        one = Evidence(
            str(streams.kind[row]), f"datastream:{streams.id[row]}", float(streams.lon[row]), float(streams.lat[row]),
            when, round(float(event.says[row]), 3), round(baseline + off, 4), str(streams.unit[row]),
            round(baseline, 4), round(float(event.off[row] / quiet.spread[row]), 2),
        )  # fmt: skip
        yield dataclasses.asdict(one) | {"at": clock.to_text(when)}


def _midnight(at: datetime) -> datetime:
    """The beginning of a day, in UTC."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
