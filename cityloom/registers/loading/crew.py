"""Processes that read and check a large file ahead of the one that writes: each takes every so-manieth batch.

They end when the one that started them does: the socket to it is then at an end. What a file says goes from memory to
memory, and nowhere else.
"""

from __future__ import annotations

import os
import pickle
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.checks import Checks
from cityloom.registers.domain.tables import Asked, ColumnTable

WORTH = 200_000
"""Rows from which on the processes save more time than they take to start."""
_MOST = 4
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class Orders:
    """What all the processes of one reading do: read, check and, where there is something, `then` with each batch."""

    table: ColumnTable
    checks: Checks
    asked: Asked
    key: bytes
    then: Callable[[Any], object] | None = None


def size() -> int:
    """How many processes read: one for each core that is ours."""
    return min(_MOST, len(os.sched_getaffinity(0)))


def batches(orders: Orders, count: int) -> Generator[Any, None, None]:
    """What `reading.in_columns` gives for the same, or what is made of it then, in the same order.

    Raises: Refused `registers.reading_ended`, and as the file's reader does.
    """
    with ExitStack() as ended, _whole():
        links = [ended.enter_context(_member(orders, (place, count))) for place in range(count)]
        turn = 0
        while (told := receive(links[turn])) is not None:
            yield told
            turn = (turn + 1) % count


@contextmanager
def _whole() -> Iterator[None]:
    try:
        yield
    except (MemberFailed, BrokenPipeError, ConnectionResetError) as error:
        raise Refused("registers.reading_ended", "A process that read the file was ended before its time, perhaps for "
                      "want of memory, so nothing was loaded; run this again when the machine has less to do."
                      ) from error  # fmt: skip


@contextmanager
def _member(orders: Orders, turn: tuple[int, int]) -> Iterator[socket.socket]:
    mine, theirs = socket.socketpair()
    with mine:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "cityloom.registers.loading.crew_member", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            send(mine, replace(orders, asked=replace(orders.asked, turn=turn)))
            yield mine
        finally:
            process.kill()
            process.wait()


def send(link: socket.socket, what: object) -> None:
    """Send one thing."""
    body = pickle.dumps(what, protocol=5)
    link.sendall(_LENGTH.pack(len(body)))
    link.sendall(body)


def receive(link: socket.socket) -> Any:
    """The next thing, None at the end. Raises: Refused what was sent, MemberFailed where the other side has gone."""
    told = pickle.loads(_exactly(link, _LENGTH.unpack(_exactly(link, _LENGTH.size))[0]))  # noqa: S301 - from a process that this one started, or the one that started it
    if isinstance(told, _Refusal):
        raise Refused(told.code, told.sentence, value=told.value, limit=told.limit)
    return told


def _exactly(link: socket.socket, count: int) -> bytearray:
    buffer = bytearray(count)
    view = memoryview(buffer)
    while view:
        got = link.recv_into(view)
        if got == 0:
            raise MemberFailed
        view = view[got:]
    return buffer


class MemberFailed(Exception):  # noqa: N818 - read as a fact
    """A process that reads, or the one that it reads for, ended in the middle of a file."""


@dataclass(frozen=True)
class _Refusal:
    code: str
    sentence: str
    value: object
    limit: object


def refusal(refused: Refused) -> object:
    """A refusal as it is sent."""
    return _Refusal(refused.code, refused.template, refused.value, refused.limit)
