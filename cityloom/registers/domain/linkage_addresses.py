"""An address in the parts that linking blocks and compares by, each in one way of writing."""

from __future__ import annotations

from functools import lru_cache

from cityloom.registers.domain import divisions
from cityloom.registers.domain.address import parsed
from cityloom.registers.domain.address_parts import Address
from cityloom.registers.domain.address_standard import Standard, name_key, standard, standardised

PARTS = ("whole", "province", "city", "district", "road", "place", "number", "building", "unit", "room")
"""`place` is an estate, a building or a village by its name, `whole` the standard writing."""
REACHED = {"whole": "same address", "unit": "same road, number, unit", "number": "same road, number",
           "road": "same road", "district": "same district"}  # fmt: skip
"""How far two addresses may be the same, and the words for it."""
Parts = tuple[str | None, ...]
_MUNICIPAL = ("11", "12", "31", "50")


def parts_of(text: str, home: str = "") -> Parts:
    """The values of `PARTS`, None for what the address does not say. Never fails."""
    said, form = parsed(text, home), standard(text, home)
    place = form.compound or form.community
    whole = standardised(text, home) if form.street or place else ""
    number = "/".join(filter(None, (form.number, form.side)))
    told = (whole, *_divisions(said, form), form.street, place, number, form.building, form.unit, form.room)
    return tuple(value or None for value in told)


def _divisions(said: Address, form: Standard) -> tuple[str, str, str]:
    """Province, city and district by their names without the word for the kind: not all that are named have a code."""
    code = form.division
    if not code:
        province, city, district = (_short(said.first(kind)) for kind in ("province", "city", "district"))
        return province, city, district
    in_city = code[:2] in _MUNICIPAL
    province = "" if in_city else _named(code[:2] + "0000")
    city = _named(code[:2] + "0000") if in_city else _named(code[:4] + "00") if code[2:4] != "00" else ""
    return province, city, _named(code) if code[4:] != "00" else ""


@lru_cache(maxsize=4_096)
def _named(code: str) -> str:
    return _short(divisions.coded(code))


def _short(name: str) -> str:
    return divisions.short_of(name_key(name)) if name else ""
