"""Changes to the registers: a city, or a department's file, comes in as a whole, or not at all."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TextIO

import numpy as np
from django.apps import apps
from django.db import DatabaseError, transaction
from numpy.typing import NDArray

from cityloom.accounts.actions import create_units
from cityloom.gate import actions as gate
from cityloom.kernel import disk, ids, timezones
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import bulk, plugins, policies, queries
from cityloom.registers.browsing import networks
from cityloom.registers.domain import assumptions as assumed
from cityloom.registers.domain import epanet_rows, example, example_links, names, profile, rows
from cityloom.registers.domain import mapping as mappings
from cityloom.registers.domain import people as made_up_people
from cityloom.registers.domain.answers import CityFacts
from cityloom.registers.domain.arrivals import SETTLED_S, FolderFacts
from cityloom.registers.domain.complete import complete
from cityloom.registers.domain.draft import Draft
from cityloom.registers.domain.drawing import Drawing
from cityloom.registers.domain.facts import CorrectionWords, Noted
from cityloom.registers.domain.mapping import FileMapping
from cityloom.registers.domain.people import People
from cityloom.registers.domain.posts import Post, worker_posts
from cityloom.registers.domain.profile import Proposal, mapping_text
from cityloom.registers.domain.reviewing import DIFFERENT, SAME, UNDONE, PairFacts
from cityloom.registers.domain.survivorship import Rules
from cityloom.registers.domain.synthetic import synthetic_city
from cityloom.registers.domain.tables import Connected, Table, Wanted
from cityloom.registers.linkage import files as linked_files
from cityloom.registers.linkage import stored
from cityloom.registers.loading import (
    arrivals,
    comparing,
    corrections,
    deciding,
    joining,
    people,
    person_joining,
    person_opening,
    person_parting,
    placing,
    residents,
    run,
)
from cityloom.registers.loading.corrections import told
from cityloom.registers.loading.run import Outcome
from cityloom.registers.models import (
    Area,
    Building,
    City,
    Dwelling,
    Land,
    Load,
    Main,
    Name,
    PersonRecord,
    Place,
    Resident,
    RoadNode,
    RoadSegment,
    Valve,
)
from cityloom.registers.trust import pairs
from cityloom.registers.zones.planning import (
    Effect,
    Wish,
    discard_zone_plan,
    draft_zone_plan,
    move_cells,
    publish_zone_plan,
    rebalance_zone_plan,
)

__all__ = [
    "Effect",
    "Outcome",
    "Post",
    "Progress",
    "Wish",
    "ask_correction",
    "build_synthetic",
    "check_file",
    "check_source_rules",
    "completed",
    "discard_zone_plan",
    "draft_from",
    "draft_synthetic",
    "draft_zone_plan",
    "erase_old_corrections",
    "export_disagreements",
    "export_set_aside",
    "find_person",
    "folder_state",
    "grant_correction",
    "index_people",
    "is_anything_due",
    "judge_pair",
    "known_by_address",
    "link_files",
    "link_stored",
    "load",
    "load_file",
    "mapping_text",
    "move_cells",
    "note_disagreements",
    "open_correction",
    "open_disagreement",
    "open_people",
    "open_person_versions",
    "part_person",
    "person_token",
    "place_by_address",
    "place_what_waits",
    "profile_file",
    "profile_table",
    "publish_zone_plan",
    "put_back",
    "read_mapping",
    "rebalance_zone_plan",
    "refuse_correction",
    "set_source_rules",
    "settle_disagreement",
    "show_pair_of_people",
    "take_in",
    "told",
    "undo_join",
    "withdraw_correction",
    "worker_posts",
    "write_disagreements",
    "write_example",
    "write_linking_example",
    "write_links",
]

Progress = Callable[[str, int, int], None]
"""Called with the step, how much of it is done, and how much there is."""

_BUILDINGS_A_PART = 100_000
_SEALING_WORKERS = 2
_READING_STEPS = 12
_MOST_EXAMPLES = 1_000_000


def _silent(step: str, done: int, total: int) -> None:
    """Tell nobody."""


def _told_nobody(step: str, rows: int) -> None:
    """Tell nobody."""


def _silent_name(name: str, outcome: str) -> None:
    """Tell nobody."""


def draft_synthetic(people: int, seed: int, progress: Progress = _silent) -> Draft:
    """Make up a city of so many people.

    Raises: Refused `city.size`.
    """
    progress("generate", 0, people)
    draft = synthetic_city(people, seed)
    progress("generate", people, people)
    return draft


def draft_from(path: Path, progress: Progress = _silent, timezone: str = "") -> Draft:
    """Read a city from an OpenStreetMap extract or a folder of GeoJSON files; without `timezone` it stays unknown.

    Raises: Refused `city.timezone_unknown`, `city.no_timezones`, `city.file_missing`, `city.file_wrong_kind`, and
    whatever the format's reader refuses.
    """
    zone = timezones.checked(timezone) if timezone else ""
    steps = iter(range(1, _READING_STEPS))
    progress("read", 0, _READING_STEPS)
    draft = plugins.reader_for(path).read(path, lambda sentence: progress("read", next(steps, 0), _READING_STEPS))
    progress("read", _READING_STEPS, _READING_STEPS)
    return replace(draft, timezone=zone or draft.timezone)


def completed(draft: Draft, seed: int, progress: Progress = _silent) -> Draft:
    """Fill in what a draft lacks, labelled as made up; what `load` takes.

    Raises: Refused for a draft that no city can be made of.
    """
    progress("complete", 0, 1)
    full = complete(draft, seed)
    progress("complete", 1, 1)
    return full


def build_synthetic(
    people: int, *, seed: int, by: Actor, at: datetime, progress: Progress = _silent, sealed: bool = True
) -> CityFacts:
    """Make up a city of so many people and load it; without `sealed` nobody is registered in it.

    Raises: Refused `city.size`, `city.disk_full`, `gate.keeper_down`.
    """
    draft = completed(draft_synthetic(people, seed, progress), seed, progress)
    return load(draft, seed=seed, people=sealed, by=by, at=at, progress=progress)


def load(
    draft: Draft, *, seed: int, people: bool, by: Actor, at: datetime, progress: Progress = _silent
) -> CityFacts:
    """Put a completed draft in the place of the city that is there, with made-up people if wanted.

    Raises: Refused `city.disk_full`, `gate.keeper_down`; then the city is as it was.
    """
    envelope, version = (apps.get_model("gate", name) for name in ("Envelope", "EnvelopeVersion"))
    tables = [
        City, Building, Dwelling, Resident, Place, RoadNode, RoadSegment, Main, Valve, Land, Area, Name, envelope,
        version, PersonRecord,
    ]  # fmt: skip
    with _enough_disk(), bulk.emptied(tables):
        facts = _write_ground(draft, seed, at, progress)
        dwellings = facts.counts["dwellings"]
        if people:
            facts.counts.update(_write_people(draft, dwellings, seed=seed, by=by, at=at, progress=progress))
        for done, table in enumerate(tables):
            progress("index", done, len(tables))
            bulk.add_indexes(table)
        facts.is_synthetic = people or draft.is_synthetic
        facts.save()
        Load.objects.filter(register="people").update(state=Load.GIVEN_UP)  # who came with a file went with the city
        create_units(communities=[(u.id, u.name_en, u.name_zh, u.kind) for u in draft.units], by=by, at=at)
    progress("index", len(tables), len(tables))
    return queries.loaded_city()


@contextmanager
def _enough_disk() -> Iterator[None]:
    try:
        yield
    except (OSError, DatabaseError, sqlite3.Error) as error:
        if not disk.is_full(error):
            raise
        sentence = "The disk is full, so the city was not built and nothing was changed; free some space and try again."
        raise Refused("city.disk_full", sentence) from error


def _write_ground(draft: Draft, seed: int, at: datetime, progress: Progress) -> City:
    """Write everything but the people; return the city's row, not yet saved."""
    building = rows.buildings(draft)
    _write_buildings(building, progress)
    progress("roads", 0, len(draft.roads))
    road, road_reach = rows.roads(draft)
    main, valve, main_reach = rows.mains_and_valves(draft)
    land, land_reach = rows.land(draft)
    bulk.write(RoadNode, rows.road_nodes(draft))
    for table, columns in ((RoadSegment, road), (Main, main), (Valve, valve), (Land, land)):
        bulk.write(table, columns)
    bulk.write(Place, rows.places(draft))
    bulk.write(Area, rows.areas(draft))
    bulk.write(Name, names.columns(names.of_draft(draft)))
    progress("roads", len(draft.roads), len(draft.roads))
    reaches = {"building": _largest(building["reach_m"]), "road": road_reach, "main": main_reach, "land": land_reach}
    return _city_row(draft, seed, at, building, reaches)


