from django.apps import AppConfig


class SignalsConfig(AppConfig):
    name = "cityloom.signals"
    label = "signals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the brokers that come with Cityloom."""
        from cityloom.signals import plugins
        from cityloom.signals.contrib.mqtt.lazily import LazyMqtt
        from cityloom.signals.contrib.nats.lazily import LazyNats

        plugins.register(LazyMqtt())
        plugins.register(LazyNats())
