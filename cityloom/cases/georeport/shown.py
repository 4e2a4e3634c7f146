"""What anybody may see of requests through Open311: never a restricted case, never sealed words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from cityloom.accounts import queries as accounts
from cityloom.cases import catalogue
from cityloom.cases.domain import numbers
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.georeport.asked import MOST_FOUND, Search
from cityloom.cases.domain.georeport.requests import Changed, Known
from cityloom.cases.models import Case, CaseEvent
from cityloom.kernel.refused import Refused

CASETYPE = "request"
"""The type whose categories are the services of Open311."""
_LEVELS = ("open", "internal")
_COLUMNS = ("number", "state", "is_open", "category", "result", "unit", "opened_at", "changed_at", "due_at", "lon",
            "lat", "answers", "released__words", "version")  # fmt: skip
Found = list[tuple[Known, CaseType]]


def requests(search: Search) -> Found:
    """The requests that somebody looks for, those that came last first; three statements at most.

    Raises: Refused `cases.unknown`, where numbers were asked for and none of them is there.
    """
    if search.numbers:
        return _numbered(search.numbers)
    rows = _public().filter(opened_at__gte=search.since, opened_at__lte=search.until)
    if search.services:
        rows = rows.filter(category__in=search.services)
    if len(search.statuses) == 1:
        rows = rows.filter(is_open="open" in search.statuses)
    if search.updated_since:
        rows = rows.filter(changed_at__gte=search.updated_since)
    first = (search.page - 1) * search.page_size
    return _known(rows.order_by("-opened_at", "-number")[first : first + search.page_size])


def request(text: str) -> tuple[Known, CaseType]:
    """One request by its number. Raises: Refused `cases.number`, `cases.unknown`."""
    numbers.heard(text)
    return _numbered([text])[0]


def number_of_token(token: str) -> str:
    """The number of the request that a token was given for. Raises: Refused `cases.no_token`."""
    number = _public().filter(id=token[:26]).values_list("number", flat=True).first()
    if number is None:
        raise Refused("cases.no_token", "There is no token {value}; a request has its number from the beginning.",
                      value=token[:26])  # fmt: skip
    return numbers.spoken(number)


def changes(since: datetime, until: datetime, asked: Sequence[str] = ()) -> list[tuple[Changed, CaseType]]:
    """What happened to requests, the oldest first: those that came into another state."""
    rows = CaseEvent.objects.filter(kind="stepped", case__in=_public())
    chosen = _heard(asked)
    rows = rows.filter(case__in=chosen) if asked else rows.filter(at__gte=since, at__lte=until)
    kept = rows.order_by("at", "case_id", "revision").values_list(
        "id", "case_id", "before", "after", "data", "at", "case__version"
    )
    return [
        (Changed(key, number, before, after, str(data.get("result", "")), at), catalogue.casetype_of(CASETYPE, version))
        for key, number, before, after, data, at, version in kept[:MOST_FOUND]
    ]


def _public() -> QuerySet[Case]:
    return Case.objects.filter(casetype=CASETYPE, exercise_id="", confidentiality__in=_LEVELS)


def _numbered(asked: Sequence[str]) -> Found:
    found = _known(_public().filter(number__in=_heard(asked)).order_by("-opened_at", "-number"))
    if not found:
        raise Refused("cases.unknown", "There is no such case; it may have been erased, or belonged to a drill.")
    return found


def _heard(asked: Sequence[str]) -> list[int]:
    found = []
    for text in asked:
        try:
            found.append(numbers.heard(text))
        except Refused:  # of several, those that are numbers are looked for
            continue
    return found


def _known(rows: QuerySet[Case]) -> Found:
    kept: list[tuple[Any, ...]] = list(rows.values_list(*_COLUMNS))
    units = accounts.unit_names_of({row[5] for row in kept})
    found = []
    for row in kept:
        casetype = catalogue.casetype_of(CASETYPE, row[13])
        if casetype.access.is_on_map:
            values = [*row[:5], units.get(row[5], row[5]), *row[6:12], row[12] or ""]
            found.append((Known(*values), casetype))
    return found


def is_of(key_id: str, text: str) -> str:
    """The id of the case with a number that a key filed.

    Raises: Refused `cases.unknown`, also where somebody else filed it.
    """
    wanted = Q(number__in=_heard([text]), links__kind="open311", links__other=key_id)
    found = Case.objects.filter(wanted).values_list("id", flat=True).first()
    if found is None:
        raise Refused("cases.unknown", "There is no such case; it may have been erased, or belonged to a drill.")
    return found
