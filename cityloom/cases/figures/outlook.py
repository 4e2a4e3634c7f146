"""Clocks of cases that have run out or will within a week, by branch, as the risk brief has them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, F, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cityloom.accounts import queries as accounts
from cityloom.cases import catalogue
from cityloom.cases.display import said
from cityloom.cases.domain.figures.intervals import wilson
from cityloom.cases.domain.visibility import DEPTH, depth_of
from cityloom.cases.models import Case, CaseEvent
from cityloom.ui.domain.declared import Risk

_WEEK, _QUARTER = timedelta(days=7), timedelta(days=91)
_FEW = 8
_MANY = 20
_TOP = "city"


def risks(unit: str, at: datetime) -> list[Risk]:
    """Cases over their time, and those that will be due within a week, by type and by the units below the branch.

    Restricted and secret cases are in no branch but their own, so they are not counted above it.
    """
    unit = unit or _TOP
    found: list[Risk] = []
    for name in catalogue.names():
        casetype = catalogue.newest(name)
        if casetype.access.confidentiality == "secret":
            continue
        counted = _counted(name, unit, at)
        names = accounts.unit_names_of({branch for branch, *_rest in counted})
        for branch, overdue, soon in counted:
            title = f"{said(casetype.title)}, {names.get(branch, branch)}"
            found += _over(title, name, branch, overdue, at) if overdue else []
            found += _soon(title, name, branch, soon, at) if soon else []
    return found


def _counted(name: str, unit: str, at: datetime) -> list[tuple[str, int, int]]:
    """Of each unit right below the branch, and of the branch itself: how many are over time, and due within a week."""
    depth = depth_of(unit)
    below = f"branch_{min(depth + 1, DEPTH)}"
    now, then = (int(one.timestamp() * 1e6) for one in (at, at + _WEEK))
    rows = Case.objects.filter(casetype=name, exercise_id="", is_open=True, rank__lt=then, **{f"branch_{depth}": unit})
    counts = rows.values(below).annotate(over=Count("number", filter=Q(rank__lt=now)),
                                         soon=Count("number", filter=Q(rank__gte=now)))  # fmt: skip
    return [(row[below] or unit, row["over"], row["soon"]) for row in counts.order_by(below)]


def _over(title: str, name: str, branch: str, overdue: int, at: datetime) -> list[Risk]:
    rang = CaseEvent.objects.filter(kind="overdue", case__casetype=name, case__exercise_id="", at__lte=at,
                                    **{f"case__branch_{depth_of(branch)}": branch})  # fmt: skip
    lately = rang.filter(at__gt=at - _WEEK).count()
    before = rang.filter(at__gt=at - 2 * _WEEK, at__lte=at - _WEEK).count()
    words = ngettext("{title}: {count} case over its time", "{title}: {count} cases over their time", overdue)
    return [Risk(words.format(title=title, count=overdue), _link(name), "now", 3 if overdue >= _MANY else 2, branch,
                 lately, before, _("clocks that ran out in a week"), 1.0,
                 grounds=_("Counted from their clocks."))]  # fmt: skip


def _soon(title: str, name: str, branch: str, soon: int, at: datetime) -> list[Risk]:
    late, of = _late_share(name, branch, at)
    words = ngettext("{title}: {count} case due within a week", "{title}: {count} cases due within a week", soon)
    chance, low, high = None, None, None
    grounds = _("Too few cases have ended in a quarter to say how many of them will be late.")
    if of >= _FEW:
        chance = 1 - (1 - late / of) ** soon
        ends = wilson(late, of) or (0.0, 1.0)
        low, high = (1 - (1 - end) ** soon for end in ends)
        grounds = _("Of {of} cases in a quarter {late} were late: about {expected} of these.").format(
            of=of, late=late, expected=round(soon * late / of))  # fmt: skip
    return [Risk(words.format(title=title, count=soon), _link(name), "days", 2 if soon >= _MANY else 1, branch,
                 chance=chance, low=low, high=high, grounds=grounds,
                 note=_("The chance is that at least one of them is late."))]  # fmt: skip


def _late_share(name: str, branch: str, at: datetime) -> tuple[int, int]:
    """Of the cases that were opened in a quarter and have ended or are over their time: how many late, of how many."""
    rows: QuerySet[Case] = Case.objects.filter(
        casetype=name, exercise_id="", opened_at__gt=at - _QUARTER, opened_at__lte=at,
        due_at__isnull=False, **{f"branch_{depth_of(branch)}": branch},
    )  # fmt: skip
    late = Q(closed_at__gt=F("due_at")) | Q(is_open=True, due_at__lt=at)
    counted = rows.filter(Q(is_open=False) | Q(due_at__lt=at)).aggregate(late=Count("number", filter=late),
                                                                         of=Count("number"))  # fmt: skip
    return counted["late"], counted["of"]


def _link(name: str) -> str:
    return f"{reverse('cases')}?type={name}"
