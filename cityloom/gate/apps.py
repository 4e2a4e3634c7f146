from django.apps import AppConfig


class GateConfig(AppConfig):
    name = "cityloom.gate"
    label = "gate"
    default_auto_field = "django.db.models.BigAutoField"
