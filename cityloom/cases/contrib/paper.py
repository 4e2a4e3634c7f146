"""A permit as a PDF, set by typst; what is in it comes as data and is never markup."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import typst

from cityloom.kernel.refused import Refused

_CHINESE_FONTS = re.compile(
    r"cjk sc|cjk tc|noto (sans|serif) (sc|tc)|source han|wenquanyi|simsun|simhei|kaiti|fangsong|yahei|dengxian|pingfang"
    r"|songti|heiti|ar pl (ukai|uming)|droid sans fallback|lxgw|fandol|sarasa|harmonyos sans|misans|unifont",
    re.IGNORECASE,
)
_CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def pdf(sheet: Mapping[str, Any]) -> bytes:
    """The permit; `sheet` has title, result, office, reference, pairs, parts (title, lines) and notes.

    Raises: Refused `cases.no_font` where it has Chinese characters and this computer no font with them.
    """
    fonts, chinese = _fonts()
    said = json.dumps(sheet, ensure_ascii=False)
    if _CHINESE.search(said) and not chinese:
        raise Refused("cases.no_font", "This computer has no font with Chinese characters, so the PDF cannot be made"
                      " here; print the page instead.")  # fmt: skip
    template = resources.files("cityloom.cases") / "certificate.typ"
    inputs = {"sheet": said, "fonts": json.dumps(chinese[:3])}
    compiler = typst.Compiler(template.read_bytes(), font_paths=fonts, sys_inputs=inputs)
    return bytes(compiler.compile(format="pdf"))  # type: ignore[arg-type]


@cache
def _fonts() -> tuple[typst.Fonts, list[str]]:
    """The fonts of this computer, which take a while to find, and those with Chinese characters."""
    fonts = typst.Fonts(font_paths=[])
    return fonts, sorted(family for family in fonts.families() if _CHINESE_FONTS.search(family))
