"""What is written down of something that happened and was not detected."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cityloom.detection import queries
from cityloom.detection.display import CATEGORIES, MISSED_BY, category_word
from cityloom.detection.trust.misses import Event
from cityloom.kernel import clock
from cityloom.kernel.geometry import lonlat_of
from cityloom.registers import queries as registers

_BY_PEOPLE = tuple(source for source in MISSED_BY if source != "incident")


def _categories() -> list[tuple[str, str]]:
    """What can be detected here: what has a name, and the rule packs that the city keeps."""
    return [(one, category_word(one)) for one in [*CATEGORIES, *sorted(queries.kept_packs() - set(CATEGORIES))]]


class MissForm(forms.Form):
    """What, where, when, and how it became known; no words, so that nobody is named."""

    category = forms.ChoiceField(label=gettext_lazy("What happened"), choices=_categories)
    place = forms.CharField(
        label=gettext_lazy("Where"), max_length=120,
        help_text=gettext_lazy("An address, or longitude, latitude as in 114.05786, 22.54310; the map fills it in."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    happened_at = forms.CharField(
        label=gettext_lazy("When it began"), max_length=40, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    source = forms.ChoiceField(
        label=gettext_lazy("How it became known"), choices=lambda: [(one, _(MISSED_BY[one])) for one in _BY_PEOPLE]
    )

    def clean_place(self) -> tuple[float, float]:
        """Longitude and latitude inside the city."""
        text = self.cleaned_data["place"]
        place = lonlat_of(text) or _addressed(text)
        city = registers.city()
        if place is None or city is None:
            raise forms.ValidationError(_("No such address is known; give a street with a house number, or a place on "
                                          "the map."))  # fmt: skip
        west, south, east, north = city.bounds
        if not (west <= place[0] <= east and south <= place[1] <= north):
            raise forms.ValidationError(_("This place lies outside the city; longitude comes first."))
        return place

    def clean_happened_at(self) -> datetime:
        """The instant, in the zone of the city where none is written."""
        try:
            return clock.asked_for(self.cleaned_data["happened_at"], get_current_timezone())
        except ValueError as error:
            raise forms.ValidationError(_("Write a day and a time, as in 2026-11-02 14:30.")) from error

    @property
    def event(self) -> Event:
        """What was written, once it is valid."""
        said: dict[str, Any] = self.cleaned_data
        return Event(said["category"], *said["place"], said["happened_at"], said["source"])


def _addressed(text: str) -> tuple[float, float] | None:
    found = registers.geocoded(text)
    if found.level != "building" or found.lon is None or found.lat is None:
        return None
    return found.lon, found.lat
