"""The city's processes as they really run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from cityloom.project import supervisor
from cityloom.project.home import Home
from tests.flow.installation import Installation

EMPTY_CITY = """
from cityloom.project.console import Console
console = Console()
with console.new_city():
    console.make_schema()
    from cityloom.accounts.actions import create_demo_accounts, create_units
    from cityloom.gate.actions import start_keeper
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    create_units(communities=[], by=SYSTEM, at=clock.now())
    create_demo_accounts(workers=[], by=SYSTEM, at=clock.now())
    from cityloom.signals.actions import install
    from tests.signals.drawn import sites
    install(sites(("pressure", 0, 0)), by=SYSTEM, at=clock.now())
    start_keeper().stop()
"""


def until(condition: Callable[[], object], within_s: float = 30) -> bool:
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        threading.Event().wait(0.1)
    return bool(condition())


@pytest.fixture(scope="module")
def city(new_home: Callable[[], Installation]) -> Installation:
    city = new_home()
    made = city.run("-c", EMPTY_CITY)
    assert made.returncode == 0, made.stderr
    return city


@pytest.fixture
def serving(city: Installation) -> Iterator[tuple[subprocess.Popen[str], Home]]:
    home = Home(city.home)
    home.readings.mkdir(parents=True, exist_ok=True)
    home.switchboard.write_text("broker: mqtt://127.0.0.1:9", "utf-8")  # away, which the process has to bear
    command = [sys.executable, "-m", "cityloom", "serve"]
    process = subprocess.Popen(command, env=city.variables, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert "http://localhost:" in process.stdout.readline()
    yield process, home
    supervisor.stop(home)
    process.wait(15)


def pids(home: Home) -> dict[str, int]:
    return {name: one["pid"] for name, one in supervisor.status(home).get("processes", {}).items()}


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def signed_in(url: str) -> httpx.Client:
    client = httpx.Client(base_url=url, follow_redirects=True)
    page = client.get("/sign-in/").text
    names = ("csrfmiddlewaretoken", "account")
    form = {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in names}
    assert client.post("/sign-in/demo/", data=form).status_code == 200
    return client


def test_it_serves_survives_and_stops(serving: tuple[subprocess.Popen[str], Home], city: Installation) -> None:
    process, home = serving
    facts = supervisor.status(home)
    assert {name: one["state"] for name, one in facts["processes"].items()} == dict.fromkeys(
        ("keeper", "worker", "web", "live", "ingest", "switchboard"), "well"
    )
    client = signed_in(facts["url"])
    assert "max-age" in client.get("/static/ui/cityloom.css").headers["cache-control"]

    live = facts["live_url"]
    assert httpx.get(f"{live}/events/").status_code == 403
    assert httpx.get(f"{live}/events/", headers={"host": "elsewhere.example"}).status_code == 400
    with client.stream("GET", f"{live}/events/", headers={"origin": facts["url"]}, timeout=10) as stream:
        assert stream.headers["access-control-allow-origin"] == facts["url"]
        assert next(stream.iter_lines()).startswith("retry: ")

    again = city.run("serve")
    assert again.returncode == 1
    assert "served already" in again.stderr

    before = pids(home)
    os.kill(before["web"], signal.SIGKILL)
    assert until(lambda: pids(home).get("web") not in (None, before["web"]))
    assert client.get("/", timeout=20).status_code == 200
    take_in_over_a_kill(home, city, before["ingest"])

    started = time.monotonic()
    last = pids(home)
    process.send_signal(signal.SIGTERM)
    assert process.wait(12) == 0
    assert time.monotonic() - started < 10
    assert not any(alive(pid) for pid in last.values())
    assert supervisor.status(home) == {"running": False}


def take_in_over_a_kill(home: Home, city: Installation, ingest: int) -> None:
    """A file that arrives is read, by the next process too; one that a command loads goes through the same hands."""
    line = '{{"datastream":"pressure-1","result":{0},"phenomenonTime":"2026-05-01T11:0{0}:00Z"}}\n'
    (home.readings / "a.ndjson").write_text(line.format(1) + line.format(2))
    assert until((home.readings / "taken" / "a.ndjson.json").exists)
    os.kill(ingest, signal.SIGKILL)
    body = home.path / "b.ndjson"
    body.write_text(line.format(2) + line.format(3) + "oops\n")
    loaded = city.json("readings", "load", str(body), "--json")
    assert loaded == {"kept": 1, "duplicates": 1, "rejected": {"not_readable": 1}}


def test_when_the_supervisor_is_killed_its_children_die_too(serving: tuple[subprocess.Popen[str], Home]) -> None:
    process, home = serving
    children = pids(home)
    assert len(children) == 6
    process.kill()
    process.wait()
    assert until(lambda: not any(alive(pid) for pid in children.values()), 10)
    assert until(lambda: supervisor.status(home) == {"running": False}, 10)
