"""A builder of a city that is killed in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.flow.installation import ROOT, Installation


def killed_after(city: Installation, seconds: float, *command: str) -> None:
    """Start a command and kill that one process, nothing that it started."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CITYLOOM_")}
    environment |= {"CITYLOOM_HOME": str(city.home)} | city.environment
    with subprocess.Popen(
        [sys.executable, "-m", "cityloom", *command], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    ) as builder:  # fmt: skip
        time.sleep(seconds)
        builder.kill()


def left_running(home: Path, within_s: float = 10.0) -> list[str]:
    """Processes that still work in a home, after they had some time to end."""
    deadline = time.monotonic() + within_s
    while (found := _working_in(home)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _working_in(home: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended
            continue
        if str(home) in words:
            found.append(words)
    return found
