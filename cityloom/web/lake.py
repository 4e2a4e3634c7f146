"""The page of the lake: which facts there are, how many, how fresh, and what their columns mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.kernel.refused import Refused

if TYPE_CHECKING:
    from cityloom.lake.domain.dataset import Dataset
    from cityloom.lake.table import Condition

READERS = frozenset({"steward", "operator"})


@dataclass(frozen=True)
class Held:
    """A dataset and how its table is."""

    dataset: Dataset
    condition: Condition

    @property
    def bytes_a_row(self) -> float | None:
        """What a fact takes on the disk."""
        return self.condition.bytes / self.condition.rows if self.condition.rows else None

    @property
    def sources(self) -> str:
        """Whom the columns are from."""
        return ", ".join(sorted({one.source for one in self.dataset.columns if one.source}))


@require_safe
def lake(request: HttpRequest) -> HttpResponse:
    """The datasets with rows, bytes, freshness and columns; no fact is shown.

    Raises: Refused `lake.role`.
    """
    actor = accounts.as_actor(request.user)  # type: ignore[arg-type]
    if not actor.roles & READERS:
        raise Refused("lake.role", "Only data stewards and operators see what the lake holds; ask one of them.")
    return render(request, "web/lake.html", {"held": held(Path(settings.CITYLOOM["LAKE_DIR"]))})


def held(root: Path) -> list[Held]:
    """Every dataset of the lake, by name."""
    if not root.is_dir():
        return []
    from cityloom.lake import catalogue  # takes a while to import

    return [Held(table.dataset, table.condition()) for table in catalogue.tables(root)]
