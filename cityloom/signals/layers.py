"""What the map shows of the signals: sensors, which of them speak, calls and scenes.

The user interface finds these by the names in `display`; no other capability imports them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from django.db import connection
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.cover import ranges_in_box
from cityloom.signals import queries
from cityloom.signals.display import category_word, kind_word
from cityloom.signals.domain.kinds import SILENT_AFTER_CADENCES
from cityloom.signals.domain.reading import instant_of, microseconds
from cityloom.signals.models import Datastream, Observation, Report, SceneEvent, Thing
from cityloom.ui.domain import geojson
from cityloom.ui.domain.declared import Card, Features, Hit

_MOST_IN_A_TILE = 20_000
_MOST_SPEAKING = 3_000
_MOST_REPORTS = 1_500
_WINDOW = timedelta(hours=24)
_MOST_EXERCISES = 5
_SMALL = 100_000
_STEP_US = 5_000_000
SPEAKING, SILENT, OUT = "speaking", "silent", "out-of-service"


def sensors(west: float, south: float, east: float, north: float, zoom: int) -> Features:
    """Where sensors stand, and what kind each is."""
    found = _standing_in(west, south, east, north)
    number, kind, name, lon, lat = zip(*found, strict=True) if found else ((),) * 5
    points = shapely.points(np.array(lon, float), np.array(lat, float))
    columns = {"kind": np.array(kind, dtype=object), "name": np.array(name, dtype=object)}
    return Features(points, np.array(number, np.int64), columns)


_IN_RANGES = {
    "sqlite": "json_each(%s) AS r CROSS JOIN signals_datastream AS d"
              " WHERE d.cell BETWEEN json_extract(r.value, '$[0]') AND json_extract(r.value, '$[1]')",
    "postgresql": "unnest(%s::bigint[], %s::bigint[]) AS r(low, high) JOIN signals_datastream AS d"
                  " ON d.cell BETWEEN r.low AND r.high WHERE TRUE",
}  # fmt: skip


def _standing_in(west: float, south: float, east: float, north: float) -> list[tuple]:
    """Id, kind, name, longitude and latitude of the datastreams in a rectangle."""
    ranges = ranges_in_box(west, south, east, north, 0.0)
    lows, highs = [low for low, _high in ranges], [high for _low, high in ranges]
    sql = (
        f"SELECT d.id, d.kind, d.name, d.lon, d.lat FROM {_IN_RANGES[connection.vendor]}"  # noqa: S608 - constants
        " AND d.lon BETWEEN %s AND %s AND d.lat BETWEEN %s AND %s LIMIT %s"
    )
    keys = [json.dumps(ranges)] if connection.vendor == "sqlite" else [lows, highs]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*keys, west, east, south, north, _MOST_IN_A_TILE])
        return cursor.fetchall()


def states(_actor: Actor | None, at: datetime | None) -> dict[str, Any]:
    """Sensors that are out of service, that fell silent, and that speak; those that speak in a drill are marked.

    A sensor is silent after five of its cadences, for a day; one that did not speak in that day is only a place.
    """
    instant = at or clock.now()
    spoken = _last_words(instant, "") | {
        key: value for exercise in _exercises(instant) for key, value in _last_words(instant, exercise).items()
        if value[1] == SPEAKING
    }  # fmt: skip
    out = Datastream.objects.filter(state=Datastream.OUT_OF_SERVICE).values_list("id", flat=True)[:_MOST_SPEAKING]
    told = dict.fromkeys(out, (None, OUT, ""))
    spoken = dict(sorted(spoken.items(), key=lambda item: item[1][1] != SILENT)[:_MOST_SPEAKING])
    rows = Datastream.objects.in_bulk([*told, *spoken])
    return geojson.collection(
        _state(rows[key], instant, *(told.get(key) or spoken[key])) for key in [*spoken, *told] if key in rows
    )


def _state(row: Datastream, at: datetime, last_us: int | None, state: str, exercise: str) -> geojson.Feature:
    return geojson.point(
        row.id, row.lon, row.lat, title=row.name, kind=row.kind, state=state, exercise=bool(exercise),
        heard=clock.to_text(instant_of(last_us)) if last_us else None,
    )  # fmt: skip


def _last_words(at: datetime, exercise_id: str) -> dict[int, tuple[int, str, str]]:
    """When each stream in service last spoke within a day before an instant, and whether that is too long ago.

    Many look on at once, so that in a large city all who do within five seconds get the same answer.
    """
    newest = Observation.objects.order_by("-id").values_list("id", flat=True).first() or 0
    mark = newest if newest < _SMALL else newest // _SMALL
    return _heard(microseconds(at) // _STEP_US * _STEP_US, exercise_id, mark)


@lru_cache(maxsize=16)
def _heard(until: int, exercise_id: str, _mark: int) -> dict[int, tuple[int, str, str]]:
    sql = (
        "SELECT d.id, d.cadence_s, (SELECT MAX(o.phenomenon_us) FROM signals_observation o WHERE o.exercise_id = %s"
        " AND o.datastream_id = d.id AND o.phenomenon_us > %s AND o.phenomenon_us <= %s)"
        " FROM signals_datastream d WHERE d.kind <> '' AND d.state = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [exercise_id, until - microseconds_in(_WINDOW), until, Datastream.IN_SERVICE])
        rows = [row for row in cursor.fetchall() if row[2] is not None]
    return {
        key: (last, SILENT if until - last > cadence * 1_000_000 * SILENT_AFTER_CADENCES else SPEAKING, exercise_id)
        for key, cadence, last in rows
    }


def microseconds_in(span: timedelta) -> int:
    """A span in microseconds."""
    return span // timedelta(microseconds=1)


def _exercises(at: datetime) -> list[str]:
    """The exercises in which somebody called or a camera noticed something within a day before an instant."""
    window = (at - _WINDOW, at)
    called = Report.objects.filter(reported_at__range=window).exclude(exercise_id="")
    return sorted(called.values_list("exercise_id", flat=True).distinct(), reverse=True)[:_MOST_EXERCISES]


def reports(_actor: Actor | None, at: datetime | None) -> dict[str, Any]:
    """The calls of the last day: what about, where and when; what was said and who called is not kept."""
    instant = at or clock.now()
    rows = Report.objects.filter(reported_at__gt=instant - _WINDOW, reported_at__lte=instant).order_by("-reported_at")
    return geojson.collection(
        geojson.point(row.id, row.lon, row.lat, title=category_word(row.category), state="report",
                      exercise=bool(row.exercise_id), at=clock.to_text(row.reported_at))
        for row in rows[:_MOST_REPORTS]
    )  # fmt: skip


def scenes(_actor: Actor | None, at: datetime | None) -> dict[str, Any]:
    """What cameras noticed in the last day, where they stand."""
    instant = at or clock.now()
    rows = SceneEvent.objects.filter(noticed_at__gt=instant - _WINDOW, noticed_at__lte=instant).order_by("-noticed_at")
    return geojson.collection(
        geojson.point(row.id, row.lon, row.lat, title=category_word(row.category), state="scene",
                      exercise=bool(row.exercise_id), at=clock.to_text(row.noticed_at))
        for row in rows[:_MOST_REPORTS]
    )  # fmt: skip


# --- cards and search


def sensor_card(actor: Actor | None, feature: str, at: datetime | None = None) -> Card | None:
    """A sensor: what it measures and how often; for those who work here, what it said last."""
    if not (feature.isascii() and feature.isdecimal() and len(feature) <= 18):
        return None
    row = Datastream.objects.filter(id=int(feature)).exclude(kind="").select_related("thing", "sensor").first()
    if row is None:
        return None
    facts = [
        (_("Measures"), kind_word(row.kind)), (_("How"), row.sensor.description), (_("Unit"), row.unit),
        (_("Every"), _("{seconds} s").format(seconds=row.cadence_s)), (_("Street"), row.thing.street),
        (_("Last reading"), _latest(row, at or clock.now()) if actor else ""),
    ]  # fmt: skip
    note = _("It reports scenes, never people.") if row.kind == "camera" else ""
    url = reverse("sensor", args=[row.id]) if actor else ""
    return Card(row.name, tuple(fact for fact in facts if fact[1]), url=url, state=row.state, note=note)


def _latest(row: Datastream, at: datetime) -> str:
    found = queries.recent([row.id], at - _WINDOW, at)
    if not len(found):
        return _("none within a day")
    return f"{found.result[-1]:g} {row.unit}, {_when(found.instants()[-1])}"


def report_card(_actor: Actor | None, feature: str, _at: datetime | None = None) -> Card | None:
    """A call or report: category and time; nothing else is kept in clear."""
    row = Report.objects.filter(id=feature).first()
    if row is None:
        return None
    is_sealed = row.packet is not None
    note = _("Words and photos are sealed.") if is_sealed else _("What was said and who called is not kept.")
    url = reverse("report-card", args=[row.id])
    return Card(category_word(row.category), ((_("Reported"), _when(row.reported_at)),), url=url, note=note)


def scene_card(_actor: Actor | None, feature: str, _at: datetime | None = None) -> Card | None:
    """What a camera noticed."""
    row = SceneEvent.objects.filter(id=feature).first()
    if row is None:
        return None
    name = Datastream.objects.filter(id=row.camera_id).values_list("name", flat=True).first() or ""
    return Card(category_word(row.category), ((_("Noticed"), _when(row.noticed_at)), (_("Camera"), name)))


def _when(instant: datetime) -> str:
    return str(date_format(localtime(instant), "Y-m-d H:i:s"))


def search(actor: Actor | None, text: str, limit: int) -> Sequence[Hit]:
    """Sensors whose name, or whose mast's, begins with the text."""
    wanted = text.casefold()
    beyond = wanted + "\U0010ffff"
    named = Datastream.objects.filter(name__gte=wanted, name__lt=beyond).exclude(kind="").order_by("name")[:limit]
    on = Thing.objects.filter(name__gte=wanted, name__lt=beyond).order_by("name").values_list("id", flat=True)[:limit]
    mounted = Datastream.objects.filter(thing_id__in=list(on)).exclude(kind="").order_by("name")[:limit]
    found = {row.id: row for row in [*named, *mounted]}
    return [
        Hit(row.name, kind_word(row.kind), url=reverse("sensor", args=[row.id]) if actor else "",
            place=(row.lon, row.lat))
        for row in list(found.values())[:limit]
    ]  # fmt: skip
