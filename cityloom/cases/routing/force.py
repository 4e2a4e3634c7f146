"""Which version of the routing rules, and which classifier, is in force; and since when, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cityloom.cases.models import InForce
from cityloom.kernel.actor import Actor

ROUTING, CLASSIFIER = "routing", "classifier"


@dataclass(frozen=True)
class Step:
    """A version came into force; a `number` of None: none is any more."""

    number: int | None
    digest: str
    threshold: float | None
    by: str
    since: datetime


def now(what: str) -> Step | None:
    """What is in force; None where nobody ever said anything."""
    row = InForce.objects.filter(what=what).order_by("-id").first()
    return _step(row) if row else None


def steps(what: str, most: int = 50) -> list[Step]:
    """What came into force, the newest first."""
    return [_step(row) for row in InForce.objects.filter(what=what).order_by("-id")[:most]]


def put(what: str, number: int | None, digest: str, threshold: float | None, by: Actor, at: datetime) -> bool:
    """Let a version be in force from now on; False where it is already, just so."""
    held = now(what)
    if held is not None and (held.number, held.digest, held.threshold) == (number, digest, threshold):
        return False
    InForce.objects.create(what=what, number=number, digest=digest, threshold=threshold, by=by.account, since=at)
    return True


def _step(row: InForce) -> Step:
    return Step(row.number, row.digest, row.threshold, row.by, row.since)
