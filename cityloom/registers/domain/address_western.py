"""Addresses as they are written with Latin letters: street and number in either order, what is inside the house, place.

The text is cut at its commas; each piece is told by what it holds: a street and a number, a word such as Apt, andar or
étage, or a postcode.
"""

from __future__ import annotations

import re

from cityloom.registers.domain.address_parts import Part

_PIECES = re.compile(r"[^,;\n\r|·]+")
_NUMBER = r"\d{1,6}(?:\s?(?:bis|ter|quater)\b|-?[a-zA-Z](?![\w'’.])|\s[a-zA-Z](?=\s*(?:$|[,/–-]))|\s\d/\d)?(?![\w])"
_SEVERAL = rf"{_NUMBER}(?:\s?[-–/]\s?{_NUMBER})*"
_MARK = r"(?:n\s?[.ºo°]{1,2}\.?|nr\.?|num\.?|number|#|№)"
_FIRST = re.compile(
    rf"\s*(?:{_MARK}\s?)?(?P<number>{_SEVERAL})(?:\s*,?\s+|(?=[^\W\d]{{2}}))(?P<street>[^\W\d_].*?|\d+(?:st|nd|rd|"
    rf"th)\b.*?)\s*$",
    re.I,
)
_LAST = re.compile(
    rf"\s*(?P<street>.*?[^\W\d_].*?)(?:\s*,?\s*{_MARK}\s?|"
    rf"\s+)(?P<number>{_SEVERAL})(?P<rest>(?:\s+\S{{1,6}}(?:\s+\S{{1,6}})?)?)\s*$",
    re.I,
)
_AT_END = re.compile(
    rf"\s*(?P<street>.*?[^\W\d_].*?)(?:\s*,?\s*{_MARK}\s?|\s+)(?P<number>{_SEVERAL})(?P<rest>)\s*$", re.I
)
_ALONE = re.compile(rf"\s*(?:{_MARK}\s?)?(?P<number>{_SEVERAL})\s*$", re.I)
_POSTCODE = re.compile(
    r"\b(?:(?:FI|F|P|PT|US|MC|D|I|E)-)?(\d{4}-\d{3}|\d{5}(?:-\d{4})?|\d{3}\s\d{2}|"
    r"[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2})(?!\w)(?!\s*[-/]\d)"
)
_STATE = re.compile(r"\b[A-Z]{2}\s*$")
_FLOOR = r"(?:floor|fl\.?|flr\.?|level|[ée]tage|[ée]t\.?|andar|piso|kerros|krs\.?|stock|og)\b"
_ORDINAL = r"\d{1,3}\s?(?:[.ºª°]{1,2}|st\b|nd\b|rd\b|th\b|[eè](?:me)?\b)"
_SIDE = (
    r"(?:esq(?:uerd[oa])?|d(?:i?rei)?to|dir(?:eit[oa])?|frente|fr(?:te)?|fte|tras(?:eiras)?|tr|gauche|droite|"
    r"centro|ctr)\b\.?"
)
_INSIDE = re.compile(
    rf"(?P<floor>\b{_FLOOR}\s*\d{{1,3}}\b|{_ORDINAL}\s*{_FLOOR}|\d{{1,3}}\s*{_FLOOR}|r/c\b|"
    rf"r[ée]s[- ]do[- ]ch[ãa]o|rdc\b|rez[- ]de[- ]chauss[ée]e|"
    rf"ground floor|basement|cave\b|{_ORDINAL}(?=\s*{_SIDE}|\s*[A-Z]?\s*$))"
    r"|(?P<building>\b(?:building|bldg|bloco|bl|b[âa]t(?:iment)?|block|blk|tower|torre|lote)\b\.?\s*[\w-]{1,8})"
    r"|(?P<unit>\b(?:entrance|entr[ée]e|entrada|entr?|esc(?:alier|ada)?|stair|staircase|rappu|porte|"
    r"porta)\b\.?\s*[\w-]{1,6})"
    rf"|(?P<room>(?:\b(?:apartment|apt|appt|appartement|apartamento|apto|flat|unit|suite|ste|room|rm|sala|loja|"
    rf"fra[cç]?(?:ção)?|asunto|box)\b\.?\s*#?|#)\s*[\w-]{{1,8}}|\bas\.?\s*\d{{1,4}}\b|\b{_SIDE})",
    re.I,
)
_FINNISH = re.compile(r"\s+(?P<unit>[A-Z])(?:\s?(?P<room>\d{1,4}[a-z]?))?\s*$")
_STREET_WORDS = re.compile(
    r"\b(?:street|str?|avenue|ave?|avenida|road|rd|boulevard|blvd|bd|lane|ln|drive|dr|court|ct|place|plaza|pl|"
    r"square|sq|rua|r|rue|travessa|tv|largo|"
    r"pra[cç]a|alameda|estrada|beco|viela|escadas|cal[cç]ada|quai|impasse|chemin|all[ée]e|passage|mont[ée]e|"
    r"via|viale|corso|piazza|calle|terrace|ter|"
    r"way|highway|hwy|parkway|pkwy|alley|pier|wharf|row|circle|cir)\b|(?:katu|tie|kuja|polku|kaari|tori|ranta|"
    r"stra(?:ss|ß)e|gatan|v[äa]gen)\b",
    re.I,
)
_COUNTRIES = frozenset({"portugal", "france", "monaco", "finland", "suomi", "usa", "us", "united states", "u.s.a."})


