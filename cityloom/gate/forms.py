"""What people may send to the gate. Matters and evidence are numbers of files: words could name a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cityloom.gate import display
from cityloom.gate.domain import reasons

_FILE_NUMBER = RegexValidator(
    r"^(?=.*[0-9])[A-Za-z0-9][A-Za-z0-9._/-]*$",
    gettext_lazy("This is the number of a file: Latin letters, digits and . _ / - with at least one digit."),
)
_MOST_NUMBERS = 5000
_MOST_BURDENED = 50
_LARGEST = 1 << 53


class Numbers(forms.CharField):
    """Whole numbers with spaces, commas or new lines between them, each once, in their order."""

    def __init__(self, *, most: int = _MOST_NUMBERS, **kwargs: Any) -> None:
        self.most = most
        super().__init__(max_length=21 * most, **kwargs)

    def clean(self, value: str | None) -> list[int]:  # type: ignore[override]
        words = [one for one in re.split(r"[\s,;，；]+", super().clean(value) or "") if one]
        if not all(one.isascii() and one.isdecimal() and len(one) < 19 for one in words):
            raise forms.ValidationError(_("Give whole numbers, with spaces or commas between them."))
        found = list(dict.fromkeys(int(one) for one in words))
        if len(found) > self.most:
            raise forms.ValidationError(_("At most {limit} at a time.").format(limit=self.most))
        return found


class Moment(forms.DateTimeField):
    """A moment on the city's clock."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **kwargs)


def matter_field() -> forms.CharField:
    """The number of the file that this belongs to."""
    return forms.CharField(label=gettext_lazy("Number of the matter"), max_length=26, validators=[_FILE_NUMBER])


def fields_field(label: Any) -> forms.MultipleChoiceField:
    """Fields of a person; its choices are set for the purpose."""
    return forms.MultipleChoiceField(label=label, widget=forms.CheckboxSelectMultiple)


class PeopleForm(forms.Form):
    """People of a grant by their place in it."""

    person = forms.MultipleChoiceField(label=gettext_lazy("People"))

    def __init__(self, *args: Any, people: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].choices = [(str(place), str(place)) for place in range(1, people + 1)]  # type: ignore[attr-defined]


