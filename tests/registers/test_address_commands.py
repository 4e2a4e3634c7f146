"""The commands for addresses: files in, tables out, a sentence for what cannot be read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cityloom.cli import address
from cityloom.kernel.refused import Refused


class Started:
    """An installation that is there already."""

    def start(self) -> None:
        """Nothing is left to do."""

    def open_city(self) -> None:
        raise Refused("city.none", "There is no city here yet.")


def parsed(*args: str) -> str:
    return CliRunner().invoke(address.parse, list(args), obj=Started(), catch_exceptions=False).stdout


def test_one_address_is_told_in_parts() -> None:
    told = json.loads(parsed("深圳市南山区科苑路15号", "--json"))
    assert ["road", "科苑路"] in told["parts"]
    assert told["division"] == "440305"
    assert "科苑路" in parsed("深圳市南山区科苑路15号")


def test_a_column_of_a_file_becomes_a_table_of_parts(tmp_path: Path) -> None:
    place, out = tmp_path / "a.csv", tmp_path / "parts.csv"
    place.write_text('code,地址\n1,科苑路15号\n2,"Rua das Flores, 12"\n3,\n', "utf-8-sig")
    parsed(str(place), "--output", str(out))
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert [row["road"] for row in rows] == ["科苑路", "Rua das Flores", ""]
    assert [row["road_number"] for row in rows] == ["15号", "12", ""]


@pytest.mark.parametrize(("content", "code"), [
    (b"a,b\n1,2\n", "address.no_column"), ("地址\n科苑路\n".encode("gb18030"), "address.unreadable"),
])  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_with_what_to_do(tmp_path: Path, content: bytes, code: str) -> None:
    place = tmp_path / "a.csv"
    place.write_bytes(content)
    with pytest.raises(Refused) as refused:
        list(address.addresses_in(place, ""))
    assert refused.value.code == code


def test_a_labelled_file_is_measured(tmp_path: Path) -> None:
    place = tmp_path / "dev.txt"
    place.write_text("科 B-road\n苑 I-road\n路 I-road\n15 B-roadno\n号 I-roadno\n\n", "utf-8")
    assert json.loads(parsed(str(place), "--truth", "--json"))["whole"] == 1.0
    with pytest.raises(Refused, match="no file"):
        parsed(str(tmp_path / "missing.txt"), "--truth")
