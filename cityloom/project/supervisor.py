"""Start a city's processes, keep them running, and stop them."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.project import addresses, machines
from cityloom.project.home import Home
from cityloom.project.parts import Part, parts_of

_TICK_S = 0.25
_CHECK_S = 2.0  # between two health checks of a process that is well
_GRACE_S = 60.0  # until a process that just started must be well
_UP_S = 120.0  # starting takes seconds, and a minute where other programs take the processors
_MISSES = 3
_LONGEST_WAIT_S = 30.0
_STEADY_S = 60.0  # a process that ran this long starts again without waiting longer than the first time
_LEAVE_S = 6.0
_KEEPER_LEAVES_S = 2.5  # after the others, all in all below ten seconds


@dataclass
class Child:
    """A process and its history."""

    part: Part
    process: subprocess.Popen[bytes] | None = None
    state: str = "down"
    restarts: int = 0
    failures: int = 0
    misses: int = 0
    started: float = 0.0
    next_check: float = 0.0
    due: float = 0.0
    last_exit: int | None = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None


def wait_before(failures: int) -> float:
    """Seconds until a process that failed so many times in a row is started again."""
    return min(0.5 * 2 ** max(failures - 1, 0), _LONGEST_WAIT_S)


class Supervisor:
    """Holds the processes; `run` returns when it was told to stop."""

    def __init__(self, home: Home, parts: Sequence[Part], url: str, live_url: str = "") -> None:
        self._home = home
        self._url = url
        self._live_url = live_url
        self._children = [Child(part) for part in parts]
        self._stop = threading.Event()
        self._told: dict[str, Any] = {}

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stop.set()

    def run(self, on_up: Callable[[], None]) -> None:
        """Start everything, call `on_up` once all are well, and watch over them until `stop`.

        Raises: Refused `serve.not_up`.
        """
        try:
            self._start_all()
            if not self._stop.is_set():
                on_up()
            while not self._stop.wait(_TICK_S):
                self._watch()
        finally:
            self._stop_all()

    def _start_all(self) -> None:
        deadline = clock.stopwatch() + _UP_S
        while not self._stop.is_set() and not all(child.state == "well" for child in self._wanted()):
            self._watch()
            tired = next((child for child in self._children if child.failures > _MISSES), None)
            if tired or clock.stopwatch() > deadline:
                culprit = tired or next(child for child in self._wanted() if child.state != "well")
                raise Refused(
                    "serve.not_up", "The {value} process does not come up; its log {limit} says why. Where it says "
                    "nothing, the machine was too busy: wait until it is quieter, and try again.",
                    value=culprit.part.name, limit=self._log_of(culprit),
                )  # fmt: skip
            self._stop.wait(0.05)

    def _watch(self) -> None:
        for child in self._children:
            self._attend(child, clock.stopwatch())
        if (facts := self._facts()) != self._told:
            _write(status_file(self._home), facts)
            self._told = facts

    def _attend(self, child: Child, now: float) -> None:
        if child.process is None:
            if now >= child.due and child.part.is_wanted():
                self._start(child, now)
        elif (code := child.process.poll()) is not None:
            self._note_exit(child, code, now)
        elif now >= child.next_check:
            self._check(child, now)

    def _start(self, child: Child, now: float) -> None:
        with self._log_of(child).open("ab") as log:
            child.process = subprocess.Popen(
                child.part.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                pass_fds=[one.fileno() for one in child.part.sockets],
                env=os.environ | child.part.environment | {"CITYLOOM_HOME": str(self._home.path)},
            )  # fmt: skip
        child.state, child.started, child.misses, child.next_check = "starting", now, 0, now

    def _note_exit(self, child: Child, code: int, now: float) -> None:
        child.failures = 1 if now - child.started > _STEADY_S else child.failures + 1
        child.process, child.state, child.last_exit = None, "down", code
        child.restarts += 1
        child.due = now + wait_before(child.failures)

    def _check(self, child: Child, now: float) -> None:
        if child.part.is_well():
            child.state, child.misses, child.next_check = "well", 0, now + _CHECK_S
        elif child.state == "starting" and now - child.started < _GRACE_S:
            child.next_check = now + _TICK_S
        else:
            child.state, child.misses, child.next_check = "unwell", child.misses + 1, now + _CHECK_S / 2
        if child.misses >= _MISSES and child.process:
            child.process.kill()

    def _stop_all(self) -> None:
        """The keeper goes last: until then the others may still need it."""
        _end([child for child in self._children if child.part.name != "keeper"], _LEAVE_S)
        _end([child for child in self._children if child.part.name == "keeper"], _KEEPER_LEAVES_S)
        status_file(self._home).unlink(missing_ok=True)

    def _wanted(self) -> list[Child]:
        return [child for child in self._children if child.process or child.part.is_wanted()]

    def _log_of(self, child: Child) -> Path:
        return self._home.logs / f"{child.part.name}.log"

    def _facts(self) -> dict[str, Any]:
        return {
            "url": self._url, "live_url": self._live_url, "pid": os.getpid(),
            "processes": {
                child.part.name: {
                    "pid": child.pid, "state": child.state, "restarts": child.restarts, "last_exit": child.last_exit,
                } | ({"says": words} if (words := child.part.says()) else {})
                for child in self._wanted()
            },
        }  # fmt: skip


def serve(
    home: Home, *, host: str = "localhost", port: int | None = None, say: Callable[[str], object] = click.echo
) -> None:
    """Run the city until SIGTERM, SIGINT or `stop(home)`.

    Raises: Refused `serve.running`, `serve.demo_accounts`, `serve.unknown_host`, `serve.port_taken`, `serve.not_up`,
    and as `machines.address`.
    """
    _check_may_listen_on(host)
    machines.address(home)
    with _only_one(home), _listening(host, port) as (web, live):
        url, live_url = (f"http://{host}:{addresses.port_of(sockets)}" for sockets in (web, live))
        supervisor = Supervisor(home, parts_of(home, url, live_url, web, live), url, live_url)
        with _signals(supervisor.stop):
            supervisor.run(lambda: say(f"Cityloom is at {url}\nStop it with Ctrl-C or `cityloom stop`."))


def status(home: Home) -> dict[str, Any]:
    """What runs in a home: `running`, and then `url`, `pid` and `processes` by name."""
    if not _is_locked(lock_file(home)):
        return {"running": False}
    with suppress(OSError, ValueError):
        return {"running": True} | json.loads(status_file(home).read_text())
    return {"running": True, "processes": {}}


def stop(home: Home, *, within_s: float = 12.0) -> bool:
    """Stop what runs in a home and wait for its end; False where nothing ran."""
    lock = lock_file(home)
    if not _is_locked(lock):
        return False
    pid = _holder(lock)
    for number, wait_s in ((signal.SIGTERM, within_s), (signal.SIGKILL, 2.0)):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = clock.stopwatch() + wait_s
        while _is_locked(lock) and clock.stopwatch() < deadline:
            threading.Event().wait(0.05)
    return True


def lock_file(home: Home) -> Path:
    """The file that the running supervisor holds; it contains its process id."""
    return home.run_dir / "serve.lock"


def status_file(home: Home) -> Path:
    """What the running supervisor last saw."""
    return home.run_dir / "status.json"


def _check_may_listen_on(host: str) -> None:
    from cityloom.accounts import queries as accounts

    if not addresses.is_loopback(host) and accounts.demo_accounts():
        raise Refused(
            "serve.demo_accounts",
            "This city has demo accounts that anyone can sign in with, so it is not served on {value}, which others "
            "can reach; serve it on localhost, or use a city without them.",
            value=host,
        )


@contextmanager
def _only_one(home: Home) -> Iterator[None]:
    """Hold the lock of a home, which ends with this process however it ends."""
    with lock_file(home).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                "serve.running", "This city is being served already; see `cityloom status`, or stop it first."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _holder(lock: Path) -> int:
    """The process that holds the lock; it writes its id right after taking it."""
    deadline = clock.stopwatch() + 2.0
    while not (text := lock.read_text()) and clock.stopwatch() < deadline:
        threading.Event().wait(0.02)
    if not text:
        raise Refused("serve.no_pid", "The running city has not written its process id; try again in a moment.")
    return int(text)


def _is_locked(path: Path) -> bool:
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


@contextmanager
def _listening(host: str, port: int | None) -> Iterator[tuple[list[socket.socket], list[socket.socket]]]:
    web = addresses.listen(host, port) if port else addresses.listen_from(host, addresses.FIRST_PORT)
    try:
        live = addresses.listen_from(host, addresses.port_of(web) + 1)
        try:
            yield web, live
        finally:
            addresses.close(live)
    finally:
        addresses.close(web)


@contextmanager
def _signals(stop_it: Callable[[], None]) -> Iterator[None]:
    """Turn SIGTERM and SIGINT into an orderly stop."""
    old = {number: signal.signal(number, lambda *_: stop_it()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _end(children: Sequence[Child], within_s: float) -> None:
    running = [child.process for child in children if child.process]
    for process in running:
        process.terminate()
    deadline = clock.stopwatch() + within_s
    for process in running:
        try:
            process.wait(max(deadline - clock.stopwatch(), 0.05))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _write(path: Path, facts: dict[str, Any]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(facts))
    fresh.replace(path)
