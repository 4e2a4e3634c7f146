"""The demo outbox: a file for each letter, where an exercise's letters end."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

from cityloom.subscriptions.domain.letter import Letter
from cityloom.subscriptions.domain.wish import Address
from cityloom.subscriptions.plugins import NotTaken, Way

_ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


class DemoOutbox(Way):
    """Write each letter once, whole or not at all, into `OUTBOX_DIR/demo-subscribers`.

    A killed process loses none; an exercise's letters need not outlive the computer's power, so nothing waits for the
    disk.
    """

    name = "demo_outbox"
    is_demo = True

    def send(self, letter: Letter, address: Address) -> None:
        text = f"Subject: {letter.subject}\nWay: {address.way}\n\n{letter.text}\n"
        try:
            _write_once(Path(settings.CITYLOOM["OUTBOX_DIR"]) / "demo-subscribers" / f"{letter.key}.txt", text.encode())
        except OSError as error:
            raise NotTaken("places.outbox", "The outbox could not be written ({value}); it is tried again.",
                           value=type(error).__name__) from error  # fmt: skip


def _write_once(path: Path, data: bytes) -> None:
    draft = f"{path.parent}/.{path.name}.{os.getpid()}"
    try:
        handle = os.open(draft, _ANEW, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(draft, _ANEW, 0o600)
    with os.fdopen(handle, "wb", buffering=0) as file:
        file.write(data)
    os.replace(draft, path)  # noqa: PTH105 - a path object for each of many thousand letters costs as much as the file
