"""What can be made to go wrong while a drill runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cityloom.kernel.refused import Refused

KEEPER, CHANNEL, SILENT, WILD, CALLS, WORKER = (
    "keeper-down", "channel-down", "sensors-silent", "false-readings", "call-wave", "worker-out",
)  # fmt: skip
MOST = 20


@dataclass(frozen=True)
class Kind:
    """What a failure takes: seconds of the drill that it lasts (0: it happens once), and how much of it."""

    lasts_s: int = 0
    amount: int = 0
    least: int = 0
    most: int = 0


KINDS: Mapping[str, Kind] = {
    KEEPER: Kind(lasts_s=120),
    CHANNEL: Kind(lasts_s=300),
    SILENT: Kind(lasts_s=600, amount=50, least=5, most=100),
    WILD: Kind(lasts_s=300, amount=1, least=1, most=20),
    CALLS: Kind(amount=20, least=1, most=200),
    WORKER: Kind(amount=1, least=1, most=20),
}
"""`amount` is a share in per cent of sensors, a number of sensors, calls or workers."""


@dataclass(frozen=True)
class Injection:
    """One failure, in force from `at_s` seconds after the first signal."""

    id: str
    kind: str
    at_s: float
    for_s: float
    amount: int

    @property
    def ends_s(self) -> float:
        """When it is over."""
        return self.at_s + self.for_s

    def is_on(self, now_s: float) -> bool:
        """Whether it is in force."""
        return self.at_s <= now_s < self.ends_s

    def as_json(self) -> dict[str, Any]:
        """The form in which the run keeps it."""
        return {"id": self.id, "kind": self.kind, "at_s": self.at_s, "for_s": self.for_s, "amount": self.amount}


def injection_from(raw: Mapping[str, Any]) -> Injection:
    """Read what `as_json` wrote."""
    return Injection(raw["id"], raw["kind"], float(raw["at_s"]), float(raw["for_s"]), int(raw["amount"]))


def check(kind: str, amount: int | None, already: int) -> tuple[float, int]:
    """How long and how much of it there will be.

    Raises: Refused `drill.injection`, `drill.injection_amount`, `drill.injections`.
    """
    known = KINDS.get(kind)
    if known is None:
        raise Refused("drill.injection", "There is no failure {value}; choose one of the page.", value=kind[:40])
    if already >= MOST:
        raise Refused("drill.injections", "A drill takes at most {limit} failures; begin another drill for more.",
                      limit=MOST)  # fmt: skip
    chosen = known.amount if amount is None or not known.amount else amount
    if known.amount and not known.least <= chosen <= known.most:
        raise Refused("drill.injection_amount", "{value} is not possible here; say a number from {limit}.",
                      value=chosen, limit=f"{known.least} - {known.most}")  # fmt: skip
    return float(known.lasts_s), chosen
