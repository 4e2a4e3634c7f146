"""Whether somebody may report a problem now, and who may read what was reported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

MOST_AN_HOUR_EACH = 20
"""From one network address; a whole house may stand behind one."""
MOST_AN_HOUR = 2_000
KEY_MAKERS = frozenset({"operator", "system"})
SENSOR_KEEPERS = frozenset({
    "operator", "steward", "department-water", "department-gas", "department-traffic", "system",
})  # fmt: skip
TAKERS = frozenset({"duty-officer", "supervisor"})
READERS = frozenset({"duty-officer", "supervisor", "case-handler"})


def check_can_report(*, by_this_one: int, by_all: int) -> None:
    """Keep one visitor from filling the city's ears, and all of them its disk.

    Raises: Refused `signals.too_many`, `signals.too_busy`.
    """
    if by_this_one >= MOST_AN_HOUR_EACH:
        raise Refused("signals.too_many", "{value} problems were reported from your network within an hour, which is"
                      " the most; call the city, or try again later.", value=by_this_one)  # fmt: skip
    if by_all >= MOST_AN_HOUR:
        raise Refused("signals.too_busy", "More is reported just now than can be read; in danger call the emergency"
                      " services, else try again in an hour.", value=by_all, limit=MOST_AN_HOUR)  # fmt: skip


def check_can_take_calls(actor: Actor) -> None:
    """Raises: Refused `signals.role`."""
    if not actor.roles & TAKERS:
        raise Refused("signals.role", "Calls are taken by duty officers and supervisors; ask one of them, or report"
                      " it on the portal.")  # fmt: skip


def check_can_read_reports(actor: Actor) -> None:
    """Only those who deal with reports. Raises: Refused `signals.role`."""
    if not actor.roles & READERS:
        raise Refused("signals.role", "Reports are read by duty officers, case handlers and supervisors; ask one of"
                      " them.")  # fmt: skip


@dataclass(frozen=True)
class Writer:
    """Whose key writes; bound to a thing it may only add observations to that thing's datastreams.

    With `chooses_ids` it may say which id what it makes is to have.
    """

    key_id: str
    owner: str
    thing_id: int | None = None
    chooses_ids: bool = False


def check_can_make_key(actor: Actor) -> None:
    """Raises: Refused `signals.role`."""
    if not actor.roles & KEY_MAKERS:
        raise Refused("signals.role", "Device keys are made by operators; ask one.")


def check_can_create(by: Writer, title: str, thing_id: int | None) -> None:
    """Raises: Refused `signals.not_allowed_thing`."""
    if by.thing_id is not None and (title != "Observation" or thing_id != by.thing_id):
        raise Refused("signals.not_allowed_thing", "This key may only add observations to the datastreams of thing"
                      " {value}; use a key of a wider scope.", value=by.thing_id)  # fmt: skip


def check_can_change(by: Writer) -> None:
    """Raises: Refused `signals.not_allowed_thing`."""
    if by.thing_id is not None:
        raise Refused("signals.not_allowed_thing", "This key may only add observations to the datastreams of thing"
                      " {value}; use a key of a wider scope.", value=by.thing_id)  # fmt: skip


def check_can_look_after_sensors(actor: Actor) -> None:
    """Raises: Refused `signals.role`."""
    if not actor.roles & SENSOR_KEEPERS:
        raise Refused("signals.role", "Sensors are looked after by operators, data stewards and the departments of"
                      " water, gas and traffic; ask one of them.")  # fmt: skip


def check_calibration(on: date, due_on: date | None, today: date) -> None:
    """Raises: Refused `signals.calibration`."""
    if on > today + timedelta(days=1):
        raise Refused("signals.calibration", "{value} is still to come; give the day on which it was calibrated.",
                      value=on.isoformat())  # fmt: skip
    if due_on is not None and due_on <= on:
        raise Refused("signals.calibration", "It is due again on {value}, which is not after {limit}; give a later"
                      " day.", value=due_on.isoformat(), limit=on.isoformat())  # fmt: skip
