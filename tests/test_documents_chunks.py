"""Documents become chunks of whole sentences under their headings, the same ones every time."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragft_core.documents import Chunk, Cutter, Loaded, parse
from ragft_core.errors import DocumentError


def words(text: str) -> list[str]:
    """A stand-in for the model's tokens."""
    return re.findall(r"\w+|[^\w\s]", text)


@pytest.fixture(scope="module")
def cutter() -> Cutter:
    return Cutter(40, 8, words)


def document(text: str, name: str = "page.md") -> Loaded:
    return parse(Path(name), text.encode())


def test_the_title_is_in_the_heading_and_not_in_the_text(cutter: Cutter) -> None:
    (chunk,) = cutter.cut(document("# Flu shot\n\nThe flu shot costs 23 euros."))
    assert (chunk.heading, chunk.text) == ("Flu shot", "The flu shot costs 23 euros.")
    assert chunk.embedded == "Flu shot\nThe flu shot costs 23 euros."
    assert chunk.tokens == 7


def test_sections_carry_the_path_of_their_headings(cutter: Cutter) -> None:
    text = "intro\n# Prices\n## Shots\n### Flu\n45 euros.\n### Rabies\n90 euros.\n## Tests\n20 euros."
    assert [(c.heading, c.text) for c in cutter.cut(document(text))] == [
        ("Prices", "intro"),
        ("Prices: Shots: Flu", "45 euros."),
        ("Prices: Shots: Rabies", "90 euros."),
        ("Prices: Tests", "20 euros."),
    ]


def test_the_same_words_under_another_heading_are_another_chunk(cutter: Cutter) -> None:
    """Or the price of the one thing would be given for the other."""
    chunks = cutter.cut(document("# Prices\n## Flu shot\n45 euros.\n## Blood test\n45 euros."))
    assert len({chunk.id for chunk in chunks}) == 2


def test_headings_without_text_are_not_lost(cutter: Cutter) -> None:
    chunks = cutter.cut(document("# A\n## B\n## C\ntext\n## D\n### E"))
    assert [(c.heading, c.text) for c in chunks] == [("A", "B"), ("A: C", "text"), ("A: D", "E")]
    assert [(c.heading, c.text) for c in cutter.cut(document("# Alone"))] == [("Alone", "Alone")]


def test_marks_inside_code_are_no_headings(cutter: Cutter) -> None:
    (chunk,) = cutter.cut(document("# A\n```\n# comment\n```\n"))
    assert chunk.text == "```\n# comment\n```"


def test_chunks_are_sentences_within_the_size_and_overlap(cutter: Cutter) -> None:
    sentences = [f"Sentence number {n} is about the room {n * 7}." for n in range(30)]
    chunks = cutter.cut(document(" ".join(sentences), "a.txt"))
    assert len(chunks) > 5
    assert all(chunk.tokens <= 40 and len(words(chunk.text)) == chunk.tokens for chunk in chunks)
    for chunk in chunks:
        assert chunk.text.startswith("Sentence")
        assert chunk.text.endswith(".")
    for sentence in sentences:
        assert any(sentence in chunk.text for chunk in chunks)


def test_paragraphs_are_kept_together(cutter: Cutter) -> None:
    one, two = "One. " * 12 + "End.", "Two. " * 12 + "End."
    assert [c.text for c in cutter.cut(document(f"{one}\n\n{two}", "a.txt"))] == [one, two]


def test_rows_are_never_joined(cutter: Cutter) -> None:
    chunks = cutter.cut(document("name,room\nHolt,12\nNadir,14", "rooms.csv"))
    assert [(c.heading, c.text) for c in chunks] == [("", "name: Holt\nroom: 12"), ("", "name: Nadir\nroom: 14")]


def test_a_text_that_repeats_comes_once(cutter: Cutter) -> None:
    assert len(cutter.cut(document("name,room\nHolt,12\nHolt,12\nHolt,12", "rooms.csv"))) == 1


def test_the_name_of_the_file_does_not_change_the_chunks(cutter: Cutter) -> None:
    for first, second in (("a.txt", "b.txt"), ("a.md", "b.md"), ("a.txt", "b.md")):
        assert cutter.cut(document("The same text.", first)) == cutter.cut(document("The same text.", second))


def test_ids_are_the_same_in_every_process() -> None:
    assert Chunk("Flu shot", "It costs 23 euros.", 5).id == "87ce9494d271a4c23fd18ef62959833f"


def test_endless_words_are_cut_in_no_time(cutter: Cutter) -> None:
    chunks = cutter.cut(document("Picture: " + "QUJD" * 5_000, "a.txt"))
    assert "".join("".join(c.text.split()) for c in chunks).count("QUJD") >= 4_900


def test_the_recipe_changes_with_what_it_depends_on() -> None:
    recipe = Cutter(40, 8, words).recipe
    assert recipe == Cutter(40, 8, words).recipe
    others = [Cutter(41, 8, words), Cutter(40, 9, words), Cutter(40, 8, str.split)]
    assert len({recipe, *(cutter.recipe for cutter in others)}) == 4


def test_the_global_settings_of_llama_index_stay_untouched(cutter: Cutter) -> None:
    from llama_index.core import Settings

    cutter.cut(document("# A\ntext"))
    assert Settings._embed_model is None
    assert Settings._llm is None
    assert Settings._node_parser is None


@settings(deadline=None, max_examples=60)
@given(st.text(st.sampled_from("ab# \n.`-é字"), max_size=300))
def test_no_word_of_a_markdown_text_is_lost(text: str) -> None:
    cutter = Cutter(16, 0, list)
    try:
        loaded = document(text)
    except DocumentError as error:
        assert "no text" in str(error) or "empty" in str(error)
        return
    chunks = cutter.cut(loaded)
    kept = set("".join(f"{chunk.heading} {chunk.text}" for chunk in chunks))
    assert {c for c in text if c.isalnum()} <= kept
    assert [c.id for c in cutter.cut(loaded)] == [c.id for c in chunks]
