"""Cases, what happened to them, their clocks, and the versions of their types."""

from __future__ import annotations

from django.db import models

CLASSIFICATION = {
    "CaseTypeVersion": {
        "id": "clear", "name": "clear", "number": "clear", "document": "clear", "digest": "clear", "seen_by": "clear",
        "published_by": "clear", "published_at": "clear",
    },
    "Case": {
        "number": "clear", "id": "clear", "exercise_id": "clear", "casetype": "clear", "version": "clear",
        "state": "clear", "is_open": "clear", "category": "clear", "confidentiality": "clear", "unit": "clear",
        "offered_unit": "clear", "handler": "clear", "branch_1": "clear", "branch_2": "clear", "branch_3": "clear",
        "branch_4": "clear", "lon": "clear", "lat": "clear", "cell": "clear", "opened_at": "clear",
        "changed_at": "clear", "closed_at": "clear", "due_at": "clear", "rank": "clear", "result": "clear",
        "matter": "clear", "origin": "clear", "answers": "clear", "sealed": "restricted", "revision": "clear",
        "keep_until": "clear", "made_up": "clear",
    },
    "CaseEvent": {
        "id": "clear", "case": "clear", "revision": "clear", "at": "clear", "kind": "clear", "step": "clear",
        "before": "clear", "after": "clear", "account": "clear", "role": "clear", "unit": "clear",
        "sealed": "restricted", "data": "clear", "objects_about": "clear",
    },
    "CaseClock": {
        "id": "clear", "case": "clear", "clock": "clear", "started_at": "clear", "history": "clear",
        "standing": "clear", "due_at": "clear", "is_provisional": "clear", "was_late": "clear", "rang": "clear",
        "next_at": "clear",
    },
    "CaseLink": {"id": "clear", "case": "clear", "kind": "clear", "other": "clear", "at": "clear"},
    "CaseMember": {
        "id": "clear", "case": "clear", "role": "clear", "account": "clear", "since": "clear", "until": "clear",
    },
    "RoutingVersion": {
        "id": "clear", "number": "clear", "name": "clear", "document": "clear", "digest": "clear", "casetypes": "clear",
        "put_by": "clear", "put_at": "clear",
    },
    "ClassifierVersion": {
        "id": "clear", "number": "clear", "name": "clear", "content": "clear", "digest": "clear", "card": "clear",
        "put_by": "clear", "put_at": "clear",
    },
    "InForce": {
        "id": "clear", "what": "clear", "number": "clear", "digest": "clear", "threshold": "clear", "by": "clear",
        "since": "clear",
    },
    "CaseHeard": {
        "case": "clear", "classifier": "clear", "kinds": "clear", "words": "restricted", "kind": "clear",
        "said": "clear", "put_right": "clear", "is_placed": "clear", "standing": "clear", "at": "clear",
    },
    "DisputeParty": {
        "id": "clear", "case": "clear", "side": "clear", "capacity": "clear", "unit": "clear", "packet": "clear",
        "added_at": "clear", "invited_at": "clear", "heard_at": "clear", "ended_at": "clear",
    },
    "MediationSession": {
        "id": "clear", "case": "clear", "number": "clear", "planned_at": "clear", "place_sealed": "restricted",
        "mediator": "clear", "state": "clear", "absent": "clear", "minutes_sealed": "restricted", "ended_at": "clear",
    },
    "AgreementItem": {
        "id": "clear", "case": "clear", "number": "clear", "side": "clear", "words_sealed": "restricted",
        "until_on": "clear", "state": "clear", "agreed_at": "clear", "checked_at": "clear", "rang": "clear",
    },
    "GeoReportKey": {
        "id": "clear", "digest": "clear", "owner": "clear", "made_by": "clear", "made_at": "clear", "ended_at": "clear",
    },
    "CaseFile": {
        "id": "clear", "case": "clear", "kind": "clear", "media_type": "clear", "size_bytes": "clear",
        "digest": "restricted", "field": "clear", "packet": "clear", "scanner": "clear", "role": "clear",
        "account": "clear", "added_at": "clear", "erased_at": "clear",
    },
    "ReleasedPhoto": {"file": "clear", "content": "clear", "released_by": "clear", "released_at": "clear"},
    "ReleasedWords": {"case": "clear", "words": "clear", "released_by": "clear", "released_at": "clear"},
    "CaseFollower": {
        "id": "clear", "case": "clear", "digest": "restricted", "is_first": "clear", "since": "clear",
        "answered": "clear",
    },
    "CaseVerdict": {
        "id": "clear", "case": "clear", "revision": "clear", "solved": "clear", "satisfaction": "clear", "at": "clear",
    },
    "CaseContact": {"case": "clear", "packet": "clear", "since": "clear"},
    "CaseSketch": {
        "case": "clear", "place": "clear", "kind": "clear", "error_m": "clear", "words": "restricted",
        "numbers": "restricted", "script": "clear", "is_live": "clear",
    },
    "CasePair": {
        "id": "clear", "one": "clear", "other": "clear", "says": "clear", "chance": "clear", "why": "clear",
        "account": "clear", "at": "clear",
    },
    "TableVersion": {
        "id": "clear", "name": "clear", "number": "clear", "document": "clear", "digest": "clear", "casetype": "clear",
        "category": "clear", "published_by": "clear", "published_at": "clear", "withdrawn_by": "clear",
        "withdrawn_at": "clear", "withdrawn_why": "clear",
    },
    "CaseDecision": {
        "id": "clear", "case": "clear", "number": "clear", "at": "clear", "how": "clear", "result": "clear",
        "table": "clear", "rows": "clear", "reasons": "clear", "grounds": "clear", "conditions": "clear",
        "valid_until": "clear", "account": "clear", "role": "clear", "sealed": "restricted",
    },
    "ProcessVersion": {
        "id": "clear", "name": "clear", "number": "clear", "document": "clear", "digest": "clear", "calls": "clear",
        "uploaded_by": "clear", "uploaded_at": "clear",
    },
    "ProcessRun": {
        "id": "clear", "process": "clear", "case": "clear", "state": "clear", "standing": "clear", "revision": "clear",
        "started_at": "clear", "changed_at": "clear", "ended_at": "clear", "in_state": "clear", "why": "clear",
    },
    "ProcessWork": {
        "id": "clear", "run": "clear", "task": "clear", "node": "clear", "kind": "clear", "what": "clear",
        "opened_at": "clear", "due_at": "clear", "done_at": "clear", "done_by": "clear", "outcome": "clear",
        "refusal": "clear", "unit": "clear", "given_to": "clear", "answer": "clear", "ring_at": "clear",
        "rang": "clear", "why": "clear",
    },
}  # fmt: skip

