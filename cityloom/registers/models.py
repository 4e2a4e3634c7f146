"""What the city knows to be there: buildings, dwellings, who lives where, places, roads, mains, land, areas.

Geometries are WKB in WGS 84, longitude first. Ids follow the order of the H3 cells, so that neighbours are stored
together; the large tables refer to each other by plain numbers.
"""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

_RECORD = ("id", "source_id", "key", "closed_by", "valid_from", "is_gone", "digest")
_SHAPED = ("large", "cell", "lon", "lat", "geometry")
_CLEAR = {
    "PlaceByAddress": ("id", "level", "lon", "lat", "within_m", "building_id", "reason", "data_version"),
    "City": (
        "id", "name", "kind", "is_synthetic", "attribution", "timezone", "west", "south", "east", "north",
        "data_version", "seed", "built_at", "counts", "reaches", "busiest", "synthesised", "defects",
    ),
    "Building": (
        "id", "large", "cell", "lon", "lat", "reach_m", "use", "levels", "height_m", "gross_floor_m2", "dwellings",
        "first_dwelling_id", "people_day", "street", "house_number", "name", "unit_id", "made_up", "source_ref",
        "address_level", "address_m", "address_ref", "footprint",
    ),
    "Dwelling": ("id", "building_id", "label"),
    "Resident": ("subject", "dwelling_id"),
    "Place": (
        "id", "cell", "kind", "name", "lon", "lat", "building_id", "area_m2", "shelter_places", "indoors", "made_up",
    ),
    "RoadNode": ("id", "lon", "lat"),
    "RoadSegment": (
        "id", "cell", "start_id", "end_id", "name", "name_zh", "kind", "length_m", "walkable", "drivable", "geometry",
    ),
    "Main": ("id", "cell", "kind", "diameter_mm", "street", "made_up", "geometry"),
    "Valve": ("id", "cell", "kind", "main_id", "lon", "lat", "street", "made_up"),
    "Land": ("id", "cell", "kind", "name", "geometry"),
    "Area": ("id", "kind", "name", "name_zh", "geometry"),
    "ZonePlan": (
        "id", "name", "state", "based_on", "data_version", "seed", "wanted", "weights", "counties", "communities",
        "figures", "made_by", "made_at", "changed_at", "published_by", "published_at", "valid_from", "valid_until",
    ),
    "ZoneGrid": ("plan", "cell", "zone", "community", "load"),
    "WorkZone": (
        "id", "plan", "number", "code", "unit_id", "subdistrict_id", "cells", "load", "share", "area_m2",
        "compactness", "reason", "outline",
    ),
    "Name": ("id", "folded", "kind", "row_id", "about", "name", "name_zh", "lon", "lat"),
    "Source": ("id", "name"),
    "Load": (
        "number", "source_id", "register", "file_name", "file_digest", "file_bytes", "mapping", "mapping_digest",
        "header", "as_of", "state", "rows", "rows_done", "counts", "notes", "returns", "started_at",
        "finished_at", "loaded_by", "hides_from", "is_settled",
    ),
    "SetAside": ("id", "load", "source_id", "row", "findings", "texts", "back_in"),
    "OrganisationRecord": (
        *_RECORD, "name", "folded", "kind", "status", "address", "division", "registered_on", "ended_on", "capital_fen",
        "industry", "owner", "lon", "lat", "cell", "packet",
    ),
    "BuildingRecord": (
        *_RECORD, "name", "folded", "address", "division", "use", "levels", "height_m", "area_m2", "built_on", "lon",
        "lat", "cell",
    ),
    "DwellingRecord": (
        *_RECORD, "building", "address", "division", "floor", "door", "area_m2", "use", "registered_on", "packet",
    ),
    "SurvivorshipRules": ("number", "text", "digest", "reason", "set_by", "set_at"),
    "CorrectionRequest": (
        "id", "register", "key", "field", "packet", "state", "asked_by", "asked_at", "decided_by", "decided_at",
        "reason", "load",
    ),
    "RecordLink": (
        "id", "register", "left_key", "right_key", "left_record", "right_record", "left_source", "right_source",
        "weight", "probability", "parts", "state", "found_at", "is_compared",
    ),
    "LinkDecision": ("id", "link", "state", "by", "at", "reason"),
    "Comparison": ("load", "register", "source_id", "counts", "found", "at"),
    "Disagreement": (
        "id", "register", "key", "other_key", "field", "source_a", "source_b", "record_a", "record_b", "found_by",
        "said", "state", "right", "by", "at", "reason", "past",
    ),
    "AddressRecord": (
        *_RECORD, "address", "folded", "division", "street", "house_number", "building", "lon", "lat",
    ),
    "ParcelRecord": (
        *_RECORD, *_SHAPED, "land_use", "address", "division", "area_m2", "right_kind", "registered_on", "ended_on",
        "packet",
    ),
    "PlaceRecord": (
        *_RECORD, *_SHAPED, "name", "folded", "kind", "status", "address", "division", "capacity", "opening",
        "opened_on", "operator", "building",
    ),
    "ComponentRecord": (
        *_RECORD, "name", "state", "department", "owner_unit", "upkeep_unit", "operator", "address", "installed_on",
        "lon", "lat", "cell",
    ),
    "RoadRecord": (
        *_RECORD, *_SHAPED, "name", "folded", "kind", "division", "lanes", "width_m", "surface", "opened_on",
        "operator",
    ),
    "MainRecord": (
        *_RECORD, *_SHAPED, "network", "kind", "diameter_mm", "length_m", "roughness", "material", "depth_m",
        "laid_on", "state", "begin_fitting", "end_fitting", "division", "operator",
    ),
    "FittingRecord": (
        *_RECORD, "network", "kind", "elevation_m", "demand_ls", "state", "installed_on", "division", "operator", "lon",
        "lat", "cell",
    ),
    "PersonRecord": (*_RECORD, "identity", "subject", "dwelling_id"),
}  # fmt: skip
CLASSIFICATION: dict[str, dict[str, str]] = {model: dict.fromkeys(fields, "clear") for model, fields in _CLEAR.items()}


