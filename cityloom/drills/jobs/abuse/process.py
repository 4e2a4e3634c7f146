"""The process that abuse drills run in: a home of its own, a synthetic city in it, and its keeper.

Run: python -m cityloom.drills.jobs.abuse.process PEOPLE MUTATIONS KILLS SEED A01...; one line of JSON for each drill.
"""

from __future__ import annotations

import json
import logging
import os
import random
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from cityloom.drills.domain.abuse import Findings, Outcome, outcome_of
from cityloom.kernel import clock

_LOGGERS = ("cityloom.keeper", "cityloom.accounts", "django.request")


def main() -> int:
    """Run the drills that are named; the home is `$CITYLOOM_HOME`, and is expected to be empty."""
    people, mutations, kills, seed = (int(each) for each in sys.argv[1:5])
    for name in _LOGGERS:  # what they say here was provoked
        logging.getLogger(name).setLevel(logging.CRITICAL)
    wants_city = os.environ["CITYLOOM_DRILL_NEEDS_CITY"] == "1"
    if wants_city:
        command = [sys.executable, "-m", "cityloom", "city", "build", "--people", str(people), "--seed", str(seed),
                   "--json"]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    import django

    django.setup()
    from cityloom.drills.jobs.abuse import catalogue
    from cityloom.drills.jobs.abuse.stage import Scale
    from cityloom.gate import actions as gate

    with ExitStack() as stack:
        if wants_city:
            stack.callback(gate.start_keeper().stop)
        for abuse in catalogue.chosen(tuple(sys.argv[5:])):
            outcome = _run(abuse.id, abuse.run, Scale(people, mutations, kills, seed))
            sys.stdout.write(json.dumps(outcome.as_json(), ensure_ascii=False) + "\n")
            sys.stdout.flush()
    return 0


def _run(name: str, drill: object, scale: object) -> Outcome:
    from cityloom.drills.jobs.abuse.stage import Stage

    findings, began = Findings(), clock.stopwatch()
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as place:
        stage = Stage(Path(place), scale, findings, random.Random(scale.seed))  # type: ignore[attr-defined,arg-type]  # noqa: S311
        drill(stage)  # type: ignore[operator]
    return outcome_of(name, findings, clock.stopwatch() - began)


if __name__ == "__main__":
    sys.exit(main())
