"""Which files may be kept: what they are is in them, and nothing in them runs, fetches or swells."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.files.domain.safe import named, safe
from cityloom.kernel.refused import Refused
from tests.examples import a_third_of
from tests.files.test_pictures import picture

TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def packed(parts: Mapping[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return out.getvalue()


def docx(**more: bytes) -> bytes:
    named_parts = {name.replace("__", "/"): content for name, content in more.items()}
    return packed({"[Content_Types].xml": TYPES, "word/document.xml": b"<w:document/>"} | named_parts)


def relation(kind: str, target: str) -> bytes:
    one = f'<Relationship Id="r1" Type="{RELATIONS}{kind}" Target="{target}" TargetMode="External"/>'
    return f"<Relationships>{one}</Relationships>".encode()


def pdf(**catalog: object) -> bytes:
    document, out = pikepdf.new(), io.BytesIO()
    document.add_blank_page()
    for name, value in catalog.items():
        document.Root[f"/{name}"] = value
    document.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def action(kind: str, **more: str) -> pikepdf.Dictionary:
    return pikepdf.Dictionary(S=pikepdf.Name(f"/{kind}"), **more)


def code(name: str, content: bytes, kinds: tuple[str, ...] = ("picture", "pdf", "office", "text")) -> str:
    with pytest.raises(Refused) as caught:
        safe(name, content, kinds)
    return caught.value.code


@pytest.mark.parametrize(("name", "content", "media_type", "kept_as"), [
    ("lamp.png", picture("PNG"), "image/jpeg", "lamp.jpg"),
    ("plan.pdf", pdf(), "application/pdf", "plan.pdf"),
    ("letter.doc", docx(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "letter.docx"),
    ("link.docx", packed({"[Content_Types].xml": TYPES, "word/document.xml": b"<x/>",
     "word/_rels/document.xml.rels": relation("hyperlink", "https://example.org")}),
     "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "link.docx"),
    ("table", packed({"[Content_Types].xml": TYPES, "xl/workbook.xml": b"<x/>",
     "xl/printerSettings/printerSettings1.bin": b"x"}),
     "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "table.xlsx"),
    ("open.zip", packed({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<x/>"}),
     "application/vnd.oasis.opendocument.text", "open.odt"),
    ("list.csv", "\ufeff路灯,坏了\r\n".encode(), "text/plain; charset=utf-8", "list.txt"),
    ("page.html", b"<script>alert(1)</script>", "text/plain; charset=utf-8", "page.txt"),
])  # fmt: skip
def test_what_it_is_is_in_it_and_not_in_its_name(name: str, content: bytes, media_type: str, kept_as: str) -> None:
    found = safe(name, content)
    assert (found.media_type, found.name) == (media_type, kept_as)


@pytest.mark.parametrize(("content", "refusal"), [
    (b"", "files.empty"),
    (b"MZ\x90\x00" * 9, "files.kind"),
    (b"\x7fELF" + bytes(9), "files.kind"),
    (b"\xff\xd8\xff lies about its type", "files.photo_type"),
    (b"%PDF-1.7 and then nothing", "files.broken"),
    (b"PK\x03\x04 and then nothing", "files.broken"),
    (packed({"virus.exe": b"MZ"}), "files.kind"),
    (docx(word__vbaProject=b"macro"), "files.active"),
    (docx(word__embeddings__oleObject1=b"x"), "files.active"),
    (docx(word__activeX__activeX1=b"x"), "files.active"),
    (packed({"[Content_Types].xml": TYPES, "word/document.xml": b"<x/>", "word/_rels/settings.xml.rels":
             relation("attachedTemplate", "https://example.org/evil.dotm")}), "files.active"),
    (packed({"[Content_Types].xml": TYPES, "word/document.xml": b"<x/>", "word/_rels/settings.xml.rels":
             relation("attachedTemplate", "\\\\evil\\x").decode().encode("utf-16")}), "files.active"),
    (docx(word__media__bomb=bytes(30_000_000)), "files.bomb"),
    (packed({f"word/part{n}.xml": b"" for n in range(2_100)}), "files.bomb"),
    (b"a" * (7 * 1024 * 1024 + 1), "files.large"),
    (pdf(OpenAction=action("JavaScript", JS="app.alert(1)")), "files.active"),
    (pdf(OpenAction=action("Launch", F="cmd.exe")), "files.active"),
    (pdf(AA=pikepdf.Dictionary(WC=action("SubmitForm", F="https://example.org"))), "files.active"),
    (pdf(Names=pikepdf.Dictionary(EmbeddedFiles=pikepdf.Dictionary())), "files.active"),
    (pdf(AcroForm=pikepdf.Dictionary(XFA="x")), "files.active"),
])  # fmt: skip
def test_what_runs_fetches_swells_or_lies_is_refused_by_name(content: bytes, refusal: str) -> None:
    assert code("anything.pdf", content) == refusal


def test_a_desk_that_takes_photos_takes_nothing_else() -> None:
    assert code("plan.pdf", pdf(), ("picture",)) == "files.kind"
    assert safe("lamp.jpg", picture(), ("picture",)).kind == "picture"


def test_a_locked_pdf_is_refused() -> None:
    document, out = pikepdf.new(), io.BytesIO()
    document.add_blank_page()
    document.save(out, encryption=pikepdf.Encryption(owner="o", user="u"))
    assert code("locked.pdf", out.getvalue()) == "files.broken"


@given(st.text(max_size=200))
def test_a_name_never_leads_anywhere(name: str) -> None:
    kept = named(name, ".pdf")
    assert kept.endswith(".pdf") and 4 < len(kept) <= 104
    assert not set(kept) & set('/\\<>:"|?*\x00\n\r\u202e')
    assert not kept.startswith(".")


@settings(max_examples=a_third_of(60))
@given(st.binary(max_size=300), st.sampled_from([b"", b"%PDF-1.5\n", b"PK\x03\x04", b"\xff\xd8\xff", b"RIFF"]))
def test_no_bytes_are_a_defect(tail: bytes, head: bytes) -> None:
    """Either it is kept or it is refused with a sentence, whatever comes."""
    try:
        assert safe("x", head + tail).content
    except Refused as refusal:
        assert refusal.code.startswith("files.")
