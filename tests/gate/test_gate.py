"""The city's side of the keeper: grants go down, people are opened under them, counts come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest

from cityloom.gate import actions, jobs, models, queries
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

pytestmark = pytest.mark.django_db
COMMANDER = Actor("commander-1", "city", frozenset({"commander"}))
WORKER = Actor("worker-1", "city/nanshan/c01", frozenset({"social-worker"}))
STEWARD = Actor("steward-1", "city", frozenset({"steward"}))


def people(count: int) -> actions.PeopleBatch:
    rows = np.arange(count)
    text = np.full(count, b"", "S1")
    records = actions.people_records(
        name=np.array([f"李明 {row}".encode() for row in rows]), national_id=text, phone=text, birth_date=text,
        need_note=text,
    )  # fmt: skip
    traits = actions.traits_of(age=rows % 100, sex=rows % 2, needs={"bedridden": rows % 5 == 0})
    return actions.PeopleBatch(records, traits)


@pytest.fixture
def subjects(keeper: actions.Running) -> np.ndarray:
    with actions.sealing(by=SYSTEM, at=clock.now(), workers=1) as sealer:
        sealed = sealer.seal(people(30))
    actions.store_envelopes(sealed)
    return sealed.subjects


@pytest.fixture
def give(subjects: np.ndarray) -> Callable[..., str]:
    def granted(**over: object) -> str:
        values = {
            "by": COMMANDER, "at": clock.now(), "purpose": queries.EMERGENCY, "subjects": subjects[:10],
            "fields": ["name"], "holder": WORKER.account, "until": clock.now() + timedelta(hours=1),
            "incident_id": "INCIDENT",
        } | over  # fmt: skip
        return actions.grant(**values)

    return granted


def opened_by_worker(grant: str, subjects: Sequence[int] | np.ndarray) -> dict[int, dict[str, str]]:
    return actions.open_people(by=WORKER, at=clock.now(), grant_id=grant, subjects=subjects, fields=["name"])


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refusal:
        act()
    return refusal.value.code


def test_a_worker_opens_the_people_of_a_task(subjects: np.ndarray, give: Callable[..., str]) -> None:
    grant = give()
    assert opened_by_worker(grant, [int(subjects[3])]) == {int(subjects[3]): {"name": "李明 3"}}
    record = models.GrantRecord.objects.get(id=grant)
    assert (record.holder, record.subject_count, record.basis) == (WORKER.account, 10, "pipl-13-1-4")
    outside = [int(subjects[3]), int(subjects[20])]
    assert refused(lambda: opened_by_worker(grant, outside)) == "gate.not_granted"


def test_a_grant_without_fields_lets_nothing_be_opened_and_still_names_who_needs_help(
    subjects: np.ndarray, give: Callable[..., str]
) -> None:
    grant = give(fields=())
    assert len(queries.subjects_needing_help(by=COMMANDER, at=clock.now(), grant_id=grant)) == 2
    assert refused(lambda: opened_by_worker(grant, subjects[:1])) == "gate.not_granted"


def test_a_revoked_grant_opens_nothing(subjects: np.ndarray, give: Callable[..., str]) -> None:
    grant = give()
    actions.revoke(by=COMMANDER, at=clock.now(), grant_id=grant)
    assert models.GrantRecord.objects.get(id=grant).revoked_at is not None
    assert refused(lambda: opened_by_worker(grant, subjects[:1])) == "gate.grant_ended"
    assert refused(lambda: actions.revoke(by=COMMANDER, at=clock.now(), grant_id="none")) == "gate.no_grant"


def test_an_incident_that_ends_takes_its_grants_along(give: Callable[..., str]) -> None:
    grants = [give(incident_id="ENDING"), give(incident_id="ENDING")]
    assert actions.revoke_all(by=COMMANDER, at=clock.now(), incident_id="ENDING") == 2
    assert actions.revoke_all(by=COMMANDER, at=clock.now(), incident_id="ENDING") == 0
    assert not models.GrantRecord.objects.filter(id__in=grants, revoked_at=None).exists()


def test_a_new_zone_ends_the_grants_for_the_old_one(subjects: np.ndarray, give: Callable[..., str]) -> None:
    old, new = give(incident_id="SHRINKS", zone_digest="old"), give(incident_id="SHRINKS", zone_digest="new")
    for ended in (1, 0):
        count = actions.revoke_all(by=COMMANDER, at=clock.now(), incident_id="SHRINKS", but_zone_digest="new")
        assert count == ended
    assert queries.grants_for_zone("SHRINKS", "new") == {new}
    assert models.GrantRecord.objects.get(id=old).revoked_at is not None
    assert refused(lambda: opened_by_worker(old, subjects[:1])) == "gate.grant_ended"
    assert len(opened_by_worker(new, subjects[:1])) == 1


def test_the_same_grant_id_gives_one_grant(give: Callable[..., str]) -> None:
    at = clock.now()
    until = at + timedelta(hours=1)
    assert give(grant_id="SAME", until=until) == give(grant_id="SAME", until=until) == "SAME"
    assert models.GrantRecord.objects.filter(id="SAME").count() == 1
    assert refused(lambda: give(grant_id="SAME", until=until, holder="worker-2")) == "gate.grant_differs"


def test_an_exercise_opens_on_the_drill_clock_and_can_be_removed(
    subjects: np.ndarray, give: Callable[..., str]
) -> None:
    at = datetime.fromisoformat("2030-01-01T08:00:00+00:00")
    grant = give(at=at, until=at + timedelta(minutes=5), exercise_id="EXERCISE")

    def opened(minutes: int) -> dict[int, dict[str, str]]:
        moment = at + timedelta(minutes=minutes)
        return actions.open_people(by=WORKER, at=moment, grant_id=grant, subjects=subjects[:2], fields=["name"])

    assert len(opened(4)) == 2
    assert refused(lambda: opened(6)) == "gate.grant_ended"
    (row,) = queries.openings_of(exercise_id="EXERCISE")
    assert (row.kind, row.people, row.purpose, row.role) == ("opened", 2, queries.EMERGENCY, "social-worker")
    assert actions.remove_exercise(by=SYSTEM, at=at, exercise_id="EXERCISE") == 1
    assert not models.GrantRecord.objects.filter(exercise_id="EXERCISE").exists()
    assert queries.openings_of(exercise_id="EXERCISE") == [row]


def test_counts_are_exact_for_a_rescue_and_rounded_otherwise(subjects: np.ndarray) -> None:
    buildings = np.where(np.arange(30) < 20, 4, 9)
    exact = queries.count_needs(subjects, buildings, purpose=queries.EMERGENCY, incident_id="I", by=SYSTEM)
    assert (exact.groups.tolist(), exact.people.tolist(), exact.needing_help.tolist()) == ([4, 9], [20, 10], [4, 2])
    assert exact.by_need["bedridden"].tolist() == [4, 2]
    assert exact.by_age["0-17"].tolist() == [18, 0]
    rounded = queries.count_needs(subjects)
    assert (rounded.people.tolist(), rounded.needing_help.tolist(), rounded.exact) == ([30], [-1], False)


def test_who_needs_help_is_told_to_those_in_command(subjects: np.ndarray, give: Callable[..., str]) -> None:
    named = queries.subjects_needing_help(by=COMMANDER, at=clock.now(), grant_id=give())
    assert named.tolist() == [subjects[0], subjects[5]]
    assert refused(
        lambda: queries.subjects_needing_help(by=WORKER, at=clock.now(), grant_id=give())
    ) == "gate.not_allowed"  # fmt: skip


def test_an_erased_person_is_gone_and_the_others_of_the_task_still_open(
    subjects: np.ndarray, give: Callable[..., str]
) -> None:
    grant = give()
    actions.erase(by=STEWARD, at=clock.now(), subject=int(subjects[1]))
    assert set(opened_by_worker(grant, subjects[:3])) == {int(subjects[0]), int(subjects[2])}
    assert not models.Envelope.objects.filter(subject=int(subjects[1])).exists()


def test_the_log_head_moves_with_every_opening(subjects: np.ndarray, give: Callable[..., str]) -> None:
    grant, before = give(), queries.log_head()
    opened_by_worker(grant, subjects[:4])
    after = queries.log_head()
    assert (after.size - before.size, after.root != before.root) == (4, True)
    assert queries.log_extends(before, after)
    assert not queries.log_extends(queries.LogHead(before.size, after.root), after)


def test_a_purpose_rests_on_an_article(keeper: actions.Running) -> None:
    basis = queries.basis_of(queries.EMERGENCY)
    assert basis.article == "Personal Information Protection Law, Article 13(1)(4)"
    assert basis.valid_until > clock.now()
    assert refused(lambda: queries.basis_of("curiosity")) == "gate.no_basis"


def test_without_the_keeper_nothing_opens_and_it_says_so(settings: object, tmp_path: object) -> None:
    settings.CITYLOOM = settings.CITYLOOM | {"KEEPER_SOCKET": tmp_path / "nobody"}
    assert refused(queries.log_head) == "gate.keeper_down"
    assert refused(lambda: actions.sealing(by=SYSTEM, at=clock.now()).__enter__()) == "gate.keeper_down"


def test_the_keeper_is_found_again_after_a_restart(
    subjects: np.ndarray, give: Callable[..., str], keeper: actions.Running
) -> None:
    grant = give()
    keeper.kill()
    keeper.process = actions.start_keeper().process  # the fixture ends the one that runs
    assert len(opened_by_worker(grant, subjects[:1])) == 1


def test_every_field_of_the_gate_is_classified() -> None:
    for model in (models.Envelope, models.GrantRecord):
        fields = {field.name for field in model._meta.concrete_fields}
        assert set(models.CLASSIFICATION[model.__name__]) == fields


def known(names: set[str]) -> dict[str, frozenset[str] | None]:
    """A city with one incident for everybody, and one case for one worker."""
    return {"INCIDENT": None, "CASE": frozenset({WORKER.account})}


def test_grants_for_matters_that_there_are_not_ring_once_at_the_auditors(
    give: Callable[..., str], settings: object
) -> None:
    settings.CITYLOOM_MATTERS = f"{__name__}.known"
    give(incident_id="INCIDENT", holder="worker-9")
    give(incident_id="CASE")
    give(incident_id="NO-SUCH", exercise_id="EXERCISE", at=clock.now())
    wrong = {(give(incident_id="NO-SUCH"), "no-matter"), (give(incident_id="CASE", holder="worker-9"), "not-assigned")}
    at = clock.now()
    assert jobs.match_matters(at) == 2
    assert jobs.match_matters(at + timedelta(minutes=10)) == 0, "it looks once an hour"
    assert jobs.match_matters(at + timedelta(hours=1)) == 0, "each grant rings once"
    auditor = Actor("auditor-1", "city", frozenset({"auditor"}))
    assert {(row.about, row.kind) for row in queries.alarms(auditor)} == wrong
    assert give(incident_id="NO-SUCH")
    assert jobs.match_matters(at + timedelta(hours=2)) == 1