def _largest(values: NDArray[np.float64]) -> float:
    return float(values.max()) if len(values) else 0.0


def _write_buildings(building: rows.Columns, progress: Progress) -> None:
    total = len(building["id"])
    for first in range(0, total, _BUILDINGS_A_PART):
        progress("buildings", first, total)
        last = min(first + _BUILDINGS_A_PART, total)
        bulk.write(Building, {name: column[first:last] for name, column in building.items()})
        bulk.write(Dwelling, rows.dwellings(building, first, last))
    progress("buildings", total, total)


def _city_row(draft: Draft, seed: int, at: datetime, building: rows.Columns, reaches: dict[str, float]) -> City:
    west, south, east, north = rows.bounds(draft)
    counts = {
        "buildings": len(draft.buildings), "dwellings": int(building["dwellings"].sum()), "places": len(draft.places),
        "road_segments": len(draft.roads), "mains": len(draft.mains), "valves": len(draft.valves),
        "sensors": len(draft.sensor_sites), "people": 0, "households": 0,
    }  # fmt: skip
    return City(
        id=1, name=draft.name, kind=draft.kind, is_synthetic=draft.is_synthetic, attribution=draft.attribution,
        timezone=draft.timezone, west=west, south=south, east=east, north=north, data_version=ids.new_ulid(), seed=seed,
        built_at=at, counts=counts, reaches=reaches, busiest=rows.busiest(building), defects=draft.defects,
        synthesised={what: asdict(made) for what, made in draft.synthesised.items()},
    )  # fmt: skip