class RowIdField(models.BigIntegerField):
    """A 64-bit key that is the row's own place on SQLite, so that the table is one tree and an index on it covers."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)


class City(models.Model):
    """The city as a whole, in one row.

    `reaches` holds the largest extent of each table's geometries in metres, `busiest` the cells with most dwellings.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=16)
    is_synthetic = models.BooleanField()
    attribution = models.CharField(max_length=200, blank=True)
    timezone = models.CharField(max_length=64)
    west = models.FloatField()
    south = models.FloatField()
    east = models.FloatField()
    north = models.FloatField()
    data_version = models.CharField(max_length=26)
    seed = models.BigIntegerField()
    built_at = models.DateTimeField()
    counts = models.JSONField(default=dict)
    reaches = models.JSONField(default=dict)
    busiest = models.JSONField(default=list)
    synthesised = models.JSONField(default=dict)
    defects = models.JSONField(default=dict)


class Building(models.Model):
    """A building; `large` ones reach far from their centre and are searched for on their own.

    `address_level` says where street and number come from (`building_addresses.AddressLevel`).
    """

    id = RowIdField(primary_key=True)
    large = models.SmallIntegerField()
    cell = models.BigIntegerField()
    lon = models.FloatField()
    lat = models.FloatField()
    reach_m = models.FloatField()
    use = models.CharField(max_length=16, blank=True)
    levels = models.SmallIntegerField()
    height_m = models.FloatField(null=True)
    gross_floor_m2 = models.FloatField()
    dwellings = models.IntegerField()
    first_dwelling_id = models.BigIntegerField()
    people_day = models.IntegerField()
    street = models.CharField(max_length=200, blank=True)
    house_number = models.CharField(max_length=60, blank=True)
    name = models.CharField(max_length=200, blank=True)
    unit_id = models.CharField(max_length=80)
    made_up = models.SmallIntegerField()
    source_ref = models.CharField(max_length=60, blank=True)
    address_level = models.SmallIntegerField(default=0)
    address_m = models.FloatField(default=0)
    address_ref = models.CharField(max_length=60, blank=True, default="")
    footprint = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(fields=["large", "cell"], name="registers_building_cell"),
            models.Index(fields=["street", "house_number"], name="registers_building_address"),
        ]


