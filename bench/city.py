"""Measure how a synthetic city is built: seconds of each step, people sealed, memory and disk.

Run: python -m bench.city [--people N] [--seed N] [--keep FOLDER] [--json]
It works in a home of its own; with --keep the city stays there for bench.zone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cityloom.registers.queries import CityFacts

STEPS = {"generate": "generate", "complete": "generate", "people": "seal and write people", "index": "index"}
PAGE = os.sysconf("SC_PAGE_SIZE")


class Stopwatch:
    """Wall seconds of each step, and the rows in it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.rows: dict[str, int] = {}
        self._last = time.perf_counter()

    def __call__(self, step: str, done: int, total: int) -> None:
        now = time.perf_counter()
        name = STEPS.get(step, "write ground")
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self.rows[name] = max(self.rows.get(name, 0), total)
        self._last = now


class MemoryWatch(threading.Thread):
    """The most memory that this process and all below it held at one moment."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._finished = threading.Event()

    def run(self) -> None:
        while not self._finished.wait(0.25):
            self.peak = max(self.peak, sum(_resident(pid) for pid in _family(os.getpid())))

    def finish(self) -> int:
        self._finished.set()
        self.join()
        return self.peak


def _family(root: int) -> list[int]:
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _resident(pid: int) -> int:
    """Private memory as far as the system tells it, so that shared and mapped pages count once at most."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return (int(resident) - int(shared)) * PAGE


def build(people: int, seed: int, home: Path) -> dict[str, object]:
    """Build a city with its keeper in a fresh home; return what was measured."""
    setup(home)
    from django.core.management import call_command

    from cityloom.gate import actions as gate
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    from cityloom.registers import actions

    (home / "cities" / "bench").mkdir(parents=True)
    (home / "current").symlink_to(home / "cities" / "bench")
    call_command("migrate", verbosity=0)
    memory = MemoryWatch()
    memory.start()
    started = time.perf_counter()
    keeper = gate.start_keeper()
    try:
        watch = Stopwatch()
        facts = actions.build_synthetic(people, seed=seed, by=SYSTEM, at=clock.now(), progress=watch)
    finally:
        keeper.stop()
    return report(facts, watch, time.perf_counter() - started, memory.finish(), home)


def setup(home: Path) -> None:
    """Start Django on a home."""
    os.environ["CITYLOOM_HOME"] = str(home)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloom.project.settings")
    import django

    django.setup()


def report(facts: CityFacts, watch: Stopwatch, total_s: float, peak: int, home: Path) -> dict[str, object]:
    """The measured figures as plain values."""
    folder = home / "cities" / "bench"
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    return {
        "counts": facts.counts, "total_s": round(total_s, 1), "peak_memory_gb": round(peak / 1e9, 2),
        "steps_s": {step: round(seconds, 1) for step, seconds in watch.seconds.items()},
        "disk_gb": round(sum(sizes.values()) / 1e9, 3),
        "files_mb": {name: round(size / 1e6, 1) for name, size in sorted(sizes.items()) if size > 1e6},
        "load_average": os.getloadavg()[0],
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="leave the city in this folder, which must not exist")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    home = options.keep or Path(tempfile.mkdtemp(prefix="cityloom-bench-")) / "home"
    home.mkdir(mode=0o700, parents=True)
    try:
        measured = build(options.people, options.seed, home)
    finally:
        if not options.keep:
            shutil.rmtree(home.parent)
    print(json.dumps(measured, indent=None if options.json else 2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
