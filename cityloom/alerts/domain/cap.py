"""The Common Alerting Protocol 1.2 as values. Source: OASIS CAP-v1.2, section 3.2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from cityloom.kernel import clock

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
STATUSES = ("Actual", "Exercise", "System", "Test", "Draft")
MESSAGE_TYPES = ("Alert", "Update", "Cancel", "Ack", "Error")
SCOPES = ("Public", "Restricted", "Private")
CATEGORIES = (
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other",
)  # fmt: skip
RESPONSES = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
_LONGEST_OFFSET = timedelta(hours=14)


@dataclass(frozen=True)
class CapArea:
    """Where an alert applies; polygons and circles are the texts as sent, in CAP's latitude,longitude order."""

    words: str
    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()
    geocodes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CapInfo:
    """What an alert says in one language."""

    language: str
    categories: tuple[str, ...]
    event: str
    responses: tuple[str, ...]
    urgency: str
    severity: str
    certainty: str
    expires: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    areas: tuple[CapArea, ...] = ()


@dataclass(frozen=True)
class CapAlert:
    """One CAP message; every text is exactly what stood in the XML."""

    identifier: str
    sender: str
    sent: str
    status: str
    message_type: str
    scope: str
    note: str = ""
    references: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    infos: tuple[CapInfo, ...] = ()


def time_text(instant: datetime, zone: tzinfo = UTC) -> str:
    """An instant as CAP writes it: whole seconds with the zone's offset, UTC as -00:00, never Z.

    Source: CAP 1.2, section 3.3.2.
    """
    local = clock.require_aware(instant).astimezone(zone)
    minutes = round((local.utcoffset() or timedelta()) / timedelta(minutes=1))
    local = instant.astimezone(timezone(timedelta(minutes=minutes)))  # zones of long ago had odd seconds
    sign, (hours, rest) = "+" if minutes > 0 else "-", divmod(abs(minutes), 60)
    return local.replace(tzinfo=None).isoformat(timespec="seconds") + f"{sign}{hours:02}:{rest:02}"


def time_from(text: str) -> datetime | None:
    """The instant that a CAP time means; None if it is not one."""
    text = text.strip(" \t\r\n")
    if not _TIME.fullmatch(text):
        return None
    try:
        instant = datetime.fromisoformat(text)
        offset = instant.utcoffset()
        return instant.astimezone(UTC) if offset is not None and abs(offset) <= _LONGEST_OFFSET else None
    except (ValueError, OverflowError):
        return None


def reference_text(sender: str, identifier: str, sent: str) -> str:
    """How a later message names an earlier one. Source: CAP 1.2, element `references`."""
    return f"{sender},{identifier},{sent}"
