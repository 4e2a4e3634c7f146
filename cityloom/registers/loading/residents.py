"""Corrections that residents ask for: sealed, decided by a steward, and kept as records of a source of their own."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import transaction

from cityloom.gate import actions as gate
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import policies, queries
from cityloom.registers.domain.checks import Checks
from cityloom.registers.domain.facts import CorrectionWords
from cityloom.registers.domain.kinds import REGISTERS, Field
from cityloom.registers.domain.mapping import CORRECTIONS, Column, FileMapping
from cityloom.registers.domain.survivorship import (
    EMPTIED_FIELDS,
    PEOPLE,
    PEOPLE_FIELDS,
    correctable_fields,
)
from cityloom.registers.loading import book, comparing, person_correcting, person_settling, whereabouts
from cityloom.registers.loading.book import Snapshot
from cityloom.registers.loading.turn import turn
from cityloom.registers.models import OPEN, RECORDS, CorrectionRequest, Record

PURPOSE = "register-corrections"
_FOLLOWING = frozenset({"packet", "folded", "cell", "large"})
_OPEN_FOR = timedelta(hours=1)
_KEPT = timedelta(days=180)
_ERASED_AT_ONCE = 200
_WORDS = {
    "女": "female", "男": "male", "行动不便": "mobility", "卧床": "bedridden", "听障": "hearing", "视障": "sight",
    "认知障碍": "cognitive", "用电设备": "device", "语言": "language",
}  # fmt: skip
"""What somebody can write in Chinese for the words that the register has of people."""
_decoder = msgspec.json.Decoder(CorrectionWords)


def ask(
    *, register: str, key: str, field: str, value: str, reason: str, by: Actor, at: datetime, none: bool = False
) -> str:
    """Seal what somebody asks to have corrected, or to say nothing any more; return the request's id."""
    _check_about(register, key, field)
    if none:
        _check_can_be_none(register, field)
    waiting = CorrectionRequest.objects.filter(asked_by=by.account, state=CorrectionRequest.ASKED).count()
    policies.check_can_ask(value, reason, waiting, none=none)
    if not none:
        _values(REGISTERS[register].field(field), register, key, value, at)
    words = msgspec.json.encode(CorrectionWords(value.strip(), reason.strip(), none))
    packet = gate.seal_packet(by=SYSTEM, at=at, purpose=PURPOSE, parts={"words": words})
    request_id = ids.new_ulid()
    with transaction.atomic():
        gate.keep_packets([packet])
        CorrectionRequest.objects.create(id=request_id, register=register, key=key, field=field, packet=packet.id,
                                         asked_by=by.account, asked_at=at)  # fmt: skip
    return request_id


def _check_about(register: str, key: str, field: str) -> None:
    if register == PEOPLE:
        if field == "national_id":
            raise Refused("registers.number_not_corrected", "An identity number is not corrected here, since others "
                          "know you by it; go with your identity card to the police station that keeps your household "
                          "register, whose next file brings it.")  # fmt: skip
        if key or field not in PEOPLE_FIELDS:
            raise _no_field()
        return
    if register not in RECORDS or field not in [each.name for each in correctable_fields(REGISTERS[register])]:
        raise _no_field()
    if not queries.facts_of(register, key):
        raise Refused("registers.no_entry", "No register has an entry {value}; copy its code from a document of the "
                      "office that keeps it.", value=key[:64])  # fmt: skip


def _check_can_be_none(register: str, field: str) -> None:
    if register != PEOPLE or field not in EMPTIED_FIELDS:
        raise Refused("registers.correction_not_none", "Only of a telephone and of needs in your own entry can be said "
                      "here that there is none any more; write what is right, or ask the department that keeps the "
                      "entry.")  # fmt: skip


def _no_field() -> Refused:
    return Refused("registers.no_correctable", "There is nothing of that name that can be corrected here; choose from "
                   "the list, or ask the department that keeps the entry.")  # fmt: skip


