"""Measure from sensor to detection through a broker: messages a second with five readings each, and events among them.

Run: python -m bench.reacting [--rate N] [--seconds N] [--clusters N] [--broker mqtt://...]
A city of its own with its ingest and worker processes. Every cluster has two pressure gauges, a settlement gauge and a
speed loop; once a second one cluster, not before, says what a collapse would make it say, in one message. The delay is
from that message's sending to the event that its detection was raised, as another process sees it. One line of JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from bench.watching import Gauges, begin_city

KINDS = ("pressure", "pressure", "settlement", "traffic_speed")
NORMAL = {"pressure": (350.0, 3.0), "settlement": (2.0, 0.3), "traffic_speed": (42.0, 3.0)}
FALLEN = {"pressure": 90.0, "settlement": 38.0, "traffic_speed": 4.0}
PAST = 15
EACH = 5


def main() -> None:
    """Measure in a home of its own, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=10_000, help="messages a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--clusters", type=int, default=2_500)
    parser.add_argument("--broker", default="mqtt://127.0.0.1:1883")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-reacting-") as place:
        home = Path(place)
        begin_city(home, gauges(wanted.clusters))
        topic = f"reacting/{os.getpid()}"
        bridge = {"broker": wanted.broker, "client": f"reacting-{os.getpid()}",
                  "topics": [{"topic": f"{topic}/#", "payload": "lines"}]}  # fmt: skip
        (home / "bridge.yaml").write_text(json.dumps(bridge))
        children = [subprocess.Popen([sys.executable, "-m", "cityloom.project.child", name, str(os.getpid())],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    for name in ("ingest", "worker")]  # fmt: skip
        try:
            print(json.dumps(_measured(home, wanted, Line(wanted.broker, topic), children[0].pid)))
        finally:
            for one in children:
                one.terminate()
            for one in children:
                one.wait(20)


def gauges(clusters: int) -> Gauges:
    """Clusters a kilometre from each other."""
    many = clusters * len(KINDS)
    cluster, own = np.divmod(np.arange(many), len(KINDS))
    lon, lat = 113.5 + cluster % 50 * 0.01 + own * 0.0003, 22.2 + cluster // 50 * 0.009
    kinds = np.array(KINDS, dtype=object)[own]
    return Gauges(kinds, lon, lat, np.full(many, "Bench Road", dtype=object), np.full(many, 255))


class Line:
    """Publishes with QoS 1, MQTT 3.1.1, as cheaply as Python can; what the broker answers is read and let go."""

    def __init__(self, broker: str, topic: str) -> None:
        address = urlsplit(broker)
        self._topic, self._number = topic.encode(), itertools.count()
        self._link = socket.create_connection((address.hostname or "", address.port or 1883))
        name = f"pub-{os.getpid()}".encode()
        self._link.sendall(_packet(0x10, b"\x00\x04MQTT\x04\x02\x00\x3c" + _text(name)))
        threading.Thread(target=self._drain, daemon=True).start()

    def send(self, bodies: list[bytes]) -> None:
        """Send messages at once."""
        parts = [_packet(0x32, _text(self._topic + b"/x") + (next(self._number) % 65535 + 1).to_bytes(2, "big") + body)
                 for body in bodies]  # fmt: skip
        self._link.sendall(b"".join(parts))

    def _drain(self) -> None:
        while self._link.recv(65_536):
            pass


def _packet(kind: int, body: bytes) -> bytes:
    size, length = b"", len(body)
    while True:
        length, low = divmod(length, 128)
        size += bytes([low | (128 if length else 0)])
        if not length:
            return bytes([kind]) + size + body


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text


def _measured(home: Path, wanted: argparse.Namespace, line: Line, ingest: int) -> dict[str, object]:
    _await(home, lambda told: told.get("line") == "connected")
    streams = wanted.clusters * len(KINDS)
    for bodies in _past(streams):
        line.send(bodies)
    _await(home, lambda told: told.get("kept", 0) >= streams * PAST)
    time.sleep(2.0)
    sent: dict[int, float] = {}
    seen: dict[int, float] = {}
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(home, sent, seen, over))
    watcher.start()
    begun, used = time.perf_counter(), _cpu_of(ingest)
    many = _publish(line, wanted, streams, sent)
    rate = many / (time.perf_counter() - begun)
    deadline = time.monotonic() + 60
    while len(seen) < len(sent) and time.monotonic() < deadline:
        time.sleep(0.1)
    over.set()
    watcher.join()
    time.sleep(2.0)  # the last word of how it stands is said once a second
    used = _cpu_of(ingest) - used
    told = json.loads((home / "run" / "ingest.json").read_text())
    came = told["kept"] - streams * PAST
    lost = (many - len(sent)) * EACH + len(sent) * len(KINDS) - came
    delays = sorted(seen[one] - sent[one] for one in seen)
    found = {f"p{part}_ms": round(float(np.percentile(delays, part)) * 1e3) for part in (50, 90, 99)} if delays else {}
    return {"messages_per_s": round(rate), "readings_each": EACH, "events": len(sent), "detected": len(seen), **found,
            "ingest_us_a_message": round(used / came * EACH * 1e6), "streams": streams, "kept": told["kept"],
            "lost": lost, "load": round(os.getloadavg()[0], 1)}  # fmt: skip


