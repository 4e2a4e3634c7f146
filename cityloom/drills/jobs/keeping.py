"""The keeper of a drill: the city's own where it runs, else one that lives as long as the drill."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from django.conf import settings

from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

_PAUSE_S = 0.05


class DrillKeeper:
    """A keeper that a drill may take away and bring back."""

    def __init__(self) -> None:
        self._running: gate.Running | None = None

    def start(self) -> None:
        """Bring it up, if it is not, also after something else has ended it."""
        if self._running is None or not self._running.alive:
            self._running = gate.start_keeper()

    def stop(self) -> None:
        """Take it away, as a power failure would."""
        if self._running is not None:
            self._running.kill()
            self._running = None

    def close(self) -> None:
        """End it in order."""
        if self._running is not None:
            self._running.stop()
            self._running = None


class OwnLine:
    """The drill's own line to a keeper that runs for everybody: cut, the drill finds no keeper, and all others do."""

    def __init__(self) -> None:
        self._address = settings.CITYLOOM["KEEPER_SOCKET"]

    def start(self) -> None:
        """Mend it."""
        settings.CITYLOOM["KEEPER_SOCKET"] = self._address

    def stop(self) -> None:
        """Cut it."""
        settings.CITYLOOM["KEEPER_SOCKET"] = self._address.with_name("cut-by-a-drill")


def await_keeper(within_s: float = 30.0) -> None:
    """Wait by the wall's clock until a keeper answers, as one that was killed may be on its way back.

    Raises: Refused `gate.keeper_down` where none comes back.
    """
    deadline = clock.stopwatch() + within_s
    while True:
        try:
            gate_queries.log_head()
        except Refused:
            if clock.stopwatch() > deadline:
                raise
            threading.Event().wait(_PAUSE_S)
        else:
            return


def keeper_for_drill(stack: ExitStack) -> DrillKeeper | None:
    """Make sure that a keeper answers while `stack` is open; None where it belongs to running processes."""
    try:
        gate_queries.log_head()
    except Refused:
        keeper = DrillKeeper()
        keeper.start()
        stack.callback(keeper.close)
        return keeper
    return None
