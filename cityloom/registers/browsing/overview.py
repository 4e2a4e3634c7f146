"""What each register holds, as its loads have counted it: nothing is counted again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Count

from cityloom.registers.domain.kinds import REGISTERS
from cityloom.registers.models import Load, SetAside, Source


@dataclass
class Held:
    """A register: what its sources still say of entries, summed up; its sources, its last load, what waits.

    `true_on` is the latest day of which a file told.
    """

    register: str
    entries: int = 0
    sources: set[str] = field(default_factory=set)
    load: int = 0
    known_at: datetime | None = None
    true_on: date | None = None
    waiting: int = 0

    @property
    def named(self) -> str:
        """Its sources in one line."""
        return ", ".join(sorted(self.sources))

    def days_old(self, today: date) -> int | None:
        """How long ago its latest file was true; None where there is none."""
        return (today - self.true_on).days if self.true_on else None


def held() -> list[Held]:
    """Every register."""
    out = {name: Held(name) for name in REGISTERS}
    sources = dict(Source.objects.values_list("id", "name"))
    register_of = {}
    done = Load.objects.filter(state=Load.DONE).order_by("number")
    columns = ("number", "register", "source_id", "counts", "as_of", "finished_at")
    for number, register, source, counts, as_of, finished_at in done.values_list(*columns):
        register_of[number] = register
        if (one := out.get(register)) is None:
            continue
        one.entries += counts.get("new", 0) - counts.get("gone", 0)
        one.sources.add(sources[source])
        one.load, one.known_at = number, finished_at
        one.true_on = max(one.true_on or as_of, as_of)
    waiting = SetAside.objects.filter(back_in=None).values_list("load").annotate(Count("id"))
    for load, count in waiting:
        if register_of.get(load) in out:
            out[register_of[load]].waiting += count
    return list(out.values())
