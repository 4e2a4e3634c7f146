"""The counter for free texts of matters: what people write down in an incident, for those who work on it."""

from __future__ import annotations

from collections.abc import Callable

from cityloom.keeper import protocol
from cityloom.keeper.office import Asked, Office
from cityloom.keeper.protocol import Reply, TextsAre
from cityloom.keeper.vault import Damaged


class Texts:
    """Seals and opens texts; a text is about a matter and names nobody by an envelope, so it leaves no leaf."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.answers: dict[type, Callable[..., Reply]] = {
            protocol.SealTexts: self._seal, protocol.SealMatters: self._seal_many, protocol.OpenTexts: self._open,
        }  # fmt: skip

    def _seal(self, request: protocol.SealTexts) -> Reply:
        self._let_work(self._office.asked(request.who, "seal-text", ""), request.matter)
        return TextsAre([self._office.vault.seal_text(request.matter, text) for text in request.texts])

    def _seal_many(self, request: protocol.SealMatters) -> Reply:
        asked, seal = self._office.asked(request.who, "seal-text", ""), self._office.vault.seal_text
        self._let_work(asked, min(request.matters, default=""))
        if len(request.matters) != len(request.texts):
            self._office.refuse(asked, "gate.not_allowed", "Each text is of one matter; name as many matters as texts.")
        return TextsAre([seal(*one) for one in zip(request.matters, request.texts, strict=True)])

    def _open(self, request: protocol.OpenTexts) -> Reply:
        self._let_work(self._office.asked(request.who, "open-text", ""), request.matter)
        return TextsAre([self._opened(request.matter, text) for text in request.texts])

    def _opened(self, matter: str, sealed: bytes) -> bytes | None:
        try:
            return self._office.vault.open_text(matter, sealed)
        except Damaged:
            return None

    def _let_work(self, asked: Asked, matter: str) -> None:
        """Residents and accounts without a role work on no matter; which role works on which, the matter says."""
        if not matter or not set(asked.claims.roles) - {"resident"}:
            self._office.refuse(
                asked, "gate.not_allowed", "Notes of a matter are for those who work on it; ask the person in command."
            )
