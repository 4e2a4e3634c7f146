"""A keeper as a process, and a client of it that asks as a commander, a worker and the loader."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np

from cityloom.keeper import basis, client, protocol, record
from cityloom.keeper.client import KeeperClient, KeeperDown
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from tests.keeper.conftest import COMMANDER, KEY, WORKER


class Started:
    """A server process."""

    def __init__(self, place: Path) -> None:
        command = [sys.executable, "-m", "cityloom.keeper.server", "--init", "--dir", str(place / "keeper"), "--socket",
                   str(place / "s"), "--assertion-key-file", str(place / "assertion")]  # fmt: skip
        with (place / "words").open("ab") as words:
            self.process = subprocess.Popen(command, stderr=words)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)


@dataclass
class House:
    """A running keeper and a client of it."""

    place: Path
    running: Started | None
    ask: KeeperClient

    @property
    def folder(self) -> Path:
        return self.place / "keeper"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.running = Started(self.place)
        while not client.answers(self.place / "s"):
            if self.running.ended:
                raise KeeperDown
            time.sleep(0.005)

    def start_and_kill(self, after_s: float) -> None:
        """Start it and end it so soon that it may not have answered."""
        self.running = Started(self.place)
        time.sleep(after_s)
        self.running.kill()

    def seal(self, people: record.PeopleBatch) -> tuple[np.ndarray, bytes]:
        with self.ask.begin_load(self.ask.sign(SYSTEM), 1) as sealer:
            sealed = sealer.seal(people)
        return sealed.subjects, sealed.envelopes.tobytes()

    def grant(self, subjects: np.ndarray, name: str = "G") -> str:
        until = clock.to_text(clock.now() + timedelta(hours=2))
        request = protocol.Grant(self.ask.sign(COMMANDER), name, basis.EMERGENCY, "", ["name"], WORKER.account, until,
                                 subjects.tobytes(), "I")  # fmt: skip
        self.ask.ask(request, protocol.Granted)
        return name

    def open(self, grant: str, subjects: np.ndarray, envelopes: bytes) -> list[list[str] | None]:
        request = protocol.Open(self.ask.sign(WORKER), grant, ["name"], subjects.tobytes(), envelopes)
        return self.ask.ask(request, protocol.Opened).people

    def raw(self) -> socket.socket:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(20)
        link.connect(str(self.place / "s"))
        return link


def house_at(place: Path) -> House:
    """A house with its keeper running."""
    (place / "assertion").write_bytes(KEY)
    made = House(place, None, KeeperClient(place / "s", place / "assertion"))
    made.start()
    return made
