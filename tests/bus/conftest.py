"""Fixtures of the bus."""

from tests.bus.roads import carrier, line, road

__all__ = ["carrier", "line", "road"]
