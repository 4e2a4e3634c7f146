"""Messages over a Unix socket, who is at the other end of it, and what a keeper process asks of the kernel."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct

from cityloom.keeper import protocol

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_PEER = struct.Struct("3i")


def send(link: socket.socket, message: object) -> None:
    """Send one message."""
    link.sendall(protocol.frame(message))


def receive(link: socket.socket) -> bytearray | None:
    """The next message's bytes; None when the other side has gone. Raises: FrameTooLarge."""
    header = _exactly(link, protocol.HEADER.size)
    if header is None:
        return None
    return _exactly(link, protocol.checked_length(protocol.HEADER.unpack(header)[0]))


def _exactly(link: socket.socket, count: int) -> bytearray | None:
    buffer = bytearray(count)
    view, filled = memoryview(buffer), 0
    while filled < count:
        got = link.recv_into(view[filled:])
        if got == 0:
            return None
        filled += got
    return buffer


def peer_uid(link: socket.socket) -> int:
    """The user at the other end, as the kernel saw it connect."""
    credentials = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return _PEER.unpack(credentials)[1]


def keep_memory_private() -> None:
    """Forbid core dumps and other processes' reading of this one's memory."""
    _prctl(_PR_SET_DUMPABLE, 0)


def die_with_parent(parent: int) -> None:
    """Ask to be ended when the parent (the thread that started this process) ends, however it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the line above
        raise SystemExit("The process that started the keeper has gone.")


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
