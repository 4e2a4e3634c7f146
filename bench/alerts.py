"""Change one byte of an approved alert, very often, at each hop of alerts; nothing changed may get through.

Usage: python -m bench.alerts [--mutations 100000] [--seed 1] [--json]
"""

# ruff: noqa: E402 - the home must be chosen before Django starts
from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bench._mutations import (
    Result,
    command,
    gets_through,
    measure,
    must_pass,
    mutations,
    start_django,
    texts,
)  # fmt: skip

start_django()

from django.db import connection

from cityloom.alerts import actions, plugins
from cityloom.alerts.domain.cap import time_text
from cityloom.alerts.models import Alert, Delivery
from cityloom.alerts.plugins import Channel, OutgoingMessage, Receipt
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.canonical import canonical_bytes, digest

NOW = datetime(2026, 1, 1, 8, tzinfo=UTC)
EXPIRES = datetime(2026, 1, 1, 14, tzinfo=UTC)
POOL = 500


class Trap(Channel):
    """A channel that counts what reaches it."""

    name = "trap"
    is_demo = True
    repeats_are_harmless = True
    caught = 0

    def deliver(self, parcel: bytes, message: OutgoingMessage) -> Receipt:
        self.caught += 1
        return Receipt("caught")


def approved(number: int = 1) -> dict[str, Any]:
    """A drill's alert with two polygons and both languages."""
    words = {
        "en": {"event": "Ground collapse", "headline": "EXERCISE: leave Keyuan Road now", "area": "Keyuan Road",
               "description": "The ground has collapsed.", "instruction": "Take your medicine; walk to the school."},
        "zh-Hans": {"event": "地面塌陷", "headline": "演练：请立即离开科苑路", "area": "科苑路",
                    "description": "发生地面塌陷。", "instruction": "请携带药品，步行前往学校。"},
    }  # fmt: skip
    ring = "22.530000,113.95{0} 22.530000,113.95{1} 22.532000,113.95{1} 22.532000,113.95{0} 22.530000,113.95{0}"
    return {
        "version": 1, "incident": "01BENCH", "revision": number, "message_type": "Alert", "references": [],
        "identifier": f"cityloom.01BENCH.{number}", "sender": "alerts@cityloom.invalid", "sent": time_text(NOW),
        "exercise": True, "synthetic_city": True, "languages": ["zh-Hans", "en"], "info": words,
        "polygons": [ring.format("0000", "2000"), ring.format("3000", "4000")], "buildings": list(range(100, 160)),
        "category": "Infra", "urgency": "Immediate", "severity": "Extreme", "certainty": "Observed",
        "response": "Evacuate", "expires": time_text(EXPIRES), "channels": ["trap"],
    }  # fmt: skip


def order(document: dict[str, Any], approved_digest: str) -> dict[str, Any]:
    """How the alert is sent."""
    return {
        "by": SYSTEM, "at": NOW, "incident_id": "01BENCH", "document": document, "approved_digest": approved_digest,
        "channels": ["trap"], "city_is_synthetic": True, "exercise_id": "01BENCHEXERCISE",
    }  # fmt: skip


def document_passes(changed: bytes) -> bool | None:
    """Hop 1: the document at `send`."""
    try:
        document = json.loads(changed)
    except ValueError:
        return False
    if document == approved():
        return None
    return gets_through(lambda: actions.send(**order(document, digest(approved()))))


def measure_stored(trap: Trap, count: int, seed: int) -> Result:
    """Hop 2: the XML in the database, before delivery; each round changes one byte in each of a pool of alerts."""
    pool = [actions.send(**order(approved(n), digest(approved(n)))) for n in range(1, min(count, POOL) + 1)]
    stored = [Alert.objects.get(id=alert_id).xml for alert_id in pool]
    sources = [texts(mutations(xml.encode(), ids.seeded(seed, 2, n))) for n, xml in enumerate(stored)]
    started, done = clock.stopwatch(), 0
    while done < count:
        _deliver_again(pool, [next(source) for source in sources])
        done += len(pool)
    seconds, passed = clock.stopwatch() - started, trap.caught
    _deliver_again(pool, stored)
    must_pass(trap.caught == passed + len(pool))
    return Result("XML in the database", done, done - passed, passed, 0, round(seconds, 1))


def _deliver_again(pool: list[str], texts: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE alerts_alert SET xml = %s WHERE id = %s", list(zip(texts, pool, strict=True)))
    Delivery.objects.update(state="pending", attempts=0, next_try_at=NOW)
    actions.deliver_due(at=NOW)


def message_passes(trap: Trap, message: OutgoingMessage, changed: bytes) -> bool:
    """Hop 3: the message handed to the channel."""
    return gets_through(lambda: plugins.hand_over(trap, replace(message, xml=changed)))


def run(count: int, seed: int) -> list[Result]:
    """All three hops; the unchanged alert must pass where the changed ones are stopped."""
    trap, document = Trap(), approved()
    plugins.register(trap)
    first = measure("document at send", count, mutations(canonical_bytes(document), ids.seeded(seed, 1)),
                    document_passes)  # fmt: skip
    second = measure_stored(trap, count, seed)
    alert = Alert.objects.get(document_digest=digest(document))
    xml = alert.xml.encode()
    message = OutgoingMessage("KEY", "trap", alert.identifier, xml, alert.unsent, alert.document_digest)
    third = measure("message at the channel", count, mutations(xml, ids.seeded(seed, 3)),
                    lambda changed: message_passes(trap, message, changed))  # fmt: skip
    must_pass(message_passes(trap, message, xml))
    return [first, second, third]


if __name__ == "__main__":
    command(__doc__, run)
