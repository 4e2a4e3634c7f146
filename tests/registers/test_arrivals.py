"""A folder that fills up: every complete file is loaded once, nothing is lost, and what cannot be loaded says why."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, queries
from cityloom.registers.domain import arrivals as names
from cityloom.registers.loading import arrivals, run
from cityloom.registers.models import Load, OrganisationRecord
from tests.registers.test_department_files import code, refused
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401

MAPPING = """\
cityloom: 1
source: {source}
register: organisations
as_of: 2026-11-01
file: {{pattern: "{pattern}"}}
columns:
  code: {{field: code}}
  name: {{field: name}}
"""


class Inbox:
    """A folder, with one mapping in it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "mappings").mkdir(parents=True)
        self.mapping("market", "market*.csv")

    def mapping(self, source: str, pattern: str, text: str = MAPPING) -> None:
        (self.place / "mappings" / f"{source}.yaml").write_text(text.format(source=source, pattern=pattern), "utf-8")

    def put(self, name: str, *rows: str, header: str = "code,name") -> Path:
        path = self.place / name
        path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
        return path

    def look(self, settled_s: float = 0.0) -> arrivals.Taken:
        return actions.take_in(self.place, by=SYSTEM, at=clock.now(), settled_s=settled_s)

    def listed(self, state: str) -> list[str]:
        return [one.name for one in actions.folder_state(self.place).arrivals if one.state == state]

    def reason(self) -> str:
        (one,) = [one for one in actions.folder_state(self.place).arrivals if one.reason]
        return one.reason


@pytest.fixture
def inbox(tmp_path: Path, db: None) -> Inbox:
    return Inbox(tmp_path / "inbox")


def known() -> set[str]:
    return set(OrganisationRecord.objects.values_list("key", flat=True))


def test_a_complete_file_is_loaded_by_the_mapping_that_fits_and_goes_to_done(inbox: Inbox) -> None:
    inbox.put("market-01.csv", f"{code(1)},One")
    inbox.put("MARKET-02.CSV", f"{code(2)},Two")
    assert len(inbox.look().loads) == 2
    assert known() == {code(1), code(2)}
    assert sorted(inbox.listed("done")) == ["000001-market-01.csv", "000002-MARKET-02.CSV"]
    assert inbox.listed("waiting") == inbox.listed("work") == []
    assert queries.load_facts(1).file == "market-01.csv"


def test_a_file_that_is_still_written_waits_and_one_with_a_marker_does_not(inbox: Inbox) -> None:
    path = inbox.put("market-01.csv", f"{code(1)},One")
    os.utime(path, (0, 0))  # a copy may bring an old time along, or one to come
    assert inbox.look(settled_s=60).waiting == ["market-01.csv"]
    assert (path.exists(), Load.objects.count()) == (True, 0)
    (inbox.place / "market-01.csv.done").touch()
    assert len(inbox.look(settled_s=60).loads) == 1
    assert not (inbox.place / "market-01.csv.done").exists()


@pytest.mark.parametrize("name", [
    ".market.csv", "market.csv.part", "market.csv.tmp", "market.csv~", "market.csv.filepart",
])  # fmt: skip
def test_what_a_sender_has_not_renamed_yet_is_passed_over(inbox: Inbox, name: str) -> None:
    inbox.put(name, f"{code(1)},One")
    assert inbox.look() == arrivals.Taken()
    assert (inbox.place / name).exists()


def test_the_same_file_again_and_one_of_the_same_name_are_both_kept(inbox: Inbox) -> None:
    for row in ("One", "One", "Two"):
        inbox.put("market.csv", f"{code(1)},{row}")
        inbox.look()
    assert sorted(inbox.listed("done")) == ["000001-market.csv", "000002-market.csv", "2-000001-market.csv"]
    assert Load.objects.count() == 2


REFUSED = (
    ("other.csv", "x", "pattern"), ("market.csv", "code,nom\na,b", "column"), ("market-empty.csv", "", "empty"),
    ("market-bomb.csv", "code,name\n" + '"' * 3 + "x" * 20_000, "quotation"),
    ("market-nul.csv", "\0" * 5000, ""),
)  # fmt: skip


