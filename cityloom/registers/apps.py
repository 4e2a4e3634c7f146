from django.apps import AppConfig


class RegistersConfig(AppConfig):
    name = "cityloom.registers"
    label = "registers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the formats that come with Cityloom."""
        from cityloom.registers import plugins
        from cityloom.registers.contrib.csv_file.reader import Csv
        from cityloom.registers.contrib.epanet_file.reader import Epanet
        from cityloom.registers.contrib.excel_file.reader import Excel
        from cityloom.registers.contrib.folder.reader import Folder
        from cityloom.registers.contrib.geojson_file.reader import GeoJson
        from cityloom.registers.contrib.osm.reader import OpenStreetMap
        from cityloom.registers.contrib.parquet_file.reader import Parquet
        from cityloom.registers.contrib.postgres_table.reader import PostgresTable

        plugins.register_connector(PostgresTable())
        for reader in (OpenStreetMap(), Folder()):
            plugins.register(reader)
        for table in (Parquet(), Excel(), GeoJson(), Epanet(), Csv()):
            plugins.register_table(table)
