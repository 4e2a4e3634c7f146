"""The formats of C2SP, with the examples that its texts give."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.audit.domain.paths import TilePath, read_path, tiles_of
from cityloom.audit.domain.whole_log import read_entries, write_entries
from cityloom.keeper import verifier
from cityloom.keeper.verifier import Invalid
from cityloom.keeper.witness import read_submission

FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
SUBMISSION = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""  # noqa: E501 - as the text has it


def test_the_signed_note_of_the_specification_verifies() -> None:
    key = verifier.read_key(FOO)
    assert key.vkey == FOO
    assert verifier.signed_by(NOTE, key) == 0
    with pytest.raises(Invalid, match="does not fit"):
        verifier.signed_by(NOTE.replace("example message", "exemplary message"), key)


def test_the_submission_and_checkpoint_of_the_specification_are_read() -> None:
    found = read_submission(SUBMISSION)
    assert (found.old, len(found.proof), found.as_body()) == (20852014, 4, SUBMISSION)
    checkpoint = verifier.read_checkpoint(verifier.split_note(found.note)[0])
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)


def test_what_a_witness_signs_is_what_the_specification_shows() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert verifier.cosigned_message(text, 1679315147) == b"cosignature/v1\ntime 1679315147\n" + text.encode()


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("tile/0/x001/x234/067", TilePath(0, 1234067)),
        ("tile/2/000", TilePath(2, 0)),
        ("tile/63/999.p/1", TilePath(63, 999, 1)),
        ("tile/entries/x001/000.p/255", TilePath(None, 1000, 255)),
    ],
)
def test_paths_are_written_as_the_specification_says(path: str, tile: TilePath) -> None:
    assert str(tile) == path
    assert read_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/0", "tile/0/x000/001", "tile/0/001/000", "tile/0/x1/000",
        "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000/", "tile/0/",
        "tile/x/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999", "tile/0/\u0660\u0660\u0660", "tile/0/000\n", "checkpoint", "",
        "tile/entries/../checkpoint",
    ],
)  # fmt: skip
def test_any_other_way_to_write_a_path_is_none(path: str) -> None:
    assert read_path(path) is None


def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts() -> None:
    found = tiles_of(70_000)
    levels = [[path.width for path in found if path.level == level] for level in range(4)]
    assert levels == [[256] * 273 + [112], [256, 17], [1], []]
    assert [path.width for path in tiles_of(256)] == [256, 1]
    assert tiles_of(0) == []


@given(st.one_of(st.none(), st.integers(0, 63)), st.integers(0, 10**15), st.integers(1, 256))
def test_every_tile_has_one_path(level: int | None, index: int, width: int) -> None:
    tile = TilePath(level, index, width)
    assert read_path(str(tile)) == tile


def test_entries_are_read_back_and_a_truncated_bundle_is_refused() -> None:
    run = bytes(range(96))
    written = write_entries(run)
    assert b"".join(read_entries(written, 3)) == run
    for bad in (written[:-1], written + b"x", written[:34], b"\x00\x21" + written[2:]):
        with pytest.raises(Invalid, match="cut off"):
            read_entries(bad, 3)


@pytest.mark.parametrize(
    ("vkey", "code"),
    [
        (FOO.replace("530d903a", "530d903b"), "key.mistyped"), (FOO.replace("example", "examp1e"), "key.mistyped"),
        (FOO[:-4], "key.malformed"), (FOO.replace("+530d903a+", "+530D903A+"), "key.malformed"), ("", "key.malformed"),
        ("a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "key.malformed"),
    ],
)  # fmt: skip
def test_a_mistyped_key_is_refused(vkey: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        verifier.read_key(vkey)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("note", "code"),
    [
        (NOTE.replace("\n\n", "\n"), "note.malformed"), (NOTE[:-1], "note.malformed"), (NOTE + "x\n", "note.malformed"),
        (NOTE.replace("\u2014 ", "- "), "note.malformed"), (NOTE.replace("Uw2Q", "Uw2*"), "note.malformed"),
        ("\t" + NOTE, "note.malformed"), ("x" * 70_000 + NOTE, "note.too_large"),
        (NOTE + NOTE.splitlines(keepends=True)[-1] * 64, "note.too_many"), ("", "note.malformed"),
    ],
)  # fmt: skip
def test_a_malformed_note_is_refused(note: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        verifier.split_note(note)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "text", ["o\n01\nAAAA\n", "o\n1\nAAAA\n", "\n1\nAAAA\n", "o\n1\n", "o\n-1\nAA==\n", "o\n1\nA\n\n"]
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        verifier.read_checkpoint(text)
