"""One load at a time: so record time is the order of the loads' numbers, whoever starts them."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from django.conf import settings
from django.db import connection

from cityloom.kernel.refused import Refused


@contextmanager
def turn() -> Iterator[None]:
    """Hold the city's one turn to load; it ends with the process, however that ends.

    Raises: Refused `registers.load_running`.
    """
    other_machines = _advisory() if connection.vendor == "postgresql" else nullcontext()
    with _locked_file(Path(settings.CITYLOOM["CITY_DIR"]) / "load.lock"), other_machines:
        yield


@contextmanager
def _locked_file(path: Path) -> Iterator[None]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _taken() from error
        yield


@contextmanager
def _advisory() -> Iterator[None]:
    name = f"cityloom load {settings.CITYLOOM['CITY_ID']}".encode()
    number = int.from_bytes(hashlib.sha256(name).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise _taken()
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


def _taken() -> Refused:
    return Refused("registers.load_running", "Another file is being loaded just now; wait until it is done, and run "
                   "this again.")  # fmt: skip
