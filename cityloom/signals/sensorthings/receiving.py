"""Make entities from what clients send to a broker: each message once, by the rules of a POST, as one key allows it.

Who sent a message only the broker knows. So the exchange says which key stands behind a topic: one key for all that
comes there, or the key that a level of the topic names where the broker lets nobody else publish there.
Source: OGC 18-088, clause 14.1.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.models import Max

from cityloom.kernel import ids
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import addresses, checking
from cityloom.signals.domain.sensorthings.exchanging import Exchange, Sent
from cityloom.signals.models import RejectedSignal, TakenMessage
from cityloom.signals.sensorthings.answering import resolve
from cityloom.signals.sensorthings.keys import writers_by_id
from cityloom.signals.sensorthings.reading import Budget
from cityloom.signals.sensorthings.writing import Writing, create

log = logging.getLogger(__name__)
KIND = "sta-mqtt"
MOST_ON_THEIR_WAY = 1_000
"""Messages that the broker sends before it waits for a word that they are kept."""
_AT_ONCE = 200
_UPSERT = (
    "INSERT INTO signals_takenmessage (number, digest, place) VALUES (%s, %s, %s)"
    " ON CONFLICT (number) DO UPDATE SET digest = excluded.digest, place = excluded.place"
)


@dataclass
class Received:
    """What became of messages: how many made an entity, how many had done so before, and how many did not and why."""

    made: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)


class Receiver:
    """Takes the messages of one exchange; one process at a time."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._place = TakenMessage.objects.aggregate(last=Max("place"))["last"] or 0
        self.received = Received()

    def take(self, messages: Sequence[Sent], at: datetime) -> None:
        """Make what messages ask for; when this returns it is on the disk, and what is wrong is counted by reason."""
        for start in range(0, len(messages), _AT_ONCE):
            some = messages[start : start + _AT_ONCE]
            with transaction.atomic():
                new = self._new(some)
                faults = Counter(fault for fault in self._make(new, at) if fault)
                RejectedSignal.objects.bulk_create(
                    RejectedSignal(kind=KIND, code=code[:24], count=count, rejected_at=at)
                    for code, count in faults.items()
                )
            self.received.duplicates += len(some) - len(new)
            self.received.made += len(new) - faults.total()
            self.received.rejected += faults

    def _new(self, messages: Sequence[Sent]) -> list[Sent]:
        """Without those that came before and were not known to be kept; numbers come again after 65,535 messages."""
        rows = TakenMessage.objects.filter(number__in=[one.number for one in messages if one.again])
        known = {row.number: (row.digest, row.place) for row in rows}
        new = []
        for one in messages:
            digest = hashlib.sha256(one.topic.encode() + b"\0" + one.payload).hexdigest()
            before, place = known.get(one.number, ("", 0))
            if one.again and before == digest and self._place - place <= 2 * MOST_ON_THEIR_WAY:
                continue
            self._place += 1
            known[one.number] = (digest, self._place)
            new.append(one)
        numbered = [(one.number, *known[one.number]) for one in new if one.number]
        with connection.cursor() as cursor:
            cursor.executemany(_UPSERT, numbered)
        return new

    def _make(self, messages: Sequence[Sent], at: datetime) -> list[str]:
        """For each message why nothing was made, or an empty text."""
        found = [self._whose(one) for one in messages]
        writers = writers_by_id({key for _, key in found if key})
        works = {key: Writing(writer, at) for key, writer in writers.items()}
        faults = [self._one(one, path, works.get(key)) for one, (path, key) in zip(messages, found, strict=True)]
        for work in works.values():
            work.finish()
        return faults

    def _whose(self, sent: Sent) -> tuple[str, str]:
        """The address that a message was sent to, and the id of the key behind it."""
        found = (taking.path_and_key(sent.topic) for taking in self._exchange.take)
        return next((one for one in found if one is not None), ("", ""))

    def _one(self, sent: Sent, path: str, work: Writing | None) -> str:
        if not path or work is None:
            return "key_unknown" if path else "no_topic"
        announced = len(work.observed.announced)
        try:
            with transaction.atomic():
                _create(work.part(), path, sent.payload)
        except Refused as refusal:
            fault = refusal.code.rpartition(".")[2]
        except (DataError, IntegrityError):
            fault = "sta_impossible"
        except OperationalError:
            raise
        except Exception:  # the broker would send it again for ever, and all that comes after it would wait
            log.exception("a message cannot be taken; reference %s", ids.new_ulid())
            fault = "defect"
        else:
            return ""
        work.take_back(announced)
        return fault


def _create(work: Writing, path: str, payload: bytes) -> None:
    address = addresses.read(path)
    if address.is_ref or not address.is_set:
        raise addresses.nowhere(path)
    place = resolve(address, path, Budget(private_too=True))
    given = {place.within.relation.inverse: place.within.id} if place.within else {}
    create(work, place.entity, checking.document(payload), given)
    work.finish()
