"""Demo channels that fail, so that every drill sees how failure looks."""

from __future__ import annotations

from cityloom.alerts.plugins import Channel, ChannelRefused, OutgoingMessage, Receipt


class DemoRefusesChannel(Channel):
    """The demo channel that says no."""

    name = "demo_refuses"
    is_demo = True
    repeats_are_harmless = True

    def deliver(self, parcel: bytes, message: OutgoingMessage) -> Receipt:
        raise ChannelRefused("alerts.demo_refused", "The demo channel refuses every alert, as it is meant to.",
                             final=True)  # fmt: skip


class DemoCrashesChannel(Channel):
    """The demo channel that breaks."""

    name = "demo_crashes"
    is_demo = True
    repeats_are_harmless = True

    def deliver(self, parcel: bytes, message: OutgoingMessage) -> Receipt:
        raise RuntimeError("The demo channel crashes on every alert, as it is meant to.")
