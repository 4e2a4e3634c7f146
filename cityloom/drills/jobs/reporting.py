"""Put what came of a drill into one report, and write it as HTML, PDF and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cityloom.alerts import queries as alerts
from cityloom.alerts.domain import capxml
from cityloom.alerts.domain.cap import CapAlert
from cityloom.drills.contrib import typesetting
from cityloom.drills.domain.safety import Check
from cityloom.drills.domain.scenario import Scenario
from cityloom.drills.domain.timeline import Line
from cityloom.drills.jobs.assess import Traces, figures_of, seconds_since
from cityloom.emergency import display
from cityloom.emergency import queries as incidents
from cityloom.fieldwork import queries as tasks
from cityloom.registers import queries as registers
from cityloom.ui.ground import with_margin


def compose(
    *, scenario: Scenario, exercise_id: str, lines: Sequence[Line], checks: Sequence[Check], traces: Traces,
    walls_ms: Mapping[str, float], wall_s: float,
) -> dict[str, Any]:  # fmt: skip
    """The report as plain values; there is nothing about any person in it."""
    return {
        "exercise_id": exercise_id, "scenario": scenario.name, "title": dict(scenario.title), "city": _city(),
        "began": alerts.time_text(scenario.start, registers.time_zone()),
        "outcome": "safe" if all(check.passed for check in checks) else "unsafe",
        "timeline": [line.as_json() for line in lines], "figures": _figures(traces, walls_ms, wall_s),
        "rings": _rings(traces), "shelters": _shelters(traces),
        "unplaced_households": figures_of(traces).get("unplaced_households", 0), "unplaced": _unplaced(traces),
        "alerts": [_alert(alert) for alert in traces.alerts], "notices": _notices(scenario, traces),
        "openings": [_opening(summary) for summary in traces.openings],
        "checks": [check.as_json() for check in checks], "notes": [], "files": [],
    }  # fmt: skip


def write(report: dict[str, Any], traces: Traces, folder: Path) -> dict[str, Any]:
    """Write the report's files into `folder` and return it with their paths."""
    stem = folder / report["exercise_id"]
    picture = _picture(traces, report)
    html, pdf = stem.with_suffix(".html"), stem.with_suffix(".pdf")
    outcome = typesetting.pdf(report, picture, pdf)
    report["notes"] = [*report["notes"], *([outcome.note] if outcome.note else [])]
    report["files"] = [str(html), str(pdf), str(stem.with_suffix(".json"))]
    html.write_text(typesetting.html(report, picture), encoding="utf-8")
    stem.with_suffix(".svg").write_text(picture, encoding="utf-8")
    stem.with_suffix(".json").write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    return report


def _city() -> dict[str, Any]:
    facts = registers.loaded_city()
    return {
        "name": facts.name, "kind": facts.kind, "is_synthetic": facts.is_synthetic, "attribution": facts.attribution,
        "timezone": facts.timezone, "synthesised": facts.synthesised, "people": facts.counts.get("people", 0),
        "buildings": facts.counts.get("buildings", 0),
    }  # fmt: skip


def _figures(traces: Traces, walls_ms: Mapping[str, float], wall_s: float) -> list[dict[str, str]]:
    counts = figures_of(traces)
    labels = {
        "buildings": "Buildings in the zone", "dwellings": "Dwellings", "households": "Households",
        "people_night": "People by night", "people_day": "People by day (estimate)",
        "needing_help": "People who need help to leave", "schools": "Schools and kindergartens",
        "hospitals": "Hospitals, clinics, nursing homes", "valves": "Valves to shut", "streets": "Streets to close",
        "placed_households": "Households with a shelter", "unplaced_households": "Households without a shelter",
        "phones_inside": "Phones in the zone (estimate)",
        "phones_overshoot": "Phones outside it that ring too (estimate)",
        "shelters_used": "Shelters used", "mean_walk_m": "Mean walk to the shelter (m)",
        "longest_walk_m": "Longest walk (m)",
    }  # fmt: skip
    figures = [
        {"label": label, "value": f"{counts[key]:,}", "note": ""} for key, label in labels.items() if key in counts
    ]
    speeds = {
        "ProposalReady": "Last deciding signal to complete proposal",
        "EvacuationApproved": "Approval to every notice and task delivered",
        "AlertApproved": "Second approval to every alert delivered",
    }
    figures += [
        {"label": label, "value": f"{walls_ms[key]:,.0f} ms", "note": "computing time on this machine"}
        for key, label in speeds.items()
        if key in walls_ms
    ]
    return [*figures, {"label": "Whole drill", "value": f"{wall_s:.2f} s", "note": "computing time, nobody slept"}]


