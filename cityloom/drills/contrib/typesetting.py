"""Set a drill's report as one HTML file and as a PDF."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import typst
from django.template.loader import render_to_string

from cityloom.drills.domain.report_layout import CHINESE, ENGLISH, WORDS, Layout, Report, Words, layout, word
from cityloom.ui.typeset import shipped_fonts

LANGUAGES = (ENGLISH, CHINESE)
NO_CHINESE_FONT = (
    "This PDF is in English only, because no font with Chinese characters was found on this computer; "
    "the HTML report has both languages. Install a font such as Noto Sans CJK to get both here too."
)
_CHINESE_FONTS = re.compile(
    r"cjk sc|cjk tc|cjk jp|noto (sans|serif) (sc|tc)|source han|wenquanyi|simsun|simhei|kaiti|fangsong|yahei|dengxian"
    r"|pingfang|songti|heiti|stsong|hiragino sans gb|ar pl (ukai|uming|kaiti|sungti)|droid sans fallback|lxgw|fandol"
    r"|sarasa|harmonyos sans|misans|unifont",
    re.IGNORECASE,
)
_BEYOND_THE_FONTS = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+")
_REPLACED = "(name in Chinese characters)"


@dataclass(frozen=True)
class PdfOutcome:
    """What the PDF holds: its languages, and a sentence where one had to be left out."""

    languages: tuple[str, ...]
    note: str = ""


def html(report: Report, map_svg: str) -> str:
    """One HTML file without scripts and without requests to anywhere; the map is a picture inside it."""
    picture = "data:image/svg+xml;base64," + base64.b64encode(map_svg.encode()).decode() if map_svg else ""
    words = {key: word(key) for key in WORDS}
    return render_to_string("drills/report.html", {"report": layout(report), "picture": picture, "words": words})


def pdf(report: Report, map_svg: str, path: Path, font_folders: Sequence[Path] = ()) -> PdfOutcome:
    """Write the report to `path`, in Chinese too where a font with Chinese characters is found."""
    fonts = typst.Fonts(font_paths=[*shipped_fonts(), *map(str, font_folders)])
    chinese = _chinese_families(fonts)
    outcome = PdfOutcome(LANGUAGES) if chinese else PdfOutcome((ENGLISH,), NO_CHINESE_FONT)
    content = _content(layout(report), outcome)
    picture = map_svg if chinese else _legible(map_svg)
    inputs = {
        "report": json.dumps(content, ensure_ascii=False),
        "map": picture,
        "fonts": json.dumps(chinese[:3]),
    }
    template = resources.files("cityloom.drills") / "report.typ"
    compiler = typst.Compiler(template.read_bytes(), font_paths=fonts, sys_inputs=inputs)
    path.write_bytes(bytes(compiler.compile(format="pdf")))  # type: ignore[arg-type]
    return outcome


def _chinese_families(fonts: typst.Fonts) -> list[str]:
    return sorted(family for family in fonts.families() if _CHINESE_FONTS.search(family))


def _content(sheet: Layout, outcome: PdfOutcome) -> dict[str, Any]:
    """The layout as plain values, each text in the PDF's languages, one a line."""
    keys = ("report", "exercise", "exercise_note", "safe", "unsafe", "figures", "map", "alert", "digest",
            "status", "valid", "identifier", "area", "notes")  # fmt: skip
    content = _said(asdict(sheet), outcome.languages)
    content["alerts"] = [_in_languages(alert, outcome.languages) for alert in content["alerts"]]
    content["words"] = {key: _joined(word(key), outcome.languages) for key in keys}
    return content | {"note": outcome.note}


def _in_languages(alert: dict[str, Any], languages: Sequence[str]) -> dict[str, Any]:
    kept = [text for text in alert["texts"] if any(text["language"].startswith(lang) for lang in _prefixes(languages))]
    return alert | {"texts": kept or alert["texts"]}


def _prefixes(languages: Iterable[str]) -> list[str]:
    return [language.split("-")[0] for language in languages]


def _said(value: Any, languages: Sequence[str]) -> Any:
    """Each mapping of languages to texts as one text, everything else as it is."""
    if isinstance(value, dict):
        if value.keys() <= set(LANGUAGES):
            return _joined(value, languages)
        return {key: _said(inner, languages) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_said(inner, languages) for inner in value]
    return value if CHINESE in languages or not isinstance(value, str) else _legible(value)


def _joined(words: Words, languages: Sequence[str]) -> str:
    said = list(dict.fromkeys(words[language] for language in languages if words.get(language)))
    text = "\n".join(said) or next(iter(words.values()), "")
    return text if CHINESE in languages else _legible(text)


def _legible(text: str) -> str:
    return _BEYOND_THE_FONTS.sub(_REPLACED, text)
