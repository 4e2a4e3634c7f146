"""Measure warnings to those who asked: match an alert with all subscriptions, open those inside, hand letters over.

Run: python -m bench.places [--subscriptions N] [--inside N]
A city of its own in a temporary home, with a keeper as a process. Subscriptions are sealed in batches of 2,000;
those `inside` lie in the alert's square, the others around it. Letters end in the demo outbox, a file each.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import numpy as np

_BATCH = 2000
_MOST_ROUNDS = 1000


def main() -> int:
    """Measure, and print one row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscriptions", type=int, default=100_000)
    parser.add_argument("--inside", type=int, default=5_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        (Path(place) / "city").mkdir()
        os.environ |= {"CITYLOOM_HOME": place, "CITYLOOM_CITY_DIR": f"{place}/city",
                       "DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}  # fmt: skip
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from cityloom.gate import actions as gate

        running = gate.start_keeper()
        try:
            print(json.dumps(_measured(wanted.subscriptions, wanted.inside)), flush=True)
        finally:
            running.stop()
    return 0


def _measured(count: int, inside: int) -> dict[str, object]:
    from django.urls import reverse

    from cityloom.kernel import clock
    from cityloom.subscriptions import jobs, queries
    from cityloom.subscriptions.models import Telling

    reverse("alerts")  # reads the pages' addresses, which a running worker has read
    load, began = os.getloadavg()[0], time.perf_counter()
    _fill(count, inside)
    sealed_s = time.perf_counter() - began
    alert, at, rounds, began = _issued(), clock.now(), 0, time.perf_counter()
    telling = Telling.objects.get(alert_id=alert)
    jobs._match(telling, jobs.alerts.checked_alert(alert, at), at)
    matched_s = time.perf_counter() - began
    while queries.telling_of(alert).state != "done" and rounds < _MOST_ROUNDS:
        jobs.tell_due(at=clock.now())
        rounds += 1
    told_s = time.perf_counter() - began - matched_s
    facts = queries.telling_of(alert)
    return {
        "subscriptions": count, "sealed_per_s": round(count / sealed_s), "candidates": facts.candidates,
        "told": facts.told, "outside": facts.outside, "match_ms": round(matched_s * 1000),
        "open_and_hand_over_s": round(told_s, 1), "told_per_s": round(facts.told / told_s), "rounds": rounds,
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
    }  # fmt: skip


def _fill(count: int, inside: int) -> None:
    """Confirmed demo subscriptions, at places drawn by a seed."""
    from cityloom.gate import actions as gate
    from cityloom.kernel import clock, ids
    from cityloom.kernel.actor import SYSTEM
    from cityloom.subscriptions.actions import PURPOSE
    from cityloom.subscriptions.domain.wish import Address, Place, Wish, parts_of, words_of
    from cityloom.subscriptions.models import Subscription

    rng, at = np.random.default_rng(1), clock.now()
    lons = np.r_[rng.uniform(113.9501, 113.9519, inside), rng.uniform(113.97, 114.3, count - inside)]
    lats = np.r_[rng.uniform(22.5301, 22.5319, inside), rng.uniform(22.4, 22.7, count - inside)]
    for first in range(0, count, _BATCH):
        some = range(first, min(first + _BATCH, count))
        wishes = [Wish(Place(float(lons[row]), float(lats[row]))) for row in some]
        ways = [Address("mail", f"{row}@example.org", "en", ids.random_token(), "http://city.test") for row in some]
        pairs = list(zip(wishes, ways, strict=True))
        packets = gate.seal_packets(
            by=SYSTEM, at=at, purpose=PURPOSE, packets=[parts_of(wish, way) for wish, way in pairs],
            words=[words_of(wish, way.to) for wish, way in pairs],
        )  # fmt: skip
        gate.keep_packets(packets)
        Subscription.objects.bulk_create(
            Subscription(id=ids.new_ulid(), packet=packet.id, state="active", secret_digest="0" * 64, is_demo=True,
                         asked_at=at, confirmed_at=at) for packet in packets
        )  # fmt: skip


def _issued() -> str:
    from cityloom.alerts import actions as alerts
    from cityloom.alerts.domain.cap import time_text
    from cityloom.kernel import clock
    from cityloom.subscriptions import actions
    from tests.alerts import examples

    at = clock.now()
    document = examples.document(sent=time_text(at), expires=time_text(at + timedelta(hours=6)))
    alert = alerts.send(**examples.order(document, at=at))
    actions.begin_telling(alert_id=alert, is_actual=False, exercise_id="01HEXERCISE", at=at)
    return alert


if __name__ == "__main__":
    raise SystemExit(main())
