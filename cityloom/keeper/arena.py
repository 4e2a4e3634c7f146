"""Memory that a client, the keeper and its sealing processes share during one load, so that no batch is copied around.

The keeper makes it and forbids the system to let anybody resize it: a client cannot pull it away under the keeper.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import socket
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import protocol, record

_COLUMNS = {
    "records": ("u1", (record.RECORD.itemsize,)), "envelopes": ("u1", (record.ENVELOPE_BYTES,)),
    "subjects": ("<i8", ()), "traits": ("<u2", ()),
}  # fmt: skip
_SIZES = {name: np.dtype((kind, shape)).itemsize * protocol.MAX_BATCH for name, (kind, shape) in _COLUMNS.items()}
_PLACE_BYTES = sum(_SIZES.values())
_WHOLE = _PLACE_BYTES * protocol.SEAL_WINDOW


@dataclass(frozen=True)
class Place:
    """One batch: what the client fills in, and what the sealing process does; all are views of the shared memory."""

    records: NDArray[np.uint8]
    envelopes: NDArray[np.uint8]
    subjects: NDArray[np.int64]
    traits: NDArray[np.uint16]


class Arena:
    """The places of a load, `protocol.SEAL_WINDOW` of them; takes over the descriptor."""

    def __init__(self, descriptor: int) -> None:
        try:
            self._memory = mmap.mmap(descriptor, _WHOLE)
        finally:
            os.close(descriptor)

    def place(self, number: int, count: int) -> Place:
        """Where the batch of that number and size lies."""
        at, columns = number % protocol.SEAL_WINDOW * _PLACE_BYTES, {}
        for name, (kind, shape) in _COLUMNS.items():
            columns[name] = np.ndarray((count, *shape), kind, self._memory, at)
            at += _SIZES[name]
        return Place(**columns)


def made() -> int:
    """A descriptor of fresh memory of the right size."""
    descriptor = os.memfd_create("cityloom load", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.truncate(descriptor, _WHOLE)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return descriptor


def hand_over(link: socket.socket, descriptor: int) -> None:
    """Give the other side the memory."""
    socket.send_fds(link, [b"\x00"], [descriptor])


def taken(link: socket.socket) -> Arena | None:
    """The memory that the other side hands over; None when it has gone."""
    _, descriptors, _, _ = socket.recv_fds(link, 1, 1)
    return Arena(descriptors[0]) if descriptors else None
