"""What residents can report, in the order of the form; detection and emergency know some of these by name."""

from __future__ import annotations

DANGEROUS = ("ground-collapse", "gas-leak", "fire", "flood", "power-line", "building-crack")
"""What can cost lives: whoever reports it is told to call for help first."""
EVERYDAY = (
    "road-damage", "water-leak", "traffic-light", "street-light", "fallen-tree", "rubbish", "noise", "something-else",
)  # fmt: skip
CATEGORIES = DANGEROUS + EVERYDAY
