"""What a table of states needs beyond its form: known names, states reached and left, somebody for each step."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cityloom.cases.domain.approvals import prefill
from cityloom.cases.domain.casetypes.casetype import HOLDERS, REPORTER, SYSTEM, CaseType, Clock, Field, Step
from cityloom.kernel import written
from cityloom.kernel.refused import Detail
from cityloom.kernel.written import Document, Place

NAMED = (("categories", "category"), ("roles", "role"), ("states", "state"), ("steps", "step"), ("form", "field"),
         ("clocks", "clock"), ("results", "result"), ("evidence", "evidence"), ("conditions", "condition"),
         ("grounds", "ground"))  # fmt: skip
"""Lists of a case type and what names a row in each; a name stands once."""
_Found = tuple[Place, Detail]
_CHOSEN = ("choice", "choices")
_COUNTED = ("integer", "number")


def check(found: CaseType, document: Document) -> None:
    """Find what a case of this type would run into.

    Raises: Fault, for the first that is found in the order in which a person would mend it.
    """
    for each in (_names, _roles, _ends, _reached, _left, _results, _form, _stated, _clocks, _processes):
        for place, words in each(found):
            raise written.wrong(place, words, document)


def _names(found: CaseType) -> Iterator[_Found]:
    """Steps speak of states, roles, results and steps that there are."""
    earlier = [step.name for step in found.steps]
    for at, step in enumerate(found.steps):
        place: Place = ("steps", at)
        yield from _unknown((*place, "from"), step.sources, found.states)
        yield from _unknown((*place, "to"), [step.to], found.states)
        yield from _unknown((*place, "who"), sorted(step.who), found.roles)
        yield from _unknown((*place, "results"), step.results, found.results)
        yield from _unknown((*place, "other_than"), sorted(step.other_than), earlier)


def _roles(found: CaseType) -> Iterator[_Found]:
    """A holder that is written like one of ours but is none, as `asigned`, would be a role that no account has."""
    for at, role in enumerate(found.roles.values()):
        for holder in sorted(role.held_by):
            near = written.meant(holder, HOLDERS)
            if holder not in HOLDERS and near.template.startswith("{value} (did"):
                yield ("roles", at, "held_by"), near


def _ends(found: CaseType) -> Iterator[_Found]:
    if not any(state.ends for state in found.states.values()):
        yield ("states",), Detail("no state ends a case; say `ends: true` at one")
    if found.first.ends:
        yield ("states", 0), Detail("{value} is where a case begins, and cannot end it", found.first.name)


def _reached(found: CaseType) -> Iterator[_Found]:
    """States that no steps lead to from the first."""
    seen = _reachable(found, found.first.name)
    for at, name in enumerate(found.states):
        if name not in seen:
            yield ("states", at), Detail("no step leads from {limit} to {value}; add one, or take the state away",
                                         name, found.first.name)  # fmt: skip


def _left(found: CaseType) -> Iterator[_Found]:
    """States from which no end can be reached, or only by steps of the reporter."""
    ends = {state.name for state in found.states.values() if state.ends}
    for at, (name, state) in enumerate(found.states.items()):
        if state.ends:
            continue
        if not _reachable(found, name) & ends:
            yield ("states", at), Detail("a case in {value} can never end; add a step that leads on", name)
        elif not _reachable(found, name, without={REPORTER}) & ends:
            yield ("states", at), Detail("only the reporter can lead a case on from {value}; add a step of the city",
                                         name)  # fmt: skip


def _reachable(found: CaseType, start: str, without: Collection[str] = ()) -> set[str]:
    seen, waiting = {start}, [start]
    steps = [step for step in found.steps if _takers(found, step) - set(without)]
    while waiting:
        here = waiting.pop()
        more = {step.to for step in steps if here in step.sources} - seen
        seen |= more
        waiting.extend(more)
    return seen


def _takers(found: CaseType, step: Step) -> set[str]:
    """Who may take a step: roles of accounts and holders."""
    return {holder for name in step.who for holder in found.roles[name].held_by}


def _results(found: CaseType) -> Iterator[_Found]:
    """What is against somebody is for a person; a step that ends says how where the type knows results."""
    for at, step in enumerate(found.steps):
        ends = found.states[step.to].ends
        if ends and found.results and not step.results and not _has_result(found, step):
            yield ("steps", at), Detail("{value} ends the case; name its results", step.name)
        against = [name for name in step.results if found.results[name].is_against]
        if against and _takers(found, step) <= {SYSTEM}:
            yield ("steps", at, "who"), Detail("{value} would refuse without a person; a rule may only grant",
                                               step.name)  # fmt: skip
        if against and step.reason != "required":
            yield ("steps", at), Detail("{value} can end against somebody; say `reason: required`", step.name)


def _has_result(found: CaseType, step: Step) -> bool:
    """Whether a case has its result before this step: every step into its sources gives one."""
    into = [each for each in found.steps if each.to in step.sources and each is not step]
    return bool(into) and all(each.results for each in into)


def _form(found: CaseType) -> Iterator[_Found]:
    for at, field in enumerate(found.form):
        place: Place = ("form", at)
        yield from _unknown((*place, "categories"), sorted(field.categories), found.categories)
        if field.prefill and prefill.wish_of(field) is None:
            words = Detail("nothing fills in {value}; there are: {limit}", field.prefill, prefill.KNOWN)
            yield (*place, "prefill"), words
        if wanted := _lacking(field):
            yield place, Detail("{value} needs {limit} beside it", field.kind, wanted)
        if field.choices and field.kind not in _CHOSEN:
            yield (*place, "choices"), Detail("{value} has no meaning beside {limit}", "choices", field.kind)
        if (field.least, field.most) != (None, None) and field.kind not in _COUNTED:
            yield place, Detail("{value} has no meaning beside {limit}", "least, most", field.kind)
        if field.least is not None and field.most is not None and field.least > field.most:
            yield place, Detail("least is more than most: no number is both")


def _stated(found: CaseType) -> Iterator[_Found]:
    for part, rows in (("evidence", found.evidence), ("conditions", found.conditions), ("grounds", found.grounds)):
        for at, row in enumerate(rows):
            yield from _unknown((part, at, "categories"), sorted(row.categories), found.categories)


def _lacking(field: Field) -> str:
    return "choices" if field.kind in _CHOSEN and not field.choices else ""


def _clocks(found: CaseType) -> Iterator[_Found]:
    known = [clock.name for clock in found.clocks]
    for at, category in enumerate(found.categories.values()):
        yield from _unknown(("categories", at, "limits"), list(category.limits), known)
    for at, clock in enumerate(found.clocks):
        place: Place = ("clocks", at)
        yield from _unknown((*place, "since"), sorted(clock.since), found.states)
        yield from _unknown((*place, "until"), sorted(clock.until), found.states)
        yield from _unknown((*place, "categories"), sorted(clock.categories), found.categories)
        units = {found.limit_of(clock, category).unit for category in ["", *found.categories]}
        if clock.extend and units != {clock.extend.unit}:
            yield (*place, "extend"), Detail("a limit in {limit} is extended in the same, not in {value}",
                                             clock.extend.unit, ", ".join(sorted(units)))  # fmt: skip
        if clock.escalate_to:
            yield from _unknown((*place, "escalate_to"), [clock.escalate_to], found.roles)
        if clock.deemed:
            yield from _deemed((*place, "deemed"), clock, found)


def _deemed(place: Place, clock: Clock, found: CaseType) -> Iterator[_Found]:
    """What silence decides is a step that the city may take from every state in which time runs, and never against."""
    yield from _unknown(place, [clock.deemed], [step.name for step in found.steps])
    step = found.step(clock.deemed)
    if step is None:
        return
    if SYSTEM not in _takers(found, step):
        yield place, Detail("the city itself may not take {value}; give the step to a role held by `system`", step.name)
    if any(found.results[name].is_against for name in step.results):
        yield place, Detail("{value} would refuse without a person; a rule may only grant", step.name)
    running = set(clock.since) or {name for name, state in found.states.items() if not state.ends and not state.pauses}
    running -= clock.until
    if missing := sorted(running - set(step.sources)):
        yield place, Detail("{value} is not possible in {limit}, where this clock runs", step.name, missing[0])


def _processes(found: CaseType) -> Iterator[_Found]:
    """What a process waits for, leads to and shows is there, and possible where it runs."""
    fields = [field.name for field in found.form] + [one.name for one in found.evidence]
    for at, state in enumerate(found.states.values()):
        place: Place = ("states", at)
        beside = state.process_before or state.process_then or state.process_silence or state.process_shows
        if (beside and not state.process) or (state.process and state.ends):
            yield place, Detail("{value} runs no process; name one, in a state that is not the end", state.name)
        here = [step.name for step in found.steps if state.name in step.sources]
        yield from _unknown((*place, "process_before"), sorted(state.process_before), here)
        yield from _unknown((*place, "process_shows"), sorted(state.process_shows or ()), fields)
        if state.process_then:
            yield from _unknown((*place, "process_then"), [state.process_then], here)
            yield from _led_to((*place, "process_then"), state.process_then, found)


def _led_to(place: Place, name: str, found: CaseType) -> Iterator[_Found]:
    step = found.step(name)
    if step is not None and SYSTEM not in _takers(found, step):
        yield place, Detail("the city itself may not take {value}; give the step to a role held by `system`", name)
    if step is not None and len(step.results) > 1:
        yield place, Detail("{value} has several results, and the end of a process chooses none", name)


def _unknown(place: Place, names: Collection[str], known: Collection[str]) -> Iterator[_Found]:
    for name in names:
        if name not in known:
            yield place, Detail("there is no {value}", written.meant(name, list(known)))
