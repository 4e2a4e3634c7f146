"""NATS as a line that is there before its library is loaded, which most cities never need."""

from __future__ import annotations

from cityloom.bus.plugins import Address, Line


def open_line(address: Address) -> Line:
    """A line to a NATS server with JetStream. Raises: Refused `credentials.open`, `credentials.unreadable`."""
    from cityloom.bus.contrib.nats.line import NatsLine

    return NatsLine(address)
