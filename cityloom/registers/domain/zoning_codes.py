"""Identifiers of zones: 15 digits, 6 for the county, 3 for the subdistrict, 3 for the community, 3 for the zone in it.

Source: GB/T 30428.2-2013, coding of unit grids and of the zones that are composed of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cityloom.kernel.refused import Refused

MADE_UP_COUNTY = "9900"
"""No province has the number 99 in GB/T 2260: with two digits behind it, this is the code of a made-up county."""
_DIGITS = re.compile(r"\d{15}")
_LAST = 999


def is_code(text: str) -> bool:
    """Whether a text has the form of a zone's identifier."""
    return bool(_DIGITS.fullmatch(text)) and text[-3:] != "000"


def community_code(unit: str, counties: dict[str, str]) -> str:
    """The first 12 digits, from the unit's place in the tree (`city/d01/s02/c03`) and its district's own code, if any.

    Raises: Refused `zones.unit`, `zones.county`.
    """
    parts = unit.split("/")
    numbers = [part[1:] for part in parts[1:]]
    if len(numbers) != 3 or not all(number.isdecimal() and int(number) <= _LAST for number in numbers):
        raise Refused("zones.unit", "The unit {value} is no community in a subdistrict in a district, numbered to 999, "
                      "so its zones cannot be named.", value=unit)  # fmt: skip
    district, subdistrict, community = (int(number) for number in numbers)
    county = counties.get("/".join(parts[:2]), f"{MADE_UP_COUNTY}{district:02d}")
    if not re.fullmatch(r"\d{6}", county):
        raise Refused("zones.county", "{value} is not the code of a county; give 6 digits as in GB/T 2260.",
                      value=county)  # fmt: skip
    return f"{county}{subdistrict:03d}{community:03d}"


def codes(communities: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """An identifier for each zone from the 12 digits of its community, in their order, after the last one ever taken.

    Numbers are not given again, so that an identifier in an old record never means another zone.

    Raises: Refused `zones.too_many`.
    """
    last: dict[str, int] = {}
    for code in taken:
        last[code[:12]] = max(last.get(code[:12], 0), int(code[12:]))
    given = []
    for community in communities:
        last[community] = last.get(community, 0) + 1
        if last[community] > _LAST:
            raise Refused("zones.too_many", "The community {value} would have more than 999 zones; ask for fewer.",
                          value=community)  # fmt: skip
        given.append(f"{community}{last[community]:03d}")
    return given