def open_words(request_id: str, *, by: Actor, at: datetime) -> CorrectionWords:
    """What somebody wrote, for the steward who decides, after a leaf in the log."""
    policies.check_can_decide(by)
    row = found(request_id)
    if row.packet is None:
        raise _erased()
    grant_id = gate.grant(by=SYSTEM, at=at, purpose=PURPOSE, subjects=[row.packet], fields=["words"], holder=by.account,
                          until=at + _OPEN_FOR)  # fmt: skip
    parts = gate.open_packets(by=by, at=at, grant_id=grant_id, packets=[row.packet], fields=["words"]).get(row.packet)
    if parts is None:
        raise _erased()
    return _decoder.decode(parts["words"])


def _erased() -> Refused:
    return Refused("registers.correction_erased", "What was written here has been erased; ask the resident anew.")


def found(request_id: str) -> CorrectionRequest:
    """A request. Raises: Refused `registers.no_correction`."""
    row = CorrectionRequest.objects.filter(id=request_id).first()
    if row is None:
        raise Refused("registers.no_correction", "There is no such request; look it up in the list.")
    return row


def grant(request_id: str, *, reason: str, by: Actor, at: datetime) -> int:
    """Write what was asked for as a record of its own source; return the load that made it known."""
    policies.check_can_decide(by)
    why, row = policies.check_reason(reason), found(request_id)
    policies.check_undecided(row.state)
    words = open_words(request_id, by=by, at=at)
    target = REGISTERS[row.register].field(row.field)
    values = {} if words.none else _values(target, row.register, row.key, words.value, at)
    with turn():
        if row.register == PEOPLE:
            return _grant_own(row, values, why, by, at)
        with transaction.atomic():
            number = _write(row, values, by, at)
            _decide(row.id, CorrectionRequest.GRANTED, why, by, at, number)
        comparing.compare_due(at)
    return number


def _grant_own(row: CorrectionRequest, values: dict[str, Any], why: str, by: Actor, at: datetime) -> int:
    """The same in the asker's own entry; what is cut short behind the record is done by the next load."""
    today = at.astimezone(queries.time_zone()).date()
    with transaction.atomic():
        load = person_correcting.write(row, values, _mapping(PEOPLE, []), by=by, at=at, today=today)
        _decide(row.id, CorrectionRequest.GRANTED, why, by, at, load.number)
    person_settling.settle(load)
    comparing.compare_due(at)
    return load.number


def refuse(request_id: str, *, reason: str, by: Actor, at: datetime) -> None:
    """Write down that a correction is refused, and why."""
    policies.check_can_decide(by)
    with transaction.atomic():
        _decide(request_id, CorrectionRequest.REFUSED, policies.check_reason(reason), by, at, None)


def withdraw(request_id: str, *, by: Actor, at: datetime) -> None:
    """Take back one's own request."""
    row = found(request_id)
    if row.asked_by != by.account:
        raise Refused("registers.no_correction", "There is no such request; look it up in the list.")
    with transaction.atomic():
        _decide(request_id, CorrectionRequest.WITHDRAWN, "", by, at, None)


def _decide(request_id: str, state: str, reason: str, by: Actor, at: datetime, load: int | None) -> None:
    row = CorrectionRequest.objects.select_for_update().filter(id=request_id).first() or found(request_id)
    policies.check_undecided(row.state)
    row.state, row.reason, row.decided_by, row.decided_at, row.load = state, reason, by.account, at, load
    row.save(update_fields=["state", "reason", "decided_by", "decided_at", "load"])


def _values(target: Field, register: str, key: str, text: str, at: datetime) -> dict[str, Any]:
    """What the register would keep, by column, read and checked as a file's row is.

    Raises: Refused `registers.correction_unfit`.
    """
    targets, texts = [target], [text.strip()]
    if target.kind == "lon":
        targets, texts = [target, REGISTERS[register].field("lat")], [one.strip() for one in text.split(",")]
    if len(texts) != len(targets):
        raise _unfit(target)
    mapping = _mapping(register, targets)
    header = [column.name for column in mapping.columns]
    today = at.astimezone(queries.time_zone()).date()
    checked = Checks(mapping, header, today).check([1], [[key, *texts]], {})
    values = {each.name: checked.values[each.name][0] for each in targets}
    wrong = {name for name, _rule in checked.faults.get(0, ())}
    if wrong & values.keys() or None in values.values() or "" in values.values():
        raise _unfit(target)
    return values


