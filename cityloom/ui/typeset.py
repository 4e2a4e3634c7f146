"""PDFs set by typst, with the fonts of this computer and one with Chinese characters that comes with the program.

What is in them comes as data and is never markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any

import typst

_CHINESE_FONTS = re.compile(
    r"cjk sc|cjk tc|noto (sans|serif) (sc|tc)|source han|wenquanyi|simsun|simhei|kaiti|fangsong|yahei|dengxian|pingfang"
    r"|songti|heiti|ar pl (ukai|uming)|droid sans fallback|lxgw|fandol|sarasa|harmonyos sans|misans|unifont",
    re.IGNORECASE,
)
_CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def can_set(sheet: Mapping[str, Any]) -> bool:
    """Whether this computer has a font for what is in a sheet."""
    return bool(_fonts()[1]) or not _CHINESE.search(json.dumps(sheet, ensure_ascii=False))


def chinese_fonts() -> list[str]:
    """The fonts of this computer that have Chinese characters."""
    return _fonts()[1]


def pdf(template: bytes, sheet: Mapping[str, Any]) -> bytes:
    """A PDF; the template finds the sheet in `sys.inputs.sheet` and the families with Chinese in `.fonts`, as JSON."""
    fonts, chinese = _fonts()
    inputs = {"sheet": json.dumps(sheet, ensure_ascii=False), "fonts": json.dumps(chinese[:3])}
    return bytes(typst.Compiler(template, font_paths=fonts, sys_inputs=inputs).compile(format="pdf"))  # type: ignore[arg-type]


def shipped_fonts() -> list[str]:
    """The folders of fonts that come as packages: Noto Sans CJK (SIL Open Font License), where it is installed."""
    found = find_spec("noto_cjk_sans_otc")
    return list(found.submodule_search_locations or ()) if found else []


@cache
def _fonts() -> tuple[typst.Fonts, list[str]]:
    """The fonts of this computer, which take a while to find, and those with Chinese characters."""
    fonts = typst.Fonts(font_paths=shipped_fonts())  # type: ignore[arg-type]
    return fonts, sorted(family for family in fonts.families() if _CHINESE_FONTS.search(family))
