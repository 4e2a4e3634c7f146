"""What a case type says: roles, states, steps, form, clocks, results, who may see it, and how long it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from cityloom.cases.domain.clocks.limits import Limit
from cityloom.cases.domain.clocks.running import ClockRules

Titles = Mapping[str, str]
"""Words by language: `en` and `zh-hans`."""

ASSIGNED, NAMED, REPORTER, SYSTEM = "assigned", "named", "reporter", "system"
MEDIATOR = "mediator"
HOLDERS = (ASSIGNED, NAMED, REPORTER, SYSTEM)
"""Who holds a role without an account's role: the handler, whoever the case names, who reported it, the city."""
LEVELS = ("open", "internal", "restricted", "secret")
"""Confidentiality: known to anybody, to officials of the branch, to those of the very unit, to those in the case."""
ANY_DAY = {"days": 1, "months": 31, "years": 366}


@dataclass(frozen=True)
class Role:
    """Somebody in a case: `held_by` names roles of accounts in the responsible unit's branch, or `HOLDERS`."""

    name: str
    title: Titles
    held_by: frozenset[str]


@dataclass(frozen=True)
class State:
    """Where a case may stand; in one that `pauses` the clocks stand still, one that `ends` is the end of it.

    `process` runs while a case stands here. Steps of `process_before` wait until it has ended or offers them, the step
    `process_then` is taken by the city at its end, `process_silence` is what a unit that does not answer has said, and
    `process_shows` names the answers and evidence that units which are asked may read.
    """

    name: str
    title: Titles
    meaning: Titles
    ends: bool = False
    pauses: bool = False
    process: str = ""
    process_before: frozenset[str] = frozenset()
    process_then: str = ""
    process_silence: str = ""
    process_shows: frozenset[str] | None = None


@dataclass(frozen=True)
class Step:
    """One row of the table: in a state of `sources`, somebody with one of the roles `who` may go to `to`.

    `other_than` are earlier steps whose taker may not take this one; `handled` asks for a handler first,
    `assigns` makes whoever takes it the handler. `needs` is what has to be there first: an `agreement` that is written
    down, or its `fulfilment`.
    """

    name: str
    title: Titles
    sources: tuple[str, ...]
    to: str
    who: frozenset[str]
    reason: Literal["none", "optional", "required"] = "optional"
    results: tuple[str, ...] = ()
    other_than: frozenset[str] = frozenset()
    handled: bool = False
    assigns: bool = False
    refusal: Titles | None = None
    needs: str = ""


@dataclass(frozen=True)
class Choice:
    """One of the values of a field."""

    value: str
    title: Titles


@dataclass(frozen=True)
class Field:
    """A question of the form; what is free text, or `is_sealed`, is kept sealed for the case.

    `prefill` says which register can answer it. What is `by_register` decides at once only as a register says it.
    """

    name: str
    title: Titles
    kind: str
    help: Titles | None = None
    is_required: bool = False
    is_sealed: bool = False
    categories: frozenset[str] = frozenset()
    least: float | None = None
    most: float | None = None
    longest: int = 200
    unit: str = ""
    prefill: str = ""
    by_register: bool = False
    choices: tuple[Choice, ...] = ()

    def is_asked(self, category: str) -> bool:
        """Whether a case of a category is asked this."""
        return not self.categories or category in self.categories


@dataclass(frozen=True)
class Clock:
    """A limit that runs from the opening, or from where the case comes to stand in `since`, until it stands in `until`.

    `remind` is a share of it; `extend` may be added `extensions` times, with a reason. When time is up, whoever holds
    the role `escalate_to` is told, or the step `deemed` is taken by the city, as the `law` says: silence is then a
    decision for the applicant, never against.
    """

    name: str
    title: Titles
    limit: Limit
    until: frozenset[str]
    since: frozenset[str] = frozenset()
    remind: float | None = None
    extend: Limit | None = None
    extensions: int = 1
    escalate_to: str = ""
    deemed: str = ""
    law: str = ""
    categories: frozenset[str] = frozenset()

    def is_for(self, category: str) -> bool:
        """Whether it runs in cases of a category."""
        return not self.categories or category in self.categories


