from django.apps import AppConfig


class BusConfig(AppConfig):
    name = "cityloom.bus"
    label = "bus"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what carries events between machines."""
        from cityloom.bus import plugins
        from cityloom.bus.contrib.nats.lazily import open_line

        plugins.LINES |= {"nats": open_line, "tls": open_line}
