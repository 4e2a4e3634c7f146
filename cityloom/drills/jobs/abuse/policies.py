"""A10: a policy that errs, overflows, or knows nobody of that name; a name that is policy text; a rule that is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from cityloom.drills.jobs.abuse.stage import Stage
from cityloom.keeper import basis as bases
from cityloom.keeper import decision
from cityloom.keeper.assertion import Claims
from cityloom.keeper.basis import Basis
from cityloom.keeper.decision import Facts
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

_PERMIT = "permit (principal, action, resource);"
_PROBES = {
    "a forbid that names an attribute that is missing": "forbid (principal, action, resource) when { context.absent };",
    "a forbid that overflows": "forbid (principal, action, resource) when "
                               "{ context.people + 9223372036854775807 > 5 };",
    "a principal that nobody knows, and a forbid unless it has a second factor":
        "forbid (principal, action, resource) unless { principal.mfa };",
}  # fmt: skip
_NAMES = (
    'x" || true || Account::"commander-1', 'commander-1"; permit (principal, action, resource); //',
    'Account::"commander-1"', "commander-1\x00", "Commander-1", "commander-1 ", "",
)  # fmt: skip
_HOLDER = "holder-1"
_OFFICER = "data-protection-officer"
_MUST_NOT: dict[str, tuple[str, ...]] = {
    "grant": ("role", "unit", "fields", "people", "rescue"), "second": ("role", "another", "step_up"),
    "open": ("role", "unit", "fields", "holder"), "ask": ("role", "unit", "holder", "question"),
    "search": ("role", "unit", "question"), "list": ("role", "unit"), "count": ("role", "unit", "rescue"),
    "revoke": ("role+holder",), "load": ("role", "unit"), "erase": ("role", "unit"), "rotate": ("role", "unit"),
    "back-up": ("role", "unit"), "break-glass": ("role", "unit", "fields", "people"), "review": ("role", "another"),
    "propose-status": ("role", "unit", "people"), "approve-status": ("role", "unit", "another", "step_up"),
    "end-status": ("role",), "link": ("role", "question"), "read": ("role",), "contest": ("role",),
    "propose-purpose": ("role",), "approve-purpose": ("role", "another", "step_up"), "withdraw-purpose": ("role",),
    "watch": ("role",), "set-honey": ("role", "step_up"), "reset-breaker": ("role", "step_up"),
    "unmask": ("role", "step_up"), "seal": ("role", "unit", "fields"),
    "find": ("role", "unit"), "key": ("role", "unit"), "match": ("role", "unit"),
}  # fmt: skip
"""What must not be granted, whoever wrote the policies: a request that is right in all but this."""
_MUST_NOT_OF_ONESELF = {"open": ("role", "fields", "holder", "people"), "ask": ("role", "holder", "question", "people")}
"""The same where residents look at themselves: they are of no unit, and one request is about one person."""
_ROLES = ("social-worker", "commander", "system", "steward", _OFFICER, "case-handler", "supervisor", "operator",
          "auditor", "resident", "duty-officer")  # fmt: skip


def run(stage: Stage) -> None:
    """Try the three ways in which Cedar opens, names that are policy text, and policies that lost a condition."""
    shipped = bases.shipped_bases(clock.now())
    stage.found.tries("the three probes at which Cedar itself says Allow, and each of them as a proposed policy")
    _probes(stage, shipped[0])
    stage.found.tries(f"{len(_NAMES)} names that look like policy text or like somebody else")
    _names(stage, shipped[0])
    stage.found.tries("every condition of every shipped policy taken away, one at a time")
    _mutations(stage, [_with_everything(basis) for basis in shipped])


def _probes(stage: Stage, basis: Basis) -> None:
    for name, forbid in _PROBES.items():
        ghost = Claims("nobody-known" if "principal" in name else "commander-1", "city", ["commander"], 0, 0)
        allowed = decision.policies_for(basis, f"{_PERMIT} {forbid}").allows(ghost, Facts("open", people=1))
        stage.found.stopped("an error is a refusal")
        stage.found.equal(name, "allowed" if allowed else "denied", "denied")
    for name in ("context.absent", "principal.mfa"):
        try:
            decision.check_policy(f"{_PERMIT} forbid (principal, action, resource) when {{ {name} }};")
            code = ""
        except Refused as refusal:
            code = refusal.code
        stage.found.stopped(code or "nothing")
        stage.found.equal(f"a policy that names {name} is proposed", code, "gate.bad_policy")
    control = decision.policies_for(basis, _PERMIT).allows(Claims("commander-1", "city", ["commander"], 0, 0),
                                                           Facts("open", people=1))  # fmt: skip
    stage.found.equal("the same without a forbid", "allowed" if control else "denied", "allowed")


def _names(stage: Stage, basis: Basis) -> None:
    policies = decision.policies_for(basis, 'permit (principal == Account::"commander-1", action, resource);')
    through = sum(policies.allows(Claims(name, "city", ["commander"], 0, 0), Facts("open")) for name in _NAMES)
    through += sum(policies.allows(Claims(name, name, [name], 0, 0), Facts("open", (name,), 1, name, question=name))
                   for name in _NAMES)  # fmt: skip
    stage.found.stopped("names are only names", 2 * len(_NAMES) - through)
    stage.found.equal("strange names that were taken for somebody", through, 0)


def _mutations(stage: Stage, shipped: list[Basis]) -> None:
    made = noticed = 0
    lost: list[str] = []
    for basis in shipped:
        for action, line, text in _mutants(basis.policy):
            made += 1
            if _let_through(replace(basis, policy=text), action):
                noticed += 1
            else:
                lost.append(f"{basis.purpose} {action}: {line}")
    wrong = [f"{basis.purpose} {action}" for basis in shipped for action in _actions(basis.policy)
             if _let_through(basis, action)]  # fmt: skip
    stage.found.equal("requests that must not be, and are granted by the shipped policies", wrong, [])
    stage.found.least("conditions taken away", made, 40)
    stage.found.equal("of them, noticed by a request that is then granted", f"{noticed}{lost or ''}", str(made))
    stage.found.stopped("a condition's absence was noticed", noticed)


def _with_everything(basis: Basis) -> Basis:
    """The same purpose with something in every list, so that a condition is missed for itself alone."""
    return replace(
        basis, fields=basis.fields or ("name",), search=basis.search or ("national_id",), max_subjects=10,
        predicates=basis.predicates or ("is",), approvers=basis.approvers or (_OFFICER,),
        valid_until=clock.now() + timedelta(days=1),
    )  # fmt: skip


def _blocks(text: str) -> Iterator[tuple[list[str], str]]:
    """Each policy, and the actions that it permits."""
    for block in re.split(r"(?=@id)", text):
        actions = re.findall(r'Action::"([^"]+)"', block)
        if actions:
            yield actions, block


def _actions(text: str) -> list[str]:
    return [action for actions, _ in _blocks(text) for action in actions]


def _mutants(text: str) -> Iterator[tuple[str, str, str]]:
    """Every policy with one condition that is always true; the action, the condition, the whole text."""
    for actions, block in _blocks(text):
        inner = re.search(r"when\s*\{(.*)\}", block, re.DOTALL)
        for condition in re.split(r"&&|\|\|", inner[1] if inner else ""):
            mutant = block.replace(condition.strip(), "true", 1)
            for action in actions:
                yield action, condition.strip(), text.replace(block, mutant)


def _let_through(basis: Basis, action: str) -> bool:
    """Whether any request is granted that must not be."""
    policies = decision.policies_for(basis)
    return any(
        policies.allows(claims, facts)
        for wrong in _must_not(basis, action)
        for claims, facts in _requests(basis, action, wrong)
    )


def _must_not(basis: Basis, action: str) -> tuple[str, ...]:
    own = _MUST_NOT_OF_ONESELF if basis.roles == ("resident",) else {}
    return own.get(action, _MUST_NOT[action])


def _requests(basis: Basis, action: str, wrong: str) -> Iterator[tuple[Claims, Facts]]:
    """Requests by everybody that are right in all but one thing."""
    if wrong == "rescue" and basis.purpose != bases.EMERGENCY:
        return
    roles = ("cleaner",) if wrong.startswith("role") else _ROLES
    for role in roles:
        unit = "elsewhere" if wrong == "unit" else basis.units[0]
        facts = Facts(
            action, ("shoe-size",) if wrong == "fields" else basis.fields[:1], 11 if wrong == "people" else 1,
            "somebody-else" if "holder" in wrong else _HOLDER, named_rescue=wrong != "rescue",
            question="no-such" if wrong == "question" else _question(basis, action),
            is_another=wrong != "another", step_up=wrong != "step_up",
        )  # fmt: skip
        yield Claims(_HOLDER, unit, [role], 0, 0), facts


def _question(basis: Basis, action: str) -> str:
    return basis.predicates[0] if action == "ask" else basis.search[0]
