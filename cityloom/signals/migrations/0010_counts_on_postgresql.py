"""Counts of rows on PostgreSQL too: each statement adds what it did as rows of its own, so that nobody waits for a counter.

What the parts come to is the count; now and then they are put together.
"""

from django.db import migrations, models

_ADDED = "SELECT datastream_id, {sign}count(*) AS many FROM {table} WHERE exercise_id = '' GROUP BY datastream_id"
_MOVED = (
    "SELECT datastream_id, sum(many) AS many FROM ("
    f" {_ADDED.format(sign='', table='after')} UNION ALL {_ADDED.format(sign='-', table='before')}"
    ") AS both_sides GROUP BY datastream_id HAVING sum(many) <> 0"
)
_FUNCTION = """
CREATE FUNCTION signals_count_{name}() RETURNS trigger AS $$
BEGIN
    INSERT INTO signals_observationcountpart (datastream_id, count) {asked};
    RETURN NULL;
END $$ LANGUAGE plpgsql
"""
_KINDS = {
    "added": ("INSERT", "NEW TABLE AS after", _ADDED.format(sign="", table="after")),
    "deleted": ("DELETE", "OLD TABLE AS before", _ADDED.format(sign="-", table="before")),
    "moved": ("UPDATE", "OLD TABLE AS before NEW TABLE AS after", _MOVED),
}
_FIRST = (
    "INSERT INTO signals_observationcount SELECT datastream_id, count(*) FROM signals_observation"
    " WHERE exercise_id = '' GROUP BY datastream_id"
)


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute("LOCK TABLE signals_observation IN SHARE ROW EXCLUSIVE MODE")
    for name, (operation, tables, asked) in _KINDS.items():
        schema_editor.execute(_FUNCTION.format(name=name, asked=asked))
        schema_editor.execute(
            f"CREATE TRIGGER observation_{name} AFTER {operation} ON signals_observation REFERENCING {tables}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION signals_count_{name}()"
        )
    schema_editor.execute(_FIRST)


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in _KINDS:
            schema_editor.execute(f"DROP TRIGGER observation_{name} ON signals_observation")
            schema_editor.execute(f"DROP FUNCTION signals_count_{name}()")
        schema_editor.execute("DELETE FROM signals_observationcount")


class Migration(migrations.Migration):
    dependencies = [("signals", "0009_answered_uploads")]

    operations = [
        migrations.CreateModel(
            name="ObservationCountPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("datastream_id", models.BigIntegerField(db_index=True)),
                ("count", models.BigIntegerField()),
            ],
        ),
        migrations.RunPython(forwards, backwards),
    ]
