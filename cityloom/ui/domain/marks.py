"""The small drawn pieces of a map: marks, swatches, scale bar, north arrow."""

from __future__ import annotations

import math
from html import escape

from cityloom.ui.domain.labels import Label
from cityloom.ui.domain.paths import TENTHS
from cityloom.ui.domain.styles import HALO, INK, PAPER, QUIET_INK, Style


def number(value: float) -> str:
    """A number with one decimal at the most."""
    return f"{value:.1f}".removesuffix(".0")


def area(style: Style, data: str, key: str) -> str:
    """An area from path data in tenths of pixels."""
    fill = f'fill="url(#{key}-hatch)"' if style.hatch else f'fill="{style.fill}"'
    clear = f' fill-opacity="{style.fill_opacity}"' if style.fill_opacity < 1 else ""
    return f'<path d="{data}" {fill}{clear}{_stroke(style.stroke, style.width, style.dash)}/>' if data else ""


def line(style: Style, data: str, key: str) -> str:
    """A line from path data in tenths of pixels, on its casing."""
    if not data:
        return ""
    head = f' marker-end="url(#{key}-arrow)"' if style.arrow else ""
    under = f'<path d="{data}"{_stroke(style.casing, style.casing_width)}/>' if style.casing else ""
    clear = f' opacity="{style.opacity}"' if style.opacity < 1 else ""
    drawn = f'{under}<path d="{data}"{_stroke(style.stroke, style.width, style.dash)}{head}/>'
    return f'<g fill="none" stroke-linecap="{"butt" if style.dash else "round"}"{clear}>{drawn}</g>'


def _stroke(colour: str, width: float, dash: str = "") -> str:
    if not width:
        return ""
    broken = f' stroke-dasharray="{" ".join(number(float(part) * TENTHS) for part in dash.split())}"' if dash else ""
    return f' stroke="{colour}" stroke-width="{number(width * TENTHS)}" stroke-linejoin="round"{broken}'


def mark(style: Style, x: float, y: float) -> str:
    """One point."""
    r = style.radius
    colours = f'fill="{style.fill}" stroke="{style.stroke}" stroke-width="{number(style.width)}"'
    if style.symbol == "square":
        box = f'<rect x="{number(x - r)}" y="{number(y - r)}" width="{number(2 * r)}" height="{number(2 * r)}"'
        return f'{box} rx="3" {colours}/>{_house(x, y, r)}'
    if style.symbol == "star":
        return f'<path d="{_star(x, y, r)}" {colours} stroke-linejoin="round"/>'
    return f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(r)}" {colours}/>'


def words(label: Label, colour: str = INK, weight: int = 500) -> str:
    """A text with a light halo."""
    turn = f' transform="rotate({number(label.angle)} {number(label.x)} {number(label.y)})"' if label.angle else ""
    return (
        f'<text x="{number(label.x)}" y="{number(label.y)}" font-size="{number(label.size)}"'
        f' text-anchor="{label.anchor}" dominant-baseline="central" fill="{colour}" font-weight="{weight}"'
        f' stroke="{HALO}" stroke-width="3"'
        f' stroke-linejoin="round" paint-order="stroke"{turn}>{escape(label.text)}</text>'
    )


def swatch(style: Style, x: float, y: float, key: str) -> str:
    """The sample of a style in the legend, 26 pixels wide, centred on y."""
    if style.symbol:
        return mark(style, x + 13, y)
    sample = area(style, "M20-70h220v140h-220z", key) if style.fill != "none" else line(style, "M0 0h260", key)
    return f'<g transform="translate({number(x)} {number(y)}) scale(.1)">{sample}</g>'


def scale_bar(pixels_per_metre: float, x: float, y: float, longest: float) -> str:
    """A bar of a round length that is at most `longest` pixels wide; x and y are its lower left corner."""
    metres = round_length(longest / pixels_per_metre)
    wide = metres * pixels_per_metre
    caption = f"{metres // 1000} km" if metres >= 1000 else f"{metres} m"
    bar = f"M{number(x)} {number(y - 6)}v6h{number(wide)}v-6"
    return (
        f'<g fill="none"><path d="{bar}" stroke="{HALO}" stroke-width="5"/>'
        f'<path d="{bar}" stroke="{INK}" stroke-width="1.8"/></g>'
        + words(Label(caption, x + wide / 2, y - 11, 11), QUIET_INK)
    )


def round_length(metres: float) -> int:
    """The largest 1, 2 or 5 times a power of ten that is not longer."""
    whole = max(int(metres), 1)
    power = 10 ** (len(str(whole)) - 1)
    return max(step * power for step in (1, 2, 5) if step * power <= whole)


def north_arrow(x: float, y: float) -> str:
    """An arrow to the north, centred on x and y."""
    return (
        f'<g transform="translate({number(x)} {number(y)})"><circle r="17" fill="{PAPER}" fill-opacity="0.9"/>'
        f'<path d="M0-13L5 3L0 0L-5 3z" fill="{INK}"/>'
        f'<text y="11" font-size="9.5" font-weight="700" text-anchor="middle" dominant-baseline="central" fill="{INK}">'
        "N</text></g>"
    )


def _house(x: float, y: float, r: float) -> str:
    s = r / 9
    roof = f"M{number(x - 6 * s)} {number(y)}L{number(x)} {number(y - 5.5 * s)}L{number(x + 6 * s)} {number(y)}"
    walls = f"h{number(-2 * s)}v{number(5 * s)}h{number(-8 * s)}v{number(-5 * s)}z"
    return f'<path d="{roof}{walls}" fill="{PAPER}"/>'


def _star(x: float, y: float, r: float) -> str:
    corners = []
    for step in range(16):
        reach, angle = (r if step % 2 == 0 else r * 0.55), math.pi * step / 8
        corners.append(f"{number(x + reach * math.sin(angle))} {number(y - reach * math.cos(angle))}")
    return f"M{'L'.join(corners)}z"
