"""Measure live events: 1,000 clients of one process, how late they hear, what it costs, and how other pages fare.

Run: python -m bench.live [--clients N] [--seconds N] [--a-second N] [--home FOLDER] [--url POSTGRESQL]
The city is served as a user serves it. The clients are raw sockets in a process of their own on the same machine, so
the figures include their work. An event's time runs from its commit in the database to its last byte at a client.
Then every line is cut, events happen meanwhile, and all come back: what each one hears must be exactly what it missed.
Where there is a Chromium, incidents are opened while the overview stands open in it: from the commit to the frame in
which the incident is in the page.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from bench.city import setup

AGENT = "bench"
PAGES = ("/", "/health/")
AWAY = 50  # events that happen while nobody listens
EACH = 10  # lines of one account


# --- the clients: a process of its own


class Client:
    """One line; what it heard is kept as position and instant."""

    def __init__(self, cookies: str) -> None:
        self.cookies = cookies
        self.heard: list[tuple[int, float]] = []
        self.last = ""
        self.status = ""
        self._writer: asyncio.StreamWriter | None = None

    async def listen(self, host: str, port: int) -> None:
        reader, self._writer = await asyncio.open_connection(host, port)
        again = f"Last-Event-ID: {self.last}\r\n" if self.last else ""
        head = f"GET /events/ HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {AGENT}\r\nCookie: {self.cookies}\r\n"
        self._writer.write(f"{head}{again}\r\n".encode())
        self.status = (await reader.readline()).decode().split(" ")[1]
        while line := await reader.readline():
            if line.startswith(b"id: "):
                self.last = line[4:].decode().strip()
                self.heard.append((int(self.last), time.monotonic()))
            elif line.startswith(b"event: reset"):
                self.heard.append((-1, time.monotonic()))

    def cut(self) -> None:
        if self._writer:
            self._writer.transport.abort()


class Crowd:
    """All clients, told what to do by lines on standard input."""

    def __init__(self, host: str, port: int, cookies: list[str]) -> None:
        self.address = host, port
        self.clients = [Client(one) for one in cookies]
        self.lines: list[asyncio.Task[None]] = []

    async def connect(self) -> None:
        for start in range(0, len(self.clients), 50):
            some = self.clients[start : start + 50]
            for client in some:
                client.status = ""
            self.lines += [asyncio.create_task(client.listen(*self.address)) for client in some]
            while not all(client.status for client in some):
                await asyncio.sleep(0.02)

    async def cut(self) -> None:
        for client in self.clients:
            client.cut()
        await asyncio.gather(*self.lines, return_exceptions=True)
        self.lines.clear()

    async def follow(self) -> None:
        loop = asyncio.get_running_loop()
        while order := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
            if order == "connect":
                await self.connect()
            elif order == "cut":
                await self.cut()
            statuses: dict[str, int] = {}
            for client in self.clients:
                statuses[client.status] = statuses.get(client.status, 0) + 1
            heard = [client.heard for client in self.clients] if order == "report" else []
            print(json.dumps({"statuses": statuses, "heard": heard}), flush=True)


def crowd() -> None:
    facts = json.loads(sys.stdin.readline())
    asyncio.run(Crowd(facts["host"], facts["port"], facts["cookies"]).follow())


# --- the city


def sign_in_many(count: int) -> list[str]:
    """Cookies of sessions of synthetic workers."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from cityloom.accounts import actions, queries
    from cityloom.accounts.models import Account
    from cityloom.kernel import clock, ids
    from cityloom.kernel.actor import SYSTEM

    accounts = -(-count // EACH)
    actions.create_demo_accounts(workers=["city"] * accounts, by=SYSTEM, at=clock.now())
    rows = list(Account.objects.filter(is_demo=True, username__startswith="worker-").order_by("username")[:accounts])
    cookies = []
    for number in range(count):
        account, device = rows[number % len(rows)], ids.random_token()
        store = SessionStore()
        store[SESSION_KEY] = account.pk
        store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        store[HASH_SESSION_KEY] = account.get_session_auth_hash()
        store[queries.SESSION_KEY] = actions.begin_session(
            account=account, device=device, agent=AGENT, at=clock.now()
        )  # fmt: skip
        store.create()
        cookies.append(f"{settings.SESSION_COOKIE_NAME}={store.session_key}; {queries.DEVICE_COOKIE}={device}")
    return cookies


def happen() -> tuple[int, float]:
    """Let something happen; its position, and when it was in the database."""
    from cityloom.bus import actions
    from cityloom.bus.models import OutboxEvent
    from cityloom.fieldwork.events import TasksDelivered
    from cityloom.kernel import clock

    event_id = actions.publish(TasksDelivered("01BENCH", (), clock.now()), at=clock.now(), exercise_id="01BENCH")
    committed = time.monotonic()
    return OutboxEvent.objects.values_list("position", flat=True).get(id=event_id), committed


CHROMIUM = Path("/usr/bin/chromium")
_WATCH = """
window.seen = {};
new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => {
  for (const [, name] of document.querySelector("#incidents + div").textContent.matchAll(/(Bench [0-9]+ Street)/g))
    window.seen[name] ??= performance.timeOrigin + performance.now();
}))).observe(document.querySelector("#incidents + div"), { childList: true, subtree: true });
"""


def pixels(url: str, cookies: str, count: int) -> dict[str, object]:
    """Milliseconds from an incident in the database to the frame that shows it on the open overview."""
    from playwright.sync_api import sync_playwright

    pairs = [pair.split("=", 1) for pair in cookies.split("; ")]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(user_agent=AGENT)
        context.add_cookies([{"name": name, "value": value, "url": url} for name, value in pairs])
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector("body[data-live-state=live]")
        page.evaluate(_WATCH)
        opened: dict[str, float] = {}
        for number in range(count):
            with ThreadPoolExecutor(1) as other:  # Django refuses its database to the thread that drives a browser
                opened[f"Bench {number} Street"] = other.submit(_open_incident, f"Bench {number} Street").result()
            page.wait_for_timeout(700)
        page.wait_for_timeout(2_000)
        seen = page.evaluate("window.seen")
        browser.close()
    late = [seen[name] - at for name, at in opened.items() if name in seen]
    return {"event_to_pixel": summary(late) if late else {}, "unseen": len(opened) - len(late)}


def _open_incident(place: str) -> float:
    from django.db import connection, transaction

    from cityloom.bus import actions
    from cityloom.emergency.events import IncidentOpened
    from cityloom.emergency.models import Incident
    from cityloom.kernel import clock, ids

    at = clock.now()
    with transaction.atomic():
        row = Incident.objects.create(
            id=ids.new_ulid(), exercise_id="01BENCH", detection_id=ids.new_ulid(), category="gas-leak", lon=114.06,
            lat=22.54, hazard_radius_m=50, buffer_m=50, ring_fractions=[1.0], place={"en": place}, first_signal_at=at,
            opened_at=at, state="warned",
        )  # fmt: skip
        fact = IncidentOpened(row.id, row.detection_id, row.category, row.lon, row.lat, at, at)
        actions.publish(fact, at=at, exercise_id="01BENCH")
    committed = time.time() * 1e3
    connection.close()
    return committed


class PageWatch(threading.Thread):
    """Asks for pages all the while."""

    def __init__(self, url: str, cookies: str) -> None:
        super().__init__(daemon=True)
        self.url, self.cookies = url, cookies
        self.taken: list[float] = []
        self.over = threading.Event()

    def run(self) -> None:
        import httpx

        with httpx.Client(base_url=self.url, headers={"Cookie": self.cookies, "User-Agent": AGENT}) as client:
            while not self.over.wait(0.1):
                for page in PAGES:
                    started = time.perf_counter()
                    assert client.get(page, timeout=30).status_code == 200
                    self.taken.append((time.perf_counter() - started) * 1e3)


@contextmanager
def served(home: Path) -> Iterator[dict[str, object]]:
    """The city's processes."""
    from cityloom.project import supervisor
    from cityloom.project.home import Home

    command = [sys.executable, "-m", "cityloom", "serve"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"CITYLOOM_HOME": str(home)})
    try:
        assert process.stdout
        assert b"http" in process.stdout.readline()
        yield supervisor.status(Home(home))
    finally:
        started = time.perf_counter()
        supervisor.stop(Home(home))
        process.wait(15)
        print(f"stopped in {time.perf_counter() - started:.1f} s", file=sys.stderr)


