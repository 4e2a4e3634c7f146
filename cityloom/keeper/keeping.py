"""The operator's counter: the key is changed, the keeper is backed up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cityloom.keeper import backup, protocol
from cityloom.keeper.basis import REGISTER
from cityloom.keeper.decision import Facts
from cityloom.keeper.office import Office
from cityloom.keeper.protocol import Reply
from cityloom.kernel import clock


class Keeping:
    """Each change of the key and each backup leaves its leaf before it is made."""

    def __init__(self, office: Office, folder: Path) -> None:
        self._office = office
        self._folder = folder
        self.answers: dict[type, Callable[..., Reply]] = {
            protocol.Rotate: self._rotate, protocol.BackUpKeys: self._back_up,
            protocol.RotationAt: lambda _: protocol.Progress(*office.vault.progress),
        }  # fmt: skip

    def _rotate(self, request: protocol.Rotate) -> Reply:
        office = self._office
        asked = office.asked(request.who, "rotate", REGISTER)
        office.decide(asked, Facts("rotate"))
        office.log.append([office.leaf_about(asked, "rotated")])
        try:
            number = office.vault.rotate()
        except OSError:
            office.refuse(asked, "gate.rotation_failed",
                          "The new slots could not be written, so the old key stays; free disk space.")  # fmt: skip
        return protocol.Rotated(number, len(office.vault.slots))

    def _back_up(self, request: protocol.BackUpKeys) -> Reply:
        office = self._office
        asked = office.asked(request.who, "back-up", REGISTER)
        office.decide(asked, Facts("back-up"))
        office.log.append([office.leaf_about(asked, "backed-up")])
        try:
            made = backup.make(office.vault, self._folder, Path(request.place), clock.now())
        except OSError:
            office.refuse(asked, "gate.backup_failed",
                          "The backup could not be written; look whether the folder exists and has room.")  # fmt: skip
        return protocol.BackedUp(str(made))