class OpenForm(PeopleForm):
    """Which fields of which people to open."""

    fields_wanted = fields_field(gettext_lazy("Fields"))

    def __init__(self, *args: Any, names: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["fields_wanted"].choices = display.fields(names)  # type: ignore[attr-defined]


class AskForm(PeopleForm):
    """A yes-or-no question about people of a grant."""

    question = forms.ChoiceField(label=gettext_lazy("Question"))
    argument = forms.CharField(label=gettext_lazy("What to compare with"), max_length=200, required=False)
    dwellings = Numbers(label=gettext_lazy("Dwelling numbers"), required=False, most=200)

    def __init__(self, *args: Any, questions: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["question"].choices = display.questions(questions)  # type: ignore[attr-defined]


class SearchForm(forms.Form):
    """Whom to look for."""

    national_id = forms.CharField(
        label=gettext_lazy("National id"), max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip


class AddressForm(forms.Form):
    """Which building."""

    street = forms.CharField(label=gettext_lazy("Street"), max_length=120)
    house_number = forms.CharField(label=gettext_lazy("House number"), max_length=20)


class AssignForm(forms.Form):
    """Who may open what of whom, for which matter, until when."""

    matter = matter_field()
    holder = forms.ChoiceField(label=gettext_lazy("Who opens"))
    fields_granted = fields_field(gettext_lazy("Fields that may be opened"))
    until = Moment(label=gettext_lazy("Until"))
    people = Numbers(
        label=gettext_lazy("Numbers of people"), required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("A search shows them."),
    )  # fmt: skip
    dwellings = Numbers(
        label=gettext_lazy("Numbers of dwellings"), required=False, most=200,
        help_text=gettext_lazy("Everybody who is registered there is named in the grant."),
    )  # fmt: skip

    def __init__(self, *args: Any, holders: Iterable[Any], names: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["holder"].choices = [(one.id, f"{one.username} ({one.unit})") for one in holders]  # type: ignore[attr-defined]
        self.fields["fields_granted"].choices = display.fields(names)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not self.errors and not found.get("people") and not found.get("dwellings"):
            raise forms.ValidationError(_("Name at least one person or one dwelling."))
        return found


class GlassForm(forms.Form):
    """Whom a commander opens at once, and why."""

    reason = forms.ChoiceField(label=gettext_lazy("Reason"))
    matter = matter_field()
    national_id = forms.CharField(
        label=gettext_lazy("National id of one person"), max_length=32, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    dwelling = forms.IntegerField(
        label=gettext_lazy("or the number of a dwelling"), min_value=1, max_value=_LARGEST, required=False
    )
    fields_wanted = fields_field(gettext_lazy("Fields to open"))

    def __init__(self, *args: Any, names: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = display.choices(reasons.GLASS)  # type: ignore[attr-defined]
        self.fields["fields_wanted"].choices = display.fields(names)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not self.errors and bool(found.get("national_id")) == bool(found.get("dwelling")):
            raise forms.ValidationError(_("Give either a national id or the number of a dwelling."))
        return found


class Listed(forms.CharField):
    """Words with spaces or commas between them."""

    def prepare_value(self, value: object) -> object:
        return ", ".join(value) if isinstance(value, (list, tuple)) else value

    def clean(self, value: str | None) -> list[str]:  # type: ignore[override]
        return [one for one in re.split(r"[\s,，]+", super().clean(value) or "") if one]


class Counts(forms.CharField):
    """Names with a number each, as in `city: 1000`."""

    def prepare_value(self, value: object) -> object:
        return ", ".join(f"{name}: {count}" for name, count in value.items()) if isinstance(value, Mapping) else value

    def clean(self, value: str | None) -> dict[str, int]:  # type: ignore[override]
        found: dict[str, int] = {}
        for part in (super().clean(value) or "").split(","):
            name, _colon, count = part.strip().partition(":")
            if not count.strip().isdecimal():
                raise forms.ValidationError(_("Write each as name: number, with commas between them."))
            found[name.strip()] = int(count)
        return found


class PurposeForm(forms.Form):
    """A whole purpose; what the words mean is in the keeper's hands."""

    purpose = forms.CharField(label=display.DOCUMENT["purpose"], max_length=64)
    title_en = forms.CharField(label=gettext_lazy("Title in English"), max_length=120, required=False)
    title_zh = forms.CharField(label=gettext_lazy("Title in Chinese"), max_length=120, required=False)
    basis = forms.CharField(max_length=64)
    statute = forms.CharField(max_length=300)
    article = forms.CharField(max_length=300)
    fields_named = Listed(required=False, max_length=2000)
    units = Listed(max_length=2000)
    roles = Listed(max_length=2000)
    granters = Listed(max_length=2000)
    approvers = Listed(max_length=2000)
    valid_until = Moment()
    most_a_request = forms.IntegerField(min_value=0)
    most_a_day = forms.IntegerField(min_value=0)
    most_a_day_each = forms.IntegerField(min_value=0)
    second_person_above = forms.IntegerField(min_value=0)
    retention_days = forms.IntegerField(min_value=1)
    predicates = Listed(required=False, max_length=2000)
    search = Listed(required=False, max_length=2000)
    services = Counts(max_length=2000)
    policy = forms.CharField(required=False, strip=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 6}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            known = "fields" if name == "fields_named" else name
            field.label = _(display.DOCUMENT[known]) if known in display.DOCUMENT else field.label

    def document(self) -> dict[str, Any]:
        """What was sent, as the keeper reads it."""
        sent = dict(self.cleaned_data)
        titles = {"en": sent.pop("title_en"), "zh-Hans": sent.pop("title_zh")}
        moment = sent.pop("valid_until").isoformat()
        named = sent.pop("fields_named")
        policy = sent["policy"].replace("\r\n", "\n")  # as a browser sends it
        return sent | {
            "fields": named, "valid_until": moment, "policy": policy if policy.strip() else "",
            "title": {key: one for key, one in titles.items() if one},
        }  # fmt: skip


class ReviewForm(forms.Form):
    """Whether something was right, chosen from a list."""

    about = forms.CharField(max_length=26, widget=forms.HiddenInput)
    outcome = forms.ChoiceField(label=gettext_lazy("Answer"))

    def __init__(self, *args: Any, outcomes: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["outcome"].choices = display.choices(outcomes)  # type: ignore[attr-defined]


class HoneyForm(forms.Form):
    """Who becomes a honey resident."""

    people = Numbers(label=gettext_lazy("Numbers of people"), required=False, most=200)
    dwellings = Numbers(label=gettext_lazy("Numbers of dwellings"), required=False, most=200)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not self.errors and not found.get("people") and not found.get("dwellings"):
            raise forms.ValidationError(_("Name at least one person or one dwelling."))
        return found


class EraseForm(forms.Form):
    """Who is erased; the number is typed twice, since there is no way back."""

    person = Numbers(label=gettext_lazy("Number of the person"), most=1)
    again = Numbers(label=gettext_lazy("The same number again"), most=1)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not self.errors and found["person"] != found["again"]:
            raise forms.ValidationError(_("The two numbers differ; nobody was erased. Type both again."))
        return found


class UnmaskForm(forms.Form):
    """Whose pseudonym, and why."""

    pseudonym = forms.CharField(label=gettext_lazy("Pseudonym in the log"), max_length=64)
    reason = forms.ChoiceField(label=gettext_lazy("Reason"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = display.choices(reasons.UNMASK)  # type: ignore[attr-defined]


class _Day(forms.DateInput):
    """A day in the form that browsers read, whatever the language."""

    def __init__(self) -> None:
        super().__init__(attrs={"type": "date"}, format="%Y-%m-%d")


class DaysForm(forms.Form):
    """From which day to which."""

    first = forms.DateField(label=gettext_lazy("From"), widget=_Day())
    last = forms.DateField(label=gettext_lazy("to"), widget=_Day())

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not self.errors and found["first"] > found["last"]:
            raise forms.ValidationError(_("The first day lies after the last; exchange them."))
        return found


class StatusForm(forms.Form):
    """A status, the decision behind it, and evidence of its own for each person: one line each."""

    kind = forms.ChoiceField(label=gettext_lazy("Status"))
    matter = forms.CharField(label=gettext_lazy("Number of the decision"), max_length=64, validators=[_FILE_NUMBER])
    evidence = forms.CharField(
        label=gettext_lazy("People and evidence"), max_length=5000, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=gettext_lazy(
            "One line for each person: the person's number, a space, the number of the evidence about that person."
        ),
    )  # fmt: skip
    until = Moment(label=gettext_lazy("Ends at"))
    appeal_until = Moment(label=gettext_lazy("Appeal possible until"))
    emergency = forms.BooleanField(
        required=False,
        label=gettext_lazy("Emergency: at most 72 hours, evidence may follow, an alarm rings at once"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = display.choices(reasons.STATUSES)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if "evidence" in found:
            found["evidence"] = self._evidence(found["evidence"], lacking_is_fine=bool(found.get("emergency")))
        return found

    def _evidence(self, text: str, *, lacking_is_fine: bool) -> dict[int, str]:
        lines = [line.split() for line in text.splitlines() if line.strip()]
        for place, line in enumerate(lines, 1):
            if len(line) == 1 and not lacking_is_fine:
                self.add_error("evidence", _("Line {line} has no evidence of its own.").format(line=place))
            elif not _is_of_a_person(line):
                self.add_error("evidence", _("Line {line} is not a number and a file.").format(line=place))
        if len(lines) > _MOST_BURDENED:
            self.add_error("evidence", _("At most {limit} at a time.").format(limit=_MOST_BURDENED))
        if self.errors:
            return {}
        return {int(line[0]): line[1] if len(line) > 1 else "" for line in lines}


def _is_of_a_person(line: list[str]) -> bool:
    number, files = line[0], line[1:]
    whole = number.isascii() and number.isdecimal() and len(number) < 19
    return whole and len(files) <= 1 and all(_FILE_NUMBER.regex.match(one) and len(one) <= 64 for one in files)
