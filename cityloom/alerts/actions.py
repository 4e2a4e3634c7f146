"""Send what was approved, exactly that, to each channel once."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from cityloom.alerts import plugins, policies
from cityloom.alerts.domain import binding, capxml, retry
from cityloom.alerts.domain import document as documents
from cityloom.alerts.domain.cap import CapAlert, time_from
from cityloom.alerts.domain.document import Document
from cityloom.alerts.domain.findings import check_no_errors
from cityloom.alerts.domain.lint import Bounds, lint
from cityloom.alerts.events import AlertDelivered, AlertIssued, AlertUndeliverable
from cityloom.alerts.models import Alert, Delivery
from cityloom.alerts.plugins import ChannelRefused, OutcomeUnknown, OutgoingMessage
from cityloom.alerts.queries import references_for
from cityloom.bus.actions import publish
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

log = logging.getLogger(__name__)
_PARALLEL = 8
State = Delivery.State


@dataclass(frozen=True)
class DeliveryRound:
    """How many deliveries one round left in which state."""

    sent: int = 0
    waiting: int = 0
    refused: int = 0
    failed: int = 0
    unknown: int = 0


@dataclass(frozen=True)
class _Outcome:
    state: State
    code: str = ""
    reason: str = ""
    receipt: str = ""


def send(
    *, by: Actor, at: datetime, incident_id: str, document: Mapping[str, Any], approved_digest: str,
    channels: Sequence[str], city_is_synthetic: bool, exercise_id: str = "", city_bounds: Bounds | None = None,
) -> str:  # fmt: skip
    """Issue a first alert; return its id, the same one for the same document however often it is sent.

    Nothing leaves yet: `deliver_due` calls the channels.
    Raises: Refused where the document is not the approved one, breaks a rule of `policies`, or has an error that
    `lint` finds.
    """
    order = _Order(by, at, incident_id, document, approved_digest, channels, city_is_synthetic, exercise_id)
    return _issue("Alert", order, city_bounds)


def update(
    *, by: Actor, at: datetime, incident_id: str, document: Mapping[str, Any], approved_digest: str,
    channels: Sequence[str], city_is_synthetic: bool, exercise_id: str = "", city_bounds: Bounds | None = None,
) -> str:  # fmt: skip
    """Issue an Update; the alerts that it names are updated, and what of them has not left yet never does."""
    order = _Order(by, at, incident_id, document, approved_digest, channels, city_is_synthetic, exercise_id)
    return _issue("Update", order, city_bounds)


def cancel(
    *, by: Actor, at: datetime, incident_id: str, document: Mapping[str, Any], approved_digest: str,
    channels: Sequence[str], city_is_synthetic: bool, exercise_id: str = "", city_bounds: Bounds | None = None,
) -> str:  # fmt: skip
    """Issue a Cancel; the alerts that it names are cancelled, and what of them has not left yet never does."""
    order = _Order(by, at, incident_id, document, approved_digest, channels, city_is_synthetic, exercise_id)
    return _issue("Cancel", order, city_bounds)


def deliver_due(*, at: datetime, exercise_id: str | None = None) -> DeliveryRound:
    """Call the channels of everything that is due, several at a time; with an `exercise_id` only of that exercise.

    Each attempt is written down before its channel is called, so that a crash cannot alert anybody twice.
    """
    settle_interrupted(at=at, started_before=at - retry.LEASE, exercise_id=exercise_id)
    claimed = [message for delivery in _due(at, exercise_id) if (message := _claim(delivery, at))]
    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        outcomes = pool.map(_attempt, claimed)
        states = [_record(message.key, outcome, at) for message, outcome in zip(claimed, outcomes, strict=True)]
    return DeliveryRound(
        sent=states.count(State.SENT), waiting=states.count(State.PENDING), refused=states.count(State.REFUSED),
        failed=states.count(State.FAILED), unknown=states.count(State.UNKNOWN),
    )  # fmt: skip


def settle_interrupted(*, at: datetime, started_before: datetime, exercise_id: str | None = None) -> int:
    """Settle attempts that a crash cut off; return how many.

    Where the channel recognises a repeat it is tried again; elsewhere nobody can know whether people were alerted, so
    it is not repeated but shown to an operator. A process that starts, and knows that no other delivers, passes the
    present as `started_before`.
    """
    rows = Delivery.objects.filter(state=State.ATTEMPTING, started_at__lte=started_before)
    keys = list(_of_exercise(rows, exercise_id).order_by("id").values_list("id", "channel"))
    for key, channel in keys:
        _record(key, _interrupted(channel), at)
    return len(keys)


def resolve(*, by: Actor, at: datetime, delivery_id: str, delivered: bool) -> None:
    """Write down what an operator found out about a delivery whose end nobody knew.

    Raises: Refused `alerts.not_allowed`, `alerts.nothing_to_resolve`.
    """
    if not by.has("operator"):
        raise Refused("alerts.not_allowed", "Only an operator resolves a delivery; ask one.")
    outcome = _Outcome(State.SENT, receipt="confirmed by an operator") if delivered else _Outcome(
        State.FAILED, "alerts.never_arrived", "An operator found that the alert never arrived.")  # fmt: skip
    with transaction.atomic():
        if not Delivery.objects.filter(id=delivery_id, state=State.UNKNOWN).update(state=State.ATTEMPTING):
            raise Refused("alerts.nothing_to_resolve", "This delivery is not waiting for an answer; look it up again.")
        _record(delivery_id, outcome, at)


def erase_exercise(*, by: Actor, at: datetime, exercise_id: str) -> int:
    """Delete the alerts of an exercise with their deliveries; return how many. The demo channels' files stay."""
    if not exercise_id:
        raise Refused("alerts.not_an_exercise", "Only exercises can be erased; name one.")
    doomed = Alert.objects.filter(exercise_id=exercise_id)
    count = doomed.count()
    doomed.delete()
    return count


