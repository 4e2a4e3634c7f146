"""What was found wrong, or worth knowing, in the data of a log, and by which rule it was handled."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """`count` of `of` (events, cases or rows, by its code) are so; `what` names columns, steps or offsets."""

    code: str
    count: int
    of: int
    what: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For a stored review."""
        return asdict(self) | {"what": ["".join(filter(str.isprintable, one))[:80] for one in self.what[:40]]}


WRONG = (
    "bad_rows", "no_case", "no_step", "unreadable_time", "no_time", "ends_before_start", "duplicates", "out_of_order",
    "not_completed", "other_transitions", "no_zone", "several_zones", "days_only",
)  # fmt: skip
"""Faults of the data, in the order in which they are told; for each the count is of events or rows."""
TOLD = ("same_instant", "repeats", "shared_events", "persons_left_out", "attributes_left_out", "office_unknown")
"""What is no fault, and has to be known by whoever reads the figures."""


def sorted_findings(found: list[Finding]) -> list[Finding]:
    """In the order in which they are told; what there is none of is not told."""
    order = {code: place for place, code in enumerate((*WRONG, *TOLD))}
    return sorted((one for one in found if one.count), key=lambda one: order[one.code])
