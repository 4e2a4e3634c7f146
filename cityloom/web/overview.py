"""The overview: what goes on, what waits for whoever is signed in, how the systems are; now, or as known then.

Every part stands on its own: where one cannot be told, it says why, and the others are there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.urls import reverse
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _

from cityloom.bus import queries as bus
from cityloom.emergency import queries as emergency
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui import registry
from cityloom.ui.domain.declared import MOST_WORK, URGENCIES, Fault, KeyFigure, Reading, Watch, WorkItem
from cityloom.ui.words import sentence_of
from cityloom.web.processes import processes

log = logging.getLogger(__name__)
PARTS = ("work", "incidents", "figures", "health", "timeline")
_A_PAGE = 10
_MOMENTS = 25
_TOGETHER = timedelta(minutes=5)
_LINES_BACK = 3
_EVENTS = 400  # looked at for so many moments: a hundred tasks that end together are one line
MARKS = 150
_LEAST = timedelta(microseconds=1)

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Shown:
    """A declared figure or line of health with what its source says, or why it says nothing."""

    declared: KeyFigure | Watch
    reading: Reading | None = None
    faults: Sequence[Fault] = ()
    why_not: str = ""

    @property
    def worst(self) -> str:
        return "bad" if any(fault.state == "bad" for fault in self.faults) else "wait"


@dataclass(frozen=True)
class Work:
    """What waits for somebody.

    `items`: the list, the thing, whether it is overdue. `unread`: lists that could not be read, and why. `others`:
    lists for others, and for which roles. `full`: lists of which more waits than is here. `is_calm`: no incident is
    open. `rehearse_url`: where a drill is started, for those who may.
    """

    items: Sequence[tuple[str, WorkItem, bool]]
    unread: Sequence[tuple[str, str]]
    others: Sequence[tuple[str, Sequence[str]]]
    full: Sequence[str] = ()
    is_calm: bool = False
    rehearse_url: str = ""


@dataclass
class Moment:
    """One line of the timeline: what happened, how often in a few minutes, and to which incident."""

    at: datetime
    words: str
    exercise_id: str
    incident_id: str
    count: int = 1
    place: str = ""

    @property
    def story(self) -> tuple[str, str]:
        """What lines that follow each other are told together by."""
        return self.incident_id, self.exercise_id


@dataclass(frozen=True)
class Scrub:
    """The way through time: where one is, what is before and after, and the instants at which something happened."""

    at: datetime | None
    earlier: datetime | None
    later: datetime | None
    marks: Sequence[tuple[str, str]] = field(default=())


def instant_from(text: str) -> datetime | None:
    """The instant that an address asks for; without a zone it is the city's own time. None for now.

    Raises: Refused `web.no_instant`.
    """
    if not text:
        return None
    try:
        plain = text[:40].replace(" ", "+")  # a plus sign in an address arrives as a space
        return clock.asked_for(plain, get_current_timezone())
    except ValueError as error:
        raise Refused("web.no_instant", "{value} is no date and time; write it like 2026-05-04T14:07.",
                      value=text[:40]) from error  # fmt: skip


def context_for(
    part: str, actor: Actor, at: datetime | None, page: str, newest: Sequence[Moment] | None = None
) -> dict[str, Any]:
    """What the template of one part needs; `newest` are the moments up to now, where they are known already."""
    happened = newest[:_MOMENTS] if newest is not None and at is None else None
    questions: dict[str, Callable[[], Any]] = {
        "work": lambda: work_of(actor), "incidents": lambda: incidents(at, page),
        "figures": lambda: figures(actor, at), "health": lambda: health(actor),
        "timeline": lambda: placed(moments(at) if happened is None else happened),
    }  # fmt: skip
    value, why_not = _told(questions[part], part)
    return {part: value, f"{part}_why_not": why_not}


def types_of(part: str) -> str:
    """The events at which a part is out of date, as the page's script wants them."""
    if part == "figures":
        names = {name for figure in registry.figures() for name in figure.events}
    elif part == "work":
        names = {name for work in registry.work_lists() for name in work.events}
    elif part == "incidents":
        names = {"IncidentOpened", "ProposalReady", "EvacuationApproved", "AlertApproved", "ProposalSentBack",
                 "IncidentUpdated", "IncidentClosed", "IncidentCancelled"}  # fmt: skip
    else:
        names = {kind.split(".")[-2] for kind in registry.moments()}
    return " ".join(sorted(names))


def incidents(at: datetime | None, page: str) -> tuple[Page[Any], list[tuple[str, list[emergency.IncidentLine]]]]:
    """A page of the incidents by urgency, and what is on it in groups."""
    shown = Paginator(emergency.incident_lines(at), _A_PAGE).get_page(page)
    groups = groupby(shown.object_list, key=lambda line: line.urgency)
    return shown, [(urgency, list(lines)) for urgency, lines in groups]


def figures(actor: Actor, at: datetime | None) -> list[Shown]:
    """Every key figure, those for other roles without their value."""
    return [_figure(figure, actor, at or clock.now()) for figure in registry.figures()]


def _figure(figure: KeyFigure, actor: Actor, at: datetime) -> Shown:
    if not registry.may_see(figure.roles, actor):
        return Shown(figure, why_not=_("For other roles than yours."))
    reading, why_not = _told(lambda: registry.source_of(figure.source)(actor, at), figure.key)
    return Shown(figure, reading, why_not=why_not)


