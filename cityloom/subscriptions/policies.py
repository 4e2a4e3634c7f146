"""How often one may ask, so that nobody is flooded with letters that they did not ask for."""

from __future__ import annotations

from datetime import timedelta

from cityloom.kernel.refused import Refused

CONFIRM_WITHIN = timedelta(hours=24)
WAITING_EACH = 3
"""Letters of confirmation to one address in 24 hours."""
ACTIVE_EACH = 20
"""Places for one address."""
ASKED_PER_CLIENT = 20
"""Requests from one network address in an hour."""
LETTERS_AN_HOUR = 2_000
"""Letters of confirmation in all: a flood stops here, whoever makes it."""
MOST_ATTEMPTS = 5


def check_client(asked: int) -> None:
    """Raise Refused `places.too_often`."""
    if asked > ASKED_PER_CLIENT:
        raise Refused("places.too_often", "From here more than {limit} requests came within an hour; try again later.",
                      limit=ASKED_PER_CLIENT)  # fmt: skip


def check_letters(sent: int) -> None:
    """Raise Refused `places.busy`."""
    if sent >= LETTERS_AN_HOUR:
        raise Refused("places.busy", "So many people are subscribing just now that no more letters can be sent; try"
                      " again in an hour.")  # fmt: skip


def may_write_to(waiting: int, active: int) -> bool:
    """Whether one more letter of confirmation may go to an address; who asks is told nothing of it."""
    return waiting < WAITING_EACH and active < ACTIVE_EACH
