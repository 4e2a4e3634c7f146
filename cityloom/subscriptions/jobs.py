"""What the worker does: tell those who asked, and erase what has ended."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

import numpy as np
import shapely
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cityloom.alerts import queries as alerts
from cityloom.alerts.queries import CheckedAlert, PublicWords
from cityloom.gate import actions as gate
from cityloom.kernel import cells, clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.kernel.timezones import zone_of
from cityloom.registers import queries as registers
from cityloom.subscriptions import plugins, policies
from cityloom.subscriptions.actions import PURPOSE, language_of, links_of
from cityloom.subscriptions.domain import letter as letters
from cityloom.subscriptions.domain.letter import Letter
from cityloom.subscriptions.domain.wish import CELL, Address, address_of, branches, words_for
from cityloom.subscriptions.models import Subscription, Telling, Told

log = logging.getLogger(__name__)
BATCH = 1000
_A_ROUND_S = 5.0
"""For so long letters leave in one round: the worker has other things to do, and a mail server may be slow."""
_PARALLEL = 16
_LEASE = timedelta(minutes=2)
_AGAIN = timedelta(seconds=10)
_DISTRICT_M = 300.0
"""A district is warned where its buildings come this close: an alert beside them concerns them too."""
_AT_ONCE = 500
State = Told.State


def tell_due(*, at: datetime) -> int:
    """Match and tell what is due, a bounded number of letters; return how many left.

    Each row is written down before its letter leaves. Where the keeper does not answer, a telling waits and says so.
    """
    left = 0
    running = Telling.objects.filter(state__in=(Telling.State.MATCHING, Telling.State.TELLING), next_try_at__lte=at)
    tellings = list(running.order_by("begun_at"))
    for telling in tellings:
        try:
            left += _go_on(telling, at, _A_ROUND_S / len(tellings))
        except Refused as refusal:
            log.warning("telling waits: %s", refusal.code)
            Telling.objects.filter(alert_id=telling.alert_id).update(waits_for=refusal.code, next_try_at=at + _AGAIN)
    return left


def clear_up(*, at: datetime) -> int:
    """Erase what was stopped, and what nobody confirmed in time; return how many."""
    late = Q(state=Subscription.State.WAITING, asked_at__lte=at - policies.CONFIRM_WITHIN)
    rows = Subscription.objects.filter(late | Q(state=Subscription.State.ENDING))
    found = list(rows.order_by("asked_at").values_list("id", "packet")[:_AT_ONCE])
    if found:
        gate.erase_packets(by=SYSTEM, at=at, purpose=PURPOSE, packets=[packet for _id, packet in found])
        Subscription.objects.filter(id__in=[name for name, _packet in found]).delete()
    return len(found)


def _go_on(telling: Telling, at: datetime, for_s: float) -> int:
    try:
        alert = alerts.checked_alert(telling.alert_id, at)
    except Refused as refusal:
        if refusal.code != "alerts.unknown":
            raise
        telling.delete()  # the exercise was erased
        return 0
    if not alert.is_current:
        _end(telling, Telling.State.WITHDRAWN, at)
        return 0
    if telling.state == Telling.State.MATCHING:
        _match(telling, alert, at)
    region, left, until = _region(alert), 0, clock.stopwatch() + for_s
    while clock.stopwatch() < until and (due := _due(telling, at)):
        left += _tell(telling, alert, region, due, at, until)
    if not telling.rows.filter(state__in=(State.PENDING, State.ATTEMPTING)).exists():
        _end(telling, Telling.State.DONE, at)
    return left


def _match(telling: Telling, alert: CheckedAlert, at: datetime) -> None:
    """Write down whom the alert may be for: random ids, found by words that only the keeper has."""
    cover = sorted({cell for polygon in alert.polygons for cell in cells.cover_polygon(polygon, resolution=CELL)})
    words = words_for(cover, _areas(alert), alert.public.severity, all_clear=alert.public.is_all_clear)
    names = _asked_for(words, telling, alert, at)
    for first in range(0, len(names), 2000):
        Told.objects.bulk_create(
            [Told(id=ids.named_id("told", telling.alert_id, name), exercise_id=telling.exercise_id, telling=telling,
                  subscription=name, next_try_at=at) for name in names[first : first + 2000]],
            ignore_conflicts=True, batch_size=2000,
        )  # fmt: skip
    telling.state, telling.candidates, telling.waits_for = Telling.State.TELLING, len(names), ""
    telling.save(update_fields=["state", "candidates", "waits_for"])


def _asked_for(words: list[bytes], telling: Telling, alert: CheckedAlert, at: datetime) -> list[str]:
    """The subscriptions behind these words; asked once more where one was just changed and has another packet now."""
    names: set[str] = set()
    for _time in range(2):
        packets = gate.find_packets(by=SYSTEM, at=at, purpose=PURPOSE, words=words, incident_id=alert.incident_id[:64],
                                    exercise_id=telling.exercise_id)  # fmt: skip
        rows = [row for first in range(0, len(packets), _AT_ONCE) for row in _known(packets[first : first + _AT_ONCE])]
        is_demo, active = not _is_actual(alert), Subscription.State.ACTIVE
        names |= {name for name, state, demo in rows if state == active and demo == is_demo}
        if not any(state == Subscription.State.ENDING for _name, state, _demo in rows):
            break
    return sorted(names)


def _known(packets: Sequence[int]) -> list[tuple[str, str, bool]]:
    return list(Subscription.objects.filter(packet__in=packets).values_list("id", "state", "is_demo"))


def _areas(alert: CheckedAlert) -> list[str]:
    """The districts of an alert; read once for each version of the city's data, however many rounds it takes."""
    return _areas_of(registers.version_and_reaches()[0], tuple(polygon.wkb for polygon in alert.polygons))


