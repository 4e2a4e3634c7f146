"""Commands in processes of their own that start in a third of the time: forked from one that has the libraries loaded.

Of Cityloom only its quiet rooms are loaded before the fork, so that each command reads its own environment, home and
settings.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
_LIBRARIES = (
    "numpy", "shapely", "h3", "click", "rich.console", "rich.table", "rich.progress", "rich.panel", "django.http",
    "django.template.backends.django", "django.forms", "django.db.models", "django.db.backends.sqlite3.base",
    "django.core.serializers.json", "django.urls", "django.core.management", "django.core.handlers.asgi",
    "django.db.migrations.loader", "django.views.generic", "httpx", "jwt", "msgspec", "yaml", "PIL.Image", "lxml.etree",
    "cryptography.hazmat.primitives.ciphers.aead", "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.x509", "requests", "osmium", "rfc8785", "asyncio", "uvicorn", "pyarrow.parquet", "deltalake",
    "duckdb", "ibis", "ibis.expr.types", "fido2.server", "smtplib", "cryptography.hazmat.primitives.kdf.hkdf",
    "SpiffWorkflow.bpmn.parser.BpmnParser", "SpiffWorkflow.bpmn.serializer.workflow",
)  # fmt: skip


def run(
    arguments: Sequence[str], environment: dict[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run `cityloom` with arguments and wait for it, as `subprocess.run` does; or with "-c" a program, as Python would.

    Raises: TimeoutExpired.
    """
    with socket.socket(socket.AF_UNIX) as link, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        link.connect(_starter())
        socket.send_fds(link, [b"."], [out.fileno(), err.fileno()])
        link.sendall(json.dumps([list(arguments), environment]).encode() + b"\n")
        answers = link.makefile()
        process = int(answers.readline())
        watch = threading.Timer(timeout, _kill, [process])
        watch.start()
        status = int(answers.readline())
        if not watch.is_alive():
            raise subprocess.TimeoutExpired(list(arguments), timeout)
        watch.cancel()
        return subprocess.CompletedProcess(list(arguments), status, _text(out), _text(err))


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()


@functools.cache
def _starter() -> str:
    """The address of the process that forks, one for each process that tests."""
    folder = tempfile.mkdtemp(prefix="cityloom-forks-")
    address = f"{folder}/socket"
    command = [sys.executable, "-m", "tests.flow.forked", address]
    starter = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert starter.stdout is not None
    starter.stdout.readline()
    atexit.register(_end, starter, folder)
    return address


def _end(starter: subprocess.Popen[bytes], folder: str) -> None:
    starter.kill()
    starter.wait()
    for path in (Path(folder, "socket"), Path(folder)):
        with contextlib.suppress(OSError):
            path.unlink() if path.name == "socket" else path.rmdir()


def main() -> None:
    """Listen, and fork a process for each command."""
    for name in (*_LIBRARIES, *_quiet()):
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever watches a command is not waited for
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(sys.argv[1])
        listening.listen(16)
        print("ready", flush=True)
        while True:
            link, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _watch(link)
            link.close()


def _quiet() -> list[str]:
    """The modules of rules and mathematics, which read neither settings nor environment."""
    files = [*ROOT.glob("cityloom/kernel/*.py"), *ROOT.glob("cityloom/*/domain/*.py")]
    return [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in sorted(files)
            if file.name != "__init__.py"]  # fmt: skip


def _watch(link: socket.socket) -> None:
    """Fork the command, say who it is, and how it ended; does not return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, descriptors, _, _ = socket.recv_fds(link, 1, 2)
    arguments, environment = json.loads(link.makefile().readline())
    process = os.fork()
    if process == 0:
        link.close()
        _become(arguments, environment, descriptors)
    link.sendall(f"{process}\n".encode())
    _, status = os.waitpid(process, 0)
    link.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(arguments: list[str], environment: dict[str, str], descriptors: list[int]) -> None:
    """Be `python -m cityloom`, or `python -c`; does not return."""
    for target, descriptor in enumerate(descriptors, start=1):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    if arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<program>", "exec"), {"__name__": "__main__"})  # noqa: S102
    else:
        sys.argv = ["cityloom", *arguments]
        runpy.run_module("cityloom", run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    main()