_NAME, _UNIT, _ID = 40, 80, 26
_IN_ORDER = ("exercise_id", "is_open", "rank", "number")
"""How each index of a list ends, so that a page of it is read in its order and nothing else."""


class CaseTypeVersion(models.Model):
    """A case type as it was published; it stays as it is, and another one is another version."""

    id = models.CharField(primary_key=True, max_length=_ID)
    name = models.CharField(max_length=_NAME)
    number = models.PositiveSmallIntegerField()
    document = models.JSONField()
    digest = models.CharField(max_length=64)
    seen_by = models.CharField(max_length=900)
    published_by = models.CharField(max_length=_ID)
    published_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "number"], name="casetype_version_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class Case(models.Model):
    """A matter with an owner and a clock; `number` is what people say, `id` what other capabilities keep.

    `branch_1` to `branch_4` are the units above and with the responsible one, by depth, whose officials see it: all of
    them for an `open` or `internal` case, only the very unit for a `restricted` one, none for a `secret` one. `rank`
    orders a list: microseconds until which it is due where it is open, and since which it is over, negative, where not.
    `matter` is the id of the case that goes on where several are about one thing. `revision` counts its changes.
    """

    number = models.BigAutoField(primary_key=True)
    id = models.CharField(unique=True, max_length=_ID)
    exercise_id = models.CharField(max_length=_ID, default="", blank=True)
    casetype = models.CharField(max_length=_NAME)
    version = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=_NAME)
    is_open = models.BooleanField(default=True)
    category = models.CharField(max_length=_NAME, default="", blank=True)
    confidentiality = models.CharField(max_length=12)
    unit = models.CharField(max_length=_UNIT)
    offered_unit = models.CharField(max_length=_UNIT, default="", blank=True)
    handler = models.CharField(max_length=_ID, default="", blank=True)
    branch_1 = models.CharField(max_length=_UNIT, default="", blank=True)
    branch_2 = models.CharField(max_length=_UNIT, default="", blank=True)
    branch_3 = models.CharField(max_length=_UNIT, default="", blank=True)
    branch_4 = models.CharField(max_length=_UNIT, default="", blank=True)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    cell = models.BigIntegerField(null=True)
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    rank = models.BigIntegerField()
    result = models.CharField(max_length=_NAME, default="", blank=True)
    matter = models.CharField(max_length=_ID, db_index=True)
    origin = models.CharField(max_length=16)
    answers = models.JSONField(default=dict)
    sealed = models.BinaryField(null=True)
    revision = models.PositiveIntegerField(default=1)
    keep_until = models.DateField(null=True)
    made_up = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["casetype", "branch_1", *_IN_ORDER], name="case_list_1"),
            models.Index(fields=["casetype", "branch_2", *_IN_ORDER], name="case_list_2"),
            models.Index(fields=["casetype", "branch_3", *_IN_ORDER], name="case_list_3"),
            models.Index(fields=["casetype", "branch_4", *_IN_ORDER], name="case_list_4"),
            models.Index(fields=["handler", *_IN_ORDER], name="case_of_handler",
                         condition=~models.Q(handler="")),
            models.Index(fields=["offered_unit", *_IN_ORDER], name="case_offered",
                         condition=~models.Q(offered_unit="")),
            models.Index(fields=["casetype", "opened_at"], name="case_opened_at"),
            models.Index(fields=["cell"], name="case_open_at", condition=models.Q(is_open=True)),
            models.Index(fields=["keep_until"], name="case_to_erase", condition=models.Q(keep_until__isnull=False)),
            models.Index(fields=["-number"], name="case_joined", condition=~models.Q(matter=models.F("id"))),
            models.Index(fields=["exercise_id"], name="case_of_exercise", condition=~models.Q(exercise_id="")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.id


class CaseEvent(models.Model):
    """What happened to a case: who, when and why; rows are added and never changed.

    `sealed` is the reason or note, sealed for the case. `objects_about` are things that it is about besides the case:
    `[{"type": "building", "id": "17", "qualifier": "place"}]`, a person only as a subject's number.
    """

    id = models.CharField(primary_key=True, max_length=_ID)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="events", db_index=False)
    revision = models.PositiveIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=16)
    step = models.CharField(max_length=_NAME, default="", blank=True)
    before = models.CharField(max_length=_NAME, default="", blank=True)
    after = models.CharField(max_length=_NAME, default="", blank=True)
    account = models.CharField(max_length=_ID, default="", blank=True)
    role = models.CharField(max_length=_NAME, default="", blank=True)
    unit = models.CharField(max_length=_UNIT, default="", blank=True)
    sealed = models.BinaryField(null=True)
    data = models.JSONField(default=dict)
    objects_about = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "revision"], name="case_event_in_order")]
        indexes = [models.Index(fields=["kind", "at"], name="case_event_at")]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.kind}"


