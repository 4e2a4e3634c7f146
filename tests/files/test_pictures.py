"""What is taken as a photo, and what is left of it."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from cityloom.files.domain import pictures
from cityloom.kernel.refused import Refused
from tests.examples import a_third_of


def picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **more: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 128).save(out, kind, **more)
    return out.getvalue()


def with_notes() -> bytes:
    """A photo that says where, when and with what it was taken, three times over."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0132], exif[0x0112] = "CameraMaker", "2026:05:01 10:00:00", 6
    exif.get_ifd(0x8825).update({1: "N", 2: (22.0, 32.0, 35.0), 3: "E", 4: (114.0, 3.0, 28.0)})
    return picture(exif=exif, comment=b"secret comment", icc_profile=b"secret profile")


def png_claiming(width: int, height: int) -> bytes:
    """A small file that says it is a huge picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_nothing_but_pixels_is_left() -> None:
    before = with_notes()
    assert b"CameraMaker" in before
    after = pictures.cleaned(before)
    for note in (b"CameraMaker", b"2026:05:01", b"secret", b"Exif", b"ICC_PROFILE", b"GPS"):
        assert note not in after
    read = Image.open(io.BytesIO(after))
    assert not read.getexif()
    assert read.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_it_stands_upright_though_the_note_that_said_so_is_gone() -> None:
    assert Image.open(io.BytesIO(pictures.cleaned(with_notes()))).size == (40, 60)


@pytest.mark.parametrize(("kind", "mode"), [
    ("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "1"), ("PNG", "I;16"),
    ("WEBP", "RGBA"),
])  # fmt: skip
def test_every_usual_photo_becomes_a_jpeg(kind: str, mode: str) -> None:
    read = Image.open(io.BytesIO(pictures.cleaned(picture(kind, mode=mode))))
    assert (read.format, read.mode, read.size) == ("JPEG", "RGB", (60, 40))


def test_a_large_photo_is_made_smaller() -> None:
    read = Image.open(io.BytesIO(pictures.cleaned(picture(size=(5000, 2500)))))
    assert max(read.size) == pictures.LARGEST_SIDE


def several() -> bytes:
    """A photo with another one behind it, as telephones write it."""
    out = io.BytesIO()
    Image.new("RGB", (60, 40)).save(out, "MPO", save_all=True, append_images=[Image.new("RGB", (30, 20))])
    return out.getvalue()


def with_text(key: str) -> bytes:
    notes = PngInfo()
    notes.add_itxt(key, "<script>alert(1)</script>")
    return picture("PNG", pnginfo=notes)


@pytest.mark.parametrize("content", [
    picture() + b"<html><script>alert(1)</script>", picture("PNG") + b"PK\x03\x04<script>alert(1)",
    picture(comment=b"<script>alert(1)</script>"), with_text("Comment"), with_text("xmp"), several(),
], ids=["page", "archive", "comment", "text", "xmp", "several"])  # fmt: skip
def test_what_is_something_else_too_is_a_photo_and_nothing_else(content: bytes) -> None:
    after = pictures.cleaned(content)
    read = Image.open(io.BytesIO(after))
    assert (read.format, read.size, getattr(read, "n_frames", 1)) == ("JPEG", (60, 40), 1)
    assert b"script" not in after
    assert b"PK\x03" not in after


@pytest.mark.parametrize(("content", "code"), [
    (b"", "photo_type"), (b"hello", "photo_type"), (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "photo_type"),
    (b"%PDF-1.7", "photo_type"), (b"GIF89a" + b"0" * 40, "photo_type"), (b"MZ" + b"0" * 100, "photo_type"),
    (picture()[:200], "photo_broken"), (b"\x89PNG\r\n\x1a\n" + b"0" * 60, "photo_broken"),
    (b"\xff\xd8\xff\xe0" + b"0" * 60, "photo_broken"),
    (b"<html><script>" + picture(), "photo_type"), (b"GIF89a/*" + b"0" * 40 + b"*/=1;alert(1)", "photo_type"),
    (png_claiming(50_000, 50_000), "photo_pixels"),
    (png_claiming(6_000, 6_000), "photo_pixels"), (png_claiming(100_000, 100_000), "photo_pixels"),
    (png_claiming(10, 10), "photo_broken"), (b"\xff" * (pictures.LARGEST_BYTES + 1), "photo_large"),
])  # fmt: skip
def test_what_is_no_photo_is_refused_with_what_to_do(content: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        pictures.cleaned(content)
    assert refused.value.code == f"files.{code}"
    assert "send" in refused.value.sentence


_GOOD = [picture(), picture("PNG", mode="RGBA"), picture("WEBP"), with_notes()]


@settings(max_examples=a_third_of(150))
@given(st.sampled_from(_GOOD), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12),
       st.integers(0, 10_000))  # fmt: skip
def test_a_damaged_photo_is_cleaned_or_refused(good: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    damaged = bytearray(good)
    for place, byte in changes:
        damaged[place % len(damaged)] = byte
    try:
        after = pictures.cleaned(bytes(damaged[: max(1, cut % (len(damaged) + 1))]))
    except Refused:
        return
    assert Image.open(io.BytesIO(after)).format == "JPEG"


@given(st.binary(max_size=600))
def test_no_bytes_break_it(content: bytes) -> None:
    with pytest.raises(Refused):
        pictures.cleaned(content)
