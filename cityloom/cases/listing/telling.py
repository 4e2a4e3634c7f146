"""Cases with their history, read in batches for an event log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from cityloom.cases.domain.eventlog import Happened, Told, without_people
from cityloom.cases.models import Case, CaseEvent, CaseLink

_AT_ONCE = 500
_CASE = ("number", "id", "casetype", "version", "category", "origin", "lon", "lat", "opened_at")


def told_between(since: datetime | None, until: datetime | None, casetype: str = "") -> Iterator[Told]:
    """Cases that were opened in a span, in the order of their numbers; exercises and secret cases are left out."""
    rows = Case.objects.filter(exercise_id="").exclude(confidentiality="secret").order_by("number")
    for name, value in (("opened_at__gte", since), ("opened_at__lt", until), ("casetype", casetype)):
        rows = rows.filter(**{name: value}) if value else rows
    last = 0
    while batch := list(rows.filter(number__gt=last).values_list(*_CASE)[:_AT_ONCE]):
        last = batch[-1][0]
        numbers = [row[0] for row in batch]
        histories, links = _histories(numbers), _links(numbers)
        for row in batch:
            attributes = dict(zip(_CASE[2:-1], row[2:-1], strict=True))
            yield Told(row[1], attributes, row[-1], tuple(histories[row[0]]), tuple(links[row[0]]))


def activities() -> list[str]:
    """Every name that an event has: its step, or what kind of thing happened."""
    steps = CaseEvent.objects.exclude(step="").order_by("step").values_list("step", flat=True).distinct()
    kinds = CaseEvent.objects.filter(step="").order_by("kind").values_list("kind", flat=True).distinct()
    return sorted({*steps, *kinds})


def _histories(numbers: list[int]) -> dict[int, list[Happened]]:
    found: dict[int, list[Happened]] = defaultdict(list)
    rows = CaseEvent.objects.filter(case_id__in=numbers).order_by("case_id", "revision").defer("sealed")
    for row in rows:
        about = [(one["type"], one["id"], one.get("qualifier", "")) for one in row.objects_about]
        said = {"step": row.step, "before": row.before, "after": row.after, "role": row.role, "unit": row.unit,
                "result": str(row.data.get("result", "")), "clock": str(row.data.get("clock", ""))}  # fmt: skip
        found[row.case_id].append(Happened(row.id, row.step or row.kind, row.at, said, without_people(about)))
    return found


def _links(numbers: list[int]) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = CaseLink.objects.filter(case_id__in=numbers).order_by("id").values_list("case_id", "kind", "other")
    for number, kind, other in rows:
        found[number].append((kind, other))
    return found
