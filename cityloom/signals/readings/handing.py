"""Hand readings over to the process that keeps them, and learn what became of them."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event

import pyarrow as pa

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.wire import Arrived
from cityloom.signals.readings.door import SCHEMA, told_of, words_of
from cityloom.signals.readings.road import MOST_TOLD, Told

_MOST_AHEAD = 2
"""Blocks that are on their way while the next one is read."""
_ANSWERS_S = 60.0
_STARTS_S = 15.0
_LOOK_S = 0.1


def is_open(door: Path) -> bool:
    """Whether somebody takes readings now."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        return line.connect_ex(str(door)) == 0


def hand_over(
    blocks: Iterable[Arrived], folder: Path, door: Path, so_far: Told, *, most_told: int = MOST_TOLD
) -> None:
    """Have blocks kept, and count in `so_far` what became of each as soon as it is on the disk.

    Where nobody takes readings the folder of readings is made, which lets `cityloom serve` start the process that does.
    Raises: Refused `signals.not_taking`, and what the road refuses.
    """
    failed: list[Refused] = []
    with _connected(folder, door) as line, line.makefile("rb") as answers:
        waiting: deque[int] = deque()
        try:
            with line.makefile("wb") as stream, pa.ipc.new_stream(stream, SCHEMA) as writer:
                for block in _until_refused(blocks, failed):
                    batch, words = words_of(block, most_told)
                    writer.write_batch(batch, custom_metadata=words)
                    stream.flush()
                    waiting.append(block.lines)
                    while len(waiting) > _MOST_AHEAD:
                        _count(answers.readline(), so_far, waiting, most_told)
            while waiting:
                _count(answers.readline(), so_far, waiting, most_told)
        except OSError as error:
            raise _not_taking() from error
    if failed:  # what was handed over before is counted all the same
        raise failed[0]


def _until_refused(blocks: Iterable[Arrived], failed: list[Refused]) -> Iterator[Arrived]:
    try:
        yield from blocks
    except Refused as refusal:
        failed.append(refusal)


def _count(line: bytes, so_far: Told, waiting: deque[int], most_told: int) -> None:
    if not line.endswith(b"\n"):
        raise _not_taking()
    told = told_of(line)
    so_far.add(told.kept, told.duplicates, told.rejected)
    so_far.add_rows(waiting.popleft(), told.aside, most_told)


def _connected(folder: Path, door: Path) -> socket.socket:
    """Raises: Refused `signals.not_taking`."""
    until = clock.stopwatch() + (_STARTS_S if folder.parent.exists() and not folder.exists() else 0.0)
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
    while True:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(_ANSWERS_S)
        try:
            line.connect(str(door))
        except OSError as error:
            line.close()
            if clock.stopwatch() >= until:
                raise _not_taking() from error
            Event().wait(_LOOK_S)
        else:
            return line


def _not_taking() -> Refused:
    return Refused("signals.not_taking", "The process that keeps readings is away or just starting; send them again in"
                   " some seconds, what was kept already counts once.")  # fmt: skip