class CaseClock(models.Model):
    """One run of a limit of a case, what happened to it, and how it stands by that.

    `history` is `[["started", "2026-11-02T08:00:00.000Z"], ...]`; `next_at` is when it rings next, and `rang` names
    what it has rung for already.
    """

    id = models.CharField(primary_key=True, max_length=_ID)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="clocks")
    clock = models.CharField(max_length=_NAME)
    started_at = models.DateTimeField()
    history = models.JSONField(default=list)
    standing = models.CharField(max_length=16)
    due_at = models.DateTimeField(null=True)
    is_provisional = models.BooleanField(default=False)
    was_late = models.BooleanField(default=False)
    rang = models.JSONField(default=list)
    next_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_at", "id"], name="case_clock_next", condition=models.Q(next_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.clock}"


class CaseLink(models.Model):
    """What else a case belongs to: a `detection`, `report`, `repair`, `datastream`, `incident` or another `case`."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="links", db_index=False)
    kind = models.CharField(max_length=16)
    other = models.CharField(max_length=60)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "kind", "other"], name="case_link_once")]
        indexes = [models.Index(fields=["kind", "other"], name="case_linked_with")]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.kind} {self.other}"


class CaseMember(models.Model):
    """An account that a case names for a role, as the mediator of a dispute; a secret case is seen by these alone."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="members", db_index=False)
    role = models.CharField(max_length=_NAME)
    account = models.CharField(max_length=_ID)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "role", "account"], name="case_member_once")]
        indexes = [models.Index(fields=["account", "case"], name="case_member_of")]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.role}"


