"""How often people put right what the classifier said, counted from the newest cases; no case and nobody is named."""

from __future__ import annotations

from dataclasses import dataclass

from cityloom.cases.models import CaseHeard

LOOKED_AT = 10_000


@dataclass(frozen=True)
class Counted:
    """What became of the newest cases that a version heard: chosen by it, put right, left to people, contradicted."""

    heard: int
    chosen: int
    put_right: int
    asked: int
    doubted: int


def counted(number: int) -> Counted:
    """The counts of a version over the newest cases."""
    rows = CaseHeard.objects.filter(classifier=number).order_by("-case_id")[:LOOKED_AT]
    heard = chosen = put_right = asked = doubted = 0
    for said, right, standing, kinds in rows.values_list("said", "put_right", "standing", "kinds"):
        heard += bool(kinds)
        chosen += bool(said)
        put_right += bool(said and right and right != said)
        asked += standing == "asked" or bool(right and not said)
        doubted += standing == "doubted"
    return Counted(heard, chosen, put_right, asked, doubted)