def _write_people(
    draft: Draft, dwellings: int, *, seed: int, by: Actor, at: datetime, progress: Progress
) -> dict[str, int]:
    """Make people up, seal them and write them, all three at the same time; return how many there are."""
    share = assumed.OCCUPIED_SHARE[draft.kind]
    sizes = made_up_people.household_sizes(dwellings, seed=seed, occupied_share=share, people=draft.people)
    total = int(sizes.sum(dtype=np.int64))
    envelope = apps.get_model("gate", "Envelope")
    waiting: deque[NDArray[np.int64]] = deque()
    batches = made_up_people.batches(sizes, seed=seed, today=at.date(), chinese=draft.is_synthetic)
    with gate.sealing(by=by, at=at, workers=_SEALING_WORKERS) as sealer:
        done = 0
        for sealed in sealer.seal_all(_records(batches, waiting)):
            bulk.write(Resident, {"subject": sealed.subjects, "dwelling_id": waiting.popleft() + 1})
            same = np.ones(len(sealed), np.int16)
            bulk.write(envelope, {
                "subject": sealed.subjects, "sealed": sealed.envelopes, "field_set": same * sealed.field_set,
                "key_id": same * sealed.key_id,
            })  # fmt: skip
            done += len(sealed)
            progress("people", done, total)
    return {"people": total, "households": int((sizes > 0).sum())}


def _records(batches: Iterator[People], waiting: deque[NDArray[np.int64]]) -> Iterator[gate.PeopleBatch]:
    """The people in the keeper's form; their dwellings wait for the sealed ones to come back."""
    for batch in batches:
        waiting.append(batch.dwelling)
        records = gate.people_records(
            name=batch.name, national_id=batch.national_id, phone=batch.phone, birth_date=batch.birth,
            need_note=batch.need_note,
        )  # fmt: skip
        yield gate.PeopleBatch(records, _traits(batch))


def _traits(batch: People) -> NDArray[np.uint16]:
    names = ("female", "male")
    sexes = np.array([gate.SEXES.index(name) for name in names])
    needs = {need: batch.needs >> bit & 1 == 1 for bit, need in enumerate(assumed.NEEDS)}
    ages = np.array(assumed.AGE_EDGES)[batch.age_band]
    return gate.traits_of(age=ages, sex=sexes[batch.sex], needs=needs)


