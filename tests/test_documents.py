"""Files of every supported kind become text; what cannot be read says why in a sentence."""

import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragft_core.documents import Loaded, load, loaders
from ragft_core.documents.html import html_to_markdown
from ragft_core.documents.loaders import first_heading, plain, pretty
from ragft_core.documents.rows import csv_rows, json_rows, separator, tsv_rows
from ragft_core.documents.text import clean, decode
from ragft_core.errors import DocumentError


def loaded(folder: Path, name: str, data: bytes | str) -> Loaded:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return load(path)


def text_of(document: Loaded) -> str:
    return "\n".join(part.text for part in document.parts)


# -------------------------------------------------------------------- what is read


def test_plain_text_has_its_name_as_title(tmp_path: Path) -> None:
    document = loaded(tmp_path, "opening-hours_2026.txt", "We open at eight.\r\nWe close at six.")
    assert (document.title, document.heading) == ("Opening hours 2026", "")
    assert text_of(document) == "We open at eight.\nWe close at six."
    assert document.chars == len(text_of(document))
    assert document.note == ""
    assert not document.parts[0].markdown


def test_markdown_has_its_first_heading_as_title(tmp_path: Path) -> None:
    document = loaded(tmp_path, "a.MD", "intro\n\n# **Prices** of [2026](x.html) #\n\n45 euros")
    assert document.title == document.heading == "Prices of 2026"
    assert document.parts[0].markdown


@pytest.mark.parametrize(
    ("markdown", "heading"),
    [
        ("```\n# not this\n```\n## this", "this"),
        ("#hashtag\n# real", "real"),
        ("# \n## second", "second"),
        ("no heading", ""),
        ("", ""),
    ],
)
def test_first_heading(markdown: str, heading: str) -> None:
    assert first_heading(markdown) == heading


def test_titles_are_short_and_on_one_line() -> None:
    assert len(plain("x" * 5000)) == len(pretty("x" * 5000)) == 200
    assert pretty("a\nb__c--d") == "A b c d"
    assert pretty("---") == "---"


def test_html_becomes_light_markdown(tmp_path: Path) -> None:
    page = """<html><head><title>Clinic &amp; hours</title><style>p {color: red}</style></head><body>
    <script>alert("no")</script><h1>Hours</h1><p>We open at <b>eight</b>,<br>not nine.</p>
    <ul><li>Monday</li><li>Friday</li></ul>
    <table><tr><th>Day</th><th>Open</th></tr><tr><td>Sunday</td><td>no</td></tr></table>
    <pre># not a heading
    keeps   spaces</pre><svg><text>drawn</text></svg><img alt="A door" src="x.png"></body></html>"""
    document = loaded(tmp_path, "x.html", page)
    text = text_of(document)
    assert document.title == document.heading == "Clinic & hours"
    assert "# Hours\n" in text
    assert "We open at eight,\nnot nine." in text
    assert "\n- Monday" in text
    assert "Sunday | no" in text
    assert "```\n# not a heading\n    keeps   spaces\n```" in text
    assert "A door" in text
    assert "alert" not in text
    assert "color" not in text
    assert "drawn" not in text


def test_html_without_a_title_takes_its_heading(tmp_path: Path) -> None:
    assert loaded(tmp_path, "x.htm", "<h2>Hours</h2><p>Eight").title == "Hours"
    assert loaded(tmp_path, "opening_times.htm", "<p>Eight").title == "Opening times"


@pytest.mark.parametrize(
    "page", ["<p>a<svg/>b", "<p>a<script>x</p>", "<b>a</i></b>b", "a <! b", "<p hidden>a", "a<", "<title>"]
)
def test_bad_html_is_read_as_far_as_it_goes(page: str) -> None:
    _, markdown = html_to_markdown(page)
    assert "a" in markdown or page == "<title>"


@given(st.text(st.characters(codec="utf-8")) | st.lists(st.sampled_from(list("<>/!-a pre svg title"))).map("".join))
def test_no_html_raises(page: str) -> None:
    html_to_markdown(page)


def test_a_csv_row_is_a_part(tmp_path: Path) -> None:
    document = loaded(tmp_path, "prices.csv", 'service,price\n"Flu shot",45\n\nEye test,\nX,1,extra\n')
    assert [part.text for part in document.parts] == [
        "service: Flu shot\nprice: 45",
        "service: Eye test",
        "service: X\nprice: 1\ncolumn 3: extra",
    ]
    assert document.title == "Prices"


