"""Case types: what is wrong in one is said with its line, and its table of states decides who may do what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.cases.domain.casetypes import drawing, table
from cityloom.cases.domain.casetypes.reading import casetype_of, shipped
from cityloom.cases.domain.casetypes.table import Standing
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases.casetypes import SMALL, ours, small

DESK = Actor("desk-1", "city/water", frozenset({"case-handler"}))
ELSEWHERE = Actor("desk-2", "city/gas", frozenset({"case-handler"}))
HANDLER = Actor("worker-1", "city/water", frozenset({"social-worker"}))
SEEK = "- {step: seek, title: {en: Seek it, zh-hans: 查找}, from: [lost], to: sought, who: [desk]}"
WRONG = {
    "a state that there is not": ("to: sought", "to: sougt", 14, "did you mean sought?"),
    "a role that there is not": ("who: [desk]", "who: [dessk]", 14, "did you mean desk?"),
    "a holder that is written wrong": ("held_by: [assigned]", "held_by: [asigned]", 7, "did you mean assigned?"),
    "no end": (", ends: true", "", 9, "no state ends a case"),
    "a state that nobody reaches": (SEEK, SEEK.replace("to: sought", "to: lost"), 11, "no step leads from lost to"),
    "a state that nobody leaves": ("from: [sought]", "from: [lost]", 11, "a case in sought can never end"),
    "a result that there is not": ("results: [found, gone]", "results: [fuond]", 15, "did you mean found?"),
    "an end without a result": ("results: [found, gone],", "", 15, "name its results"),
    "against somebody without a reason": ("reason: required", "reason: optional", 15, "say `reason: required`"),
    "a rule that refuses": ("who: [handler]", "who: [city]", 15, "a rule may only grant"),
    "a clock until nowhere": ("until: [over]", "until: [ovver]", 18, "did you mean over?"),
    "silence that nobody may decide": ("escalate_to: desk", "deemed: seek", 18, "the city itself may not take seek"),
    "a limit that is none": ("5 working days", "5 workdays", 18, "is not written as"),
    "a word that there is not": ("keep: 2 years", "keeps: 2 years", 23, "did you mean keep?"),
    "something twice": ("role: handler", "role: desk", 7, "desk stands here twice"),
    "no YAML": ("until: [over]", "until: [over", 18, "not closed"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_with_its_line_and_what_to_do(what: str) -> None:
    written, instead, line, words = WRONG[what]
    with pytest.raises(Refused) as refused:
        casetype_of(SMALL.replace(written, instead))
    assert (refused.value.limit, words in refused.value.sentence) == (line, True), refused.value.sentence


def test_a_file_that_grows_when_it_is_read_is_refused() -> None:
    for text in ("a: &a [1]\nb: *a", "[" * 20 + "]" * 20, "cityloom: !!python/object:os.system x", "x" * 300_000, ""):
        with pytest.raises(Refused):
            casetype_of(text)


@given(st.text(max_size=200))
def test_any_text_is_a_case_type_or_refused(text: str) -> None:
    with pytest.raises(Refused):
        casetype_of(text)


@pytest.mark.parametrize("name", list(shipped()))
def test_types_that_come_with_the_program_are_well(name: str) -> None:
    found = ours(name)
    assert found.name == name
    assert found.first.name in drawing.mermaid(found).replace("_", "-")


def at(state: str, **more: object) -> Standing:
    return Standing(state, "city/water", **more)  # type: ignore[arg-type]


def steps(case: Standing, actor: Actor) -> dict[str, str]:
    """What somebody sees: each step with its refusal."""
    return {
        each.step.name: each.refusal.sentence if each.refusal else "" for each in table.next_steps(small(), case, actor)
    }


def test_the_buttons_of_a_case_say_why_they_are_not_for_somebody() -> None:
    assert steps(at("lost"), DESK) == {"seek": ""}
    assert steps(at("lost"), ELSEWHERE) == {"seek": "This is for the desk; ask one of them."}
    assert steps(at("sought", handler="worker-1"), HANDLER) == {"end": ""}
    own = at("sought", handler="desk-1", taken={"seek": "desk-1"})
    assert steps(own, DESK) == {"end": "You did “Seek it” here yourself; somebody else has to do this."}
    assert steps(at("over"), DESK) == {}


def test_a_step_of_another_state_is_refused_with_both() -> None:
    with pytest.raises(Refused, match="The case is over now; this step is for one that is lost"):
        table.check_can_take(small(), at("over"), DESK, "seek")
    with pytest.raises(Refused, match="found or gone"):
        table.check_can_take(small(), at("sought", handler="worker-1"), HANDLER, "end")


def test_the_city_closes_what_nobody_answered_and_never_declines() -> None:
    request = ours("request")
    assert table.check_can_take(request, at("done"), SYSTEM, "settle").to == "closed"
    with pytest.raises(Refused, match="with a reason"):
        table.check_can_take(request, at("received"), SYSTEM, "decline", "cannot-be-done")


@given(st.data())
def test_no_walk_through_a_table_gets_stuck(data: st.DataObject) -> None:
    """Whatever steps are taken, somebody of the city can lead a case to its end."""
    found = ours(data.draw(st.sampled_from(sorted(shipped()))))
    state = found.first.name
    for _ in range(data.draw(st.integers(0, 8))):
        ways = [step.to for step in found.steps if state in step.sources]
        state = data.draw(st.sampled_from(ways)) if ways else state
    seen, waiting = {state}, [state]
    while waiting:
        here = waiting.pop()
        more = {step.to for step in found.steps if here in step.sources and step.who - {"reporter"}} - seen
        seen |= more
        waiting += more
    assert any(found.states[one].ends for one in seen)
