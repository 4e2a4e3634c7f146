"""Asking to be warned, confirming, changing, stopping. Nobody needs an account: who has the link has the subscription.

Every function raises Refused `gate.keeper_down` where the keeper does not answer and it needs it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from cityloom.bus import actions as bus
from cityloom.gate import actions as gate
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.subscriptions import plugins, policies
from cityloom.subscriptions.domain.letter import Letter
from cityloom.subscriptions.domain.wish import (
    FIELDS,
    Address,
    Wish,
    address_of,
    address_word,
    check_place,
    parts_of,
    wish_of,
    words_of,
)  # fmt: skip
from cityloom.subscriptions.events import SubscriptionAsked
from cityloom.subscriptions.models import Subscription, Telling

PURPOSE = "place-alerts"
_AN_HOUR = timedelta(hours=1)
State = Subscription.State


@dataclass(frozen=True)
class Kept:
    """A subscription that was made: its id, and the secret that opens it."""

    id: str
    secret: str


@dataclass(frozen=True)
class Opened:
    """What a subscription says, shown to whoever has its link."""

    id: str
    is_active: bool
    wish: Wish
    address: Address


def subscribe(*, at: datetime, wish: Wish, address: Address, is_demo: bool, key: str = "") -> Kept | None:
    """Seal what somebody asks for; a mail's address has to be confirmed, a browser has proved itself.

    The same wishes with the same `key` are one subscription. None where too much waits for that address already:
    whoever asked is told the same as always.
    Raises: Refused `places.nowhere`, `places.no_mail`, `places.no_push`, `places.push_host`, `places.busy`.
    """
    check_place(wish.place)
    plugins.WAYS[address.way].check_address(address)
    policies.check_letters(Subscription.objects.filter(asked_at__gt=at - _AN_HOUR, state=State.WAITING).count())
    kept = _named_after(key or ids.random_token(), wish, address)
    if Subscription.objects.filter(id=kept.id).exists():
        return kept
    if not policies.may_write_to(*_known_at(address.to, at)):
        return None
    address = msgspec.structs.replace(address, secret=kept.secret)
    packet = gate.seal_packet(by=SYSTEM, at=at, purpose=PURPOSE, parts=parts_of(wish, address),
                              words=words_of(wish, address.to))  # fmt: skip
    by_mail, name = address.way == "mail", kept.id
    with suppress(IntegrityError), transaction.atomic():  # the other click was faster
        Subscription.objects.create(
            id=name, packet=packet.id, secret_digest=_digest(address.secret), is_demo=is_demo, asked_at=at,
            state=State.WAITING if by_mail else State.ACTIVE, confirmed_at=None if by_mail else at,
        )  # fmt: skip
        gate.keep_packets([packet])
        if by_mail:
            bus.publish(SubscriptionAsked(name), at=at, event_id=ids.named_id("SubscriptionAsked", name))
    return kept


def send_confirmation(*, subscription_id: str, at: datetime) -> None:
    """Write to an address once, that it may be confirmed; nothing happens where it was, or where time is up."""
    row = Subscription.objects.filter(id=subscription_id, state=State.WAITING, letter_at=None).first()
    if row is None or at >= row.asked_at + policies.CONFIRM_WITHIN:
        return
    address = _open(row, at, ["address"]).get("address")
    if address is None:
        return
    _send(_confirmation(row, address_of(address)), address_of(address))
    Subscription.objects.filter(id=row.id, letter_at=None).update(letter_at=at)


def confirm(*, subscription_id: str, secret: str, at: datetime) -> None:
    """Let warnings begin; twice is once. Raises: Refused `places.unknown_link`, `places.link_expired`."""
    row = _row(subscription_id, secret)
    if row.state == State.WAITING and at >= row.asked_at + policies.CONFIRM_WITHIN:
        raise Refused("places.link_expired", "This link was good for {limit} hours; ask once more and you get another.",
                      limit=24)  # fmt: skip
    Subscription.objects.filter(id=row.id, state=State.WAITING).update(state=State.ACTIVE, confirmed_at=at)


def read(*, subscription_id: str, secret: str, at: datetime) -> Opened:
    """What a subscription says; looking at it leaves its leaf. Raises: Refused `places.unknown_link`."""
    row = _row(subscription_id, secret)
    parts = _open(row, at, FIELDS)
    if set(parts) != set(FIELDS):
        raise _unknown()
    return Opened(row.id, row.state == State.ACTIVE, wish_of(parts["place"]), address_of(parts["address"]))


def change(
    *, subscription_id: str, secret: str, severity: str, all_clear: bool, language: str, at: datetime
) -> None:
    """Seal other wishes for the same place and address; the worker erases what was.

    Raises: Refused `places.unknown_link`.
    """
    known, row = read(subscription_id=subscription_id, secret=secret, at=at), _row(subscription_id, secret)
    wish = msgspec.convert({"place": known.wish.place, "severity": severity, "all_clear": all_clear}, type=Wish)
    address = msgspec.structs.replace(known.address, language=language)
    packet = gate.seal_packet(by=SYSTEM, at=at, purpose=PURPOSE, parts=parts_of(wish, address),
                              words=words_of(wish, address.to))  # fmt: skip
    with transaction.atomic():
        now = Subscription.objects.select_for_update().filter(id=row.id).exclude(state=State.ENDING).first()
        if now is None:
            raise _unknown()
        gate.keep_packets([packet])
        Subscription.objects.filter(id=row.id).update(packet=packet.id)
        # what was before waits for the worker under a name of its own: a crash after this leaves nothing behind
        Subscription.objects.create(id=ids.new_ulid(), packet=now.packet, state=State.ENDING, secret_digest="",
                                    is_demo=now.is_demo, asked_at=now.asked_at)  # fmt: skip


def stop(*, subscription_id: str, secret: str, at: datetime) -> None:
    """End a subscription at once, also while the keeper is down; the worker erases its packet. Twice is once.

    Raises: Refused `places.unknown_link`.
    """
    row = _row(subscription_id, secret, with_ending=True)
    Subscription.objects.filter(id=row.id).update(state=State.ENDING)


def begin_telling(*, alert_id: str, is_actual: bool, exercise_id: str, at: datetime) -> None:
    """Note an alert that those who asked are to be told; one that is not actual is for demo subscriptions alone."""
    if Subscription.objects.filter(state=State.ACTIVE, is_demo=not is_actual).exists():
        Telling.objects.get_or_create(
            alert_id=alert_id, defaults={"exercise_id": exercise_id, "begun_at": at, "next_try_at": at}
        )


def links_of(subscription_id: str, address: Address) -> dict[str, str]:
    """Where a subscription is confirmed, changed and stopped."""
    mine = f"/{subscription_id}/{address.secret}/"
    return {name: address.site + _path(name) + mine for name in ("confirm", "manage", "stop", "stop-now")}


@lru_cache
def _path(name: str) -> str:
    return reverse(f"places-{name}", args=["id", "secret"]).removesuffix("/id/secret/")


def language_of(address: Address) -> str:
    """The language of a subscriber as Django names it."""
    return "zh-hans" if address.language == "zh-Hans" else "en"


def _known_at(to: str, at: datetime) -> tuple[int, int]:
    """How many letters of confirmation an address had lately, and how many subscriptions it has."""
    packets = gate.find_packets(by=SYSTEM, at=at, purpose=PURPOSE, words=[address_word(to)])[:500]
    rows = Subscription.objects.filter(packet__in=packets)
    waiting = rows.filter(asked_at__gt=at - policies.CONFIRM_WITHIN).exclude(state=State.ACTIVE).count()
    return waiting, rows.filter(state=State.ACTIVE).count()


def _named_after(key: str, wish: Wish, address: Address) -> Kept:
    """The id and the secret that follow from a random word of the form and from what was asked for; neither is kept."""
    asked = base64.b64encode(msgspec.json.encode((key, wish, address))).decode()
    secret = salted_hmac("cityloom.subscriptions.secret", asked, algorithm="sha256").digest()
    word = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    return Kept(ids.named_id("subscription", word), word)


def _row(subscription_id: str, secret: str, *, with_ending: bool = False) -> Subscription:
    row = Subscription.objects.filter(id=subscription_id).first()
    if row is not None and row.state == State.ENDING and not with_ending:
        row = None
    if not hmac.compare_digest(row.secret_digest if row else "", _digest(secret)) or row is None:
        raise _unknown()
    return row


def _open(row: Subscription, at: datetime, fields: list[str] | tuple[str, ...]) -> dict[str, bytes]:
    grant = gate.grant(by=SYSTEM, at=at, purpose=PURPOSE, subjects=[row.packet], fields=fields, holder=SYSTEM.account,
                       until=at + _AN_HOUR)  # fmt: skip
    found = gate.open_packets(by=SYSTEM, at=at, grant_id=grant, packets=[row.packet], fields=fields, exercise_id="")
    return found.get(row.packet, {})


def _send(letter: Letter, address: Address) -> None:
    try:
        plugins.WAYS[address.way].send(letter, address)
    except plugins.Gone:
        return  # nobody confirms it, and it is erased when its time is up


def _confirmation(row: Subscription, address: Address) -> Letter:
    links = links_of(row.id, address)
    with translation.override(language_of(address)):
        text = "\n\n".join((
            _("Somebody asked that warnings about a place be sent to this address."),
            _("If that was you, confirm it within 24 hours:") + "\n" + links["confirm"],
            _("If it was not you, do nothing: without a confirmation everything is erased after 24 hours."),
        ))  # fmt: skip
        subject = _("Please confirm: warnings for your place")
    return Letter(ids.named_id("confirm", row.id), subject, text, {"title": subject, "body": ""})


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _unknown() -> Refused:
    return Refused("places.unknown_link", "There is no subscription behind this link: it was stopped, was never"
                   " confirmed, or the link is cut off.")  # fmt: skip
