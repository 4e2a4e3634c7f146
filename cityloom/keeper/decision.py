"""May they: one Cedar decision for a request, on the policies of one purpose.

Cedar skips a policy that errs, so a `forbid` that errs would let through: here any error is a refusal, and so is an
answer that is not Allow.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from functools import lru_cache

from cedarpy import Decision, Entities, PolicySet, Schema, is_authorized, validate_policies

from cityloom.keeper.assertion import Claims
from cityloom.keeper.basis import POLICIES, Basis
from cityloom.kernel.refused import Refused

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Facts:
    """What a policy may know of one request besides who asks."""

    action: str
    fields: tuple[str, ...] = ()
    people: int = 0
    holder: str = ""
    named_rescue: bool = False
    question: str = ""
    is_another: bool = False
    step_up: bool = False


class Policies:
    """The prepared policies of one purpose, with its legal basis as an entity."""

    def __init__(self, basis: Basis, schema: Schema) -> None:
        self._basis = basis
        self._schema = schema
        self._policies = PolicySet.from_str(basis.policy)
        self._entities = lru_cache(maxsize=1024)(self._prepare)
        self._known = lru_cache(maxsize=4096)(self.evaluate)  # a decision sees nothing but these policies and its facts

    def allows(self, claims: Claims, facts: Facts) -> bool:
        """Whether the policies permit this; False for every error and for every answer that is not Allow."""
        try:
            return self._known(claims.account, claims.unit, tuple(claims.roles), facts)
        except TypeError:  # facts of a kind that cannot be remembered are none that the schema knows
            return False

    def evaluate(self, account: str, unit: str, roles: tuple[str, ...], facts: Facts) -> bool:
        """The same, computed anew."""
        try:
            entities = self._entities(account, unit, roles)
            answer = is_authorized(self._request(account, facts), self._policies, entities, self._schema)
        except (ValueError, TypeError) as error:
            _log.warning("policy evaluation failed: %s", type(error).__name__)
            return False
        if answer.diagnostics.errors:
            _log.warning("policies of %s erred in %s", self._basis.purpose, facts.action)
            return False
        return answer.decision is Decision.Allow

    def _request(self, account: str, facts: Facts) -> dict[str, object]:
        return {
            "principal": {"type": "Account", "id": account},
            "action": {"type": "Action", "id": facts.action},
            "resource": {"type": "Purpose", "id": self._basis.purpose},
            "context": {
                "holder": {"__entity": {"type": "Account", "id": facts.holder}},
                "fields": sorted(facts.fields),
                "people": facts.people,
                "named_rescue": facts.named_rescue,
                "question": facts.question,
                "is_another": facts.is_another,
                "step_up": facts.step_up,
            },
        }

    def _prepare(self, account: str, unit: str, roles: tuple[str, ...]) -> Entities:
        chain = _enclosing(unit)
        units = [_entity("Unit", name, parents=chain[at + 1 : at + 2]) for at, name in enumerate(chain)]
        basis = self._basis
        purpose = {
            "fields": list(basis.fields), "roles": list(basis.roles), "max_subjects": basis.max_subjects,
            "granters": list(basis.granters), "approvers": list(basis.approvers), "search": list(basis.search),
            "predicates": list(basis.predicates),
            "units": [{"__entity": {"type": "Unit", "id": unit}} for unit in basis.units],
        }  # fmt: skip
        people = [_entity("Account", account, attrs={"roles": list(roles)}, parents=chain[:1])]
        return Entities.from_json_str(
            json.dumps([*units, *people, _entity("Purpose", basis.purpose, attrs=purpose)]), self._schema
        )


@lru_cache(maxsize=1)
def schema() -> Schema:
    """The schema that all policies share."""
    return Schema.from_str(_schema_text())


def policies_for(basis: Basis, text: str | None = None) -> Policies:
    """The prepared policies of a purpose, its own unless a text is given."""
    return Policies(basis if text is None else replace(basis, policy=text), schema())


def check_policy(text: str) -> None:
    """Refuse a Cedar text that the schema does not know.

    Raises: Refused `gate.bad_policy`.
    """
    try:
        result = validate_policies(text, _schema_text())
    except (ValueError, TypeError) as error:
        raise _bad_policy(str(error)) from error
    if not result.validation_passed:
        raise _bad_policy("; ".join(str(each.error) for each in result.errors))


def _bad_policy(why: str) -> Refused:
    return Refused("gate.bad_policy", "The policy is not valid: {value}. Correct it and propose it again.",
                   value=why[:300])  # fmt: skip


@lru_cache(maxsize=1)
def _schema_text() -> str:
    return (POLICIES / "schema.cedarschema").read_text()


def _entity(kind: str, name: str, *, attrs: dict | None = None, parents: list[str] | None = None) -> dict:
    return {
        "uid": {"type": kind, "id": name},
        "attrs": attrs or {},
        "parents": [{"type": "Unit", "id": parent} for parent in parents or []],
    }


def _enclosing(unit: str) -> list[str]:
    """`city/nanshan/c01`, `city/nanshan`, `city`: a unit and those around it, nearest first."""
    parts = [part for part in unit.split("/") if part]
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
