"""Pictures of a scene: what is accepted, and a drawn one for drills."""

from __future__ import annotations

import re
from html import escape, unescape

LARGEST_BYTES = 2 * 1024 * 1024
MEDIA_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml"}
_MAGIC = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg"}
_OURS = re.compile(rb'<svg [^>]*data-category="([^"<>]*)" data-label="([^"<>]*)"')


def suffix_of(content: bytes) -> str:
    """The file ending for a picture that may be kept, or nothing.

    PNG and JPEG are told by their first bytes. SVG can carry scripts, so only what `synthetic_still` drew is taken.
    """
    if len(content) > LARGEST_BYTES:
        return ""
    if content.startswith(b"<svg"):
        return ".svg" if _is_ours(content) else ""
    return next((suffix for magic, suffix in _MAGIC.items() if content.startswith(magic)), "")


def synthetic_still(category: str, label: str) -> bytes:
    """Draw a road with a hole in it, marked as synthetic in both languages; nobody is on the picture."""
    name, words = escape(category[:40]), escape(label[:80])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360" data-category="{name}" data-label="{words}">'
        f"<title>{name}: {words} (synthetic)</title>"
        '<rect width="640" height="360" fill="#b9c4cc"/>'
        '<polygon points="250,90 390,90 640,360 0,360" fill="#4a4f55"/>'
        '<path d="M320 95V150M320 305V355" stroke="#f2f2f2" stroke-width="6" stroke-dasharray="24 18"/>'
        '<polygon points="225,190 290,165 372,172 425,210 410,268 330,292 248,276 205,232" fill="#15120f"/>'
        '<polyline points="225,190 290,165 372,172 425,210" fill="none" stroke="#8a6d4b" stroke-width="7"/>'
        '<path d="M205 232L150 250M425 210L486 196M330 292L342 336" stroke="#15120f" stroke-width="3"/>'
        '<rect width="640" height="40" fill="#ffd400"/>'
        '<text x="14" y="28" font-family="sans-serif" font-size="22" font-weight="bold">SYNTHETIC / 合成</text>'
        f'<text x="14" y="346" font-family="sans-serif" font-size="18" fill="#ffffff">{name} - {words}</text>'
        "</svg>"
    ).encode()


def _is_ours(content: bytes) -> bool:
    found = _OURS.match(content)
    try:
        return found is not None and content == synthetic_still(*(unescape(part.decode()) for part in found.groups()))
    except UnicodeDecodeError:
        return False
