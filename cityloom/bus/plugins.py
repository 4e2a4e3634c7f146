"""What carries events between the machines of a city, and what there is for which kind of address."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cityloom.kernel.refused import Refused


class LineAway(Exception):  # noqa: N818 - it is no error: the outbox keeps what could not be sent
    """The broker does not answer now."""


@dataclass(frozen=True)
class Carried:
    """An event that has come for the handlers of a capability; `receipt` is the line's own."""

    event_id: str
    capability: str
    receipt: Any = field(repr=False, default=None)


class Line(Protocol):
    """A durable stream of events, in order, from which each capability takes at its own pace."""

    @property
    def is_up(self) -> bool:
        """Whether the broker answers."""
        ...

    def send(self, events: Sequence[tuple[str, str, bytes]]) -> None:
        """Have events kept by the broker in their order: id, type and body; the same id twice is one.

        Raises: LineAway; then any number of them, from the first on, are kept.
        """
        ...

    def serve(self, capabilities: Collection[str]) -> None:
        """From now on take what comes for these capabilities, and for no others."""
        ...

    def come(self, wait_s: float) -> list[Carried]:
        """What has come, in order by capability; what is not settled comes again, here or on another machine."""
        ...

    def settle(self, carried: Sequence[Carried]) -> None:
        """Let the broker forget these for their capability."""
        ...

    def put_back(self, carried: Sequence[Carried], after_s: float) -> None:
        """Have these come again later."""
        ...

    def close(self) -> None:
        """End the line; what was not settled comes again."""
        ...


@dataclass(frozen=True)
class Address:
    """Where the broker is and how it is entered; `city` keeps cities that share a broker apart."""

    url: str
    city: str
    credentials_file: str = ""
    authority_file: str = ""


Open = Callable[[Address], Line]
LINES: dict[str, Open] = {}
"""How a line is opened, by the scheme of its address."""


def open_line(address: Address) -> Line:
    """A line to a broker, which need not answer yet.

    Raises: Refused `bus.no_line`, `bus.url_secret`, `credentials.open`, `credentials.unreadable`.
    """
    check(address)
    return LINES[_scheme(address)](address)


def check(address: Address) -> None:
    """Raises: Refused `bus.no_line`, `bus.url_secret`."""
    scheme = _scheme(address)
    if "@" in address.url:
        raise Refused("bus.url_secret", "The address of the broker holds a name or a password, which others would see;"
                      " put them into a file of mode 0600 and name it in {limit}.",
                      limit="CITYLOOM_BUS_CREDENTIALS")  # fmt: skip
    if scheme not in LINES:
        raise Refused("bus.no_line", "Nothing here carries events over {value}; an address begins with {limit}.",
                      value=scheme[:20], limit=", ".join(f"{one}://" for one in LINES))  # fmt: skip


def _scheme(address: Address) -> str:
    return address.url.partition("://")[0]