def _cpu_of(process: int) -> float:
    """Seconds of processor time that a process has used."""
    parts = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def _past(streams: int) -> Iterator[list[bytes]]:
    """A quiet quarter of an hour, a reading a minute."""
    now, chance = datetime.now(UTC), np.random.default_rng(1)  # noqa: TID251 - a bench has no drill
    for minute in range(PAST, 0, -1):
        at = (now - timedelta(minutes=minute)).isoformat()
        lines = [_said(number, _ordinary(number, chance), at) for number in range(streams)]
        yield [b"".join(lines[start : start + 500]) for start in range(0, streams, 500)]


def _publish(line: Line, wanted: argparse.Namespace, streams: int, sent: dict[int, float]) -> int:
    """Send at the rate that is asked for, a hundredth of a second's messages at a time; return how many."""
    chance, done, each = np.random.default_rng(2), 0, wanted.rate // 100
    level, spread = np.array([NORMAL[KINDS[number % len(KINDS)]] for number in range(streams)]).T
    clusters = iter(range(wanted.clusters))
    begun = time.perf_counter()
    for tick in range(wanted.seconds * 100):
        who = (np.arange(each * EACH) + tick * each * EACH) % streams
        value = level[who] + spread[who] * np.clip(chance.normal(size=len(who)), -3, 3)
        bodies = _messages(who + 1, value, datetime.now(UTC))  # noqa: TID251
        if tick % 100 == 50:
            cluster = next(clusters)
            own = range(cluster * len(KINDS), (cluster + 1) * len(KINDS))
            at = datetime.now(UTC).isoformat()  # noqa: TID251
            bodies.append(b"".join(_said(number, FALLEN[KINDS[number % len(KINDS)]], at) for number in own))
            sent[cluster] = time.time()
        line.send(bodies)
        done += len(bodies)
        time.sleep(max(begun + (tick + 1) / 100 - time.perf_counter(), 0))
    return done


def _messages(ids: np.ndarray, values: np.ndarray, at: datetime) -> list[bytes]:
    """Messages of so many readings each, as of one instant: cheap, so that what is measured is not this."""
    zulu = at.isoformat().replace("+00:00", "Z")
    lines = [f'{{"datastream":"{one}","result":{value:.3f},"phenomenonTime":"{zulu}"}}\n'
             for one, value in zip(ids.tolist(), values.tolist(), strict=True)]  # fmt: skip
    return ["".join(lines[start : start + EACH]).encode() for start in range(0, len(lines), EACH)]


def _watch(home: Path, sent: dict[int, float], seen: dict[int, float], over: threading.Event) -> None:
    """Note when detections are raised, as another process sees it."""
    import sqlite3

    link = sqlite3.connect(f"file:{home}/current/city.db?mode=ro", uri=True)
    position = 0
    asked = "SELECT position, data FROM bus_outboxevent WHERE position > ? AND type LIKE '%DetectionRaised%'"
    while not over.is_set():
        for position, data in link.execute(asked, [position]).fetchall():  # noqa: B007, B020
            fact = json.loads(data)
            cluster = round((fact["lon"] - 113.50045) / 0.01) + 50 * round((fact["lat"] - 22.2) / 0.009)
            seen.setdefault(cluster, time.time())
        time.sleep(0.005)
    for one in seen.keys() - sent.keys():
        del seen[one]


def _ordinary(number: int, chance: np.random.Generator) -> float:
    level, spread = NORMAL[KINDS[number % len(KINDS)]]
    return level + spread * float(np.clip(chance.normal(), -3, 3))


def _said(number: int, value: float, at: str) -> bytes:
    zulu = at.replace("+00:00", "Z")
    return b'{"datastream":"%d","result":%.3f,"phenomenonTime":"%s"}\n' % (number + 1, value, zulu.encode())


def _await(home: Path, condition: Any) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            if condition(json.loads((home / "run" / "ingest.json").read_text())):
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.2)
    raise SystemExit("the ingest process did not come so far; its log says why")


if __name__ == "__main__":
    main()
