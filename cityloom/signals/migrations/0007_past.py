"""Keep how entities were, written down by the database itself at each change, whoever makes it."""

from django.db import migrations, models

_ENTITIES = ("Thing", "Location", "HistoricalLocation", "Sensor", "ObservedProperty", "FeatureOfInterest", "Datastream")
_OPERATIONS = ("INSERT", "UPDATE", "DELETE")

# --- SQLite: a trigger for each table and operation, with milliseconds

_NOW = "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000"
_SINCE = "INSERT INTO signals_entitysince (kind, key, since_us) VALUES ('{kind}', NEW.id, {now})" \
         " ON CONFLICT (kind, key) DO UPDATE SET since_us = excluded.since_us;"
_PAST = "INSERT INTO signals_entitypast (kind, key, since_us, until_us, row) VALUES ('{kind}', OLD.id," \
        " (SELECT since_us FROM signals_entitysince WHERE kind = '{kind}' AND key = OLD.id), {now}, json_object({row}));"
_GONE = "DELETE FROM signals_entitysince WHERE kind = '{kind}' AND key = OLD.id;"
_BODIES = {"INSERT": _SINCE, "UPDATE": _PAST + " " + _SINCE, "DELETE": _PAST + " " + _GONE}

# --- PostgreSQL: one function, and a trigger for each table

_FUNCTION = """
CREATE FUNCTION signals_remember() RETURNS trigger AS $$
DECLARE now_us bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
BEGIN
    IF TG_OP = 'UPDATE' AND OLD IS NOT DISTINCT FROM NEW THEN RETURN NULL; END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO signals_entitypast (kind, key, since_us, until_us, row) VALUES (TG_TABLE_NAME, OLD.id,
            (SELECT since_us FROM signals_entitysince WHERE kind = TG_TABLE_NAME AND key = OLD.id), now_us,
            to_jsonb(OLD)::text);
    END IF;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM signals_entitysince WHERE kind = TG_TABLE_NAME AND key = OLD.id;
    ELSE
        INSERT INTO signals_entitysince (kind, key, since_us) VALUES (TG_TABLE_NAME, NEW.id, now_us)
            ON CONFLICT (kind, key) DO UPDATE SET since_us = excluded.since_us;
    END IF;
    RETURN NULL;
END $$ LANGUAGE plpgsql
"""


def _tables(apps):
    """Each table with the operations that are remembered; observations are too many for more than changes."""
    found = [apps.get_model("signals", name) for name in _ENTITIES]
    found += [apps.get_model("signals", name).locations.through for name in ("Thing", "HistoricalLocation")]
    return [(one, _OPERATIONS) for one in found] + [(apps.get_model("signals", "Observation"), ("UPDATE",))]


def _value(field):
    """Floating-point numbers as texts, since SQLite cuts them to 15 digits in JSON."""
    column = f"OLD.{field.column}"
    if not isinstance(field, models.FloatField):
        return column
    return f"CASE WHEN {column} IS NULL THEN NULL ELSE printf('%!.17g', {column}) END"


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_FUNCTION.replace("%", "%%") if "%" in _FUNCTION else _FUNCTION)
    for model, operations in _tables(apps):
        table = model._meta.db_table
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(
                f"CREATE TRIGGER {table}_past AFTER {' OR '.join(operations)} ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION signals_remember()"
            )
            continue
        fields = model._meta.local_concrete_fields
        row = ", ".join(f"'{one.column}', {_value(one)}" for one in fields)
        differs = " OR ".join(f"OLD.{one.column} IS NOT NEW.{one.column}" for one in fields)
        for operation in operations:
            when = f" WHEN {differs}" if operation == "UPDATE" else ""
            body = _BODIES[operation].format(kind=table, now=_NOW, row=row)
            schema_editor.execute(
                f"CREATE TRIGGER {table}_past_{operation.lower()} AFTER {operation} ON {table}{when} BEGIN {body} END",
                params=None,
            )


def backwards(apps, schema_editor):
    for model, operations in _tables(apps):
        table = model._meta.db_table
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER {table}_past ON {table}")
            continue
        for operation in operations:
            schema_editor.execute(f"DROP TRIGGER {table}_past_{operation.lower()}")
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION signals_remember()")


class Migration(migrations.Migration):
    dependencies = [("signals", "0006_columns")]

    operations = [
        migrations.AddField("observation", "known_us", models.BigIntegerField(blank=True, null=True)),
        migrations.CreateModel(
            name="EntityPast",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=48)),
                ("key", models.BigIntegerField()),
                ("since_us", models.BigIntegerField(null=True)),
                ("until_us", models.BigIntegerField()),
                ("row", models.TextField()),
            ],
            options={"indexes": [models.Index(fields=["kind", "until_us"], name="entity_past")]},
        ),
        migrations.CreateModel(
            name="EntitySince",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=48)),
                ("key", models.BigIntegerField()),
                ("since_us", models.BigIntegerField()),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("kind", "key"), name="entity_since")]},
        ),
        migrations.RunPython(forwards, backwards),
    ]
