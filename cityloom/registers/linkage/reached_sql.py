"""How far two addresses are the same, in SQL over their parts: what one of them does not tell is no difference."""

from __future__ import annotations

_DIVISIONS = ("province", "city", "district")
_INSIDE = ("building", "unit", "room")


def neutral(name: str) -> str:
    """Whether too little is told to say that two addresses are the same or differ."""
    whole = f"({name}__whole_l IS NULL OR {name}__whole_r IS NULL)"
    number = f"({_road(name)} AND {_same(name, 'number')} IS NULL AND NOT {_unit(name)})"
    open_end = f"({_road(name)} IS NULL OR coalesce({number}, false))"
    return f"{whole} OR ({name}__whole_l <> {name}__whole_r AND NOT {_apart(name)} AND {open_end})"


def reached(part: str) -> str:
    """Whether two addresses are the same as far as a level, as in `address.number`."""
    name, _dot, level = part.partition(".")
    return {
        "whole": _same(name, "whole"),
        "unit": f"NOT {_apart(name)} AND {_unit(name)}",
        "number": f"NOT {_apart(name)} AND {_road(name)} AND {_same(name, 'number')}",
        "road": f"NOT {_apart(name)} AND {_road(name)}",
        "district": f"NOT {_apart(name)} AND {_same(name, 'district')}",
    }[level]


def _same(name: str, part: str) -> str:
    """True, false, or NULL where one does not tell it."""
    return f"({name}__{part}_l = {name}__{part}_r)"


def _apart(name: str) -> str:
    """Whether both name a province, city or district, and not the same: roads of one name lie in many cities."""
    return f"({' OR '.join(_differs(name, part) for part in _DIVISIONS)})"


def _differs(name: str, part: str) -> str:
    return f"coalesce({name}__{part}_l <> {name}__{part}_r, false)"


def _road(name: str) -> str:
    return f"coalesce({_same(name, 'road')}, {_same(name, 'place')})"


def _unit(name: str) -> str:
    """Building, unit and room: those that both tell are the same, and there is one; so is the number, or the place."""
    inside = [f"coalesce({_same(name, part)}, false)" for part in _INSIDE]
    differs = [_differs(name, part) for part in (*_INSIDE, "number")]
    where = f"coalesce({_same(name, 'number')}, {_same(name, 'place')}, false)"
    return (f"(coalesce({_road(name)}, false) AND {where} AND ({' OR '.join(inside)}) "
            f"AND NOT ({' OR '.join(differs)}))")  # fmt: skip
