"""Questions about reviews of processes."""

from __future__ import annotations

from datetime import datetime

from cityloom.insight.domain.eventlog import EventLog
from cityloom.insight.reviewing import keeping, kept_logs
from cityloom.insight.reviewing.alone import as_page
from cityloom.insight.reviewing.written import written

__all__ = ["as_page", "is_any_review_open", "is_review_to_stop", "log_of_review", "written"]


def is_any_review_open() -> bool:
    """Whether any review waits or is at work."""
    return keeping.is_any_open()


def is_review_to_stop(at: datetime) -> bool:
    """Whether the review at work was cancelled, or has taken too long."""
    return keeping.is_to_stop(at)


def log_of_review(review_id: str) -> EventLog:
    """The log that a review is of, for other looks at it; cases are called by their number.

    Raises: Refused `insight.log_gone`.
    """
    return kept_logs.load(keeping.log_file(review_id))
