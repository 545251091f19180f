"""Public files of many formats, where they are at hand: a row for each, and every known string in its text."""

import json
import os
import re
from pathlib import Path

import psutil
import pytest

from ragft_core.documents import Reader, Wish, ocr, read_bytes
from ragft_core.errors import DocumentError
from ragft_core.types import Progress

from ..test_retrieval import Desk

FOLDER = Path(os.environ.get("RAGFT_TEST_DOCS", Path(__file__).parents[3] / "shared" / "data" / "docs"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the 55 public files are not here (RAGFT_TEST_DOCS names them)"),
]
# Strings that stand for another program's Markdown, not for anything in the file.
MARKUP = re.compile(r"data:image/|\| --- |## Content|```$")
UNREAD = {
    "unstructured__empty.txt": "is empty",
    "unstructured__empty.xlsx": "holds no text",
    "unstructured__password_protected.xlsx": "password",
    "sample-files__libreoffice-writer-password.pdf": "password",
    "unstructured__fake-power-point.ppt": "save it as .pptx",
    "unstructured__simple.zip": "unpack it",
    "unstructured__file_we_dont_want_imported": "without an ending",
    "manifest.jsonl": None,
    # pictures without words
    "sample-files__cmyk-image.pdf": "holds no text|needs OCR",
    "sample-files__grayscale-image.pdf": "holds no text|needs OCR",
    "sample-files__imagemagick-CCITTFaxDecode.pdf": "holds no text|needs OCR",
}


def plain(text: str) -> str:
    """The words of a text, without what Markdown and tables put between them."""
    return " ".join(re.sub(r"!?\[|\](?:\([^)]*\))?|[|*#`\\]", " ", text).split())


def cells(wanted: str) -> list[str]:
    """What must be found: a table row's cells one by one, any other string as it is."""
    return [cell.strip() for cell in wanted.strip("| ").split("|")] if wanted.startswith("|") else [wanted]


def manifest() -> list[dict]:
    return [json.loads(line) for line in (FOLDER / "manifest.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.skipif(bool(ocr.missing("eng")), reason="tesseract is not installed")
def test_each_of_the_55_files_gets_a_row(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    process, peak = psutil.Process(), 0
    warm = desk.docs / "warm.html"
    warm.write_text("<p>Start the libraries")
    desk.index.add([warm])
    before = process.memory_info().rss

    def watch(_: Progress) -> None:
        nonlocal peak
        peak = max(peak, process.memory_info().rss - before)

    report = desk.index.add([FOLDER], watch)
    rows = {Path(row.path).name: row for row in report.files}
    rows.pop("manifest.jsonl")
    assert len(rows) == 55 == len(manifest())
    wrong = {
        name: (row.status, row.reason)
        for name, row in rows.items()
        if (row.status == "added") == (name in UNREAD) or not re.search(UNREAD.get(name) or "", row.reason)
    }
    assert wrong == {}
    print(f"{report.seconds:.1f} s, {report.chunks} chunks, +{peak / 2**20:.0f} MB")
    assert peak < 100 * 2**20
    assert desk.collection() == set(desk.index._shelf.ids())
    desk.close()


def test_every_known_string_is_found_and_none_that_must_not_be() -> None:
    lost, kept = [], []
    with Reader(Wish()) as reader:
        for entry in manifest():
            path = FOLDER / entry["file"]
            try:
                loaded = reader.parse(path, read_bytes(path, 20 * 2**20))
            except DocumentError:
                assert entry["file"] in UNREAD and not entry.get("must_include")
                continue
            raw = f"{loaded.heading}\n" + "\n".join(part.text for part in loaded.parts)
            text = plain(raw)
            wanted = [s for s in entry.get("must_include", []) if not MARKUP.search(s)]
            lost += [(path.name, s) for s in wanted if not all(plain(cell) in text for cell in cells(s))]
            kept += [(path.name, s) for s in entry.get("must_not_include", []) if s in raw]
            if pages := entry.get("facts", {}).get("pages"):
                assert loaded.pages == pages
    assert (lost, kept) == ([], [])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unstructured__fake-text-utf-16-be.txt", "utf-16"),
        ("unstructured__fake-text-utf-32.txt", "utf-32"),
        ("markitdown__test_mskanji.csv", "cp932"),
        ("unstructured__fake-html-cp1252.html", "cp1252"),
        ("unstructured__stanley-cups-utf-16.csv", "utf-16"),
    ],
)
def test_the_encoding_is_said(name: str, words: str) -> None:
    with Reader(Wish()) as reader:
        assert words in reader.parse(Path(name), (FOLDER / name).read_bytes()).note
