"""Who looks at a page of cases, and the words of a case for them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpRequest, HttpResponse

from cityloom.accounts import queries as accounts
from cityloom.cases import catalogue
from cityloom.cases.display import said
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.queries import CaseRow
from cityloom.kernel.actor import Actor


def actor(request: HttpRequest) -> Actor:
    """Whoever is signed in."""
    return accounts.as_actor(request.user)  # type: ignore[arg-type]


def type_of_row(row: CaseRow) -> CaseType:
    """The type of a case, in the version that it is on."""
    return catalogue.casetype_of(row.casetype, row.version)


def what(casetype: CaseType, category: str) -> str:
    """What a case is about: its category, or its type where that knows none."""
    known = casetype.categories.get(category)
    return said(known.title) if known else said(casetype.title)


def as_csv(name: str, rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A table as a file that no spreadsheet takes for formulas."""
    text = io.StringIO()
    csv.writer(text).writerows([[_harmless(str(cell)) for cell in row] for row in rows])
    answer = HttpResponse(text.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text
