"""Back-test forecasts of school rolls beside plain methods, hold their intervals against made-up districts, and time
them.

Run: python -m bench.schools [--districts N] [--schools N]
The rolls are of a real district ($CITYLOOM_DATA/demand, 1998 to 2015), from each origin with what was known then. The
plain methods forecast the same totals in the same run. Times are of the processor.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import time
from pathlib import Path

import numpy as np

DATA = Path(os.environ.get("CITYLOOM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
GOALS = {1: 1.0, 3: 2.5}
LEVEL, HORIZON = 0.8, 6


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--districts", type=int, default=40)
    arguments.add_argument("--schools", type=int, default=1000)
    chosen = arguments.parse_args()
    kept = _real()
    _made_up(chosen.districts)
    _large(chosen.schools)
    return 0 if kept else 1


def _real() -> bool:
    from cityloom.insight.domain.schools import backtest, baselines, births, cleaning, grades, panel
    from cityloom.insight.domain.schools.fitting import Settings

    rolls_file, births_file = DATA / "demand" / "ecasd_enrolment_1998_2015.csv", DATA / "demand" / "ecasd_births.csv"
    if not rolls_file.is_file():
        print(f"{rolls_file} is not there; nothing was measured on real rolls.")
        return True
    rows = list(csv.DictReader(rolls_file.open()))
    born = {int(row["year"]): float(row["births"]) for row in csv.DictReader(births_file.open())}
    order, _ = grades.in_order([row["Grade"] for row in rows])
    rolls = panel.panel(
        [row["School"] for row in rows],
        [row["Grade"] for row in rows],
        [int(row["year"]) for row in rows],
        [float(row["students"]) for row in rows],
        order,
    )
    lags = births.lags_of(grades.entry_age(order[0]))
    started = time.process_time()
    found = backtest.scores(rolls, born, Settings(lags), HORIZON, 300, LEVEL, np.random.SeedSequence(1))
    held = backtest.covered(found, HORIZON, LEVEL)
    took = time.process_time() - started
    counted = dict(zip(rolls.years, np.nansum(rolls.district(), 0).tolist(), strict=True))
    clean = cleaning.cleaned(rolls)
    print(f"{len(rows):,} rolls, {len(born)} years of births; doubted: {[str(one.value) for one in clean.notes]}")
    print(
        f"{took:.2f} s of the processor for {len(np.unique(found.origin))} origins and {len(found):,} judged forecasts"
    )
    print(
        "| method | years ahead | origins | mean error % | bias % | held by 80 % | error % against the rolls as "
        "counted |"
    )
    print("|---|---|---|---|---|---|---|")
    kept = True
    for ahead in range(1, HORIZON + 1):
        own = (found.level == 0) & (found.ahead == ahead)
        off = 100 * (found.point[own] / found.actual[own] - 1)
        raw = np.array([counted[year + ahead] for year in found.origin[own]])
        error, as_counted = np.abs(off).mean(), 100 * np.abs(found.point[own] / raw - 1).mean()
        print(f"| this forecast | {ahead} | {own.sum()} | {error:.2f} | {off.mean():+.2f} | {held[own].mean():.0%} "
              f"| {as_counted:.2f} |")  # fmt: skip
        kept &= error <= GOALS.get(ahead, np.inf)
    for name, made in backtest.peers(rolls, born, lags, HORIZON).items():
        for ahead in (1, 3, 6):
            share = np.array([forecast / count - 1 for _, years, forecast, count in made if years == ahead])
            print(f"| {baselines.TITLES[name]} | {ahead} | {len(share)} | {100 * np.abs(share).mean():.2f} "
                  f"| {100 * share.mean():+.2f} | | |")  # fmt: skip
    _coverage(found, held)
    return bool(kept)


def _coverage(found: object, held: np.ndarray) -> None:
    from cityloom.insight.domain.schools import backtest

    print("| 80 % intervals of | " + " | ".join(f"{ahead} year(s)" for ahead in range(1, HORIZON + 1)) + " |")
    print("|---" * (HORIZON + 1) + "|")
    for place, name in enumerate(backtest.LEVELS):
        cells = []
        for ahead in range(1, HORIZON + 1):
            own = (found.level == place) & (found.ahead == ahead)
            cells.append(f"{held[own].mean():.0%} of {own.sum():,}" if own.any() else "")
        print(f"| {name} | " + " | ".join(cells) + " |")


def _made_up(districts: int) -> None:
    """Districts that nobody looked at when the method was made: noise, sizes and trends drawn anew."""
    from cityloom.insight.domain.schools import backtest, births
    from cityloom.insight.domain.schools.fitting import Settings

    counts: dict[tuple[str, int], list[bool]] = {}
    errors: dict[int, list[float]] = {}
    started = time.process_time()
    for seed in range(districts):
        rolls, born = made_up_district(seed)
        found = backtest.scores(rolls, born, Settings(births.lags_of(5)), 3, 200, LEVEL, np.random.SeedSequence(seed))
        held = backtest.covered(found, 3, LEVEL)
        late = found.origin >= rolls.years[8]
        for place, name in enumerate(backtest.LEVELS):
            for ahead in (1, 2, 3):
                own = late & (found.level == place) & (found.ahead == ahead)
                counts.setdefault((name, ahead), []).extend(held[own].tolist())
        for ahead in (1, 3):
            own = (found.level == 0) & (found.ahead == ahead)
            errors.setdefault(ahead, []).extend((100 * np.abs(found.point[own] / found.actual[own] - 1)).tolist())
    print(f"{districts} made-up districts, {time.process_time() - started:.1f} s of the processor; mean error "
          f"of the total "
          + ", ".join(f"{ahead} year(s) {np.mean(own):.2f} %" for ahead, own in errors.items()))  # fmt: skip
    for name in backtest.LEVELS:
        shown = ", ".join(f"{ahead} year(s) {np.mean(counts[name, ahead]):.0%} of {len(counts[name, ahead]):,}"
                          for ahead in (1, 2, 3))  # fmt: skip
        print(f"held by 80 % intervals, {name}: {shown}")


def made_up_district(seed: int, schools: int = 0, years: int = 16) -> tuple[object, dict[int, float]]:
    """A district with drawn births, entry, drift, deviations of schools, and noise of years, schools and classes."""
    from cityloom.insight.domain.schools.panel import Rolls

    chance = np.random.default_rng(1000 + seed)
    schools = schools or int(chance.integers(4, 25))
    slope, level, width = chance.normal(0, 8), chance.uniform(40, 90) * schools, chance.uniform(0.008, 0.03)
    born = {year: float(max(level + slope * (year - 1994) + chance.normal(0, 0.02 * level), 50))
            for year in range(1986, 2001 + years)}  # fmt: skip
    share, usual = chance.dirichlet(np.full(schools, 20.0)), chance.normal(0, 0.012, 6)
    own, phi = chance.normal(0, 0.012, (schools, 1)), chance.uniform(0.3, 1.2)
    now, made = 0.75 * born[1994] * share[:, None] * np.ones(6), np.zeros((schools, 6, years))
    for step in range(years):
        share = share * np.exp(chance.normal(0, 0.03, schools))
        entry = 0.75 * (born[1995 + step] * 2 / 3 + born[1994 + step] / 3) * share / share.sum()
        year = chance.normal(0, width / 2) + chance.normal(0, width, 6)
        now = np.concatenate([entry[:, None], now[:, :-1] * np.exp(usual[1:] + own)], 1) * np.exp(year)
        now = np.maximum(np.rint(now + np.sqrt(phi * now) * chance.standard_t(6, now.shape) * 0.8), 1)
        made[:, :, step] = now
    names = tuple(f"School {one}" for one in range(schools))
    return Rolls(made, names, ("K", "1", "2", "3", "4", "5"), tuple(range(2000, 2000 + years)), ("",) * schools), born


def _large(schools: int) -> None:
    """The whole study, with places and areas, of a large city."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloom.project.settings")
    from cityloom.insight.domain.study.tables import table
    from cityloom.insight.studies import kinds

    rolls, born = made_up_district(7, schools, 15)
    at = np.argwhere(~np.isnan(rolls.pupils))
    inputs = {
        "rolls": table(
            (),
            school=[rolls.schools[one] for one in at[:, 0]],
            grade=[rolls.grades[one] for one in at[:, 1]],
            year=[rolls.years[one] for one in at[:, 2]],
            pupils=rolls.pupils[tuple(at.T)],
        ),
        "births": table((), year=list(born), births=list(born.values())),
        "places": table(
            (),
            school=list(rolls.schools),
            places=(1.05 * rolls.pupils[:, :, -1].sum(1)).tolist(),
            area=[f"Area {place // 10}" for place in range(schools)],
        ),
    }
    started, clock = time.process_time(), time.perf_counter()
    kinds.worked("schools", {}, inputs)
    print(f"{schools:,} schools, {len(at):,} rolls: {time.process_time() - started:.1f} s of the processor, "
          f"{time.perf_counter() - clock:.1f} s by the clock, "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB at the most")  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
