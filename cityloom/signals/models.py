"""Sensors and what they, callers and cameras have said.

The words are those of OGC SensorThings 1.1: a Thing carries Datastreams, each made by a Sensor (the procedure).
"""

from __future__ import annotations

from django.db import models

CLASSIFICATION = {
    "Thing": {"id": "clear", "name": "clear", "description": "clear", "properties": "clear", "street": "clear",
              "lon": "clear", "lat": "clear", "cell": "clear", "made_up": "clear"},
    "Location": {"id": "clear", "name": "clear", "description": "clear", "encoding_type": "clear", "location": "clear",
                 "properties": "clear", "feature": "clear"},
    "HistoricalLocation": {"id": "clear", "thing": "clear", "time_us": "clear"},
    "Sensor": {"id": "clear", "kind": "clear", "name": "clear", "description": "clear", "encoding_type": "clear",
               "metadata": "clear", "properties": "clear"},
    "ObservedProperty": {"id": "clear", "kind": "clear", "name": "clear", "definition": "clear",
                         "description": "clear", "properties": "clear"},
    "FeatureOfInterest": {"id": "clear", "name": "clear", "description": "clear", "encoding_type": "clear",
                          "feature": "clear", "properties": "clear"},
    "Datastream": {"id": "clear", "thing": "clear", "sensor": "clear", "observed_property": "clear",
                   "feature": "clear", "name": "clear", "description": "clear", "observation_type": "clear",
                   "unit_of_measurement": "clear", "observed_area": "clear", "properties": "clear", "kind": "clear",
                   "unit": "clear", "lon": "clear", "lat": "clear", "cell": "clear", "cadence_s": "clear",
                   "low": "clear", "high": "clear", "state": "clear", "is_public": "clear", "made_up": "clear",
                   "owner_unit": "clear", "calibrated_on": "clear", "calibration_due_on": "clear"},
    "Observation": {"id": "clear", "exercise_id": "clear", "datastream_id": "clear", "feature": "clear",
                    "phenomenon_us": "clear", "phenomenon_end_us": "clear", "result_time_us": "clear",
                    "result": "clear", "result_json": "clear", "result_quality": "clear", "valid_us": "clear",
                    "valid_end_us": "clear", "parameters": "clear", "message_id": "clear", "known_us": "clear"},
    "ObservationGone": {"id": "clear", "datastream_id": "clear", "first_us": "clear", "last_us": "clear",
                        "count": "clear", "gone_us": "clear"},
    "EntityPast": {"id": "clear", "kind": "clear", "key": "clear", "since_us": "clear", "until_us": "clear",
                   "row": "clear"},
    "EntitySince": {"id": "clear", "kind": "clear", "key": "clear", "since_us": "clear"},
    "ObservationCount": {"datastream_id": "clear", "count": "clear"},
    "ObservationCountPart": {"id": "clear", "datastream_id": "clear", "count": "clear"},
    "DeviceKey": {"id": "clear", "digest": "restricted", "owner": "clear", "thing": "clear", "made_by": "clear",
                  "made_at": "clear", "ended_at": "clear", "chooses_ids": "clear"},
    "EntityChange": {"position": "clear", "title": "clear", "key": "clear", "is_new": "clear", "names": "clear",
                     "document": "clear"},
    "ChangeFeed": {"name": "clear", "titles": "clear", "broker": "clear", "takes": "clear", "asked": "clear",
                   "streams": "clear", "seen_at": "clear"},
    "TakenMessage": {"number": "clear", "digest": "clear", "place": "clear"},
    "AnsweredUpload": {"id": "clear", "digest": "clear", "answer": "clear", "answered_at": "clear"},
    "Report": {"id": "clear", "exercise_id": "clear", "category": "clear", "lon": "clear", "lat": "clear",
               "cell": "clear", "reported_at": "clear", "caller_digest": "restricted", "text_digest": "restricted",
               "source": "clear", "packet": "clear", "has_words": "clear", "photos": "clear"},
    "SceneEvent": {"id": "clear", "exercise_id": "clear", "camera_id": "clear", "category": "clear", "lon": "clear",
                   "lat": "clear", "cell": "clear", "noticed_at": "clear", "still": "restricted"},
    "RejectedSignal": {"id": "clear", "exercise_id": "clear", "kind": "clear", "code": "clear", "count": "clear",
                       "rejected_at": "clear"},
}  # fmt: skip


