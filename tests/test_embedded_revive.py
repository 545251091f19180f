"""Tokens that hardly occur in answers get embeddings of their own."""

import random

import pytest
import torch

from embedded import tokenizer as tk
from embedded import values
from embedded.measure import name_pieces
from embedded.mix import GROWING, Mix
from embedded.revive import alike, counts, revived


@pytest.fixture
def small():
    """A small tokenizer of generated text, and a mix that chains its pieces; they are forgotten afterwards."""
    mix, r = Mix(None, None), random.Random(1)
    drawn = [mix.draw(r, GROWING) for _ in range(60)]
    words = tk.train(["\n".join(part for turn in d.turns for part in turn) for d in drawn], vocab=600)
    yield words, Mix(words, None)
    values.use_pieces([])


def test_only_seldom_written_lookalikes_begin_anew():
    torch.manual_seed(1)
    embeddings = torch.randn(200, 16)
    embeddings[10] = embeddings[11] = embeddings[12] = embeddings[13]
    found = torch.full((200,), 100)
    found[10:13] = torch.tensor([0, 19, 20])
    new, chosen = revived(embeddings, found)
    assert chosen == [10, 11] and alike(embeddings)[10] > 0.99 > 0.95 > alike(new)[10]
    others = [n for n in range(200) if n not in chosen]
    assert torch.equal(new[others], embeddings[others])
    assert 0.3 < new[10].std() < 3 and torch.equal(revived(embeddings, found)[0], new)


def test_a_sample_that_tells_nothing_is_refused():
    with pytest.raises(ValueError, match="count more tokens"):
        revived(torch.randn(5, 4), torch.zeros(5, dtype=torch.long))


def test_answers_are_counted_and_prompts_are_not(small):
    words, mix = small
    found = counts(words, mix, 3000)
    assert len(found) == words.get_vocab_size() and 100 < found.sum() < 3000
    assert torch.equal(found, counts(words, mix, 3000)), "the same sample for the same seed"


def test_every_visible_piece_is_drilled(small):
    words, _ = small
    pieces = tk.word_pieces(words)
    assert not any(piece.startswith("<|") for piece in pieces) and any(not piece.isalnum() for piece in pieces)
    r = random.Random(0)
    assert len({values.any_piece(r) for _ in range(20 * len(pieces))}) > 0.9 * len(set(pieces))


def test_a_piece_is_a_name_in_training_and_none_where_unseen_names_are_measured(small, tmp_path):
    words, _ = small
    names = {piece for piece in tk.word_pieces(words) if piece.istitle() and len(piece) > 2}

    def whole() -> int:
        return sum(values.invented_name(random.Random(n)) in names for n in range(400))

    assert 80 < whole() < 130
    words.save(str(tmp_path / "tokenizer.json"))
    values.use_pieces(name_pieces(tmp_path / "tokenizer.json"))
    assert whole() < 8, "only what two pieces make by chance"
