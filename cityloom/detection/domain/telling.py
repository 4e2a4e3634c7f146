"""A finding in words: what each source saw, how many agree, how many do not, and where it most likely is."""

from __future__ import annotations

from collections import Counter

from cityloom.detection.domain.evidence import Evidence
from cityloom.detection.domain.gathering import NOTICED, Finding
from cityloom.detection.domain.reasons import Reason, moved, shifted
from cityloom.detection.domain.said import Said

TEMPLATES = {
    "agree": "{count} more sensors near it say the same",
    "callers": "{count} callers report it near there",
    "calm": "{count} sensors near it are as usual",
    "sure": "it is likely to {percent} %, within {metres} m of its mark",
    "place": "{place} is the likeliest place, with {percent} %",
}
_SHOWN = 3


def told(finding: Finding, said: Said) -> list[tuple[str, str, Reason]]:
    """What a finding says, weightiest first: the name, unit and reason of each sentence; some have no name."""
    row = {source: at for at, source in enumerate(said.source.tolist())}
    speaks = [item for item in finding.evidence if item.weight > 0]
    sensors = sorted((item for item in speaks if item.source in row), key=lambda item: -abs(item.z or 0.0))
    found = [(str(said.name[row[item.source]]), item.unit, _reason(item, said, row[item.source]))
             for item in sensors[:_SHOWN]]  # fmt: skip
    if more := len(sensors) - _SHOWN:
        found += [("", "", _counted("agree", more))] if more > 0 else []
    if calls := Counter(item.kind for item in speaks)["call"]:
        found.append(("", "", _counted("callers", calls)))
    if finding.calm:
        found.append(("", "", _counted("calm", finding.calm)))
    if finding.places:
        code, share = finding.places[0]
        found.append(("", "", Reason("place", {"place": code, "percent": f"{share:.0%}"[:-1]}, ("s", 1))))
    numbers = {"percent": f"{finding.probability:.0%}"[:-1], "metres": f"{finding.radius_m:.0f}"}
    return [*found, ("", "", Reason("sure", numbers, ("s", 1)))]


def _reason(item: Evidence, said: Said, row: int) -> Reason:
    """The move itself where it happened at once, else how far the value is from what is usual."""
    off = float(said.value[row] - said.expected[row])
    step, over_s = float(said.moved[row]), float(said.over_s[row])
    if abs(item.z or 0) >= NOTICED and step * off > 0 and abs(step) >= abs(off) / 2 and over_s > 0:
        return moved(step, over_s, item.z or 0.0)
    return shifted(float(said.value[row]), float(said.expected[row]), item.z or 0.0)


def _counted(key: str, count: int) -> Reason:
    return Reason(key, {"count": str(count)}, ("s", 1))