GEOJSON = "application/geo+json"
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
LONGEST_NAME = 255


class Thing(models.Model):
    """A pole, a chamber, a mast: what sensors are mounted on. Its place is known here where the city installed it."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=LONGEST_NAME, db_index=True)
    description = models.TextField(blank=True, default="")
    properties = models.TextField(null=True, blank=True)
    locations = models.ManyToManyField("Location")
    street = models.CharField(max_length=120, blank=True, default="")
    lon = models.FloatField(null=True, blank=True)
    lat = models.FloatField(null=True, blank=True)
    cell = models.BigIntegerField(null=True, blank=True, db_index=True)
    made_up = models.SmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Location(models.Model):
    """Where things are or were, as JSON text; `feature` is what observations there are of, once there are any."""

    name = models.CharField(max_length=LONGEST_NAME)
    description = models.TextField(blank=True, default="")
    encoding_type = models.CharField(max_length=LONGEST_NAME, default=GEOJSON)
    location = models.TextField()
    properties = models.TextField(null=True, blank=True)
    feature = models.ForeignKey("FeatureOfInterest", null=True, blank=True, on_delete=models.SET_NULL)

    def __str__(self) -> str:
        return self.name


class HistoricalLocation(models.Model):
    """Where a thing was from an instant on (microseconds since 1970, UTC)."""

    thing = models.ForeignKey(Thing, on_delete=models.CASCADE)
    time_us = models.BigIntegerField()
    locations = models.ManyToManyField(Location)

    def __str__(self) -> str:
        return f"{self.thing_id}@{self.time_us}"


class Sensor(models.Model):
    """A procedure that makes observations; `kind` names those that the city itself installs."""

    kind = models.CharField(max_length=20, unique=True, null=True, blank=True)
    name = models.CharField(max_length=LONGEST_NAME, default="")
    description = models.TextField(blank=True, default="")
    encoding_type = models.CharField(max_length=LONGEST_NAME, default="text/plain")
    metadata = models.TextField(default='""')
    properties = models.TextField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name or self.kind or ""


class ObservedProperty(models.Model):
    """What is observed, such as a pressure; `kind` names those that the city itself installs."""

    kind = models.CharField(max_length=20, unique=True, null=True, blank=True)
    name = models.CharField(max_length=LONGEST_NAME)
    definition = models.TextField()
    description = models.TextField(blank=True, default="")
    properties = models.TextField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class FeatureOfInterest(models.Model):
    """What observations are about: a place, mostly; `feature` is JSON text."""

    name = models.CharField(max_length=LONGEST_NAME)
    description = models.TextField(blank=True, default="")
    encoding_type = models.CharField(max_length=LONGEST_NAME, default=GEOJSON)
    feature = models.TextField()
    properties = models.TextField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Datastream(models.Model):
    """A series of observations of one property by one sensor; `owner_unit` is the unit that looks after it.

    With a `kind` it was installed by the city: detection and the map know it, and its sender calls it by `name`, of
    which there is one. `feature` is what those of its observations are of that name none themselves.
    """

    IN_SERVICE, OUT_OF_SERVICE = "in-service", "out-of-service"

    id = models.BigAutoField(primary_key=True)
    thing = models.ForeignKey(Thing, on_delete=models.CASCADE)
    sensor = models.ForeignKey(Sensor, on_delete=models.PROTECT)
    observed_property = models.ForeignKey(ObservedProperty, null=True, blank=True, on_delete=models.PROTECT)
    feature = models.ForeignKey(FeatureOfInterest, null=True, blank=True, on_delete=models.SET_NULL)
    name = models.CharField(max_length=LONGEST_NAME, db_index=True)
    description = models.TextField(blank=True, default="")
    observation_type = models.CharField(max_length=LONGEST_NAME, default=MEASUREMENT)
    unit_of_measurement = models.TextField(default="{}")
    observed_area = models.TextField(null=True, blank=True)
    properties = models.TextField(null=True, blank=True)
    kind = models.CharField(max_length=20, blank=True, default="")
    unit = models.CharField(max_length=16, blank=True, default="")
    lon = models.FloatField(null=True, blank=True)
    lat = models.FloatField(null=True, blank=True)
    cell = models.BigIntegerField(null=True, blank=True, db_index=True)
    cadence_s = models.IntegerField(null=True, blank=True)
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    state = models.CharField(max_length=16, default=IN_SERVICE)
    is_public = models.BooleanField(default=True)
    made_up = models.SmallIntegerField(default=0)
    owner_unit = models.CharField(max_length=80, null=True, blank=True, db_index=True)
    calibrated_on = models.DateField(null=True, blank=True)
    calibration_due_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=~models.Q(kind=""), name="installed_once"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(is_public=False), name="datastream_private"),
        ]

    def __str__(self) -> str:
        return self.name


class Observation(models.Model):
    """One reading, in its stream's unit; instants are microseconds since 1970 in UTC, for bulk work.

    A number lies in `result`; a text, a truth value or an object as JSON text in `result_json`, and `result` is null.
    """

    exercise_id = models.CharField(max_length=26, default="", blank=True)
    datastream_id = models.BigIntegerField()
    feature = models.ForeignKey(
        FeatureOfInterest, null=True, blank=True, on_delete=models.CASCADE, db_index=False
    )
    phenomenon_us = models.BigIntegerField()
    phenomenon_end_us = models.BigIntegerField(null=True, blank=True)
    result_time_us = models.BigIntegerField(null=True, blank=True)
    result = models.FloatField(null=True, blank=True)
    result_json = models.TextField(null=True, blank=True)
    result_quality = models.TextField(null=True, blank=True)
    valid_us = models.BigIntegerField(null=True, blank=True)
    valid_end_us = models.BigIntegerField(null=True, blank=True)
    parameters = models.TextField(null=True, blank=True)
    message_id = models.CharField(max_length=64, blank=True, default="")
    known_us = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["datastream_id", "message_id", "exercise_id"], condition=~models.Q(message_id=""),
                name="observation_once",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["exercise_id", "datastream_id", "phenomenon_us"], name="observation_recent"),
            models.Index(fields=["feature"], condition=models.Q(feature__isnull=False), name="observation_feature"),
            models.Index(
                fields=["datastream_id", "phenomenon_end_us"], condition=models.Q(phenomenon_end_us__isnull=False),
                name="observation_ends",
            ),
            models.Index(
                fields=["datastream_id", "result_time_us"], condition=models.Q(result_time_us__isnull=False),
                name="observation_resulted",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.datastream_id}@{self.phenomenon_us}"


class ObservationGone(models.Model):
    """A stretch of a stream's observations in columns that was deleted (both ends included), and how many it held."""

    datastream_id = models.BigIntegerField(db_index=True)
    first_us = models.BigIntegerField()
    last_us = models.BigIntegerField()
    count = models.BigIntegerField()
    gone_us = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.datastream_id}@{self.first_us}"


