"""What insight keeps: reviews, studies, alarms of hot spots, and what came of them. Nothing in them names a person."""

from __future__ import annotations

from django.db import models

_ASKED = ("id", "unit", "role", "asked_at", "begun_at", "ended_at", "cancelled_at", "state", "begun", "done", "of",
          "refusal")  # fmt: skip
CLASSIFICATION = {
    "PublishedForecast": dict.fromkeys(
        ("id", "subject", "title", "kind", "study_digest", "digest", "table", "rows", "series", "horizon",
         "first_period", "last_period", "published_at", "unit", "withdrawn_at"), "clear")
    | {"by": "restricted", "withdrawn_by": "restricted", "reason": "restricted"},
    "ForecastActuals": dict.fromkeys(("id", "subject", "file", "sha256", "rows", "table", "arrived_at"), "clear")
    | {"by": "restricted"},
    "ForecastScorecard": dict.fromkeys(("id", "forecast", "actuals", "made_at", "known", "result"), "clear"),
    "Review": dict.fromkeys((*_ASKED, "name", "form", "base", "digest", "asked", "result"), "clear")
    | {"by": "restricted"},
    "StoredStudy": dict.fromkeys((*_ASKED, "kind", "name", "digest", "step", "is_example"), "clear")
    | {"by": "restricted"},
    "BriefedStudy": dict.fromkeys(("study", "since", "until", "unit", "role", "foreseen"), "clear")
    | {"by": "restricted"},
    "HotspotLook": dict.fromkeys(("day", "looked_at", "cases", "places", "categories", "raised"), "clear"),
    "HotspotAlarm": dict.fromkeys(
        ("id", "casetype", "category", "unit", "raised_at", "seen_at", "since_on", "until_on", "lon", "lat", "radius_m",
         "cells", "observed", "expected", "p_value", "recurrence_years", "weeks", "others", "watch", "answer",
         "answered_at", "role", "case"), "clear",
    ) | {"reason": "restricted", "by": "restricted"},
}


class Asked(models.Model):
    """What somebody asked for, and a process of its own makes: `done` counts parts `of` all, `begun` how often a
    process began with it.
    """

    id = models.CharField(primary_key=True, max_length=26)
    by = models.CharField(max_length=26)
    unit = models.CharField(max_length=80, blank=True, default="")
    role = models.CharField(max_length=32, blank=True, default="")
    asked_at = models.DateTimeField(db_index=True)
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=12, db_index=True)
    begun = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    of = models.PositiveIntegerField()
    refusal = models.JSONField(default=dict)

    class Meta:
        abstract = True


class Review(Asked):
    """A review of a process: of a file (`form` is file), of own cases (casetype) or of a kept log (again).

    `name` is the file's name or the case type; `base` is the review whose log is used again. `asked` are the choices of
    `Wanted`, as JSON. The log itself lies in the lake's folder, without ids of cases.
    """

    name = models.CharField(max_length=120)
    form = models.CharField(max_length=12)
    base = models.CharField(max_length=26, blank=True, default="")
    digest = models.CharField(max_length=64, blank=True, default="")
    asked = models.JSONField(default=dict)
    result = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class StoredStudy(Asked):
    """A study that was asked for; question, tables and steps lie in a folder below the lake's.

    `name` is what whoever asked calls it, `step` the step at work, `digest` the study's.
    """

    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    step = models.CharField(max_length=60, blank=True, default="")
    digest = models.CharField(max_length=64, blank=True, default="")
    is_example = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.kind}, {self.name}: {self.state}"


class BriefedStudy(models.Model):
    """A study that somebody put into the risk brief: `foreseen` is what it says may run short, as JSON.

    It stays there until somebody takes it out, or a newer one of the same kind and name takes its place.
    """

    study = models.OneToOneField(StoredStudy, on_delete=models.CASCADE, primary_key=True, related_name="briefed")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, db_index=True)
    by = models.CharField(max_length=26)
    unit = models.CharField(max_length=80, blank=True, default="")
    role = models.CharField(max_length=32, blank=True, default="")
    foreseen = models.JSONField()

    def __str__(self) -> str:
        return f"{self.study_id}: {len(self.foreseen)}"


