"""Files of a case for those who work on it: a list in clear, and one file at a time opened, each with a log leaf."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from cityloom.cases import policies
from cityloom.cases.attaching.adding import FILE, NAME, PHOTO, PURPOSE
from cityloom.cases.events import CaseNoted
from cityloom.cases.listing import cases
from cityloom.cases.models import Case, CaseFile, ReleasedPhoto
from cityloom.cases.working import finding, recording
from cityloom.cases.working.recording import Deed
from cityloom.gate import actions as gate
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

_OPEN_FOR = timedelta(minutes=5)
_AT_ONCE = 4_000


@dataclass(frozen=True)
class OpenedFile:
    """A file as it is shown or saved; never to be stored."""

    id: str
    kind: str
    name: str
    media_type: str
    content: bytes


def open_file(case_id: str, file_id: str, by: Actor, at: datetime) -> OpenedFile:
    """Open a file for somebody who works on the case; the opening is a leaf of the log.

    A unit that is asked for an opinion opens those that the type shows to it, as long as it is asked.
    """
    cases.case_for(by, case_id)
    row, shown = _held(case_id, file_id), cases.shown_to_asked(by, case_id)
    if shown is None or not row.field or row.field not in shown:
        policies.check_can_work(finding.found(case_id, by).roles, by)
    grant_id = gate.grant(
        by=SYSTEM, at=at, purpose=PURPOSE, subjects=[row.packet], fields=[PHOTO, FILE, NAME], holder=by.account,
        until=at + _OPEN_FOR,
    )  # fmt: skip
    opened = gate.open_packets(by=by, at=at, grant_id=grant_id, packets=[row.packet], fields=[PHOTO, FILE, NAME])
    parts = opened.get(row.packet)
    if parts is None:
        raise _erased()
    content = parts.get(PHOTO) or parts.get(FILE) or b""
    return OpenedFile(row.id, row.kind, parts.get(NAME, b"file").decode(), row.media_type, content)


def release_photo(case_id: str, file_id: str, command: str, by: Actor, at: datetime) -> int:
    """Let everybody see a photo in which there is nobody; the official has looked."""
    found = finding.found(case_id, by)
    if recording.is_done(found.row, command):
        return found.row.revision
    if _held(case_id, file_id).kind != "picture":
        raise Refused("cases.no_photo", "Only photos are shown to everybody; release words instead.")
    if found.casetype.access.confidentiality in ("restricted", "secret"):
        raise Refused("cases.not_public", "Nothing of such a case is shown to everybody.")
    opened = open_file(case_id, file_id, by, at)
    deed = Deed("released", by, at, command, found.role(), data={"file": file_id})
    with transaction.atomic():
        if recording.change(found.row, deed, {}, [CaseNoted(case_id, found.row.casetype, "released", at)]):
            ReleasedPhoto.objects.create(
                file_id=file_id, content=opened.content, released_by=by.account, released_at=at
            )
    return found.row.revision


def withhold_photo(case_id: str, file_id: str, command: str, by: Actor, at: datetime) -> int:
    """Take a released photo back."""
    found = finding.found(case_id, by)
    if recording.is_done(found.row, command):
        return found.row.revision
    policies.check_can_work(found.roles, by)
    deed = Deed("withheld", by, at, command, found.role(), data={"file": file_id})
    with transaction.atomic():
        ReleasedPhoto.objects.filter(file_id=file_id, file__case=found.row).delete()
        recording.change(found.row, deed, {}, [CaseNoted(case_id, found.row.casetype, "released", at)])
    return found.row.revision


def erase_files(numbers: list[int], by: Actor, at: datetime) -> None:
    """Erase the files of cases, keys first; the cases themselves go after this, and again does no harm."""
    rows = CaseFile.objects.filter(case__in=numbers).exclude(packet=None)
    packets = [packet for packet in rows.values_list("packet", flat=True) if packet is not None]
    for first in range(0, len(packets), _AT_ONCE):
        some = packets[first : first + _AT_ONCE]
        gate.erase_packets(by=by, at=at, purpose=PURPOSE, packets=some)
        CaseFile.objects.filter(packet__in=some).update(packet=None, erased_at=at)


def released_content(file_id: str) -> bytes:
    """A photo that everybody may see. Raises: Refused `cases.unknown`."""
    row = ReleasedPhoto.objects.filter(file_id=file_id).first()
    if row is None:
        raise Refused("cases.no_file", "There is no such file; it may have been erased or taken back.")
    return bytes(row.content)


def numbers_of(exercise_id: str) -> list[int]:
    """The cases of an exercise."""
    return list(Case.objects.filter(exercise_id=exercise_id).values_list("number", flat=True))


def _held(case_id: str, file_id: str) -> CaseFile:
    row = CaseFile.objects.filter(id=file_id, case__id=case_id).first()
    if row is None:
        raise Refused("cases.no_file", "There is no such file; it may have been erased or taken back.")
    if row.packet is None:
        raise _erased()
    return row


def _erased() -> Refused:
    return Refused("cases.file_erased", "This file has been erased; that it was there is all that is left of it.")
