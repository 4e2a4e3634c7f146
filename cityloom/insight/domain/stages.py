"""How far a review is: its states, its bounds, and its parts."""

from __future__ import annotations

from datetime import timedelta

WAITING, RUNNING, DONE, REFUSED, CANCELLED = "waiting", "running", "done", "refused", "cancelled"
OPEN = (WAITING, RUNNING)
LONGEST = timedelta(minutes=10)
MOST_OPEN = 10
MOST_BEGUN = 3
"""A process that ended so often without an outcome is not begun again."""
KEPT = timedelta(days=400)
PARTS = 15
"""Reading, and the parts of `review`."""
