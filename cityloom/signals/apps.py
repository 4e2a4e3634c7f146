from django.apps import AppConfig


class SignalsConfig(AppConfig):
    name = "cityloom.signals"
    label = "signals"
    default_auto_field = "django.db.models.BigAutoField"
