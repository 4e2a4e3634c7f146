"""What stewards decide about sources: the rules, which one is right, and what goes back to a department."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

from django.db import transaction

from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import policies, queries
from cityloom.registers.domain.facts import DisagreementFacts
from cityloom.registers.domain.survivorship import PEOPLE, Rules, read
from cityloom.registers.domain.written import LARGEST_BYTES
from cityloom.registers.loading import person_opening, person_settling
from cityloom.registers.loading.turn import turn
from cityloom.registers.models import Disagreement, Load, Source
from cityloom.registers.trust import disagreements, rules

_PAGE = 500
_HEADER = (
    "number", "register", "key", "field", "your file", "your row", "you say", "other source", "its key", "it says",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def read_rules(path: Path) -> Rules:
    """Rules in a file.

    Raises: Refused `registers.rules_missing`, `registers.rules_too_large`, and what is wrong in them.
    """
    if not path.is_file():
        raise Refused("registers.rules_missing", "There is no file {value}; check the path.", value=path.name)
    if path.stat().st_size > LARGEST_BYTES:
        raise Refused("registers.rules_too_large", "Rules on sources have at most {limit} bytes; this is another file.",
                      limit=LARGEST_BYTES)  # fmt: skip
    try:
        return read(path.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Refused("registers.rules_unreadable", "The rules are not in UTF-8; save them in UTF-8.") from error


def set_rules(path: Path, *, reason: str, by: Actor, at: datetime) -> int:
    """Let rules hold from now on; return their version."""
    policies.check_can_decide(by)
    wanted, why = read_rules(path), policies.check_reason(reason)
    with transaction.atomic():
        return rules.keep(wanted, reason=why, by=by.account, at=at)


def settle(number: int, *, right: str, reason: str, by: Actor, at: datetime) -> None:
    """Write down which source is right, or that both may stand."""
    policies.check_can_decide(by)
    why = policies.check_reason(reason)
    if disagreements.one(number).register != PEOPLE:
        disagreements.decide(number, right=right, reason=why, by=by.account, at=at)
        return
    with turn():
        person_settling.settle_all()
        with transaction.atomic():
            disagreements.decide(number, right=right, reason=why, by=by.account, at=at)
            subject = int(Disagreement.objects.values_list("key", flat=True).get(id=number))
            person_settling.put_in_force([subject], queries.last_known_load())


_OPENED_AS = {"needs": "need_note"}
_OPEN_FOR = timedelta(hours=1)


def open_sides(number: int, *, reason: str, by: Actor, at: datetime) -> tuple[str, str]:
    """What both sources say of one sealed field of a person, opened for a stated reason, which stays with it.

    Each version that is opened is a leaf of the log. Raises: Refused `registers.role`, `registers.reason`,
    `registers.not_opened`, and what the gate refuses.
    """
    policies.check_can_decide(by)
    why, found = policies.check_reason(reason), disagreements.one(number)
    name = _OPENED_AS.get(found.field, found.field)
    if found.register != PEOPLE or found.state == Disagreement.ENDED or name not in person_opening.FIELDS:
        raise Refused("registers.not_opened", "What is said of {value} is not opened here; ask both departments, and "
                      "decide by what they answer.", value=found.field)  # fmt: skip
    subject = int(found.key)
    kept = gate_queries.kept_versions(dict.fromkeys(found.records, subject))
    grant = gate.grant(by=SYSTEM, at=at, purpose=gate_queries.REGISTER, subjects=[subject], fields=[name],
                       holder=by.account, until=at + _OPEN_FOR)  # fmt: skip
    disagreements.note_opened(number, reason=why, by=by.account, at=at)
    sealed = [(subject, kept[record]) for record in found.records if record in kept]
    said = gate.open_versions(by=by, at=at, grant_id=grant, versions=sealed, fields=[name])
    told = [says[name] if says else "" for says in said]
    return (told[0], told[1]) if len(told) == 2 else ("", "")


def export(source: str, place: Path, *, register: str, by: Actor) -> int:
    """Write what a source is to look at again, each with the row of its own file; return how many."""
    _check_source(source, by)
    try:
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Refused("registers.file_exists", "{value} is there already; name another file.", value=place.name
                      ) from error  # fmt: skip
    with os.fdopen(handle, "w", encoding="utf-8-sig", newline="") as stream:
        return write(source, stream, register=register, by=by)


def _check_source(source: str, by: Actor) -> None:
    policies.check_can_decide(by)
    if not Source.objects.filter(name=source).exists():
        known = ", ".join(Source.objects.order_by("name").values_list("name", flat=True)[:40])
        raise Refused("registers.no_source", "There is no source {value}; there are {limit}.", value=source[:60],
                      limit=known or "none")  # fmt: skip


def write(source: str, stream: TextIO, *, register: str, by: Actor) -> int:
    """Write the open disagreements of a source as CSV; return how many."""
    _check_source(source, by)
    out, count = csv.writer(stream), 0
    out.writerow(_HEADER)
    for some in _pages(source, register):
        files = dict(Load.objects.filter(number__in={record >> 32 for one in some for record in one.records})
                     .values_list("number", "file_name"))  # fmt: skip
        for one in some:
            out.writerow(_row(one, source, files))
            count += 1
    return count


def _pages(source: str, register: str) -> Iterator[list[DisagreementFacts]]:
    before = 0
    while some := disagreements.listed(register=register, state=Disagreement.OPEN, source=source, before=before,
                                       limit=_PAGE):  # fmt: skip
        yield some
        before = some[-1].number


def _row(one: DisagreementFacts, source: str, files: dict[int, str]) -> list[object]:
    own = one.sources.index(source)
    mine, theirs = one.records[own], one.records[1 - own]
    says = [_plain(disagreements.value_of(one.register, record, one.field)) for record in (mine, theirs)]
    return [one.number, one.register, _plain(one.keys[own]), one.field, _plain(files.get(mine >> 32, "")),
            mine & 0xFFFFFFFF, says[0], one.sources[1 - own], _plain(one.keys[1 - own]), says[1]]  # fmt: skip


def _plain(value: object) -> str:
    """A value as a spreadsheet shows it, and never runs it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not text.lstrip("+-").replace(".", "").isdigit() else text
