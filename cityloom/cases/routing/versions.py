"""Versions of the routing rules: kept as they were written, refused where they contradict themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import transaction
from django.db.models import Max

from cityloom.accounts import queries as accounts
from cityloom.cases import catalogue
from cityloom.cases.domain.routing import conflicts, rules, standing
from cityloom.cases.domain.routing.conflicts import Findings
from cityloom.cases.domain.routing.rules import Rules
from cityloom.cases.domain.routing.standing import Standing
from cityloom.cases.models import RoutingVersion
from cityloom.cases.routing import force
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_SHOWN = 5
_UNITS = "{value} is no unit of this city; among its units are: {limit}."
_CLASH = ("Between these rules only their order decides who gets a case: {value}. Give one of each pair the higher "
          "priority, or conditions that part them.")  # fmt: skip
_IDLE = ("These rules never fire, since another one always comes before them: {value}. Take them out, or give them the "
         "higher priority.")  # fmt: skip
_GAP = "No rule fits, and there is no `otherwise`, for cases of: {value}. Add a rule, or say who gets what none fits."


@dataclass(frozen=True)
class VersionFacts:
    """A version of the rules without its text."""

    number: int
    name: str
    digest: str
    put_by: str
    put_at: datetime


@dataclass(frozen=True)
class InForceNow:
    """The rules that route, and the number of their version."""

    number: int
    rules: Rules


def read(text: str) -> Rules:
    """Rules that somebody wrote, with the categories of this city's case types.

    Raises: Refused `cases.rules_too_large`, `cases.rules_unreadable`, `cases.rules_unfit`, `cases.no_such_type`.
    """
    return rules.rules_of(text, _standing(rules.casetypes_in(text)))


def findings(found: Rules) -> Findings:
    """What is to be said of rules in this city: its smallest units are the areas, where the rules name any.

    Raises: Refused `cases.rules_too_many`.
    """
    named = any(rule.areas for rule in found.rules)
    return conflicts.check(found, [unit for unit, kind, *_ in accounts.districts() if kind == "community"]
                           if named else ())  # fmt: skip


def check(found: Rules, said: Findings) -> None:
    """Raises: Refused `cases.rules_unit`, `cases.rules_clash`, `cases.rules_idle`, `cases.rules_gap`."""
    strange = sorted(found.units - accounts.unit_names_of(found.units).keys())
    if strange:
        known = ", ".join(unit for unit, _ in accounts.units()[:12])
        raise Refused("cases.rules_unit", _UNITS, value=strange[0], limit=known or "–")
    if clashes := conflicts.clashes(said):
        raise Refused("cases.rules_clash", _CLASH, value=_listed([f"{one.first} – {one.second}" for one in clashes]))
    if said.idle:
        raise Refused("cases.rules_idle", _IDLE, value=_listed([one.rule for one in said.idle]))
    if said.gaps and not found.otherwise:
        raise Refused("cases.rules_gap", _GAP, value=_listed(sorted({c for gap in said.gaps for c in gap.categories})))


def put(text: str, by: Actor, at: datetime) -> int:
    """Keep rules as the next version and let them route from now on; return its number.

    Rules that were kept before are not kept twice: they are in force again, under their own number.
    """
    found = read(text)
    check(found, findings(found))
    digest = hashlib.sha256(text.encode()).hexdigest()
    with transaction.atomic():
        row = RoutingVersion.objects.filter(digest=digest).first() or _kept(text, found, digest, by, at)
        force.put(force.ROUTING, row.number, row.digest, None, by, at)
    return row.number


def withdraw(by: Actor, at: datetime) -> None:
    """Let no rules route any more. Raises: Refused `cases.no_rules`."""
    if in_force() is None:
        raise Refused("cases.no_rules", "No routing rules are in force; a case gets the unit of its category.")
    force.put(force.ROUTING, None, "", None, by, at)


def in_force() -> InForceNow | None:
    """The rules that route now, read once for each text; two statements, one where there are none."""
    step = force.now(force.ROUTING)
    if step is None or step.number is None:
        return None
    row = RoutingVersion.objects.filter(number=step.number).values_list("casetypes", flat=True).first()
    held = _standing(tuple((row or "").split(",")))
    return InForceNow(step.number, _parsed(step.digest, tuple(held.items())))


def versions() -> list[VersionFacts]:
    """All versions, the newest first."""
    rows = RoutingVersion.objects.order_by("-number")
    return [VersionFacts(*row) for row in rows.values_list("number", "name", "digest", "put_by", "put_at")]


def text_of(number: int) -> str:
    """What a version says, as it was written. Raises: Refused `cases.no_rules_version`."""
    found = RoutingVersion.objects.filter(number=number).values_list("document", flat=True).first()
    if found is None:
        known = ", ".join(str(one.number) for one in versions()[:20])
        raise Refused("cases.no_rules_version", "There is no version {value} of the routing rules; there are: {limit}.",
                      value=number, limit=known or "–")  # fmt: skip
    return found


def _kept(text: str, found: Rules, digest: str, by: Actor, at: datetime) -> RoutingVersion:
    number = (RoutingVersion.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    return RoutingVersion.objects.create(
        id=ids.named_id("routing", digest), number=number, name=found.name, document=text, digest=digest,
        casetypes=",".join(found.casetypes), put_by=by.account, put_at=at,
    )  # fmt: skip


def _standing(casetypes: Sequence[str]) -> Standing:
    found: dict[str, tuple[str, ...]] = {}
    for name in casetypes:
        found |= standing.standing_of(name, catalogue.newest(name).categories)
    return found


@lru_cache(maxsize=16)
def _parsed(digest: str, held: tuple[tuple[str, tuple[str, ...]], ...]) -> Rules:
    return rules.rules_of(RoutingVersion.objects.values_list("document", flat=True).get(digest=digest), dict(held))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" (+{len(names) - _SHOWN})" if len(names) > _SHOWN else "")