class DisputeParty(models.Model):
    """Somebody on a side of a dispute; who it is and how to reach them is a packet of the gate.

    `unit` is filled where an office of the city is the party: no person is one by it.
    """

    id = models.CharField(primary_key=True, max_length=_ID)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="parties")
    side = models.CharField(max_length=8)
    capacity = models.CharField(max_length=16)
    unit = models.CharField(max_length=_UNIT, default="", blank=True)
    packet = models.BigIntegerField(null=True)
    added_at = models.DateTimeField()
    invited_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.case_id}: {self.side}, {self.capacity}"


class MediationSession(models.Model):
    """A meeting of the sides with the mediator; where it is and what was said is sealed for the case.

    `state` is planned, held, failed or postponed; `absent` names the side that did not appear.
    """

    id = models.CharField(primary_key=True, max_length=_ID)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="sessions", db_index=False)
    number = models.PositiveSmallIntegerField()
    planned_at = models.DateTimeField()
    place_sealed = models.BinaryField(null=True)
    mediator = models.CharField(max_length=_ID)
    state = models.CharField(max_length=12, default="planned")
    absent = models.CharField(max_length=8, default="", blank=True)
    minutes_sealed = models.BinaryField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "number"], name="mediation_session_once")]

    def __str__(self) -> str:
        return f"{self.case_id}: session {self.number}"


class AgreementItem(models.Model):
    """One thing that a side has agreed to do, in words that are sealed, and whether it is done.

    `state` is open, fulfilled, partly, not or dropped; `rang` names what was said about its time already.
    """

    id = models.CharField(primary_key=True, max_length=_ID)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="agreement", db_index=False)
    number = models.PositiveSmallIntegerField()
    side = models.CharField(max_length=8)
    words_sealed = models.BinaryField()
    until_on = models.DateField()
    state = models.CharField(max_length=12, default="open")
    agreed_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    rang = models.CharField(max_length=12, default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "number"], name="agreement_item_once")]
        indexes = [models.Index(fields=["until_on"], name="agreement_item_open", condition=models.Q(state="open"))]

    def __str__(self) -> str:
        return f"{self.case_id}: item {self.number}"