class Dwelling(models.Model):
    """A dwelling; those of a building have consecutive ids from its `first_dwelling_id`. `label` is floor and door."""

    id = RowIdField(primary_key=True)
    building_id = models.BigIntegerField()
    label = models.IntegerField()


class Resident(models.Model):
    """Who lives in which dwelling; those who share one are a household."""

    subject = RowIdField(primary_key=True)
    dwelling_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["dwelling_id"], name="registers_resident_dwelling")]


class Place(models.Model):
    """A school, hospital, park or other place; `shelter_places` is 0 where nobody can be sheltered."""

    id = RowIdField(primary_key=True)
    cell = models.BigIntegerField()
    kind = models.CharField(max_length=24)
    name = models.CharField(max_length=200)
    lon = models.FloatField()
    lat = models.FloatField()
    building_id = models.BigIntegerField(null=True)
    area_m2 = models.FloatField(null=True)
    shelter_places = models.IntegerField()
    indoors = models.BooleanField()
    made_up = models.SmallIntegerField()

    class Meta:
        indexes = [models.Index(fields=["cell"], name="registers_place_cell")]


class RoadNode(models.Model):
    """Where segments meet or end."""

    id = RowIdField(primary_key=True)
    lon = models.FloatField()
    lat = models.FloatField()


class RoadSegment(models.Model):
    """A piece of road between two nodes; `cell` is that of its middle."""

    id = RowIdField(primary_key=True)
    cell = models.BigIntegerField()
    start_id = models.BigIntegerField()
    end_id = models.BigIntegerField()
    name = models.CharField(max_length=200, blank=True)
    name_zh = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=24)
    length_m = models.FloatField()
    walkable = models.BooleanField()
    drivable = models.BooleanField()
    geometry = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["cell"], name="registers_road_cell")]


class Main(models.Model):
    """A water, sewer or gas main."""

    id = RowIdField(primary_key=True)
    cell = models.BigIntegerField()
    kind = models.CharField(max_length=16)
    diameter_mm = models.IntegerField()
    street = models.CharField(max_length=200, blank=True)
    made_up = models.SmallIntegerField()
    geometry = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["cell"], name="registers_main_cell")]


class Valve(models.Model):
    """A valve on a main."""

    id = RowIdField(primary_key=True)
    cell = models.BigIntegerField()
    kind = models.CharField(max_length=16)
    main_id = models.BigIntegerField()
    lon = models.FloatField()
    lat = models.FloatField()
    street = models.CharField(max_length=200, blank=True)
    made_up = models.SmallIntegerField()

    class Meta:
        indexes = [models.Index(fields=["cell"], name="registers_valve_cell")]


class Land(models.Model):
    """Water, green and other uses of the ground."""

    id = RowIdField(primary_key=True)
    cell = models.BigIntegerField()
    kind = models.CharField(max_length=16)
    name = models.CharField(max_length=200, blank=True)
    geometry = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["cell"], name="registers_land_cell")]


class Area(models.Model):
    """A named district, subdistrict or neighbourhood of the source."""

    id = RowIdField(primary_key=True)
    kind = models.CharField(max_length=24)
    name = models.CharField(max_length=200)
    name_zh = models.CharField(max_length=200, blank=True)
    geometry = models.BinaryField()


class Name(models.Model):
    """What a street, place, building or area is called, once from each word on: `folded`, the bytes that are compared.

    As bytes, they are in the same order in every database, whatever its language.
    """

    id = RowIdField(primary_key=True)
    folded = models.BinaryField()
    kind = models.CharField(max_length=16)
    row_id = models.BigIntegerField()
    about = models.CharField(max_length=24, blank=True)
    name = models.CharField(max_length=200, blank=True)
    name_zh = models.CharField(max_length=200, blank=True)
    lon = models.FloatField()
    lat = models.FloatField()

    class Meta:
        indexes = [models.Index(fields=["folded"], name="registers_name_folded")]


