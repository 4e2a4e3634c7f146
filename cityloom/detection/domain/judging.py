"""What people found a detection to be, once they had looked."""

from __future__ import annotations

CONFIRMED, FALSE, DUPLICATE = "confirmed", "false", "duplicate"
VERDICTS = (CONFIRMED, FALSE, DUPLICATE)
LONGEST_REASON = 300
