"""When a ground collapse is raised, as a manual: what was seen, whether people are called to look, and why.

`p` pressure drop, `f` flow surge, `s` settlement, `t` slow traffic, `c` call from a place of its own, `v` scene on a
camera; a number in front counts sources. `n` before a kind: such a stream close by looks as always.
All within 250 m and 10 minutes, and as clear as can be.
"""

from __future__ import annotations

import pytest

from cityloom.detection.domain.fusion import fuse
from tests.detection.layouts import evidence

LETTERS = {"p": "pressure", "f": "flow", "s": "settlement", "t": "traffic_speed", "c": "call", "v": "scene"}

MANUAL = [
    # what was seen     raised  why
    ("",                False,  "nothing"),      # an ordinary day
    ("1p",              False,  "one_kind"),     # a broken transducer
    ("20p",             False,  "one_kind"),     # the water utility's whole line is down
    ("9p 9f",           False,  "one_utility"),  # a burst main as only its own utility sees it
    ("9t",              False,  "one_kind"),     # rush hour
    ("30c",             False,  "one_kind"),     # a rumour
    ("9s",              False,  "one_kind"),     # a works site
    ("1s 1t",           False,  "few_sources"),
    ("1v 1c",           False,  "few_sources"),  # a prank and a shadow
    ("2t 1p",           False,  "weak"),         # rush hour and a broken transducer
    ("2t 1s",           False,  "weak"),         # rush hour and a broken gauge
    ("2t 1v",           False,  "weak"),         # rush hour and a puddle in the picture
    ("9t 1p",           False,  "weak"),
    ("1t 2p",           False,  "weak"),         # a burst main that a bus stops beside
    ("1p 1t 1c",        True,   "raised"),       # three trades agree
    ("1p 1s 1t",        True,   "raised"),       # at night, nobody calls
    ("1s 2c",           True,   "raised"),
    ("1v 2c",           True,   "raised"),
    ("1v 1p 1t",        True,   "raised"),
    ("2p 2t",           True,   "raised"),       # a burst main that blocks the road: people look
    ("2t 3c",           True,   "raised"),       # no instrument near, but everybody calls
    ("1p 1t 1c ns nf",  True,   "raised"),       # a gauge that rests does not outvote three trades
    ("2p 2t 3s 6c 2v",  True,   "raised"),       # the sinkhole
]  # fmt: skip


@pytest.mark.parametrize(("seen", "raised", "why"), MANUAL, ids=[row[0] or "nothing" for row in MANUAL])
def test_manual(seen: str, raised: bool, why: str) -> None:
    finding = fuse([item for word in seen.split() for item in _sources(word)])
    assert (finding.raised, finding.reason) == (raised, why)


def _sources(word: str) -> list[object]:
    kind = LETTERS[word[-1]]
    if word.startswith("n"):
        return [evidence(kind, 99, 0, 0, share=0.0)]
    return [evidence(kind, number, 5 * number, 3 * number) for number in range(int(word[:-1]))]
