"""How each kind of thing looks on a map; colours keep their meaning for readers who cannot tell red from green."""

from __future__ import annotations

from dataclasses import dataclass

LAND = "#f5f2ec"
PAPER = "#ffffff"
INK = "#1f2933"
QUIET_INK = "#52606d"
HALO = "#fdfcf9"
NOTICE = "#ffd166"
FONT = "system-ui, 'Noto Sans', 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans SC Variable', sans-serif"


@dataclass(frozen=True)
class Style:
    """Presentation attributes; widths and radii are pixels.

    `casing` is a wider line drawn underneath, `symbol` a mark for points (`disc`, `square`, `star`, `ring`), `arrow` a
    head at the end of lines, `hatch` a pattern of strokes instead of a flat fill, `text` the size of labels.
    """

    fill: str = "none"
    stroke: str = "none"
    width: float = 0.0
    fill_opacity: float = 1.0
    opacity: float = 1.0
    dash: str = ""
    casing: str = ""
    casing_width: float = 0.0
    symbol: str = ""
    radius: float = 0.0
    arrow: bool = False
    hatch: bool = False
    text: float = 0.0
    smallest: float = 0.0


STYLES: dict[str, Style] = {
    "water": Style(fill="#b5d7ea", stroke="#8fc0da", width=0.8, smallest=6),
    "green": Style(fill="#d3e6c3", smallest=6),
    "land": Style(fill="#ece7dd", smallest=6),
    "building": Style(fill="#ded6ca", stroke="#c3b8a8", width=0.6, smallest=2),
    "road": Style(stroke="#ffffff", width=3.2, casing="#d8d2c6", casing_width=4.6, text=10.5),
    "road-major": Style(stroke="#fff3c9", width=6.0, casing="#d9c48a", casing_width=7.6, text=12),
    "path": Style(stroke="#cfc4b2", width=1.1, dash="3 2"),
    "zone": Style(fill="#f4a259", stroke="#c8553d", width=2.2, fill_opacity=0.14, dash="8 4"),
    "ring-1": Style(fill="#c8553d", stroke="#c8553d", width=1.0, fill_opacity=0.20),
    "ring-2": Style(fill="#e07a3f", stroke="#e07a3f", width=1.0, fill_opacity=0.16),
    "ring-3": Style(fill="#f4a259", stroke="#f4a259", width=1.0, fill_opacity=0.12),
    "evacuated": Style(fill="#e58a5c", stroke="#a8472c", width=0.9),
    "closed-street": Style(
        stroke="#ffffff", width=2.2, dash="5 5", casing="#8f1d14", casing_width=6.0, opacity=0.95, text=11.5
    ),
    "hazard": Style(fill="#8f1d14", stroke="#8f1d14", width=2.0, hatch=True),
    "route": Style(stroke="#0b5d8c", width=2.4, opacity=0.85, arrow=True, casing="#ffffff", casing_width=4.2),
    "shelter": Style(fill="#0b6e4f", stroke="#ffffff", width=1.6, symbol="square", radius=9, text=12),
    "place": Style(fill="#5b4b8a", stroke="#ffffff", width=1.4, symbol="disc", radius=6, text=11),
    "valve": Style(fill="#ffffff", stroke="#0b5d8c", width=2.0, symbol="ring", radius=4.5),
    "sensor": Style(fill="#334e68", stroke="#ffffff", width=1.0, symbol="disc", radius=3.5),
    "task": Style(fill="#5b4b8a", stroke="#ffffff", width=1.2, symbol="disc", radius=4),
    "worker": Style(fill="#ffffff", stroke="#5b4b8a", width=2.2, symbol="disc", radius=5),
    "load-1": Style(fill="#4a7fb5", stroke="#3b4754", width=1.0, fill_opacity=0.8),
    "load-2": Style(fill="#a9c8e6", stroke="#3b4754", width=1.0, fill_opacity=0.75),
    "load-3": Style(fill="#f7f3d9", stroke="#3b4754", width=1.0, fill_opacity=0.75),
    "load-4": Style(fill="#f2c18d", stroke="#3b4754", width=1.0, fill_opacity=0.8),
    "load-5": Style(fill="#cf6a2b", stroke="#3b4754", width=1.0, fill_opacity=0.8),
    "shape-1": Style(fill="#f3ecf7", stroke="#3b4754", width=1.0, fill_opacity=0.8),
    "shape-2": Style(fill="#d9c3e6", stroke="#3b4754", width=1.0, fill_opacity=0.8),
    "shape-3": Style(fill="#b597d1", stroke="#3b4754", width=1.0, fill_opacity=0.8),
    "shape-4": Style(fill="#8d6bb5", stroke="#3b4754", width=1.0, fill_opacity=0.8),
    "shape-5": Style(fill="#5b4b8a", stroke="#3b4754", width=1.0, fill_opacity=0.8),
    "chosen": Style(stroke="#1f2933", width=3.2),
    "reach": Style(fill="#5b4b8a", stroke="#5b4b8a", width=2.0, fill_opacity=0.14, dash="6 4"),
    "sight": Style(stroke="#5b4b8a", width=1.3, dash="3 3"),
    "mark": Style(fill="#1f2933", stroke="#ffffff", width=1.0, symbol="disc", radius=3, text=11),
    "alert-area": Style(stroke="#5b4b8a", width=2.0, dash="2 4"),
    "centre": Style(fill="#8f1d14", stroke="#ffffff", width=1.6, symbol="star", radius=9),
}
"""By name, from quiet ground to what must be seen first."""