def test_a_csv_without_names_gets_numbers() -> None:
    assert csv_rows("1,2\n3,4") == ["column 1: 1\ncolumn 2: 2", "column 1: 3\ncolumn 2: 4"]
    assert csv_rows("a,,c\n1,2,3") == ["a: 1\ncolumn 2: 2\nc: 3"]
    assert csv_rows("only,names") == ["only, names"]
    assert csv_rows("") == csv_rows("\n\n") == csv_rows(",,\n") == []


def test_cells_with_line_ends_and_quotes_stay_whole() -> None:
    assert csv_rows('a,b\n"one\ntwo","say ""hi"""') == ['a: one\ntwo\nb: say "hi"']


@pytest.mark.parametrize(
    ("text", "found"),
    [("a;b\n1,5;2", ";"), ("a\tb\n1\t2", "\t"), ("a|b\n1|2", "|"), ("a\nb, c", ","), ("", ","), ("a,b;c\n1,2;3", ",")],
)
def test_the_separator_is_found(text: str, found: str) -> None:
    assert separator(text) == found


def test_tabs_separate_a_tsv() -> None:
    assert tsv_rows("a\tb, c\n1\t2") == ["a: 1\nb, c: 2"]


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])), min_size=2, max_size=4), min_size=1
    )
)
def test_every_cell_of_a_csv_is_kept(cells: list[list[str]]) -> None:
    import csv
    import io

    file = io.StringIO()
    csv.writer(file).writerows([["first", "second", "third", "fourth"], *cells])
    rows = "\n".join(csv_rows(file.getvalue()))
    for cell in (cell for row in cells for cell in row):
        assert clean(cell.strip()).strip() in rows


def test_a_json_line_is_a_part(tmp_path: Path) -> None:
    lines = [{"q": "Why?", "tags": ["a", 1], "deep": {"x": None, "y": True, "z": [{"w": 2}]}}, "plain"]
    document = loaded(tmp_path, "x.jsonl", "\n".join(map(json.dumps, lines)) + "\n\n")
    assert [part.text for part in document.parts] == ["q: Why?\ntags: a, 1\ndeep.y: true\ndeep.z.1.w: 2", "plain"]


def test_half_characters_and_zeros_in_json_are_replaced() -> None:
    assert json_rows('{"a": "x\\ud800y\\u0000z"}') == ["a: x?y z"]


values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), values, max_size=4))
def test_any_json_object_is_read(value: dict) -> None:
    for row in json_rows(json.dumps(value)):
        assert row.encode("utf-8").decode("utf-8") == row


# -------------------------------------------------------------------- encodings


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_unicode_in_all_its_forms(tmp_path: Path, encoding: str, note: str) -> None:
    text = "Die Öffnungszeiten: täglich ab 8 Uhr, sonntags nie."
    document = loaded(tmp_path, "x.txt", text.encode(encoding))
    assert text_of(document) == text
    assert document.note == (f"read as {note}" if note else "")


@pytest.mark.parametrize("mark", ["utf-16-be", "utf-32-be"])
def test_big_endian_marks(mark: str) -> None:
    assert decode("\ufeffday".encode(mark)) == ("day", mark.removesuffix("-be"))


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        (
            "cp1252",
            "Le café naïve était fermé à Noël; l’été, il est ouvert – tous les jours. Voilà une phrase française.",
        ),
        ("shift_jis", "これは日本語の文書です。診療所は午前八時に開きます。日曜日は休みです。" * 3),
        ("cp1251", "Клиника открывается в восемь часов утра. В воскресенье мы закрыты. Приходите завтра." * 2),
        ("big5", "診所早上八點開門，星期日休息。請先打電話預約。我們的醫生很友善。" * 3),
    ],
)
def test_older_encodings_are_told_by_their_text(tmp_path: Path, encoding: str, text: str) -> None:
    document = loaded(tmp_path, "x.txt", text.encode(encoding))
    assert text_of(document) == text
    assert document.note.startswith("read as ")


def test_a_page_that_names_its_encoding_is_believed() -> None:
    page = '<meta charset="iso-8859-2"><p>Žluťoučký kůň'.encode("iso-8859-2")
    assert decode(page, html=True) == ('<meta charset="iso-8859-2"><p>Žluťoučký kůň', "iso-8859-2")


