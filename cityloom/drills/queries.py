"""Questions about exercises."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from cityloom.drills.domain.injections import Injection, injection_from
from cityloom.drills.domain.scenario import Scenario
from cityloom.drills.models import DrillRun
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers

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
    finished_at: datetime | None = None
    is_paced: bool = False
    start: datetime | None = None
    pace: int = 1
    is_paused: bool = False
    approves: bool = True
    injections: tuple[Injection, ...] = ()
    is_stopping: bool = False
    fault: str = ""

    @property
    def is_running(self) -> bool:
        """Whether somebody plays it, or will in a moment."""
        return self.is_paced and self.state in ("queued", "running")


@dataclass(frozen=True)
class ScenarioFacts:
    """A scenario that comes with Cityloom."""

    name: str
    title: dict[str, str]
    description: dict[str, str]
    category: str
    faults: tuple[str, ...]
    lasts_s: float


def runs() -> list[DrillFacts]:
    """Every exercise, newest first."""
    return [_facts(row) for row in DrillRun.objects.order_by("-started_at", "exercise_id")]


def run_of(exercise_id: str) -> DrillFacts:
    """One exercise.

    Raises: Refused `drill.unknown`.
    """
    return _facts(find(exercise_id))


def running() -> DrillFacts | None:
    """The drill that is played in front of people now, or will be in a moment."""
    row = DrillRun.objects.filter(is_paced=True, state__in=("queued", "running")).order_by("started_at").first()
    return _facts(row) if row else None


def earlier_reports(exercise_id: str, most: int = 20) -> list[dict[str, Any]]:
    """What came of earlier runs of the same scenario, the latest first."""
    row = find(exercise_id)
    rows = DrillRun.objects.filter(scenario=row.scenario, started_at__lt=row.started_at).exclude(report=None)
    return [dict(report) for report in rows.order_by("-started_at").values_list("report", flat=True)[:most]]


@lru_cache(maxsize=1)
def scenario_facts() -> list[ScenarioFacts]:
    """The scenarios that come with Cityloom, by name."""
    return [_scenario_facts(name, scenario_document(name)) for name in shipped_scenarios()]


def report_file(exercise_id: str, kind: str) -> Path | None:
    """A file of a drill's report: html, pdf or json; None where there is none.

    Raises: Refused `drill.unknown`.
    """
    row = find(exercise_id)
    path = Path(row.report_path).with_suffix(f".{kind}") if row.report_path and kind.isalpha() else None
    return path if path and path.exists() else None


def shipped_document(name: str) -> object:
    """A scenario that comes with Cityloom; no file of any other name is read.

    Raises: Refused `drill.unknown_scenario`.
    """
    if name not in shipped_scenarios():
        raise Refused("drill.unknown_scenario", "There is no scenario {value}; choose one of the page.",
                      value=name[:40])  # fmt: skip
    return scenario_document(name)


def choose_place(scenario: Scenario) -> tuple[float, float]:
    """Where a scenario happens in this city.

    Raises: Refused `city.none`, `drill.outside`.
    """
    city = registers.city()
    if city is None:
        raise Refused("city.none", "There is no city here yet; run `make demo` or `cityloom city build` first.")
    if scenario.place is None:
        lon, lat = registers.busiest_place(scenario.radius_m + scenario.buffer_m, scenario.seed)
        return round(float(lon), 6), round(float(lat), 6)
    lon, lat = scenario.place
    west, south, east, north = city.bounds
    if not (west <= lon <= east and south <= lat <= north):
        raise Refused("drill.outside", "The scenario's place {value} lies outside the city; choose one in {limit}.",
                      value=f"{lon}, {lat}",
                      limit=f"{west:.4f} to {east:.4f}, {south:.4f} to {north:.4f}")  # fmt: skip
    return lon, lat


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
        row.exercise_id, row.scenario, row.state, row.outcome, row.started_at, row.wall_s, row.report_path,
        row.finished_at, row.is_paced, row.start, row.pace, row.is_paused, row.approves,
        tuple(map(injection_from, row.injections)), row.stop_asked_at is not None, row.fault,
    )  # fmt: skip


def _scenario_facts(name: str, raw: Any) -> ScenarioFacts:
    described = raw.get("description", "")
    return ScenarioFacts(
        name, raw["title"], described if isinstance(described, dict) else {"en": described}, raw["category"],
        tuple(dict.fromkeys(fault["kind"] for fault in raw.get("faults", ()))),
        float(raw.get("end", {}).get("all_clear_after_s", 7200)),
    )  # fmt: skip
