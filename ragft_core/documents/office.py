"""Word, PowerPoint, Excel and OpenDocument files become headings, paragraphs, table rows, slides and notes."""

import datetime
import io
from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import DocumentError
from . import archives
from .html import html_to_markdown
from .parts import Part, Reading, Wish
from .rows import table_rows
from .text import clean

STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh\np[style-name='Caption'] => p:fresh"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
TEXT, TABLE, DRAW, NOTES = (OFFICE % name for name in ("text", "table", "drawing", "presentation"))


def docx(data: bytes, wish: Wish) -> Reading:
    """Headings, lists, tables, foot- and endnotes by mammoth; pictures by their descriptions."""
    import mammoth

    with archives.opened(data, "a Word document") as archive:
        pictures = sum(name.startswith("word/media/") for name in archive.namelist())
        html = mammoth.convert_to_html(
            io.BytesIO(data), convert_image=mammoth.images.img_element(lambda _: {}), style_map=STYLES
        ).value
    text = html_to_markdown(html)[1]
    return Reading([Part(text, markdown=True)] if text else [], note=left_out(pictures))


def pptx(data: bytes, wish: Wish) -> Reading:
    """A part for each slide, which is its page: title, text, tables, chart values, picture descriptions, notes."""
    from pptx import Presentation
    from pptx.exc import PythonPptxError

    with archives.opened(data, "a PowerPoint document") as archive:
        pictures = sum(name.startswith("ppt/media/") for name in archive.namelist())
        try:
            slides = list(Presentation(io.BytesIO(data)).slides)
            parts = [Part(clean(_slide(slide)), n, markdown=True) for n, slide in enumerate(slides, 1)]
        except (PythonPptxError, KeyError, AttributeError, ValueError) as error:
            raise DocumentError(f"The presentation is damaged ({type(error).__name__}); save it again.") from error
    return Reading([part for part in parts if part.text.strip()], note=left_out(pictures), pages=len(slides))


def xlsx(data: bytes, wish: Wish) -> Reading:
    """A part for each row of each sheet, with the column's name before every value; of formulas the last result."""
    import openpyxl

    with archives.opened(data, "an Excel workbook"):
        try:
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            sheets = {name: book[name] for name in book.sheetnames if hasattr(book[name], "iter_rows")}
            return _sheets({name: sheet.iter_rows(values_only=True) for name, sheet in sheets.items()}, wish)
        except (KeyError, ValueError, AttributeError, TypeError) as error:
            raise DocumentError(f"The workbook is damaged ({type(error).__name__}: {str(error)[:100]}).") from error


def xls(data: bytes, wish: Wish) -> Reading:
    """The old Excel format, as `xlsx`."""
    import xlrd

    if not data.startswith(archives.OLE):
        raise DocumentError("The file's content is not an old Excel workbook, whatever its ending says.")
    try:
        book = xlrd.open_workbook(file_contents=data, on_demand=True, logfile=io.StringIO())
        return _sheets({sheet.name: _xls_rows(sheet, book.datemode) for sheet in book.sheets()}, wish)
    except xlrd.XLRDError as error:
        protected = "encrypted" in str(error).lower()
        said = "is protected by a password" if protected else f"cannot be read: {error}"
        raise DocumentError(f"The workbook {said}.") from error


def odt(data: bytes, wish: Wish) -> Reading:
    """OpenDocument text: headings, paragraphs, lists, tables, notes. An .odp gives slides, an .ods rows as text."""
    from defusedxml import ElementTree

    with archives.opened(data, "an OpenDocument file") as archive:
        try:
            root = ElementTree.fromstring(archive.read("content.xml"))
        except ElementTree.ParseError as error:
            raise DocumentError(f"The document is damaged: {error}.") from error
    slides = list(root.iter(DRAW + "page"))
    if slides:
        texts = [clean("\n\n".join(_blocks(slide))) for slide in slides]
        parts = [Part(text, n, markdown=True) for n, text in enumerate(texts, 1) if text.strip()]
        return Reading(parts, pages=len(slides))
    text = clean("\n\n".join(_blocks(root))).strip()
    return Reading([Part(text, markdown=True)] if text else [])


def left_out(pictures: int) -> str:
    return f"{pictures} picture{'s' * (pictures != 1)} not read, only described" if pictures else ""


