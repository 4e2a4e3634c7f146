"""The keeper's clients: one connection a thread, made again when it is lost; and starting a keeper as a child."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from cityloom.keeper import arena, assertion, door, protocol, wire
from cityloom.keeper.arena import Arena
from cityloom.keeper.protocol import (
    Authentic,
    BeginLoad,
    Denied,
    Done,
    EndLoad,
    Ping,
    Reply,
    Request,
    Seal,
    Sealed,
    Signed,
)
from cityloom.keeper.record import RECORD, PeopleBatch, SealedBatch
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_TIMEOUT_S = 60.0
_START_S = 60.0
_STOP_S = 8.0
_AT_ONCE = 8
R = TypeVar("R")


class KeeperDown(Refused):
    """The keeper does not answer."""

    def __init__(self) -> None:
        super().__init__("gate.keeper_down", "The keeper does not answer, so nothing that it guards can be shown or"
                         " opened. In a served city it is started again by itself: try again in a minute. If it stays"
                         " silent, an operator has to look; `cityloom serve` starts it.")  # fmt: skip


class KeeperClient:
    """Asks one keeper; safe in many threads and after a fork."""

    def __init__(self, address: Path, key_file: Path, *, service: str = "city") -> None:
        self._address = address
        self._key_file = key_file
        self._service = service
        self._local = threading.local()

    def sign(
        self, by: Actor, *, exercise_id: str = "", at: datetime | None = None, step_up_at: datetime | None = None
    ) -> Signed:
        """Say who asks, at which moment of a drill, and when they last showed a second factor."""
        drill_at = clock.to_text(at) if exercise_id and at else ""
        now_s = int(clock.SystemClock().now().timestamp())  # also in a drill: the keeper judges claims by its own clock
        stepped_s = int(step_up_at.timestamp()) if step_up_at else 0
        return assertion.sign(
            by, key=self._key(), now_s=now_s, exercise_id=exercise_id, drill_at=drill_at, service=self._service,
            step_up_at=stepped_s,
        )  # fmt: skip

    def _key(self) -> bytes:
        return self._key_file.read_bytes().strip()

    def ask(self, request: Request, expected: type[R]) -> R:
        """The reply to a request; a lost connection is made again once, as every request may be repeated.

        Raises: Refused with the keeper's own words; KeeperDown.
        """
        for last in (False, True):
            try:
                return _checked(self._exchange(request), expected)
            except (OSError, EOFError) as error:
                self._drop()
                if last:
                    raise KeeperDown from error
        raise KeeperDown

    def ask_all(self, requests: Sequence[Request], expected: type[R]) -> list[R | Refused]:
        """The replies to requests that do not depend on each other, in their order; a refusal stands in its place.

        They are asked on several connections, so that the keeper brings many of them to the disk in one commit.
        """
        if len(requests) < 2:
            return [self._reply_or_refusal(request, expected) for request in requests]
        with ThreadPoolExecutor(min(_AT_ONCE, len(requests))) as threads:
            return list(threads.map(lambda request: self._reply_or_refusal(request, expected), requests))

    def _reply_or_refusal(self, request: Request, expected: type[R]) -> R | Refused:
        try:
            return self.ask(request, expected)
        except Refused as refusal:
            return refusal

    def begin_load(self, who: Signed, workers: int, *, hidden: bool = False) -> Sealer:
        """Start a load on a connection of its own."""
        try:
            link = _connect(self._address)
        except OSError as error:
            raise KeeperDown from error
        return Sealer(link, door.seal(BeginLoad(who, workers, hidden), self._key(), door.run_at(self._address)))

    def _exchange(self, request: Request) -> Reply:
        link = self._link()
        unsealed = isinstance(request, protocol.UNSEALED)
        wire.send(link, request if unsealed else door.seal(request, self._key(), self._local.run))
        body = wire.receive(link)
        if body is None:
            raise EOFError
        return protocol.read_reply(body)

    def _link(self) -> socket.socket:
        if getattr(self._local, "owner", None) != os.getpid():  # a child must not talk on its parent's connection
            self._local.link = _connect(self._address)
            self._local.run = door.run_at(self._address)
            self._local.owner = os.getpid()
        return self._local.link

    def _drop(self) -> None:
        link = getattr(self._local, "link", None)
        if link is not None:
            link.close()
        self._local.owner = None


class Sealer:
    """A load under way; leave the `with` block to make it durable."""

    def __init__(self, link: socket.socket, begin: Authentic) -> None:
        self._link = link
        self._sent = 0
        self._counts: dict[int, int] = {}
        self.sealed = 0
        try:
            wire.send(link, begin)
            self._receive(Done)
            self._arena = _shared_with(link)
        except BaseException:
            link.close()
            raise

    def __enter__(self) -> Sealer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._link:
            if kind is None:
                _tell(self._link, EndLoad())
                self._receive(Done)

    def seal(self, batch: PeopleBatch) -> SealedBatch:
        """Seal one batch."""
        return next(self.seal_all([batch]))

    def seal_all(self, batches: Iterable[PeopleBatch]) -> Iterator[SealedBatch]:
        """Seal batches with several on their way; the answers come in the order of the batches.

        Raises: KeeperDown; ValueError for a batch of more than 65,536 people, or not of records.
        """
        order: deque[int] = deque()
        ready: dict[int, SealedBatch] = {}
        for batch in batches:
            if len(batch) == 0:
                continue
            order.append(self._send(batch))
            while len(order) + len(ready) >= protocol.SEAL_WINDOW:
                yield self._next(order, ready)
        while order:
            yield self._next(order, ready)

    def _send(self, batch: PeopleBatch) -> int:
        if len(batch) > protocol.MAX_BATCH or batch.records.shape != (len(batch), RECORD.itemsize):
            raise ValueError(f"A batch holds at most {protocol.MAX_BATCH} people of {RECORD.itemsize} bytes.")
        number, self._sent = self._sent, self._sent + 1
        place = self._arena.place(number, len(batch))
        place.records[:], place.traits[:] = batch.records, batch.traits
        self._counts[number] = len(batch)
        _tell(self._link, Seal(number, len(batch)))
        return number

    def _next(self, order: deque[int], ready: dict[int, SealedBatch]) -> SealedBatch:
        number = order.popleft()
        while number not in ready:
            reply = self._receive(Sealed)
            place = self._arena.place(reply.number, self._counts.pop(reply.number))
            ready[reply.number] = SealedBatch(
                place.subjects.copy(), place.envelopes.copy(), reply.field_set, reply.key_id
            )
        self.sealed += len(ready[number])
        return ready.pop(number)

    def _receive(self, expected: type[R]) -> R:
        try:
            body = wire.receive(self._link)
        except OSError as error:
            raise KeeperDown from error
        if body is None:
            raise KeeperDown
        return _checked(protocol.read_reply(body), expected)


def _shared_with(link: socket.socket) -> Arena:
    """The memory that the keeper hands over at the beginning of a load. Raises: KeeperDown."""
    try:
        shared = arena.taken(link)
    except OSError as error:
        raise KeeperDown from error
    if shared is None:
        raise KeeperDown
    return shared


def _tell(link: socket.socket, message: Request) -> None:
    """Send on a load's connection. Raises: KeeperDown."""
    try:
        wire.send(link, message)
    except OSError as error:
        raise KeeperDown from error


