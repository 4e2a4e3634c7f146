"""A page for a network: what of it does not hang together, each with its place on the map."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_safe

from cityloom.kernel.refused import Refused
from cityloom.registers.browsing import networks
from cityloom.registers.browsing.networks import Piece
from cityloom.registers.display import register_word, value_word
from cityloom.registers.views.records import address_of, address_of_list
from cityloom.ui.words import sentence_of

_MOST_SHOWN = 200
_ZOOM = 17
_PARTS = {
    "apart": gettext_noop("Pieces that no chain of segments joins to the largest part"),
    "loose_end": gettext_noop("Segments with an end that meets nothing"),
    "loop": gettext_noop("Segments that end where they begin"),
}


@require_safe
def network(request: HttpRequest, name: str) -> HttpResponse:
    """What does not hang together in a register of lines."""
    if name not in networks.NETWORKS:
        raise Http404
    found, refusal = (), ""
    try:
        found = networks.pieces(name)
    except Refused as refused:
        refusal = sentence_of(refused)
    parts = [(rule, _(words), [one for one in found if one.rule == rule]) for rule, words in _PARTS.items()]
    return render(request, "registers/network.html", {
        "name": name, "list_title": register_word(name), "list_url": address_of_list(name), "refusal": refusal,
        "most": _MOST_SHOWN, "parts": [
            (rule, words, len(rows), [_row(name, one) for one in rows[:_MOST_SHOWN]]) for rule, words, rows in parts],
    }, status=409 if refusal else 200)  # fmt: skip


def _row(name: str, one: Piece) -> dict[str, object]:
    return {
        "keys": [(key, address_of(name, key)) for key in one.keys], "more": one.segments - len(one.keys),
        "network": value_word("network", one.network), "segments": one.segments, "metres": round(one.length_m),
        "map": f"/map/#map={_ZOOM}/{one.lat:.5f}/{one.lon:.5f}", "place": f"{one.lon:.5f}, {one.lat:.5f}",
    }  # fmt: skip
