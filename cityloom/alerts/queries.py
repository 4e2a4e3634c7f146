"""Questions about alerts: what was sent, what a message is worth, how many phones it rings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import shapely
from django.urls import reverse
from django.utils.translation import gettext as _

from cityloom.alerts import plugins
from cityloom.alerts.domain import binding, capxml, polygons, structure
from cityloom.alerts.domain.binding import check_may_leave
from cityloom.alerts.domain.cap import CapInfo, reference_text, time_from, time_text
from cityloom.alerts.domain.findings import Finding
from cityloom.alerts.domain.lint import Bounds, lint
from cityloom.alerts.domain.phones import PhoneEstimate, estimate_phones
from cityloom.alerts.models import Alert, Delivery
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.domain import series
from cityloom.ui.domain.declared import Fault, Reading, WorkItem
from cityloom.ui.words import sentence_of

__all__ = [
    "AlertFacts", "Bounds", "ChannelFacts", "CheckedAlert", "DeliveryFacts", "Finding", "PhoneEstimate", "PublicAlert",
    "PublicWords", "alerts_of", "channels", "check_may_leave", "checked_alert", "estimate_phones", "lint_bytes",
    "lint_document", "lint_file", "polygon_from", "polygons_over", "public_alerts", "references_for", "time_from",
    "time_text", "undelivered", "xml_of",
]  # fmt: skip


_LATEST = 3


@dataclass(frozen=True)
class DeliveryFacts:
    """What became of an alert on one channel."""

    id: str
    alert_id: str
    channel: str
    state: str
    attempts: int
    code: str
    reason: str
    receipt: str
    next_try_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True)
class AlertFacts:
    """One alert as issued, and its deliveries by channel name."""

    id: str
    exercise_id: str
    incident_id: str
    identifier: str
    message_type: str
    status: str
    document_digest: str
    xml: str
    references: tuple[str, ...]
    issued_at: datetime
    sent_at: datetime
    expires_at: datetime
    state: str
    deliveries: tuple[DeliveryFacts, ...]


@dataclass(frozen=True)
class PublicWords:
    """What an alert says in one language."""

    event: str
    headline: str
    description: str
    instruction: str
    area: str


@dataclass(frozen=True)
class PublicAlert:
    """An alert as anybody may read it; `words` by language as in CAP. Raised by a drill where `is_exercise`.

    `is_in_force` is False for one that has ended, was replaced or withdrawn, and for the word that all is clear.
    """

    id: str
    is_exercise: bool
    is_in_force: bool
    is_all_clear: bool
    severity: str
    urgency: str
    issued_at: datetime
    expires_at: datetime
    words: Mapping[str, PublicWords]


@dataclass(frozen=True)
class CheckedAlert:
    """An alert whose bytes were compared with what was approved; `polygons` in longitude and latitude.

    `public` is how anybody may read it. `is_current` is False for one that was replaced or has expired.
    """

    public: PublicAlert
    status: str
    message_type: str
    incident_id: str
    exercise_id: str
    is_current: bool
    polygons: tuple[shapely.Polygon, ...]


@dataclass(frozen=True)
class ChannelFacts:
    """A channel, and what is missing from its settings ("" if nothing)."""

    name: str
    is_demo: bool
    missing: str


def alerts_of(incident_id: str) -> list[AlertFacts]:
    """The alerts of an incident in the order of their issue."""
    rows = Alert.objects.filter(incident_id=incident_id).prefetch_related("deliveries")
    return [_facts(row) for row in rows.order_by("issued_at", "id")]


def public_alerts(at: datetime, *, days: int = 7, most: int = 20) -> list[PublicAlert]:
    """The alerts in force at `at`, real ones and the latest first, then those of the last days; never none if ever one.

    Where the last days had none, the latest few stand for them.
    """
    rows = list(Alert.objects.filter(issued_at__lte=at).order_by("-issued_at")[:most])
    recent = [row for row in rows if row.issued_at > at - timedelta(days=days) or row.expires_at > at]
    found = [_public(row, at) for row in recent or rows[:_LATEST]]
    return sorted(found, key=lambda alert: (not alert.is_in_force, alert.is_exercise and alert.is_in_force))


def checked_alert(alert_id: str, at: datetime) -> CheckedAlert:
    """An alert as it may be told on, tied once more to what was approved.

    Raises: Refused `alerts.unknown`, and as `binding.check_bytes` does where the words are not the approved ones.
    """
    row = Alert.objects.filter(id=alert_id).first()
    if row is None:
        raise _unknown()
    alert = binding.check_bytes(row.xml.encode(), row.unsent, row.document_digest)
    texts = dict.fromkeys(text for info in alert.infos for area in info.areas for text in area.polygons)
    return CheckedAlert(
        _public(row, at), alert.status, alert.message_type, row.incident_id, row.exercise_id,
        row.state == Alert.State.ISSUED and row.expires_at > at, tuple(map(polygons.polygon_of, texts)),
    )  # fmt: skip


def undelivered() -> list[DeliveryFacts]:
    """Deliveries that an operator must look at, newest first; `resolve` settles the unknown ones."""
    states = (Delivery.State.REFUSED, Delivery.State.FAILED, Delivery.State.UNKNOWN)
    return [_delivery(row) for row in Delivery.objects.filter(state__in=states).order_by("-settled_at", "id")]


def references_for(incident_id: str) -> list[str]:
    """The alerts of an incident that are in force, as an Update or Cancel must name them."""
    rows = Alert.objects.filter(incident_id=incident_id, state=Alert.State.ISSUED)
    return [_reference(row) for row in rows.order_by("issued_at", "id")]


def xml_of(alert_id: str) -> bytes:
    """The CAP message as it leaves.

    Raises: Refused `alerts.unknown`.
    """
    row = Alert.objects.filter(id=alert_id).first()
    if row is None:
        raise _unknown()
    return row.xml.encode()


def channels() -> list[ChannelFacts]:
    """Every channel of this city by name."""
    return [ChannelFacts(name, channel.is_demo, _missing(channel)) for name, channel in
            sorted(plugins.CHANNELS.items())]  # fmt: skip


def polygons_over(zone: shapely.Geometry, footprints: Sequence[shapely.Geometry] = ()) -> list[str]:
    """CAP polygon texts that cover a zone and every footprint with at most 100 points in all.

    Coverage holds for exactly these texts; holes are filled. `polygon_from` gives the shapes again.
    """
    return [polygons.text_of(part) for part in polygons.simplified_over(zone, footprints)]


def polygon_from(text: str) -> shapely.Polygon:
    """The shape of a CAP polygon text that `polygons_over` wrote, in longitude and latitude."""
    return polygons.polygon_of(text)


def lint_document(document: Mapping[str, Any], *, at: datetime, bounds: Bounds | None = None) -> list[Finding]:
    """What would be wrong with the alert that a document becomes; no errors means that it can be sent.

    Raises: Refused `alerts.document_malformed`, `alerts.too_large`.
    """
    alert = capxml.parse(capxml.build_xml(document))
    return lint(alert, at=at, bounds=bounds, exercise=bool(document["exercise"]))


def lint_bytes(data: bytes, *, at: datetime, bounds: Bounds | None = None) -> list[Finding]:
    """What is wrong with a CAP message from anywhere; bytes that cannot be read are a finding too."""
    try:
        root = capxml.read_tree(data)
    except Refused as refusal:
        return [Finding(refusal.code, "error", refusal.template, value=refusal.value, limit=refusal.limit)]
    return structure.validate_structure(root) or lint(capxml.alert_of(root), at=at, bounds=bounds)


def lint_file(path: Path | str, *, at: datetime, bounds: Bounds | None = None) -> list[Finding]:
    """What is wrong with a CAP file.

    Raises: Refused `alerts.file_missing`, `alerts.file_unreadable`.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(capxml.MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise Refused("alerts.file_missing", "There is no file {value}; check the path.", value=path) from error
    except (OSError, ValueError) as error:
        raise Refused("alerts.file_unreadable", "{value} cannot be read as a file; check what it is and its access "
                      "rights.", value=path) from error  # fmt: skip
    return lint_bytes(data, at=at, bounds=bounds)


def _unknown() -> Refused:
    return Refused("alerts.unknown", "There is no alert with that id; look it up in the incident.")


def _public(row: Alert, at: datetime) -> PublicAlert:
    alert = capxml.parse(row.xml.encode())
    is_all_clear = alert.message_type == "Cancel" or "AllClear" in alert.infos[0].responses
    in_force = row.state == Alert.State.ISSUED and row.expires_at > at and not is_all_clear
    first = alert.infos[0]
    return PublicAlert(
        row.id, alert.status == "Exercise", in_force, is_all_clear, first.severity, first.urgency, row.issued_at,
        row.expires_at, {info.language: _public_words(info) for info in alert.infos},
    )  # fmt: skip


def _public_words(info: CapInfo) -> PublicWords:
    area = ", ".join(part.words for part in info.areas)
    return PublicWords(info.event, info.headline, info.description, info.instruction, area)


def _facts(row: Alert) -> AlertFacts:
    names = ("id", "exercise_id", "incident_id", "identifier", "message_type", "status", "document_digest", "xml",
             "issued_at", "sent_at", "expires_at", "state")  # fmt: skip
    deliveries = sorted(row.deliveries.all(), key=lambda delivery: delivery.channel)
    return AlertFacts(
        **{name: getattr(row, name) for name in names}, references=tuple(row.references),
        deliveries=tuple(map(_delivery, deliveries)),
    )  # fmt: skip


def _delivery(row: Delivery) -> DeliveryFacts:
    return DeliveryFacts(
        id=row.id, alert_id=row.alert_id, channel=row.channel, state=row.state, attempts=row.attempts, code=row.code,
        reason=row.reason, receipt=row.receipt, next_try_at=row.next_try_at, settled_at=row.settled_at,
    )  # fmt: skip


def _reference(row: Alert) -> str:
    alert = capxml.parse(row.xml.encode())
    return reference_text(alert.sender, alert.identifier, alert.sent)


def _missing(channel: plugins.Channel) -> str:
    try:
        channel.check_config()
    except Refused as refusal:
        return refusal.sentence
    return ""


# --- what the overview shows

_NEEDS_SOMEBODY = (Delivery.State.REFUSED, Delivery.State.FAILED, Delivery.State.UNKNOWN)
_MOST = 100
_SPANS = 5_000


def alerts_in_force(actor: Actor, at: datetime) -> Reading:
    """How many real alerts were in force: issued, not over, and not replaced by a later one for the same incident."""
    instants = series.hours_to(at)
    issued = Alert.objects.filter(exercise_id="", issued_at__lte=at, expires_at__gt=instants[0])
    rows = issued.order_by("incident_id", "issued_at", "id")
    known = list(rows.values_list("incident_id", "issued_at", "expires_at", "message_type")[:_SPANS])
    spans = []
    for row, later in zip(known, [*known[1:], None], strict=False):
        incident_id, begins, ends, kind = row
        if later is not None and later[0] == incident_id:
            ends = min(ends, later[1])  # the next alert takes its place
        if kind != "Cancel":
            spans.append((begins, ends))
    counted = series.lasting(spans, instants)
    return Reading(counted[-1][1], counted, state="wait" if counted[-1][1] else "good")


def deliveries_to_mend(actor: Actor, at: datetime) -> list[WorkItem]:
    """Alerts that a channel did not get, real ones first."""
    rows = Delivery.objects.filter(state__in=_NEEDS_SOMEBODY).order_by("exercise_id", "-settled_at", "id")[:_MOST]
    return [
        WorkItem(
            title=_("An alert did not leave by {channel}").format(channel=row.channel), url=reverse("dead-letters"),
            urgency="later" if row.exercise_id else "now", since=row.settled_at, is_exercise=bool(row.exercise_id),
        )
        for row in rows
    ]  # fmt: skip


def channel_faults(actor: Actor, at: datetime) -> list[Fault]:
    """Channels that are not set up, and those that did not take a real alert."""
    faults = []
    for name, channel in sorted(plugins.CHANNELS.items()):
        try:
            channel.check_config()
        except Refused as refusal:
            faults.append(Fault(_("{channel} is not set up").format(channel=name), note=sentence_of(refusal)))
    failed = Delivery.objects.filter(state__in=_NEEDS_SOMEBODY, exercise_id="").order_by("channel")
    names = failed.values_list("channel", flat=True).distinct()
    faults += [
        Fault(_("{channel} did not take an alert").format(channel=name), "bad", url=reverse("dead-letters"))
        for name in names
    ]
    return faults