class CaseFollower(models.Model):
    """Somebody who reported the matter and follows it with a secret, of which only a digest is kept; nobody's name.

    `answered` is the revision of the end that they have said their word about, so that nobody says it twice.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="followers", db_index=False)
    digest = models.CharField(max_length=64)
    is_first = models.BooleanField(default=False)
    since = models.DateTimeField()
    answered = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "digest"], name="case_follower_once")]
        indexes = [models.Index(fields=["digest"], name="case_followed")]

    def __str__(self) -> str:
        return str(self.case_id)


class CaseVerdict(models.Model):
    """What one of those who reported a matter says of its end; which of them is not kept.

    `revision` is that of the case when it was said to be done; `solved` is yes, partly or no.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="verdicts")
    revision = models.PositiveIntegerField()
    solved = models.CharField(max_length=6)
    satisfaction = models.PositiveSmallIntegerField(null=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["at"], name="case_verdict_at")]
        constraints = [
            models.CheckConstraint(condition=models.Q(solved__in=("yes", "partly", "no")), name="case_verdict_solved"),
            models.CheckConstraint(condition=models.Q(satisfaction__range=(1, 5)) | models.Q(satisfaction=None),
                                   name="case_verdict_satisfaction"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.case_id}: {self.solved}"


class CaseContact(models.Model):
    """How a reporter may be reached who wants to stay unknown to those who work on the case: a packet of the gate."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="contact")
    packet = models.BigIntegerField()
    since = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.case_id)


class CaseFile(models.Model):
    """A photo or document of a case: name and content lie sealed in a packet of the gate, here is what is counted.

    `field` is the question of the form that it answers; `scanner` what looked through it, "" for nothing.
    """

    id = models.CharField(primary_key=True, max_length=_ID)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="files")
    kind = models.CharField(max_length=12)
    media_type = models.CharField(max_length=90)
    size_bytes = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    field = models.CharField(max_length=_NAME, default="", blank=True)
    packet = models.BigIntegerField(null=True)
    scanner = models.CharField(max_length=40, default="", blank=True)
    role = models.CharField(max_length=_NAME, default="", blank=True)
    account = models.CharField(max_length=_ID, default="", blank=True)
    added_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.id


class ReleasedPhoto(models.Model):
    """A photo that an official has released for everybody to see: looked through, with nobody in it."""

    file = models.OneToOneField(CaseFile, primary_key=True, on_delete=models.CASCADE, related_name="released")
    content = models.BinaryField()
    released_by = models.CharField(max_length=_ID)
    released_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.file_id)


class TableVersion(models.Model):
    """A decision table as it was published; what decided stays readable, also when it was withdrawn.

    It decides for one category of one case type. The newest that is not withdrawn is in force.
    """

    id = models.CharField(primary_key=True, max_length=_ID)
    name = models.CharField(max_length=60)
    number = models.PositiveIntegerField()
    document = models.TextField()
    digest = models.CharField(max_length=64)
    casetype = models.CharField(max_length=_NAME)
    category = models.CharField(max_length=_NAME)
    published_by = models.CharField(max_length=_ID)
    published_at = models.DateTimeField()
    withdrawn_by = models.CharField(max_length=_ID, default="", blank=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_why = models.CharField(max_length=400, default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "number"], name="table_version_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class CaseDecision(models.Model):
    """What was decided on an application, by a table (`how`), a person or silence; rows are added, never changed.

    A table that did not grant has a row without a result. `reasons` are sentences by language. `sealed` holds what the
    table was told and what would have had to be different, or what a person wrote.
    """

    id = models.CharField(primary_key=True, max_length=_ID)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="decisions", db_index=False)
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    how = models.CharField(max_length=8)
    result = models.CharField(max_length=_NAME, default="", blank=True)
    table = models.ForeignKey(TableVersion, on_delete=models.PROTECT, null=True, related_name="+")
    rows = models.JSONField(default=list)
    reasons = models.JSONField(default=dict)
    grounds = models.JSONField(default=list)
    conditions = models.JSONField(default=list)
    valid_until = models.DateField(null=True)
    account = models.CharField(max_length=_ID, default="", blank=True)
    role = models.CharField(max_length=_NAME, default="", blank=True)
    sealed = models.BinaryField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "number"], name="case_decision_in_order")]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.how} {self.result}"


class ProcessVersion(models.Model):
    """A process as it was uploaded (BPMN); `calls` fixes the version of each process that it calls."""

    id = models.CharField(primary_key=True, max_length=_ID)
    name = models.CharField(max_length=60)
    number = models.PositiveIntegerField()
    document = models.TextField()
    digest = models.CharField(max_length=64)
    calls = models.JSONField(default=dict)
    uploaded_by = models.CharField(max_length=_ID)
    uploaded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "number"], name="process_version_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class ProcessRun(models.Model):
    """One run of a version of a process, in a case or by itself.

    `state` is what the engine writes down; of facts it has those alone that conditions ask for. `standing` is running,
    ended or stuck. One that was started by a state of its case says so in `in_state`, and ends with it. `why` is the
    refusal for which it is stuck, or its last step was not taken.
    """

    id = models.CharField(primary_key=True, max_length=_ID)
    process = models.ForeignKey(ProcessVersion, on_delete=models.PROTECT)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, null=True, related_name="runs")
    state = models.TextField()
    standing = models.CharField(max_length=8)
    revision = models.PositiveIntegerField(default=1)
    started_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    in_state = models.CharField(max_length=_NAME, default="", blank=True)
    why = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.id


class ProcessWork(models.Model):
    """What a run waits for, or did: a person's task, a service, a timer, a message.

    `what` is the role, service or message; `outcome` is done, passed (another event came first) or withdrawn; `answer`
    is what was chosen, or what silence means. `unit` is the unit that is asked, "" for a task of a role, `given_to` an
    account that it was given to. `refusal` and `why` say why a service could not be had. `ring_at` is when it is called
    to mind next, `rang` for what it was last: reminded or overdue.
    """

    id = models.CharField(primary_key=True, max_length=_ID)
    run = models.ForeignKey(ProcessRun, on_delete=models.CASCADE, related_name="work")
    task = models.CharField(max_length=36)
    node = models.CharField(max_length=60)
    kind = models.CharField(max_length=8)
    what = models.CharField(max_length=120, default="", blank=True)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=_ID, default="", blank=True)
    outcome = models.CharField(max_length=9, default="", blank=True)
    refusal = models.CharField(max_length=60, default="", blank=True)
    unit = models.CharField(max_length=_UNIT, default="", blank=True)
    given_to = models.CharField(max_length=_ID, default="", blank=True)
    answer = models.CharField(max_length=_NAME, default="", blank=True)
    ring_at = models.DateTimeField(null=True)
    rang = models.CharField(max_length=8, default="", blank=True)
    why = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["kind", "due_at", "id"], name="process_work_open",
                         condition=models.Q(done_at__isnull=True, refusal="")),
            models.Index(fields=["unit", "due_at"], name="process_work_of_unit",
                         condition=models.Q(done_at__isnull=True) & ~models.Q(unit="")),
            models.Index(fields=["ring_at", "id"], name="process_work_rings",
                         condition=models.Q(ring_at__isnull=False)),
            models.Index(fields=["given_to", "due_at"], name="process_work_given",
                         condition=models.Q(done_at__isnull=True) & ~models.Q(given_to="")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.run_id}: {self.node}"


class ReleasedWords(models.Model):
    """What an official has released of a case for everybody to read: looked through, with nobody in it."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="released")
    words = models.TextField(max_length=4_000)
    released_by = models.CharField(max_length=_ID)
    released_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.case_id)