class ZonePlan(models.Model):
    """A division of the city into work zones: a draft that planners change, or published and in force from a day on.

    `communities` are the units that the numbers in its grid mean; `figures` sum up what `WorkZone` says in full.
    """

    STATES = [(state, state) for state in ("draft", "published")]

    id = models.CharField(primary_key=True, max_length=26)
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=12, choices=STATES, default="draft")
    based_on = models.CharField(max_length=26, blank=True, default="")
    data_version = models.CharField(max_length=26)
    seed = models.BigIntegerField()
    wanted = models.IntegerField()
    weights = models.JSONField()
    counties = models.JSONField(default=dict)
    communities = models.JSONField()
    figures = models.JSONField(default=dict)
    made_by = models.CharField(max_length=26)
    made_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    published_by = models.CharField(max_length=26, blank=True, default="")
    published_at = models.DateTimeField(null=True)
    valid_from = models.DateField(null=True)
    valid_until = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "valid_from"], name="registers_zoneplan_force")]


class ZoneGrid(models.Model):
    """The cells of a plan as columns of little-endian numbers: `cell` ascending (i8), `zone` (i4), `community` (i4) and
    `load` (f8) of each."""

    plan = models.OneToOneField(ZonePlan, primary_key=True, on_delete=models.CASCADE, related_name="grid")
    cell = models.BinaryField()
    zone = models.BinaryField()
    community = models.BinaryField()
    load = models.BinaryField()


class WorkZone(models.Model):
    """A zone of a plan; `share` is its load in shares of the mean of its subdistrict, `reason` why it is not even."""

    plan = models.ForeignKey(ZonePlan, on_delete=models.CASCADE, related_name="zones")
    number = models.IntegerField()
    code = models.CharField(max_length=15)
    unit_id = models.CharField(max_length=80)
    subdistrict_id = models.CharField(max_length=80)
    cells = models.IntegerField()
    load = models.FloatField()
    share = models.FloatField()
    area_m2 = models.FloatField()
    compactness = models.FloatField()
    reason = models.CharField(max_length=16, blank=True)
    outline = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="registers_workzone_number"),
            models.UniqueConstraint(fields=["plan", "code"], name="registers_workzone_code"),
        ]
        indexes = [models.Index(fields=["plan", "subdistrict_id"], name="registers_workzone_unit")]


class Source(models.Model):
    """A department that sends files, by its short name."""

    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=60, unique=True)


NOBODY = 2**63 - 1
"""Higher than every subject."""


class Load(models.Model):
    """One file as it came into a register; numbers are given in the order in which loads become known.

    What it wrote is seen by nobody before `state` is `done`. `header` is the file's, so that the next one can be
    compared; `returns` is the load whose rows were corrected and come back, 0 for a file of its own. People whose
    subject is `hides_from` or higher are new with it: while it is `running` nobody counts them. `is_settled`: what
    follows from it for people who were there before is done.
    """

    RUNNING, DONE, GIVEN_UP = "running", "done", "given-up"

    number = models.IntegerField(primary_key=True)
    source_id = models.SmallIntegerField()
    register = models.CharField(max_length=24)
    file_name = models.CharField(max_length=200)
    file_digest = models.CharField(max_length=64)
    file_bytes = models.BigIntegerField()
    mapping = models.TextField()
    mapping_digest = models.CharField(max_length=64)
    header = models.JSONField(default=list)
    as_of = models.DateField()
    state = models.CharField(max_length=12)
    rows = models.BigIntegerField(default=0)
    rows_done = models.BigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    notes = models.JSONField(default=list)
    returns = models.IntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    loaded_by = models.CharField(max_length=64)
    hides_from = models.BigIntegerField(default=NOBODY)
    is_settled = models.BooleanField(default=True)

    class Meta:
        indexes = [
            models.Index(fields=["source_id", "file_digest"], name="registers_load_file"),
            models.Index(fields=["finished_at"], name="registers_load_finished"),
        ]


