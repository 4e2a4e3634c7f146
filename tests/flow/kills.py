"""Kill a drill at a random instant, start it again, and compare: `python -m tests.flow.kills HOME COUNT SEED [WHAT]`.

WHAT is `drill`, or `keeper`: then the keeper is killed under the drill, and is back a moment later.

One process loads everything and forks a child for each run, so that thousands of kills are affordable. A child that is
to be killed sets an interval timer whose signal ends it at once, wherever it is.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from cityloom.kernel import ids


def main() -> int:
    os.environ["CITYLOOM_HOME"], count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloom.project.settings")
    import django

    django.setup()
    from cityloom.bus.actions import routes
    from cityloom.drills.jobs import run
    from cityloom.drills.jobs.keeping import DrillKeeper

    assert run and routes(), "loaded here, so that no child spends its time on loading"

    os.environ["CITYLOOM_KILLED_SCENARIO"] = small_scenario(os.environ["CITYLOOM_HOME"])

    rng = random.Random(seed)
    with ExitStack() as stack:
        keeper = DrillKeeper()
        keeper.start()
        stack.callback(keeper.close)
        expected, whole_s = min((timed_whole_run() for _ in range(2)), key=lambda run: run[1])
        outcomes: list[dict[str, Any]] = []
        for _ in range(count):
            after_s = rng.uniform(0.02, whole_s * 1.05)
            if "keeper" in sys.argv[4:]:
                outcomes.append(one_without_keeper(keeper, after_s, rng.uniform(0, 0.5), expected))
            else:
                outcomes.append(one(after_s, expected))
            whole_s = min(whole_s, outcomes[-1].pop("took_s", whole_s))  # a machine that got faster: kill sooner
    wrong = [outcome for outcome in outcomes if outcome["fault"]]
    print(json.dumps({"kills": count, "whole_s": round(whole_s, 2), "wrong": wrong[:5],
                      "killed_in_time": sum(outcome["killed"] for outcome in outcomes),
                      "stopped": sum(outcome.get("stopped", False) for outcome in outcomes)}))  # fmt: skip
    return 1 if wrong or expected is None else 0


def small_scenario(folder: str) -> str:
    """The shipped scenario around a smaller hole and with a shorter memory, so that many runs are affordable."""
    from cityloom.drills import queries

    document: Any = queries.scenario_document("sinkhole")
    document["hazard"] = {"radius_m": 20, "buffer_m": 25, "rings": [0.5, 1.0]}
    document["background"] = {"hours": 2, "every_s": 300, "radius_m": 500}
    path = Path(folder) / "small.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True))
    return str(path)


def timed_whole_run() -> tuple[Any, float]:
    """What an undisturbed run decides, and how many seconds it takes."""
    started = time.monotonic()
    decided = in_child(lambda: play(ids.new_ulid()))
    return decided, time.monotonic() - started


def one(after_s: float, expected: Any) -> dict[str, Any]:
    """A run that is killed, and the run that goes on with it."""
    exercise, started = ids.new_ulid(), time.monotonic()
    killed = in_child(lambda: play(exercise), kill_after_s=after_s) is None
    took_s = time.monotonic() - started
    resumed = in_child(lambda: play(exercise)) if killed else expected
    fault = "" if resumed == expected else f"after {after_s:.3f} s: {difference(expected, resumed)}"
    return {"killed": killed, "fault": fault} | ({} if killed else {"took_s": took_s})


def one_without_keeper(keeper: Any, after_s: float, away_s: float, expected: Any) -> dict[str, Any]:
    """A run whose keeper is killed and comes back; one that had to stop for it is gone on with."""
    exercise = ids.new_ulid()
    child, stream = begin_child(lambda: play(exercise))
    time.sleep(after_s)
    was_running = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    keeper.stop()
    time.sleep(away_s)
    keeper.start()
    found = end_child(child, stream)
    stopped = found is None
    if stopped:
        found = in_child(lambda: play(exercise))
    fault = "" if found == expected else f"after {after_s:.3f} s for {away_s:.3f} s: {difference(expected, found)}"
    return {"killed": was_running, "stopped": stopped, "fault": fault}


def play(exercise_id: str) -> dict[str, Any]:
    """Run the sinkhole once; what was decided, whether it was safe, and how often each channel was told."""
    from cityloom.alerts.models import Delivery
    from cityloom.drills import queries
    from cityloom.drills.jobs import run
    from cityloom.emergency import queries as incidents

    found = queries.DrillRun.objects.filter(exercise_id=exercise_id, state="finished").first()
    scenario = os.environ["CITYLOOM_KILLED_SCENARIO"]
    report = found.report if found else run.run(scenario, exercise_id=exercise_id, narrator=run.Silent(), keeper=None)
    deliveries = Delivery.objects.filter(exercise_id=exercise_id).order_by("alert__message_type", "channel")
    return {
        "decisions": json.loads(incidents.decisions(exercise_id)),
        "broken": [check["name"] for check in report["checks"] if not check["passed"]],
        "deliveries": [list(row) for row in deliveries.values_list("alert__message_type", "channel", "state")],
        "notices": len(report["notices"]),
        "opened": sum(opening["count"] > 0 for opening in report["openings"]),
    }


def in_child(work: Callable[[], Any], kill_after_s: float | None = None) -> Any:
    """The result of `work` in a process of its own; None if it was killed or failed."""
    return end_child(*begin_child(work, kill_after_s))


def begin_child(work: Callable[[], Any], kill_after_s: float | None = None) -> tuple[int, int]:
    """Start `work` in a process of its own; return that and where its result will be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        if kill_after_s is not None:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, kill_after_s)
        try:
            result = json.dumps(work()).encode()
            signal.setitimer(signal.ITIMER_REAL, 0)
            with os.fdopen(writing, "wb") as stream:
                stream.write(result)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    return child, reading


def end_child(child: int, reading: int) -> Any:
    """Wait for a child's result."""
    with os.fdopen(reading, "rb") as stream:
        result = stream.read()
    _, status = os.waitpid(child, 0)
    return json.loads(result) if status == 0 else None


def difference(expected: Any, found: Any) -> str:
    """Which part of two outcomes differs."""
    if found is None:
        return "the resumed run failed"
    return ", ".join(
        f"{key}: {str(expected[key])[:200]} became {str(found[key])[:200]}"
        for key in expected
        if expected[key] != found[key]
    )


if __name__ == "__main__":
    sys.exit(main())