class GeoReportKey(models.Model):
    """Whose program may file requests through Open311; only a digest of the key is kept."""

    id = models.CharField(primary_key=True, max_length=_ID)
    digest = models.CharField(max_length=64, unique=True)
    owner = models.CharField(max_length=80)
    made_by = models.CharField(max_length=_ID)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.id


class CaseSketch(models.Model):
    """What is kept of a report to compare it with others; its words cannot be read from it, nor guessed without a key.

    `place` is its cell, `kind` the highest level of its category; `is_live` until its matter is over.
    """

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="sketch")
    place = models.BigIntegerField()
    kind = models.CharField(max_length=_NAME, default="", blank=True)
    error_m = models.FloatField()
    words = models.BinaryField(null=True)
    numbers = models.BinaryField(null=True)
    script = models.PositiveSmallIntegerField(default=0)
    is_live = models.BooleanField(default=True)

    class Meta:
        indexes = [
            models.Index(fields=["place", "kind", "case"], name="case_sketch_at", condition=models.Q(is_live=True)),
        ]

    def __str__(self) -> str:
        return str(self.case_id)


class CasePair(models.Model):
    """What is said of two reports: `maybe` one matter (for a person to look at), or `apart` (a person has looked).

    `one` has the smaller number; `why` is what spoke for it: metres, hours, likeness of words.
    """

    one = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+", db_index=False)
    other = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    says = models.CharField(max_length=8)
    chance = models.FloatField(null=True)
    why = models.JSONField(default=dict)
    account = models.CharField(max_length=_ID, default="", blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["one", "other"], name="case_pair_once")]

    def __str__(self) -> str:
        return f"{self.one_id} {self.says} {self.other_id}"


