"""Scanners: what looks for harmful software in a file before it is kept, and what a city does with its answer."""

from __future__ import annotations

from abc import ABC, abstractmethod

from cityloom.kernel.refused import Refused


class ScannerAway(Exception):  # noqa: N818 - a state, as seen from here
    """The scanner did not answer; nobody knows what is in the file."""


class Scanner(ABC):
    """Looks through one file at a time. One instance serves several threads; a call ends within 30 seconds."""

    name: str

    def check_config(self) -> None:  # noqa: B027 - most scanners need no settings
        """Raise Refused with what is missing from the settings, and where to set it."""

    @abstractmethod
    def found_in(self, content: bytes) -> str:
        """What the scanner calls the harmful thing in a file, "" for none. Raises: ScannerAway."""


def check_clean(scanner: Scanner | None, content: bytes) -> str:
    """Have a file looked through; return the name of the scanner that did, "" where the city has none.

    Where the city has one, a file that it did not look through is not taken.
    Raises: Refused `files.harmful`, `files.scanner_away`.
    """
    if scanner is None:
        return ""
    try:
        found = scanner.found_in(content)
    except ScannerAway as error:
        raise Refused("files.scanner_away", "Files cannot be looked through for harmful software just now; send it"
                      " again in some minutes.") from error  # fmt: skip
    if found:
        raise Refused("files.harmful", "Harmful software was found in this file ({value}); it was not kept. Have your"
                      " computer looked through, and send another one.", value=found[:80])  # fmt: skip
    return scanner.name
