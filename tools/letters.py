"""Make small files of Chinese letters for machines that have none: of the city's own words, and of English pages' few.

The font comes in a hundred slices by character, of which one page asks for dozens. Those letters that the city's own
words need are put together into one file, which serves every page of the portal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FONT = ROOT / "islands" / "node_modules" / "@fontsource-variable" / "noto-sans-sc"
MADE = ROOT / "islands" / "fonts" / "made"
FEW = "简体中文云络"
"""What stands on a page in another language: the language's own name, and that of the made-up city."""
_WORDS = (".po", ".py", ".html", ".yaml")
_NO_WORDS = "person_names.py"  # names of people stand on few pages, and would make the file a tenth bigger
_MARKS = "“”‘’—…"  # as wide as a character only in a Chinese font
_LATIN = "".join(map(chr, range(0x20, 0x7F)))  # so that figures and names match what stands around them
_CHINESE = re.compile("[\u2e80-\u9fff\uff00-\uff60]")
_SLICE = re.compile(r"src: url\(\./files/([\w-]+\.woff2)\)[^}]*unicode-range: ([^;]+);")
_WEIGHTS = {"wght": (400, 400, 700)}
_KEPT = ("head", "hhea", "maxp", "OS/2", "hmtx", "cmap", "loca", "glyf", "name", "post", "fvar", "gvar", "avar", "STAT")


def own_letters() -> str:
    """Every Chinese character that stands in the city's own words, and the Latin ones between them, in order."""
    files = (path for path in (ROOT / "cityloom").rglob("*") if path.suffix in _WORDS and path.name != _NO_WORDS)
    found = {letter for path in files for letter in _CHINESE.findall(path.read_text())}
    return "".join(sorted(found | {*FEW, *_MARKS, *_LATIN}))


def make() -> None:
    """Lay the two files and the list of their letters where the build of the islands finds them."""
    MADE.mkdir(exist_ok=True)
    own = own_letters()
    for name, letters in (("few", FEW), ("own", own)):
        _put_together(set(map(ord, letters))).save(MADE / f"{name}.woff2")
    (MADE / "letters.json").write_text(json.dumps({"few": FEW, "own": own}, ensure_ascii=False))


def _put_together(wanted: set[int]) -> Any:
    """A font of these letters, out of the slices that hold them; the fullest first, whose tables the others join."""
    held = [(file, wanted & codes) for file, codes in _slices()]
    made = [(file, _part(FONT / "files" / file, codes)) for file, codes in held if codes]
    parts = [(file, part) for file, part in made if part.getBestCmap()]  # a range may say more than its file holds
    (_, whole), *others = sorted(parts, key=lambda one: -len(one[1].getBestCmap()))
    for file, part in others:
        _join(whole, part, file)
    return whole


def _slices() -> Iterator[tuple[str, set[int]]]:
    """The files of the font, each with the characters that it holds."""
    for file, ranges in _SLICE.findall((FONT / "wght.css").read_text()):
        ends = [one.strip()[2:].split("-") for one in ranges.split(",")]
        yield file, {code for end in ends for code in range(int(end[0], 16), int(end[-1], 16) + 1)}


def _part(path: Path, letters: set[int]) -> Any:
    """A slice with nothing but some letters, in the weights that the pages use."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    font = TTFont(path)
    keep = Subsetter(Options(layout_features=[], notdef_outline=True, hinting=False, name_IDs=[1, 2, 13, 14]))
    keep.populate(unicodes=letters)
    keep.subset(font)
    for table in set(font.keys()) - {"GlyphOrder", *_KEPT}:
        del font[table]
    return instantiateVariableFont(font, _WEIGHTS, inplace=True)


def _join(whole: Any, part: Any, name: str) -> None:
    """Add the letters of another slice of the same font."""
    taken, names = set(whole.getGlyphOrder()), part.getGlyphOrder()
    fresh = {one: one if one not in taken else f"{name}.{one}" for one in names if one != ".notdef"}
    whole.setGlyphOrder([*whole.getGlyphOrder(), *fresh.values()])
    for old, new in fresh.items():
        glyph = part["glyf"][old]
        if glyph.isComposite():
            for piece in glyph.components:
                piece.glyphName = fresh[piece.glyphName]
        whole["glyf"].glyphs[new] = glyph
        whole["hmtx"].metrics[new] = part["hmtx"].metrics[old]
        if "gvar" in part:  # a space is the same in every weight
            whole["gvar"].variations[new] = part["gvar"].variations.get(old, [])
    for table in whole["cmap"].tables:
        table.cmap.update({code: fresh[old] for code, old in part.getBestCmap().items()})
