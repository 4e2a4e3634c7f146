"""Give sensors that a city has installed what SensorThings asks of them: a location, a feature, an observed property."""

import json

from django.db import migrations
from django.db.models import F

_AT_ONCE = 2_000


def _unit(symbol):
    return json.dumps({"name": symbol, "symbol": symbol, "definition": f"ucum:{symbol}"})


def _places(apps, things):
    at_us = 0  # since when they stand there was not written down
    classes = [apps.get_model("signals", name) for name in ("Thing", "Location", "HistoricalLocation", "FeatureOfInterest")]
    thing_model, location_model, past_model, feature_model = classes
    points = [json.dumps({"type": "Point", "coordinates": [thing.lon, thing.lat]}) for thing in things]
    named = [(thing.name, thing.street, point) for thing, point in zip(things, points)]
    features = feature_model.objects.bulk_create(
        [feature_model(name=name, description=street, feature=point) for name, street, point in named]
    )
    locations = location_model.objects.bulk_create(
        [location_model(name=name, description=street, location=point, feature=feature)
         for (name, street, point), feature in zip(named, features)]
    )
    pasts = past_model.objects.bulk_create([past_model(thing=thing, time_us=at_us) for thing in things])
    here = thing_model.locations.through
    here.objects.bulk_create([here(thing=thing, location=place) for thing, place in zip(things, locations)])
    there = past_model.locations.through
    there.objects.bulk_create(
        [there(historicallocation=past, location=place) for past, place in zip(pasts, locations)]
    )
    return {thing.id: feature.id for thing, feature in zip(things, features)}


def forwards(apps, schema_editor):
    thing_model, stream_model, sensor_model, observed_model = (
        apps.get_model("signals", name) for name in ("Thing", "Datastream", "Sensor", "ObservedProperty")
    )
    sensor_model.objects.filter(name="").update(name=F("kind"))
    last = 0
    while things := list(thing_model.objects.filter(id__gt=last, lon__isnull=False).order_by("id")[:_AT_ONCE]):
        features = _places(apps, things)
        streams = list(stream_model.objects.filter(thing_id__in=list(features)).select_related("sensor"))
        for stream in streams:
            observed, _ = observed_model.objects.get_or_create(
                kind=stream.kind, defaults={"name": stream.kind, "definition": f"urn:cityloom:observed:{stream.kind}"}
            )
            stream.observed_property = observed
            stream.feature_id = features[stream.thing_id]
            stream.description = stream.sensor.description
            stream.unit_of_measurement = _unit(stream.unit)
        stream_model.objects.bulk_update(
            streams, ["observed_property", "feature", "description", "unit_of_measurement"], batch_size=500
        )
        last = things[-1].id
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            for table in ("signals_thing", "signals_datastream"):
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT COALESCE(MAX(id), 0) + 1"
                    f" FROM {table}), false)"
                )


class Migration(migrations.Migration):
    dependencies = [("signals", "0003_sensorthings")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
