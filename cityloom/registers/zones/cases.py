"""Past cases, from the lake: what a zone had to deal with weighs when the city is divided anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from cityloom.registers.domain.zoning_cells import RESOLUTION

_DAYS = 365


def lake_root() -> Path:
    """Where the city's lake lies."""
    return Path(settings.CITYLOOM["LAKE_DIR"])


def past_cases(at: datetime) -> dict[int, int]:
    """By unit cell, how many facts there were in the twelve months before an instant in datasets that count as cases.

    Facts without a place count nowhere.
    """
    root = lake_root()
    if not root.is_dir():
        return {}
    from cityloom.lake import catalogue, engines  # takes a while to import

    found: dict[int, int] = {}
    first, end = ((at - timedelta(days=back)).date().isoformat() for back in (_DAYS, -1))
    for table in catalogue.tables(root):
        if table.dataset.counts_as == "cases":
            for cell, count in engines.counts_by_cell(table, first, end, RESOLUTION).items():
                found[cell] = found.get(cell, 0) + count
    return found