@dataclass(frozen=True)
class _Order:
    """What somebody asks to be sent."""

    by: Actor
    at: datetime
    incident_id: str
    document: Mapping[str, Any]
    approved_digest: str
    channels: Sequence[str]
    city_is_synthetic: bool
    exercise_id: str


def _issue(message_type: str, order: _Order, bounds: Bounds | None) -> str:
    binding.check_document(order.document, order.approved_digest)
    alert_id = ids.named_id("alert", order.approved_digest)
    if Alert.objects.filter(id=alert_id).exists():
        return alert_id
    document = _checked(message_type, order)
    xml = capxml.build_xml(order.document)
    unsent = documents.unsent_of(order.document)
    alert = binding.check_bytes(xml, unsent, order.approved_digest)
    check_no_errors(lint(alert, at=order.at, bounds=bounds, exercise=document.exercise))
    with transaction.atomic():
        _write(alert_id, order, document, alert, xml)
    return alert_id


def _checked(message_type: str, order: _Order) -> Document:
    document = documents.read(order.document)
    if document.message_type != message_type or document.incident != order.incident_id:
        raise Refused("alerts.other_alert", "The approved document is an {value} for another purpose or incident; "
                      "it was not sent.", value=document.message_type)  # fmt: skip
    policies.check_can_send(
        order.by, document, exercise_id=order.exercise_id, city_is_synthetic=order.city_is_synthetic
    )
    known = {name: channel.is_demo for name, channel in plugins.CHANNELS.items()}
    policies.check_can_use_channels(document, order.channels, known)
    if document.references:
        policies.check_can_replace(document, references_for(order.incident_id))
    return document


def _write(alert_id: str, order: _Order, document: Document, alert: CapAlert, xml: bytes) -> None:
    if Alert.objects.filter(identifier=alert.identifier).exclude(id=alert_id).exists():
        raise Refused("alerts.identifier_taken", "Another alert already has the identifier {value}; make a new "
                      "proposal.", value=alert.identifier)  # fmt: skip
    row, created = Alert.objects.get_or_create(id=alert_id, defaults={
        "exercise_id": order.exercise_id, "incident_id": order.incident_id, "identifier": alert.identifier,
        "message_type": alert.message_type, "status": alert.status, "document_digest": order.approved_digest,
        "xml": xml.decode(), "unsent": documents.unsent_of(order.document), "references": document.references,
        "issued_by": order.by.account, "issued_at": order.at, "sent_at": time_from(alert.sent),
        "expires_at": time_from(document.expires),
    })  # fmt: skip
    if not created:
        return
    _replace(document, order)
    Delivery.objects.bulk_create(
        Delivery(id=_key(order.approved_digest, channel), exercise_id=order.exercise_id, alert=row, channel=channel,
                 next_try_at=order.at) for channel in document.channels
    )  # fmt: skip
    publish(
        AlertIssued(alert_id, order.incident_id, alert.identifier, alert.message_type, alert.status,
                    order.approved_digest, tuple(document.channels), order.at),
        at=order.at, exercise_id=order.exercise_id, event_id=ids.named_id("AlertIssued", alert_id),
    )  # fmt: skip


def _replace(document: Document, order: _Order) -> None:
    replaced = Alert.objects.filter(
        incident_id=order.incident_id, identifier__in=[text.split(",")[1] for text in document.references]
    )
    Delivery.objects.filter(alert__in=replaced, state=State.PENDING).update(
        state=State.WITHDRAWN, settled_at=order.at, code="alerts.replaced"
    )
    replaced.update(state=Alert.State.CANCELLED if document.message_type == "Cancel" else Alert.State.UPDATED)


def _key(approved_digest: str, channel: str) -> str:
    """The id of a delivery, and the key by which receivers recognise a repeat: one document, one channel, once."""
    return ids.named_id("alert-delivery", approved_digest, channel)


