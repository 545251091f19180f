"""Rows about other things than the clinic, for its training file: they keep the reading that a narrow file unlearns."""

from __future__ import annotations

import random

from embedded import clinic, everyday, relations, values
from embedded.mix import OFTEN
from embedded.reading import Item, Reading, upper_first

ROWS, GROUP = 500, 4


def rows(seed: int) -> list[dict]:
    """As many rows in the house style, of passages and question forms that are none of the clinic's kinds of fact."""
    values.use_pieces([])  # the same names whatever the process drew before
    r = random.Random(seed)
    out: list[dict] = []
    while len(out) < ROWS:
        exercise = relations.reading(r, 2, without=OFTEN) if r.random() < 0.7 else everyday.reading(r, 2)
        for place in range(len(exercise.passages)):
            own = [item for item in exercise.items if item.passage == place and item.quote(short=True)]
            if own:
                out.append(_row(len(out), exercise, r.choice(own), place))
    return out[:ROWS]


def _row(number: int, exercise: Reading, item: Item, place: int) -> dict:
    return {
        "id": f"other/{number}",
        "group": f"other/{number // GROUP}",
        "question": upper_first(item.question),
        "answer": clinic.house_style(item.sentence),
        "context": [exercise.passages[place].text(True)],
        "rehearsal": True,
    }
