"""What somebody writes who wants to be warned."""

from __future__ import annotations

import difflib
from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from cityloom.accounts import queries as accounts
from cityloom.kernel.geometry import lonlat_of
from cityloom.registers import queries as registers
from cityloom.subscriptions.domain.wish import Address, Place, Wish

_LONGEST_KEY = 1000
_INDENT = {"district": "", "subdistrict": "\u2003", "community": "\u2003\u2003"}


class Wishes(forms.Form):
    """Which warnings, in which language."""

    severity = forms.ChoiceField(
        label=_("Which warnings"),
        choices=[
            ("Minor", _("All of them")), ("Moderate", _("Moderate and worse")), ("Severe", _("Severe and worse")),
            ("Extreme", _("Only danger to life")),
        ],
    )  # fmt: skip
    all_clear = forms.BooleanField(label=_("Tell me too when all is clear"), required=False, initial=True)
    language = forms.ChoiceField(label=_("Language"), choices=[("zh-Hans", "简体中文"), ("en", "English")])


class PlaceForm(Wishes):
    """A place, and how to reach whoever asks; the fields of a browser's push are filled by a script."""

    kind = forms.ChoiceField(
        label=_("What is the place?"), widget=forms.RadioSelect, initial="address",
        choices=[("address", _("An address")), ("district", _("A district")), ("point", _("A point on the map"))],
    )  # fmt: skip
    street = forms.CharField(
        label=_("Street"), max_length=200, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "list": "streets"}),
    )  # fmt: skip
    house_number = forms.CharField(
        label=_("House number"), max_length=60, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    district = forms.ChoiceField(label=_("District"), required=False)
    point = forms.CharField(
        label=_("Point on the map"), max_length=60, required=False,
        help_text=_("Longitude and latitude, as in 113.950000,22.530000; the map writes them for you."),
    )  # fmt: skip
    email = forms.EmailField(
        label=_("E-mail address"), max_length=254, required=False,
        help_text=_("You get one letter with a link to confirm it. It is sealed, and used for these warnings alone."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )  # fmt: skip
    endpoint = forms.CharField(max_length=_LONGEST_KEY, required=False, widget=forms.HiddenInput)
    p256dh = forms.CharField(max_length=200, required=False, widget=forms.HiddenInput)
    auth = forms.CharField(max_length=100, required=False, widget=forms.HiddenInput)

    order = ("kind", "street", "house_number", "district", "point", "severity", "all_clear", "language", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(self.order)
        is_chinese = get_language() == "zh-hans"
        self.fields["language"].initial = "zh-Hans" if is_chinese else "en"
        found = [(name, _INDENT[kind] + (chinese if is_chinese else english))
                 for name, kind, english, chinese in accounts.districts()]  # fmt: skip
        self.fields["district"].choices = [("", "---------"), *found]  # type: ignore[attr-defined]
        self.labels = {name: label.strip() for name, label in found}

    def clean(self) -> dict[str, Any]:
        """The place that was meant; asked here, so that what is wrong stands beside its field."""
        values = super().clean() or {}
        kind = values.get("kind")
        if kind == "address" and not self.errors:
            values["place"] = self._address(values)
        elif kind == "district":
            values["place"] = self._district(values)
        elif kind == "point":
            values["place"] = self._point(values)
        if self.by_push:
            return values
        if not values.get("email") and "email" not in self.errors:
            self.add_error("email", _("Write the address to which the warnings are to go."))
        return values

    @property
    def by_push(self) -> bool:
        """Whether a browser asks to be reached itself."""
        return self.data.get("way") == "push"

    def wish(self) -> Wish:
        """What was asked for, of a form without errors."""
        values = self.cleaned_data
        return Wish(values["place"], values["severity"], values["all_clear"])

    def address(self, site: str) -> Address:
        """How to reach whoever asked, of a form without errors."""
        values = self.cleaned_data
        if self.by_push:
            return Address("push", values["endpoint"], values["language"], "", site, values["p256dh"], values["auth"])
        return Address("mail", values["email"], values["language"], "", site)

    def _address(self, values: dict[str, Any]) -> Place | None:
        street, number = values.get("street", "").strip(), values.get("house_number", "").strip()
        if not street:
            return self._wrong("street", _("Write the street."))
        if not number:
            return self._wrong("house_number", _("Write the house number."))
        names = {name.casefold(): name for name in registers.street_names()}
        if street.casefold() not in names:
            near = [names[name] for name in difflib.get_close_matches(street.casefold(), names, 3, 0.6)]
            if near:
                return self._wrong("street", _("There is no street of this name. Did you mean: %(near)s?")
                                   % {"near": _(", ").join(near)})  # fmt: skip
        found = registers.place_of(street, number)
        if found is None:
            return self._wrong("street", _("There is no building with that street and number; look for a typing error,"
                                           " or choose the district."))  # fmt: skip
        return Place(*found, label=f"{street} {number}")

    def _district(self, values: dict[str, Any]) -> Place | None:
        name = values.get("district", "")
        return Place(area=name, label=self.labels[name]) if name else self._wrong("district", _("Choose a district."))

    def _point(self, values: dict[str, Any]) -> Place | None:
        found = lonlat_of(values.get("point", ""))
        if found is None:
            return self._wrong("point", _("Write longitude and latitude with a comma between them."))
        lon, lat = found
        city = registers.city()
        west, south, east, north = city.bounds if city else (-180.0, -90.0, 180.0, 90.0)
        if not (west <= lon <= east and south <= lat <= north):
            return self._wrong("point", _("That point is not in this city."))
        return Place(lon, lat, label=f"{lon:.5f}, {lat:.5f}")

    def _wrong(self, field: str, why: Any) -> None:
        self.add_error(field, why)
