"""What a published forecast shows: the scorecard, and its vintages as a fan against what came."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from cityloom.insight.domain import published
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.forecasting import publishing, scoring
from cityloom.insight.models import ForecastScorecard, PublishedForecast
from cityloom.insight.telling import words
from cityloom.insight.telling.parts import MOST_LINES, Drawing, Figure, Group, Rows

MOST_CHOICES = 300
_SAFE = ("=", "+", "-", "@")


def listed() -> list[dict[str, Any]]:
    """All published forecasts with their newest scorecards."""
    rows = publishing.latest()
    cards = scoring.newest(rows)
    return [{"one": row, **_in_short(cards.get(row.pk))} for row in rows]


def shown(row: PublishedForecast, series: str) -> dict[str, Any]:
    """One forecast: whether it is intact, its scorecards, and the fan of a series of its subject."""
    table = publishing.table_of(row)
    names = list(dict.fromkeys(str(one) for one in table["series"].tolist()))
    series = series if series in names else names[0]
    cards = scoring.scorecards(row)
    vintages = publishing.vintages(row.subject)
    return {
        "forecast": row, "is_intact": table.digest() == row.digest, "series": series, "names": names[:MOST_CHOICES],
        "names_left_out": max(0, len(names) - MOST_CHOICES), "card": cards[0] if cards else None,
        "scorecard": scorecard(cards[0]) if cards else None, "earlier_cards": cards[1:],
        "fan": fan(vintages, series), "vintages": [{"one": one, **_in_short(card)} for one, card in (
            (one, scoring.newest([one]).get(one.pk)) for one in vintages)],
        "level": round(100 * float(table["level"][0])),
    }  # fmt: skip


def scorecard(card: ForecastScorecard) -> Rows:
    """A scorecard as a table: all horizons, then each."""
    heads = (_("Periods ahead"), _("Outcomes"), _("Error (1: mean seasonal difference)"),
             _("Error of the seasonal naive"), _("Mean error, as measured"), _("Bias"),
             _("Inside the interval"))  # fmt: skip
    rows = [[Figure(_("all") if one["horizon"] == published.ALL else str(one["horizon"])), Figure(str(one["count"])),
             *(Figure(_number(one[name])) for name in ("error", "naive_error", "absolute", "bias")),
             Figure(_share(one["coverage"]))] for one in card.result]  # fmt: skip
    return Rows(_("Scorecard"), "", heads, [False, *[True] * 6], rows)


def fan(vintages: Sequence[PublishedForecast], series: str) -> Drawing:
    """The newest vintages of a series, each a line with its band, and what came."""
    drawn = [(row, publishing.table_of(row)) for row in vintages[:MOST_LINES]]
    own = [(row, _of(table, series)) for row, table in drawn]
    own = [(row, table) for row, table in own if table.rows]
    came = scoring.actuals(vintages[0].subject) if vintages else {}
    names = sorted({str(one) for _row, table in own for one in table["period"].tolist()})
    places = {name: at for at, name in enumerate(names)}
    measured = np.array([came.get((series, name), np.nan) for name in names])
    groups = []
    for number, (row, table) in enumerate(own):
        x = np.array([places[str(one)] for one in table["period"].tolist()], np.float64)
        marks = np.array([measured[int(at)] for at in x]) if number == 0 else np.full(len(x), np.nan)
        groups.append(Group(_vintage(row), x, *(table[name].astype(float) for name in ("value", "low", "high")), marks))
    if own:
        rest = np.array([name not in set(own[0][1]["period"].tolist()) for name in names])
        x = np.arange(len(names), dtype=np.float64)[rest]
        if len(x):  # what came in periods that only older vintages tell
            nothing = np.full(len(x), np.nan)
            groups.append(Group(_("What came"), x, nothing, nothing, nothing, measured[rest]))
    heads = (_("Period"), _("What came"), *(_vintage(row) for row, _table in own))
    cells = [dict(zip(table["period"].tolist(), table["value"].tolist(), strict=True)) for _row, table in own]
    rows = [[Figure(name), *(Figure(_number(one)) for one in (came.get((series, name)),
                                                              *(cell.get(name) for cell in cells)))]
            for name in names]  # fmt: skip
    behind = Rows(series, "", heads, [False, *[True] * (len(heads) - 1)], rows)
    return Drawing(series, "line", _("Period"), "", groups, names, behind, max(0, len(vintages) - MOST_LINES))


def as_csv(row: PublishedForecast) -> str:
    """A forecast with what came, for other programs; a text that a spreadsheet would work is made harmless."""
    table = publishing.table_of(row)
    columns = {name: column.tolist() for name, column in table.columns.items()}
    columns["actual"] = published.outcomes(table, scoring.actuals(row.subject)).tolist()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for one in zip(*columns.values(), strict=True):
        writer.writerow(["" if isinstance(cell, float) and not np.isfinite(cell) else f"'{cell}" if isinstance(
            cell, str) and cell.startswith(_SAFE) else cell for cell in one])  # fmt: skip
    return text.getvalue()


def _of(table: Table, series: str) -> Table:
    keep = np.array([str(one) == series for one in table["series"].tolist()], bool)
    return Table({name: column[keep] for name, column in table.columns.items()}, table.key)


def _vintage(row: PublishedForecast) -> str:
    said = _("published {day}").format(day=f"{row.published_at:%Y-%m-%d}")
    return f"{said} ({_('withdrawn')})" if row.withdrawn_at else said


def _in_short(card: ForecastScorecard | None) -> dict[str, str]:
    whole = card.result[0] if card else {}
    return {"known": str(whole.get("count", 0)), "error": _number(whole.get("error")),
            "naive": _number(whole.get("naive_error")), "coverage": _share(whole.get("coverage"))}  # fmt: skip


def _number(value: float | None) -> str:
    return _("not known") if value is None or not np.isfinite(value) else words.roughly(float(value))


def _share(value: float | None) -> str:
    return _("not known") if value is None or not np.isfinite(value) else f"{100 * value:.0f} %"