def _of_exercise(rows: Any, exercise_id: str | None) -> Any:
    return rows if exercise_id is None else rows.filter(exercise_id=exercise_id)


def _due(at: datetime, exercise_id: str | None) -> list[Delivery]:
    rows = Delivery.objects.filter(state=State.PENDING, next_try_at__lte=at).select_related("alert")
    due = list(_of_exercise(rows, exercise_id).order_by("next_try_at", "alert__issued_at", "id"))
    return [delivery for delivery in due if not _overtakes(delivery)]


def _overtakes(delivery: Delivery) -> bool:
    """Whether the channel may still be busy with an alert that this one replaces."""
    replaced = [reference.split(",")[1] for reference in delivery.alert.references]
    busy = Delivery.objects.filter(channel=delivery.channel, state=State.ATTEMPTING, alert__identifier__in=replaced)
    return bool(replaced) and busy.exists()


def _claim(delivery: Delivery, at: datetime) -> OutgoingMessage | None:
    """Write down that an attempt starts; None if another process was faster."""
    mine = Delivery.objects.filter(id=delivery.id, state=State.PENDING, attempts=delivery.attempts).update(
        state=State.ATTEMPTING, attempts=delivery.attempts + 1, started_at=at
    )
    if not mine:
        return None
    alert = delivery.alert
    if alert.expires_at <= at:
        _record(delivery.id, _Outcome(State.FAILED, "alerts.expired", "The alert expired before it could leave."), at)
        return None
    return OutgoingMessage(
        key=delivery.id, channel=delivery.channel, identifier=alert.identifier, xml=alert.xml.encode(),
        unsent=alert.unsent, approved_digest=alert.document_digest,
    )  # fmt: skip


def _attempt(message: OutgoingMessage) -> _Outcome:
    """Call a channel; whatever it does, an outcome comes back. Runs in threads, so it never touches the database."""
    channel = plugins.CHANNELS.get(message.channel)
    if channel is None:
        return _Outcome(State.REFUSED, "alerts.channel_unknown", "The channel is not installed any more.")
    try:
        receipt = plugins.hand_over(channel, message)
    except ChannelRefused as refusal:
        return _Outcome(State.REFUSED if refusal.final else State.PENDING, refusal.code, refusal.sentence)
    except Refused as refusal:
        return _Outcome(State.REFUSED, refusal.code, refusal.sentence)
    except Exception as error:
        kind = type(error).__name__
        if not isinstance(error, OutcomeUnknown):
            log.warning("Channel %s stopped with %s.", message.channel, kind)
        state = State.PENDING if channel.repeats_are_harmless else State.UNKNOWN
        return _Outcome(state, "alerts.channel_crashed", f"The channel stopped with {kind}.")
    return _Outcome(State.SENT, receipt=receipt.text + (" (repeated)" if receipt.repeated else ""))


def _interrupted(channel_name: str) -> _Outcome:
    channel = plugins.CHANNELS.get(channel_name)
    state = State.PENDING if channel and channel.repeats_are_harmless else State.UNKNOWN
    return _Outcome(state, "alerts.interrupted", "The city's system stopped in the middle of this attempt.")


def _record(delivery_id: str, outcome: _Outcome, at: datetime) -> State:
    """Write down how an attempt ended, with the event that says so."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().select_related("alert").get(id=delivery_id)
        if delivery.state != State.ATTEMPTING:
            return State(delivery.state)
        state, next_try_at = _settled(outcome, delivery, at)
        delivery.state, delivery.code, delivery.reason = state, outcome.code, outcome.reason[:300]
        delivery.receipt, delivery.next_try_at = outcome.receipt[:200], next_try_at
        delivery.settled_at = None if state == State.PENDING else at
        delivery.save()
        _publish_outcome(delivery, at)
    return state


def _settled(outcome: _Outcome, delivery: Delivery, at: datetime) -> tuple[State, datetime]:
    if outcome.state != State.PENDING:
        return outcome.state, at
    if delivery.alert.state != Alert.State.ISSUED:
        return State.WITHDRAWN, at
    again = retry.next_try_at(delivery.attempts, at)
    return (State.PENDING, again) if again else (State.FAILED, at)


def _publish_outcome(delivery: Delivery, at: datetime) -> None:
    alert = delivery.alert
    if delivery.state in (State.PENDING, State.WITHDRAWN):
        return
    event: AlertDelivered | AlertUndeliverable
    if delivery.state == State.SENT:
        event = AlertDelivered(alert.id, alert.incident_id, alert.message_type, delivery.channel, delivery.attempts, at)
    else:
        event = AlertUndeliverable(
            alert.id, alert.incident_id, alert.message_type, delivery.channel, delivery.code, delivery.attempts, at
        )
    publish(event, at=at, exercise_id=delivery.exercise_id, caused_by=ids.named_id("AlertIssued", alert.id),
            event_id=ids.named_id(type(event).__name__, delivery.id))  # fmt: skip