FIRST_HIDDEN = (
    f"(SELECT coalesce(min(hides_from), {NOBODY}) FROM registers_load WHERE state = '{Load.RUNNING}')"  # noqa: S608
)
"""SQL: the lowest subject that nobody counts yet, as its file is not loaded to its end."""


class SetAside(models.Model):
    """A row that broke a rule and waits for a correction; the id is that of the record it would have been.

    `texts` is the row where its file tells nothing about people, else None: then it stays in the file alone.
    """

    id = RowIdField(primary_key=True)
    load = models.IntegerField()
    source_id = models.SmallIntegerField()
    row = models.BigIntegerField()
    findings = models.JSONField(default=list)
    texts = models.JSONField(null=True)
    back_in = models.IntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["load", "row"], name="registers_aside_load")]


OPEN = 2**31 - 1
"""`closed_by` of what a source still says."""


class Record(models.Model):
    """What a source says of an entry, from one row of one load: never changed, only followed by another.

    The id is `load << 32 | row`, so that it tells where it is from and when it became known. `closed_by` is the load
    that brought the source's next word; `valid_from` the day since when it is true; `is_gone` says that the source has
    the entry no more. `digest` is keyed: it tells whether a new row says the same.
    """

    id = RowIdField(primary_key=True)
    source_id = models.SmallIntegerField()
    key = models.CharField(max_length=64)
    closed_by = models.IntegerField(default=OPEN)
    valid_from = models.DateField()
    is_gone = models.BooleanField(default=False)
    digest = models.BigIntegerField()

    class Meta:
        abstract = True

    @classmethod
    def still_said(cls, load: int) -> models.QuerySet[Self]:
        """What sources still said when a load was the last that was known; a later one may have closed it meanwhile."""
        return cls._default_manager.filter(closed_by__gt=load, is_gone=False, id__lt=(load + 1) << 32)


class SurvivorshipRules(models.Model):
    """Rules on which source is believed, as a steward wrote them: the last holds, earlier ones for their days."""

    number = models.AutoField(primary_key=True)
    text = models.TextField()
    digest = models.CharField(max_length=64)
    reason = models.CharField(max_length=300, blank=True)
    set_by = models.CharField(max_length=64)
    set_at = models.DateTimeField()


class Comparison(models.Model):
    """That what a load brought was compared with what other sources say: `counts` by other source and field, each the
    entries of which both say something and those of which they say different things; `found` how many are news."""

    load = models.IntegerField(primary_key=True)
    register = models.CharField(max_length=24)
    source_id = models.SmallIntegerField()
    counts = models.JSONField(default=dict)
    found = models.IntegerField()
    at = models.DateTimeField()


class RecordLink(models.Model):
    """Two entries of a register that may be one, though nothing they share names it: never what their records say.

    The entry with the smaller key is the left one. `parts` are comparison, what held and bits. `state` is that of the
    last decision; for people the keys are those of the records of the register of people. `is_compared` says that what
    both say was compared since the pair was last joined, or parted.
    """

    id = models.BigAutoField(primary_key=True)
    register = models.CharField(max_length=24)
    left_key = models.CharField(max_length=64)
    right_key = models.CharField(max_length=64)
    left_record = models.BigIntegerField()
    right_record = models.BigIntegerField()
    left_source = models.SmallIntegerField()
    right_source = models.SmallIntegerField()
    weight = models.FloatField()
    probability = models.FloatField()
    parts = models.JSONField(default=list)
    state = models.CharField(max_length=12)
    found_at = models.DateTimeField()
    is_compared = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["register", "left_key", "right_key"], name="registers_link_pair"),
        ]
        indexes = [
            models.Index(fields=["state", "register", "found_at"], name="registers_link_queue"),
            models.Index(fields=["register", "right_key"], name="registers_link_right"),
        ]


class LinkDecision(models.Model):
    """What was found or decided of a pair, by whom and why: rows are added, and never changed."""

    id = models.BigAutoField(primary_key=True)
    link = models.ForeignKey(RecordLink, on_delete=models.PROTECT, related_name="decisions")
    state = models.CharField(max_length=12)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True, default="")