# Departments' files (decision 0021).


def profile_file(path: Path, register: str = "") -> tuple[Proposal, Wanted]:
    """Look at a bounded sample of a file and propose its mapping; nothing is changed.

    Raises: Refused `registers.file_*`, `registers.encoding_unknown`, and what the format's reader refuses.
    """
    table = plugins.open_table(path, Wanted())
    return _proposed(table, register), table.how


def profile_table(register: str = "", **named: str) -> tuple[Proposal, Connected]:
    """The same of a table or query of a department's database: `connection`, and `table` or `query`.

    Raises: Refused `registers.table_unnamed`, and what the connector refuses.
    """
    wanted = mappings.table_of(**named)
    with plugins.connect(replace(wanted, most=profile.SAMPLE)) as table:
        return _proposed(table, register), wanted


def _proposed(table: Table, register: str) -> Proposal:
    sample: list[list[str]] = []
    for batch in table.batches():
        sample += batch.texts
        if len(sample) >= profile.SAMPLE:
            break
    return profile.propose(table.header, sample[: profile.SAMPLE], register)


def read_mapping(path: Path) -> FileMapping:
    """The mapping in a file. Raises: Refused `registers.mapping_*` with the line and field of what is wrong."""
    return run.read_mapping(path)


def network_pieces(register: str) -> Sequence[networks.Piece]:
    """What of a network does not hang together, however large it is; nothing is changed."""
    return networks.pieces(register, most=sys.maxsize)


def check_file(
    mapping: FileMapping, file: Path | None, *, at: datetime, tell: run.Progress = _told_nobody
) -> Outcome:  # fmt: skip
    """Read and check a whole file, or without one the mapping's table; nothing is changed.

    Raises: Refused like `load_file`.
    """
    return run.check(mapping, file, at, tell)


def load_file(
    mapping: FileMapping, file: Path | None, *, by: Actor, at: datetime, tell: run.Progress = _told_nobody
) -> Outcome:  # fmt: skip
    """Load a department's file, or without one the mapping's table, whole or not at all; bad rows are set aside.

    Raises: Refused `registers.column_missing`, `registers.column_new`, `registers.column_changed`,
    `registers.too_many_bad`, `registers.load_running`, `registers.file_changed`, `gate.keeper_down`.
    """
    outcome = run.load(mapping, file, by=by, at=at, tell=tell)
    placing.place(outcome.load)
    return outcome


def load_epanet(
    path: Path, *, source: str, place: str, by: Actor, at: datetime, dry_run: bool = False,
    tell: run.Progress = _told_nobody,
) -> list[Outcome]:  # fmt: skip
    """Load the fittings and then the mains of an EPANET network, each by a mapping; with `dry_run` only check them.

    Raises: Refused `registers.drawing_place`, `registers.epanet_line`, and like `load_file`.
    """
    Drawing(place)
    texts = (epanet_rows.mapping_text(part, source, place) for part in (epanet_rows.FITTINGS, epanet_rows.MAINS))
    says = [replace(mappings.read(text), zone=queries.time_zone()) for text in texts]
    if dry_run:
        return [check_file(one, path, at=at, tell=tell) for one in says]
    return [load_file(one, path, by=by, at=at, tell=tell) for one in says]


def epanet_places(path: Path, place: str, parts: Sequence[str]) -> list[tuple[float, float]]:
    """Where nodes and the middles of links of an EPANET network are.

    Raises: Refused `registers.epanet_no_part`, and as the file's reader does.
    """
    known: dict[str, tuple[float, float]] = {}
    for part in (epanet_rows.MAINS, epanet_rows.FITTINGS):
        table = plugins.open_table(path, Wanted(format="epanet", sheet=part, place=place))
        known.update(epanet_rows.places_in(table, part))
    if unknown := [part for part in parts if part not in known]:
        raise Refused("registers.epanet_no_part", "The network has no node or link {value}; check what is measured "
                      "there.", value=unknown[0][:40])  # fmt: skip
    return [known[part] for part in parts]