def _slide(slide: Any) -> str:
    title = slide.shapes.title
    lines = (
        [f"# {' '.join(title.text_frame.text.split())}"] if title is not None and title.text_frame.text.strip() else []
    )
    lines += [
        text for shape in slide.shapes if title is None or shape.shape_id != title.shape_id for text in _shape(shape)
    ]
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None and frame.text.strip():
        lines.append(f"Notes: {frame.text.strip()}")
    return "\n\n".join(lines)


def _shape(shape: Any) -> Iterator[str]:
    """The texts of a shape and of those grouped in it."""
    for inner in getattr(shape, "shapes", ()):
        yield from _shape(inner)
    if getattr(shape, "has_text_frame", False) and shape.text_frame.text.strip():
        yield shape.text_frame.text.strip()
    if getattr(shape, "has_table", False):
        yield "\n".join(" | ".join(" ".join(c.text.split()) for c in row.cells) for row in shape.table.rows)
    if getattr(shape, "has_chart", False):
        yield from _chart(shape.chart)
    described = shape._element.xpath(".//p:nvPicPr/p:cNvPr/@descr") if not hasattr(shape, "shapes") else []
    yield from (text.strip() for text in described if text.strip())


def _chart(chart: Any) -> Iterator[str]:
    if chart.has_title and chart.chart_title.has_text_frame:
        yield f"Chart: {chart.chart_title.text_frame.text}"
    for plot in chart.plots:
        names = [str(name) for name in plot.categories]
        for series in plot.series:
            pairs = zip(names, series.values, strict=False)
            yield f"{series.name}: " + ", ".join(f"{name} {_cell(value)}" for name, value in pairs)


def _sheets(sheets: dict[str, Iterable[Iterable[Any]]], wish: Wish) -> Reading:
    """The rows of all sheets; where there are several, a row says which it stands in."""
    parts: list[Part] = []
    for name, rows in sheets.items():
        cells = ((n, [_cell(value) for value in row]) for n, row in enumerate(rows, 1))
        above = [("sheet", name)] if len(sheets) > 1 or not name.lower().startswith("sheet") else []
        parts += [Part(text) for text in table_rows(cells, wish.columns, above)]
    return Reading(parts)


def _cell(value: Any) -> str:
    """A value as people write it: 3 rather than 3.0, a day without its midnight."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "seconds").removesuffix(" 00:00:00")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _xls_rows(sheet: Any, datemode: int) -> Iterator[list[Any]]:
    for n in range(sheet.nrows):
        yield [_xls(cell, datemode) for cell in sheet.row(n)]


def _xls(cell: Any, datemode: int) -> Any:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return xlrd.xldate_as_datetime(cell.value, datemode)
        except (ValueError, OverflowError):
            return cell.value
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return ""
    return bool(cell.value) if cell.ctype == xlrd.XL_CELL_BOOLEAN else cell.value


def _blocks(element: Any) -> Iterator[str]:
    """The paragraphs, headings and table rows below an element of OpenDocument, in order."""
    for child in element:
        if child.tag == TEXT + "h":
            level = child.get(TEXT + "outline-level", "1")
            yield f"{'#' * min(int(level) if level.isdigit() else 1, 6)} {_words(child)}"
        elif child.tag == TEXT + "p":
            if words := _words(child):
                yield words
        elif child.tag == TABLE + "table-row":
            cells = [cell for cell in child if cell.tag == TABLE + "table-cell"]
            if row := " | ".join(" ".join(_blocks(cell)) for cell in cells).strip(" |"):
                yield row
        elif child.tag == NOTES + "notes":
            if notes := " ".join(_blocks(child)):
                yield f"Notes: {notes}"
        else:
            yield from _blocks(child)


def _words(element: Any) -> str:
    """The text of a paragraph, foot notes in brackets."""
    pieces = [element.text or ""]
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name in ("s", "tab", "line-break"):
            pieces.append(" " * int(child.get(TEXT + "c", "1") or 1) if name == "s" else " ")
        elif name == "note":
            pieces.append(f" ({' '.join(' '.join(child.itertext()).split())}) ")
        else:
            pieces.append(_words(child))
        pieces.append(child.tail or "")
    return " ".join("".join(pieces).split())