class Disagreement(models.Model):
    """That two sources say different things of a field; not what they say, which stands in their records.

    `source_a` is the one with the smaller number. `said` is a keyed digest of both values, 0 for a sealed field: a
    decision holds until it changes. `right` is the source that a steward found to be right, 0 where both may stand;
    `past` holds earlier decisions with the load that ended them. Of joined entries `key` is that of `source_a`,
    `other_key` that of `source_b`; it is empty where both know the entry under one key. `found_by` is 0 where joining
    found it.
    """

    OPEN, SETTLED, ACCEPTED, ENDED = "open", "settled", "accepted", "ended"
    STATES = [(state, state) for state in (OPEN, SETTLED, ACCEPTED, ENDED)]

    id = models.BigAutoField(primary_key=True)
    register = models.CharField(max_length=24)
    key = models.CharField(max_length=64)
    other_key = models.CharField(max_length=64, blank=True, default="")
    field = models.CharField(max_length=40)
    source_a = models.SmallIntegerField()
    source_b = models.SmallIntegerField()
    record_a = models.BigIntegerField()
    record_b = models.BigIntegerField()
    found_by = models.IntegerField()
    said = models.BigIntegerField(default=0)
    state = models.CharField(max_length=12, choices=STATES, default=OPEN)
    right = models.SmallIntegerField(default=0)
    by = models.CharField(max_length=64, blank=True, default="")
    at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True, default="")
    past = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "register", "field", "source_a", "source_b", "other_key"],
                                    name="registers_disagreement_pair"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["state", "register", "field", "id"], name="registers_disagreement_list"),
            models.Index(fields=["found_by"], name="registers_disagreement_load"),
            models.Index(fields=["other_key"], name="registers_disagreement_other"),
        ]


class CorrectionRequest(models.Model):
    """That somebody asks to have a field of an entry corrected; what it should say and why is in a sealed packet.

    `key` is empty for the asker's own entry among people: whom that is, only the gate knows. `reason` is the steward's,
    shown to the asker; `load` made a granted correction known.
    """

    ASKED, GRANTED, REFUSED, WITHDRAWN = "asked", "granted", "refused", "withdrawn"
    STATES = [(state, state) for state in (ASKED, GRANTED, REFUSED, WITHDRAWN)]

    id = models.CharField(primary_key=True, max_length=26)
    register = models.CharField(max_length=24)
    key = models.CharField(max_length=64, blank=True)
    field = models.CharField(max_length=40)
    packet = models.BigIntegerField(null=True)
    state = models.CharField(max_length=12, choices=STATES, default=ASKED)
    asked_by = models.CharField(max_length=64)
    asked_at = models.DateTimeField()
    decided_by = models.CharField(max_length=64, blank=True, default="")
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True, default="")
    load = models.IntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "asked_at"], name="registers_correction_state"),
            models.Index(fields=["asked_by", "asked_at"], name="registers_correction_asker"),
        ]


class OrganisationRecord(Record):
    """A company or another organisation; who represents it is in a sealed packet."""

    name = models.CharField(max_length=200, blank=True)
    folded = models.BinaryField(default=b"")
    kind = models.CharField(max_length=24, blank=True)
    status = models.CharField(max_length=24, blank=True)
    address = models.CharField(max_length=300, blank=True)
    division = models.CharField(max_length=12, blank=True)
    registered_on = models.DateField(null=True)
    ended_on = models.DateField(null=True)
    capital_fen = models.BigIntegerField(null=True)
    industry = models.CharField(max_length=60, blank=True)
    owner = models.CharField(max_length=64, blank=True)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    cell = models.BigIntegerField(null=True)
    packet = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["key"], name="registers_organisation_key"),
            models.Index(fields=["folded"], name="registers_organisation_name"),
            models.Index(fields=["cell"], name="registers_organisation_cell"),
        ]


