from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
    name = "cityloom.subscriptions"
    label = "subscriptions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the ways that come with Cityloom."""
        from cityloom.subscriptions import plugins
        from cityloom.subscriptions.contrib import mail, outbox
        from cityloom.subscriptions.contrib.web_push import way

        for made in (mail.MailWay(), way.PushWay(), outbox.DemoOutbox()):
            plugins.register(made)
