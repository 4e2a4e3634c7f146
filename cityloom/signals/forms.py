"""The form with which residents report a problem."""

from __future__ import annotations

import difflib
import unicodedata
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from cityloom.files.domain import pictures
from cityloom.kernel.geometry import lonlat_of
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.signals.domain.categories import CATEGORIES
from cityloom.ui.words import sentence_of

LONGEST_WORDS = 2000
_MARGIN_DEGREES = 0.02
"""How far outside the city's bounds a place may lie: about 2 km."""
_KEPT_SIGNS = "\n\t"
WORDS = {
    "ground-collapse": gettext_noop("The ground or the road has caved in"),
    "gas-leak": gettext_noop("It smells of gas"), "fire": gettext_noop("Something burns or smokes"),
    "flood": gettext_noop("Water stands or rises"),
    "power-line": gettext_noop("A power line is down or sparks"),
    "building-crack": gettext_noop("A building has cracks or leans"),
    "road-damage": gettext_noop("The road or pavement is damaged"),
    "water-leak": gettext_noop("Water leaks, or the tap runs dry"),
    "traffic-light": gettext_noop("A traffic light or sign is broken"),
    "street-light": gettext_noop("A street light is out"), "fallen-tree": gettext_noop("A tree or branch has fallen"),
    "rubbish": gettext_noop("Rubbish lies about"), "noise": gettext_noop("It is too loud"),
    "something-else": gettext_noop("Something else"),
}  # fmt: skip
"""What each category is called by those who report it."""


class ReportForm(forms.Form):
    """What, where, in which words, and up to three photos; a place or an address is enough."""

    category = forms.ChoiceField(
        label=gettext_lazy("What is wrong?"), choices=lambda: [(code, _(WORDS[code])) for code in CATEGORIES],
        widget=forms.RadioSelect, error_messages={"required": gettext_lazy("Choose what comes closest.")},
    )  # fmt: skip
    street = forms.CharField(
        label=gettext_lazy("Street"), max_length=120, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    house_number = forms.CharField(
        label=gettext_lazy("House number or a near one"), max_length=20, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    place = forms.CharField(
        label=gettext_lazy("Or longitude, latitude"), max_length=60, required=False,
        help_text=gettext_lazy("Filled in by the map; as in 114.05786, 22.54310."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    words = forms.CharField(
        label=gettext_lazy("What do you see?"), max_length=LONGEST_WORDS, required=False,
        help_text=gettext_lazy("If you like. Name nobody: it is about the place."),
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )  # fmt: skip
    photo_1 = forms.FileField(label=gettext_lazy("Photo"), required=False)
    photo_2 = forms.FileField(label=gettext_lazy("Second photo"), required=False)
    photo_3 = forms.FileField(label=gettext_lazy("Third photo"), required=False)
    website = forms.CharField(required=False, max_length=200)
    """For programs that fill in everything; people do not see it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.photo_fields():
            self.fields[name].widget.attrs["accept"] = "image/jpeg,image/png,image/webp"

    @staticmethod
    def photo_fields() -> list[str]:
        return [f"photo_{number}" for number in range(1, pictures.MOST_PHOTOS + 1)]

    @property
    def is_from_a_program(self) -> bool:
        return bool(self.cleaned_data.get("website"))

    @property
    def photos(self) -> list[bytes]:
        """The photos, cleaned."""
        return [self.cleaned_data[name] for name in self.photo_fields() if self.cleaned_data.get(name)]

    def clean_words(self) -> str:
        """The words without signs that cannot be seen."""
        kept = (sign for sign in self.cleaned_data["words"] if sign in _KEPT_SIGNS or sign.isprintable())
        return unicodedata.normalize("NFC", "".join(kept)).strip()

    def clean_photo_1(self) -> bytes:
        return self._photo("photo_1")

    def clean_photo_2(self) -> bytes:
        return self._photo("photo_2")

    def clean_photo_3(self) -> bytes:
        return self._photo("photo_3")

    def clean_place(self) -> tuple[float, float] | None:
        """Longitude and latitude inside the city."""
        text = self.cleaned_data["place"]
        if not text.strip():
            return None
        found = lonlat_of(text)
        if found is None:
            raise forms.ValidationError(_("Write longitude and latitude as two numbers, as in 114.05786, 22.54310."))
        lon, lat = found
        city = registers.city()
        if city is None or not _is_in(lon, lat, city.bounds):
            raise forms.ValidationError(_("This place lies outside the city; longitude comes first."))
        return lon, lat

    def clean(self) -> dict[str, Any]:
        """A place from the map goes before an address."""
        found = self.cleaned_data
        if found.get("place") is None and "place" not in self.errors:
            found["place"] = self._from_address(found.get("street", "").strip(), found.get("house_number", "").strip())
        return found

    def _from_address(self, street: str, number: str) -> tuple[float, float] | None:
        if not street:
            self.add_error("street", _("Say where it is: a street with a house number, or a place on the map."))
            return None
        names = {name.casefold(): name for name in registers.street_names()}
        if street.casefold() not in names:
            found = registers.geocoded(f"{street} {number}")
            if found.level == "building" and found.lon is not None and found.lat is not None:
                return found.lon, found.lat
            near = [names[name] for name in difflib.get_close_matches(street.casefold(), names, 3, 0.6)]
            self.add_error("street", _no_street(street, near))
            return None
        if not number:
            self.add_error("house_number", _("Give the house number, or the nearest one that you can see."))
            return None
        place = registers.place_of(street, number)
        if place is None:
            self.add_error("house_number", _("There is no house with this number in this street; give a near one."))
        return place

    def _photo(self, name: str) -> bytes:
        sent: UploadedFile | None = self.cleaned_data[name]
        if not sent:
            return b""
        try:
            return pictures.cleaned(sent.read(pictures.LARGEST_BYTES + 1))
        except Refused as refusal:
            raise forms.ValidationError(sentence_of(refusal)) from refusal


class CallForm(ReportForm):
    """What somebody on duty writes down while a caller speaks."""

    photo_1 = photo_2 = photo_3 = None
    website = None

    @staticmethod
    def photo_fields() -> list[str]:
        """A call has none."""
        return []


def _is_in(lon: float, lat: float, bounds: tuple[float, float, float, float]) -> bool:
    west, south, east, north = bounds
    near = _MARGIN_DEGREES
    return west - near <= lon <= east + near and south - near <= lat <= north + near


def _no_street(street: str, near: list[str]) -> str:
    if not near:
        return _("There is no street of this name; write it as it stands on its sign.")
    return _("There is no street of this name. Did you mean: %(near)s?") % {"near": _(", ").join(near)}
