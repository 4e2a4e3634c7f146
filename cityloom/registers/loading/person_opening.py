"""What files said of a person, for those who keep the register true: found by a number, opened under a grant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.apps import apps

from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import policies, queries
from cityloom.registers.domain.checks import plain
from cityloom.registers.domain.facts import PersonFact
from cityloom.registers.loading.turn import turn

FIELDS = ("name", "national_id", "phone", "birth_date", "need_note")
_INDEXED_AT_ONCE = 20_000
FOUND_BY = ("national_id", "phone")


def find(field: str, value: str, *, by: Actor, at: datetime) -> list[int]:
    """Whom a number belongs to; each search is logged and counts as an opening.

    Raises: Refused `registers.role`, `registers.no_such_search`, and what the gate refuses.
    """
    policies.check_can_search_people(by)
    if field not in FOUND_BY:
        raise Refused("registers.no_such_search", "People are found by {limit}, not by {value}.", value=field[:40],
                      limit=", ".join(FOUND_BY))  # fmt: skip
    return gate.search(by=by, at=at, purpose=gate_queries.REGISTER, field=field, value=value).tolist()


def token(source: str, key: str, *, at: datetime) -> int:
    """What the register knows a source's own number by; the asking is in the log."""
    return int(gate.register_tokens(by=SYSTEM, at=at, source=source, keys=[plain(key)])[0])


def index_all(*, by: Actor, at: datetime) -> int:
    """Go through every envelope inside the keeper; again changes nothing, and shows nobody."""
    table, last, done = apps.get_model("gate", "Envelope"), 0, 0
    with turn():
        while some := list(table._default_manager.filter(subject__gt=last).order_by("subject")
                           .values_list("subject", flat=True)[:_INDEXED_AT_ONCE]):  # fmt: skip
            done += gate.follow_versions(by=by, at=at, subjects=some)
            last = some[-1]
    return done


def open_versions(subject: int, *, by: Actor, at: datetime) -> dict[int, dict[str, str]]:
    """What each record of a person said, by record; each version that is opened is a leaf of the log.

    Raises: Refused `registers.role`, `registers.not_assigned`, and what the gate refuses.
    """
    policies.check_can_search_people(by)
    facts = [fact for fact in queries.person_facts(subject=subject) if not fact.is_gone]
    held = [grant for grant in gate_queries.grants_of(by, at)
            if grant.purpose == gate_queries.REGISTER and subject in grant.subjects]  # fmt: skip
    if not held:
        raise Refused("registers.not_assigned", "Nobody has assigned this person to you for keeping the register "
                      "true; ask the data protection officer to do so, and say why.")  # fmt: skip
    versions = _sealed(subject, facts)
    sealed, fields = [(subject, one) for one in versions.values()], [name for name in FIELDS if name in held[0].fields]
    opened = gate.open_versions(by=by, at=at, grant_id=held[0].id, versions=sealed, fields=fields)
    return {record: says for record, says in zip(versions, opened, strict=True) if says is not None}


def _sealed(subject: int, facts: Sequence[PersonFact]) -> dict[int, bytes]:
    """By record what was sealed then; the first one is in force as long as none has followed."""
    now, kept = gate_queries.versions_of(subject)
    return {fact.record: envelope for fact in facts if (envelope := kept.get(fact.record, now)) is not None}
