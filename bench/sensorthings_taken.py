"""Send observations to a broker while the process that takes them is killed again and again; none is lost, none twice.

Run: python -m bench.sensorthings_taken [--messages N] [--rate N] [--kill-every SECONDS] [--url postgresql://...]
A city and a Mosquitto of its own; one client publishes `{"result": n}` with QoS 1 and no time of its own, which is what
nobody but the broker could tell from another one; `cityloom sensor mqtt` is killed and started anew meanwhile.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bench.sensorthings_told import Telling, broker_at, open_city

_WAIT_S = 120.0


def main() -> int:
    """Measure, and print one row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--kill-every", type=float, default=2.0)
    parser.add_argument("--url", default="", help="PostgreSQL instead of SQLite, in an empty database")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        open_city(Path(place), wanted.url)
        with broker_at(Path(place)) as (port, _):
            print(json.dumps(_measure(Path(place), port, wanted)), flush=True)
    return 0


def _measure(place: Path, port: int, wanted: argparse.Namespace) -> dict[str, Any]:
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    from cityloom.signals import actions, queries
    from cityloom.signals.models import Datastream, Observation
    from tests.signals.sensing import Api, stream, thing

    Api(actions.make_key(owner="bench", by=SYSTEM, at=clock.now())).make("Things", thing(stream()))
    key = queries.device_keys()[0].id
    says = {"broker": f"mqtt://127.0.0.1:{port}", "tell": ["v1.1/Things"], "take": [{"key": key}]}
    (place / "exchange.yaml").write_text(json.dumps(says), "utf-8")
    taking = Telling(place / "exchange.yaml", wanted.kill_every)
    topic = f"v1.1/Datastreams({Datastream.objects.get().id})/Observations"
    begun = time.perf_counter()
    sender = threading.Thread(target=_send, args=(port, topic, wanted.messages, wanted.rate))
    sender.start()
    sender.join()
    taking.kill_no_more()
    until = time.perf_counter() + _WAIT_S
    while Observation.objects.count() < wanted.messages and time.perf_counter() < until:
        time.sleep(0.1)
    took = time.perf_counter() - begun
    time.sleep(2)  # for those that would come twice
    taking.end()
    results = list(Observation.objects.values_list("result", flat=True))
    return {"messages": wanted.messages, "lost": wanted.messages - len(set(results)),
            "twice": len(results) - len(set(results)), "killed": taking.killed,
            "taken_s": round(wanted.messages / took)}  # fmt: skip


def _send(port: int, topic: str, count: int, rate: float) -> None:
    import paho.mqtt.client as mqtt

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    begun = time.perf_counter()
    for number in range(count):
        sent = client.publish(topic, json.dumps({"result": number}), qos=1)
        time.sleep(max(0.0, number / rate - (time.perf_counter() - begun)))
    sent.wait_for_publish(_WAIT_S)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    raise SystemExit(main())