class RoutingVersion(models.Model):
    """Routing rules as they were put; they stay as they are, and other ones are another version."""

    id = models.CharField(primary_key=True, max_length=_ID)
    number = models.PositiveIntegerField(unique=True)
    name = models.CharField(max_length=_NAME)
    document = models.TextField()
    digest = models.CharField(max_length=64)
    casetypes = models.CharField(max_length=900)
    put_by = models.CharField(max_length=_ID)
    put_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class ClassifierVersion(models.Model):
    """A classifier as it was trained: numbers and a card, no text and no code."""

    id = models.CharField(primary_key=True, max_length=_ID)
    number = models.PositiveIntegerField(unique=True)
    name = models.CharField(max_length=80)
    content = models.BinaryField()
    digest = models.CharField(max_length=64)
    card = models.JSONField()
    put_by = models.CharField(max_length=_ID)
    put_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class InForce(models.Model):
    """From when on which version is used, and who said so; the newest row of its kind counts.

    `what` is `routing` or `classifier`; a `number` of None is none at all, 0 the classifier that comes with the
    program. `threshold`: below it a person says of what category a case is; None as the classifier's card says.
    """

    what = models.CharField(max_length=12)
    number = models.PositiveIntegerField(null=True)
    digest = models.CharField(max_length=64, default="", blank=True)
    threshold = models.FloatField(null=True)
    by = models.CharField(max_length=_ID)
    since = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["what", "-id"], name="case_in_force")]

    def __str__(self) -> str:
        return f"{self.what} {self.number}"


class CaseHeard(models.Model):
    """What was heard in the words of a case before they were sealed, as numbers, and what became of it.

    `kinds` are the likeliest of the city's categories with how sure that is, `words` those words of the routing rules
    that stood in the text. `kind` is what the case is about as finely as it is known. `said` is the category that the
    classifier chose, `put_right` the one that a person chose afterwards: together what a city learns from, without the
    words. `is_placed`: whoever opened it named the unit. `standing` is `waiting` (to be taken in), `taken`, `asked` (a
    person says what it is about) or `doubted` (the classifier, surely enough, contradicts the person who chose).
    """

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="heard")
    classifier = models.PositiveIntegerField(null=True)
    kinds = models.JSONField(default=list)
    words = models.JSONField(default=list)
    kind = models.CharField(max_length=_NAME, default="", blank=True)
    said = models.CharField(max_length=_NAME, default="", blank=True)
    put_right = models.CharField(max_length=_NAME, default="", blank=True)
    is_placed = models.BooleanField(default=False)
    standing = models.CharField(max_length=8, default="waiting")
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["case"], name="case_to_take_in", condition=models.Q(standing="waiting")),
            models.Index(fields=["case"], name="case_asked", condition=models.Q(standing="asked")),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.standing}"
