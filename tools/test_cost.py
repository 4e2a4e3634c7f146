"""What each test costs in processor time: `.venv/bin/python tools/test_cost.py [-n 3] [tests/...]`, busy or not.

Runs pytest with itself as a plugin and prints the dearest folders, files, tests and fixtures. Counts what processes
that a test starts take, too, where this user may make control groups (root on Linux, mostly); else only those which
are waited for, which leaves out a served city and most of a browser.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_OUT = "CITYLOOM_TEST_COSTS"
_GROUPS = (("/sys/fs/cgroup/cpuacct", "cpuacct.usage"), ("/sys/fs/cgroup", "cpu.stat"))
_PREFIX = "cityloom-tests-"
_SHOWN = 25


def counting(name: str) -> Callable[[], float]:
    """What tells the seconds so far of this process and of all that it starts from now on."""
    for place, file in _GROUPS:
        group = Path(place) / name
        try:
            group.mkdir(exist_ok=True)
            (group / "cgroup.procs").write_text(str(os.getpid()))
            (group / file).read_text()
        except OSError:
            continue
        if file == "cpu.stat":
            return lambda: int((group / file).read_text().split()[1]) / 1e6
        return lambda: int((group / file).read_text()) / 1e9
    return lambda: sum(os.times()[:4])


class Costs:
    """Notes what is spent inside each test and each fixture's set-up, without what it contains."""

    def __init__(self, out: Path) -> None:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self._file = (out / worker).open("w")
        self._seconds = counting(f"{_PREFIX}{out.name}-{worker}")
        self._inside = [0.0]

    def _noted(self, kind: str, name: str) -> Iterator[None]:
        before = self._seconds()
        self._inside.append(0.0)
        try:
            return (yield)
        finally:
            whole = self._seconds() - before
            own = whole - self._inside.pop()
            self._inside[-1] += whole
            self._file.write(json.dumps([kind, name, own]) + "\n")
            self._file.flush()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        return (yield from self._noted("test", item.nodeid))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: pytest.FixtureRequest) -> Iterator[None]:
        return (yield from self._noted("fixture", f"{fixturedef.baseid}::{fixturedef.argname}"))

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Iterator[None]:
        return (yield from self._noted("collection", "collection"))


def pytest_configure(config: pytest.Config) -> None:
    if out := os.environ.get(_OUT):
        config.pluginmanager.register(Costs(Path(out)))


def show(notes: list[tuple[str, str, float]]) -> None:
    """Print where the time goes, the dearest first."""
    tables: dict[str, Counter[str]] = {name: Counter() for name in ("folders", "files", "tests", "fixtures")}
    for kind, name, seconds in notes:
        if kind == "fixture":
            tables["fixtures"][name] += seconds
        elif kind == "test":
            file, _, test = name.partition("::")
            for table, key in (("folders", str(Path(file).parent)), ("files", file),
                               ("tests", f"{file}::{test.partition('[')[0]}")):  # fmt: skip
                tables[table][key] += seconds
    for title, table in tables.items():
        print(f"\n{title}, {sum(table.values()):.0f} s without what is inside")
        for name, seconds in table.most_common(_SHOWN):
            print(f"{seconds:8.2f}  {name}")
    print(f"\nall: {sum(seconds for _, _, seconds in notes):.0f} s of processor time")


def forget(run: str) -> None:
    """Remove the control groups of a run; a process that outlived it keeps its own."""
    for place, _ in _GROUPS:
        for group in Path(place).glob(f"{_PREFIX}{run}-*"):
            with contextlib.suppress(OSError):
                group.rmdir()


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as out:
        root = Path(__file__).resolve().parents[1]
        command = [sys.executable, "-m", "pytest", "-p", "tools.test_cost", *arguments]
        status = subprocess.run(command, cwd=root, env=os.environ | {_OUT: out}).returncode
        forget(Path(out).name)
        show([tuple(json.loads(line)) for file in sorted(Path(out).iterdir()) for line in file.open()])
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
