"""The demo outbox: a file for each letter, where an exercise's letters end."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

from cityloom.subscriptions.domain.letter import Letter
from cityloom.subscriptions.domain.wish import Address
from cityloom.subscriptions.plugins import NotTaken, Way


class DemoOutbox(Way):
    """Write each letter once, whole or not at all, into `OUTBOX_DIR/demo-subscribers`."""

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
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