def test_a_few_stray_zeros_do_no_harm() -> None:
    assert decode(b"a long enough line of text\n" * 100 + b"\0")[0].startswith("a long enough")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1))
def test_utf8_comes_back_as_it_was(text: str) -> None:
    if not text.startswith("\ufeff"):
        data = text.encode()
        try:
            assert decode(data) == (clean(text), "utf-8")
        except DocumentError:
            assert data[:4].startswith((b"%PDF", b"MZ", b"GIF8"))


@given(st.binary(min_size=1, max_size=400))
def test_any_bytes_are_text_or_a_sentence(data: bytes) -> None:
    try:
        text, encoding = decode(data)
    except DocumentError as error:
        assert str(error).endswith(".")
    else:
        text.encode("utf-8")
        assert encoding
        assert "\0" not in text


# -------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"", "is empty"),
        ("a.txt", b" \n\t ", "holds no text"),
        ("a.md", b"\n\n", "holds no text"),
        ("a.html", b"<script>x</script>", "holds no text"),
        ("a.csv", b",,\n,,", "holds no text"),
        ("a.txt", b"\x7fELF\x02\x01\x01" + bytes(100), "is a program, not text"),
        ("a.md", b"%PDF-1.7 ...", "is a PDF, not text"),
        ("a.csv", b"PK\x03\x04....", "ZIP archive"),
        ("a.txt", random.Random(0).randbytes(5000), "binary|encoding"),
        ("a.txt", b"abc\0\0\0\0def" * 50, "binary"),
        ("a.txt", b"\xff\xfea", "byte"),
        ("a.exe", b"MZ", r"\.exe is not read; readable are \.txt"),
        ("a.doc", b"\xd0\xcf\x11\xe0", r"\.doc is not read; save it as \.docx"),
        ("a", b"text", "without an ending"),
        ("a.jsonl", b'{"a": 1}\n{"a": \n', "Line 2 is not JSON"),
        ("a.jsonl", b"[1]", "Line 1 must be an object or a string, not list"),
        ("a.jsonl", b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        ("a.jsonl", b'{"a": ' + b"9" * 5000 + b"}", "Line 1 is not JSON"),
        ("a.jsonl", json.dumps({str(n): n for n in range(1001)}).encode(), "Line 1 has 1,001 values"),
        ("a.csv", b"x\n" + b"," * 1000, "Line 2 has 1,001 columns"),
        ("a.csv", b"x,y\n" + b"a" * 1_000_001 + b",b", "Line 2 is not a row"),
        ("a.csv", b"x\n" * 100_002, "at most 100,000 rows"),
        ("a.jsonl", b'"x"\n' * 100_001, "Line 100,001: at most 100,000 rows"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason) as caught:
        loaded(tmp_path, name, data)
    assert str(caught.value).endswith(".")
    assert str(caught.value)[0].isupper() or str(caught.value).startswith(".")


def test_a_large_file_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 2_097_153)
    with pytest.raises(DocumentError, match=r"has 2\.0 MB; at most 2 MB are read"):
        load(path, max_bytes=2 * 2**20)


def test_links_pipes_folders_and_ghosts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "link.txt").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "folder.txt").mkdir()
    for name, reason in (
        ("link.txt", "Links are not followed"),
        ("pipe.txt", "not a regular file"),
        ("folder.txt", "not a regular file|cannot be opened"),
        ("ghost.txt", "No such file"),
        ("nul\0.txt", "cannot be opened"),
        ("x" * 300 + ".txt", "too long"),
    ):
        with pytest.raises(DocumentError, match=reason):
            load(tmp_path / name)


def test_memory_running_out_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(text: str, wish: object) -> None:
        raise MemoryError

    monkeypatch.setitem(loaders.TEXTS, ".txt", greedy)
    with pytest.raises(DocumentError, match="more memory"):
        loaded(tmp_path, "a.txt", "text")


def test_every_readable_ending_is_read(tmp_path: Path) -> None:
    for suffix in loaders.TEXTS:
        data = '{"a": "word"}' if suffix.startswith(".json") else "a\nword" if suffix in (".csv", ".tsv") else "word"
        assert "word" in text_of(loaded(tmp_path, f"x{suffix}", data))
