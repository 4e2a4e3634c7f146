from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "cityloom.alerts"
    label = "alerts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the channels that come with Cityloom."""
        from cityloom.alerts import plugins
        from cityloom.alerts.contrib import demo, file, smtp, webhook

        for channel in (
            file.FileChannel(), webhook.WebhookChannel(), smtp.SmtpChannel(), file.DemoWorksChannel(),
            demo.DemoRefusesChannel(), demo.DemoCrashesChannel(),
        ):  # fmt: skip
            plugins.register(channel)
