"""What Cityloom will not do, held by tests (docs/explanation/what-it-will-not-do.md)."""

from __future__ import annotations

import re
from pathlib import Path

from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
IDENTIFYING = re.compile(r"face_?(recog|embed|encod)|gait|number_?plate|license_?plate|re_?id_?feature|anpr")
SCORING = re.compile(r"(person|citizen|resident|social_credit)_?(score|rank|risk)|(score|risk)_of_(person|subject)")
OPINION = re.compile(r"sentiment|opinion_|political_")
REFUSES = "insight/domain/indicators/admissible.py"
"""The list of what no index may be made of."""


def sources() -> list[Path]:
    return [path for path in (ROOT / "cityloom").rglob("*.py") if "migrations" not in path.parts]


def test_nothing_recognises_or_tracks_people() -> None:
    assert [path.name for path in sources() if IDENTIFYING.search(path.read_text().lower())] == []
    locked = "".join(path.read_text() for path in (ROOT / "requirements").glob("*.txt"))
    for library in ("face-recognition", "insightface", "deepface", "openalpr", "dlib"):
        assert f"\n{library}==" not in locked


def test_nobody_has_a_score_and_no_opinion_is_watched() -> None:
    for path in sources():
        text = path.read_text().lower()
        assert not SCORING.search(text), path
        assert path.as_posix().endswith(REFUSES) or not OPINION.search(text), path


def test_no_table_counts_how_often_a_person_complains() -> None:
    for model in apps.get_models():
        names = {field.name for field in model._meta.get_fields()}
        if names & {"subject", "caller_digest", "account_id"}:
            assert not {name for name in names if re.search(r"complaint|call_count|times_called", name)}, model
