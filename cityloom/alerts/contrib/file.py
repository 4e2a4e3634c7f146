"""Alerts as files: for a gateway that watches a folder, and as the demo channel that works."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import ClassVar

from django.conf import settings

from cityloom.alerts.plugins import Channel, ChannelRefused, OutgoingMessage, Receipt

_KEY = re.compile(r"[0-9A-Za-z_-]{1,64}")


class FileChannel(Channel):
    """Write each alert once, whole or not at all, into `OUTBOX_DIR/alerts`, named for its key."""

    name = "file"
    folder: ClassVar[str] = "alerts"
    repeats_are_harmless = True

    def deliver(self, parcel: bytes, message: OutgoingMessage) -> Receipt:
        path = self._path(message)
        try:
            if path.exists():
                return _recognise(path, parcel)
            _write_whole(path, parcel)
        except OSError as error:
            raise ChannelRefused(
                "alerts.file_not_written", "The alert could not be written to the outbox ({value}); make room or give "
                "access, and it is tried again.", final=False, value=errno.errorcode.get(error.errno or 0, "OSError"),
            ) from error  # fmt: skip
        return Receipt(text=path.name)

    def _path(self, message: OutgoingMessage) -> Path:
        if not _KEY.fullmatch(message.key):
            raise ChannelRefused("alerts.key_form", "The message has no usable key to name its file by.", final=True)
        return Path(settings.CITYLOOM["OUTBOX_DIR"]) / self.folder / f"{message.key}.cap.xml"


class DemoWorksChannel(FileChannel):
    """The demo channel that works: its file stands for the phones that would have rung."""

    name = "demo_works"
    folder = "demo"
    is_demo = True


def _recognise(path: Path, parcel: bytes) -> Receipt:
    if path.read_bytes() != parcel:
        raise ChannelRefused(
            "alerts.file_taken", "Another alert already lies under this name in the outbox; nothing was overwritten.",
            final=True,
        )  # fmt: skip
    return Receipt(text=path.name, repeated=True)


def _write_whole(path: Path, parcel: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(parcel)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
