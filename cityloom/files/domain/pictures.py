"""Photos from residents: decoded to be sure what they are, made smaller, and written anew with nothing but pixels."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from cityloom.kernel.refused import Refused

MOST_PHOTOS = 3
LARGEST_BYTES = 10 * 1024 * 1024
LARGEST_SIDE = 2048
MOST_PIXELS = {"JPEG": 64_000_000, "PNG": 25_000_000, "WEBP": 25_000_000}
"""By format: a JPEG is decoded small at once, the others need 4 bytes for each pixel."""
_SEVERAL = "MPO"
"""A JPEG with more pictures behind the first, as telephones write them; the first is taken."""
_NOTES = ("xmp", "XML:com.adobe.xmp")
MEDIA_TYPE = "image/jpeg"
_QUALITY = 82


def cleaned(content: bytes) -> bytes:
    """A photo as a JPEG of at most 2,048 pixels a side, turned upright, without place, time, camera or any other note.

    Raises: Refused `files.photo_large`, `files.photo_type`, `files.photo_pixels`, `files.photo_broken`.
    """
    if len(content) > LARGEST_BYTES:
        raise Refused("files.photo_large", "This photo has {value} MB, and at most {limit} MB can be taken; send a"
                      " smaller one.", value=round(len(content) / 1024 / 1024, 1),
                      limit=LARGEST_BYTES // 1024 // 1024)  # fmt: skip
    try:
        with warnings.catch_warnings(), _opened(content) as picture:
            warnings.simplefilter("ignore")
            return _written(picture)
    except Refused:
        raise
    except Exception as error:  # what is written to break a decoder breaks it in ways that nobody has listed
        raise Refused("files.photo_broken", "This photo is damaged and cannot be read; take it again, or send"
                      " another one.") from error  # fmt: skip


def _opened(content: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(content), formats=list(MOST_PIXELS))
    except (UnidentifiedImageError, SyntaxError) as error:
        raise Refused("files.photo_type", "This is not a photo that can be taken; send a JPEG, PNG or WebP"
                      " picture.") from error  # fmt: skip
    except Image.DecompressionBombError as error:
        raise _too_many_pixels("> 178", min(MOST_PIXELS.values())) from error
    kind = "JPEG" if picture.format == _SEVERAL else picture.format
    pixels, most = picture.width * picture.height, MOST_PIXELS[kind or "PNG"]
    if pixels > most:
        raise _too_many_pixels(pixels // 1_000_000, most)
    return picture


def _too_many_pixels(millions: object, most: int) -> Refused:
    return Refused("files.photo_pixels", "This photo has {value} million pixels, and at most {limit} can be taken;"
                   " send a smaller one.", value=millions, limit=most // 1_000_000)  # fmt: skip


def _written(picture: Image.Image) -> bytes:
    picture.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))  # a JPEG is decoded at a half, a quarter or an eighth
    picture.load()
    for name in _NOTES:  # it is looked into for what is upright, and need not be what it should be
        picture.info.pop(name, None)
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    bare = Image.new("RGB", upright.size, "white")
    seen = upright.convert("RGBA")
    bare.paste(seen, mask=seen.getchannel("A"))
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()
