"""Word-salad sentences with questions of some of their words: matching by words alone, whatever the grammar."""

from __future__ import annotations

from embedded.free_text import some_title
from embedded.lexicon import ADJECTIVES, CITIES, COUNTRIES, FIRST_NAMES, LAST_NAMES, NOUNS, VERBS, words
from embedded.reading import Item, Passage, Reading
from embedded.values import Rng, digits, invented, invented_name, upper_first

_FUNCTION_WORDS = words("function_words")
_ASKING = words("asking")


def _content_word(r: Rng) -> str:
    x = r.random()
    if x < 0.37:
        return invented(r) if x < 0.25 else invented_name(r)
    if x < 0.74:
        return r.choice(NOUNS) if x < 0.62 else r.choice(ADJECTIVES)
    if x < 0.88:
        return r.choice(r.choice(VERBS))
    if x < 0.94:
        return r.choice(r.choice([CITIES, COUNTRIES, FIRST_NAMES, LAST_NAMES]))
    return digits(r, r.randint(1, 4))


def sentence(r: Rng) -> tuple[str, str]:
    """A sentence of random words and a question of some of them."""
    words: list[str] = []
    content: list[int] = []
    for _ in range(r.randint(3, 9)):
        while r.random() < 0.5:
            words.append(r.choice(_FUNCTION_WORDS))
        content.append(len(words))
        words.append(_content_word(r))
    asked = [r.choice(_ASKING)]
    for at in sorted(r.sample(content, min(len(content), r.choice([1, 2, 2, 3, 3])))):
        while r.random() < 0.4:
            asked.append(r.choice(_FUNCTION_WORDS))
        asked.append(words[at] + ("s" if r.random() < 0.06 else ""))
    return upper_first(" ".join(words)) + ".", upper_first(" ".join(asked)) + "?"


def reading(r: Rng, passages: int) -> Reading:
    out = Reading([], [])
    for index in range(passages):
        passage = Passage(some_title(r))
        for _ in range(r.choice([1, 2, 3] if passages < 4 else [1, 2])):
            text, question = sentence(r)
            passage.sentences.append(text)
            out.items.append(Item(question, index, text, text))
        out.passages.append(passage)
    out.items.append(Item(sentence(r)[1]))
    return out