def parts_of(text: str) -> tuple[Part, ...]:
    """The parts of an address in Latin letters, without gaps."""
    found: dict[str, bool] = {}
    parts: list[Part] = []
    pieces = [(piece.start(), piece.end()) for piece in _PIECES.finditer(text)]
    for number, (start, end) in enumerate(pieces):
        parts += _piece(text, start, end, found, is_last=number == len(pieces) - 1)
        found |= {part.kind: True for part in parts}
    return _without_gaps(sorted(parts, key=lambda part: part.start), len(text))


def _without_gaps(parts: list[Part], length: int) -> tuple[Part, ...]:
    whole: list[Part] = []
    place = 0
    for part in parts:
        if part.start > place:
            whole.append(Part("other", place, part.start))
        if part.end > max(part.start, place):
            whole.append(Part(part.kind, max(part.start, place), part.end))
            place = part.end
    if place < length:
        whole.append(Part("other", place, length))
    return tuple(whole)


def _piece(text: str, start: int, end: int, found: dict[str, bool], *, is_last: bool) -> list[Part]:
    """The parts of what stands between two commas."""
    parts: list[Part] = []
    post = None
    if "road" in found or is_last:
        posts = [one for one in _POSTCODE.finditer(text, start, end) if "road" in found or one.start() > start + 3]
        post = posts[-1] if posts else None
    if post and "postcode" not in found:
        parts.append(Part("postcode", post.start(), post.end()))
        parts += _around_postcode(text, start, end, post, found)
        if "road" in found or not _has_street(text, start, post.start()):
            return parts
        end = post.start()
    if "road" not in found:
        return parts + _street(text, start, end)
    return parts + _after_street(text, start, end, found)


def _has_street(text: str, start: int, end: int) -> bool:
    return any(sign.isalpha() for sign in text[start:end])


def _around_postcode(text: str, start: int, end: int, post: re.Match[str], found: dict[str, bool]) -> list[Part]:
    """The city after a postcode, or the city and state before it."""
    after = _trimmed(text, post.end(), end)
    if after:
        return [Part("city", *after)]
    before = _trimmed(text, start, post.start())
    if not before or "road" not in found:
        return []
    state = _STATE.search(text, *before)
    parts = [Part("province", state.start(), state.start() + 2)] if state else []
    town = _trimmed(text, before[0], state.start() if state else before[1])
    return [*parts, Part("city", *town)] if town and "city" not in found else parts


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Where the words between two places begin and end; None where there are none."""
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not (text[end - 1].isalnum() or text[end - 1] in ".)º"):
        end -= 1
    return (start, end) if any(sign.isalnum() for sign in text[start:end]) else None


def _street(text: str, start: int, end: int) -> list[Part]:
    """A street with its number and what is inside the house; a name alone is a street, or a building's."""
    parts, end = _inside(text, start, end)
    alone = _ALONE.match(text, start, end)
    if alone:
        return [Part("road_number", *alone.span("number")), *parts]
    last = _AT_END.match(text, start, end) or _LAST.match(text, start, end)
    first = _FIRST.match(text, start, end)
    if first:
        return [Part("road_number", *first.span("number")), Part("road", *_span(first, "street")), *parts]
    if last:
        rest = _trimmed(text, *last.span("rest"))
        parts = [Part("road", *_span(last, "street")), Part("road_number", *last.span("number")), *parts]
        if rest:
            parts.append(Part("room" if len(text[rest[0] : rest[1]]) <= 6 else "occupant", *rest))
        return parts
    name = _trimmed(text, start, end)
    return (
        [Part("road" if name and _STREET_WORDS.search(text, *name) else "compound", *name), *parts] if name else parts
    )


def _span(found: re.Match[str], name: str) -> tuple[int, int]:
    start, end = found.span(name)
    text = found.string
    while end > start and (text[end - 1].isspace() or text[end - 1] in ","):
        end -= 1
    return start, end


def _inside(text: str, start: int, end: int) -> tuple[list[Part], int]:
    """Floor, door and the like at the end of a street's piece, and where the street ends then."""
    parts = [
        Part(one.lastgroup or "room", one.start(), one.end())
        for one in _INSIDE.finditer(text, start, end)
        if one.start() > start + 2 and one.end() > one.start() and any(map(str.isdigit, text[start : one.start()]))
    ]
    if parts:
        return parts, parts[0].start
    finnish = _FINNISH.search(text, start, end)
    if finnish and text[: finnish.start()].rstrip()[-1:].isdigit():
        found = [Part("unit", *finnish.span("unit"))]
        if finnish["room"]:
            found.append(Part("room", *finnish.span("room")))
        return found, finnish.start()
    return [], end


def _after_street(text: str, start: int, end: int, found: dict[str, bool]) -> list[Part]:
    """What follows a street: its number, what is inside the house, the place."""
    alone = _ALONE.match(text, start, end)
    if alone and "road_number" not in found:
        return [Part("road_number", *alone.span("number"))]
    if inside := _all_inside(text, start, end, found):
        return inside
    words = _trimmed(text, start, end)
    return [Part("room" if alone else _kind_of_place(text[words[0] : words[1]], found), *words)] if words else []


def _all_inside(text: str, start: int, end: int, found: dict[str, bool]) -> list[Part]:
    """Floor, door and the like, perhaps after the number of the house."""
    parts = [Part(one.lastgroup or "room", one.start(), one.end()) for one in _INSIDE.finditer(text, start, end)]
    if "road_number" not in found and parts and (number := _ALONE.match(text, start, parts[0].start)):
        return [Part("road_number", *number.span("number")), *parts]
    return parts


def _kind_of_place(words: str, found: dict[str, bool]) -> str:
    """Whether words after a street name a country, a state or a city."""
    if words.casefold() in _COUNTRIES:
        return "country"
    return "province" if "city" in found else "city"