def export_set_aside(number: int, place: Path, *, source: Path | None = None) -> int:
    """Write the rows of a load that wait for a correction, with their reasons; return how many."""
    return corrections.export(number, place, source)


def put_back(number: int, file: Path, *, by: Actor, at: datetime, tell: run.Progress = _told_nobody) -> Outcome:
    """Load rows that were set aside and corrected; those that are still wrong go on waiting."""
    outcome = corrections.put_back(number, file, by=by, at=at, tell=tell)
    placing.place(outcome.load)
    return outcome


def known_by_address() -> tuple[int, str] | None:
    """What there is to look up by address: another answer than before means that there may be more."""
    return placing.known()


def place_what_waits() -> None:
    """Look up the addresses that no load has looked up itself; cut short and run again, it goes on where it was."""
    placing.place_all()


def place_by_address(number: int) -> tuple[int, int]:
    """Place all records of a load that have an address and no coordinates; return how many were found, and not.

    Raises: Refused `registers.no_load`.
    """
    queries.load_facts(number)
    return placing.place(number, None)


def open_people(register: str, key: str, record: int, *, by: Actor, at: datetime) -> dict[str, str]:
    """Open whom one record of an entry names; each opening is a leaf of the log. Raises: Refused `registers.role`."""
    return people.open_people(register, key, record, by=by, at=at)


def take_in(
    folder: Path, *, by: Actor, at: datetime, settled_s: float = SETTLED_S, tell: arrivals.Told = _silent_name
) -> arrivals.Taken:  # fmt: skip
    """Load what is complete in a folder that fills up, each file by the mapping whose pattern fits its name.

    Files go to the folder's `done` or, with the reason beside them, to `refused`; none is lost, none counts twice.
    Raises: Refused `registers.no_folder`, `registers.folder_watched`.
    """
    return arrivals.take_in(folder, by=by, at=at, settled_s=settled_s, tell=tell)


def is_anything_due(folder: Path, at: datetime) -> bool:
    """Whether something in a folder is complete, so that `take_in` is worth it."""
    return arrivals.is_anything_due(folder, at, SETTLED_S)


def folder_state(folder: Path) -> FolderFacts:
    """What is in a folder that fills up, and what was wrong with what was refused."""
    return arrivals.state_of(folder)


# Which source is believed (decision 0030).


def check_source_rules(path: Path) -> Rules:
    """Read rules on sources, and change nothing. Raises: Refused `registers.rules_*` with the line of what is wrong."""
    return deciding.read_rules(path)


def set_source_rules(path: Path, *, reason: str, by: Actor, at: datetime) -> int:
    """Let rules on sources hold from now on; earlier ones stay those of earlier days. Returns the version's number.

    Raises: Refused `registers.rules_*`, `registers.role`, `registers.reason`.
    """
    return deciding.set_rules(path, reason=reason, by=by, at=at)


def open_disagreement(number: int, *, reason: str, by: Actor, at: datetime) -> tuple[str, str]:
    """What both sources say of a sealed field, opened for a stated reason; never to be stored. Raises: Refused."""
    return deciding.open_sides(number, reason=reason, by=by, at=at)


def settle_disagreement(number: int, *, right: str, reason: str, by: Actor, at: datetime) -> None:
    """Write down which source is right, or with an empty `right` that both may stand; no record is changed.

    Raises: Refused `registers.role`, `registers.reason`, `registers.no_disagreement`,
    `registers.disagreement_over`, `registers.not_in_it`.
    """
    deciding.settle(number, right=right, reason=reason, by=by, at=at)


def export_disagreements(source: str, place: Path, *, register: str = "", by: Actor) -> int:
    """Write what a department's source is alone with into a file for it: its file and row, and what others say.

    Raises: Refused `registers.role`, `registers.no_source`, `registers.file_exists`.
    """
    return deciding.export(source, place, register=register, by=by)


def write_disagreements(source: str, stream: TextIO, *, register: str = "", by: Actor) -> int:
    """The same into an open file. Raises: Refused `registers.role`, `registers.no_source`."""
    return deciding.write(source, stream, register=register, by=by)


