"""Links to the islands, where they are built; a page without them tells everything in words."""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import SafeString

from cityloom.ui import built
from cityloom.ui.map_words import map_words as words_of_the_map

register = template.Library()


@register.simple_tag
def island(name: str, early: object = True) -> SafeString:
    """The styles and scripts of an island; nothing where it is not built; `early` fetches at once all it may need."""
    return _links(built.parts_of(f"{name}/index.ts"), early=bool(early))


@register.simple_tag
def island_fonts() -> SafeString:
    """A script that adds Chinese letters where the reader's machine has none; nothing where it is not built."""
    return _links(built.parts_of("fonts/index.ts"), early=False)  # most machines need none of the letters


@register.simple_tag
def island_is_built(name: str) -> bool:
    """Whether an island can be shown."""
    return built.parts_of(f"{name}/index.ts") is not None


@register.simple_tag
def map_words() -> SafeString:
    """The words of the map as data that its script reads."""
    return json_script(words_of_the_map(), "map-words")


def _links(parts: built.Parts | None, *, early: bool = True) -> SafeString:
    if parts is None:
        return SafeString("")
    styles = format_html_join("", '<link rel="stylesheet" href="{}">', ((static(name),) for name in parts.styles))
    scripts = format_html_join("", '<script type="module" src="{}"></script>', ((static(n),) for n in parts.scripts))
    soon = format_html_join("", '<link rel="modulepreload" href="{}">', ((static(n),) for n in parts.soon * early))
    return format_html("{}{}{}", styles, soon, scripts)
