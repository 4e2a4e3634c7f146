"""Matters as pages show them: their reports, why each is one of them, what may belong to them, and the largest ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Q

from cityloom.cases.domain.visibility import InView, Rights, sees
from cityloom.cases.listing.cases import CaseFacts, facts
from cityloom.cases.listing.nearmatters import reporters_of
from cityloom.cases.models import Case, CaseEvent, CaseMember, CasePair

ORDERS = ("newest", "largest")
MOST_LOOKED_AT, MOST_SHOWN, MOST_MAYBE = 4_000, 60, 5
JOINED = ~Q(matter=F("id"))


@dataclass(frozen=True)
class Reason:
    """Why a report is, or may be, of a matter: beside the one most alike; without a `chance` a person said so."""

    chance: float | None
    metres: int | None
    hours: float | None
    words: float | None
    same_category: bool
    numbers: int


@dataclass(frozen=True)
class Member:
    """A report of a matter, and why it is one; None for the one that goes on."""

    one: CaseFacts
    reason: Reason | None


@dataclass(frozen=True)
class MatterRow:
    """A matter in the list: the case that goes on, how many reports there are, and how many people it concerns."""

    lead: CaseFacts
    reports: int
    reporters: int
    last_at: datetime


def members(matter_id: str) -> list[Member]:
    """The reports of a matter, in the order in which they came."""
    rows = list(Case.objects.filter(matter=matter_id).defer("sealed").order_by("number"))
    why = {event.case_id: reason_of(event.data) for event in
           CaseEvent.objects.filter(case__in=rows, kind="stepped", step="join").order_by("revision")}  # fmt: skip
    return [Member(facts(row), None if row.matter == row.id else why.get(row.number)) for row in rows]


def suggestions(case_id: str) -> list[Member]:
    """Open reports of other matters that may be about the same as a case, the likeliest first."""
    row = Case.objects.get(id=case_id)
    pairs = CasePair.objects.filter(Q(one=row) | Q(other=row), says="maybe").order_by("-chance")[: 4 * MOST_MAYBE]
    reasons = {pair.other_id if pair.one_id == row.number else pair.one_id: pair for pair in pairs}
    found = {one.number: one for one in Case.objects.filter(number__in=reasons).exclude(matter=row.matter)}
    going_on = set(Case.objects.filter(id__in=[one.matter for one in found.values()], is_open=True)
                   .values_list("id", flat=True))  # fmt: skip
    kept = [(pair, found[number]) for number, pair in reasons.items()
            if number in found and found[number].matter in going_on]  # fmt: skip
    return [Member(facts(one), reason_of({"chance": pair.chance, **pair.why})) for pair, one in kept[:MOST_MAYBE]]


def reason_of(data: dict[str, Any]) -> Reason:
    """What a history or a suggestion says of why two reports are alike."""
    return Reason(data.get("chance"), data.get("metres"), data.get("hours"), data.get("words"),
                  bool(data.get("same_category")), int(data.get("numbers", 0)))  # fmt: skip


def largest(rights: Rights, order: str, *, is_open: bool = True) -> list[MatterRow]:
    """Matters with several reports that somebody may see, among those that newer reports belong to."""
    newest = Case.objects.filter(JOINED, exercise_id="").order_by("-number").values_list("matter", flat=True)
    counted = Case.objects.filter(matter__in=set(newest[:MOST_LOOKED_AT])).values("matter")
    wanted = list(counted.annotate(reports=Count("number"), last=Max("opened_at"))
                  .order_by(*(("-reports", "-last") if order == "largest" else ("-last",)))
                  .values_list("matter", "reports", "last"))  # fmt: skip
    leads = {row.id: row for row in Case.objects.filter(id__in=[one[0] for one in wanted], is_open=is_open)
             .defer("sealed")}  # fmt: skip
    seen = visible(rights, leads.values())
    shown = [one for one in wanted if one[0] in seen][:MOST_SHOWN]
    counts = reporters_of([one[0] for one in shown])
    return [MatterRow(facts(leads[key]), reports, counts[key], last) for key, reports, last in shown]


def visible(rights: Rights, rows: Collection[Case]) -> set[str]:
    """The ids of those of some cases that somebody may see; one statement."""
    named: dict[int, set[str]] = {}
    members = CaseMember.objects.filter(case__in=[row.number for row in rows], until=None)
    for number, account in members.values_list("case_id", "account"):
        named.setdefault(number, set()).add(account)
    return {
        row.id for row in rows
        if sees(rights, InView(row.casetype, (row.branch_1, row.branch_2, row.branch_3, row.branch_4), row.handler,
                               row.offered_unit, frozenset(named.get(row.number, ()))))
    }  # fmt: skip


def counted_apart(since: datetime, until: datetime, casetype: str) -> tuple[int, int]:
    """How many reports were made in a span, and how many matters they are: what is joined is not counted twice."""
    rows = Case.objects.filter(casetype=casetype, exercise_id="", opened_at__gte=since, opened_at__lt=until)
    found = rows.aggregate(reports=Count("number"), matters=Count("number", filter=~JOINED))
    return found["reports"], found["matters"]
