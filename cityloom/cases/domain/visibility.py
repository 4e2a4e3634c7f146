"""Who sees a case: one rule, for a single case as for a list of a million."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cityloom.kernel.actor import Actor

DEPTH = 4
"""City, district or department, subdistrict, community: so deep is the tree of units; deeper ones are like the last."""
Branches = tuple[str, str, str, str]


@dataclass(frozen=True)
class Rights:
    """What an actor sees: cases of these types whose branch at `depth` is `unit`, and those that name the account."""

    types: tuple[str, ...]
    depth: int
    unit: str
    account: str


@dataclass(frozen=True)
class InView:
    """What the rule looks at in a case; units that are `asked` for an opinion see it until they have answered."""

    casetype: str
    branches: Branches
    handler: str = ""
    offered_unit: str = ""
    named: Collection[str] = ()
    asked: Collection[str] = ()


def depth_of(unit: str) -> int:
    """How deep a unit lies in the tree: 1 for the city, 0 for none."""
    return min(unit.count("/") + 1, DEPTH) if unit else 0


def branches_of(unit: str, confidentiality: str) -> Branches:
    """The units that see a case, by depth: the whole branch, the very unit, or none."""
    depth = depth_of(unit)
    if confidentiality == "secret" or not depth:
        return ("", "", "", "")
    parts = unit.split("/")
    seen = ["/".join(parts[:level]) for level in range(1, depth)] + [unit]
    if confidentiality == "restricted":
        seen[:-1] = [""] * (depth - 1)
    return tuple(seen + [""] * (DEPTH - depth))  # type: ignore[return-value] # four of them


def rights_of(actor: Actor, seen_by: Mapping[str, frozenset[str]]) -> Rights:
    """What an actor may see; `seen_by` are the roles that each type is shown to."""
    types = tuple(sorted(name for name, roles in seen_by.items() if roles & actor.roles))
    return Rights(types if actor.unit else (), depth_of(actor.unit), actor.unit, actor.account)


def is_asked(unit: str, asked: Collection[str]) -> bool:
    """Whether a unit, or one above it, is asked for something in a case."""
    return bool(unit) and any(unit == one or unit.startswith(f"{one}/") for one in asked)


def sees(rights: Rights, case: InView) -> bool:
    """Whether somebody with these rights sees a case."""
    if rights.account and (case.handler == rights.account or rights.account in case.named):
        return True
    if is_asked(rights.unit, case.asked):
        return True
    if case.casetype not in rights.types:
        return False
    return case.branches[rights.depth - 1] == rights.unit or case.offered_unit == rights.unit
