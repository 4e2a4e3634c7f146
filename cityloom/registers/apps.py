from django.apps import AppConfig


class RegistersConfig(AppConfig):
    name = "cityloom.registers"
    label = "registers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the formats that come with Cityloom."""
        from cityloom.registers import plugins
        from cityloom.registers.contrib.folder.reader import Folder
        from cityloom.registers.contrib.osm.reader import OpenStreetMap

        for reader in (OpenStreetMap(), Folder()):
            plugins.register(reader)
