"""Questions about exercises."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from cityloom.drills.models import DrillRun
from cityloom.kernel.refused import Refused

_LARGEST_BYTES = 256 * 1024


@dataclass(frozen=True)
class DrillFacts:
    """A run of a scenario."""

    exercise_id: str
    scenario: str
    state: str
    outcome: str
    started_at: datetime
    wall_s: float | None
    report_path: str


def runs() -> list[DrillFacts]:
    """Every exercise, newest first."""
    return [_facts(row) for row in DrillRun.objects.order_by("-started_at", "exercise_id")]


def run_of(exercise_id: str) -> DrillFacts:
    """One exercise.

    Raises: Refused `drill.unknown`.
    """
    return _facts(find(exercise_id))


def report_of(exercise_id: str) -> dict[str, Any]:
    """What came of an exercise.

    Raises: Refused `drill.unknown`, or `drill.no_report` while it runs.
    """
    row = find(exercise_id)
    if row.report is None:
        raise Refused("drill.no_report", "That exercise has no report yet; let it finish, or resume it.")
    return dict(row.report)


def waiting_exercises() -> list[str]:
    """The exercises whose approvals were left to people at the screens."""
    return list(DrillRun.objects.filter(state="waiting").order_by("exercise_id").values_list("exercise_id", flat=True))


def shipped_scenarios() -> list[str]:
    """The names of the scenarios that come with Cityloom."""
    folder = resources.files("cityloom.drills") / "scenarios"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def scenario_document(name: str) -> object:
    """The scenario of a shipped name or of a YAML file, as plain values; it is not checked yet.

    Raises: Refused `scenario.missing`, `scenario.too_large` or `scenario.not_yaml`.
    """
    if name in shipped_scenarios():
        return yaml.safe_load((resources.files("cityloom.drills") / "scenarios" / f"{name}.yaml").read_text("utf-8"))
    path = Path(name)
    if not path.is_file():
        raise Refused("scenario.missing", "There is no scenario {value}; name a YAML file or one of: {limit}.",
                      value=name, limit=", ".join(shipped_scenarios()))  # fmt: skip
    if path.stat().st_size > _LARGEST_BYTES:
        raise Refused("scenario.too_large", "The scenario has {value} bytes; at most {limit} are read.",
                      value=path.stat().st_size, limit=_LARGEST_BYTES)  # fmt: skip
    try:
        return yaml.load(path.read_text("utf-8"), Loader=_NoAliases)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("scenario.not_yaml", "The file {value} is not readable YAML; correct it and run again.",
                      value=path.name) from error  # fmt: skip


def schema() -> dict[str, Any]:
    """The JSON Schema of a scenario."""
    return json.loads((resources.files("cityloom.drills") / "scenario.schema.json").read_text("utf-8"))


def place_of(exercise_id: str) -> tuple[float, float] | None:
    """Where an exercise happens; None where there is no such exercise yet."""
    return DrillRun.objects.filter(exercise_id=exercise_id).values_list("lon", "lat").first()


def find(exercise_id: str) -> DrillRun:
    """The record of an exercise, for this package's own rooms.

    Raises: Refused `drill.unknown`.
    """
    row = DrillRun.objects.filter(exercise_id=exercise_id).first()
    if row is None:
        raise Refused("drill.unknown", "There is no exercise {value}; `cityloom drill list` shows those there are.",
                      value=exercise_id[:40])  # fmt: skip
    return row


class _NoAliases(yaml.SafeLoader):
    """YAML without anchors, so that a small file cannot become a large one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases are not used in scenarios")
        return super().compose_node(parent, index)


def _facts(row: DrillRun) -> DrillFacts:
    return DrillFacts(
        row.exercise_id, row.scenario, row.state, row.outcome, row.started_at, row.wall_s, row.report_path
    )
