"""Change one byte of what was approved, very often, and count what gets through; for the measurements of hops."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """What became of the mutations of one hop; `same` are changes that say the same, which are drawn again."""

    hop: str
    mutations: int
    stopped: int
    passed: int
    same: int
    seconds: float


def start_django() -> None:
    """Load the settings with a home of its own and a database in memory, which `command` fills."""
    os.environ.setdefault("CITYLOOM_HOME", tempfile.mkdtemp(prefix="cityloom-bench-"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloom.project.settings")
    import django

    django.setup()
    from django.db import connections

    connections.databases["default"]["NAME"] = ":memory:"


def mutations(data: bytes, chance: np.random.Generator) -> Iterator[bytes]:
    """The bytes with one replaced, removed or added, without end."""
    while True:
        position, byte = int(chance.integers(len(data))), bytes([int(chance.integers(256))])
        middle = (byte, b"", byte + data[position : position + 1])[int(chance.integers(3))]
        changed = data[:position] + middle + data[position + 1 :]
        if changed != data:
            yield changed


def texts(changes: Iterator[bytes]) -> Iterator[str]:
    """Only what a text column can hold."""
    for changed in changes:
        with contextlib.suppress(UnicodeDecodeError):
            if "\x00" not in (text := changed.decode()):
                yield text


def measure(hop: str, count: int, source: Iterator[T], passes: Callable[[T], bool | None]) -> Result:
    """Count what passes; `passes` gives None for a change that is none."""
    started, stopped, passed, same = clock.stopwatch(), 0, 0, 0
    while stopped + passed < count:
        match passes(next(source)):
            case None:
                same += 1
            case True:
                passed += 1
            case False:
                stopped += 1
    return Result(hop, count, stopped, passed, same, round(clock.stopwatch() - started, 1))


def gets_through(action: Callable[[], object]) -> bool:
    """Whether an action is done, and not refused."""
    try:
        action()
    except Refused:
        return False
    return True


def must_pass(unchanged: bool) -> None:
    """Give the whole measurement up where even the unchanged document does not pass."""
    if not unchanged:
        raise SystemExit("The unchanged document does not pass, so these figures mean nothing.")


def command(words: str, run: Callable[[int, int], list[Result]]) -> None:
    """Read the options, run, print, and exit with 1 if anything changed got through."""
    parser = argparse.ArgumentParser(description=words)
    parser.add_argument("--mutations", type=int, default=100_000, help="for each hop")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    results = run(options.mutations, options.seed)
    if options.json:
        print(json.dumps([asdict(result) for result in results]))
    else:
        for result in results:
            print(f"{result.hop:24} {result.stopped:>8,} stopped {result.passed:>4,} passed {result.seconds:>7.1f} s")
    sys.exit(any(result.passed for result in results))