class HotspotLook(models.Model):
    """A day's look for hot spots: how many cases it was over, in how many places and categories, and what it raised."""

    day = models.DateField(primary_key=True)
    looked_at = models.DateTimeField()
    cases = models.PositiveIntegerField()
    places = models.PositiveIntegerField()
    categories = models.PositiveIntegerField()
    raised = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.day}: {self.raised}"


class HotspotAlarm(models.Model):
    """More cases of a category around a place than its past lets expect, told to the `unit` that answers there.

    `cells` are those of the map, as text. `weeks` are [last day, seen, expected], `others` [category, seen, usual] of
    the same places; what is seen is null where it is below the threshold. `watch` is how was looked. `answer` is ""
    until somebody says what it was; `case` is the one that was opened for it.
    """

    id = models.CharField(primary_key=True, max_length=26)
    casetype = models.CharField(max_length=40)
    category = models.CharField(max_length=40, db_index=True)
    unit = models.CharField(max_length=80, db_index=True)
    raised_at = models.DateTimeField(db_index=True)
    seen_at = models.DateTimeField()
    since_on = models.DateField()
    until_on = models.DateField()
    lon = models.FloatField()
    lat = models.FloatField()
    radius_m = models.FloatField()
    cells = models.JSONField(default=list)
    observed = models.PositiveIntegerField()
    expected = models.FloatField()
    p_value = models.FloatField()
    recurrence_years = models.FloatField()
    weeks = models.JSONField(default=list)
    others = models.JSONField(default=list)
    watch = models.JSONField(default=dict)
    answer = models.CharField(max_length=12, blank=True, default="")
    reason = models.CharField(max_length=600, blank=True, default="")
    answered_at = models.DateTimeField(null=True)
    by = models.CharField(max_length=26, blank=True, default="")
    role = models.CharField(max_length=32, blank=True, default="")
    case = models.CharField(max_length=26, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.category} {self.since_on}"


class PublishedForecast(models.Model):
    """A forecast that was published: `table` holds its rows, packed, `digest` is theirs; nothing of it ever changes.

    Forecasts of one `subject` are vintages of each other. A withdrawal adds when, by whom and why.
    """

    id = models.CharField(primary_key=True, max_length=26)
    subject = models.CharField(max_length=120, db_index=True)
    title = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)
    study_digest = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    table = models.BinaryField()
    rows = models.PositiveIntegerField()
    series = models.PositiveIntegerField()
    horizon = models.PositiveIntegerField()
    first_period = models.CharField(max_length=20)
    last_period = models.CharField(max_length=20)
    published_at = models.DateTimeField(db_index=True)
    by = models.CharField(max_length=26)
    unit = models.CharField(max_length=80, blank=True, default="")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.CharField(max_length=26, blank=True, default="")
    reason = models.CharField(max_length=240, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.title}, {self.first_period} to {self.last_period}"


class ForecastActuals(models.Model):
    """What came of a subject, as it was delivered: a later delivery corrects an earlier one, and both stay."""

    id = models.CharField(primary_key=True, max_length=26)
    subject = models.CharField(max_length=120, db_index=True)
    file = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    table = models.BinaryField()
    arrived_at = models.DateTimeField(db_index=True)
    by = models.CharField(max_length=26)

    def __str__(self) -> str:
        return f"{self.subject}: {self.rows} outcomes"


class ForecastScorecard(models.Model):
    """How a published forecast did, by all that was known when `actuals` came: `result` has a row for all horizons
    (0) and one for each.
    """

    id = models.CharField(primary_key=True, max_length=26)
    forecast = models.ForeignKey(PublishedForecast, models.PROTECT, related_name="scorecards")
    actuals = models.ForeignKey(ForecastActuals, models.PROTECT, related_name="scorecards")
    made_at = models.DateTimeField()
    known = models.PositiveIntegerField()
    result = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.known} outcomes"
