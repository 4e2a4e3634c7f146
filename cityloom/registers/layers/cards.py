"""What a click on the ground of the map shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityloom.accounts.queries import unit_names
from cityloom.kernel.actor import Actor
from cityloom.registers import queries
from cityloom.registers.display import word
from cityloom.registers.domain.building_addresses import STREET_WITHIN_M, AddressLevel, known_number
from cityloom.registers.layers.overview import hexagon
from cityloom.registers.models import Building, Main, Place, Valve
from cityloom.ui.domain.declared import Card

_MOST = (1 << 63) - 1
ByNumber = Callable[[Actor | None, int], Card | None]
ByText = Callable[[Actor | None, str, datetime | None], Card | None]


def by_number(card: ByNumber) -> ByText:
    """Let only a number that a row can have through; the ground is what it is, at any instant."""

    @wraps(card)
    def found(actor: Actor | None, feature: str, _at: datetime | None = None) -> Card | None:
        is_number = feature.isascii() and feature.isdecimal() and len(feature) <= 19 and int(feature) <= _MOST
        return card(actor, int(feature)) if is_number else None

    return found


@by_number
def building(actor: Actor | None, number: int) -> Card | None:
    """A building; how many people are in it by day is for those who work here."""
    row = Building.objects.filter(id=number).defer("footprint").first()
    if row is None:
        return None
    address, how = _address(row)
    title = row.name or address or _("Building {number}").format(number=row.id)
    facts = [
        (_("Address"), address if row.name else ""), (_("Address by"), how),
        (_("Use"), word(row.use)), (_("Floors"), str(row.levels)),
        (_("Height"), f"{row.height_m:.0f} m" if row.height_m else ""), (_("Dwellings"), str(row.dwellings)),
        (_("People by day, about"), str(row.people_day) if actor else ""), (_("Community"), _unit(row.unit_id)),
        (_("Number in the register"), str(row.id)),
    ]  # fmt: skip
    return Card(title, _told(facts), url=f"/buildings/{row.id}/" if actor else "", note=_made_up(row.made_up))


def _address(row: Building) -> tuple[str, str]:
    """What is known of a building's address, and where it is from; a number that was made up is no address."""
    near = round(STREET_WITHIN_M)
    words = {
        AddressLevel.TAGS: _("the source's own word"), AddressLevel.POINT_INSIDE: _("an address point inside"),
        AddressLevel.POINT_NEAR: _("an address point beside it"),
        AddressLevel.INTERPOLATED: _("interpolated between the numbers of its neighbours"),
        AddressLevel.STREET: _("derivation: the nearest street, {metres} m away; no number is known").format(
            metres=round(row.address_m)
        ),
        AddressLevel.NONE: _("nothing: no street with a name is within {metres} m").format(metres=near),
    }  # fmt: skip
    level = AddressLevel(row.address_level)
    number = known_number(row.house_number, level)
    street = row.street if level != AddressLevel.NONE else ""
    source = f" ({row.address_ref})" if row.address_ref else ""
    return f"{street} {number}".strip(), words.get(level, "") + source


@by_number
def place(actor: Actor | None, number: int) -> Card | None:
    """A school, hospital, park or other place."""
    row = Place.objects.filter(id=number).first()
    if row is None:
        return None
    where = (_("Indoors") if row.indoors else _("Outdoors")) if row.shelter_places else ""
    room = str(row.shelter_places or "")
    facts = [(_("Kind"), word(row.kind)), (_("Room for people"), room), (_("Where"), where)]
    return Card(row.name or word(row.kind), _told(facts), url=f"/facilities/{row.id}/" if actor else "",
                note=_made_up(row.made_up))  # fmt: skip


@by_number
def main(actor: Actor | None, number: int) -> Card | None:
    """A main, for those who work here."""
    row = Main.objects.filter(id=number).defer("geometry").first() if actor else None
    if row is None:
        return None
    facts = [
        (_("Diameter"), f"{row.diameter_mm} mm"), (_("Street"), row.street),
        (_("Number in the register"), str(row.id)),
    ]  # fmt: skip
    return Card(word(row.kind), _told(facts), note=_made_up(row.made_up))


@by_number
def valve(actor: Actor | None, number: int) -> Card | None:
    """A valve, for those who work here."""
    row = Valve.objects.filter(id=number).first() if actor else None
    if row is None:
        return None
    facts = [(_("Main"), word(row.kind)), (_("Street"), row.street), (_("Number in the register"), str(row.id))]
    return Card(_("Valve"), _told(facts), note=_made_up(row.made_up))


@by_number
def density(_actor: Actor | None, cell: int) -> Card | None:
    """A hexagon of the map from afar."""
    city = queries.city()
    counts = hexagon(city.data_version, cell) if city else None
    if counts is None:
        return None
    buildings, dwellings = counts
    return Card(_("Buildings in this hexagon"), ((_("Buildings"), str(buildings)), (_("Dwellings"), str(dwellings))))


def _unit(unit_id: str) -> str:
    return unit_names(unit_id)["zh-Hans" if get_language() == "zh-hans" else "en"]


def _told(facts: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Without what is not known."""
    return tuple(fact for fact in facts if fact[1])


def _made_up(flags: int) -> str:
    return _("Parts of this entry are made up, because the source does not tell them.") if flags else ""
