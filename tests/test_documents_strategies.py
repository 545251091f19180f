"""Four ways to cut a text: each within its size, none loses a word."""

import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragft_core.documents.chunks import Cutter
from ragft_core.documents.loaders import Loaded, Part
from ragft_core.documents.strategies import STRATEGIES, Blocks, Recursive, blocks, splitter
from ragft_core.settings import ChunkStrategy


def words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text)


def embed(texts: Sequence[str]) -> list[list[float]]:
    """Sentences about cats point one way, all others another."""
    return [[1.0, 0.0] if "cat" in text else [0.0, 1.0] for text in texts]


def cut(text: str, strategy: str, size: int = 20, overlap: int = 0) -> list[str]:
    return splitter(strategy, size, overlap, words, embed).split_text(text)


TEXT = "One two three. Four five six.\n\nSeven eight. " + "Nine ten eleven twelve thirteen fourteen. " * 6


def test_the_settings_know_the_same_strategies() -> None:
    assert ChunkStrategy.__args__ == STRATEGIES


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_pieces_are_within_the_size_and_no_word_is_lost(strategy: str) -> None:
    pieces = cut(TEXT, strategy)
    assert len(pieces) > 2 and all(len(words(piece)) <= 20 for piece in pieces)
    assert [word for piece in pieces for word in words(piece)] == words(TEXT)


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="ab .\n|#`-", max_size=200), st.sampled_from(["markdown", "recursive"]))
def test_any_text_keeps_its_words(text: str, strategy: str) -> None:
    pieces = cut(text, strategy, size=12)
    there = [word for piece in pieces for word in words(piece) if word.isalnum()]
    assert set(there) == {word for word in words(text) if word.isalnum()}


def test_markdown_keeps_blocks_whole() -> None:
    code = "```\nfirst = 1\n\nsecond = 2\n```"
    assert blocks(f"para\nline\n\n{code}\n\n- a\n- b") == ["para\nline", code, "- a\n- b"]
    assert blocks("") == blocks("\n \n") == []
    assert blocks("```\nnever closed\n\nstill code") == ["```\nnever closed\n\nstill code"]
    pieces = cut(f"A short paragraph.\n\n{code}\n\nAnother short paragraph.", "markdown")
    assert any(code in piece for piece in pieces)


def test_a_large_table_is_cut_by_rows_under_its_head() -> None:
    rows = [f"| item {n} | {n} euros |" for n in range(9)]
    table = "\n".join(["| what | price |", "|---|---|", *rows])
    pieces = Blocks(40, words, splitter("sentence", 40, 0, words, None)).split_text(table)
    assert len(pieces) > 1 and all(piece.startswith("| what | price |\n|---|---|\n") for piece in pieces)
    assert [line for piece in pieces for line in piece.split("\n")[2:]] == rows


def test_recursive_prefers_the_coarser_cut_and_repeats_up_to_the_overlap() -> None:
    assert [piece.strip() for piece in cut("a b c\n\nd e f\n\ng h i", "recursive", 6)] == ["a b c\n\nd e f", "g h i"]
    pieces = Recursive(6, 3, words).split_text("a b. c d. e f. g h. i j.")
    assert len(pieces) > 2
    for one, two in pairwise(pieces):
        shared = next(n for n in range(len(two), -1, -1) if one.endswith(two[:n]))
        assert 0 < len(words(two[:shared])) <= 3


def test_semantic_cuts_where_the_meaning_changes() -> None:
    cats, cars = (
        "A cat sleeps here. The cat eats fish. My cat is old.",
        "A car is fast. The car needs oil. My car is red.",
    )
    one, two = cut(f"{cats} {cars}", "semantic", 25)
    assert one.startswith(cats) and two.strip() in cars  # LlamaIndex looks at a sentence with its two neighbours
    with pytest.raises(ValueError, match="embedding"):
        splitter("semantic", 20, 0, words, None)


def test_every_strategy_stays_under_one_heading_and_has_its_own_recipe() -> None:
    page = Loaded("T", "", (Part("# A\nOne two.\n# B\nThree four.", markdown=True),), "")
    cutters = [Cutter(20, 0, words, strategy, embed) for strategy in STRATEGIES]
    for cutter in cutters:
        assert [(chunk.heading, chunk.text) for chunk in cutter.cut(page)] == [("A", "One two."), ("B", "Three four.")]
    recipes = [cutter.recipe for cutter in cutters]
    assert len(set(recipes)) == 4 and not any(a.startswith(b) for a in recipes for b in recipes if a != b)
