"""Counts of observations that are kept and not made by scanning, and what was deleted of observations in columns."""

from django.db import migrations, models

# On PostgreSQL many write at once, and would wait for each other at a counter; there rows are counted by their index.
_SQLITE = (
    "INSERT INTO signals_observationcount SELECT datastream_id, count(*) FROM signals_observation"
    " WHERE exercise_id = '' GROUP BY datastream_id",
    "CREATE TRIGGER observation_counted AFTER INSERT ON signals_observation WHEN NEW.exercise_id = '' BEGIN"
    " INSERT INTO signals_observationcount VALUES (NEW.datastream_id, 1)"
    " ON CONFLICT (datastream_id) DO UPDATE SET count = count + 1; END",
    "CREATE TRIGGER observation_discounted AFTER DELETE ON signals_observation WHEN OLD.exercise_id = '' BEGIN"
    " UPDATE signals_observationcount SET count = count - 1 WHERE datastream_id = OLD.datastream_id; END",
    "CREATE TRIGGER observation_moved AFTER UPDATE OF datastream_id ON signals_observation"
    " WHEN OLD.exercise_id = '' AND NEW.datastream_id <> OLD.datastream_id BEGIN"
    " UPDATE signals_observationcount SET count = count - 1 WHERE datastream_id = OLD.datastream_id;"
    " INSERT INTO signals_observationcount VALUES (NEW.datastream_id, 1)"
    " ON CONFLICT (datastream_id) DO UPDATE SET count = count + 1; END",
)


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for statement in _SQLITE:
            schema_editor.execute(statement)


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for name in ("counted", "discounted", "moved"):
            schema_editor.execute(f"DROP TRIGGER observation_{name}")


class Migration(migrations.Migration):
    dependencies = [("signals", "0005_changes")]

    operations = [
        migrations.CreateModel(
            name="ObservationCount",
            fields=[
                ("datastream_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("count", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="ObservationGone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("datastream_id", models.BigIntegerField(db_index=True)),
                ("first_us", models.BigIntegerField()),
                ("last_us", models.BigIntegerField()),
                ("count", models.BigIntegerField()),
                ("gone_us", models.BigIntegerField()),
            ],
        ),
        migrations.RunPython(forwards, backwards),
    ]
