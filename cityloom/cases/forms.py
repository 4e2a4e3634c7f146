"""The forms with which residents report a problem, and officials what a caller tells."""

from __future__ import annotations

import difflib
import unicodedata
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cityloom.cases import queries
from cityloom.cases.display import said
from cityloom.cases.domain.reporting import ANONYMOUS, CONFIDENTIAL, NAMED, SAME_AS_URGENT, URGENT
from cityloom.cases.policies import LONGEST_TEXT
from cityloom.cases.views.places import is_in_city, is_on_land
from cityloom.files.domain import pictures
from cityloom.kernel.geometry import lonlat_of
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.signals import queries as reports
from cityloom.ui.words import sentence_of

LONGEST_CONTACT = 500
_KEPT_SIGNS = "\n\t"


class ReportForm(forms.Form):
    """What, where, in which words, and up to three photos; a place or an address is enough."""

    category = forms.ChoiceField(
        label=gettext_lazy("What is wrong?"), choices=lambda: list(categories().items()),
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
        label=gettext_lazy("What do you see?"), max_length=LONGEST_TEXT, required=False,
        help_text=gettext_lazy("If you like. Name nobody: it is about the place."),
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )  # fmt: skip
    photo_1 = forms.FileField(label=gettext_lazy("Photo"), required=False)
    photo_2 = forms.FileField(label=gettext_lazy("Second photo"), required=False)
    photo_3 = forms.FileField(label=gettext_lazy("Third photo"), required=False)
    reach = forms.ChoiceField(
        label=gettext_lazy("May we ask you back?"), widget=forms.RadioSelect, required=False,
        choices=[
            (ANONYMOUS, gettext_lazy("No: nothing about me is kept")),
            (CONFIDENTIAL, gettext_lazy("Yes, in confidence: those who work on it do not see it, unless somebody opens"
                                        " it for a stated reason, which is logged")),
            (NAMED, gettext_lazy("Yes: those who work on it see it")),
        ],
    )  # fmt: skip
    contact = forms.CharField(
        label=gettext_lazy("How can we reach you?"), max_length=LONGEST_CONTACT, required=False,
        help_text=gettext_lazy("A telephone number or an address, with your name if you like. It is sealed."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )  # fmt: skip
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
        return _seen(self.cleaned_data["words"])

    def clean_contact(self) -> str:
        return _seen(self.cleaned_data["contact"])

    def clean_reach(self) -> str:
        return self.cleaned_data["reach"] or ANONYMOUS

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
        if not is_in_city(lon, lat):
            raise forms.ValidationError(_("This place lies outside the city; longitude comes first."))
        if not is_on_land(lon, lat):
            raise forms.ValidationError(_("There is neither a street nor a building near this place; it may lie in the"
                                          " water. Look at both numbers again."))  # fmt: skip
        return lon, lat

    def clean(self) -> dict[str, Any]:
        """A place from the map goes before an address; whoever wants to be reached says how."""
        found = self.cleaned_data
        if found.get("reach", ANONYMOUS) != ANONYMOUS and not found.get("contact") and "contact" not in self.errors:
            self.add_error("contact", _("Say how we can reach you, or choose that nothing about you is kept."))
        if found.get("reach") == ANONYMOUS and found.get("contact"):
            self.add_error("reach", _("You wrote how to reach you: choose who may see it, or clear it."))
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


def categories() -> dict[str, str]:
    """What can be reported, and what it is called: what is urgent first, then what else costs lives, then the rest."""
    words, dangerous = reports.report_words(), reports.dangerous_reports()
    known = {each.name: said(each.title) for each in queries.newest_casetype("request").categories.values()}
    codes = [*(one for one in dangerous if one in URGENT or one in known), *known]
    return {code: words.get(code) or known[code] for code in dict.fromkeys(codes) if code not in SAME_AS_URGENT}


def _seen(text: str) -> str:
    """A text without signs that cannot be seen."""
    kept = (sign for sign in text if sign in _KEPT_SIGNS or sign.isprintable())
    return unicodedata.normalize("NFC", "".join(kept)).strip()


def _no_street(street: str, near: list[str]) -> str:
    if not near:
        return _("There is no street of this name; write it as it stands on its sign.")
    return _("There is no street of this name. Did you mean: %(near)s?") % {"near": _(", ").join(near)}
