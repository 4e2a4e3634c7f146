"""Facts that this capability publishes; none says who, or which place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SubscriptionAsked:
    """Somebody asked to be warned by mail, and has to confirm the address."""

    subscription_id: str
