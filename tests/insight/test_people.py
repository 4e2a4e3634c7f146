"""People are projected as the textbook and the United Nations do, add up, and vary as they are told to."""

from __future__ import annotations

import numpy as np
import pytest

from cityloom.insight.domain.people import cells, futures, graduation, leslie, lifetable, projection, settling, varying
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies import kinds, people_example
from cityloom.kernel.refused import Refused

# Sweden, women, 1993: Preston, Heuveline and Guillot 2001, box 6.1 (people, person-years, birth rates) and box 6.2
# (net migrants of five years, births by age of the mother, people of 1998).
PEOPLE = [293395, 248369, 240012, 261346, 285209, 314388, 281290, 286923, 304108, 324946, 247613, 211351, 215140,
          221764, 223506, 183654, 141990, 112424]  # fmt: skip
YEARS = [497487, 497138, 496901, 496531, 495902, 495168, 494213, 492760, 490447, 486613, 480665, 471786, 457852, 436153,
         402775, 350358, 271512, 291707]  # fmt: skip
FERTILITY = np.r_[0, 0, 0, 0.0120, 0.0908, 0.1499, 0.1125, 0.0441, 0.0074, 0.0003, np.zeros(8)]
COMING = [6840, 4150, 3365, 5270, 9240, 8230, 5470, 3155, 1770, 1115, 1075, 845, 645, 530, 465, 300, 250, 175]
BIRTHS = [15244, 126688, 229354, 170057, 63203, 10971, 472]
IN_1998 = [302392, 298682, 252007, 244150, 268267, 293515, 320624, 284767, 288031, 303166, 322062, 243989, 205841,
           205516, 205270, 194771, 142565, 131966]  # fmt: skip
# Austria, men, 1992: the same book, box 3.1.
DEATHS = [419, 70, 36, 46, 249, 420, 403, 441, 508, 769, 1154, 1866, 2043, 3496, 4366, 4337, 5279, 6460, 6146]
ALIVE = [47925, 189127, 234793, 238790, 254996, 326831, 355086, 324222, 269963, 261971, 238011, 261612, 181385, 187962,
         153832, 105169, 73694, 57512, 32248]  # fmt: skip
LIVED = [0.068, 1.626, 2.5, 3.143, 2.724, 2.520, 2.481, 2.601, 2.701, 2.663, 2.698, 2.676, 2.645, 2.624, 2.619, 2.593,
         2.518, 2.423, 5.247]  # fmt: skip
LEFT = [100000, 99133, 98986, 98910, 98815, 98334, 97704, 97151, 96492, 95588, 94195, 91937, 88711, 83845, 76377, 66225,
        53803, 37441, 21134]  # fmt: skip
E0 = 72.889


def sweden(timing: projection.Timing = "spread") -> projection.Stepped:
    ratios = lifetable.survival_of_years(np.array([YEARS, YEARS]), 5, 100_000)
    return projection.step([PEOPLE, PEOPLE], ratios, FERTILITY, [COMING, COMING], width=5, timing=timing)


def test_the_textbooks_projection_is_met_to_the_last_person() -> None:
    done = sweden()
    assert np.rint(done.end[0]).tolist() == IN_1998
    assert np.rint(done.births_by_age[3:10]).tolist() == BIRTHS


def test_the_textbooks_life_table_is_met() -> None:
    widths = [1, 4, *[5] * 17]
    found = lifetable.life_table(np.array(DEATHS) / ALIVE, "male", widths=widths, a=LIVED)
    assert np.abs(found.l * 1e5 - LEFT).max() < 1
    assert found.e[0] == pytest.approx(E0, abs=0.001)
    again = lifetable.life_table_of_chances([*found.q[:-1].tolist(), 0.6], "male", widths=widths)
    assert again.e[0] == pytest.approx(E0, abs=0.3)  # with a of the rules, and another end


def test_infants_die_as_the_rules_say() -> None:
    assert lifetable.infant_a0(0.01, "male") == pytest.approx(0.14929 - 0.0199545)
    assert lifetable.infant_a0([0.05, 0.2], "female").tolist() == pytest.approx([0.04667 + 0.1940445, 0.31411])
    assert lifetable.infant_a0(0.05, "female", "coale-demeny") == pytest.approx(0.053 + 2.8 * 0.05)
    assert lifetable.child_a1(0.2, "male") == 1.352