class ObservationCount(models.Model):
    """How many rows a stream has in the table of observations, drills left out; the database's triggers keep it exact.

    On PostgreSQL what `ObservationCountPart` has comes on top.
    """

    datastream_id = models.BigIntegerField(primary_key=True)
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.datastream_id)


class ObservationCountPart(models.Model):
    """What one statement has added to the rows of a stream (or taken, below nought); PostgreSQL's triggers write it.

    Many write at once there, and would wait for each other at a counter.
    """

    datastream_id = models.BigIntegerField(db_index=True)
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.datastream_id)


class EntityPast(models.Model):
    """How a row of a table (`kind`) was from an instant until before another, as JSON; the database writes it down."""

    kind = models.CharField(max_length=48)
    key = models.BigIntegerField()
    since_us = models.BigIntegerField(null=True)
    until_us = models.BigIntegerField()
    row = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["kind", "until_us"], name="entity_past")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class EntitySince(models.Model):
    """Since when a row of a table (`kind`) is as it is; the database writes it down."""

    kind = models.CharField(max_length=48)
    key = models.BigIntegerField()
    since_us = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="entity_since")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class DeviceKey(models.Model):
    """Whose key may write through SensorThings; only a digest of the key is kept.

    With a `thing` it may only add observations to that thing's datastreams; with `chooses_ids` it may say which id
    what it makes is to have.
    """

    id = models.CharField(primary_key=True, max_length=26)
    digest = models.CharField(max_length=64, unique=True)
    owner = models.CharField(max_length=80)
    thing = models.ForeignKey(Thing, null=True, blank=True, on_delete=models.CASCADE)
    made_by = models.CharField(max_length=26)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    chooses_ids = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.id


