"""Pupils to come: ratios, forecasts that add up, intervals that hold, places that are short, and bad input."""

from __future__ import annotations

import csv
import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.insight.domain.schools import backtest, births, cleaning, grades, moves, ratios
from cityloom.insight.domain.schools.fitting import Settings, fit
from cityloom.insight.domain.schools.panel import Rolls, panel
from cityloom.insight.domain.schools.paths import drawn, projected
from cityloom.insight.domain.study.study import Cell
from cityloom.insight.domain.study.tables import table
from cityloom.insight.studies import kinds
from cityloom.insight.studies.schools_example import example
from cityloom.kernel.refused import Refused
from tests import realdata


def district(seed: int = 0, schools: int = 8, years: int = 14, noise: float = 0.6) -> tuple[Rolls, dict[int, float]]:
    """A made-up district of grades K to 5 whose pupils move on with ratios of 1 and noise like that of counts."""
    chance = np.random.default_rng(seed)
    born = {year: 700 + 5.0 * (year - 1994) + chance.normal(0, 12) for year in range(1988, 2000 + years)}
    share = chance.dirichlet(np.full(schools, 40.0))
    now = 0.8 * born[1994] * share[:, None] * np.ones(6)
    made = np.zeros((schools, 6, years))
    for step in range(years):
        entry = 0.8 * (born[1995 + step] * 2 / 3 + born[1994 + step] / 3) * share * np.exp(chance.normal(0, 0.02))
        now = np.concatenate([entry[:, None], now[:, :-1] * np.exp(chance.normal(0, 0.012, 5))], 1)
        now = np.maximum(np.rint(now + noise * np.sqrt(now) * chance.normal(size=now.shape)), 1)
        made[:, :, step] = now
    names = tuple(f"School {one}" for one in range(schools))
    areas = tuple("North" if one < schools // 2 else "South" for one in range(schools))
    return Rolls(made, names, ("K", "1", "2", "3", "4", "5"), tuple(range(2000, 2000 + years)), areas), born


def as_input(rolls: Rolls, born: dict[int, float], **more: Any) -> dict[str, Any]:
    at = np.argwhere(~np.isnan(rolls.pupils))
    return {
        "rolls": table((), school=[rolls.schools[s] for s, _, _ in at], grade=[rolls.grades[g] for _, g, _ in at],
                       year=[rolls.years[y] for _, _, y in at], pupils=[int(rolls.pupils[tuple(one)]) for one in at]),
        "births": table((), year=list(born), births=list(born.values())),
    } | more  # fmt: skip


SETTINGS = Settings(births.lags_of(5))
QUICK = {"paths": 100, "horizons": [1, 3]}


def test_a_worked_example_of_cohort_survival() -> None:
    """By hand: 80 of 100 births enter, 90 of 100 in K are in grade 1 a year later."""
    years, pupils = [2000, 2000, 2001, 2001, 2002, 2002], [80, 50, 80, 72, 80, 72]
    rolls = panel(["A", "A"] * 3, ["K", "1"] * 3, years, pupils, ["K", "1"])
    born = dict.fromkeys(range(1994, 2003), 100.0)
    model = fit(rolls, born, Settings({5: 1.0}, trend=False))
    assert np.exp(model.district.ratio) == pytest.approx([0.8, 0.9])
    coming = projected(model, 2, births=born | {1998: 200.0})[0]
    assert coming[0, 0] == pytest.approx([160, 80])  # 2003 has the births of 1998
    assert coming[0, 1] == pytest.approx([72, 144])


@given(st.integers(0, 1_000), st.integers(1, 6))
@settings(max_examples=5, deadline=None)
def test_forecasts_add_up_and_stay_above_zero_whatever_is_drawn(seed: int, schools: int) -> None:
    rolls, born = district(seed, schools, 8)
    model = fit(rolls, born, SETTINGS)
    made = projected(model, 3, drawn(model, 3, 5, np.random.default_rng(seed)), births=born)
    levels = backtest.levels(made[..., 0])
    assert (made >= 0).all() and np.isfinite(made).all()
    for name in ("grade", "school", "grade of a school"):
        assert levels[name].sum(-1) == pytest.approx(levels["district"][:, 0])


def test_few_pupils_are_drawn_towards_the_district_and_many_are_not() -> None:
    drawn_to, _ = ratios.shrunk(np.array([0.3, 0.3, -0.3, -0.28]), np.array([0.2, 1e-4, 1e-4, 0.2]))
    assert abs(drawn_to[0]) < 0.1 and drawn_to[1] > 0.29
    assert ratios.shrunk(np.array([0.01, -0.01]), np.array([1.0, 1.0]))[0] == pytest.approx([0, 0])


def test_an_outlier_and_old_years_count_less() -> None:
    mean, _, _ = ratios.robust_mean(np.array([0.0, 0.01, -0.01, 0.0, 0.9]), np.ones(5))
    assert abs(mean) < 0.02
    assert ratios.recency(6, 5.0)[0] == pytest.approx(0.5)
    assert ratios.drift(np.random.default_rng(1).normal(0, 1, 12)[None], np.ones(12))[0] == pytest.approx(0, abs=0.05)
    assert ratios.drift(0.02 * np.arange(12.0)[None], np.ones(12))[0] == pytest.approx(0.02, rel=0.01)


def test_a_count_that_cannot_be_right_is_replaced_and_told_and_a_closure_is_not() -> None:
    rolls, _ = district(3)
    wrong = rolls.pupils.copy()
    wrong[2, :, 9] *= 0.5
    found = cleaning.cleaned(Rolls(wrong, rolls.schools, rolls.grades, rolls.years, rolls.areas))
    assert found.doubtful == ((2, 9),) and found.notes[0].code == "count_doubted"
    assert np.nansum(found.pupils[2, :, 9]) == pytest.approx(rolls.pupils[2, :, 9].sum(), rel=0.08)
    assert cleaning.cleaned(rolls).doubtful == ()
    moved = rolls.pupils.copy()
    moved[1, :, 9:] += 0.4 * moved[2, :, 9:]
    moved[2, :, 9:] *= 0.6
    assert cleaning.cleaned(Rolls(moved, rolls.schools, rolls.grades, rolls.years, rolls.areas)).doubtful == ()


def test_intervals_hold_what_comes_in_made_up_districts() -> None:
    """Districts that are not the one of the data: 80 % intervals, widened by what was known (`bench/schools.py` has
    more).
    """
    held: dict[str, list[float]] = {"grade of a school": [], "school": [], "district": []}
    for seed in range(4):
        rolls, born = district(seed, 6, 12)
        made = backtest.scores(rolls, born, SETTINGS, 3, 100, 0.8, np.random.SeedSequence(seed), most=6)
        inside = backtest.covered(made, 3, 0.8)
        for name, own in held.items():
            which = (made.level == backtest.LEVELS.index(name)) & (made.origin >= 2007)
            own.extend(inside[which].tolist())
    assert 0.74 < np.mean(held["grade of a school"]) < 0.88
    assert 0.7 < np.mean(held["school"]) < 0.92
    assert 0.6 < np.mean(held["district"]) <= 1


def test_pupils_of_a_closed_school_go_where_it_is_said_and_a_new_one_takes_its_share() -> None:
    rolls, born = district(1, 4)
    rolls = moves.with_opened(rolls, [moves.Change("New", 2015, "opens", "School 0", 0.25)])
    opens = moves.Change("New", 2015, "opens", "School 0", 0.25)
    changes = [moves.Change("School 3", 2014, "closes", "School 1"), opens]
    model, change = fit(rolls, born, SETTINGS), moves.moves_of(rolls, changes)
    plain, moved = projected(model, 3, births=born)[0], projected(model, 3, births=born, moves=change)[0]
    names = list(rolls.schools)
    one, three, new = names.index("School 1"), names.index("School 3"), names.index("New")
    assert moved[three].sum() == 0
    assert moved[one, :, 0].sum() == pytest.approx(plain[one, :, 0].sum() + plain[three, :, 0].sum(), rel=0.01)
    assert moved[new, :, 1].sum() == pytest.approx(0.25 * plain[names.index("School 0"), :, 1].sum(), rel=0.02)
    assert moved.sum((0, 1)) == pytest.approx(plain.sum((0, 1)))
    by_size = moves.moves_of(rolls, [moves.Change("School 3", 2014, "closes")])[2014]
    assert by_size[:, three].sum(1) == pytest.approx(1) and by_size[0, three, names.index("School 2")] == 1  # its area


def test_a_school_that_opens_with_its_first_grade_grows_year_by_year() -> None:
    rolls, born = district(1, 3)
    change = [moves.Change("New", 2014, "opens", "School 0", 0.5, "K")]
    rolls = moves.with_opened(rolls, change)
    coming = projected(fit(rolls, born, SETTINGS), 3, births=born, moves=moves.moves_of(rolls, change))[0]
    new = coming[rolls.schools.index("New")]
    assert (new[0] > 0).all() and new[1, 0] == 0 and new[1, 1] > 0 and new[2, 1] == 0 and new[2, 2] > 0


def test_pupils_of_new_dwellings_come_over_years_and_move_on() -> None:
    rolls, born = district(2, 3)
    coming = moves.arrivals(rolls, ["School 0"], [2014], [100], [0.5], [2014, 2015, 2016, 2017])
    assert coming.sum() == pytest.approx(50) and coming[1:].sum() == 0
    assert coming.sum((0, 1)) == pytest.approx([20, 15, 10, 5])
    model = fit(rolls, born, SETTINGS)
    more = projected(model, 2, births=born, arrivals=coming)[0] - projected(model, 2, births=born)[0]
    assert more[..., 0].sum() == pytest.approx(20) and more[..., 1].sum() > 15  # the first ones are still there


@pytest.mark.parametrize(
    "names, order, age",
    [
        (["5", "K", "10", "1"], ("K", "1", "5", "10"), 5),
        (["Year 2", "Reception", "Year 1"], ("Reception", "Year 1", "Year 2"), 4),
        (["二年级", "一年级", "三年级"], ("一年级", "二年级", "三年级"), 6),
        (["Grade 2", "Grade 1"], ("Grade 1", "Grade 2"), 6),
    ],
)
def test_the_order_of_grades_is_guessed_from_usual_names(names: list[str], order: tuple[str, ...], age: int) -> None:
    assert grades.in_order(names) == (order, True)
    assert grades.entry_age(order[0]) == age


def test_births_that_are_not_known_are_the_mean_of_the_last_and_told() -> None:
    assert births.lags_of(5) == pytest.approx({5: 2 / 3, 6: 1 / 3})
    found, carried = births.behind({2000: 90.0, 2001: 100.0, 2002: 110.0}, [2007, 2009], {5: 1.0}, 2002)
    assert found == pytest.approx([110, 100]) and carried.tolist() == [False, True]


def refusal(inputs: dict[str, Any], **question: Any) -> str:
    with pytest.raises(Refused) as caught:
        kinds.worked("schools", QUICK | question, inputs)
    assert "{" not in caught.value.sentence
    return caught.value.code


def test_bad_input_is_refused_with_its_reason() -> None:
    rolls, born = district(0, 2, 5)
    good = as_input(rolls, born)
    plain = {name: good["rolls"][name].tolist() for name in good["rolls"].columns}

    def with_rolls(**more: Any) -> dict[str, Any]:
        return good | {"rolls": table((), **(plain | more))}

    assert refusal(with_rolls(pupils=[-1, *plain["pupils"][1:]])) == "insight.roll_negative"
    assert refusal(with_rolls(year=[2000] * len(plain["year"]))) in {"insight.years_short", "insight.roll_twice"}
    twice = {name: [*own, own[0]] for name, own in plain.items()}
    assert refusal(with_rolls(**twice)) == "insight.roll_twice"
    assert refusal(with_rolls(grade=["blue", *plain["grade"][1:]])) == "insight.grades_unordered"
    assert refusal(good, grades=["K", "1"]) == "insight.grade_not_said"
    assert refusal(with_rolls(year=["soon", *plain["year"][1:]])) == "insight.sheet_number"
    places = table((), school=["School 0"], places=[-5.0])
    assert refusal(good | {"places": places}) == "insight.places_negative"
    homes = table((), school=["School 0"], year=[2006], dwellings=[10.0])
    assert refusal(good | {"housing": homes}) == "insight.yield_missing"
    change = table((), school=["School 9"], year=[2006], change=["closes"])
    assert refusal(good | {"changes": change}) == "insight.change_school"
    assert refusal({"rolls": table((), school=["A"], year=[2000], grade=["K"])}) == "insight.sheet_column"
    assert refusal({**good, "births": table((), year=[2000], births=[-4.0])}) == "insight.births_negative"


def test_what_is_doubtful_is_told_and_no_unknown_number_is_shown() -> None:
    rolls, _ = district(0, 5, 6)
    rolls.pupils[1, :, 3] = np.nan  # a school's year that is missing
    rolls.pupils[4, :, 5] = np.nan  # a school that vanishes
    places = table((), school=list(rolls.schools), places=[10.0] * 5)
    change = table((), school=["New"], year=[2007], change=["opens"], other=["School 0"], share=[0.2])
    inputs = as_input(rolls, {2001: 700.0, 2002: 710.0}, places=places, changes=change)
    study = kinds.worked("schools", QUICK, inputs)
    assert "New" in study.step("forecast").table["series"].tolist()
    codes = {one.code for one in study.notes}
    assert {"gaps_filled", "schools_gone", "births_unused", "too_few_places", "grades_guessed", "age_guessed"} <= codes
    for step in ("forecast", "summary", "warnings"):
        for column in study.step(step).table.columns.values():
            assert column.dtype == object or np.isfinite(column).all()
    assert study.step("gaps").table["short"].max() <= 1


def test_two_years_are_enough_to_forecast_and_it_is_said_that_nothing_was_tested() -> None:
    rolls, born = district(0, 2, 2)
    study = kinds.worked("schools", QUICK, as_input(rolls, born))
    assert "not_tested" in {one.code for one in study.notes}
    assert np.isfinite(study.step("forecast").table["value"]).all()
    assert kinds.kind("schools").tell(study)


def test_the_example_tells_its_answer_first_and_is_worked_again_alike() -> None:
    question, inputs = example()
    study = kinds.worked("schools", question | {"paths": 100}, inputs)
    assert study.digest() == kinds.worked("schools", question | {"paths": 100}, inputs).digest()
    told = kinds.kind("schools").tell(study)
    assert told[0].weight == "answer"
    for block in told:
        for number in getattr(block, "numbers", {}).values():
            study.at(number.cell)
    warned = study.step("warnings").table
    assert warned["group"][1] == "Canal Side"  # its quarter is built up
    assert (np.diff(warned["missing"]) <= 0).all()


@pytest.mark.realdata
def test_the_goal_on_the_rolls_of_a_district() -> None:
    with realdata.path("demand/ecasd_enrolment_1998_2015.csv").open() as file:
        rows = list(csv.DictReader(file))
    with realdata.path("demand/ecasd_births.csv").open() as file:
        born = list(csv.DictReader(file))
    names = {"date": str, "year": int, "School": str, "Grade": str, "students": int, "sections": int}
    inputs = {"rolls": table((), **{name: [kind(row[name]) for row in rows] for name, kind in names.items()}),
              "births": table((), **{name: [int(row[name]) for row in born] for name in born[0]})}  # fmt: skip
    study = kinds.worked("schools", {"horizons": [1, 3], "paths": 100}, inputs)
    for ahead, goal in (("1", 1.0), ("3", 2.5)):
        assert float(study.at(Cell("backtest", ("this forecast", "district", ahead), "error_pct"))) < goal
    assert any(one.code == "count_doubted" and one.value == "Manz 2010" for one in study.notes)


def test_the_page_is_right() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "algorithms" / "schools.md"
    outcome = doctest.testfile(str(page), module_relative=False)
    assert outcome.attempted > 10 and outcome.failed == 0
