"""A folder that fills up: each file that is whole is read, and then put aside with what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.signals.domain import bulk, weather, wire
from cityloom.signals.domain.weather_form import LARGEST_BYTES as LARGEST_FORM
from cityloom.signals.domain.weather_form import form_of

TAKEN, REFUSED = "taken", "refused"
_FORM = ".weather.yaml"
_AT_REST_S = 2.0
_LOOK_S = 1.0


class Folder:
    """Gives the readings of files as they come; names that begin with a dot are not looked at.

    Weather's files (`weather.ENDINGS`) are read as the form `.weather.yaml` says, if there is one, and their sensors
    are installed first.
    """

    def __init__(self, path: Path, install: Callable[[weather.Weather], object]) -> None:
        self.path, self._install = path, install
        self._file: Path | None = None
        self._blocks: Iterator[wire.Arrived] = iter(())
        self._looked_at = -_LOOK_S

    def next(self) -> wire.Arrived | None:
        """The next block of readings; None where there is nothing to be read now."""
        if self._file is None and not self._begin():
            return None
        try:
            return next(self._blocks, None)
        except Refused as refusal:
            self.done({"refused": refusal.code, "sentence": refusal.sentence}, REFUSED)
            return None

    @property
    def is_reading(self) -> bool:
        """Whether a file is being read."""
        return self._file is not None

    def done(self, told: dict[str, object], where: str = TAKEN) -> None:
        """Put the file that was read aside, with what became of it beside it."""
        if self._file is None:
            return
        place = self.path / where
        place.mkdir(mode=0o700, exist_ok=True)
        fresh = place / f".{self._file.name}.json"
        fresh.write_text(json.dumps(told))
        self._file.rename(place / self._file.name)
        fresh.rename(place / f"{self._file.name}.json")
        self._file = None

    def _begin(self) -> bool:
        if clock.stopwatch() - self._looked_at < _LOOK_S:
            return False
        self._looked_at = clock.stopwatch()
        found = next((one for one in sorted(self.path.glob("*")) if _is_whole(one)), None)
        if found is None:
            return False
        self._file, self._blocks = found, self._blocks_of(found)
        return True

    def _blocks_of(self, path: Path) -> Iterator[wire.Arrived]:
        if not weather.is_weather(path.name):
            yield from _blocks_of(path)
            return
        found = weather.read(path.name, _content(path, weather.LARGEST_BYTES), form_of(self._form()))
        self._install(found)
        yield found.arrived()

    def _form(self) -> str:
        path = self.path / _FORM
        return _content(path, LARGEST_FORM).decode("utf-8-sig", "replace") if path.is_file() else ""


def _content(path: Path, most: int) -> bytes:
    """What is in a file, and one byte more than may be where it is larger: then it will be refused."""
    with path.open("rb") as stream:
        return stream.read(most + 1)


def _is_whole(path: Path) -> bool:
    """Whether a file has been at rest for a moment; a rename puts a whole one in its place at once."""
    if path.name.startswith(".") or not path.is_file():
        return False
    return clock.SystemClock().now().timestamp() - path.stat().st_mtime >= _AT_REST_S


def _blocks_of(path: Path) -> Iterator[wire.Arrived]:
    if path.stat().st_size > bulk.MOST_BYTES:
        raise Refused("signals.readings_large", "{value} is larger than {limit} bytes; split it.",
                      value=path.name[-40:], limit=bulk.MOST_BYTES)  # fmt: skip
    with path.open("rb") as stream:
        yield from bulk.blocks(path.name, stream)