@lru_cache(maxsize=8)
def _areas_of(version: str, polygons: tuple[bytes, ...]) -> list[str]:
    near = (registers.units_near(shapely.from_wkb(polygon), _DISTRICT_M) for polygon in polygons)
    return branches(sorted({unit for units in near for unit in units}))


def _region(alert: CheckedAlert) -> gate.Region:
    rings = [shapely.get_coordinates(shapely.get_exterior_ring(polygon)) for polygon in alert.polygons]
    return gate.Region([np.ascontiguousarray(ring, "<f8").tobytes() for ring in rings], _areas(alert))


def _due(telling: Telling, at: datetime) -> list[Told]:
    open_rows = telling.rows.filter(state__in=(State.PENDING, State.ATTEMPTING), next_try_at__lte=at)
    return list(open_rows.order_by("next_try_at", "id")[:BATCH])


def _tell(
    telling: Telling, alert: CheckedAlert, region: gate.Region, due: list[Told], at: datetime, until: float
) -> int:
    """Open a batch and let its letters leave; those that had not left by `until` wait for the next round."""
    known = Subscription.objects.filter(id__in=[row.subscription for row in due], state=Subscription.State.ACTIVE)
    packets = dict(known.values_list("id", "packet"))
    addresses = _addresses(telling, alert, region, list(packets.values()), at)
    ready = [(row, addresses[packet]) for row in due if (packet := packets.get(row.subscription)) in addresses]
    there = {row.id for row, _address in ready}
    left_out = [row for row in due if row.id not in there]
    outcomes = {row.id: State.OUTSIDE if row.subscription in packets else State.GONE for row in left_out}
    Told.objects.filter(id__in=there).update(
        state=State.ATTEMPTING, attempts=F("attempts") + 1, next_try_at=at + _LEASE
    )
    writer = _Writer(alert, at, _zone())
    made = [(writer.letter(row, address), address) for row, address in ready]
    runs = [run for first in range(_PARALLEL) if (run := made[first::_PARALLEL])]
    with ThreadPoolExecutor(_PARALLEL) as pool:
        found = {key: state for some in pool.map(lambda run: _leave(run, alert, until), runs) for key, state in some}
    outcomes |= {row.id: _settled(row, found[row.id]) for row, _address in ready}
    _record(due, outcomes, at)
    return sum(state == State.SENT for state in outcomes.values())


def _addresses(
    telling: Telling, alert: CheckedAlert, region: gate.Region, packets: list[int], at: datetime
) -> dict[int, Address]:
    """How to reach those whose place lies in the area: the keeper compares, and shows no place."""
    if not packets:
        return {}
    exercise, fields = telling.exercise_id, ["address"]
    grant = gate.grant(
        by=SYSTEM, at=at, purpose=PURPOSE, subjects=packets, fields=fields, holder=SYSTEM.account,
        until=at + timedelta(hours=1), incident_id=alert.incident_id[:26], exercise_id=exercise,
    )  # fmt: skip
    opened = gate.open_packets(
        by=SYSTEM, at=at, grant_id=grant, packets=packets, fields=fields, region=region, exercise_id=exercise
    )
    return {packet: address_of(parts["address"]) for packet, parts in opened.items()}


@dataclass(frozen=True)
class _Page:
    """What all letters in one language have in common."""

    words: PublicWords
    title: str
    body: str
    pushed: str
    change: str
    stop: str


