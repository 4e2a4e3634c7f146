"""What an abuse drill finds: what was tried, what stopped it, and each figure against the condition it must meet."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

HELD, BROKEN, SKIPPED = "held", "broken", "skipped"


@dataclass(frozen=True)
class Check:
    """One condition: what was found, what it must be, and whether it is."""

    what: str
    found: str
    must: str
    held: bool


@dataclass
class Findings:
    """What one drill notes while it runs."""

    tried: list[str] = field(default_factory=list)
    stopped_by: dict[str, int] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def tries(self, what: str) -> None:
        """Say what was tried."""
        self.tried.append(what)

    def stopped(self, code: str, times: int = 1) -> None:
        """Count one thing that stood in the way: the code of a refusal, or a word for it."""
        self.stopped_by[code] = self.stopped_by.get(code, 0) + times

    def equal(self, what: str, found: object, must: object) -> None:
        """The condition that something is exactly so."""
        self.checks.append(Check(what, _words(found), _words(must), found == must))

    def most(self, what: str, found: float, limit: float) -> None:
        """The condition that a figure is at most so large."""
        self.checks.append(Check(what, _words(found), f"at most {_words(limit)}", found <= limit))

    def least(self, what: str, found: float, limit: float) -> None:
        """The condition that a figure is at least so large."""
        self.checks.append(Check(what, _words(found), f"at least {_words(limit)}", found >= limit))

    def skip(self, what: str) -> None:
        """Say what could not be tried here, and why."""
        self.skipped.append(what)


@dataclass(frozen=True)
class Outcome:
    """One drill that ran to its end."""

    id: str
    state: str
    tried: list[str]
    stopped_by: dict[str, int]
    checks: list[Check]
    skipped: list[str]
    seconds: float

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return asdict(self)


def outcome_of(name: str, findings: Findings, seconds: float) -> Outcome:
    """Sum a drill up: one condition that is broken breaks it, and a drill that checked nothing proves nothing."""
    if not findings.checks:
        state = SKIPPED if findings.skipped else BROKEN
    else:
        state = HELD if all(check.held for check in findings.checks) else BROKEN
    return Outcome(
        name, state, findings.tried, findings.stopped_by, findings.checks, findings.skipped, round(seconds, 1)
    )


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple, set)):
        return ", ".join(map(_words, value)) or "none"
    if value == "":
        return "done"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
