"""From rates as tables have them to a central projection by district, and to the course of its futures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.people import lifetable
from cityloom.insight.domain.people.cells import Base, Schedule, at_ages, counts_at_ages
from cityloom.insight.domain.people.futures import Course
from cityloom.insight.domain.people.projection import Path, migration_of_rates, step
from cityloom.insight.domain.people.settling import housed, rake
from cityloom.insight.domain.people.varying import rogers_castro

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """What a projection is made of. `mortality` holds rates, or chances of dying where `are_chances`; `migration` net
    people a year, or rates a year where `is_rate`. Changes are shares a year (-0.01: one in a hundred less each year).
    `capacity` (steps, districts) people who find room, infinite where not known; `totals` (steps,) of the city, nan
    where none is to be met.
    """

    base: Base
    first_year: int
    steps: int
    fertility: Schedule
    mortality: Schedule
    migration: Schedule | None = None
    are_chances: bool = False
    is_rate: bool = False
    sex_ratio: float = 1.05
    timing: str = "spread"
    fertility_change: float = 0.0
    mortality_change: float = 0.0
    infant_rule: lifetable.InfantRule = "andreev-kingkade"
    capacity: Floats | None = None
    spill: bool = True
    totals: Floats | None = None

    @property
    def years(self) -> list[int]:
        """The years at whose start people stand, from the first to the last."""
        return [self.first_year + number * self.base.width for number in range(self.steps + 1)]


@dataclass(frozen=True)
class Central:
    """The central projection: `path`, with `adjusted` (steps, districts, 2, ages) what raking to the city's total added
    and `moved` (steps, districts) by housing; `unmet` above the room; the course of futures around it.
    """

    path: Path
    adjusted: Floats
    moved: Floats
    unmet: Floats
    course: Course


@dataclass
class _Settled:
    adjusted: list[Floats] = field(default_factory=list)
    moved: list[Floats] = field(default_factory=list)
    unmet: list[Floats] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)


def survival_at(plan: Plan, year: int) -> Floats:
    """Survival ratios (districts or 1, 2, ages) of a step that begins in a year."""
    rates, starts, base = death_rates_at(plan, year), plan.mortality.starts, plan.base
    if not np.isin(base.ages, starts).all():  # rates of broader groups hold in each of their years
        rates, starts = at_ages(rates, starts, base.ages, base.width), base.ages
    ratios = []
    for sex, name in enumerate(("female", "male")):
        table = lifetable.life_table(rates[:, sex], name, widths=_widths(starts), rule=plan.infant_rule)
        ratios.append(lifetable.survival_of_years(lifetable.grouped(table, starts, base.ages), base.width))
    return np.stack(ratios, 1)


def death_rates_at(plan: Plan, year: int) -> Floats:
    """Death rates (districts or 1, 2, the table's ages) of a step that begins in a year."""
    given = plan.mortality.at(year)
    change = (1 + plan.mortality_change) ** (year - max(int(plan.mortality.years[0]), plan.first_year))
    if not plan.are_chances:
        return given * change
    widths = _widths(plan.mortality.starts)
    tables = [lifetable.life_table_of_chances(given[:, sex], name, widths=widths, rule=plan.infant_rule)
              for sex, name in enumerate(("female", "male"))]  # fmt: skip
    return np.stack([one.m for one in tables], 1) * change


def _widths(starts: NDArray[np.int64]) -> Floats:
    between = np.diff(starts).astype(float)
    return np.append(between, between[-1])


def fertility_at(plan: Plan, year: int) -> Floats:
    """Births a woman and year (districts or 1, ages) of a step that begins in a year."""
    rates = plan.fertility.at(year)[:, 0]
    change = (1 + plan.fertility_change) ** (year - max(int(plan.fertility.years[0]), plan.first_year))
    return at_ages(rates * change, plan.fertility.starts, plan.base.ages, plan.base.width, ends=True)


def migration_at(plan: Plan, year: int, people: Floats) -> Floats:
    """Net people (districts, 2, ages) who come over a step that begins in a year."""
    if plan.migration is None:
        return np.zeros_like(people)
    found, base = plan.migration.at(year), plan.base
    if plan.is_rate:
        rates = at_ages(found, plan.migration.starts, base.ages, base.width)
        return migration_of_rates(people, rates, base.width)
    counts = counts_at_ages(found, plan.migration.starts, base.ages, base.width)
    return np.broadcast_to(counts, people.shape) * base.width


def projected(plan: Plan) -> Central:
    """Work the central projection. Raises: as `projection.step`, `settling.rake`, `lifetable.life_table`."""
    at = plan.base.people
    every, done, rates = [at], [], []
    settled = _Settled()
    for number, year in enumerate(plan.years[:-1]):
        survival, fertility = survival_at(plan, year), fertility_at(plan, year)
        coming = migration_at(plan, year, at)
        now = step(at, survival, fertility, coming, width=plan.base.width, sex_ratio=plan.sex_ratio,
                   timing="end" if plan.timing == "end" else "spread")  # fmt: skip
        at = _settle(plan, settled, number, now.end)
        every.append(at)
        done.append(now)
        rates.append((np.broadcast_to(survival, at.shape), np.broadcast_to(fertility, (len(at), at.shape[-1])), coming))
    path = Path(np.stack(every), moves=np.stack([a - b.end for a, b in zip(every[1:], done, strict=True)]),
                **{name: np.stack([getattr(one, name) for one in done])
                   for name in ("births", "births_by_age", "deaths", "migration")})  # fmt: skip
    course = Course(plan.base.people, *(np.stack(one) for one in zip(*rates, strict=True)), profile=profile_of(plan),
                    width=plan.base.width, sex_ratio=plan.sex_ratio, spread_over=plan.timing != "end",
                    capacity=plan.capacity, spill=plan.spill,
                    factors=np.array(settled.factors) if plan.totals is not None else None)  # fmt: skip
    return Central(path, np.stack(settled.adjusted), np.stack(settled.moved), np.stack(settled.unmet), course)


def _settle(plan: Plan, settled: _Settled, number: int, people: Floats) -> Floats:
    after, factor = people, 1.0
    if plan.totals is not None and np.isfinite(plan.totals[number]):
        after = rake(people, plan.totals[number])
        factor = float(after.sum() / people.sum()) if people.sum() > 0 else 1.0
    settled.adjusted.append(after - people)
    settled.factors.append(factor)
    if plan.capacity is None:
        nothing = np.zeros(len(people))
        settled.moved.append(nothing)
        settled.unmet.append(nothing)
        return after
    moved = housed(after, plan.capacity[number], spill=plan.spill)
    settled.moved.append(moved.moved)
    settled.unmet.append(moved.unmet)
    return moved.people


def profile_of(plan: Plan) -> Floats:
    """Shares of uncertain migrants (2, ages): of those given where they are counts, else Rogers and Castro's."""
    if plan.migration is not None and not plan.is_rate:
        counts = counts_at_ages(np.abs(plan.migration.rates[0]), plan.migration.starts, plan.base.ages, plan.base.width)
        found = np.broadcast_to(counts.sum(0), (2, len(plan.base.ages)))
        if found.sum() > 0:
            return found / found.sum()
    shares = rogers_castro(plan.base.ages + plan.base.width / 2)
    return np.broadcast_to(shares, (2, len(shares))) / 2


def group_names(starts: Sequence[int]) -> list[str]:
    """What groups of ages are called: 0-5, 6-17, 80+."""
    names = [f"{first}-{after - 1}" for first, after in pairwise(starts)]
    return [*names, f"{starts[-1]}+"]
