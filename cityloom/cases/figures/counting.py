"""Figures of cases for somebody: of what they may see, in a span, kept for some minutes with the instant said."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from cityloom.cases import catalogue
from cityloom.cases.domain.casetypes.table import within
from cityloom.cases.domain.clocks import calendars, columns
from cityloom.cases.domain.figures import tally
from cityloom.cases.domain.figures.columns import NEVER, Cases
from cityloom.cases.domain.figures.formulas import FORMULAS
from cityloom.cases.domain.figures.tally import Group
from cityloom.cases.domain.visibility import depth_of, rights_of
from cityloom.cases.figures.reading import Scope, cases_of
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

KEPT = timedelta(minutes=10)
LONGEST = timedelta(days=3 * 366)
USUAL = timedelta(days=365)
CITY = "city"
_MOST_KEPT, _SECOND_US, _HOUR_US = 24, 1_000_000, 3_600_000_000
_MOST_SHOWN = 200


@dataclass(frozen=True)
class Span:
    """Days, in the city's zone: from `since` until before `until`."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class CaseFigures:
    """The figures of a scope as they were at an instant: of all cases, and by unit, category, month and origin."""

    scope: Scope
    span: Span
    at: datetime
    whole: Group
    by: dict[str, list[Group]]


_kept: OrderedDict[tuple[object, ...], CaseFigures] = OrderedDict()
_lock = threading.Lock()


def scope_for(by: Actor, casetype: str, unit: str = "") -> Scope:
    """What somebody may see of a type, in their branch of the tree or in one below it.

    Raises: Refused `cases.no_such_type`, `cases.figures_scope`.
    """
    rights = rights_of(by, catalogue.seen_by() | {casetype: catalogue.newest(casetype).access.seen_by})
    wanted = unit or by.unit
    if casetype not in rights.types or not within(wanted, by.unit):
        raise Refused("cases.figures_scope", "Cases of this kind and unit are not for you to see, so neither are their "
                      "figures; the portal has those that are for everybody.")  # fmt: skip
    return Scope(casetype, depth_of(wanted), wanted)


def branch_scope(casetype: str, unit: str) -> Scope:
    """A branch of the tree, for whoever runs the city."""
    return Scope(casetype, max(depth_of(unit), 1), unit)


def open_scope(casetype: str) -> Scope:
    """What anybody may know of a type: the whole city, without restricted and secret cases."""
    return Scope(casetype, 1, CITY, only_open=True)


def span_of(since: str, until: str, at: datetime) -> Span:
    """The days that somebody asks for; the last year where nothing is said.

    Raises: Refused `cases.day`, `cases.figures_span`.
    """
    tomorrow = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    last = _day(until) if until else tomorrow
    first = _day(since) if since else last - USUAL
    if not timedelta(0) < last - first <= LONGEST:
        raise Refused("cases.figures_span", "The first day has to be before the last one, and at most {limit} days.",
                      limit=LONGEST.days)  # fmt: skip
    return Span(first, last)


def last_day(span: Span) -> date:
    """The last day that is counted."""
    return (timezone.localtime(span.until) - timedelta(days=1)).date()


def figures_of(scope: Scope, span: Span, at: datetime) -> CaseFigures:
    """The figures of a scope, counted now or some minutes ago."""
    key = scope, span
    with _lock:
        kept = _kept.get(key)
    if kept is not None and kept.at <= at < kept.at + KEPT:
        return kept
    casetype = catalogue.newest(scope.casetype)
    cases = cases_of(scope, casetype, span.since, span.until, at)
    whole, by = tally.groups_of(by_branch(scope, cases), hours_of(cases), int(at.timestamp()))
    found = CaseFigures(scope, span, at, whole, by)
    with _lock:
        _kept[key] = found
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return found


def numbers_in(
    scope: Scope, span: Span, formula: str, label: str, at: datetime, *, by: str = "", name: str = ""
) -> list[int]:
    """The newest cases that a formula counts so, of a group; at most two hundred.

    Raises: Refused `cases.no_figure`.
    """
    known = FORMULAS.get(formula)
    if known is None or label not in known.labels:
        raise Refused("cases.no_figure", "There is no such figure as {value}; there is: {limit}.",
                      value=f"{formula} {label}"[:40], limit=", ".join(FORMULAS))  # fmt: skip
    casetype = catalogue.newest(scope.casetype)
    cases = by_branch(scope, cases_of(scope, casetype, span.since, span.until, at))
    marks = known.codes(cases, int(at.timestamp())) == known.labels.index(label)
    if name and cases.names.get(by):
        marks &= np.array([each == name for each in cases.names[by]], bool)[cases.codes[by]]
    return sorted(cases.number[marks].tolist(), reverse=True)[:_MOST_SHOWN]


def hours_of(cases: Cases) -> NDArray[np.float64]:
    """The working hours from the opening of each case until it was done; not a number where that cannot be said."""
    found = np.full(len(cases), np.nan)
    done = cases.done != NEVER
    try:
        work = columns.Columns(calendars.named(settings.CITYLOOM_CALENDAR))
        worked = work.elapsed(cases.opened[done] * _SECOND_US, cases.done[done] * _SECOND_US)
    except Refused:  # a case is older than the calendar: no time is better than a wrong one
        return found
    found[done] = worked / _HOUR_US
    return found


def by_branch(scope: Scope, cases: Cases) -> Cases:
    """Cases by the units right below the scope's, each with all of its branch; those of the unit itself apart."""
    branches = [_below(scope, unit) for unit in cases.names["unit"]]
    names = sorted(set(branches))
    place = np.array([names.index(branch) for branch in branches], np.int64)
    units = place[cases.codes["unit"]] if branches else cases.codes["unit"]
    return replace(cases, codes={**cases.codes, "unit": units}, names={**cases.names, "unit": names})


def _below(scope: Scope, unit: str) -> str:
    return "/".join(unit.split("/")[: scope.unit.count("/") + 2])


def _day(text: str) -> datetime:
    try:
        return timezone.make_aware(datetime.fromisoformat(f"{text[:10]}T00:00:00"))
    except ValueError as error:
        raise Refused("cases.day", "Write the day, as in {limit}.", limit="2026-11-02") from error
