"""Wordings of one fact take turns, so that a fact asked in eight costs and counts as much as one asked in three.

Facts that are stated alike ("Dr. Holt sees patients in room 14A", "Dr. Quill sees ...") teach each other what their
wordings mean; one that is stated like no other has to be learnt from its own, and is shown more often.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from .rows import WORD, Example

ALIKE, ALONE = 3, 5  # wordings of a fact that a round shows: stated like others, or like none
FAMILY = 8  # facts that say the same two words in a row
STYLE = 0.5  # part of the facts from which a pair is of the house style
SHARED = 0.2  # part of the word pairs of an answer that a family says, from which it is stated alike


def in_turn(rows: Sequence[Example], seed: int, epoch: int) -> list[bool]:
    """Which of the rows an epoch shows: of each fact so many wordings, the next ones in the next epoch.

    Rows are wordings of one fact when their `group`, answer and passages are the same; a row without a group, or for
    rehearsal, is always shown.
    """
    facts: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for n, row in enumerate(rows):
        if row.group and not row.rehearsal:
            facts[row.group, row.answer, row.context, row.turns].append(n)
    shown = [True] * len(rows)
    alike = stated_alike([rows[places[0]] for places in facts.values()])
    for places, kin in zip(facts.values(), alike, strict=True):
        most = ALIKE if kin else ALONE
        if len(places) <= most:
            continue
        order = random.Random(f"{seed}/{rows[places[0]].group}").sample(places, len(places))
        chosen = {order[n % len(order)] for n in range(epoch * most, (epoch + 1) * most)}
        for place in places:
            shown[place] = place in chosen
    return shown


def stated_alike(facts: Sequence[Example]) -> list[bool]:
    """Of rows of different facts, whether each answer is worded like several others, beyond a common style."""
    pairs = [_pairs(row.answer) for row in facts]
    counts = Counter(pair for said in pairs for pair in said)
    style = {pair for pair, count in counts.items() if count > STYLE * len(facts)}
    own = [said - style for said in pairs]
    return [sum(counts[pair] >= FAMILY for pair in said) >= SHARED * max(1, len(said)) for said in own]


def _pairs(text: str) -> set[tuple[str, str]]:
    return set(pairwise(WORD.findall(text.casefold())))