def ask_correction(
    *, register: str, key: str, field: str, value: str, reason: str, by: Actor, at: datetime, none: bool = False
) -> str:
    """Ask to have a field of an entry corrected, as a resident; `register` people with no key is one's own entry.

    With `none` there is none of it any more: of a telephone or needs of one's own alone.
    Raises: Refused `registers.no_correctable`, `registers.no_entry`, `registers.correction_*`,
    `registers.corrections_many`, `gate.keeper_down`.
    """
    return residents.ask(register=register, key=key, field=field, value=value, reason=reason, by=by, at=at, none=none)


def withdraw_correction(request_id: str, *, by: Actor, at: datetime) -> None:
    """Take back one's own request. Raises: Refused `registers.no_correction`, `registers.correction_decided`."""
    residents.withdraw(request_id, by=by, at=at)


def open_correction(request_id: str, *, by: Actor, at: datetime) -> CorrectionWords:
    """Open what somebody wrote who asks for a correction; each opening is a leaf of the log.

    Raises: Refused `registers.role`, `registers.no_correction`, `registers.correction_erased`, and what the gate says.
    """
    return residents.open_words(request_id, by=by, at=at)


def grant_correction(request_id: str, *, reason: str, by: Actor, at: datetime) -> int:
    """Let a correction count: it becomes a record of the source `resident-corrections`. Returns its load.

    Raises: Refused like `open_correction`, `registers.reason`, `registers.correction_decided`,
    `registers.correction_unfit`, `registers.load_running`, `registers.asker_gone`.
    """
    return residents.grant(request_id, reason=reason, by=by, at=at)


def refuse_correction(request_id: str, *, reason: str, by: Actor, at: datetime) -> None:
    """Refuse a correction with a reason, which the asker reads. Raises: Refused like `grant_correction`."""
    residents.refuse(request_id, reason=reason, by=by, at=at)


def erase_old_corrections(*, by: Actor, at: datetime) -> int:
    """Erase what was written with requests that were decided 180 days ago; return how many."""
    return residents.erase_old(by=by, at=at)


def note_disagreements(
    register: str, rows: Sequence[Noted], *, load: int, keys: Collection[str], fields: Collection[str], at: datetime
) -> None:  # fmt: skip
    """Keep where records of a load disagree that are compared elsewhere, as sealed ones are; never what they say.

    `keys` and `fields` are all that was compared: what was noted of them between this load's source and others and is
    not among `rows` has ended. Publishes `RecordsDisagree` once for each load and register.
    """
    comparing.note(register, rows, load=load, keys=keys, fields=fields, at=at)


def write_linking_example(folder: Path, count: int, seed: int) -> list[Path]:
    """Write made-up files to be linked beside the example of departments, with what is true beside them."""
    written = []
    for name, text in example_links.example_links(count, seed).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="")
        written.append(path)
    return written


def link_files(
    paths: Sequence[Path], *, config: Path | None = None, register: str = "", truth: str = "", within: bool = False,
    free_of_duplicates: bool = False, progress: Progress = _silent,
) -> linked_files.Outcome:  # fmt: skip
    """Link records of one file inside, or of two with each other, before anything is loaded; nothing is changed.

    `truth` names a column whose values tell which rows are truly one, or a file of judged pairs.
    Raises: Refused `linkage.no_columns`, `linkage.truth_unknown`, `linkage.config_*`, and what reading refuses.
    """
    return linked_files.link_files(paths, config=config, register=register, truth=truth, within=within,
                                   free_of_duplicates=free_of_duplicates, progress=progress)  # fmt: skip


def link_stored(register: str, *, by: Actor, at: datetime, config: Path | None = None) -> dict[str, int]:
    """Link entries of a register that sources know under different numbers; how many pairs are new, by state.

    What sources say of entries that are newly joined is compared, and what joins that were cut short left over.
    Raises: Refused `linkage.register_unknown`, `linkage.config_*`, `registers.role`.
    """
    if register != "organisations":
        raise Refused("linkage.register_unknown", "There is no way to link {value}; there is one for {limit}.",
                      value=register, limit="organisations")  # fmt: skip
    chosen = linked_files.read_config(config) if config else None
    if chosen and chosen.register != register:
        raise Refused("linkage.config_other", "The configuration is for {value}, not for {limit}; name one for that.",
                      value=chosen.register, limit=register)  # fmt: skip
    new = stored.link_organisations(by=by, at=at, config=chosen)
    joining.compare_due(at)
    return new


