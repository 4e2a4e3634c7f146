"""Sensors for those who look after them: a list by kind, state and owner, and each with its readings and its state."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.detection import queries
from cityloom.detection.browsing import parts_taken
from cityloom.detection.browsing.listed_sensors import OUT, Listed, Sensors, counts, states_of
from cityloom.detection.display import HEALTH, STATES, category_word, kind_word, state_word, verdict_word
from cityloom.detection.views import pictures, reading_charts
from cityloom.detection.views.asking import actor_of
from cityloom.fieldwork import queries as fieldwork
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.signals import actions as signal_actions
from cityloom.signals import queries as signals
from cityloom.signals.queries import SensorFacts
from cityloom.ui.ground import with_margin
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

PAGE = 50
_SHOWN = 40
_LATELY = timedelta(days=365)
_MOST_DETECTIONS = 20
_MOST_REPAIRS = 10


@require_safe
def sensors(request: HttpRequest) -> HttpResponse:
    """Every sensor that the city installed, by kind, state and the unit that looks after it, and on the map."""
    asked = Listed.read(request.GET.dict())
    every = Sensors(asked)
    page = Paginator(every, PAGE).get_page(request.GET.get("page"))
    found = list(page.object_list)
    known, units = queries.states_now(one.id for one in found) | states_of(), signals.owner_units()
    names = accounts.unit_names_of(set(units))
    return render(request, "detection/sensors.html", {
        "page": page, "asked": asked, "rows": [_row(one, known.get(one.id, "unknown"), names) for one in found],
        "kinds": [(kind, kind_word(kind), count) for kind, count in signals.sensor_counts().items()],
        "states": [("in_service", _("no fault known")),
                   *((state, state_word(state)) for state in HEALTH if state not in ("in_service", "unknown"))],
        "units": [(unit, names.get(unit, unit)) for unit in units],
        "counts": [_counted(state, count, asked) for state, count in counts(asked).items()],
        "bounds": _box(every), "narrowing": urlencode({key: value for key, value in asdict(asked).items() if value}),
    })  # fmt: skip


@require_safe
def sensor(request: HttpRequest, number: int) -> HttpResponse:
    """One of them: whose it is, how it does, what it said, and what that led to."""
    return _page(request, number)


@require_POST
@only_once
def calibrate(request: HttpRequest, number: int) -> HttpResponse:
    """Write down a calibration."""
    sent = {name: request.POST.get(name, "")[:10] for name in ("on", "due_on")}
    try:
        on, due_on = _day(sent["on"]), _day(sent["due_on"]) if sent["due_on"] else None
        signal_actions.note_calibration(datastream_ids=[number], on=on, due_on=due_on, by=actor_of(request),
                                        at=clock.now())  # fmt: skip
    except Refused as refusal:
        if refusal.code != "signals.calibration":
            raise
        return _page(request, number, refusal=sentence_of(refusal), sent=sent, status=422)
    messages.success(request, _("The calibration is written down."))
    return redirect("sensor", number)


def _page(request: HttpRequest, number: int, status: int = 200, **more: Any) -> HttpResponse:
    facts, now = signals.sensor(number), clock.now()
    drill = request.GET.get("drill", "")[:26]
    period = request.GET.get("period", "")
    period = period if period in reading_charts.PERIODS else "day"
    last = signals.last_instant(number, drill)
    until = _until(request) or (last + timedelta(seconds=1) if drill and last else now)
    shown = reading_charts.shown(facts, until, period, drill)
    told = queries.sensor_now(number, drill)
    failed = None if drill else next((one for one in queries.failed_sensors() if one.datastream_id == number), None)
    state = told.state if told else failed.state if failed else shown.state
    taken = parts_taken.detections_with(number, now - _LATELY, _MOST_DETECTIONS)
    return render(request, "detection/sensor.html", {
        "faults": {key: state_word(key) for key in HEALTH}, "one": facts,
        "what": kind_word(facts.kind) if facts.kind else facts.observes or facts.name,
        "owner": _owner(facts), "where": pictures.place_words(facts.lon, facts.lat) if facts.lon is not None else "",
        "picture": pictures.sensor_picture(facts.lon, facts.lat, facts.name) if facts.lon is not None else "",
        "state": state_word(state if facts.in_service else OUT), "look": _look(state, facts),
        "told": told, "failed": failed, "chart": shown.chart, "counted": shown.count,
        "readings": shown.readings[-_SHOWN:][::-1],
        "period": period, "periods": [(key, _(one.word)) for key, one in reading_charts.PERIODS.items()],
        "point": shown.point, "hourly_until": shown.hourly_until, "history": _history(number, drill),
        "until": until if request.GET.get("until") else None, "drill": drill, "last": last,
        "is_later": bool(last and last < shown.since), "detections": [_taken(row) for row in taken],
        "is_due": bool(facts.calibration_due_on and facts.calibration_due_on <= now.date()),
        "why_not": signals.why_not_look_after(actor_of(request)),
    } | more, status=status)  # fmt: skip


def _history(number: int, drill: str) -> list[fieldwork.RepairFacts]:
    """When it failed, how, and until when; the city's own alone, since drills ask for no repair."""
    return [] if drill else fieldwork.repairs_of(f"datastream:{number}", most=_MOST_REPAIRS)


def _look(state: str, facts: SensorFacts) -> str:
    return HEALTH[state if facts.in_service else OUT][1]


def _row(one: SensorFacts, known: str, names: dict[str, str]) -> dict[str, Any]:
    state = known if one.in_service else OUT
    return {"one": one, "what": kind_word(one.kind), "state": state_word(state), "look": HEALTH[state][1],
            "owner": names.get(one.owner_unit, one.owner_unit)}  # fmt: skip


def _taken(row: Any) -> dict[str, Any]:
    return {"one": row, "what": category_word(row.category), "verdict": verdict_word(row.verdict),
            "look": STATES.get(row.verdict, "")}  # fmt: skip


def _owner(facts: SensorFacts) -> str:
    return accounts.unit_names_of({facts.owner_unit}).get(facts.owner_unit, facts.owner_unit) or facts.owner


def _until(request: HttpRequest) -> datetime | None:
    text = request.GET.get("until", "")
    if not text:
        return None
    try:
        return clock.asked_for(text.replace(" ", "+"), get_current_timezone())
    except ValueError as error:
        raise Http404 from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("signals.calibration", "{value} is no day; write it as in {limit}.", value=text or "–",
                      limit="2026-11-01") from error  # fmt: skip


def _counted(state: str, count: int, asked: Listed) -> dict[str, Any]:
    """A state with how many are in it, and the way to them, or back to all."""
    word = _("no fault known") if state == "in_service" else state_word(state)
    chosen = {"kind": asked.kind, "state": "" if state == asked.state else state, "unit": asked.unit}
    look = "" if state == "in_service" else HEALTH[state][1]  # that nothing is known against it is no praise
    return {"word": word, "look": look, "count": count, "is_chosen": state == asked.state,
            "query": urlencode({key: value for key, value in chosen.items() if value})}  # fmt: skip


def _box(every: Sensors) -> str:
    """What the map begins with: all that are asked for, and a little around them."""
    found = every.bounds
    if found is None:
        return ""
    west, south, east, north = with_margin(found)
    return f"{west:.5f},{south:.5f},{east:.5f},{north:.5f}"