def _rings(traces: Traces) -> list[dict[str, Any]]:
    plan = traces.evacuation.plan if traces.evacuation else {"rings": []}
    return [
        {"phase": ring["phase"], "buildings": len(ring["building_ids"]), "households": ring["households"],
         "people": ring["people"]}
        for ring in plan["rings"]
    ]  # fmt: skip


def _shelters(traces: Traces) -> list[dict[str, Any]]:
    plan = traces.evacuation.plan if traces.evacuation else {"shelters": [], "allocation": []}
    walks: dict[int, int] = {}
    for row in plan["allocation"]:
        walks[row["shelter_id"]] = max(walks.get(row["shelter_id"], 0), row["walk_m"])
    return [
        {"name": one["name"], "distance_m": walks.get(one["id"], 0), "placed": one["people"], "places": one["places"],
         "made_up": one["id"] < 0}  # negative: a large building, not a registered shelter
        for one in plan["shelters"]
    ]  # fmt: skip


def _unplaced(traces: Traces) -> list[dict[str, Any]]:
    return list(traces.evacuation.plan["unplaced"]) if traces.evacuation else []


def _alert(alert: alerts.AlertFacts) -> dict[str, Any]:
    issued = capxml.parse(alert.xml.encode())
    return {
        "identifier": alert.identifier, "status": alert.status, "message_type": alert.message_type,
        "sent": issued.sent, "expires": issued.infos[0].expires, "digest": alert.document_digest,
        "info": _words_of(issued),
        "channels": [
            {"name": one.channel, "state": one.state, "attempts": one.attempts, "reason": one.reason}
            for one in alert.deliveries
        ],
    }  # fmt: skip


def _words_of(issued: CapAlert) -> dict[str, dict[str, str]]:
    """The words as issued, by language, read from the bytes that left."""
    return {
        info.language: {
            "event": info.event, "headline": info.headline, "description": info.description,
            "instruction": info.instruction, "area": "; ".join(area.words for area in info.areas),
        }
        for info in issued.infos
    }  # fmt: skip


def _notices(scenario: Scenario, traces: Traces) -> list[dict[str, Any]]:
    found = incidents.notices_of(traces.incident.id) if traces.incident else []
    return [
        {"department": notice.department, "asks": " ".join(notice.asks["en"]),
         "sent_s": seconds_since(scenario.start, notice.sent_at),
         "acknowledged_s": seconds_since(scenario.start, notice.acknowledged_at),
         "escalated": notice.escalated_at is not None}
        for notice in found
    ]  # fmt: skip


def _opening(summary: Any) -> dict[str, Any]:
    return {"purpose": summary.purpose, "basis": summary.article or summary.basis, "unit": summary.unit,
            "role": summary.role, "count": summary.people, "kind": summary.kind}  # fmt: skip


def task_counts(traces: Traces) -> dict[str, int]:
    """Tasks of the incident by state."""
    return tasks.counts_by_state(traces.incident.id) if traces.incident else {}


def _picture(traces: Traces, report: Mapping[str, Any]) -> str:
    """The map of the incident."""
    if traces.incident is None:
        return ""
    bbox = with_margin(incidents.map_bounds(traces.incident.id))
    facts = display.MapFacts(
        title=report["title"]["en"], is_exercise=True, is_synthetic=report["city"]["is_synthetic"],
        attribution=report["city"]["attribution"], counts=figures_of(traces),
    )  # fmt: skip
    polygons = traces.evacuation.document["polygons"] if traces.evacuation else []
    return display.draw_map(
        registers.map_features(*bbox), incidents.map_layers(traces.incident.id),
        [alerts.polygon_from(text) for text in polygons], bbox, facts,
    )  # fmt: skip
