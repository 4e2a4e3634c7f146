"""Requests that programs file for residents, and what they say about them later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.crypto import salted_hmac

from cityloom.cases.attaching import adding
from cityloom.cases.domain import numbers
from cityloom.cases.domain.casetypes import table
from cityloom.cases.domain.georeport.asked import Filing, Update
from cityloom.cases.domain.georeport.requests import OVER
from cityloom.cases.events import CaseNoted
from cityloom.cases.georeport import shown
from cityloom.cases.models import Case
from cityloom.cases.working import finding, moving, opening, recording
from cityloom.cases.working.recording import Deed
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers

_MARGIN_DEGREES = 0.02
"""How far outside the city's bounds a place may lie: about 2 km."""


def file(
    wanted: Filing, *, key_id: str, once: str, at: datetime, files: Sequence[tuple[str, bytes]] = ()
) -> str:  # fmt: skip
    """Open a request with its photos; return its number. The same `once` of the same key is the same request.

    Raises: Refused `cases.outside`, `cases.no_address`, `files.*`, and as `cases.actions.open_case`.
    """
    lon, lat = _place(wanted)
    named = ids.named_id("open311", key_id, once) if once else ids.new_ulid()
    case_id = ids.named_id("case", shown.CASETYPE, "open311", named)
    asked = opening.Asked(
        shown.CASETYPE, wanted.service, wanted.answers, lon, lat, origin="open311", key=named,
        secret=_secret(key_id, case_id), links=[("open311", key_id)],
        files=[(name, content, "") for name, content in files],
    )  # fmt: skip
    adding.open_with_files(asked, SYSTEM, at, kinds=("picture",))
    return numbers.spoken(Case.objects.values_list("number", flat=True).get(id=case_id))


def update(said: Update, *, key_id: str, at: datetime) -> str:
    """Note what a program says for the reporter, and take the step that its status means; return the update's id.

    A status that ends a request confirms one that is done; another one answers what was asked, or reopens. What the
    table of states does not allow the reporter is kept as words. The same `update_id` again changes nothing.
    Raises: Refused `cases.unknown`, and from the gate.
    """
    case_id = shown.is_of(key_id, said.number)
    command = ids.named_id("open311-update", key_id, said.update_id)
    by = finding.follower_of(case_id, _secret(key_id, case_id))
    found = finding.found(case_id, by)
    if recording.is_done(found.row, command):
        return recording.event_id(case_id, command)
    step = next((name for name in _steps(said.status) if _may_take(found, by, name)), "")
    if step:
        moving.move(found, moving.Move(step, said.words, command=command), by, at)
    else:
        deed = Deed("noted", by, at, command, "reporter", text=said.words)
        recording.change(found.row, deed, {}, [CaseNoted(found.row.id, found.row.casetype, "note", at)])
    return recording.event_id(case_id, command)


def _steps(status: str) -> tuple[str, ...]:
    if not status:
        return ()
    return ("confirm",) if status in OVER else ("answer", "reopen")


def _may_take(found: finding.Found, by: Actor, step: str) -> bool:
    try:
        table.check_can_take(found.casetype, found.standing, by, step, "")
    except Refused:
        return False
    return True


def _secret(key_id: str, case_id: str) -> str:
    """What makes a key the reporter of what it filed; it is known to nobody and kept nowhere."""
    return salted_hmac("cityloom.open311", f"{key_id}:{case_id}", algorithm="sha256").hexdigest()


def _place(wanted: Filing) -> tuple[float | None, float | None]:
    """A place from degrees, else from an address; an address that is not found is read by whoever takes it on."""
    if wanted.lon is not None and wanted.lat is not None:
        _check_inside(wanted.lon, wanted.lat)
        return wanted.lon, wanted.lat
    if wanted.address_id:
        found = registers.places_of("addresses", [wanted.address_id]).get(wanted.address_id)
        if found is None:
            raise Refused("cases.no_address", "There is no address {value} in the city's register.",
                          value=wanted.address_id[:40])  # fmt: skip
        return found
    near = registers.geocoded(wanted.address)
    return (near.lon, near.lat) if near.lon is not None and near.lat is not None else (None, None)


def _check_inside(lon: float, lat: float) -> None:
    city = registers.city()
    if city is None:
        return
    west, south, east, north = city.bounds
    near = _MARGIN_DEGREES
    if not (west - near <= lon <= east + near and south - near <= lat <= north + near):
        raise Refused("cases.outside", "This place lies outside the city; `lat` and `long` may have been turned round.")
