"""Draw a piece of the city as one SVG picture: for reports that open without a server and for pages without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
import shapely

from cityloom.ui.domain import marks
from cityloom.ui.domain.labels import Board, mark_names, street_names, text_width
from cityloom.ui.domain.paths import BBox, Frame, Shapes, fitted, line_data, polygon_data
from cityloom.ui.domain.styles import FONT, INK, LAND, NOTICE, PAPER, QUIET_INK, STYLES

MOST_BYTES = 400_000
_DETAIL = (0.35, 0.8, 1.6, 3.2, 6.4)  # tolerances in pixels, tried until the picture is small enough
_ROW, _TITLE, _EDGE = 26, 16.0, 14


@dataclass(frozen=True)
class Layer:
    """Things of one kind, in WGS 84: `style` is a name in `STYLES`, `labels` name each geometry, `legend` the layer."""

    style: str
    geometries: Sequence[shapely.Geometry] | Shapes
    labels: Sequence[str] = ()
    legend: str = ""


@dataclass(frozen=True)
class Words:
    """What is written around the picture; `notice` is what nobody may overlook ("EXERCISE")."""

    title: str
    description: str = ""
    attribution: str = ""
    notice: str = ""


@dataclass
class _Sheet:
    """The picture while it is drawn."""

    frame: Frame
    key: str
    board: Board
    ground: list[str] = field(default_factory=list)
    above: list[str] = field(default_factory=list)


def draw(
    layers: Sequence[Layer], *, bbox: BBox, words: Words, size: tuple[int, int] = (960, 680), key: str = "map"
) -> str:
    """Return an SVG element of at most `MOST_BYTES`, from the first layer up, under a title, with a legend below.

    `bbox` is west, south, east, north; all of it is shown. `key` starts every id inside, so that two pictures can
    stand on one page. Only presentation attributes are used: a strict content security policy lets them pass.
    """
    frame = fitted(bbox, size)
    placed = [(layer, frame.to_pixels(np.array(layer.geometries, dtype=object))) for layer in layers]
    svg = ""
    for tolerance in _DETAIL:
        svg = _picture(placed, frame, words, key, tolerance)
        if len(svg.encode()) <= MOST_BYTES:
            break
    return svg


def _picture(
    placed: Sequence[tuple[Layer, Shapes]], frame: Frame, words: Words, key: str, tolerance: float
) -> str:
    sheet = _Sheet(frame, key, Board(frame.width, frame.height))
    furniture = _furniture(sheet, words)
    for layer, shapes in placed:
        _draw_layer(sheet, layer, shapes, tolerance)
    for layer, shapes in reversed(placed):
        _write_names(sheet, layer, shapes)
    legend, below = _legend([layer for layer, _ in placed], words.attribution, frame.width, frame.height, key)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {frame.width} {frame.height + below}" role="img"'
        f' aria-labelledby="{key}-title {key}-desc" font-family="{FONT}" class="city-map">'
        f'<title id="{key}-title">{escape(words.title)}</title><desc id="{key}-desc">{escape(words.description)}</desc>'
        f"{_definitions(frame, key)}"
        f'<rect width="{frame.width}" height="{frame.height + below}" fill="{PAPER}"/>'
        f'<g clip-path="url(#{key}-window)"><rect width="{frame.width}" height="{frame.height}" fill="{LAND}"/>'
        f"<g transform=\"scale(.1)\">{''.join(sheet.ground)}</g>{''.join(sheet.above)}</g>{furniture}{legend}</svg>"
    )


def _definitions(frame: Frame, key: str) -> str:
    hazard, route = STYLES["hazard"], STYLES["route"]
    return (
        f'<defs><clipPath id="{key}-window"><rect width="{frame.width}" height="{frame.height}"/></clipPath>'
        f'<pattern id="{key}-hatch" width="70" height="70" patternUnits="userSpaceOnUse"'
        f' patternTransform="rotate(45)"><rect width="70" height="70" fill="{hazard.fill}" fill-opacity="0.25"/>'
        f'<path d="M0 0v70" stroke="{hazard.fill}" stroke-width="32"/></pattern>'
        f'<marker id="{key}-arrow" viewBox="0 0 10 10" refX="7" refY="5" markerWidth="110" markerHeight="110"'
        f' markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5L0 10z" fill="{route.stroke}"/></marker></defs>'
    )


def _draw_layer(sheet: _Sheet, layer: Layer, shapes: Shapes, tolerance: float) -> None:
    style = STYLES[layer.style]
    if style.symbol:
        points = shapely.get_coordinates(shapely.centroid(shapes[~shapely.is_empty(shapes)]))
        sheet.above += [marks.mark(style, x, y) for x, y in points.tolist() if _inside(sheet.frame, x, y)]
    elif style.fill != "none":
        sheet.ground.append(marks.area(style, polygon_data(shapes, tolerance, style.smallest), sheet.key))
    else:
        areas = shapely.get_dimensions(shapes) == 2
        lines = np.where(areas, shapely.boundary(shapes), shapes)
        sheet.ground.append(marks.line(style, line_data(lines, tolerance), sheet.key))


def _inside(frame: Frame, x: float, y: float) -> bool:
    return 0 <= x <= frame.width and 0 <= y <= frame.height



def _write_names(sheet: _Sheet, layer: Layer, shapes: Shapes) -> None:
    style = STYLES[layer.style]
    if not layer.labels or not style.text:
        return
    if style.symbol:
        found = mark_names(shapes, layer.labels, style.text, style.radius + 4, sheet.board)
    else:
        found = street_names(shapes, layer.labels, style.text, sheet.board)
    sheet.above += [marks.words(label, weight=600 if style.symbol else 500) for label in found]


def _furniture(sheet: _Sheet, words: Words) -> str:
    """Title, notice, scale bar and north arrow, over the picture; names keep off them."""
    frame, board = sheet.frame, sheet.board
    board.block(0, frame.height - 46, 200, frame.height)
    board.block(frame.width - 56, 0, frame.width, 56)
    panels = _panel(words.title, _EDGE, PAPER, _TITLE, board) if words.title else ""
    if words.notice:
        panels += _panel(words.notice, _EDGE + (38 if words.title else 0), NOTICE, 13.0, board)
    bar = marks.scale_bar(frame.scale, _EDGE + 4, frame.height - _EDGE, 150)
    return panels + bar + marks.north_arrow(frame.width - 31, 31)


def _panel(text: str, top: float, fill: str, size: float, board: Board) -> str:
    """A strip with words in the upper left corner."""
    wide, tall = text_width(text, size, bold=True) + 24, size + 16
    board.block(_EDGE, top, _EDGE + wide, top + tall)
    return (
        f'<rect x="{_EDGE}" y="{top}" width="{marks.number(wide)}" height="{marks.number(tall)}" rx="6" fill="{fill}"'
        f' fill-opacity="0.95"/><text x="{_EDGE + 12}" y="{marks.number(top + tall / 2)}" font-size="{size}"'
        f' font-weight="700" dominant-baseline="central" fill="{INK}">{escape(text)}</text>'
    )


def _legend(
    layers: Sequence[Layer], attribution: str, width: int, top: int, key: str
) -> tuple[str, int]:
    """The rows below the picture, and how tall they are."""
    pieces: list[str] = []
    x, y = float(_EDGE), top + _ROW * 0.75
    for text, style in {layer.legend: layer.style for layer in layers if layer.legend}.items():
        wide = 36 + text_width(text, 12) + 22
        if x + wide > width - _EDGE and x > _EDGE:
            x, y = float(_EDGE), y + _ROW
        pieces.append(marks.swatch(STYLES[style], x, y, key) + _plain(text, (x + 36, y), 12, INK))
        x += wide
    if attribution:
        wide = text_width(attribution, 11)
        y = y if not pieces or x + wide < width - _EDGE else y + _ROW
        pieces.append(_plain(attribution, (width - _EDGE, y), 11, QUIET_INK, "end"))
    return "".join(pieces), int(y - top + _ROW * 0.75) if pieces else 0


def _plain(text: str, at: tuple[float, float], size: float, colour: str, anchor: str = "start") -> str:
    x, y = at
    return (
        f'<text x="{marks.number(x)}" y="{marks.number(y)}" font-size="{size}" text-anchor="{anchor}"'
        f' dominant-baseline="central" fill="{colour}">{escape(text)}</text>'
    )