@dataclass
class Running:
    """A keeper that this process started."""

    process: subprocess.Popen[bytes]
    address: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """End it, and wait; by force when it does not go."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, without a chance to finish anything."""
        self.process.kill()
        self.process.wait()


def start(folder: Path, address: Path, key_file: Path, *, log: Path | None = None) -> Running:
    """Start a keeper that ends with the calling thread, initialised where the folder is empty; wait until it answers.

    Raises: KeeperDown; Refused `gate.disk_full`, `gate.keeper_unfit`.
    """
    command = [
        sys.executable, "-m", "cityloom.keeper.server", "--dir", str(folder), "--socket", str(address),
        "--assertion-key-file", str(key_file), "--init", "--die-with-parent", str(os.getpid()),
    ]  # fmt: skip
    with (log or Path(os.devnull)).open("ab") as words:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, env=_environment())
    running = Running(process, address)
    deadline = clock.stopwatch() + _START_S
    while running.alive and clock.stopwatch() < deadline:
        if answers(address):
            return running
        time.sleep(0.02)
    if running.alive:
        running.kill()
    if process.returncode == protocol.EXIT_FULL:
        raise _full(Refused("gate.disk_full", "The disk is full, so the keeper does not start and nothing can be "
                            "opened; free some space and try again."))  # fmt: skip
    if process.returncode == protocol.EXIT_UNFIT:
        raise Refused("gate.keeper_unfit", "The keeper does not start on this city's files: they are of an earlier"
                      " version of Cityloom, or damaged. Build or import the city again, or restore its keys from a"
                      " backup.")  # fmt: skip
    raise KeeperDown


def _environment() -> dict[str, str]:
    """This process's environment, with the package found where this process found it."""
    places = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(place for place in places if place)}


def answers(address: Path) -> bool:
    """Whether a keeper answers there."""
    try:
        with _connect(address) as link:
            wire.send(link, Ping())
            return wire.receive(link) is not None
    except OSError:
        return False


def _connect(address: Path) -> socket.socket:
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.settimeout(_TIMEOUT_S)
        link.connect(str(address))
    except OSError:
        link.close()
        raise
    return link


def _full(refusal: Refused) -> Refused:
    """The refusal, with the cause that `kernel.disk` knows it by: a full disk is no failed attempt."""
    refusal.__cause__ = OSError(errno.ENOSPC, "No space left on the keeper's disk")
    return refusal


def _checked(reply: Reply, expected: type[R]) -> R:
    if isinstance(reply, Denied):
        refusal = Refused(reply.code, reply.sentence, value=reply.value, limit=reply.limit)
        raise _full(refusal) if reply.code == "gate.disk_full" else refusal
    if not isinstance(reply, expected):
        raise TypeError(f"The keeper answered {type(reply).__name__}, not {expected.__name__}.")
    return reply

