"""A PDF becomes a part for every page, scanned pages through OCR; a picture is a scanned page by itself."""

import io
import re
from collections.abc import Callable
from typing import Any

from ..errors import DocumentError
from . import ocr
from .parts import Part, Reading, Wish
from .text import clean

MOST_PAGES, MOST_SCANNED = 5000, 200
FEW = 100  # characters; a page with no more and a picture over half of it is a scan, with a stamp at most
DPI = 200
SCANNED = "scanned, needs OCR"
HYPHEN = re.compile("(?:\x02|\ufffe|\u00ad)[ \t]*\n?")  # PDFium marks a word broken at the end of a line


def pdf(data: bytes, wish: Wish, alive: Callable[[str], None] = lambda _: None) -> Reading:
    """The pages by PDFium. `alive` is told before every scanned page, which takes seconds."""
    import pypdfium2

    if b"%PDF-" not in data[:1024]:
        raise DocumentError("The file's content is not a PDF, whatever its ending says.")
    try:
        document = pypdfium2.PdfDocument(data)
        count = len(document)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentError("The PDF is protected by a password; save it without.") from error
        raise DocumentError("The PDF is damaged or cut short; open and save it again.") from error
    if count > MOST_PAGES:
        raise DocumentError(f"The PDF has {count:,} pages; at most {MOST_PAGES:,} are read.")
    if not count:
        raise DocumentError("The PDF is damaged: it has no pages.")
    return _read(document, count, wish, alive)


def picture(data: bytes, wish: Wish, alive: Callable[[str], None] = lambda _: None) -> Reading:
    """The text in a picture; a TIFF may have several pages."""
    from PIL import Image, ImageSequence

    Image.MAX_IMAGE_PIXELS = 60_000_000
    missing = ocr.missing(wish.ocr)
    if missing:
        raise DocumentError(f"The picture is {SCANNED}: {missing}")
    try:
        with Image.open(io.BytesIO(data)) as image:
            parts, count = [], getattr(image, "n_frames", 1)
            for n, frame in enumerate(ImageSequence.Iterator(image), 1):
                if n > MOST_SCANNED:
                    break
                alive(f"OCR of page {n} of {count}")
                if text := clean(ocr.text(frame.convert("L"), wish.ocr)).strip():
                    parts.append(Part(text, n if count > 1 else None))
    except Image.DecompressionBombError as error:
        raise DocumentError("The picture has more than 120 million points; make it smaller.") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise DocumentError("The picture is damaged, or its content is not what its ending says.") from error
    return Reading(parts, note="by OCR", pages=count)


def _read(document: Any, count: int, wish: Wish, alive: Callable[[str], None]) -> Reading:
    missing = ocr.missing(wish.ocr)
    parts: list[Part] = []
    unread: list[int] = []  # scanned pages
    by_ocr = broken = 0
    for n in range(1, count + 1):
        try:
            text, scanned, image = _page(document, n - 1, wants_image=not missing and by_ocr < MOST_SCANNED)
        except Exception as error:
            if isinstance(error, MemoryError | RecursionError):
                raise
            broken += 1
            continue
        if scanned and image is None:
            unread.append(n)
        elif scanned:
            alive(f"OCR of page {n} of {count}")
            by_ocr += 1
            text = "\n".join(filter(None, [text, clean(ocr.text(image, wish.ocr)).strip()]))
        if text:
            parts.append(Part(text, n))
    if unread and not parts:
        raise DocumentError(f"The PDF is {SCANNED}: {missing or 'there are too many pages.'}")
    if not parts and broken:
        raise DocumentError("The PDF is damaged: none of its pages can be read.")
    notes = [
        f"{by_ocr} page{'s' * (by_ocr != 1)} by OCR" * bool(by_ocr),
        f"page {', '.join(map(str, unread[:10]))}{' ...' * (len(unread) > 10)} {SCANNED}" * bool(unread),
        f"{broken} pages are damaged and not read" * bool(broken),
        _attached(document),
    ]
    return Reading(parts, note="; ".join(filter(None, notes)), pages=count)


def _page(document: Any, index: int, wants_image: bool) -> tuple[str, bool, Any]:
    """(text, whether it is a scan, its image if it is one and is wanted)."""
    from pypdfium2 import raw

    page = document[index]
    try:
        text = page.get_textpage().get_text_bounded()
        text = clean(HYPHEN.sub("", text.replace("\r\n", "\n"))).strip()
        scanned = len(text) <= FEW and _covered(page, raw) > 0.5
        image = page.render(scale=DPI / 72).to_pil().convert("L") if scanned and wants_image else None
        return text, scanned, image
    finally:
        page.close()


def _covered(page: Any, raw: Any) -> float:
    """The share of the page that its pictures cover, overlaps counted twice."""
    width, height = page.get_size()
    total = 0.0
    for found in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=5):
        left, bottom, right, top = found.get_bounds() if hasattr(found, "get_bounds") else found.get_pos()
        total += max(0.0, min(right, width) - max(left, 0)) * max(0.0, min(top, height) - max(bottom, 0))
    return total / (width * height) if width * height else 0.0


def _attached(document: Any) -> str:
    from pypdfium2 import raw

    count = raw.FPDFDoc_GetAttachmentCount(document)
    return f"{count} attached file{'s' * (count != 1)} not read" if count > 0 else ""
