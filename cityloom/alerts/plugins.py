"""Channels: what a way of reaching people must do, and which ones there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cityloom.alerts.domain import binding
from cityloom.kernel.refused import Refused


@dataclass(frozen=True)
class OutgoingMessage:
    """One alert on its way to one channel.

    `key` is the same for every attempt to give this alert to this channel, and for no other: what receivers need to
    recognise a repeat. `unsent` are the parts of the approved document that the public XML does not carry.
    """

    key: str
    channel: str
    identifier: str
    xml: bytes
    unsent: Mapping[str, Any]
    approved_digest: str


@dataclass(frozen=True)
class Receipt:
    """What a channel answered; `repeated` if it already had the message. Never personal data in `text`."""

    text: str
    repeated: bool = False


class ChannelRefused(Refused):
    """A channel did not take a message, for certain; `final` means that asking again is useless."""

    def __init__(self, code: str, sentence: str, *, final: bool, value: object = None, limit: object = None) -> None:
        super().__init__(code, sentence, value=value, limit=limit)
        self.final = final


class OutcomeUnknown(Exception):  # noqa: N818 - a state of knowledge
    """Nobody can say whether a channel took the message; whether to repeat it depends on the channel."""


class Channel(ABC):
    """A way of reaching people. One instance serves several threads; a call ends within 30 seconds."""

    name: str
    is_demo: ClassVar[bool] = False
    repeats_are_harmless: ClassVar[bool] = False
    """Whether the same `key` twice reaches people once: only then is an attempt with an unknown end repeated."""

    def check_config(self) -> None:  # noqa: B027 - most channels need no settings
        """Raise Refused with what is missing from the settings, and where to set it."""

    def pack(self, message: OutgoingMessage) -> bytes:
        """The bytes that will leave; for most channels the CAP message itself."""
        return message.xml

    def unpack(self, parcel: bytes) -> bytes:
        """The CAP message in bytes that will leave; raise ChannelRefused if the parcel says anything else beside it."""
        return parcel

    @abstractmethod
    def deliver(self, parcel: bytes, message: OutgoingMessage) -> Receipt:
        """Let the parcel leave. Raises: ChannelRefused, OutcomeUnknown; anything else counts as a crash."""


CHANNELS: dict[str, Channel] = {}
"""The channels of this city by name; the application registers them when it starts."""


def register(channel: Channel) -> None:
    """Make a channel available under its name."""
    CHANNELS[channel.name] = channel


def hand_over(channel: Channel, message: OutgoingMessage) -> Receipt:
    """Give a message to a channel: the only way there, and the last look at the bytes that leave.

    Raises: Refused if the parcel is not what was approved or may not leave here, and whatever the channel raises.
    """
    parcel = channel.pack(message)
    alert = binding.check_bytes(channel.unpack(parcel), message.unsent, message.approved_digest)
    binding.check_may_leave(alert.status, channel.name, is_demo=channel.is_demo)
    return channel.deliver(parcel, message)
