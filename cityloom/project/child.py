"""A process of the running city: `python -m cityloom.project.child NAME PARENT [SOCKET...]`; a drill: its exercise."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

_PR_SET_PDEATHSIG = 1
_LEAVE_S = 3
_MOST_AT_ONCE = 200
_MOST_OPEN = 2_000
"""Browsers keep connections open for some seconds; what is at work is bounded by `pages.MOST_AT_WORK`."""
_UNREAD_MS = 30_000
"""A line whose other end has taken nothing for so long is cut by the kernel."""
_ERRANDS = {
    "inbox": ("inbox", "take_in"), "placer": ("placer", "look_up"), "trier": ("trier", "try_rules"),
    "reviewer": ("reviewer", "review"), "leaks": ("leaks", "look"), "hotspots": ("hotspots", "look"),
}  # fmt: skip
"""Work that a process is made for, and that it ends after: the module and what to call."""
_SEND_BUFFER = 64 * 1024


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends; leave at once if it has already ended."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("The process that started this one has gone.")


def main(arguments: Sequence[str]) -> None:
    """Run one process until SIGTERM."""
    name, parent, *handles = arguments
    die_with(int(parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloom.project.settings")
    import django

    django.setup()
    if name == "worker":
        from cityloom.project import worker

        worker.run()
    elif name == "ingest":
        from cityloom.project import ingest

        ingest.run()
    elif name == "switchboard":
        from cityloom.project import switchboard

        switchboard.run()
    elif name == "live":
        _serve_live(handles)
    elif name in _ERRANDS:
        module, work = _ERRANDS[name]
        getattr(import_module(f"cityloom.project.{module}"), work)()
    elif name == "exercise":
        from cityloom.project import exercising

        exercising.take_in(*handles)
    elif name == "drill":
        from cityloom.project import drilling

        drilling.play(handles[0])
    else:
        _serve_http("cityloom.project.asgi:application", handles)


def _serve_http(application: str, handles: Sequence[str]) -> None:
    import uvicorn

    uvicorn.Server(_config(application, _MOST_OPEN)).run(sockets=_sockets(handles))


def _serve_live(handles: Sequence[str]) -> None:
    """Serve long lines: as many as there are readers, cut where nobody reads, all let go when told to stop."""
    import uvicorn

    from cityloom.project import live

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            live.application.end()
            super().handle_exit(sig, frame)

    sockets = _sockets(handles)
    for one in sockets:  # accepted connections inherit both
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    Server(_config("cityloom.project.live:application", live.MOST_READERS + _MOST_AT_ONCE)).run(sockets=sockets)


def _config(application: str, most_at_once: int) -> uvicorn.Config:
    import uvicorn

    return uvicorn.Config(
        application, timeout_graceful_shutdown=_LEAVE_S, limit_concurrency=most_at_once, server_header=False,
        access_log=False, log_level="warning", lifespan="auto", proxy_headers=False,
    )  # fmt: skip


def _sockets(handles: Sequence[str]) -> list[socket.socket]:
    return [socket.socket(fileno=int(handle)) for handle in handles]


if __name__ == "__main__":
    main(sys.argv[1:])