class BuildingRecord(Record):
    """A building as a department has it."""

    name = models.CharField(max_length=200, blank=True)
    folded = models.BinaryField(default=b"")
    address = models.CharField(max_length=300, blank=True)
    division = models.CharField(max_length=12, blank=True)
    use = models.CharField(max_length=24, blank=True)
    levels = models.IntegerField(null=True)
    height_m = models.FloatField(null=True)
    area_m2 = models.FloatField(null=True)
    built_on = models.DateField(null=True)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    cell = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["key"], name="registers_buildingrec_key"),
            models.Index(fields=["folded"], name="registers_buildingrec_name"),
            models.Index(fields=["cell"], name="registers_buildingrec_cell"),
        ]


class DwellingRecord(Record):
    """A dwelling as a department has it; who owns it is in a sealed packet."""

    building = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=300, blank=True)
    division = models.CharField(max_length=12, blank=True)
    floor = models.IntegerField(null=True)
    door = models.CharField(max_length=40, blank=True)
    area_m2 = models.FloatField(null=True)
    use = models.CharField(max_length=24, blank=True)
    registered_on = models.DateField(null=True)
    packet = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["key"], name="registers_dwellingrec_key"),
            models.Index(fields=["building"], name="registers_dwellingrec_house"),
        ]


class AddressRecord(Record):
    """An address as a department has it."""

    address = models.CharField(max_length=300, blank=True)
    folded = models.BinaryField(default=b"")
    division = models.CharField(max_length=12, blank=True)
    street = models.CharField(max_length=200, blank=True)
    house_number = models.CharField(max_length=60, blank=True)
    building = models.CharField(max_length=64, blank=True)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["key"], name="registers_addressrec_key"),
            models.Index(fields=["folded"], name="registers_addressrec_name"),
        ]


class ShapedRecord(Record):
    """A record with a geometry: WKB in WGS 84, longitude first.

    `cell` is where its middle lies, of the coarse size; `large` is 1 where it reaches far from there, and is searched
    for with a wider margin.
    """

    large = models.SmallIntegerField(default=0)
    cell = models.BigIntegerField(null=True)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    geometry = models.BinaryField(null=True)

    class Meta:
        abstract = True


class ParcelRecord(ShapedRecord):
    """A parcel of land as a department has it; who holds the right to it is in a sealed packet."""

    land_use = models.CharField(max_length=8, blank=True)
    address = models.CharField(max_length=300, blank=True)
    division = models.CharField(max_length=12, blank=True)
    area_m2 = models.FloatField(null=True)
    right_kind = models.CharField(max_length=24, blank=True)
    registered_on = models.DateField(null=True)
    ended_on = models.DateField(null=True)
    packet = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["key"], name="registers_parcelrec_key"),
            models.Index(fields=["large", "cell"], name="registers_parcelrec_cell"),
        ]


class PlaceRecord(ShapedRecord):
    """A facility as a department has it: a school, a clinic, a park, a shelter."""

    name = models.CharField(max_length=200, blank=True)
    folded = models.BinaryField(default=b"")
    kind = models.CharField(max_length=24, blank=True)
    status = models.CharField(max_length=24, blank=True)
    address = models.CharField(max_length=300, blank=True)
    division = models.CharField(max_length=12, blank=True)
    capacity = models.IntegerField(null=True)
    opening = models.CharField(max_length=300, blank=True)
    opened_on = models.DateField(null=True)
    operator = models.CharField(max_length=64, blank=True)
    building = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["key"], name="registers_placerec_key"),
            models.Index(fields=["folded"], name="registers_placerec_name"),
            models.Index(fields=["large", "cell"], name="registers_placerec_cell"),
            models.Index(fields=["operator"], name="registers_placerec_operator"),
        ]


class ComponentRecord(Record):
    """A city component; its key says its area and its class (GB/T 30428.2)."""

    name = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=24, blank=True)
    department = models.CharField(max_length=120, blank=True)
    owner_unit = models.CharField(max_length=120, blank=True)
    upkeep_unit = models.CharField(max_length=120, blank=True)
    operator = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=300, blank=True)
    installed_on = models.DateField(null=True)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    cell = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["key"], name="registers_componentrec_key"),
            models.Index(fields=["cell"], name="registers_componentrec_cell"),
        ]


