"""A scenario: what happens where and when, who approves, and what goes wrong on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused


@dataclass(frozen=True)
class Change:
    """What an event does to a stream's normal value: factor first, then addition; `fixed` replaces both."""

    factor: float = 1.0
    add: float = 0.0
    fixed: float | None = None

    def of(self, normal: float) -> float:
        """The changed value, in the stream's own unit."""
        return self.fixed if self.fixed is not None else normal * self.factor + self.add


@dataclass(frozen=True)
class Happening:
    """Something that is noticed `at_s` seconds after the first signal."""

    at_s: float
    kind: str
    within_m: float
    stream: str = ""
    category: str = ""
    count: int = 1
    change: Change = field(default_factory=Change)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong on purpose."""

    kind: str
    share: float = 0.0
    stream: str = ""
    beyond_m: float = 0.0
    factor: float = 1.0
    count: int = 0
    at_s: float = 0.0
    for_s: float = 0.0


@dataclass(frozen=True)
class Scenario:
    """A whole exercise; all times in seconds, all lengths in metres."""

    name: str
    title: Mapping[str, str]
    place: tuple[float, float] | None
    seed: int
    start: datetime
    category: str
    radius_m: float
    buffer_m: float
    rings: Sequence[float]
    background_s: float
    background_every_s: float
    background_radius_m: float
    happenings: Sequence[Happening]
    faults: Sequence[Fault]
    approvals: Mapping[str, float]
    channels: Sequence[str]
    acknowledge_after_s: float
    silent_departments: frozenset[str]
    accept_after_s: float
    at_the_door_s: float
    all_clear_after_s: float

    def faults_of(self, kind: str) -> list[Fault]:
        """The faults of a kind, in order."""
        return [fault for fault in self.faults if fault.kind == kind]


def scenario_from(document: object, schema: Mapping[str, Any]) -> Scenario:
    """Check a scenario against its schema and read it.

    Raises: Refused `scenario.invalid`, naming the place in the file.
    """
    from jsonschema import Draft202012Validator, FormatChecker  # every process starts faster without it

    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    errors = sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        where = "/".join(map(str, errors[0].absolute_path)) or "the top"
        raise Refused("scenario.invalid",
                      "The scenario breaks its schema at {value}: {limit}. Correct it and try again.",
                      value=where, limit=errors[0].message[:200])  # fmt: skip
    return _read(document)  # type: ignore[arg-type]


def _read(raw: Mapping[str, Any]) -> Scenario:
    hazard, background = raw["hazard"], raw["background"]
    departments, fieldwork = raw.get("departments", {}), raw.get("fieldwork", {})
    place = raw["place"]
    return Scenario(
        name=raw["name"], title=raw["title"], seed=raw["seed"], start=_instant(raw["start"]), category=raw["category"],
        place=None if place == "busiest" else (float(place["lon"]), float(place["lat"])),
        radius_m=float(hazard["radius_m"]), buffer_m=float(hazard["buffer_m"]), rings=_rings(hazard["rings"]),
        background_s=background["hours"] * 3600.0, background_every_s=float(background["every_s"]),
        background_radius_m=float(background["radius_m"]),
        happenings=sorted((_happening(item) for item in raw["signals"]), key=lambda item: item.at_s),
        faults=[Fault(**item) for item in raw.get("faults", [])],
        approvals={item["role"]: float(item["after_s"]) for item in raw["approvals"]},
        channels=raw.get("channels", ["demo_works"]),
        acknowledge_after_s=float(departments.get("acknowledge_after_s", 30)),
        silent_departments=frozenset(departments.get("silent", [])),
        accept_after_s=float(fieldwork.get("accept_after_s", 30)),
        at_the_door_s=60.0 * fieldwork.get("minutes_at_the_door", 5),
        all_clear_after_s=float(raw.get("end", {}).get("all_clear_after_s", 7200)),
    )  # fmt: skip


def _instant(text: str) -> datetime:
    try:
        return clock.from_text(text)
    except ValueError as error:
        raise Refused("scenario.start", "The scenario's start {value} is not an instant with a time zone; write it "
                      "like {limit}.", value=text[:40], limit="2026-06-03T09:00:00+08:00") from error  # fmt: skip


def _rings(fractions: Sequence[float]) -> list[float]:
    if list(fractions) != sorted(set(fractions)) or fractions[-1] != 1:
        raise Refused("scenario.rings", "The ring fractions {value} must rise and end at 1, as in [0.5, 1].",
                      value=list(fractions))  # fmt: skip
    return [float(fraction) for fraction in fractions]


def _happening(raw: Mapping[str, Any]) -> Happening:
    change = raw.get("change", {})
    return Happening(
        at_s=float(raw["at_s"]), kind=raw["kind"], within_m=float(raw["within_m"]), stream=raw.get("stream", ""),
        category=raw.get("category", ""), count=raw.get("count", 1),
        change=Change(change.get("factor", 1.0), change.get("add", 0.0), change.get("set")),
    )  # fmt: skip
