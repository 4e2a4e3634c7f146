"""The worker's line to the city's other machines, where it has several."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cityloom.kernel import credentials
from cityloom.project.home import Home

if TYPE_CHECKING:
    from cityloom.bus.jobs import Carrier
    from cityloom.bus.plugins import Address

URL, CREDENTIALS, AUTHORITY, HANDLERS = (
    "CITYLOOM_BUS_URL", "CITYLOOM_BUS_CREDENTIALS", "CITYLOOM_BUS_CA", "CITYLOOM_HANDLERS",
)  # fmt: skip
CONNECTED, AWAY = "broker connected", "broker away, events are delivered here"
"""How the line stands, as it is shown."""


def address(home: Home) -> Address | None:
    """Where events are carried, by the environment; None where they are delivered where they happen.

    Raises: Refused `bus.url_secret`, `bus.no_line`, `credentials.open`, `credentials.unreadable`.
    """
    from cityloom.bus import plugins

    if not (url := os.environ.get(URL, "")):
        return None
    found = plugins.Address(url, home.city_id, os.environ.get(CREDENTIALS, ""), os.environ.get(AUTHORITY, ""))
    plugins.check(found)
    credentials.read(Path(found.credentials_file) if found.credentials_file else None)
    return found


def carrier(home: Home) -> Carrier | None:
    """What carries events between machines. Raises: Refused as `address`."""
    from cityloom.bus import plugins
    from cityloom.bus.jobs import Carrier

    if (found := address(home)) is None:
        return None
    served = [one.strip() for one in os.environ.get(HANDLERS, "").split(",") if one.strip()]
    return Carrier(plugins.open_line(found), served)


class Between:
    """Carries events in a thread of its own, and says how the line stands."""

    def __init__(self, carrier: Carrier, home: Home, stop: threading.Event) -> None:
        self._carrier, self._home, self._said = carrier, home, ""
        self._thread = threading.Thread(target=carrier.run, args=(stop,), name="between machines", daemon=True)
        self._thread.start()

    def deliver(self, at: datetime) -> int:
        """Deliver what is due here."""
        self._say(CONNECTED if self._carrier.is_up else AWAY)
        return self._carrier.deliver(at)

    def close(self) -> None:
        """Wait until others can go on."""
        self._thread.join(3.0)

    def _say(self, words: str) -> None:
        if words != self._said:
            self._said = words
            file_of(self._home).write_text(words)


def file_of(home: Home) -> Path:
    """What the worker last said of the line."""
    return home.run_dir / "broker.txt"


def says(home: Home) -> Callable[[], str]:
    """How the line stands, asked now and then; nothing where there is none."""
    if not os.environ.get(URL):
        return lambda: ""

    def said() -> str:
        try:
            return file_of(home).read_text()
        except OSError:
            return ""

    return said