class RoadRecord(ShapedRecord):
    """A piece of a road as a department has it."""

    name = models.CharField(max_length=200, blank=True)
    folded = models.BinaryField(default=b"")
    kind = models.CharField(max_length=24, blank=True)
    division = models.CharField(max_length=12, blank=True)
    lanes = models.IntegerField(null=True)
    width_m = models.FloatField(null=True)
    surface = models.CharField(max_length=24, blank=True)
    opened_on = models.DateField(null=True)
    operator = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["key"], name="registers_roadrec_key"),
            models.Index(fields=["folded"], name="registers_roadrec_name"),
            models.Index(fields=["large", "cell"], name="registers_roadrec_cell"),
        ]


class MainRecord(ShapedRecord):
    """A segment of a utility network as its operator has it, between two fittings."""

    network = models.CharField(max_length=24, blank=True)
    kind = models.CharField(max_length=24, blank=True, default="")
    diameter_mm = models.FloatField(null=True)
    length_m = models.FloatField(null=True)
    roughness = models.FloatField(null=True)
    material = models.CharField(max_length=24, blank=True)
    depth_m = models.FloatField(null=True)
    laid_on = models.DateField(null=True)
    state = models.CharField(max_length=24, blank=True)
    begin_fitting = models.CharField(max_length=64, blank=True)
    end_fitting = models.CharField(max_length=64, blank=True)
    division = models.CharField(max_length=12, blank=True)
    operator = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["key"], name="registers_mainrec_key"),
            models.Index(fields=["large", "cell"], name="registers_mainrec_cell"),
            models.Index(fields=["begin_fitting"], name="registers_mainrec_start"),
            models.Index(fields=["end_fitting"], name="registers_mainrec_end"),
        ]


class FittingRecord(Record):
    """A node of a utility network: a valve, a chamber, a pump, a meter."""

    network = models.CharField(max_length=24, blank=True)
    kind = models.CharField(max_length=24, blank=True)
    elevation_m = models.FloatField(null=True)
    demand_ls = models.FloatField(null=True)
    state = models.CharField(max_length=24, blank=True)
    installed_on = models.DateField(null=True)
    division = models.CharField(max_length=12, blank=True)
    operator = models.CharField(max_length=64, blank=True)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    cell = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["key"], name="registers_fittingrec_key"),
            models.Index(fields=["cell"], name="registers_fittingrec_cell"),
        ]


class PersonRecord(Record):
    """A person as a department has it: everything that it says is sealed (`gate.Envelope`, `gate.EnvelopeVersion`).

    `key` is what the keeper made of the source's own number, `identity` what it made of the identity number, 0 where
    there is none; nobody else can (decision 0026). `dwelling_id` is 0 where the source knows none.
    """

    key = models.BigIntegerField()
    identity = models.BigIntegerField(default=0)
    subject = models.BigIntegerField()
    dwelling_id = models.BigIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["key"], name="registers_personrec_key"),
            models.Index(fields=["identity"], name="registers_personrec_identity"),
            models.Index(fields=["subject"], name="registers_personrec_subject"),
            models.Index(fields=["dwelling_id"], name="registers_personrec_home"),
        ]


class PlaceByAddress(models.Model):
    """Where a record without coordinates is by its address; the id is the record's. Derived, never a source's word."""

    id = RowIdField(primary_key=True)
    level = models.CharField(max_length=12)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    within_m = models.FloatField(null=True)
    building_id = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=200, blank=True)
    data_version = models.CharField(max_length=26)


RECORDS: dict[str, type[Record]] = {
    "organisations": OrganisationRecord, "buildings": BuildingRecord, "dwellings": DwellingRecord,
    "parcels": ParcelRecord, "addresses": AddressRecord, "places": PlaceRecord, "components": ComponentRecord,
    "roads": RoadRecord, "mains": MainRecord, "fittings": FittingRecord, "people": PersonRecord,
}  # fmt: skip
"""The table of each register that files are loaded into."""
SPOKEN = {"organisations": "name", "buildings": "name", "addresses": "address", "places": "name", "roads": "name"}
"""By register the field by whose beginning entries are found; `folded` holds it as it is compared."""
