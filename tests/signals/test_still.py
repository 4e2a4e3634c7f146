"""Which pictures are kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from cityloom.signals.domain.still import LARGEST_BYTES, suffix_of, synthetic_still

DRAWN = synthetic_still("ground-collapse", "Nanhai Avenue")


def test_a_drawn_still_says_in_both_languages_that_it_is_synthetic():
    text = "".join(etree.fromstring(DRAWN).itertext())
    assert "SYNTHETIC / 合成" in text
    assert "Nanhai Avenue" in text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("<>&\"'")))
def test_any_label_makes_a_picture_without_scripts_that_is_known_as_ours(label):
    drawn = synthetic_still("ground-collapse", label)
    assert suffix_of(drawn) == ".svg"
    tags = {etree.QName(node).localname for node in etree.fromstring(drawn).iter()}
    assert tags <= {"svg", "title", "rect", "polygon", "polyline", "path", "text"}


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"0" * 9, ".png"),
        (b"\xff\xd8\xff\xe0JFIF", ".jpg"),
        (b"GIF89a", ""),
        (b"", ""),
        (b"<svg onload='alert(1)'/>", ""),
        (DRAWN.replace(b"<title>", b"<script>alert(1)</script><title>"), ""),
        (DRAWN + b"<!-- -->", ""),
        (b"\xff\xd8\xff" + bytes(LARGEST_BYTES - 3), ".jpg"),
        (b"\xff\xd8\xff" + bytes(LARGEST_BYTES - 2), ""),
    ],
)
def test_pictures_are_told_by_their_bytes_and_bounded(content, suffix):
    assert suffix_of(content) == suffix
