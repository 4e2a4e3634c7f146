"""The whole drill on the city in use: `python -m bench.drill [--runs N]`.

Prints, over N runs: last deciding signal to complete proposal, approval to everything delivered, whole drill without
report, and peak memory. The city is the one of $CITYLOOM_HOME (build it with `cityloom city build`); without one a city
of 200,000 people is built in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

STEPS = {
    "ProposalReady": "last deciding signal to complete proposal",
    "EvacuationApproved": "approval to every notice and task delivered",
    "AlertApproved": "second approval to every alert delivered",
}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=20)
    runs = arguments.parse_args().runs
    with ExitStack() as stack:
        if not (Path(os.environ.get("CITYLOOM_HOME", ".cityloom")) / "current").exists():
            os.environ["CITYLOOM_HOME"] = stack.enter_context(tempfile.TemporaryDirectory())
            subprocess.run([sys.executable, "-m", "cityloom", "city", "build"], check=True, capture_output=True)
        measure(stack, runs)
    return 0


def measure(stack: ExitStack, runs: int) -> None:
    """Run the shipped scenario `runs` times, erasing each exercise, and print the figures."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloom.project.settings")
    import django

    django.setup()
    from cityloom.drills import actions
    from cityloom.drills.jobs import keeping, run
    from cityloom.kernel.actor import SYSTEM
    from cityloom.registers import queries as registers

    keeper = keeping.keeper_for_drill(stack)
    city = registers.loaded_city()
    print(f"{city.name}: {city.counts.get('people', 0):,} people, {city.counts['buildings']:,} buildings; {runs} runs")
    found: dict[str, list[float]] = {name: [] for name in (*STEPS, "whole")}
    for _ in range(runs):
        heard = Walls()
        report = run.run("sinkhole", narrator=heard, keeper=keeper)
        assert report["outcome"] == "safe", [check for check in report["checks"] if not check["passed"]]
        for name, wall_ms in heard.first.items():
            found[name].append(wall_ms)
        found["whole"].append(1000 * float(report["figures"][-1]["value"].split()[0]))
        actions.remove(exercise_id=report["exercise_id"], by=SYSTEM)
    for name, values in found.items():
        values.sort()
        worst = values[min(len(values) - 1, int(0.99 * len(values)))]
        label = STEPS.get(name, "whole drill, computing time")
        print(f"{label:<48} p50 {statistics.median(values):>8,.0f} ms   p99 {worst:>8,.0f} ms")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


class Walls:
    """Keeps the first computing time of each step that is measured."""

    def __init__(self) -> None:
        self.first: dict[str, float] = {}

    def note(self, words: str) -> None:
        pass

    def events(self, events: list[tuple[Any, float | None]], first_signal_at: Any) -> None:
        for event, wall_ms in events:
            name = event.type.split(".")[-2]
            if name in STEPS and wall_ms is not None:
                self.first.setdefault(name, wall_ms)


if __name__ == "__main__":
    sys.exit(main())
