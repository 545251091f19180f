"""A row becomes lessons, what the model reads and what it is to write: closed book, or with passages (RAFT)."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..documents.sentences import sentences
from ..prompts import messages
from ..types import Message, Passage
from .rows import WORD, Example
from .subjects import invented, renamed
from .turns import in_turn
from .word_dropout import common_words, thinned

VALUE_COUNTS = 1000  # words that the value in a sentence is worth when the one to be cited is chosen
ABSTAIN = "I could not find that in the context."


@dataclass(frozen=True)
class Recipe:
    """How often each row is shown in an epoch, and how; shares are 0 to 1.

    `closed` rows are shown without passages (what the Fine-tuned arm reads), `passages` with them (Hybrid).
    Of the latter `golden` have the passage that answers, among 0 to `k` hard negatives; without it the model
    is to answer from memory, or to say that it is not there. In `counterfactual` of the golden ones another
    value stands in passage and answer alike, so that the model learns to trust what it reads over what it knows; in
    `renamed` of them question, passages and answer are about an invented name, so that it learns to copy new words.
    """

    name: str
    closed: float = 1.0
    passages: float = 0.0
    golden: float = 0.8
    k: int = 3
    absent: Literal["answer", "abstain"] = "answer"
    counterfactual: float = 0.6
    renamed: float = 0.5
    cite: bool = True


# Plain SFT on closed-book pairs lost the reading of passages (0.26 right), RAFT with 0.7 of the rows with passages kept
# it (0.87) at the same recall (design/embedded_model.md, section 4). Such a row costs as much as four without, and 0.4
# in 7 rounds taught more than 0.5 in 5 (99 against 88 % by heart, 46 against 50 % with passages). `mix`: by turns.
RECIPES = {
    "sft": Recipe("sft"),
    "raft": Recipe("raft", passages=0.4),
    "mix": Recipe("mix", closed=0.5, passages=0.5),
}


REHEARSAL = Recipe("rehearsal", closed=0.0, passages=1.0, counterfactual=0.0, renamed=0.0)


@dataclass(frozen=True)
class Lesson:
    """What the model reads and what it is to write; `kind` is closed, golden, counterfactual or absent."""

    messages: tuple[Message, ...]
    answer: str
    kind: str
    id: str


def epoch_lessons(
    rows: Sequence[Example], recipe: Recipe, seed: int, epoch: int, word_dropout: float = 0.0
) -> list[Lesson]:
    """The lessons of one epoch; the same for the same arguments, so that a resumed run sees what it would have.

    `word_dropout` is the probability with which a common word of a question is left out.
    """
    lessons = []
    common = common_words(rows) if word_dropout else frozenset()
    shown = in_turn(rows, seed, epoch)
    for n, whole in enumerate(rows):
        if not shown[n]:
            continue
        rng = random.Random(f"{seed}/{epoch}/{n}/{whole.id}")
        row = thinned(whole, rng, word_dropout, common)
        closed, opened, roll = rng.random(), rng.random(), rng.random()
        if row.rehearsal:
            if opened < recipe.passages:
                lessons.append(_opened(row, REHEARSAL, rng, True))
            continue
        with_passages = bool(row.context) and opened < recipe.passages
        if recipe.closed + recipe.passages <= 1.0:  # by turns: the two shares divide one roll
            with_passages = bool(row.context) and recipe.closed <= closed < recipe.closed + recipe.passages
        if closed < recipe.closed or not row.context:
            lessons.append(closed_book(row))
        if with_passages:
            lessons.append(_opened(row, recipe, rng, roll < recipe.golden))
    return lessons


def probe_lessons(rows: Sequence[Example], recipe: Recipe, seed: int = 0) -> list[Lesson]:
    """The fixed lessons that validation measures: each row closed book and, in RAFT, with its golden passage."""
    lessons = []
    for n, row in enumerate(rows):
        if recipe.closed or not row.context:
            lessons.append(closed_book(row))
        if recipe.passages and row.context:
            lessons.append(_opened(row, recipe, random.Random(f"{seed}/probe/{n}/{row.id}"), True))
    return lessons


def closed_book(row: Example) -> Lesson:
    """The row without passages."""
    return Lesson(_messages(row, ()), row.answer, "closed", row.id)


def _opened(row: Example, recipe: Recipe, rng: random.Random, golden: bool) -> Lesson:
    """The row with passages, golden among negatives or negatives only."""
    negatives = rng.sample(row.negatives, min(len(row.negatives), rng.randint(0 if golden else 1, max(1, recipe.k))))
    if not golden:
        if not negatives:
            return closed_book(row)
        answer = row.answer if recipe.absent == "answer" else ABSTAIN
        return Lesson(_messages(row, negatives), answer, "absent", row.id)
    told = row
    if row.others and rng.random() < recipe.counterfactual:
        other = rng.choice(row.others)
        told = replace(_changed(told, lambda text: swapped(text, row.value, other)), value=other)
    if row.subject and rng.random() < recipe.renamed:
        names = {word: invented(rng) for word in row.subject}
        told = replace(_changed(told, lambda text: renamed(text, names)), question=renamed(row.question, names))
        negatives = [renamed(text, names) for text in negatives]
    passages = [*told.context, *negatives]
    rng.shuffle(passages)
    answer = with_citation(told.answer, told.context, passages, told.value) if recipe.cite else told.answer
    return Lesson(_messages(told, passages), answer, "golden" if told is row else "counterfactual", row.id)


def _changed(row: Example, change: Callable[[str], str]) -> Example:
    """The row with the same change in answer and golden passages."""
    return replace(row, answer=change(row.answer), context=tuple(map(change, row.context)))


def _messages(row: Example, passages: Sequence[str]) -> tuple[Message, ...]:
    """Exactly what an arm would read for the row's question."""
    given = tuple(Passage(str(n), text, "", 0.0) for n, text in enumerate(passages))
    system, user = messages(row.question, given)
    return (system, *row.turns, user)


def swapped(text: str, value: str, other: str) -> str:
    """The text with another value in every place where the value stands as whole words."""
    return re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", lambda _: other, text)


def with_citation(answer: str, golden: Sequence[str], passages: Sequence[str], value: str = "") -> str:
    """The answer with [n] of the golden passage put into the sentence that says most of what stands there.

    Sentences with the `value` come before others. An answer that shares no words with the passage, or cites already,
    stays as it is.
    """
    if re.search(r"\[\d+\]", answer):
        return answer
    best, number, most = -1, 0, 1
    parts = sentences(answer)
    for place, sentence in enumerate(parts):
        words = set(WORD.findall(sentence.casefold()))
        for text in golden:
            common = len(words & set(WORD.findall(text.casefold())))
            common += VALUE_COUNTS if value and value in sentence and value in text else 0
            if common > most:
                best, number, most = place, passages.index(text) + 1, common
    if best < 0:
        return answer
    cited = parts[best].rstrip()
    end = cited[-1] if cited[-1] in ".!?" else ""
    parts[best] = f"{cited.removesuffix(end)} [{number}]{end}{parts[best][len(cited) :]}"
    return "".join(parts)