class EntityChange(models.Model):
    """An entity that was made or changed, written with the change itself, until subscribers have been told.

    `names` are the properties that changed, with commas. `document` is the entity as it was then, as JSON text; null
    where it is read when it is told, as observations are.
    """

    position = models.BigAutoField(primary_key=True)
    title = models.CharField(max_length=20)
    key = models.CharField(max_length=60)
    is_new = models.BooleanField()
    names = models.CharField(max_length=300, blank=True, default="")
    document = models.TextField(null=True)

    def __str__(self) -> str:
        return f"{self.title} {self.key}"


class ChangeFeed(models.Model):
    """Who tells subscribers of changes; while there is none, changes are not written down.

    `titles` are the types of entities, with commas; `takes` says that clients may create what they send to the broker;
    `asked` are the forms of topics for which the broker has said that somebody asked, a line each; `streams` the ids of
    the only datastreams of whose observations anything is told, with commas, or nothing where of any.
    """

    name = models.CharField(primary_key=True, max_length=60)
    titles = models.CharField(max_length=200)
    broker = models.CharField(max_length=200)
    takes = models.BooleanField(default=False)
    asked = models.TextField(blank=True, default="")
    streams = models.TextField(blank=True, default="")
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class TakenMessage(models.Model):
    """What a broker's message of a number said, and in which `place` it came, so that one sent again counts once."""

    number = models.IntegerField(primary_key=True)
    digest = models.CharField(max_length=64)
    place = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.number)


class AnsweredUpload(models.Model):
    """What was answered to readings that came in one request under a key of its sender's, so that it counts once."""

    id = models.CharField(primary_key=True, max_length=26)
    digest = models.CharField(max_length=64)
    answer = models.TextField()
    answered_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.id


class Report(models.Model):
    """A call, or a report from the portal: category, place and time.

    A call's words are kept as a keyed digest only; words and photos of a report lie in the sealed `packet` of the gate.
    The caller's digest is made with a key that changes every day, so it tells two callers apart and follows nobody.
    """

    CALL, WEB = "call", "web"

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    category = models.CharField(max_length=40)
    lon = models.FloatField()
    lat = models.FloatField()
    cell = models.BigIntegerField()
    reported_at = models.DateTimeField(db_index=True)
    caller_digest = models.CharField(max_length=64)
    text_digest = models.CharField(max_length=64, blank=True, default="")
    source = models.CharField(max_length=8, default=CALL)
    packet = models.BigIntegerField(null=True, blank=True)
    has_words = models.BooleanField(default=False)
    photos = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["reported_at"], condition=models.Q(packet__isnull=False), name="report_sealed"),
        ]

    def __str__(self) -> str:
        return self.id


class SceneEvent(models.Model):
    """What a camera noticed; `still` is the name of a masked picture in the stills' folder, or empty."""

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    camera_id = models.BigIntegerField()
    category = models.CharField(max_length=40)
    lon = models.FloatField()
    lat = models.FloatField()
    cell = models.BigIntegerField()
    noticed_at = models.DateTimeField(db_index=True)
    still = models.CharField(max_length=40, blank=True, default="")

    def __str__(self) -> str:
        return self.id


class RejectedSignal(models.Model):
    """How many signals of one batch were set aside for one reason; never what they said."""

    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    kind = models.CharField(max_length=12)
    code = models.CharField(max_length=24)
    count = models.IntegerField()
    rejected_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.code}"
