"""Cedar skips a policy that errs; here an error refuses."""

from __future__ import annotations

import cedarpy
import pytest

from cityloom.keeper import basis, decision
from cityloom.keeper.assertion import Claims
from cityloom.keeper.decision import Facts
from cityloom.kernel import clock

SHIPPED = basis.shipped_bases(clock.now())
EMERGENCY, REGISTER = SHIPPED[:2]
PERMIT = "permit (principal, action, resource);"
COMMANDER = Claims("commander-1", "city", ["commander"], 0, 0)


def allows(text: str, claims: Claims = COMMANDER, **facts: object) -> bool:
    return decision.policies_for(EMERGENCY, text).allows(claims, Facts(**({"action": "open"} | facts)))


def test_a_permit_permits() -> None:
    assert allows(PERMIT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{PERMIT} forbid (principal, action, resource);",
        f"{PERMIT} forbid (principal, action, resource) when {{ context.people + 9223372036854775807 > 5 }};",
        f"{PERMIT} forbid (principal, action, resource) unless {{ principal.second_factor }};",
        f"{PERMIT} forbid (principal, action, resource) when {{ context.no_such_fact }};",
    ],
)
def test_no_decision_a_forbid_and_every_error_refuse(text: str) -> None:
    assert not allows(text, people=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "no-such-action"},
        {"people": 2**70},
        {"people": "many"},
        {"fields": (3,)},
        {"fields": (["name"],)},
        {"holder": None},
    ],
)
def test_a_request_that_the_schema_does_not_know_is_refused(wrong: dict[str, object]) -> None:
    assert not allows(PERMIT, **wrong)


def test_names_that_look_like_policy_text_are_only_names() -> None:
    odd = 'x" || true || Account::"commander-1'
    text = 'permit (principal == Account::"commander-1", action, resource);'
    assert allows(text)
    assert not allows(text, Claims(odd, "city", ["commander"], 0, 0))


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda one: one.purpose)
def test_the_shipped_policies_fit_their_schema(shipped: basis.Basis) -> None:
    result = cedarpy.validate_policies(shipped.policy, decision.schema())
    assert result.validation_passed, [error.error for error in result.errors]


def test_a_decision_that_is_remembered_holds_for_its_own_facts_and_policies_only() -> None:
    policies = decision.policies_for(EMERGENCY, "permit (principal, action, resource) when { context.people < 3 };")
    for _ in range(2):
        assert [policies.allows(COMMANDER, Facts("open", people=count)) for count in (2, 3, 4)] == [True, False, False]
    assert not decision.policies_for(EMERGENCY, "").allows(COMMANDER, Facts("open", people=2))
    erring = decision.policies_for(EMERGENCY, f"{PERMIT} forbid (principal, action, resource) when {{ context.x }};")
    assert [erring.allows(COMMANDER, Facts("open")) for _ in range(2)] == [False, False]


def test_a_unit_stands_within_those_around_it() -> None:
    policies = decision.policies_for(EMERGENCY)
    for unit, expected in (("city", True), ("city/nanshan", True), ("citysomething", False), ("", False)):
        claims = Claims("c", unit, ["commander"], 0, 0)
        assert policies.allows(claims, Facts("count", named_rescue=True)) is expected
