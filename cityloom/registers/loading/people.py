"""Who stands behind an entry: sealed when the file was loaded, opened one entry at a time."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from cityloom.gate import actions as gate
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import policies, queries
from cityloom.registers.loading.book import PURPOSE
from cityloom.registers.models import RECORDS

_OPEN_FOR = timedelta(hours=1)


def open_people(register: str, key: str, record: int, *, by: Actor, at: datetime) -> dict[str, str]:
    """Open whom one record names, after a leaf in the log; never to be stored.

    Raises: Refused `registers.role`, `registers.nobody_named`, and what the gate refuses.
    """
    policies.check_can_open_people(by)
    last = (queries.last_known_load() + 1) << 32
    found = RECORDS[register]._default_manager.filter(id=record, key=key, id__lt=last).exclude(packet=None)
    packet = found.values_list("packet", flat=True).first()
    if packet is None:
        raise Refused("registers.nobody_named", "This entry names nobody; go back to its page.")
    grant_id = gate.grant(by=SYSTEM, at=at, purpose=PURPOSE, subjects=[packet], fields=["party"], holder=by.account,
                          until=at + _OPEN_FOR)  # fmt: skip
    parts = gate.open_packets(by=by, at=at, grant_id=grant_id, packets=[packet], fields=["party"]).get(packet)
    if parts is None:
        raise Refused("registers.nobody_named", "Whom this entry named has been erased.")
    return json.loads(parts["party"])
