"""Reasons and outcomes that are chosen from a list: words of one's own could name a person."""

from __future__ import annotations

from datetime import timedelta

CONTEST = ("unexpected", "no-such-case", "wrong-purpose", "too-much", "other")
CONTEST_OUTCOMES = ("justified", "not-justified", "referred")
CONTEST_WITHIN = timedelta(days=14)
GLASS = ("life-in-danger", "missing-person", "medical", "building-unsafe")
GLASS_OUTCOMES = ("justified", "not-justified")
GLASS_WITHIN = timedelta(hours=72)
STATUSES = ("access-block", "health-code-red", "benefit-hold")
EMERGENCY_STATUSES = ("access-block", "health-code-red")
UNMASK = ("alarm", "objection", "glass-review", "court-order")