@pytest.mark.parametrize(("name", "content", "word"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_cannot_be_loaded_is_refused_with_a_sentence_and_holds_up_nothing(
    inbox: Inbox, name: str, content: str, word: str
) -> None:
    (inbox.place / name).write_text(content, "utf-8")
    inbox.put("market-good.csv", f"{code(1)},One")
    taken = inbox.look()
    assert (len(taken.loads), taken.refused) == (1, [name])
    assert word in inbox.reason()
    assert (inbox.place / "refused" / f"{name}.reason.txt").read_text("utf-8").strip() == inbox.reason()


def test_two_mappings_that_fit_and_one_that_cannot_be_read_are_told(inbox: Inbox) -> None:
    inbox.mapping("tax", "*.csv")
    inbox.put("market.csv", f"{code(1)},One")
    assert inbox.look().refused == ["market.csv"]
    assert "market.yaml and tax.yaml" in inbox.reason()
    inbox.mapping("tax", "tax*.csv", text="source: [")
    inbox.put("tax.csv", f"{code(1)},One")
    assert inbox.look().waiting == ["tax.csv"], "the mapping that would fit may be the one that cannot be read"
    assert [name for name, _sentence in actions.folder_state(inbox.place).broken] == ["tax.yaml"]
    inbox.mapping("tax", "tax*.csv")
    assert len(inbox.look().loads) == 1


def test_links_pipes_and_folders_are_never_read(inbox: Inbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(f"code,name\n{code(5)},Secret\n", "utf-8")
    (inbox.place / "market-link.csv").symlink_to(secret)
    os.mkfifo(inbox.place / "market-pipe.csv")
    (inbox.place / "market-folder.csv").mkdir()
    assert sorted(inbox.look().refused) == ["market-link.csv", "market-pipe.csv"]
    assert (known(), secret.exists()) == (set(), True)


HOSTILE = (
    "market -rf $(reboot).csv", "market\n\x1b[2J.csv", "market\u202efdp.csv", "market%00*?[].csv",
    "market" + "长" * 70 + ".csv", "market..csv", "market;'\"`.csv",
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_loaded_under_a_harmless_one(inbox: Inbox, name: str) -> None:
    inbox.put(name, f"{code(1)},One")
    assert len(inbox.look().loads) == 1
    (kept,) = inbox.listed("done")
    assert kept.isprintable()
    assert not set(kept) & set("*?[]{}$`;'\"")


def test_a_name_that_is_no_text_is_loaded_too(inbox: Inbox) -> None:
    path = os.fsencode(inbox.place) + b"/market-\xff\xfe.csv"
    Path(os.fsdecode(path)).write_text(f"code,name\n{code(1)},One\n", "utf-8")
    assert len(inbox.look().loads) == 1


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=300), st.text(max_size=5))
def test_any_name_becomes_one_that_can_be_shown_and_different_ones_stay_different(name: str, more: str) -> None:
    made = names.safe_name(name)
    assert made.isprintable()
    assert 0 < len(made.encode()) <= 140
    assert not made.startswith((".", "-"))
    assert names.safe_name(made) == made
    if name + more != name:
        assert names.safe_name(name + more) != made


def test_two_watchers_do_not_meet(inbox: Inbox) -> None:
    inbox.put("market.csv", f"{code(1)},One")
    inbox.look()
    with (inbox.place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert refused(inbox.look).code == "registers.folder_watched"


@pytest.mark.parametrize(("where", "name"), [
    (arrivals._Look, "_load"), (run, "check_plausible"), (arrivals._Look, "_move"),
])  # fmt: skip
def test_what_a_killed_watcher_left_is_taken_up_and_counts_once(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, where: object, name: str
) -> None:
    inbox.put("market.csv", f"{code(1)},One")
    with monkeypatch.context() as killed:
        killed.setattr(where, name, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            inbox.look()
    assert inbox.listed("work") == ["market.csv"]
    inbox.look()
    assert (inbox.listed("work"), known()) == ([], {code(1)})
    assert Load.objects.filter(state=Load.DONE).count() == 1


def test_a_file_that_is_put_in_the_place_of_one_that_is_read_is_a_file_of_its_own(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.put("market.csv", f"{code(1)},One")
    load = run.load

    def replaced(*given: object, **how: object) -> object:
        monkeypatch.setattr(run, "load", load)
        inbox.put("market.csv", f"{code(2)},Two")
        return load(*given, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "load", replaced)
    inbox.look()
    inbox.look()
    assert known() == {code(1), code(2)}
    assert len(inbox.listed("done")) == 2


def test_a_file_that_grows_while_it_is_read_is_loaded_when_it_has_grown(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.put("market.csv", f"{code(1)},One")
    writer = run.Writer.write

    def growing(self: run.Writer, *given: object) -> None:
        monkeypatch.setattr(run.Writer, "write", writer)
        with (inbox.place / "work" / "market.csv").open("a") as stream:
            stream.write(f"{code(2)},Two\n")
        writer(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(run.Writer, "write", growing)
    assert inbox.look().waiting == ["market.csv"]
    assert "changed while it was read" in inbox.reason()
    assert known() == set()
    inbox.look()
    assert known() == {code(1), code(2)}


def test_what_is_not_the_files_fault_makes_it_wait(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox.put("market.csv", f"{code(1)},One")
    with monkeypatch.context() as busy:
        refusal = Refused("registers.load_running", "Another file is being loaded just now.")
        busy.setattr(run, "load", lambda *_, **__: (_ for _ in ()).throw(refusal))
        assert inbox.look().waiting == ["market.csv"]
    assert "Another file" in inbox.reason()
    with monkeypatch.context() as full:
        full.setattr(run, "load", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        assert inbox.look().waiting == ["market.csv"]
    assert len(inbox.look().loads) == 1


def test_many_files_come_in_each_once_and_in_their_order(inbox: Inbox) -> None:
    for number in range(30):
        path = inbox.put(f"market-{number % 7}-{number:03d}.csv", f"{code(1)},Name {number}")
        os.utime(path, (number, number))
    assert len(inbox.look().loads) == 30
    assert len(inbox.listed("done")) == 30
    assert queries.facts_of("organisations", code(1))[0].values["name"] == "Name 29"


def test_no_folder_is_told(tmp_path: Path, db: None) -> None:
    with pytest.raises(Refused) as told:
        actions.take_in(tmp_path / "none", by=SYSTEM, at=clock.now())
    assert told.value.code == "registers.no_folder"
    assert actions.folder_state(tmp_path / "none").arrivals == ()


def test_the_page_shows_what_was_refused_and_why(inbox: Inbox, settings: object) -> None:
    settings.CITYLOOM = settings.CITYLOOM | {"INBOX_DIR": inbox.place}  # type: ignore[attr-defined]
    there = client("steward")
    assert "Nothing has arrived" in there.get("/registers/folder/").content.decode()
    inbox.put("<b>.csv", "x")
    inbox.look()
    page = there.get("/registers/folder/").content.decode()
    assert "file.pattern fits the name" in page
    assert "<b>" not in page
