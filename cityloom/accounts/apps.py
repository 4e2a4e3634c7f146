from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "cityloom.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear from allauth when someone proves anew who they are."""
        from allauth.account.signals import authentication_step_completed

        from cityloom.accounts.contrib.allauth.adapters import heard_step

        authentication_step_completed.connect(heard_step)
