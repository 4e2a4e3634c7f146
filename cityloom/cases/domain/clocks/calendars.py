"""Calendars of working time: what a city writes, and which hours of which day are worked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, cached_property
from pathlib import Path

from cityloom.cases.domain import written
from cityloom.cases.domain.clocks.worktime import Spans, Worktime, compiled
from cityloom.kernel import timezones
from cityloom.kernel.refused import Detail, Refused

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
BEYOND_YEARS = 10
"""So many years after the last published one are still reckoned, provisionally, by the week alone."""
_FOLDER = Path(__file__).parent
_MINUTES_A_DAY = 24 * 60
_LONGEST_RUN_DAYS = 62


@dataclass(frozen=True)
class Calendar:
    """Hours by weekday (from Monday), public holidays, and days with hours of their own; all days of `zone`.

    `first` and `last` bound the years for which the holidays have been published.
    """

    name: str
    title: Mapping[str, str]
    zone: str
    hours: tuple[Spans, ...]
    first: int
    last: int
    holidays: Mapping[date, str] = field(default_factory=dict)
    hours_on: Mapping[date, Spans] = field(default_factory=dict)
    notices: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def spans(self, day: date) -> Spans:
        """The hours worked on a day; a day with hours of its own has them, holiday or not."""
        own = self.hours_on.get(day)
        if own is not None:
            return own
        return () if day in self.holidays else self.hours[day.weekday()]

    @property
    def beyond(self) -> int:
        """The last year that is reckoned, by the week alone."""
        return self.last + BEYOND_YEARS

    @cached_property
    def worktime(self) -> Worktime:
        """Its sums, made once; they reach beyond the published years."""
        return compiled(self.zone, self.first, self.beyond, self.spans, self.last)


def shipped() -> dict[str, Path]:
    """The calendars that come with the program."""
    return {path.stem.removeprefix("calendar_"): path for path in sorted(_FOLDER.glob("calendar_*.yaml"))}


@cache
def named(name: str) -> Calendar:
    """A calendar that comes with the program.

    Raises: Refused `cases.calendar_unknown`.
    """
    if name not in shipped():
        raise Refused("cases.calendar_unknown", "There is no calendar {value}; there are: {limit}.",
                      value=name[:40], limit=", ".join(shipped()))  # fmt: skip
    return calendar_of(shipped()[name].read_text("utf-8"))


def calendar_of(text: str) -> Calendar:
    """The calendar that is written.

    Raises: Refused `cases.calendar_too_large`, `cases.calendar_unreadable`, `cases.calendar_unfit`.
    """
    found = written.read(text, "calendar", _FOLDER / "calendar.schema.json")
    says = found.document
    hours = tuple(_spans(found, ("hours", name), says["hours"].get(name, [])) for name in WEEKDAYS)
    if not any(hours):
        raise found.wrong(("hours",), Detail("no hours are worked in the week"))
    years = _years(found)
    like = hours[WEEKDAYS.index(says.get("make_up_like", "monday"))]
    return Calendar(
        says["calendar"], says["title"], _zone(found), hours, years[0], years[-1], dict(_holidays(found)),
        {**dict.fromkeys(_made_up(found), like), **dict(_own_hours(found))},
        {int(year): tuple(its.get("notices", ())) for year, its in says["years"].items()},
    )  # fmt: skip


def _zone(found: written.Written) -> str:
    try:
        return timezones.checked(found.document["zone"])
    except Refused as refusal:
        raise found.wrong(("zone",), Detail(refusal.template, refusal.value, refusal.limit)) from refusal


def _years(found: written.Written) -> list[int]:
    years = sorted(map(int, found.document["years"]))
    if years != list(range(years[0], years[-1] + 1)):
        raise found.wrong(("years",), Detail("a year is left out between {value} and {limit}", years[0], years[-1]))
    return years


def _holidays(found: written.Written) -> Iterator[tuple[date, str]]:
    for year, its in found.document["years"].items():
        for run, name in its.get("holidays", {}).items():
            place = ("years", year, "holidays", run)
            first, _, last = run.partition("/")
            begins = _day(found, place, first, year)
            ends = _day(found, place, last, year) if last else begins
            if not 0 <= (ends - begins).days < _LONGEST_RUN_DAYS:
                raise found.wrong(place, Detail("it has no day, or more than {limit}", limit=_LONGEST_RUN_DAYS))
            yield from ((begins + timedelta(step), name) for step in range((ends - begins).days + 1))


def _made_up(found: written.Written) -> Iterator[date]:
    for year, its in found.document["years"].items():
        for at, text in enumerate(its.get("make_up", ())):
            yield _day(found, ("years", year, "make_up", at), text, year)


def _own_hours(found: written.Written) -> Iterator[tuple[date, Spans]]:
    for year, its in found.document["years"].items():
        for text, spans in its.get("hours_on", {}).items():
            place = ("years", year, "hours_on", text)
            yield _day(found, place, text, year), _spans(found, place, spans)


def _day(found: written.Written, place: written.Place, text: str, year: str) -> date:
    """A day of its year, or of the December before: notices on New Year's Day reach there."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise found.wrong(place, Detail("{value} is no day; write it as {limit}", text[:40], "2026-02-15")) from error
    if day.year != int(year) and (day.year, day.month) != (int(year) - 1, 12):
        raise found.wrong(place, Detail("{value} is not in {limit}", text, year))
    return day


def _spans(found: written.Written, place: written.Place, texts: list[str]) -> Spans:
    """Spans in minutes; those that touch are one."""
    joined: list[tuple[int, int]] = []
    for at, text in enumerate(texts):
        begins, ends = (int(clock[:2]) * 60 + int(clock[3:]) for clock in text.split("-"))
        if not begins < ends <= _MINUTES_A_DAY:
            raise found.wrong((*place, at), Detail("{value} does not end after it begins, on the same day", text))
        if joined and begins < joined[-1][1]:
            raise found.wrong((*place, at), Detail("{value} begins before the one before it ends", text))
        if joined and begins == joined[-1][1]:
            begins = joined.pop()[0]
        joined.append((begins, ends))
    return tuple(joined)
