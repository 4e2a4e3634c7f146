"""Rule packs that the city keeps: versions that stay as they were written, and which of them is in force."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import transaction
from django.db.models import Max

from cityloom.bus import actions as bus
from cityloom.detection import policies
from cityloom.detection.domain import cause as causes
from cityloom.detection.domain import pack as packs
from cityloom.detection.domain.cause import Cause
from cityloom.detection.domain.judging import LONGEST_REASON
from cityloom.detection.domain.pack import Pack
from cityloom.detection.events import RulesPutInForce, RulesWithdrawn
from cityloom.detection.models import PackStep, PackVersion
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_NO_VERSION = "There is no version {value} of the rule pack {limit}; look at its history."
_TWO_KINDS = "There is a pack {value} of another kind already; rules and causes have each a name of their own."
_NOT_IN_FORCE = "The rule pack {value} is not in force, so it cannot be taken out of it."


@dataclass(frozen=True)
class VersionFacts:
    """A version of a pack; `by` is an account's id, `in_force_since` None where another one is in force, or none."""

    pack: str
    number: int
    text: str
    digest: str
    by: str
    unit: str
    role: str
    reason: str
    at: datetime
    in_force_since: datetime | None


@dataclass(frozen=True)
class StepFacts:
    """When which version came into force; 0 where the pack was taken out of force."""

    pack: str
    number: int
    unit: str
    role: str
    reason: str
    at: datetime


def in_force() -> dict[str, VersionFacts]:
    """The version of each pack that is in force, by the pack's name."""
    return {step.pack: _facts(step.version, step.at) for step in _last_steps() if step.version}


def packs_in_force() -> list[Pack]:
    """The rule packs that are in force, by name."""
    found = [written(version.text) for _name, version in sorted(in_force().items())]
    return [one for one in found if isinstance(one, Pack)]


def rules_in_force() -> dict[str, VersionFacts]:
    """The versions of rule packs that are in force, by the pack's name."""
    return {name: one for name, one in in_force().items() if isinstance(written(one.text), Pack)}


def causes_in_force() -> list[str]:
    """The texts of the cause packs that are in force, in the order of their names."""
    return [one.text for _name, one in sorted(in_force().items()) if isinstance(written(one.text), Cause)]


def versions_of(pack: str) -> list[VersionFacts]:
    """All versions of a pack, newest first."""
    held = in_force().get(pack)
    rows = PackVersion.objects.filter(pack=pack).order_by("-number")
    return [_facts(row, held.in_force_since if held and held.number == row.number else None) for row in rows]


def steps_of(pack: str) -> list[StepFacts]:
    """When which version was in force, newest first."""
    rows = PackStep.objects.filter(pack=pack).select_related("version").order_by("-id")
    return [StepFacts(row.pack, row.version.number if row.version else 0, row.unit, row.role, row.reason, row.at)
            for row in rows]  # fmt: skip


def version(pack: str, number: int) -> VersionFacts:
    """A version of a pack.

    Raises: Refused `detection.no_version`.
    """
    return next((one for one in versions_of(pack) if one.number == number), None) or _none(pack, number)


def names() -> set[str]:
    """The packs of which the city keeps a version."""
    return set(PackVersion.objects.order_by().values_list("pack", flat=True).distinct())


@lru_cache(maxsize=256)
def written(text: str) -> Pack | Cause:
    """The rules or the cause that is written; read once.

    Raises: Refused like `pack.pack_of`.
    """
    return causes.cause_of(text) if causes.is_cause(text) else packs.pack_of(text)


@transaction.atomic
def keep(text: str, reason: str, by: Actor, at: datetime) -> tuple[str, int]:
    """Keep rules as a new version and return the pack's name and number; the newest version again is that one."""
    pack = written(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    last = PackVersion.objects.filter(pack=pack.name).order_by("-number").first()
    if last is not None and isinstance(written(last.text), Pack) != isinstance(pack, Pack):
        raise Refused("detection.pack_name", _TWO_KINDS, value=pack.name)
    if last is not None and last.digest == digest:
        return pack.name, last.number
    number = (PackVersion.objects.filter(pack=pack.name).aggregate(most=Max("number"))["most"] or 0) + 1
    PackVersion.objects.create(
        pack=pack.name, number=number, text=text, digest=digest, by=by.account, unit=by.unit[:80], role=_role(by),
        reason=" ".join(reason.split())[:LONGEST_REASON], at=at,
    )  # fmt: skip
    return pack.name, number


@transaction.atomic
def put(pack: str, number: int, reason: str, by: Actor, at: datetime) -> None:
    """Put a version in force, and announce it.

    Raises: Refused `detection.no_version`, `detection.role`, `detection.alone`.
    """
    row = PackVersion.objects.filter(pack=pack, number=number).first()
    if row is None:
        raise Refused("detection.no_version", _NO_VERSION, value=number, limit=pack)
    words = policies.check_can_put_in_force(by, row.by, reason)
    held = in_force().get(pack)
    if held is not None and held.number == number:
        return
    pack_of = written(row.text)
    rules = len(pack_of.rules) if isinstance(pack_of, Pack) else 0
    _step(pack, row, words, by, at)
    bus.publish(RulesPutInForce(pack, number, row.digest, rules, at), at=at)


@transaction.atomic
def withdraw(pack: str, reason: str, by: Actor, at: datetime) -> None:
    """Take a pack out of force, and announce it.

    Raises: Refused `detection.not_in_force`, `detection.role`, `detection.alone`.
    """
    words = policies.check_can_put_in_force(by, by.account, reason)
    if pack not in in_force():
        raise Refused("detection.not_in_force", _NOT_IN_FORCE, value=pack)
    _step(pack, None, words, by, at)
    bus.publish(RulesWithdrawn(pack, at), at=at)


def _step(pack: str, row: PackVersion | None, reason: str, by: Actor, at: datetime) -> None:
    PackStep.objects.create(
        pack=pack, version=row, by=by.account, unit=by.unit[:80], role=_role(by), reason=reason, at=at
    )  # fmt: skip


def _last_steps() -> list[PackStep]:
    newest = PackStep.objects.order_by().values("pack").annotate(last=Max("id")).values_list("last", flat=True)
    return list(PackStep.objects.filter(id__in=list(newest)).select_related("version"))


def _facts(row: PackVersion, since: datetime | None) -> VersionFacts:
    return VersionFacts(
        row.pack, row.number, row.text, row.digest, row.by, row.unit, row.role, row.reason, row.at, since
    )  # fmt: skip


def _none(pack: str, number: int) -> VersionFacts:
    raise Refused("detection.no_version", _NO_VERSION, value=number, limit=pack)


def _role(by: Actor) -> str:
    """The role in which somebody acts here, as far as it can be told."""
    return next(iter(sorted(by.roles & policies.PACK_WRITERS)), "")
