"""What people may ask of a drill."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cityloom.drills.display import FAILURES, PACES
from cityloom.drills.domain.injections import KINDS


def _paces() -> list[tuple[int, Any]]:
    return [(pace, _(words)) for pace, words in PACES.items()]


class StartForm(forms.Form):
    """Which scenario, how fast, and who approves."""

    scenario = forms.CharField(max_length=40, widget=forms.HiddenInput)
    pace = forms.TypedChoiceField(label=_("Pace"), coerce=int, choices=_paces, initial=10)
    approves = forms.ChoiceField(
        label=_("Who approves"), initial="people",
        choices=[("people", _("People at their screens")), ("drill", _("The drill itself, as the scenario says"))],
    )
    key = forms.CharField(max_length=26, widget=forms.HiddenInput, required=False)


class PaceForm(forms.Form):
    """Another pace, or a pause."""

    pace = forms.TypedChoiceField(label=_("Pace"), coerce=int, choices=_paces)
    paused = forms.BooleanField(required=False, widget=forms.HiddenInput)


class InjectForm(forms.Form):
    """What goes wrong, and how much of it."""

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in FAILURES], widget=forms.HiddenInput)
    amount = forms.IntegerField(required=False, min_value=1, max_value=max(kind.most for kind in KINDS.values()))
    key = forms.CharField(max_length=26, widget=forms.HiddenInput, required=False)
