"""What a load of people leaves at the keeper and in the city's tables until it is known, and what takes it back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.apps import apps
from django.db.models import Max

from cityloom.gate import actions as gate
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.registers.models import NOBODY, Load, PersonRecord, Resident
from cityloom.registers.trust import pairs

T = TypeVar("T")
_AT_ONCE = 10_000
_PATIENCE_S = 10.0


def highest_subject() -> int:
    """The highest id that anybody has; slots are given in order, so everybody new has a higher one."""
    return max(table._default_manager.aggregate(most=Max("subject"))["most"] or 0 for table in (Resident, PersonRecord))


def drop_orphans(load: Load) -> None:
    """Destroy the secrets of people who were sealed when the load was cut short, and not written."""
    last = Resident.objects.filter(subject__gte=load.hides_from).aggregate(most=Max("subject"))["most"]
    _patiently(lambda: gate.take_back_people(by=SYSTEM, at=clock.now(), after=last or load.hides_from - 1))


def take_back(load: Load) -> None:
    """Remove the people who are new with a load; whoever was there before is as before."""
    first, last = load.number << 32, (load.number + 1 << 32) - 1
    version = apps.get_model("gate", "EnvelopeVersion")
    _delete(version._default_manager.filter(id__gte=first, id__lte=last))
    pairs.forget(load.number)
    if load.hides_from == NOBODY:
        return
    for table in (Resident, apps.get_model("gate", "Envelope")):
        _delete(table._default_manager.filter(subject__gte=load.hides_from))
    _patiently(lambda: gate.take_back_people(by=SYSTEM, at=clock.now()))
    gate.reveal_people(by=SYSTEM, at=clock.now())


def _delete(rows: object) -> None:
    while some := list(rows.values_list("pk", flat=True)[:_AT_ONCE]):  # type: ignore[attr-defined]
        rows.model._default_manager.filter(pk__in=some).delete()  # type: ignore[attr-defined]


def _patiently(ask: Callable[[], T]) -> T:
    """Ask again while the keeper's sealing processes of a load that was cut short come to their end."""
    watch, began = clock.stopwatch, clock.stopwatch()
    while True:
        try:
            return ask()
        except Refused as refusal:
            if refusal.code != "gate.loading" or watch() - began > _PATIENCE_S:
                raise
            time.sleep(0.05)
