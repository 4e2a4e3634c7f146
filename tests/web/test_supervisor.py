"""Processes that die, hang or never come up, and the one who watches them."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.project import addresses, supervisor
from cityloom.project.home import Home
from cityloom.project.parts import Part, beats
from cityloom.project.supervisor import Supervisor, wait_before

SLEEP = "import time\nwhile True: time.sleep(1)"
DEAF = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SLEEP}"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def part(name: str, code: str = SLEEP, is_well=lambda: True) -> Part:
    return Part(name, (sys.executable, "-c", code), is_well)


class Running:
    """A supervisor in a thread."""

    def __init__(self, home: Home, *parts: Part) -> None:
        self.home = home
        self.up = threading.Event()
        self.supervisor = Supervisor(home, parts, "http://localhost:1")
        self.thread = threading.Thread(target=self.supervisor.run, args=(self.up.set,), daemon=True)
        self.thread.start()

    def pid(self, name: str) -> int | None:
        return next(child.pid for child in self.supervisor._children if child.part.name == name)

    def until(self, condition) -> bool:
        deadline = clock.stopwatch() + 15
        while not condition() and clock.stopwatch() < deadline:
            threading.Event().wait(0.05)
        return condition()


@pytest.fixture
def run(home: Home) -> Iterator:
    started: list[Running] = []

    def start(*parts: Part) -> Running:
        started.append(Running(home, *parts))
        return started[-1]

    yield start
    for one in started:
        one.supervisor.stop()
        one.thread.join(12)


def test_a_process_that_dies_is_started_again(run) -> None:
    running = run(part("web"))
    assert running.up.wait(15)
    first = running.pid("web")
    os.kill(first, signal.SIGKILL)
    assert running.until(lambda: running.pid("web") not in (None, first))
    assert running.supervisor._children[0].restarts == 1


def test_a_process_is_started_once_there_is_something_for_it_to_do(run, tmp_path: Path) -> None:
    work = tmp_path / "work"
    running = run(part("web"), Part("ingest", (sys.executable, "-c", SLEEP), lambda: True, is_wanted=work.exists))
    assert running.up.wait(15)
    assert list(running.supervisor._facts()["processes"]) == ["web"]
    work.touch()
    assert running.until(lambda: running.pid("ingest") is not None)
    assert list(running.supervisor._facts()["processes"]) == ["web", "ingest"]


def test_a_process_that_hangs_is_killed_and_started_again(run, monkeypatch) -> None:
    monkeypatch.setattr(supervisor, "_CHECK_S", 0.1)
    answers = itertools.chain([True], itertools.repeat(False, 3), itertools.repeat(True))
    running = run(part("web", is_well=lambda: next(answers)))
    assert running.up.wait(15)
    first = running.pid("web")
    assert running.until(lambda: running.pid("web") not in (None, first))


def test_stopping_ends_even_those_that_do_not_listen_and_the_keeper_last(run, monkeypatch) -> None:
    monkeypatch.setattr(supervisor, "_LEAVE_S", 0.5)
    running = run(part("keeper"), part("web", DEAF))
    assert running.up.wait(15)
    keeper, web = running.pid("keeper"), running.pid("web")
    running.supervisor.stop()
    running.thread.join(10)
    assert not running.thread.is_alive()
    assert not Path(f"/proc/{keeper}").exists()
    assert not Path(f"/proc/{web}").exists()


def test_all_of_it_ends_within_ten_seconds() -> None:
    assert supervisor._LEAVE_S + supervisor._KEEPER_LEAVES_S < 10


def test_a_process_that_never_comes_up_is_named_with_its_log(home: Home) -> None:
    broken = Supervisor(home, [part("web", "import sys; sys.exit('no room')", lambda: False)], "http://localhost:1")
    with pytest.raises(Refused) as refused:
        broken.run(lambda: None)
    assert refused.value.code == "serve.not_up"
    assert "web" in refused.value.sentence
    assert "no room" in (home.logs / "web.log").read_text()


def test_waits_grow_and_stay_below_half_a_minute() -> None:
    waits = [wait_before(failures) for failures in range(1, 12)]
    assert waits[:3] == [0.5, 1.0, 2.0]
    assert waits == sorted(waits)
    assert waits[-1] == 30.0


def test_one_home_is_served_once(home: Home) -> None:
    with supervisor._only_one(home):
        assert supervisor.status(home) == {"running": True, "processes": {}}
        with pytest.raises(Refused) as refused, supervisor._only_one(home):
            pass
    assert refused.value.code == "serve.running"
    assert supervisor.status(home) == {"running": False}
    assert supervisor.stop(home) is False


@pytest.mark.django_db
def test_with_demo_accounts_others_cannot_reach_the_city(home: Home) -> None:
    from cityloom.accounts.models import Account

    Account.objects.create(username="commander", is_demo=True)
    with pytest.raises(Refused) as refused:
        supervisor.serve(home, host="0.0.0.0", say=lambda _: None)
    assert refused.value.code == "serve.demo_accounts"
    assert "localhost" in refused.value.sentence


@pytest.mark.parametrize(
    ("host", "stays"), [("localhost", True), ("127.0.0.1", True), ("::1", True), ("0.0.0.0", False)]
)
def test_what_stays_on_this_machine(host: str, stays: bool) -> None:
    assert addresses.is_loopback(host) is stays


def test_an_unknown_host_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        addresses.is_loopback("nowhere.invalid")
    assert refused.value.code == "serve.unknown_host"


def test_a_taken_port_is_refused_or_passed_by() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Refused) as refused:
            addresses.listen("127.0.0.1", port)
        assert refused.value.code == "serve.port_taken"
        found = addresses.listen_from("127.0.0.1", port)
        assert addresses.port_of(found) > port
        addresses.close(found)


def test_a_worker_that_stands_still_is_noticed(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    assert not beats(beat)
    beat.touch()
    assert beats(beat)
    os.utime(beat, (1, 1))
    assert not beats(beat)


@pytest.mark.django_db
def test_a_failing_job_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    from datetime import UTC, datetime

    from cityloom.project.worker import go_round

    done: list[datetime] = []

    def fails(at: datetime) -> None:
        raise ZeroDivisionError

    def refuses(at: datetime) -> None:
        raise Refused("gate.keeper_down", "The keeper does not answer.")

    now = datetime(2026, 5, 4, tzinfo=UTC)
    go_round({"a": fails, "b": refuses, "c": done.append}, now)
    assert done == [now]
    assert "gate.keeper_down" in caplog.text
