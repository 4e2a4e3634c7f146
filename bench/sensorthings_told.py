"""Update entities in `$batch`, each with a subscription of its own, and see that no update is lost on its way.

Run: python -m bench.sensorthings_told [--soak SECONDS | --minutes N] [--entities N] [--batch N] [--url postgresql://...]
A city of its own in a temporary home; a Mosquitto of its own that queues without bounds (its own default drops what a
slow subscriber has not fetched after 1,000 messages); `cityloom sensor mqtt` as its own process, and one subscriber
process with N subscriptions. The updates go through the whole of Django, no socket. `updates_s` is how many a second
were answered; `told_s` how many a second had reached the subscriber, the last included; `lost` and `twice` are counted
by number, entity by entity, and `killed` says how often the process that tells was killed and started anew.
`--minutes 10` alone is the soak: 5,000 updates a second for ten minutes. `waited_most` is the most that waited to be
told, looked at now and then, `tell_mb` the most memory of the process that tells. `cpu_us_each` is processor time for
each update, by process (`tell` without its start; where it is killed, of the last one with its start).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_WAIT_S = 60.0
_SOAKED_A_S = 5_000.0
_LOOK_EACH = 20


def main() -> int:
    """Measure, and print one row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--soak", type=float, default=10.0)
    parser.add_argument("--minutes", type=float, default=0.0, help="a soak of so long, at 5,000 a second")
    parser.add_argument("--entities", type=int, default=1_000)
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--kill-every", type=float, default=0.0, help="Kill what tells, every so many seconds.")
    parser.add_argument("--rate", type=float, default=0.0, help="Updates a second; as fast as may be where 0.")
    parser.add_argument("--url", default="", help="PostgreSQL instead of SQLite, in an empty database")
    parser.add_argument("--subscribe", metavar="PORT:COUNT", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.minutes:
        wanted.soak, wanted.rate = wanted.minutes * 60, wanted.rate or _SOAKED_A_S
    if wanted.subscribe:
        return _subscriber(*map(int, wanted.subscribe.split(":")))
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        open_city(Path(place), wanted.url)
        with broker_at(Path(place)) as (port, broker):
            row = _measure(Path(place), port, wanted)
            row["cpu_us_each"]["broker"] = round(_cpu_s(broker) / row["updates"] * 1e6)
            print(json.dumps(row), flush=True)
    return 0


def open_city(place: Path, url: str) -> None:
    """A city of its own, with nothing in it."""
    (place / "city").mkdir()
    os.environ |= {
        "CITYLOOM_HOME": str(place), "CITYLOOM_CITY_DIR": str(place / "city"), "CITYLOOM_DATABASE_URL": url,
        "CITYLOOM_HOSTS": "testserver", "DJANGO_SETTINGS_MODULE": "cityloom.project.settings",
    }  # fmt: skip
    import django
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    if url:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('search_path')")
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {cursor.fetchone()[0]}")
    call_command("migrate", verbosity=0)


@contextlib.contextmanager
def broker_at(place: Path) -> Iterator[tuple[int, int]]:
    """A Mosquitto of its own; its port and process id."""
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        raise SystemExit("Mosquitto is not installed; install it and run this again.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    says = f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
    (place / "mosquitto.conf").write_text(says, "utf-8")
    broker = subprocess.Popen([binary, "-c", str(place / "mosquitto.conf")], stderr=subprocess.DEVNULL)
    try:
        yield port, broker.pid
    finally:
        broker.terminate()
        broker.wait()


def _measure(place: Path, port: int, wanted: argparse.Namespace) -> dict[str, Any]:
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    from cityloom.signals import actions
    from cityloom.signals.models import EntityChange, Thing
    from tests.signals.sensing import Api

    api = Api(actions.make_key(owner="bench", by=SYSTEM, at=clock.now()))
    Thing.objects.bulk_create([Thing(name=f"Pump {at}", description="d") for at in range(wanted.entities)])
    keys = list(Thing.objects.order_by("id").values_list("id", flat=True))
    subscriber = subprocess.Popen(
        [sys.executable, "-m", "bench.sensorthings_told", "--subscribe", f"{port}:{keys[0] + wanted.entities}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert subscriber.stdout and subscriber.stdin
    subscriber.stdout.readline()
    file = place / "exchange.yaml"
    file.write_text(json.dumps({"broker": f"mqtt://127.0.0.1:{port}", "tell": ["v1.1/Things(*)"]}), "utf-8")
    telling = Telling(file, wanted.kill_every)
    started = 0.0 if wanted.kill_every else _cpu_s(telling.pid)
    begun, sent, before, waited = time.perf_counter(), 0, time.process_time(), 0
    while time.perf_counter() - begun < wanted.soak:
        api.post("$batch", {"requests": _requests(keys, sent, wanted.batch)}, 200)
        sent += wanted.batch
        if sent // wanted.batch % _LOOK_EACH == 0:
            waited = max(waited, EntityChange.objects.count())
        if wanted.rate:
            time.sleep(max(0.0, sent / wanted.rate - (time.perf_counter() - begun)))
    answered, answering = time.perf_counter() - begun, time.process_time() - before
    telling.kill_no_more()
    until = time.perf_counter() + max(_WAIT_S, wanted.soak * 3)
    while EntityChange.objects.exists() and time.perf_counter() < until:
        time.sleep(0.05)
    subscriber.stdin.write(f"{sent}\n")
    subscriber.stdin.flush()
    found = json.loads(subscriber.stdout.readline())
    told = found.pop("last_at") - begun
    cpu = {"answer": answering, "tell": _cpu_s(telling.pid) - started, "subscriber": found.pop("cpu_s")}
    memory = _most_mb(telling.pid)
    telling.end()
    subscriber.wait()
    each = {name: round(one / sent * 1e6) for name, one in cpu.items()}
    return {"updates": sent, "updates_s": round(sent / answered), "told_s": round(sent / told), **found,
            "waited_most": waited, "killed": telling.killed, "tell_mb": memory, "cpu_us_each": each}  # fmt: skip


def _cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _most_mb(pid: int) -> int:
    """The most memory that a process has had."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def _requests(keys: list[int], first: int, count: int) -> list[dict[str, Any]]:
    """Updates with running numbers, entity after entity."""
    return [
        {"id": str(at), "method": "patch", "url": f"Things({keys[at % len(keys)]})", "body": {"properties": {"n": at}}}
        for at in range(first, first + count)
    ]


class Telling:
    """`cityloom sensor mqtt` as a process, killed now and then."""

    def __init__(self, file: Path, kill_every_s: float) -> None:
        self._command = [sys.executable, "-m", "cityloom", "sensor", "mqtt", str(file)]
        self.killed, self._ended = 0, threading.Event()
        self._start()
        self._thread = threading.Thread(target=self._kill, args=(kill_every_s,), daemon=True)
        if kill_every_s:
            self._thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        while "connected" not in (line := self._process.stdout.readline()):
            if not line:
                raise SystemExit("cityloom sensor mqtt has ended")
        threading.Thread(target=self._process.stdout.read, daemon=True).start()

    def _kill(self, every_s: float) -> None:
        while not self._ended.wait(every_s):
            self._process.kill()
            self._process.wait()
            self.killed += 1
            self._start()

    def kill_no_more(self) -> None:
        """Let the one that is there finish."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def end(self) -> None:
        """End it as an operator does."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()


class Seen:
    """What reached the subscriber, by running number; cheap, so that what is measured is not this."""

    def __init__(self) -> None:
        self.times, self.newest = bytearray(), {}
        self.last_at, self.behind, self.client = time.perf_counter(), 0, None

    def came(self, messages: Sequence[Any]) -> None:
        """Count a batch, and let the broker forget it."""
        for one in messages:
            number = json.loads(one.payload)["properties"]["n"]
            if number >= len(self.times):
                self.times.extend(bytes(number + 100_000 - len(self.times)))
            if not self.times[number]:
                self.behind += number < self.newest.get(one.topic, -1)
                self.newest[one.topic] = number
            self.times[number] = min(self.times[number] + 1, 255)
        self.last_at = time.perf_counter()
        self.client.acknowledge(messages)

    def lost(self, sent: int) -> int:
        """How many of these never came."""
        return sent - len(self.times[:sent]) + self.times[:sent].count(0)


def _subscriber(port: int, last: int) -> int:
    """Subscribe to each entity alone; once told how many updates there were, say what came of them."""
    import paho.mqtt.client as mqtt

    from cityloom.signals.contrib.mqtt.client import Client

    seen = Seen()
    seen.client = client = Client(f"subscriber-{os.getpid()}", seen.came, 1_000_000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for start in range(1, last, 100):
        client.subscribe([(f"v1.1/Things({key})", mqtt.SubscribeOptions(qos=1)) for key in range(start, start + 100)])
    time.sleep(1)
    print("ready", flush=True)
    sent = int(sys.stdin.readline())
    until = time.perf_counter() + _WAIT_S
    while seen.lost(sent) and time.perf_counter() < until:
        time.sleep(0.05)
    twice = sum(seen.times[:sent]) - sent + seen.lost(sent)
    row = {"lost": seen.lost(sent), "twice": twice, "out_of_order": seen.behind}
    print(json.dumps(row | {"last_at": seen.last_at, "cpu_s": time.process_time()}), flush=True)
    client.disconnect()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
