"""Files are linked as they lie there: what comes out are row numbers, and how good it is against a truth."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cityloom.kernel.refused import Refused
from cityloom.registers import actions
from cityloom.registers.domain import linkage_columns, linkage_config, linkage_example
from cityloom.registers.linkage import engine
from tests import realdata


def write(place: Path, table: dict[str, list[str]], heads: dict[str, str], truth: list[int]) -> Path:
    with place.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow([*(heads[name] for name in table), "who"])
        out.writerows(zip(*table.values(), truth, strict=True))
    return place


@pytest.fixture
def two_files(tmp_path: Path) -> tuple[Path, Path, linkage_example.Linked]:
    made = linkage_example.people(120, 80, 60, seed=3, chinese=True)
    where = dict(zip(made.same[1].tolist(), made.same[0].tolist(), strict=True))
    right = {"name": [one + two for one, two in zip(made.right["surname"], made.right["given_name"], strict=True)],
             "born": ["/".join(day.split("-")[::-1]) for day in made.right["birth_date"]],
             "mobile": [f"+86-{phone}" if phone else "" for phone in made.right["phone"]],
             "address": made.right["address"]}  # fmt: skip
    heads = {"surname": "姓", "given_name": "名", "birth_date": "出生日期", "phone": "手机号", "address": "住址"}
    left_file = write(tmp_path / "left.csv", made.left, heads, list(range(120)))
    right_file = write(tmp_path / "right.csv", right, {name: name.capitalize() for name in right},
                       [where.get(row, 1000 + row) for row in range(80)])  # fmt: skip
    return left_file, right_file, made


def test_two_files_of_different_shape_are_linked_and_judged(two_files, tmp_path: Path):
    left, right, made = two_files
    outcome = actions.link_files([left, right], truth="who")
    assert outcome.config.register == "people"
    assert set(outcome.files[1].meanings.values()) == {"name", "birth_date", "phone", "address"}
    quality = outcome.quality["certain"]
    assert quality.true == 60 and quality.precision >= 0.99 and quality.recall >= 0.9
    assert outcome.blocked == 1.0
    written = actions.write_links(outcome, tmp_path / "links.csv")
    text = (tmp_path / "links.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == written > 50
    true = {(str(one + 2), str(other + 2)) for one, other in zip(*(side.tolist() for side in made.same), strict=True)}
    certain = [(row["left_row"], row["right_row"]) for row in rows if row["state"] == "certain"]
    assert len([pair for pair in certain if pair in true]) >= 0.99 * len(certain) > 50
    values = {value for table in (made.left, made.right) for column in table.values() for value in column if value}
    assert not [value for value in values if value in text]
    with pytest.raises(Refused, match="is there already"):
        actions.write_links(outcome, tmp_path / "links.csv")


def test_a_mapping_says_what_columns_mean_that_nobody_would_guess(tmp_path: Path):
    table = linkage_example.people(60, 1, 0, seed=4).left
    lines = [f"{one},{two},{day}\n" for one, two, day in zip(*list(table.values())[:3], strict=True)]
    (tmp_path / "f.csv").write_text("k1,k2,k3\n" + "".join(lines) * 2)
    with pytest.raises(Refused, match=r"No column of f\.csv is known"):
        actions.link_files([tmp_path / "f.csv"], register="people")
    (tmp_path / "f.yaml").write_text("file: {path: f.csv}\ncolumns: {k1: surname, k2: given_name, k3: birth_date}\n")
    outcome = actions.link_files([tmp_path / "f.yaml"], register="people")
    assert sorted(cluster.members for cluster in outcome.clusters) == [
        (("0 f.csv", row), ("0 f.csv", row + 60)) for row in range(60)
    ]


@pytest.mark.parametrize(("text", "words"), [
    ("columns: [a]", "needs file.path"), ("{", "needs file.path"), ("file: {path: f.csv}", "needs file.path"),
])  # fmt: skip
def test_a_mapping_that_is_none_is_refused(tmp_path: Path, text: str, words: str):
    (tmp_path / "f.yaml").write_text(text)
    with pytest.raises(Refused, match=words):
        actions.link_files([tmp_path / "f.yaml"])


def test_a_truth_that_is_not_there_is_refused(two_files):
    with pytest.raises(Refused, match="neither a column of each file nor a file"):
        actions.link_files(two_files[:2], truth="nobody")


def test_headers_of_many_shapes_are_understood():
    people, companies = linkage_config.shipped("people"), linkage_config.shipped("organisations")
    header = ["rec_id", " given_name", "Last Name", "date-of-birth", "soc_sec_id", "Zip Code", "电话", "salary"]
    assert linkage_columns.proposed(header, people) == {
        " given_name": "given_name", "Last Name": "surname", "date-of-birth": "birth_date",
        "soc_sec_id": "national_id", "Zip Code": "postcode", "电话": "phone",
    }  # fmt: skip
    both = {"people": people, "organisations": companies}
    assert linkage_columns.likeliest(header, both) == "people"
    assert linkage_columns.likeliest(["企业名称", "住所", "法定代表人"], both) == "organisations"


def test_companies_that_two_departments_write_differently_are_linked():
    made = linkage_example.organisations(120, 80, 60, seed=5)
    tables = {"market": made.left, "tax": made.right}
    links = engine.link(tables, linkage_config.shipped("organisations"), free_of_duplicates=frozenset(tables))
    links = links.taken(links.probability >= 0.95)
    true = set(zip(*(side.tolist() for side in made.same), strict=True))
    found = set(zip(links.left_row.tolist(), links.right_row.tolist(), strict=True))
    assert len(found & true) >= 0.95 * 60 and len(found - true) <= 1


def test_the_example_has_people_of_two_departments_who_are_the_same(tmp_path: Path):
    written = actions.write_linking_example(tmp_path, 120, 5)
    assert written and all(path.is_file() for path in written)
    people = tmp_path / "people"
    outcome = actions.link_files([people / "hospital.csv", people / "school.csv"], truth=str(people / "truth.csv"))
    assert outcome.quality["certain"].true == 60
    assert outcome.quality["certain"].precision >= 0.98 and outcome.quality["certain"].recall >= 0.9


FLOORS = [
    (("dataset4a.csv", "dataset4b.csv"), "rec_id", 0.999, 0.998), (("febrl1.csv",), "rec_id", 0.999, 0.995),
    (("febrl2.csv",), "rec_id", 0.999, 0.985), (("fake_1000.csv",), "cluster", 0.99, 0.90),
]  # fmt: skip


@pytest.mark.realdata
@pytest.mark.parametrize(("files", "truth", "precision", "recall"), FLOORS, ids=lambda said: str(said)[:24])
def test_public_labelled_people_are_linked(files: tuple[str, ...], truth: str, precision: float, recall: float):
    paths = [realdata.path(f"linkage/{name}") for name in files]
    joined = actions.link_files(paths, truth=truth).quality["joined"]
    assert joined.precision >= precision and joined.recall >= recall
