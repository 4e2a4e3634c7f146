"""One load of people: batches from a client, spread over sealing processes, back to the client as they are ready.

A few people are sealed by the keeper itself: that takes a millisecond, and a process of its own a quarter of a second.
"""

from __future__ import annotations

import os
import queue
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from cityloom.keeper import arena, protocol, sealer, wire
from cityloom.keeper.protocol import Denied, Seal, Sealed, Work
from cityloom.keeper.vault import Vault

MAX_WORKERS = 16
FEW = 64
_Queue = queue.SimpleQueue[Work | None]


class SealerFailed(Exception):  # noqa: N818 - read as a fact
    """A sealing process ended in the middle of a batch."""


class Worker:
    """A sealing process and the socket to it."""

    def __init__(self, folder: Path, memory: int) -> None:
        self._link, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cityloom.keeper.sealer", str(folder), str(theirs.fileno()), str(memory)],
                pass_fds=[theirs.fileno(), memory], stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def seal(self, work: Work) -> Sealed:
        """Have one batch sealed. Raises: SealerFailed."""
        try:
            wire.send(self._link, work)
            body = wire.receive(self._link)
        except OSError as error:
            raise SealerFailed from error
        if body is None:
            raise SealerFailed
        return protocol.read_reply(body)

    def close(self) -> None:
        """Hang up, and wait until the process has ended."""
        self._link.close()
        self._process.wait()


class Inside:
    """Seals in the keeper's own process."""

    def __init__(self, folder: Path, memory: int) -> None:
        self._vault, self._arena = Vault(folder, owner=False), arena.Arena(os.dup(memory))

    def seal(self, work: Work) -> Sealed:
        """Seal one batch. Raises: SealerFailed for whatever would have ended a process."""
        try:
            return sealer.seal(self._vault, self._arena, work)
        except Exception as error:
            raise SealerFailed from error

    def close(self) -> None:
        """Nothing waits."""


class Sealing(Protocol):
    """What seals batches."""

    def seal(self, work: Work) -> Sealed: ...
    def close(self) -> None: ...


class Load:
    """The sealing processes of one load; `accept` never waits for the client, so that neither waits for the other."""

    def __init__(self, folder: Path, workers: int, client: socket.socket) -> None:
        self._client = client
        self._sending = threading.Lock()
        self._many, self._few = _Queue(), _Queue()
        self._memory = arena.made()
        self._folder, self._wanted = folder, max(1, min(workers, MAX_WORKERS))
        self._workers: list[Worker] = []
        self._inside: Inside | None = None
        self._threads: list[threading.Thread] = []
        self._room = threading.Semaphore(protocol.SEAL_WINDOW)
        self._next = 0
        self.count = 0
        self.failed = False

    def hand_over(self) -> None:
        """Give the client the memory in which batches lie."""
        arena.hand_over(self._client, self._memory)

    def accept(self, batch: Seal, first_slot: int) -> None:
        """Queue a batch. Raises: ValueError for one out of turn, or more than the window allows."""
        if batch.number != self._next or not self._room.acquire(blocking=False):
            raise ValueError("A batch out of turn, or more on their way than the window allows.")
        self._next += 1
        self.count += batch.count
        (self._few if batch.count <= FEW else self._many).put(Work(batch.number, first_slot, batch.count))
        if batch.count <= FEW:
            self._start_inside()
        elif len(self._workers) < self._wanted:  # a load of one batch, as most are, needs no second one
            self._workers.append(Worker(self._folder, self._memory))
            self._start(self._workers[-1], self._many)

    def _start_inside(self) -> None:
        if self._inside is None:
            self._inside = Inside(self._folder, self._memory)
            self._start(self._inside, self._few)

    def _start(self, worker: Sealing, waiting: _Queue) -> None:
        self._threads.append(threading.Thread(target=self._run, args=(worker, waiting), daemon=True))
        self._threads[-1].start()

    def refuse(self, reply: Denied) -> None:
        """Tell the client why nothing more is sealed."""
        self.failed = True
        with self._sending:
            wire.send(self._client, reply)

    def close(self) -> None:
        """Wait until every batch is back, and end the processes."""
        for waiting in (self._few, *[self._many] * len(self._workers)):
            waiting.put(None)
        for thread in self._threads:
            thread.join()
        for worker in self._workers:
            worker.close()
        os.close(self._memory)

    def _run(self, worker: Sealing, waiting: _Queue) -> None:
        while (work := waiting.get()) is not None:
            try:
                sealed = worker.seal(work)
                with self._sending:
                    self._room.release()  # before the client can see the answer and send the next batch
                    wire.send(self._client, sealed)
            except (SealerFailed, OSError):
                self.failed = True
                with self._sending:
                    hang_up(self._client)
                return


def size_of(batch: Seal) -> int:
    """How many people a batch holds. Raises: ValueError for one that is empty or too large."""
    if not 0 < batch.count <= protocol.MAX_BATCH:
        raise ValueError("A batch that is empty or too large.")
    return batch.count


def hang_up(link: socket.socket) -> None:
    """Let both sides of a connection see its end."""
    with suppress(OSError):  # it may have ended already
        link.shutdown(socket.SHUT_RDWR)