@pytest.mark.parametrize("timing", ["spread", "end"])
def test_start_and_births_less_deaths_and_migration_make_the_end(timing: projection.Timing) -> None:
    done = sweden(timing)
    start = 2 * sum(PEOPLE)
    assert start + done.births.sum() - done.deaths.sum() + done.migration.sum() == pytest.approx(done.end.sum())
    assert done.migration.sum() == pytest.approx(2 * sum(COMING))
    leaving = projection.step([PEOPLE, PEOPLE], np.ones(18), FERTILITY, -1e6 * np.ones((2, 18)), width=5, timing=timing)
    assert (leaving.end >= 0).all() and leaving.migration.sum() == pytest.approx(
        leaving.end.sum() - start - leaving.births.sum() + leaving.deaths.sum())  # fmt: skip


def test_migrants_at_the_end_bear_and_die_with_nobody() -> None:
    done = sweden("end")
    without = projection.step([PEOPLE, PEOPLE], lifetable.survival_of_years([YEARS, YEARS], 5, 1e5), FERTILITY, width=5)
    assert np.allclose(done.end - without.end, [COMING, COMING]) and np.allclose(done.births, without.births)


def test_a_leslie_matrix_does_the_same_and_grows_at_its_own_rate() -> None:
    ratios = lifetable.survival_of_years(YEARS, 5, 100_000)
    matrix = leslie.leslie_matrix(ratios, FERTILITY, width=5)
    path = projection.project([PEOPLE, PEOPLE], [np.stack([ratios, ratios])], [FERTILITY], steps=3, width=5)
    assert np.allclose(np.linalg.matrix_power(matrix, 3) @ PEOPLE, path.people[3, 0])
    growth, shares = leslie.stable(matrix, 5)
    assert np.allclose(matrix @ shares, shares * np.exp(5 * growth))


def test_districts_are_raked_to_the_city_and_nobody_becomes_negative() -> None:
    people = np.random.default_rng(1).uniform(0, 50, (4, 2, 5))
    assert settling.rake(people, 777.0).sum() == pytest.approx(777)
    ages = people.sum(0) * np.linspace(0.8, 1.2, 5)
    assert np.allclose(settling.rake(people, ages).sum(0), ages)
    rows = people.sum((1, 2)) * [1.1, 0.9, 1, 1]
    fitted = settling.rake_both(people, rows, ages * rows.sum() / ages.sum())
    assert np.allclose(fitted.sum((1, 2)), rows, rtol=1e-6) and (fitted >= 0).all()
    with pytest.raises(Refused, match="add up to"):
        settling.rake_both(people, rows, ages * 2)
    with pytest.raises(Refused, match="nobody to be scaled"):
        settling.rake(np.zeros((2, 2, 3)), 5.0)


def test_who_finds_no_room_moves_to_where_there_is_some() -> None:
    people = np.ones((3, 2, 5)) * np.array([10, 4, 4])[:, None, None]
    room = settling.housing_capacity([50, 60, 30], 2.0, 0.2)
    assert room.tolist() == [80, 96, 48]
    done = settling.housed(people, room)  # 20 are over; there is room for 56 and 8
    assert done.people.sum() == pytest.approx(people.sum()) and done.unmet.sum() == 0
    assert done.moved.tolist() == pytest.approx([-20, 17.5, 2.5])
    full = settling.housed(people, [80, 45, 40])
    assert full.unmet.tolist() == pytest.approx([15, 0, 0]) and full.people.sum((1, 2)).tolist() == [95, 45, 40]
    stays = settling.housed(people, room, spill=False)
    assert stays.unmet.tolist() == [20, 0, 0] and (stays.people == people).all()
    assert settling.housed(people, [80, np.inf, 40]).people.sum((1, 2)).tolist() == pytest.approx([80, 60, 40])


def test_groups_become_single_years_with_their_sums_kept() -> None:
    groups = np.array([[120.0, 400, 90, 0, 30]])
    years = graduation.monotone(groups, [0, 18, 60, 80, 95], 105)
    assert (years >= 0).all()
    assert np.add.reduceat(years, [0, 18, 60, 80, 95], axis=-1) == pytest.approx(groups)
    fives = np.array([100.0, 95, 90, 96, 110, 120, 100, 80])
    assert graduation.sprague(fives).reshape(8, 5).sum(1) == pytest.approx(fives)
    assert graduation.sprague([50.0] * 6) == pytest.approx([10.0] * 30)  # a level stays level
    assert graduation.beyond([1000.0], 21).sum() == pytest.approx(1000)


