"""The pretraining mix: which kind of exercise comes how often, easier ones first."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tokenizers import Tokenizer

from embedded import everyday, free_text, ladder, natural, questions, relations, salad, talk, typed, values
from embedded.reading import Reading, dialogue, glue
from embedded.rows import Dialogue
from embedded.tokenizer import word_pieces

GROWING = 3_000_000  # tokens until the mix is at its full difficulty
STYLED = 0.06
DRILLS = 0.05  # of copying: 3 in 10 tokens are in no other answer, and a token never copied is miscopied later
WHOLE = 0.45  # of the exercises that else want short answers: house styles are of sentences; at 0.12 it took any one
LOOKUPS = 0.04
INVERTED = 0.3
# What pages of practices, offices and shops say; 465 relations alike would show each of their forms too seldom.
OFTEN = ("expert", "expert", "doctorday", "room", "remedy", "cause", "cause", "warning", "servprep", "servprice")
OFTEN += ("servtime", "brphone", "brplace", "brhours", "brfloor", "brfloor", "brhead", "brpark")


class Mix:
    """Draws dialogues; without a data folder the natural part falls to the generators.

    With `short`, answers are the words asked for, unless the prompt demands their sentence; `lookups` is the share of
    tiny ones.
    """

    def __init__(
        self, tokenizer: Tokenizer | None, data: Path | None, short: bool = False, lookups: float = LOOKUPS
    ) -> None:
        self.short, self.lookups = short, lookups
        if tokenizer is not None:
            values.use_pieces(word_pieces(tokenizer))
        self.library = natural.load(data) if data else natural.Library()

    def passages(self, r: random.Random, stage: float) -> int:
        if stage < 0.3:
            return r.choice([1, 1, 2])
        return r.choice([1, 2, 3]) if stage < 0.6 else r.choice([1, 1, 2, 2, 3, 3, 3, 4, 5])

    def reading(self, r: random.Random, stage: float) -> Reading:
        kinds: list[tuple[float, Callable[[int], Reading]]] = [
            (0.26 if self.short else 0.48, lambda n: relations.reading(r, n, often=OFTEN)),
            (0.13 if self.short else 0.17, lambda n: typed.reading(r, n)),
            (0.06 if self.short else 0.10, lambda n: free_text.reading(r, n)),
        ]
        if self.short:
            kinds.append((0.40, lambda n: everyday.reading(r, n)))
        else:
            kinds.append((0.04, lambda n: salad.reading(r, n)))  # asks for no part of its sentences
        if stage >= 0.6:
            kinds.append((0.04, lambda n: relations.reading(r, max(1, n - 1)).joined(free_text.reading(r, 1))))
        if self.library and stage >= 0.3:
            kinds.append((0.24 if self.short else 0.09, lambda n: natural.prose_reading(r, self.library, min(n, 3))))
            kinds.append((0.13 if self.short else 0.06, lambda n: natural.asked_reading(r, self.library, min(n, 3))))
        make = r.choices([k for _, k in kinds], [w for w, _ in kinds])[0]
        out = make(self.passages(r, stage))
        if self.short:
            questions.invert(r, out, self.library.verbs, INVERTED)
        return out

    def draw(self, r: random.Random, tokens: int) -> Dialogue:
        stage = min(1.0, tokens / GROWING)
        if r.random() < self.lookups:
            return dialogue(r, ladder.reading(r), ladder.ASKED, self.short)
        x = r.random()
        if x < DRILLS + 0.4 * (1 - stage):
            return talk.drill(r)
        if x < 0.96:
            exercise = self.reading(r, stage)
            if r.random() < 0.7:
                glue(r, exercise)
            whole = self.short and r.random() < WHOLE
            plain = dialogue(r, exercise, short=self.short and not whole, demanded=whole)
            if not plain.turns:
                return self.draw(r, tokens)
        else:
            plain = talk.unknown(r) if x < 0.985 else talk.small_talk(r)
        return talk.in_style(r, plain) if r.random() < STYLED else plain
