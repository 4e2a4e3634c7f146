"""How many disputes there are, for everybody who works here: small counts are hidden, the others rounded."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.cases.domain.disputes.suppression import FEW, ROUNDED_TO, Told
from cityloom.cases.figures import disputes
from cityloom.cases.views.asking import as_csv
from cityloom.kernel import clock


@require_safe
def dispute_figures(request: HttpRequest) -> HttpResponse:
    """A table by one thing, or by one over another; the same as a file."""
    by, over = request.GET.get("by", "category"), request.GET.get("over", "")
    found = disputes.figures_of(by, "" if over == by else over, clock.now())
    columns = found.table.columns if len(found.table.columns) > 1 else []  # one alone says what its total says
    if request.GET.get("as") == "csv":
        return as_csv("disputes.csv", [[disputes.BY[by], *columns, _("All")], *_lines(found.table, "")])
    hidden = any(count is None for line in found.table.counts for count in line)
    return render(request, "cases/dispute_figures.html", {
        "found": found, "columns": columns, "lines": _lines(found.table, f"≤ {FEW} *"), "hidden": hidden,
        "choices": disputes.BY.items(), "few": FEW, "step": ROUNDED_TO, "label": disputes.BY[by],
    })  # fmt: skip


def _lines(table: Told, hidden: str) -> list[list[str]]:
    """Rows with their names, the line of totals last."""
    names = [*table.rows, _("All")]
    lines = [[hidden if count is None else str(count) for count in line] for line in table.counts]
    if len(table.columns) == 1:
        lines = [line[-1:] for line in lines]
    return [[str(name), *line] for name, line in zip(names, lines, strict=True)]