class _Writer:
    """Writes the letters of one alert; what does not differ between subscribers is made once for each language."""

    def __init__(self, alert: CheckedAlert, at: datetime, zone: tzinfo) -> None:
        self._alert, self._zone, self._path = alert, zone, reverse("alert", args=[alert.public.id])
        self._topic, self._ttl_s = letters.topic_of(alert.incident_id), letters.ttl_s(alert.public.expires_at, at)
        self._pages: dict[str, _Page] = {}

    def letter(self, row: Told, address: Address) -> Letter:
        """What one subscriber is told, compared with the approved words."""
        if address.language not in self._pages:
            with translation.override(language_of(address)), timezone.override(self._zone):
                self._pages[address.language] = self._page(address.language)
        page, links, url = self._pages[address.language], links_of(row.subscription, address), address.site + self._path
        made = Letter(
            row.id, page.title,
            f"{page.body}\n{url}\n\n{page.change}\n{links['manage']}\n\n{page.stop}\n{links['stop']}",
            {"title": page.title, "body": page.pushed, "url": url, "lang": address.language, "tag": self._topic},
            links["stop-now"], self._topic, self._ttl_s, not _is_actual(self._alert),
        )  # fmt: skip
        letters.check_says(made, page.words)
        return made

    def _page(self, language: str) -> _Page:
        public = self._alert.public
        words = letters.in_language(public.words, language)
        mark = "" if _is_actual(self._alert) else _("EXERCISE") + ": "
        until = date_format(timezone.localtime(public.expires_at), "DATETIME_FORMAT")
        body = "\n\n".join((
            letters.body(words), _("Good until {until} at the latest.").format(until=until),
            _("The whole warning, with a map:"),
        ))  # fmt: skip
        change = "-- \n" + _("You asked this city to warn you about one of your places.") + "\n\n"
        return _Page(words, letters.one_line(mark + words.headline), body,
                     letters.shortened(letters.pushed_words(words)), change + _("Change what you get:"),
                     _("Stop with one click:"))  # fmt: skip


def _leave(run: list[tuple[Letter, Address]], alert: CheckedAlert, until: float) -> list[tuple[str, State]]:
    return [(letter.key, _attempt(letter, address, alert, until)) for letter, address in run]


def _attempt(letter: Letter, address: Address, alert: CheckedAlert, until: float) -> State:
    """Let a letter leave; whatever happens, an outcome comes back. Runs in threads and never touches the database."""
    if clock.stopwatch() >= until:
        return State.ATTEMPTING  # it has not been tried
    way = plugins.WAYS[address.way if _is_actual(alert) else "demo_outbox"]
    try:
        alerts.check_may_leave(alert.status, way.name, is_demo=way.is_demo)
        way.send(letter, address)
    except plugins.Gone:
        return State.GONE
    except plugins.NotTaken as refusal:
        return State.FAILED if refusal.final else State.PENDING
    except Refused as refusal:
        log.warning("a letter was stopped: %s", refusal.code)
        return State.FAILED
    except Exception as error:
        log.warning("a way stopped with %s", type(error).__name__)
        return State.PENDING
    return State.SENT


def _settled(row: Told, state: State) -> State:
    return State.FAILED if state == State.PENDING and row.attempts + 1 >= policies.MOST_ATTEMPTS else state


def _record(due: list[Told], outcomes: dict[str, State], at: datetime) -> None:
    """Write down what became of a batch: a statement for each different outcome, not for each letter."""
    alike: dict[tuple[State, int], list[str]] = defaultdict(list)
    for row in due:
        alike[outcomes[row.id], row.attempts].append(row.id)
    gone = [row.subscription for row in due if outcomes[row.id] == State.GONE]
    with transaction.atomic():
        for (state, attempts), names in alike.items():
            Told.objects.filter(id__in=names).update(**_written(state, attempts, at))
        Subscription.objects.filter(id__in=gone).update(state=Subscription.State.ENDING)


def _written(state: State, attempts: int, at: datetime) -> dict[str, object]:
    """What a row says after an outcome; `attempts` were made before."""
    if state == State.ATTEMPTING:  # not tried: as if it had not been its turn
        return {"state": State.PENDING, "attempts": attempts, "next_try_at": at}
    attempts += state not in (State.OUTSIDE, State.GONE)
    wait = timedelta(seconds=15 * 2**attempts) if state == State.PENDING else timedelta()
    return {"state": state, "attempts": attempts, "next_try_at": at + wait}


def _end(telling: Telling, state: Telling.State, at: datetime) -> None:
    """Keep the counts, and forget who it was."""
    counts = Counter(telling.rows.values_list("state", flat=True))
    telling.state, telling.ended_at, telling.waits_for = state, at, ""
    telling.told, telling.outside = counts[State.SENT], counts[State.OUTSIDE]
    telling.gone, telling.failed = counts[State.GONE], counts[State.FAILED]
    with transaction.atomic():
        telling.save()
        telling.rows.all().delete()


def _is_actual(alert: CheckedAlert) -> bool:
    return alert.status == "Actual"


def _zone() -> tzinfo:
    city = registers.city()
    return zone_of(city.timezone if city else "UTC")
