"""Rows that broke a rule wait for a correction."""

from __future__ import annotations

import json

import numpy as np

from cityloom.registers import bulk
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
    if not checked.faults:
        return
    places = sorted(checked.faults)
    rows = np.array([batch.numbers[place] for place in places], np.int64)
    bulk.write(SetAside, {
        "id": load.number << 32 | rows, "load": np.full(len(rows), load.number),
        "source_id": np.full(len(rows), load.source_id), "row": rows,
        "findings": [json.dumps(checked.faults[place]) for place in places],
        "texts": [None if mapping.is_personal else json.dumps(_kept(batch.texts[place])) for place in places],
    })  # fmt: skip


def _kept(texts: list[str]) -> list[str]:
    """A row as every database can keep it."""
    return [text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() for text in texts]