def memory_mb(pid: int) -> float:
    """What a process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def summary(taken: list[float]) -> dict[str, float]:
    p50, p95, p99 = np.quantile(taken, [0.5, 0.95, 0.99])
    return {"p50_ms": round(float(p50), 1), "p95_ms": round(float(p95), 1), "p99_ms": round(float(p99), 1),
            "max_ms": round(max(taken), 1), "count": len(taken)}  # fmt: skip


def measure(home: Path, clients: int, seconds: float, a_second: float) -> dict[str, object]:
    """Everything, in one run."""
    cookies = sign_in_many(clients + 1)
    with served(home) as facts:
        live, pid = urlsplit(str(facts["live_url"])), facts["processes"]["live"]["pid"]  # type: ignore[index]
        program = subprocess.Popen(
            [sys.executable, "-c", "from bench.live import crowd; crowd()"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

        def tell(order: str) -> dict[str, object]:
            assert program.stdin
            assert program.stdout
            program.stdin.write(order + "\n")
            program.stdin.flush()
            return json.loads(program.stdout.readline()) if order[0] != "{" else {}

        result: dict[str, object] = {"rss_mb_idle": round(memory_mb(pid))}
        tell(json.dumps({"host": "127.0.0.1", "port": live.port, "cookies": cookies[1:]}))
        started = time.perf_counter()
        result["admitted"] = tell("connect")["statuses"]
        result["connect_s"] = round(time.perf_counter() - started, 1)
        time.sleep(1)
        pages = PageWatch(str(facts["url"]), cookies[0])
        pages.start()
        happened = {}
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            position, at = happen()
            happened[position] = at
            time.sleep(1 / a_second)
        pages.over.set()
        pages.join()
        time.sleep(1)
        result["rss_mb_full"] = round(memory_mb(pid))
        tell("cut")
        missed = dict(happen() for _ in range(AWAY))
        tell("connect")
        time.sleep(3)
        heard = tell("report")["heard"]
        program.communicate(timeout=20)
        if CHROMIUM.exists():
            result |= pixels(str(facts["url"]), cookies[0], 20)
    return result | told(heard, happened, missed) | {"pages": summary(pages.taken), "load": os.getloadavg()[0]}  # type: ignore[arg-type]


def told(
    heard: list[list[tuple[int, float]]], happened: dict[int, float], missed: dict[int, float]
) -> dict[str, object]:
    """How late events were heard, and whether anything was lost, doubled or out of order."""
    wanted = [*happened, *missed]
    lost = doubled = disordered = 0
    late: list[float] = []
    for line in heard:
        places = [place for place, _ in line]
        lost += len(set(wanted) - set(places))
        doubled += len(places) - len(set(places))
        disordered += places != sorted(places)
        late += [(at - happened[place]) * 1e3 for place, at in line if place in happened]
    return {"event_to_client": summary(late), "lost": lost, "doubled": doubled, "out_of_order": disordered}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--a-second", type=float, default=1)
    parser.add_argument("--home", type=Path, help="a home with a city; without it one of 6,000 people is built")
    parser.add_argument("--url", default="", help="postgresql://... to keep the records in; only without --home")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as folder:
        home = options.home or Path(folder) / "home"
        if not options.home:
            home.mkdir(mode=0o700)
            if options.url:
                os.environ["CITYLOOM_DATABASE_URL"] = options.url
            build = [sys.executable, "-m", "cityloom", "city", "build", "--people", "6000", "--seed", "7"]
            environment = os.environ | {"CITYLOOM_HOME": str(home)}
            subprocess.run(build, check=True, stdout=subprocess.DEVNULL, env=environment)
        setup(home)
        print(json.dumps(measure(home, options.clients, options.seconds, options.a_second), indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
