"""What residents report, and what a type of case lets those do who reported one: answer, take it back."""

from __future__ import annotations

from cityloom.cases.domain.casetypes.casetype import REPORTER, CaseType, Step
from cityloom.cases.domain.verdicts import CONFIRM

URGENT = frozenset({"ground-collapse", "gas-leak", "fire", "flood", "power-line"})
"""What is for the emergency number and for detection, not for a desk."""
SAME_AS_URGENT = frozenset({"flooding"})
"""Categories of requests that residents find under an urgent one: standing water is for those on duty first."""
ANONYMOUS, CONFIDENTIAL, NAMED = "anonymous", "confidential", "named"
"""Who may know how to reach whoever reports: nobody, somebody for a stated reason, those who work on it."""


def answer_in(casetype: CaseType, state: str) -> Step | None:
    """The step by which the reporter answers, in a state in which the clock waits for them."""
    waits = casetype.states[state].pauses
    steps = (step for step in casetype.steps if waits and state in step.sources)
    return next((step for step in steps if _is_reporters(casetype, step) and not casetype.states[step.to].ends), None)


def way_out(casetype: CaseType) -> Step | None:
    """The step by which whoever reported something takes it back: to an end, but not to confirm it."""
    steps = (step for step in casetype.steps if step.name != CONFIRM and casetype.states[step.to].ends)
    return next((step for step in steps if _is_reporters(casetype, step)), None)


def _is_reporters(casetype: CaseType, step: Step) -> bool:
    return any(REPORTER in casetype.roles[role].held_by for role in step.who)