@dataclass(frozen=True)
class Stated:
    """Something that a type has words for: evidence that is asked for, a condition, a ground of a refusal."""

    name: str
    title: Titles
    help: Titles | None = None
    categories: frozenset[str] = frozenset()
    is_required: bool = False

    def is_for(self, category: str) -> bool:
        """Whether it is one of a category."""
        return not self.categories or category in self.categories


@dataclass(frozen=True)
class Result:
    """How a case may end; one that `is_against` somebody is for a person to give, never for a rule."""

    name: str
    title: Titles
    is_against: bool = False


@dataclass(frozen=True)
class Category:
    """A kind of matter within a type: what it is called, whose it mostly is, and limits of its own by clock.

    `table` is the decision table that may grant it at once.
    """

    name: str
    title: Titles
    about: Titles | None = None
    group: str = ""
    keywords: tuple[str, ...] = ()
    unit: str = ""
    limits: Mapping[str, Limit] = field(default_factory=dict)
    table: str = ""


@dataclass(frozen=True)
class Access:
    """Who sees cases of a type: roles of accounts, and how confidential one is from the beginning."""

    seen_by: frozenset[str]
    opened_by: frozenset[str]
    confidentiality: str
    is_on_map: bool


@dataclass(frozen=True)
class CaseType:
    """A type of case in one version; a case stays on the version that it was opened with."""

    name: str
    version: int
    title: Titles
    roles: Mapping[str, Role]
    states: Mapping[str, State]
    steps: tuple[Step, ...]
    access: Access
    keep: tuple[int, str]
    about: Titles | None = None
    categories: Mapping[str, Category] = field(default_factory=dict)
    form: tuple[Field, ...] = ()
    clocks: tuple[Clock, ...] = ()
    results: Mapping[str, Result] = field(default_factory=dict)
    evidence: tuple[Stated, ...] = ()
    conditions: tuple[Stated, ...] = ()
    grounds: tuple[Stated, ...] = ()

    @property
    def first(self) -> State:
        """Where a case of this type begins."""
        return next(iter(self.states.values()))

    @property
    def named(self) -> tuple[str, ...]:
        """The roles that a case gives to accounts, the one of whoever opens a secret case first."""
        return tuple(role.name for role in self.roles.values() if NAMED in role.held_by)

    @property
    def is_mediated(self) -> bool:
        """Whether cases of this type have parties, sessions and an agreement: they name a mediator."""
        return MEDIATOR in self.named

    def step(self, name: str) -> Step | None:
        """A step by its name."""
        return next((step for step in self.steps if step.name == name), None)

    def fields_for(self, category: str) -> tuple[Field, ...]:
        """What a case of a category is asked."""
        return tuple(each for each in self.form if each.is_asked(category))

    def limit_of(self, clock: Clock, category: str) -> Limit:
        """The limit of a clock: the category's own, or the type's."""
        known = self.categories.get(category)
        return known.limits.get(clock.name, clock.limit) if known else clock.limit

    def clock(self, name: str) -> Clock | None:
        """A clock by its name."""
        return next((clock for clock in self.clocks if clock.name == name), None)

    def rules_of(self, clock: Clock, category: str) -> ClockRules:
        """How a clock of a case of a category runs."""
        reminders = () if clock.remind is None else (clock.remind,)
        return ClockRules(self.limit_of(clock, category), reminders, clock.extend, clock.extensions, bool(clock.deemed))

    def kept_until(self, closed_on: date) -> date:
        """The day after which a closed case is erased; months and years are counted long, never short."""
        amount, unit = self.keep
        return closed_on + timedelta(days=amount * ANY_DAY[unit])
