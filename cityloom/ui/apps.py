from django.apps import AppConfig
from django.forms import ChoiceField, MultipleChoiceField
from django.utils.translation import gettext_lazy as _


class UiConfig(AppConfig):
    name = "cityloom.ui"
    label = "ui"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let no form repeat in its own words what was sent in place of a choice."""
        for field in (ChoiceField, MultipleChoiceField):
            field.default_error_messages["invalid_choice"] = _("Choose one of those that are offered.")