def judge_pair(number: int, *, same: bool, reason: str, by: Actor, at: datetime) -> None:
    """Write down that two entries are one, or are not; what sources say of one is compared.

    Raises: Refused `registers.role`, `linkage.no_pair`, `linkage.decided`.
    """
    policies.check_can_judge_links(by)
    said = " ".join(reason.split())[:300]
    if same and pairs.one(number).register == person_joining.REGISTER:
        person_joining.join(number, reason=said, by=by, at=at)
        return
    with transaction.atomic():
        pairs.decide(number, SAME if same else DIFFERENT, reason=said, by=by.account, at=at)
        joining.compare(number, by=by.account, at=at)


def undo_join(number: int, *, reason: str, by: Actor, at: datetime) -> None:
    """Take a join back: both entries are two again, and nothing that was known of the join is lost.

    Disagreements that were there only because both were one end with the reason.
    Raises: Refused `registers.role`, `registers.reason`, `linkage.no_pair`, `linkage.not_joined`.
    """
    policies.check_can_judge_links(by)
    why = policies.check_reason(reason)
    if pairs.one(number).register == person_joining.REGISTER:
        person_joining.undo(number, reason=why, by=by, at=at)
        return
    with transaction.atomic():
        pairs.decide(number, UNDONE, reason=why, by=by.account, at=at)
        joining.compare(number, by=by.account, at=at, reason=why)


def show_pair_of_people(
    pair: PairFacts, *, reason: str, by: Actor, at: datetime
) -> tuple[dict[str, str], dict[str, str]]:  # fmt: skip
    """Open both people of a pair for who decides on it and says why; left and right, never to be stored.

    Raises: Refused.
    """
    return person_joining.shown(pair, reason=reason, by=by, at=at)


def write_links(outcome: linked_files.Outcome, place: Path) -> int:
    """Write pairs as row numbers and weights, without any value; return how many. Raises: `registers.file_exists`."""
    return linked_files.write(outcome, place)


def find_person(field: str, value: str, *, by: Actor, at: datetime) -> list[int]:
    """Whom an identity or phone number belongs to; logged, and counted as an opening. Raises: Refused."""
    return person_opening.find(field, value, by=by, at=at)


def person_token(source: str, key: str, *, at: datetime) -> int:
    """What `queries.person_facts` knows a source's own number of a person by; the asking is in the log."""
    return person_opening.token(source, key, at=at)


def index_people(*, by: Actor, at: datetime) -> int:
    """Let the keeper take anew what people are found and compared by from their envelopes; how many they were."""
    return person_opening.index_all(by=by, at=at)


def part_person(load: int, row: int, *, by: Actor, at: datetime) -> int:
    """Give what a source says of somebody a person of its own, where it was taken for another's; return who that is.

    Raises: Refused `registers.role`, `registers.no_record`, `registers.first_of_person`, `gate.unknown_subject`.
    """
    return person_parting.part(load << 32 | row, by=by, at=at)


def open_person_versions(subject: int, *, by: Actor, at: datetime) -> dict[int, dict[str, str]]:
    """What each record of a person said, under the caller's grant. Raises: Refused `registers.not_assigned`."""
    return person_opening.open_versions(subject, by=by, at=at)


def write_example(folder: Path, count: int, seed: int) -> list[Path]:
    """Write three departments' messy files, labelled as made up, with what is true beside them.

    Raises: Refused `registers.folder_exists`, `registers.example_size`.
    """
    if not 20 <= count <= _MOST_EXAMPLES:
        raise Refused("registers.example_size", "An example has 20 to {limit} rows.", limit=_MOST_EXAMPLES)
    if folder.exists() and any(folder.iterdir()):
        raise Refused("registers.folder_exists", "{value} is not empty; name another folder.", value=folder.name)
    written = []
    for file in example.example(count, seed):
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        lines = (json.dumps(line, ensure_ascii=False) for line in example.truth_lines(file))
        path.with_suffix(".truth.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        written.append(path)
    (folder / "README.txt").write_text(example.LABEL + "\n", "utf-8")
    return written
