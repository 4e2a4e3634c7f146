"""Questions about reviews of processes."""

from __future__ import annotations

from cityloom.insight.reviewing.written import written

__all__ = ["written"]
