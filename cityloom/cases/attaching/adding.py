"""Adding photos and documents to a case: looked through, sealed, then kept with a line in its history."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction

from cityloom.cases import policies
from cityloom.cases.events import CaseNoted
from cityloom.cases.models import Case, CaseFile
from cityloom.cases.working import finding, opening, recording
from cityloom.cases.working.opening import Asked
from cityloom.cases.working.recording import Deed
from cityloom.files import queries as files
from cityloom.files.queries import Looked, Upload
from cityloom.gate import actions as gate
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

PURPOSE = "case-documents"
PHOTO, FILE, NAME = "photo", "file", "words"
_TRIES = 5
_FIRST = "files of the opening"
Sent = Sequence[tuple[str, bytes] | tuple[str, bytes, str]]


def open_with_files(asked: Asked, by: Actor, at: datetime, kinds: Collection[str] = files.KINDS) -> str:
    """Open a case with its files; return its id. They are looked through first, so that a bad one opens nothing.

    Where the keeper goes away between the two, the same `key` again adds what is missing.
    Raises: Refused as `opening.open_case`, and as `add`.
    """
    looked = looked_through(asked.files, kinds)
    case_id = opening.open_case(asked, by, at)
    row = finding.row_of(case_id) if looked else None
    if row is not None and not recording.is_done(row, _FIRST):
        named = [ids.named_id("case-file", case_id, _FIRST, str(number)) for number in range(len(looked))]
        keep(row, looked, named, _FIRST, by, at)
    return case_id


def looked_through(sent: Sent, kinds: Collection[str] = files.KINDS) -> list[tuple[Looked, str]]:
    """Files that may be kept, each with the field that it answers. Raises: Refused `cases.many_files`, `files.*`."""
    policies.check_not_too_many(len(sent), 0)
    uploads = [Upload(*one) for one in sent]
    return [(files.looked_at(each.name, each.content, kinds), each.field) for each in uploads]


def add(case_id: str, sent: Sent, command: str, by: Actor, at: datetime) -> list[str]:
    """Add files to a case; return their ids, in order. The same `command` again adds nothing.

    Raises: Refused `cases.unknown`, `cases.many_files`, `cases.many_bytes`, `files.*`, `gate.*`.
    """
    named = [ids.named_id("case-file", case_id, command, str(number)) for number in range(len(sent))]
    row = finding.row_of(case_id)
    if not sent or recording.is_done(row, command):
        return named
    return keep(row, looked_through(sent), named, command, by, at)


def keep(
    row: Case, looked: Sequence[tuple[Looked, str]], named: Sequence[str], command: str, by: Actor, at: datetime
) -> list[str]:
    """Seal files that were looked through, and keep them."""
    _check_room(row, looked)
    parts = [{(PHOTO if one.file.kind == "picture" else FILE): one.file.content, NAME: one.file.name.encode()}
             for one, _ in looked]  # fmt: skip
    packets = [gate.seal_packet(by=SYSTEM, at=at, purpose=PURPOSE, parts=part) for part in parts]
    rows = [_row(row, key, one, field, packet.id, by, at)
            for key, (one, field), packet in zip(named, looked, packets, strict=True)]  # fmt: skip
    _write(row.id, rows, packets, command, by, at)
    return [one.id for one in rows]


def _write(
    case_id: str, rows: list[CaseFile], packets: Sequence[gate.Packet], command: str, by: Actor, at: datetime
) -> None:
    """All of it or nothing; whoever else changed the case meanwhile changed nothing that matters here."""
    for left in reversed(range(_TRIES)):
        found = finding.found(case_id, by)
        deed = Deed("attached", by, at, command, found.role(), data={"files": [one.id for one in rows]})
        try:
            with transaction.atomic():
                if recording.change(found.row, deed, {}, [CaseNoted(case_id, found.row.casetype, "files", at)]):
                    gate.keep_packets(packets)
                    CaseFile.objects.bulk_create(rows)
        except Refused as refusal:
            if refusal.code != "cases.changed" or not left:
                raise
        else:
            return


def _check_room(row: Case, looked: Sequence[tuple[Looked, str]]) -> None:
    held = CaseFile.objects.filter(case=row, erased_at=None).values_list("size_bytes", flat=True)
    policies.check_not_too_many(len(looked), len(held))
    policies.check_not_too_large(sum(len(one.file.content) for one, _ in looked) + sum(held))


def _row(row: Case, key: str, one: Looked, field: str, packet: int, by: Actor, at: datetime) -> CaseFile:
    role = "reporter" if by.account.startswith(finding.FOLLOWER) else next(iter(sorted(by.roles)), "")
    return CaseFile(
        id=key, case=row, kind=one.file.kind, media_type=one.file.media_type, size_bytes=len(one.file.content),
        digest=one.file.digest, field=field[:40], packet=packet, scanner=one.scanner, role=role, account=by.account,
        added_at=at,
    )  # fmt: skip
