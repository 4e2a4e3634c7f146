"""A process of the running city: `python -m cityloom.project.child web|live|worker PARENT [SOCKET...]`."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1
_LEAVE_S = 3
_MOST_AT_ONCE = 200


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
    else:
        _serve_http(f"cityloom.project.{'asgi' if name == 'web' else 'live'}:application", handles)


def _serve_http(application: str, handles: Sequence[str]) -> None:
    import uvicorn

    config = uvicorn.Config(
        application, timeout_graceful_shutdown=_LEAVE_S, limit_concurrency=_MOST_AT_ONCE, server_header=False,
        access_log=False, log_level="warning", lifespan="auto", proxy_headers=False,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(handle)) for handle in handles])


if __name__ == "__main__":
    main(sys.argv[1:])