def test_lee_and_carter_find_what_rates_were_made_of() -> None:
    rng = np.random.default_rng(3)
    b, k = np.array([0.1, 0.2, 0.3, 0.4]), np.cumsum(rng.normal(-0.5, 0.2, 30))
    fit = varying.lee_carter(np.exp(np.array([-6.0, -5, -4, -3]) + np.outer(k, b)))
    assert fit.b == pytest.approx(b) and fit.k == pytest.approx(k - k.mean()) and fit.explained > 0.999
    assert fit.walk.drift == pytest.approx((k[-1] - k[0]) / 29)
    with pytest.raises(Refused, match="at least 8 years"):
        varying.random_walk([1, 2, 3])


def course(**more: object) -> futures.Course:
    ages, steps = np.arange(12), 4
    people = 100 * np.exp(-ages / 6)[None, None] * np.array([1, 2, 3])[:, None, None] * np.ones((1, 2, 1))
    fertility = np.broadcast_to(np.where((ages > 2) & (ages < 7), 0.12, 0), (steps, 3, 12))
    survival = np.broadcast_to(np.exp(-0.01 * np.exp(ages / 5)), (steps, 3, 2, 12))
    coming = np.broadcast_to(np.linspace(-0.5, 1, 12), (steps, 3, 2, 12))
    return futures.Course(people, survival, fertility, coming, np.full((2, 12), 1 / 24), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("timing", ["spread", "end"])
def test_without_any_spread_each_future_is_the_projection(timing: projection.Timing) -> None:
    known, still = course(spread_over=timing == "spread"), futures.Spread(0, 0, 0)
    found = futures.simulate(known, still, [0, 6], 3, 1)
    path = projection.project(known.people, known.survival, known.fertility, known.migration, steps=4, timing=timing)
    sums = np.add.reduceat(path.people.sum(2), [0, 6], axis=-1)
    assert found.groups[..., 2] == pytest.approx(sums, rel=2e-6)
    assert found.births[..., 0] == pytest.approx(path.births.sum(-1), rel=2e-6)
    assert found.deaths[..., 1] == pytest.approx(path.deaths.sum((2, 3)), rel=2e-5)
    assert found.migration[..., 1] == pytest.approx(path.migration.sum((2, 3)), abs=2e-3)


def test_futures_come_again_with_their_seed_and_spread_as_told() -> None:
    known = course(capacity=np.full((4, 3), 900.0))
    one, two = (futures.simulate(known, futures.Spread(migration=0.02), [0, 6], 400, seed) for seed in (5, 6))
    again = futures.simulate(known, futures.Spread(migration=0.02), [0, 6], 400, 5)
    assert (one.groups == again.groups).all() and (one.groups != two.groups).any()
    assert (one.groups >= 0).all() and np.isfinite(one.groups).all()
    births = np.log(one.births[0] / one.births[0].mean(-1, keepdims=True))
    assert births.std(-1) == pytest.approx(0.03, rel=0.2)
    assert np.corrcoef(births)[0, 1] == pytest.approx(0.7, abs=0.15)
    with pytest.raises(Refused, match="fewer futures"):
        futures.simulate(known, futures.Spread(), [0], 100_000_000, 1)


def worked(**more: object) -> object:
    question, inputs = people_example.example()
    few = {**question, "years": 3, "futures": {"count": 40}}
    return kinds.worked("people", few, {**inputs, **more})  # type: ignore[arg-type]


def test_a_study_adds_up_and_meets_the_citys_total() -> None:
    study = worked(total=table("year", year=[2026, 2028], people=[180_000, 175_000.5]))
    change = study.step("change").table  # type: ignore[attr-defined]
    parts = sum(change[name] for name in ("start", "births", "migration", "adjustment", "moves")) - change["deaths"]
    assert np.abs(parts - change["end"]).max() < 1e-6
    projection_of = study.step("projection").table  # type: ignore[attr-defined]
    assert projection_of.at(("all", "2028", "all"), "central") == pytest.approx(175_000.5)
    assert projection_of.at(("all", "2028", "all"), "median") == pytest.approx(175_000.5, rel=0.01)
    for low, high in (("low95", "low80"), ("low80", "median"), ("median", "high80"), ("high80", "high95")):
        assert (projection_of[low] <= projection_of[high]).all()
    assert all(np.isfinite(step.table[name]).all() for step in study.steps  # type: ignore[attr-defined]
               for name in step.table.columns if step.table[name].dtype.kind == "f")  # fmt: skip
    assert len(kinds.kind("people").tell(study)) > 8  # type: ignore[arg-type]


def test_the_past_of_the_city_gives_the_spread() -> None:
    rng = np.random.default_rng(2)
    years = list(range(2005, 2025))
    past = table("year", year=years, tfr=1.4 * np.exp(np.cumsum(rng.normal(0, 0.05, 20))), people=[1e5] * 20,
                 net_migration=rng.normal(500, 300, 20))  # fmt: skip
    spread = worked(past=past).step("spread").table  # type: ignore[attr-defined]
    assert spread.at(("fertility",), "value") == pytest.approx(0.05, rel=0.4)
    assert spread["source"].tolist() == ["fitted", "assumed", "fitted", "fitted", "assumed", "fitted"]
    tfr = np.asarray(past["tfr"], float)
    assert spread.at(("fertility_past_change",), "value") == pytest.approx(np.log(tfr[-1] / tfr[0]) / 19)


def without(name: str, **changed: object) -> dict[str, Table]:
    _question, inputs = people_example.example()
    columns = {**inputs[name].columns, **changed}
    return {name: Table({one: value for one, value in columns.items() if value is not None}, inputs[name].key)}


@pytest.mark.parametrize(("name", "changed", "code"), [
    ("base", {"people": np.full(808, -1.0)}, "insight.people_bad"),
    ("base", {"age": np.tile(np.r_[0:50, 51:102], 8)}, "insight.ages_have_gaps"),
    ("base", {"sex": np.array(["female"] * 807 + ["?"], object)}, "insight.bad_sex"),
    ("base", {"district": np.array(["all"] * 808, object)}, "insight.sums_among_people"),
    ("fertility", {"rate": np.full(35, np.nan)}, "insight.bad_rate"),
    ("mortality", {"rate": np.zeros(202)}, "insight.mortality_bad"),
    ("mortality", {"rate": None}, "insight.people_columns"),
    ("migration", {"district": np.array(["Moon"] * 128, object)}, "insight.unknown_district"),
    ("migration", {"sex": np.array(["female"] * 128, object)}, "insight.rate_twice"),
])  # fmt: skip
def test_bad_input_is_refused_in_a_sentence(name: str, changed: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as caught:
        worked(**without(name, **changed))
    assert caught.value.code == code and "{" not in caught.value.sentence


def test_groups_of_five_years_and_chances_of_dying_are_read() -> None:
    starts = np.arange(0, 90, 5)
    rows = [(sex, int(age)) for sex in ("female", "male") for age in starts]
    sex, age = zip(*rows, strict=True)
    base = table(("district", "sex", "age"), district=["city"] * 36, sex=sex, age=age, people=PEOPLE * 2)
    chances = np.append(1 - np.array(YEARS[1:-1]) / YEARS[:-2], [0.3, 1.0])
    mortality = table((), sex=sex, age=age, qx=np.tile(chances, 2))
    fertility = table((), age=starts, rate=FERTILITY)
    question = {"base_year": 1993, "years": 10, "age_groups": [0, 15, 65], "futures": {"count": 20}}
    study = kinds.worked("people", question,
                         {"base": base, "mortality": mortality, "fertility": fertility})  # fmt: skip
    assert study.step("projection").table.at(("all", "2003", "all"), "central") == pytest.approx(2 * 4.4e6, rel=0.03)
    assert cells.counts_at_ages(np.array([10.0, 20]), np.array([0, 10]), np.array([0, 5, 10]), 5).tolist() == [5, 5, 20]


def test_past_death_rates_give_the_ages_of_the_index_and_its_spread() -> None:
    rng = np.random.default_rng(4)
    ages, years = np.arange(0, 101, 10), np.arange(2000, 2020)
    index, b = np.cumsum(rng.normal(-0.01, 0.02, 20)), np.linspace(1.5, 0.5, 11)
    rows = [(int(year), sex, int(age), 0.001 * np.exp(age / 12 + b[at] * index[place]))
            for place, year in enumerate(years) for sex in ("female", "male")
            for at, age in enumerate(ages)]  # fmt: skip
    year, sex, age, rate = zip(*rows, strict=True)
    past = table(("year", "sex", "age"), year=year, sex=sex, age=age, rate=rate)
    spread = worked(past_mortality=past).step("spread").table  # type: ignore[attr-defined]
    assert spread.at(("mortality",), "value") == pytest.approx(np.diff(index).std(ddof=1), rel=1e-6)
    assert spread.at(("mortality_past_change",), "value") == pytest.approx((index[-1] - index[0]) / 19)
