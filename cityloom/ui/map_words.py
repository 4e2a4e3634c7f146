"""What the map in the browser says; its script holds no words of its own."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

_WORDS = {
    "title": gettext_noop("Map of the city"), "search": gettext_noop("Search the map"),
    "search-hint": gettext_noop("Place, street, number or id"), "coordinates": gettext_noop("Coordinates"),
    "found": gettext_noop("{count} found"), "found-none": gettext_noop("Nothing found for “{text}”."),
    "moved-to": gettext_noop("The map shows {title}."), "layers": gettext_noop("Layers"),
    "list": gettext_noop("What is here"), "measure": gettext_noop("Measure"), "past": gettext_noop("Look back"),
    "share": gettext_noop("Share"), "close": gettext_noop("Close"), "zoom-in": gettext_noop("Zoom in"),
    "zoom-out": gettext_noop("Zoom out"), "reset-bearing": gettext_noop("North up"),
    "attribution": gettext_noop("Sources of the map"), "marker": gettext_noop("Marked place"),
    "metres": gettext_noop("m"), "kilometres": gettext_noop("km"), "square-metres": gettext_noop("m²"),
    "square-kilometres": gettext_noop("km²"), "distance": gettext_noop("Distance"), "area": gettext_noop("Area"),
    "measure-how": gettext_noop("Click on the map, or move the map with the arrow keys and add its middle."),
    "measure-none": gettext_noop("Points: {count}"), "add-middle": gettext_noop("Add the middle of the map"),
    "undo": gettext_noop("Undo"), "clear": gettext_noop("Clear"),
    "pick-how": gettext_noop("Click where it is, or move the map with the arrow keys and take its middle."),
    "pick-middle": gettext_noop("Take the middle of the map"), "picked": gettext_noop("Chosen place: {place}"),
    "past-how": gettext_noop("Incidents, tasks and sensors as they were known at a time of the city's clocks."),
    "past-at": gettext_noop("As known at"), "earlier": gettext_noop("10 minutes earlier"),
    "later": gettext_noop("10 minutes later"), "now": gettext_noop("Now"),
    "as-known": gettext_noop("As known at {time}."), "back-to-now": gettext_noop("Back to now"),
    "share-how": gettext_noop("Shows this view, these layers and this time to whoever may see them."),
    "address": gettext_noop("Address"), "copy": gettext_noop("Copy"), "copied": gettext_noop("Copied."),
    "copy-by-hand": gettext_noop("The browser did not allow it: the address is selected, copy it by hand."),
    "zoom-in-to-see": gettext_noop("Zoom in to see it."), "asking": gettext_noop("Asking…"),
    "read-on": gettext_noop("Open its page"), "exercise": gettext_noop("EXERCISE"),
    "nothing-in-view": gettext_noop("Nothing that has a card is in view. Move the map or turn on more layers."),
    "more-in-view": gettext_noop("{count} more are in view; zoom in to list them."),
    "layer-failed": gettext_noop("{layer}: {sentence}"),
    "part-failed": gettext_noop("A part of the map could not be loaded; move the map to try again."),
    "no-connection": gettext_noop("The city's server cannot be reached."),
    "no-answer": gettext_noop("The server did not answer as it should (status {status})."),
    "no-webgl": gettext_noop("This browser cannot draw the map, because WebGL 2 is missing or switched off."),
    "lost-webgl": gettext_noop("The browser has stopped drawing the map."),
    "failed": gettext_noop("The map could not be drawn."),
    "words-remain": gettext_noop("The page tells everything in words."), "try-again": gettext_noop("Try again"),
}  # fmt: skip


def map_words() -> dict[str, str]:
    """The words by their key, in the reader's language."""
    return {key: gettext(text) for key, text in _WORDS.items()}
