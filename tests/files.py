"""Small files of every format, made by the tests: good ones, and ones that must be refused."""

import io
import json
import os
import random
import zipfile
import zlib
from pathlib import Path
from typing import Any

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def pdf(*pages: str, extra: bytes = b"") -> bytes:
    """A PDF with a line of Helvetica on every page."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for text in pages:
        escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        content = f"BT /F1 12 Tf 72 720 Td ({escaped}) Tj ET".encode("latin-1")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    return assembled(objects, extra)


def assembled(objects: list[bytes], extra: bytes = b"") -> bytes:
    data, places = b"%PDF-1.4\n", []
    for n, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (n, content)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    return data + b"trailer\n<< /Size %d /Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, extra, start)


def scan(text: str = "") -> bytes:
    """A PDF whose only page is a picture, with `text` drawn into it."""
    image = drawn(text)
    file = io.BytesIO()
    image.save(file, "PDF", resolution=100)
    return file.getvalue()


def drawn(text: str) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("L", (850, 1100), 255)
    ImageDraw.Draw(image).text((80, 120), text, fill=0, font=ImageFont.load_default(size=48))
    return image


def encrypted_pdf() -> bytes:
    """A PDF that asks for a password nobody knows."""
    secret = b"<< /Filter /Standard /V 1 /R 2 /Length 40 /P -4 /O <%s> /U <%s> >>" % (b"41" * 32, b"42" * 32)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
        secret,
    ]
    return assembled(objects, b"/Encrypt 4 0 R /ID [<00> <00>] ")


def bomb_pdf(megabytes: int = 300) -> bytes:
    """A page whose content is packed a thousandfold, and packed again."""
    squeezed = zlib.compress(zlib.compress(b"q Q " * (megabytes << 18), 9), 9)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
        b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n%s\nendstream" % (len(squeezed), squeezed),
    ]
    return assembled(objects)


def zipped(files: dict[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def docx(body: str, more: dict[str, bytes | str] | None = None, before: str = "") -> bytes:
    """A Word document around the XML of its body."""
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
        'Target="word/document.xml"/></Relationships>'
    )
    style = '<w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/></w:style>'
    styles = f'<w:styles xmlns:w="{WORD}">{style}</w:styles>'
    linked = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/>'
        "</Relationships>"
    )
    return zipped(
        {
            "[Content_Types].xml": types,
            "_rels/.rels": relations,
            "word/document.xml": f'{before}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>',
            "word/styles.xml": styles,
            "word/_rels/document.xml.rels": linked,
        }
        | (more or {})
    )


def paragraph(text: str, style: str = "") -> str:
    kind = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{kind}<w:r><w:t>{text}</w:t></w:r></w:p>"


def slow_docx(paragraphs: int = 900_000) -> bytes:
    """A Word document that packs as documents do, and takes minutes and gigabytes to read."""
    rng = random.Random(0)
    return docx("".join(paragraph(str(rng.getrandbits(24))) for _ in range(paragraphs)))


def table(*rows: list[str]) -> str:
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def xlsx(**sheets: list[list[Any]]) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def pptx(slides: list[tuple[str, str, str]]) -> bytes:
    """Slides of title, text and notes; the first has a table and a group, too."""
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    for title, text, notes in slides:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = title, text
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    first = deck.slides[0].shapes
    grid = first.add_table(2, 2, 0, 0, Inches(2), Inches(1)).table
    for n, word in enumerate(("Day", "Open", "Sunday", "never")):
        grid.cell(n // 2, n % 2).text = word
    first.add_group_shape().shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "inside a group"
    file = io.BytesIO()
    deck.save(file)
    return file.getvalue()


def epub(chapters: dict[str, str], title: str = "A book") -> bytes:
    items = "".join(f'<item id="{n}" href="{name}"/>' for n, name in enumerate(chapters))
    spine = "".join(f'<itemref idref="{n}"/>' for n in range(len(chapters)))
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:c"><rootfiles><rootfile full-path="OPS/book.opf"/>'
            "</rootfiles></container>",
            "OPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf"><metadata '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></metadata>'
            f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
        }
        | {f"OPS/{name}": text for name, text in chapters.items()}
    )


def odt(body: str) -> bytes:
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for short, name in (("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"))
    )
    return zipped(
        {
            "content.xml": f"<office:document-content {spaces}><office:body>{body}</office:body>"
            "</office:document-content>"
        }
    )


def hostile(folder: Path) -> dict[str, tuple[str, str]]:
    """29 files that break readers, two good ones among them: {name: (status, part of the reason)}."""
    rng = random.Random(4)
    good = "The clinic opens at eight. A flu shot costs 45 euros."
    word = docx(paragraph("hello") * 50)
    entities = (
        '<!DOCTYPE d [<!ENTITY a "'
        + "ha" * 500
        + '">'
        + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 20}">' for n in range(8))
        + "]>"
    )
    files: dict[str, tuple[bytes | str, str, str]] = {
        "good.txt": (good, "added", ""),
        "good.pdf": (pdf("The clinic opens at nine on Sunday."), "added", ""),
        "empty.txt": (b"", "failed", "is empty"),
        "blank.md": (" \n\t\n", "failed", "no text"),
        "binary.txt": (b"\x7fELF" + rng.randbytes(4000), "failed", "a program, not text"),
        "noise.txt": (rng.randbytes(5000), "failed", "binary|encoding"),
        "zeros.csv": (b"a,b\n" + bytes(4000), "failed", "binary"),
        "cut.docx": (word[: len(word) // 2], "failed", "damaged or cut short"),
        "cut.pdf": (pdf("x" * 100)[:60], "failed", "damaged or cut short"),
        "locked.pdf": (encrypted_pdf(), "failed", "password"),
        "locked.docx": (
            b"\xd0\xcf\x11\xe0" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            "failed",
            "password",
        ),
        "wrong.pdf": (word, "failed", "content is not a PDF"),
        "wrong.docx": (pdf("x"), "failed", "content is not a Word document"),
        "sheet.docx": (xlsx(A=[["x"]]), "failed", "an Excel workbook, not a Word document"),
        "picture.md": (b"\x89PNG\r\n\x1a\n" + rng.randbytes(500), "failed", "a picture, not text"),
        "bomb.docx": (docx("<w:t>" + "a" * 150_000_000 + "</w:t>"), "failed", "as a bomb does"),
        "slow.docx": (slow_docx(), "failed", "more than|memory"),
        "laughs.docx": (docx(paragraph("&h;"), before=entities), "failed", "entities of its own"),
        "laughs.xml": (entities + "<d>&h;</d>", "failed", "entities of its own"),
        "bomb.pdf": (bomb_pdf(), "failed", "no text|more than|memory|crashed|damaged"),
        "deep.jsonl": ('{"a": ' + "[" * 90_000 + "]" * 90_000 + "}", "failed", "nested too deeply"),
        "deep.html": ("<div>" * 200_000 + "<b>", "failed", "no text"),
        "wide.csv": ("x\n" + "," * 1_000_000, "failed", "1,000,001 columns"),
        "cell.csv": ('a,b\n"' + "c" * 1_100_000, "failed", "not a row"),
        "broken.jsonl": ('{"a": 1}\n{"a": \n', "failed", "Line 2 is not JSON"),
        "nofonts.rtf": (b"{\\rtf1 " + b"{" * 5000, "failed", "no text|could not be read|nested"),
        "tool.exe": (b"MZ", "skipped", r"\.exe is not read"),
    }
    for name, (data, _, _) in files.items():
        (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    os.mkfifo(folder / "pipe.txt")
    (folder / "link.txt").symlink_to("/etc/passwd")
    expected = {name: (status, reason) for name, (_, status, reason) in files.items()}
    return expected | {"pipe.txt": ("failed", "not a regular file"), "link.txt": ("skipped", "Links are not followed")}


def notebook(*cells: tuple[str, str]) -> bytes:
    return json.dumps({"cells": [{"cell_type": kind, "source": [text]} for kind, text in cells]}).encode()
