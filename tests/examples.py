"""How many examples a property has: a third of what it was written with, all of them with HYPOTHESIS_PROFILE=many."""

from __future__ import annotations

import os

_LEAST = 20


def a_third_of(many: int) -> int:
    """The examples of a property that was written with so many."""
    is_whole = os.environ.get("HYPOTHESIS_PROFILE") == "many"
    return many if is_whole else max(many // 3, _LEAST)
