"""A drill as a story: one line for each event that a reader cares about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cityloom.kernel.envelope import Envelope


@dataclass(frozen=True)
class Line:
    """`t_s` seconds after the first signal on the drill's clock; `wall_ms` is what the computer needed for it."""

    t_s: float
    step: str
    decided: str
    wall_ms: float | None = None

    def as_json(self) -> dict[str, object]:
        """The form in which the report keeps it."""
        return {"t_s": self.t_s, "wall_ms": self.wall_ms, "step": self.step, "decided": self.decided}


_ROUNDS = "Households reached"
"""Doors are reached one after another for half an hour: one line tells them, at the time of the last."""


def _signals(data: Mapping[str, Any]) -> str:
    parts = [
        f"{data.get('observation_count', 0)} readings", f"{len(data.get('report_ids', ()))} calls",
        f"{len(data.get('scene_ids', ()))} scene stills",
    ]  # fmt: skip
    return ", ".join(part for part in parts if not part.startswith("0 "))


_TELL: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "SignalsRecorded": ("Signals recorded", _signals),
    "DetectionRaised": ("Detection raised", lambda d: f"{d['category']}, score {d['score']:.1f}"),
    "IncidentOpened": ("Incident opened", lambda d: f"{d['category']} at {d['lon']:.5f}, {d['lat']:.5f}"),
    "ProposalReady": (
        "Proposal ready",
        lambda d: f"revision {d['revision']}: {d['buildings']} buildings, {d['households']} households; "
        f"SHA-256 {d['digest'][:12]}… waits for approval",
    ),
    "ProposalSentBack": ("Proposal sent back", lambda d: "a new revision is needed"),
    "EvacuationApproved": ("Commander approved", lambda d: f"the document with SHA-256 {d['digest'][:12]}…"),
    "AlertApproved": ("Second person approved", lambda d: f"the same document, SHA-256 {d['digest'][:12]}…"),
    "NoticeSent": ("Department told", lambda d: d["department"]),
    "NoticeAcknowledged": ("Department acknowledged", lambda d: d["department"]),
    "NoticeEscalated": ("Notice escalated", lambda d: f"{d['department']} stayed silent for 60 s"),
    "TasksAssigned": ("Tasks assigned", lambda d: f"{len(d['task_ids'])} households that need help"),
    "TasksDelivered": ("Tasks delivered", lambda d: f"{len(d['task_ids'])} to their workers, each opening logged"),
    "TaskFinished": (_ROUNDS, lambda d: "1 at the door" if d["state"] == "done" else "1 not reached"),
    "PublicWarned": ("Residents warned", lambda d: "the alert is out on a channel"),
    "HelpCompleted": ("Help completed", lambda d: "every household that needs help was visited"),
    "AlertIssued": ("Alert issued", lambda d: str(d.get("message_type", ""))),
    "AlertDelivered": ("Alert delivered", lambda d: str(d.get("channel", ""))),
    "AlertUndeliverable": ("Alert not delivered", lambda d: f"{d['channel']}: {d['code']}"),
    "IncidentUpdated": ("Incident updated", lambda d: f"revision {d['revision']}"),
    "IncidentClosed": ("All clear", lambda d: "grants are revoked, tasks are ended"),
    "IncidentCancelled": ("Cancelled", lambda d: "grants are revoked, tasks are ended"),
}
_MERGED = {
    "Department told": "Departments told", "Tasks delivered": "Tasks delivered", "Alert delivered": "Alert delivered",
    "Department acknowledged": "Departments acknowledged", "Tasks assigned": "Tasks assigned",
}  # fmt: skip


def line_of(event: Envelope, first_signal_at: datetime, wall_ms: float | None = None) -> Line | None:
    """The line for an event; None for what a reader need not see."""
    name = event.type.split(".")[-2]
    if name not in _TELL:
        return None
    step, tell = _TELL[name]
    return Line(round((event.time - first_signal_at).total_seconds(), 3), step, tell(event.data), wall_ms)


def lines_of(events: Sequence[tuple[Envelope, float | None]], first_signal_at: datetime) -> list[Line]:
    """The whole story; what happens to several receivers at the same instant is one line, a round of visits too."""
    found = (line_of(event, first_signal_at, wall_ms) for event, wall_ms in events)
    lines: list[Line] = []
    for line in found:
        if line is None:
            continue
        if lines and _same_moment(lines[-1], line):
            lines[-1] = _merged(lines[-1], line)
        else:
            lines.append(line)
    return lines


def _same_moment(left: Line, right: Line) -> bool:
    if right.step == _ROUNDS:
        return left.step == _ROUNDS
    return left.t_s == right.t_s and right.step in _MERGED and left.step in (right.step, _MERGED[right.step])


def _reached(left: str, right: str) -> str:
    counts = {"at the door": 0, "not reached": 0}
    for part in (*left.split(", "), *right.split(", ")):
        number, _, what = part.partition(" ")
        counts[what] += int(number)
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def _merged(left: Line, right: Line) -> Line:
    if right.step == _ROUNDS:
        return Line(right.t_s, left.step, _reached(left.decided, right.decided), left.wall_ms)
    if right.step in ("Tasks delivered", "Tasks assigned"):
        total = int(left.decided.split()[0]) + int(right.decided.split()[0])
        delivered = right.step == "Tasks delivered"
        words = "to their workers, each opening logged" if delivered else "households that need help"
        return Line(left.t_s, left.step, f"{total} {words}", left.wall_ms)
    return Line(left.t_s, _MERGED[right.step], f"{left.decided}, {right.decided}", left.wall_ms)
