"""Change one byte of an approved alert, very often, at each hop; nothing changed may get through.

Usage: python -m bench.alerts [--mutations 100000] [--seed 1] [--json]
"""

# ruff: noqa: E402 - the home must be chosen before Django starts
from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

os.environ.setdefault("CITYLOOM_HOME", tempfile.mkdtemp(prefix="cityloom-bench-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloom.project.settings")

import django
import numpy as np

django.setup()

from django.core.management import call_command
from django.db import connection, connections

from cityloom.alerts import actions, plugins
from cityloom.alerts.domain.cap import time_text
from cityloom.alerts.models import Alert, Delivery
from cityloom.alerts.plugins import Channel, OutgoingMessage, Receipt
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.canonical import canonical_bytes, digest
from cityloom.kernel.refused import Refused

NOW = datetime(2026, 1, 1, 8, tzinfo=UTC)
EXPIRES = datetime(2026, 1, 1, 14, tzinfo=UTC)
POOL = 500


@dataclass(frozen=True)
class Result:
    """What became of the mutations of one hop; `same` are changes that say the same, which are drawn again."""

    hop: str
    mutations: int
    stopped: int
    passed: int
    same: int
    seconds: float


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


def mutations(data: bytes, chance: np.random.Generator) -> Iterator[bytes]:
    """The bytes with one replaced, removed or added, without end."""
    while True:
        position, byte = int(chance.integers(len(data))), bytes([int(chance.integers(256))])
        middle = (byte, b"", byte + data[position : position + 1])[int(chance.integers(3))]
        changed = data[:position] + middle + data[position + 1 :]
        if changed != data:
            yield changed


def measure(hop: str, count: int, source: Iterator[bytes], passes: Callable[[bytes], bool | None]) -> Result:
    """Count what passes; `passes` gives None for a change that is none."""
    started, stopped, passed, same = clock.stopwatch(), 0, 0, 0
    while stopped + passed < count:
        match passes(next(source)):
            case None:
                same += 1
            case True:
                passed += 1
            case False:
                stopped += 1
    return Result(hop, count, stopped, passed, same, round(clock.stopwatch() - started, 1))


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
    return _gets_through(lambda: actions.send(**order(document, digest(approved()))))


def measure_stored(trap: Trap, count: int, seed: int) -> Result:
    """Hop 2: the XML in the database, before delivery; each round changes one byte in each of a pool of alerts."""
    pool = [actions.send(**order(approved(n), digest(approved(n)))) for n in range(1, min(count, POOL) + 1)]
    stored = [Alert.objects.get(id=alert_id).xml for alert_id in pool]
    sources = [_texts(mutations(xml.encode(), ids.seeded(seed, 2, n))) for n, xml in enumerate(stored)]
    started, done = clock.stopwatch(), 0
    while done < count:
        _deliver_again(pool, [next(source) for source in sources])
        done += len(pool)
    seconds, passed = clock.stopwatch() - started, trap.caught
    _deliver_again(pool, stored)
    if trap.caught != passed + len(pool):
        raise SystemExit("The unchanged alerts do not pass, so these figures mean nothing.")
    return Result("XML in the database", done, done - passed, passed, 0, round(seconds, 1))


def _deliver_again(pool: list[str], texts: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE alerts_alert SET xml = %s WHERE id = %s", list(zip(texts, pool, strict=True)))
    Delivery.objects.update(state="pending", attempts=0, next_try_at=NOW)
    actions.deliver_due(at=NOW)


def _texts(changes: Iterator[bytes]) -> Iterator[str]:
    """Only what a text column can hold."""
    for changed in changes:
        with contextlib.suppress(UnicodeDecodeError):
            if "\x00" not in (text := changed.decode()):
                yield text


def message_passes(trap: Trap, message: OutgoingMessage, changed: bytes) -> bool:
    """Hop 3: the message handed to the channel."""
    return _gets_through(lambda: plugins.hand_over(trap, replace(message, xml=changed)))


def _gets_through(action: Callable[[], object]) -> bool:
    try:
        action()
    except Refused:
        return False
    return True


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
    if not message_passes(trap, message, xml):
        raise SystemExit("The unchanged alert does not pass, so these figures mean nothing.")
    return [first, second, third]


def main() -> None:
    """Run, print, and exit with 1 if anything changed got through."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=100_000, help="for each hop")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    connections.databases["default"]["NAME"] = ":memory:"
    call_command("migrate", verbosity=0)
    results = run(options.mutations, options.seed)
    if options.json:
        print(json.dumps([asdict(result) for result in results]))
    else:
        for result in results:
            print(f"{result.hop:24} {result.stopped:>8,} stopped {result.passed:>4,} passed {result.seconds:>7.1f} s")
    sys.exit(any(result.passed for result in results))


if __name__ == "__main__":
    main()