def _codes(target: Field) -> dict[str, str]:
    """What can be written for a field with choices; that something is unknown corrects nothing of a person."""
    words = {word: said for word, said in _WORDS.items() if said in target.choices and target.personal}
    return words | {choice: choice for choice in target.choices if not (target.personal and choice == "unknown")}


def _unfit(target: Field) -> Refused:
    """What a value must look like."""
    if target.choices:
        return Refused("registers.correction_unfit", "That is none of the values that the register knows; write one of "
                       "{limit}.", limit=", ".join(_codes(target)))  # fmt: skip
    if target.kind == "date":
        return Refused("registers.correction_unfit", "That is no day that has been; write it as 2026-11-01.")
    if target.kind == "lon":
        return Refused("registers.correction_unfit", "That is no place; write longitude and latitude in degrees, as in "
                       "114.0579, 22.5431.")  # fmt: skip
    if target.kind in ("number", "whole", "money"):
        return Refused("registers.correction_unfit", "That is no number that can be; write digits alone, in {limit}.",
                       limit=target.unit or "plain numbers")  # fmt: skip
    return Refused("registers.correction_unfit", "The register cannot keep that: it is too long, or no {limit}.",
                   limit=target.kind)  # fmt: skip


def _mapping(register: str, targets: list[Field]) -> FileMapping:
    kept = REGISTERS[register]
    columns = [Column(each.name, each, each.unit, codes=_codes(each) or None)
               for each in (kept.field(kept.key), *targets)]  # fmt: skip
    lines = [f"  {column.name}: {{field: {column.field.name}}}" for column in columns]
    text = "\n".join(["cityloom: 1", f"source: {CORRECTIONS}", f"register: {register}", "columns:", *lines, ""])
    return FileMapping(CORRECTIONS, kept, tuple(columns), text=text)


def _write(row: CorrectionRequest, values: dict[str, Any], by: Actor, at: datetime) -> int:
    """Add a record that says what the last correction of the entry said, and this."""
    table, source = RECORDS[row.register], book.source_of(CORRECTIONS)
    before = table._default_manager.filter(key=row.key, source_id=source.id, closed_by=OPEN).first()
    snapshot = Snapshot(f"correction {row.id}", hashlib.sha256(row.id.encode()).hexdigest(), 0)
    load = book.begin(source, _mapping(row.register, []), snapshot, header=[row.field], returns=0, by=by, at=at,
                      as_of=at.astimezone(queries.time_zone()).date())  # fmt: skip
    kept = _columns(table, row.register, before, values)
    table._default_manager.create(id=load.number << 32 | 1, source_id=source.id, key=row.key, valid_from=load.as_of,
                                  digest=0, **kept)  # fmt: skip
    if before is not None:
        table._default_manager.filter(id=before.id).update(closed_by=load.number)
    load.rows = load.rows_done = 1
    load.counts = {"new": int(before is None), "changed": int(before is not None)}
    load.save(update_fields=["rows", "rows_done", "counts"])
    book.finish(load)
    return load.number


def _columns(table: type[Record], register: str, before: Record | None, values: dict[str, Any]) -> dict[str, Any]:
    """What the last correction said with this one, and what follows from it, such as cells."""
    own = {each.name for each in Record._meta.get_fields()} | _FOLLOWING
    told = [each for each in table._meta.concrete_fields if each.name not in own]
    said = {each.name: getattr(before, each.name) if before is not None else each.get_default() for each in told}
    columns = {name: [value] for name, value in (said | values).items()}
    columns |= whereabouts.columns_for(table, register, columns)
    return {name: getattr(column[0], "item", lambda value=column[0]: value)() for name, column in columns.items()}


def erase_old(*, by: Actor, at: datetime) -> int:
    """Erase what was written with requests that were decided long ago; that they were decided, and why, stays."""
    old = CorrectionRequest.objects.filter(decided_at__lt=at - _KEPT).exclude(packet=None)[:_ERASED_AT_ONCE]
    packets = {row.id: row.packet for row in old}
    if packets:
        gate.erase_packets(by=by, at=at, purpose=PURPOSE, packets=list(packets.values()))
        CorrectionRequest.objects.filter(id__in=packets).update(packet=None)
    return len(packets)
