"""What came is kept as it was delivered, and every forecast of its subject gets a scorecard, withdrawn ones too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import numpy as np
from django.db import transaction

from cityloom.insight.domain import published
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.forecasting import publishing
from cityloom.insight.models import ForecastActuals, ForecastScorecard, PublishedForecast
from cityloom.insight.studies.kinds import InputSpec
from cityloom.insight.studying import inputs
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

SPEC = InputSpec("actuals", "Actuals", ("series", "period"), {"value": "what came"}, {},
                 words=frozenset({"series", "period"}))  # fmt: skip
STEP = "cleaned"
_NOTHING = "None of the {value} rows is of a series and period that was forecast; series are called {limit}, say."
_NO_SUBJECT = "Nothing was published about {value}; see cityloom insight forecasts list."
_LARGE = "There are {value} rows, and at most {limit} are taken at once; leave out what was not forecast."


def deliver(source: str, subject: str, by: Actor, at: datetime) -> list[ForecastScorecard]:
    """Keep what came, of a file (series, period, value) or of the cleaned step of a newer study, and score by it.

    A later delivery corrects an earlier one where both say something; both are kept.

    Raises: Refused `insight.no_subject`, `insight.nothing_forecast`, `insight.actuals_large`, and as `inputs.read`.
    """
    forecasts = publishing.vintages(subject)
    if not forecasts:
        raise Refused("insight.no_subject", _NO_SUBJECT, value=subject[:80])
    table, name, digest = _read(source)
    tables = {row.pk: publishing.table_of(row) for row in forecasts}
    table = _as_forecast(table, tables[forecasts[0].pk])
    wanted = {pair for one in tables.values() for pair in _pairs(one)}
    keep = np.array([pair in wanted for pair in _pairs(table)], bool) & ~np.isnan(table["value"])
    if not keep.any():
        raise Refused("insight.nothing_forecast", _NOTHING, value=table.rows,
                      limit=str(tables[forecasts[0].pk]["series"][0])[:80])  # fmt: skip
    if keep.sum() > published.MOST_ROWS:
        raise Refused("insight.actuals_large", _LARGE, value=int(keep.sum()), limit=published.MOST_ROWS)
    kept = Table({column: table[column][keep] for column in ("series", "period", "value")}, table.key)
    with transaction.atomic():
        delivery = ForecastActuals.objects.create(
            id=ids.new_ulid(), subject=subject, file=name[-120:], sha256=digest, rows=kept.rows,
            table=published.packed(kept), arrived_at=at, by=by.account,
        )  # fmt: skip
        came = actuals(subject)
        return [_score(row, tables[row.pk], came, delivery, at) for row in forecasts]


def actuals(subject: str) -> dict[tuple[str, str], float]:
    """What is known to have come, by series and period; the latest delivery says."""
    found: dict[tuple[str, str], float] = {}
    for row in ForecastActuals.objects.filter(subject=subject).order_by("arrived_at", "id"):
        table = published.unpacked(row.table)
        found.update(zip(_pairs(table), table["value"].tolist(), strict=True))
    return found


def scorecards(forecast: PublishedForecast) -> list[ForecastScorecard]:
    """All scorecards of a forecast, the newest first."""
    return list(forecast.scorecards.order_by("-made_at", "-id"))


def newest(forecasts: Iterable[PublishedForecast]) -> dict[str, ForecastScorecard]:
    """The newest scorecard of each forecast that has one."""
    rows = ForecastScorecard.objects.filter(forecast__in=[one.pk for one in forecasts]).order_by("made_at", "id")
    return {row.forecast_id: row for row in rows}


def _score(row: PublishedForecast, table: Table, came: dict[tuple[str, str], float], delivery: ForecastActuals,
           at: datetime) -> ForecastScorecard:  # fmt: skip
    rows = published.as_rows(published.scores(table, published.outcomes(table, came)))
    return ForecastScorecard.objects.create(
        id=ids.new_ulid(), forecast=row, actuals=delivery, made_at=at, known=rows[0]["count"], result=rows,
    )  # fmt: skip


def _read(source: str) -> tuple[Table, str, str]:
    path = Path(source)
    if path.is_file():
        return inputs.read(path, SPEC), path.name, hashlib.sha256(path.read_bytes()).hexdigest()
    kept = publishing.kept_study(source)
    return kept.study.step(STEP).table, f"{kept.study.kind}: {STEP}", kept.digest


def _as_forecast(table: Table, forecast: Table) -> Table:
    """Periods written as the forecast writes them."""
    example = str(forecast["period"][0])
    known = {text: published.like(str(text), example) for text in dict.fromkeys(table["period"].tolist())}
    period = np.array([known[text] for text in table["period"].tolist()], object)
    return Table({"series": table["series"], "period": period, "value": table["value"].astype(np.float64)},
                 ("series", "period"))  # fmt: skip


def _pairs(table: Table) -> list[tuple[str, str]]:
    return [(str(series), str(period)) for series, period in zip(table["series"].tolist(), table["period"].tolist(),
                                                                strict=True)]  # fmt: skip
