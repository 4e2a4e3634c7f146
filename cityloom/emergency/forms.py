"""What people may send about an incident."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cityloom.emergency.domain import states
from cityloom.emergency.domain.entries import LONGEST
from cityloom.ui.templatetags.cityloom import translated


class ApprovalForm(forms.Form):
    """Which document, as it was shown, and in which role."""

    proposal = forms.CharField(max_length=26, widget=forms.HiddenInput)
    digest = forms.CharField(max_length=64, widget=forms.HiddenInput)
    role = forms.ChoiceField(
        choices=[(role, role) for role in (states.COMMANDER, states.SECOND)], widget=forms.HiddenInput
    )


class SendBackForm(forms.Form):
    """Why a document goes back."""

    proposal = forms.CharField(max_length=26, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("What has to change"), max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class UpdateForm(forms.Form):
    """Another zone; an empty field keeps what is."""

    hazard_radius_m = forms.FloatField(label=_("Radius of the danger, in metres"), required=False, min_value=1)
    buffer_m = forms.FloatField(label=_("Buffer around it, in metres"), required=False, min_value=0)


class EntryForm(forms.Form):
    """What goes into the log, and in which of the writer's roles; `key` makes the same form twice one entry."""

    role = forms.CharField(label=_("In the role of"), max_length=32, widget=forms.Select)
    text = forms.CharField(
        label=_("Entry"), max_length=LONGEST * 2, required=False, strip=False,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )
    key = forms.CharField(max_length=26, widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, roles: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].widget.choices = [(role, translated(role)) for role in roles]  # type: ignore[attr-defined]
