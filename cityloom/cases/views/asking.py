"""Who looks at a page of cases, and the words of a case for them."""

from __future__ import annotations

from django.http import HttpRequest

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
