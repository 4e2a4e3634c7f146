"""What a decision of a person has to have: conditions where there are some, grounds where it is against somebody."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from cityloom.cases.domain.approvals.fitting import WITH_CONDITIONS
from cityloom.cases.domain.approvals.wording import Said
from cityloom.cases.domain.casetypes.casetype import CaseType, Stated
from cityloom.kernel.refused import Refused

REVIEW_WITHIN = timedelta(days=60)
"""How long one may ask for a review. Source: Administrative Reconsideration Law of the PRC (2023), article 20."""


def checked(
    casetype: CaseType, category: str, result: str, conditions: Sequence[str], grounds: Sequence[str]
) -> list[Said]:
    """The grounds of a decision as sentences.

    Raises: Refused `cases.ground`, `cases.condition`.
    """
    known = _known(casetype.conditions, category)
    if set(conditions) - set(known) or bool(conditions) != (result == WITH_CONDITIONS):
        raise Refused("cases.condition", "What is granted with conditions names at least one of them, and nothing else "
                      "has any; choose of: {limit}.", limit=", ".join(known) or "–")  # fmt: skip
    stated = _known(casetype.grounds, category)
    against = casetype.results[result].is_against
    if set(grounds) - set(stated) or (against and not grounds) or (grounds and not against):
        raise Refused("cases.ground", "What is refused names at least one ground of the list, and nothing else has any;"
                      " choose of: {limit}.", limit=", ".join(stated) or "–")  # fmt: skip
    return [dict(stated[name].title) for name in dict.fromkeys(grounds)]


def _known(rows: Collection[Stated], category: str) -> dict[str, Stated]:
    return {one.name: one for one in rows if one.is_for(category)}


def check_can_ask_review(decided_at: datetime | None, at: datetime, *, is_open: bool) -> None:
    """Raises: Refused `cases.nothing_decided`, `cases.review_late`."""
    if decided_at is None or is_open:
        raise Refused("cases.nothing_decided", "Nothing is decided yet that could be reviewed; wait for the decision.")
    if at > decided_at + REVIEW_WITHIN:
        raise Refused("cases.review_late", "A review can be asked for within {limit} days of the decision, and these"
                      " are over.", limit=REVIEW_WITHIN.days)  # fmt: skip
