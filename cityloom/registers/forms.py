"""What planners of zones fill in."""

from __future__ import annotations

import re

from django import forms
from django.utils.translation import gettext_lazy as _

from cityloom.registers.domain.zoning_load import KINDS, WEIGHTS

_CELL = re.compile(r"\d{1,19}")
_WORDS = {
    "people": _("Points for a person"), "dwellings": _("Points for a dwelling"),
    "companies": _("Points for a company"), "components": _("Points for a component"),
    "cases": _("Points for a past case"),
}  # fmt: skip


class NameForm(forms.Form):
    """What a new draft is called."""

    name = forms.CharField(label=_("Name of the plan"), max_length=120)


class DraftForm(NameForm):
    """A division made anew."""

    zones = forms.IntegerField(label=_("About how many zones"), min_value=1, max_value=100_000)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for kind in KINDS[:-1]:
            self.fields[kind] = forms.FloatField(
                label=_WORDS[kind], min_value=0, max_value=1000, initial=WEIGHTS[kind], widget=forms.NumberInput(
                    attrs={"step": "any"}),
            )  # fmt: skip

    @property
    def weights(self) -> dict[str, float]:
        """The points by kind of load."""
        return {kind: self.cleaned_data[kind] for kind in KINDS[:-1]}


class PublishForm(forms.Form):
    """From which day on."""

    valid_from = forms.DateField(
        label=_("First day"), input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )  # fmt: skip


class MoveForm(forms.Form):
    """Cells, and the zone that they go to."""

    to = forms.RegexField(r"^\d{15}$")
    cells = forms.CharField(max_length=20_000)

    def clean_cells(self) -> list[int]:
        """The numbers of the cells."""
        found = self.data.getlist("cells") if hasattr(self.data, "getlist") else [self.cleaned_data["cells"]]
        if not all(_CELL.fullmatch(one) for one in found):
            raise forms.ValidationError(_("Choose cells from the list."))
        return [int(one) for one in found]