def health(actor: Actor) -> list[Shown]:
    """Every line of the systems' health, what is wrong first."""
    lines = []
    for watch in registry.watches():
        source = registry.source_of(watch.source)
        faults, why_not = _told(lambda source=source: source(actor, clock.now()), watch.key)
        lines.append(Shown(watch, faults=faults or (), why_not=why_not))
    return sorted(lines, key=_worst_first)


def _worst_first(line: Shown) -> int:
    if line.why_not or (line.faults and line.worst == "bad"):
        return 0
    return 1 if line.faults else 2


def work_of(actor: Actor) -> Work:
    """What waits for somebody, the most urgent first and real things before exercises."""
    items: list[tuple[str, WorkItem]] = []
    unread, others, full = [], [], []
    for work in registry.work_lists():
        if not registry.may_see(work.roles, actor):
            others.append((_(work.label), sorted(work.roles)))
            continue
        source = registry.source_of(work.source)
        found, why_not = _told(lambda source=source: source(actor, clock.now()), work.key)
        items += [(_(work.label), item) for item in found or ()]
        if len(found or ()) >= MOST_WORK:
            full.append(_(work.label))
        if why_not:
            unread.append((_(work.label), why_not))
    now = clock.now()
    late = [(label, item, item.due_at is not None and item.due_at <= now) for label, item in items]
    is_calm = not items and not emergency.has_open_incident()
    return Work(sorted(late, key=lambda one: _pressing(one[1])), unread, others, full, is_calm, _rehearse_url(actor))


def _rehearse_url(actor: Actor) -> str:
    page = next((page for page in registry.pages() if page.url_name == "drills"), None)
    return reverse(page.url_name) if page and registry.may_see(page.roles, actor) else ""


def _pressing(item: WorkItem) -> tuple[bool, int, float]:
    when = item.due_at or item.since
    return item.is_exercise, URGENCIES.index(item.urgency), when.timestamp() if when else 0.0


def moments(at: datetime | None, most: int = _MOMENTS) -> list[Moment]:
    """What happened up to an instant, the newest first; the same thing many times in a few minutes is one line."""
    words = registry.moments()
    lines: list[Moment] = []
    for event in bus.newest_of(words, until=at, most=_EVENTS):
        line = next((one for one in lines[-_LINES_BACK:] if _is_same(one, event, words[event.type])), None)
        if line:
            line.count += 1
            continue
        if len(lines) == most:
            break
        lines.append(Moment(event.time, words[event.type], event.exercise_id, event.incident_id))
    return lines


def placed(lines: Sequence[Moment]) -> Sequence[Moment]:
    """The same, with where each incident is."""
    places = emergency.places_of(line.incident_id for line in lines if line.incident_id)
    for one in lines:
        one.place = places.get(one.incident_id, "")
    return lines


def _is_same(line: Moment, event: bus.Heading, words: str) -> bool:
    is_near = line.at - event.time <= _TOGETHER
    return is_near and (line.words, line.incident_id, line.exercise_id) == (words, event.incident_id, event.exercise_id)


def scrub(at: datetime | None, newest: Sequence[Moment]) -> Scrub:
    """The way through time from where one is, in steps of the newest moments; behind them, of single events."""
    marks = dict(sorted({line.at: _(line.words) for line in newest}.items()))
    before = [instant for instant in marks if at is None or instant < at]
    after = [instant for instant in marks if at is not None and instant > at]
    earlier = before[-1] if before else None
    if at is not None and earlier is None:
        older = bus.newest_of(registry.moments(), until=at - _LEAST, most=1)
        earlier = older[0].time if older else None
    return Scrub(at, earlier, after[0] if after else None, [(one.isoformat(), words) for one, words in marks.items()])


def process_faults(actor: Actor, at: datetime) -> list[Fault]:
    """Processes that are not well, as the supervisor last saw them."""
    return [
        Fault(_("{process} is down").format(process=name), "bad")
        for name, facts in processes().items() if facts.get("state") not in ("well", "starting")
    ]  # fmt: skip


def _broker_faults() -> list[Fault]:
    is_away = any(str(facts.get("says", "")).startswith("broker away") for facts in processes().values())
    return [Fault(_("The broker between machines is away; events are delivered here meanwhile"), "wait")] * is_away


def delivery_faults(actor: Actor, at: datetime) -> list[Fault]:
    """Events whose handlers gave up, and a queue that does not move."""
    faults = _broker_faults()
    if dead := bus.dead_letter_count():
        faults.append(Fault(_("Handlers that gave up: {count}").format(count=dead), "bad"))
    waiting, since = bus.waiting_since(clock.now() - timedelta(minutes=1))
    if waiting:
        faults.append(Fault(_("Events that wait to be delivered: {count}").format(count=waiting), "bad", since))
    return faults


def dead_letters_to_mend(actor: Actor, at: datetime) -> list[WorkItem]:
    """Events that an operator has to replay."""
    return [
        WorkItem(_("A handler gave up: {event}").format(event=letter.event_type.split(".")[-2]),
                 reverse("dead-letters"), "now", letter.event_time, is_exercise=bool(letter.exercise_id))
        for letter in bus.dead_letters(most=50)
    ]  # fmt: skip


def _told(question: Callable[[], Answer], what: str) -> tuple[Answer | None, str]:
    """What a source says; where it cannot, why: the page stands without it."""
    try:
        return question(), ""
    except Refused as refusal:
        return None, sentence_of(refusal)
    except Exception:  # one part's defect must not take the overview away
        log.exception("part %s of the overview could not be told", what)
        return None, _("This cannot be shown now; an operator finds the reason in the log.")
