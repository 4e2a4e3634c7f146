"""Published forecasts: frozen, measured by what came whatever became of them, and withdrawn only in sight."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from cityloom.insight import actions, queries
from cityloom.insight.domain import published
from cityloom.insight.domain.study.study import Step, Study
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.forecasting import publishing
from cityloom.insight.models import ForecastActuals, ForecastScorecard, PublishedForecast
from cityloom.insight.studying import folders
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.insight.conftest import NOW
from tests.insight.test_reviews import signed_in, text

MONTHS = ["2026-01", "2026-02", "2026-03"]


def told(value: float = 100.0) -> Table:
    """Beds of two clinics three months ahead; last season had 90 each time, and a mean difference of 10."""
    return table(("series", "period"), series=["A"] * 3 + ["B"] * 3, period=MONTHS * 2, horizon=[1, 2, 3] * 2,
                 value=[value] * 6, low=[value - 5] * 6, high=[value + 5] * 6, level=[0.8] * 6, naive=[90.0] * 6,
                 scale=[10.0] * 6)  # fmt: skip


def kept(folder: Path, forecast: Table) -> str:
    folders.write(folder, Study("trend", {}, {}, (Step("ahead", forecast),)))
    return str(folder)


def test_a_forecast_is_scored_by_horizon() -> None:
    came = published.outcomes(told(), {("A", "2026-01"): 104.0, ("A", "2026-02"): 80.0, ("B", "2026-01"): 97.0})
    whole, first, second = published.scores(told(), came)
    assert (whole.count, first.count, second.horizon) == (3, 2, 2)
    assert (first.error, first.naive_error) == pytest.approx(((0.4 + 0.3) / 2, (1.4 + 0.7) / 2))
    assert (first.bias, first.absolute, first.coverage) == pytest.approx((-0.5, 3.5, 1.0))
    assert (second.bias, second.coverage) == (20.0, 0.0)
    nothing = published.scores(told(), np.full(6, np.nan))
    assert [one.count for one in nothing] == [0] and published.as_rows(nothing)[0]["error"] is None


def test_what_is_kept_comes_back_as_it_was() -> None:
    gap = told()
    gap["naive"][2] = np.nan
    again = published.unpacked(published.packed(gap))
    assert again.digest() == gap.digest() and again.key == gap.key
    assert published.like("2026-01-31", "2025-12") == "2026-01" and published.like("2026Q1", "2025-Q4") == "2026-Q1"
    assert published.like("week one", "2025-12") == "week one"


@pytest.mark.django_db
def test_vintages_are_published_scored_and_withdrawn_in_sight(tmp_path: Path) -> None:
    given = {"subject": "Beds", "by": SYSTEM}
    one = actions.publish_forecast(study=kept(tmp_path / "one", told()), at=NOW, **given)
    two = actions.publish_forecast(study=kept(tmp_path / "two", told(110.0)), at=NOW + timedelta(days=9), **given)
    with pytest.raises(Refused) as refusal:
        actions.publish_forecast(study=str(tmp_path / "one"), at=NOW, **given)
    assert refusal.value.code == "insight.published_before"
    actions.withdraw_forecast(forecast_id=one, reason="A clinic was counted twice", by=SYSTEM, at=NOW)
    file = tmp_path / "came.csv"
    file.write_text("series,period,value\nA,2026-01-31,104\nB,2026-02-28,112\nC,2026-01-31,1\n")
    assert actions.deliver_actuals(source=str(file), at=NOW, **given) == {two: 2, one: 2}
    file.write_text("series,period,value\nA,2026-01-31,110\n")  # a correction
    assert actions.deliver_actuals(source=str(file), at=NOW + timedelta(days=1), **given) == {two: 2, one: 2}
    assert (ForecastActuals.objects.count(), ForecastScorecard.objects.count()) == (2, 4)
    found = queries.published_forecast(two)
    assert found["card"].result[0]["absolute"] == pytest.approx((0 + 2) / 2) and len(found["earlier_cards"]) == 1
    states = {row["one"].pk: bool(row["one"].withdrawn_at) for row in queries.published_forecasts()}
    assert states == {one: True, two: False}
    lines = queries.published_forecast_as_csv(one).splitlines()
    assert lines[0].endswith(",naive,scale,actual") and lines[1].endswith(",110.0") and len(lines) == 7
    with pytest.raises(Refused) as refusal:
        actions.withdraw_forecast(forecast_id=one, reason="again", by=SYSTEM, at=NOW)
    assert refusal.value.code == "insight.withdrawn_before"


@pytest.mark.django_db
def test_the_history_of_a_newer_study_says_what_came(tmp_path: Path) -> None:
    one = actions.publish_forecast(study=kept(tmp_path / "one", told()), subject="Beds", by=SYSTEM, at=NOW)
    past = table(("series", "period"), series=["A", "A"], period=["2025-12", "2026-01"], value=[90.0, 103.0])
    folders.write(tmp_path / "newer", Study("trend", {}, {}, (Step("cleaned", past),)))
    assert actions.deliver_actuals(source=str(tmp_path / "newer"), subject="Beds", by=SYSTEM, at=NOW) == {one: 1}


@pytest.mark.django_db
def test_what_was_changed_behind_its_back_is_seen(tmp_path: Path) -> None:
    one = actions.publish_forecast(study=kept(tmp_path / "one", told()), subject="Beds", by=SYSTEM, at=NOW)
    assert queries.published_forecast(one)["is_intact"]
    PublishedForecast.objects.filter(pk=one).update(table=published.packed(told(99.0)))
    assert not queries.published_forecast(one)["is_intact"]
    with pytest.raises(Exception, match=r"FOREIGN KEY|protected|ProtectedError|referenced"):
        actions.deliver_actuals(source=str(_came(tmp_path)), subject="Beds", by=SYSTEM, at=NOW)
        PublishedForecast.objects.all().delete()


def _came(folder: Path) -> Path:
    file = folder / "came.csv"
    file.write_text("series,period,value\nA,2026-01,104\n")
    return file


@pytest.mark.django_db
def test_the_pages_show_the_scorecard_and_the_fan(officials: dict[str, Actor], tmp_path: Path) -> None:
    client = signed_in("supervisor")
    assert "Nothing has been published yet" in text(client.get("/insight/forecasts/"))
    one = actions.publish_forecast(study=kept(tmp_path / "one", told()), subject="Beds", by=SYSTEM, at=NOW)
    before = text(client.get(f"/insight/forecasts/{one}/"))
    assert "Nothing has come yet" in before and '<polygon class="s1 band"' in before
    actions.deliver_actuals(source=str(_came(tmp_path)), subject="Beds", by=SYSTEM, at=NOW)
    actions.withdraw_forecast(forecast_id=one, reason="Counted twice", by=SYSTEM, at=NOW)
    shown = text(client.get(f"/insight/forecasts/{one}/?series=A"))
    assert "1 outcome is known; the interval should hold 80 of 100." in shown and "Counted twice" in shown
    assert re.search(r">100 %</td>", shown) and "measured" in shown
    listed = text(client.get("/insight/forecasts/", headers={"accept-language": "zh-hans"}))
    assert "已撤回" in listed and "Beds" in listed
    assert client.get(f"/insight/forecasts/{one}/csv/").content.startswith(b"series,period,horizon")
    assert client.get("/insight/forecasts/none/").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(("change", "code"), [
    ({"subject": " "}, "insight.forecast_subject"), ({"study": "none"}, "insight.no_study"),
    ({"by": Actor("x", "city", frozenset({"case-handler"}))}, "insight.role"),
])  # fmt: skip
def test_what_cannot_be_published_is_refused(change: dict[str, object], code: str, tmp_path: Path) -> None:
    given: dict[str, object] = {"study": kept(tmp_path / "one", told()), "subject": "Beds", "by": SYSTEM, "at": NOW}
    with pytest.raises(Refused) as refusal:
        actions.publish_forecast(**(given | change))  # type: ignore[arg-type]
    assert refusal.value.code == code


def test_a_study_without_a_forecast_and_one_with_gaps_are_refused() -> None:
    bare = Study("trend", {}, {}, (Step("years", table("year", year=[2026])),))
    gap = told()
    gap["value"][1] = np.nan
    for study, code in ((bare, "insight.no_forecast"), (Study("trend", {}, {}, (Step("ahead", gap),)),
                                                        "insight.forecast_unknown")):  # fmt: skip
        with pytest.raises(Refused) as refusal:
            published.to_publish(study)
        assert refusal.value.code == code


@pytest.mark.django_db
def test_outcomes_of_nothing_that_was_forecast_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refusal:
        actions.deliver_actuals(source=str(_came(tmp_path)), subject="Beds", by=SYSTEM, at=NOW)
    assert refusal.value.code == "insight.no_subject"
    publishing.publish(publishing.Wanted(kept(tmp_path / "one", told()), "Beds"), SYSTEM, NOW)
    (tmp_path / "came.csv").write_text("series,period,value\nZ,2026-01,104\n")
    with pytest.raises(Refused) as refusal:
        actions.deliver_actuals(source=str(tmp_path / "came.csv"), subject="Beds", by=SYSTEM, at=NOW)
    assert refusal.value.code == "insight.nothing_forecast"
