from django.apps import AppConfig


class DrillsConfig(AppConfig):
    name = "cityloom.drills"
    label = "drills"
    default_auto_field = "django.db.models.BigAutoField"
