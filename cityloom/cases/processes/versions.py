"""Versions of processes: uploaded once, never changed, each with the versions of what it calls."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.processes import canonical, reading
from cityloom.cases.domain.processes.process import Process
from cityloom.cases.models import ProcessVersion
from cityloom.cases.processes.engine import Engine
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

Parts = dict[str, tuple[Process, Mapping[str, int]]]
_MOST_CALLED = 50


def upload(data: bytes, by: Actor, at: datetime) -> ProcessVersion:
    """Keep a process as its next version; the newest one again is itself.

    Raises: Refused `cases.process_*`, `cases.no_process` for a call of a process that is not there.
    """
    process = reading.process_of(data)
    digest = hashlib.sha256(data).hexdigest()
    last = ProcessVersion.objects.filter(name=process.name).order_by("-number").first()
    if last is not None and last.digest == digest:
        return last
    number = last.number + 1 if last else 1
    calls = {called: version_of(called).number for called in sorted(process.called)}
    row = ProcessVersion(id=ids.named_id("process", process.name, number), name=process.name, number=number,
                         document=data.decode("utf-8", "replace"), digest=digest, calls=calls, uploaded_by=by.account,
                         uploaded_at=at)  # fmt: skip
    parts = _parts(row, process)
    Engine(canonical.key_of(row.name, number), parts)
    row.save(force_insert=True)
    return row


def version_of(called: str) -> ProcessVersion:
    """The version that `name` (the newest) or `name@version` means; one that comes with the program is there.

    Raises: Refused `cases.no_process`.
    """
    row = known_version(called)
    if row is None:
        raise Refused("cases.no_process", "There is no process {value}; upload it first.", value=called[:80])
    return row


def known_version(called: str) -> ProcessVersion | None:
    """The version that `name` or `name@version` means; None where there is none."""
    name, _, number = called.partition("@")
    rows = ProcessVersion.objects.filter(name=name, **({"number": int(number)} if number.isdecimal() else {}))
    row = rows.order_by("-number").first()
    shipped = reading.shipped()
    if row is None and name in shipped and number in ("", "1"):
        return upload(shipped[name].read_bytes(), SYSTEM, clock.now())
    return row


def check_known(casetype: CaseType) -> None:
    """Refuse a type whose states run processes that this city has not, or that take silence for what nobody can say.

    Raises: Refused `cases.no_process`, `cases.process_silence`.
    """
    for state in casetype.states.values():
        if not state.process:
            continue
        nodes = engine_of(version_of(state.process).id).nodes
        meant = [node.form.outcome(state.process_silence) for node in nodes if node.loop]
        if state.process_silence and not any(one and not one.needs_note for one in meant):
            raise Refused("cases.process_silence", "No task of {limit} that asks units has the outcome {value}, which "
                          "silence is to mean there, or it needs words; name another one.",
                          value=state.process_silence, limit=state.process)  # fmt: skip


@lru_cache(maxsize=128)
def engine_of(version_id: str) -> Engine:
    """A version, ready to run; versions do not change."""
    row = ProcessVersion.objects.get(id=version_id)
    return Engine(canonical.key_of(row.name, row.number), _parts(row, _read(row)))


def _parts(row: ProcessVersion, process: Process) -> Parts:
    """The process, and all that is called; what is called was there before, so there is no circle."""
    found: Parts = {canonical.key_of(row.name, row.number): (process, row.calls)}
    left = [(row.calls, called) for called in row.calls]
    while left:
        calls, called = left.pop()
        name, number = called.partition("@")[0], calls[called]
        key = canonical.key_of(name, number)
        if key not in found:
            if len(found) >= _MOST_CALLED:
                raise Refused("cases.process_calls", "A process calls at most {limit} others, with those that they "
                              "call.", limit=_MOST_CALLED)  # fmt: skip
            other = ProcessVersion.objects.get(name=name, number=number)
            found[key] = (_read(other), other.calls)
            left += [(other.calls, each) for each in other.calls]
    return found


def _read(row: ProcessVersion) -> Process:
    return reading.process_of(row.document.encode())
