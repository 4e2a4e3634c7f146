"""When a session holds: until its end, while it is used, and at the device where it began."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "CrOS", "Linux")
_BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}


@dataclass(frozen=True)
class Bounds:
    """How long a session may last, in seconds, and which roles must keep using it."""

    longest_s: int
    idle_s: int
    idle_roles: frozenset[str]
    touch_s: int

    def idle_for(self, kind: str, roles: Collection[str]) -> int | None:
        """The seconds without use after which a session of these roles ends; None for never."""
        return self.idle_s if kind == "resident" or self.idle_roles & set(roles) else None


@dataclass(frozen=True)
class Session:
    """What is known of a session."""

    device_digest: str
    began_at: datetime
    seen_at: datetime
    ends_at: datetime
    idle_s: int | None


def device_digest(token: str, agent: str) -> str:
    """What ties a session to a device: SHA-256 over its random cookie and the name that its browser gives."""
    return hashlib.sha256(f"{token}\n{agent}".encode()).hexdigest()


def fault(session: Session, device: str, at: datetime) -> str:
    """Why a session does not hold at a device at an instant; "" if it does."""
    if not hmac.compare_digest(session.device_digest, device):
        return "elsewhere"
    if not session.began_at <= at < session.ends_at:
        return "over"
    if session.idle_s is not None and at - session.seen_at > timedelta(seconds=session.idle_s):
        return "idle"
    return ""


def agent_label(agent: str) -> str:
    """A browser and a system in three words, for the list of one's own sessions."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in agent), "")
    system = next((name for name in _SYSTEMS if name in agent), "")
    return ", ".join(part for part in (browser, system) if part) or "?"
