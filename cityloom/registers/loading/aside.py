"""Rows that broke a rule wait for a correction."""

from __future__ import annotations

from cityloom.registers.domain.checks import Checked
from cityloom.registers.domain.mapping import FileMapping
from cityloom.registers.domain.tables import Rows
from cityloom.registers.models import Load, SetAside


def set_aside(load: Load, mapping: FileMapping, batch: Rows, checked: Checked) -> None:
    """Keep what is wrong; the row itself only where its file tells nothing about people (decision 0021)."""
    if load.returns:
        good = [batch.numbers[place] for place in checked.good]
        SetAside.objects.filter(load=load.returns, row__in=good).update(back_in=load.number)
        for place, faults in checked.faults.items():
            still = SetAside.objects.filter(load=load.returns, row=batch.numbers[place])
            still.update(findings=[list(fault) for fault in faults])
        return
    SetAside.objects.bulk_create([
        SetAside(id=load.number << 32 | batch.numbers[place], load=load.number, source_id=load.source_id,
                 row=batch.numbers[place], findings=[list(fault) for fault in faults],
                 texts=None if mapping.is_personal else _kept(batch.texts[place]))
        for place, faults in sorted(checked.faults.items())
    ], batch_size=500)  # fmt: skip


def _kept(texts: list[str]) -> list[str]:
    """A row as every database can keep it."""
    return [text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() for text in texts]
