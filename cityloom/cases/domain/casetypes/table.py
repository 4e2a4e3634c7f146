"""The table of states at work: which steps a case has for somebody, and why others are not possible."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from cityloom.cases.domain.casetypes.casetype import ASSIGNED, NAMED, REPORTER, SYSTEM, CaseType, Role, Step, Titles
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import InLanguages, Refused


@dataclass(frozen=True)
class Standing:
    """Where a case stands, as the table looks at it.

    `named` are accounts by the role that the case names them for; `taken` are accounts by the step they took last.
    A case that is offered to another unit is of both until one of them has it. `facts` are those that steps need,
    `held` are steps that wait for the process of the state.
    """

    state: str
    unit: str
    handler: str = ""
    named: Mapping[str, frozenset[str]] = field(default_factory=dict)
    taken: Mapping[str, str] = field(default_factory=dict)
    reporter: str = ""
    offered_unit: str = ""
    facts: Collection[str] = ()
    held: frozenset[str] = frozenset()


@dataclass(frozen=True)
class NextStep:
    """A step, and why it cannot be taken; None where it can."""

    step: Step
    refusal: Refused | None

    @property
    def is_possible(self) -> bool:
        return self.refusal is None


def roles_of(casetype: CaseType, case: Standing, actor: Actor) -> frozenset[str]:
    """The roles that an actor has in a case."""
    return frozenset(role.name for role in casetype.roles.values() if _holds(role, case, actor))


def next_steps(casetype: CaseType, case: Standing, actor: Actor) -> list[NextStep]:
    """Every step out of the state that a case stands in, in the order of the table, possible for the actor or not."""
    roles = roles_of(casetype, case, actor)
    return [
        NextStep(step, _refusal(casetype, case, actor, roles, step))
        for step in casetype.steps
        if case.state in step.sources
    ]


def check_can_take(casetype: CaseType, case: Standing, actor: Actor, name: str, result: str = "") -> Step:
    """The row of the table that lets an actor take a step, with that result.

    Raises: Refused `cases.no_step`, `cases.state`, `cases.role`, `cases.handled`, `cases.other_person`, `cases.result`.
    """
    rows = [step for step in casetype.steps if step.name == name]
    if not rows:
        raise Refused("cases.no_step", "This kind of case knows no step {value}; reload the page.", value=name[:40])
    step = next((row for row in rows if case.state in row.sources), None)
    if step is None:
        sources = [casetype.states[source].title for row in rows for source in row.sources]
        raise Refused("cases.state", "The case is {value} now; this step is for one that is {limit}.",
                      value=InLanguages(casetype.states[case.state].title), limit=joined(sources))  # fmt: skip
    refusal = _refusal(casetype, case, actor, roles_of(casetype, case, actor), step)
    if refusal is not None:
        raise refusal
    _check_result(casetype, step, result)
    return step


def joined(titles: Collection[Titles]) -> InLanguages:
    """Several titles as words in each language, each once."""
    found = {language: dict.fromkeys(title[language] for title in titles) for language in ("en", "zh-hans")}
    return InLanguages({"en": " or ".join(found["en"]), "zh-hans": "或".join(found["zh-hans"])})


def _holds(role: Role, case: Standing, actor: Actor) -> bool:
    if SYSTEM in role.held_by and actor.has(SYSTEM):
        return True
    if ASSIGNED in role.held_by and case.handler and case.handler == actor.account:
        return True
    if NAMED in role.held_by and actor.account in case.named.get(role.name, ()):
        return True
    if REPORTER in role.held_by and case.reporter and case.reporter == actor.account:
        return True
    if not role.held_by & actor.roles:
        return False
    return within(case.unit, actor.unit) or within(case.offered_unit, actor.unit)


def within(unit: str, branch: str) -> bool:
    """Whether a unit is of a branch of the tree; the top of a branch is in it."""
    return bool(branch) and (unit == branch or unit.startswith(f"{branch}/"))


def _refusal(casetype: CaseType, case: Standing, actor: Actor, roles: frozenset[str], step: Step) -> Refused | None:
    if not roles & step.who:
        return _of_others(casetype, step)
    if step.handled and not case.handler:
        return Refused("cases.handled", "The case is given to nobody yet; somebody has to take it on first.")
    if step.needs and step.needs not in case.facts:
        return _lacking(step.needs)
    if step.name in case.held:
        return Refused("cases.process_first", "The tasks of this state come first; each of them stands below.")
    for name in sorted(step.other_than):
        if case.taken.get(name) == actor.account:
            earlier = next(row.title for row in casetype.steps if row.name == name)
            return Refused("cases.other_person", "You did “{value}” here yourself; somebody else has to do this.",
                           value=InLanguages(earlier))  # fmt: skip
    return None


def _of_others(casetype: CaseType, step: Step) -> Refused:
    if step.refusal:
        return Refused("cases.role", "{value}", value=InLanguages(step.refusal))
    wanted = joined([casetype.roles[name].title for name in casetype.roles if name in step.who])
    return Refused("cases.role", "This is for {limit}; ask one of them.", limit=wanted)


def _lacking(fact: str) -> Refused:
    if fact == "agreement":
        return Refused("cases.no_agreement", "No agreement is written down yet; write its items down first.")
    return Refused("cases.no_fulfilment", "Not everything that was agreed is fulfilled; check each item first.")


def _check_result(casetype: CaseType, step: Step, result: str) -> None:
    if not step.results and result:
        raise Refused("cases.result", "This step has no result; leave {value} away.", value=result[:40])
    if len(step.results) > 1 and result not in step.results:
        wanted = joined([casetype.results[name].title for name in step.results])
        raise Refused("cases.result", "Say how it ends: {limit}.", limit=wanted)
