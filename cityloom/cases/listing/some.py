"""Cases by their numbers, for those who have been asked before whether they may see them."""

from __future__ import annotations

from collections.abc import Sequence

from cityloom.cases.listing.page import CaseRow
from cityloom.cases.models import Case

_FIELDS = tuple(CaseRow.__dataclass_fields__)


def rows_of(numbers: Sequence[int]) -> list[CaseRow]:
    """The rows of some cases, the newest first."""
    rows = Case.objects.filter(number__in=numbers).order_by("-number").values_list(*_FIELDS)
    return [CaseRow(*row) for row in rows]
