"""Passages of the user's documents become proposed examples: the loaded model asks, a sentence of the passage answers.

Each proposal carries its source and what speaks against it, and is nothing before a person takes it.
"""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..documents.sentences import sentences
from ..errors import DatasetError
from ..home import write_atomically
from ..prompts import messages, question_wish
from ..types import Decoding, Message, Passage, Row
from .rows import WORD, plain

AT_ONCE = 8  # passages asked about in one batch
FEWEST_WORDS, MOST_WORDS = 6, 45  # of a sentence that can be an answer
SHORTEST, LONGEST = 3, 40  # words of a question
FOUND = 0.5  # part of the answer's words that the model must find again in the passage
QUESTION = Decoding(max_new_tokens=48)
ANSWER = Decoding(max_new_tokens=64)


@dataclass(frozen=True)
class Proposal:
    """A question with its answer, a sentence of `passage`; `doubts` say what a person should look at.

    `state` is proposed, accepted, edited or dropped; only accepted and edited ones become examples.
    """

    id: str
    question: str
    answer: str
    source: str
    passage: str
    page: int | None = None
    doubts: tuple[str, ...] = ()
    state: Literal["proposed", "accepted", "edited", "dropped"] = "proposed"

    def accept(self) -> "Proposal":
        """Take it as it is. DatasetError while it has no question."""
        return _whole(replace(self, state="accepted"))

    def edit(self, question: str, answer: str) -> "Proposal":
        """Take it in other words."""
        return _whole(replace(self, question=question.strip(), answer=answer.strip(), state="edited"))

    def drop(self) -> "Proposal":
        return replace(self, state="dropped")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def propose(engine: Any, passages: Iterable[Passage], count: int = 20, seed: int = 0) -> Iterator[Proposal]:
    """Yield up to `count` proposals, one per passage, as the model writes them; closing the iterator ends the work.

    `engine` is anything with `stream(rows, decoding)`; passages are taken in an order drawn by the seed. What the model
    writes is not trusted: the answer is a sentence of the passage, word by word, and each question is put to the model
    again with its passage, to see whether the answer is found (a round trip).
    """
    drawn = list({passage.id: passage for passage in passages}.values())
    rng = random.Random(seed)
    rng.shuffle(drawn)
    chosen = [(passage, sentence) for passage in drawn if (sentence := _telling(sentences(passage.text), rng))][:count]
    asked: set[str] = set()
    for start in range(0, len(chosen), AT_ONCE):
        batch = chosen[start : start + AT_ONCE]
        questions = _written(engine, [question_wish(passage, sentence) for passage, sentence in batch], QUESTION)
        questions = [_question(text) for text in questions]
        trips = _written(engine, [messages(q or "?", (p,)) for q, (p, _) in zip(questions, batch, strict=True)], ANSWER)
        for question, again, (passage, sentence) in zip(questions, trips, batch, strict=True):
            doubts = _doubts(question, sentence, passage, again, plain(question) in asked)
            asked.add(plain(question))
            yield Proposal(passage.id, question, sentence, passage.source, passage.text, passage.page, tuple(doubts))


def save_examples(proposals: Sequence[Proposal], target: str | Path) -> int:
    """Write the accepted and edited proposals as training rows (JSONL), each with its passage and source."""
    rows = [row_of(proposal) for proposal in proposals if proposal.state in ("accepted", "edited")]
    if not rows:
        raise DatasetError("No proposal was accepted; there is nothing to save.")
    write_atomically(Path(target).expanduser(), "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return len(rows)


def row_of(proposal: Proposal) -> dict[str, Any]:
    """The training row of a proposal."""
    return {
        "question": proposal.question,
        "answer": proposal.answer,
        "context": [proposal.passage],
        "id": proposal.id,
        "group": proposal.id,
        "source": proposal.source,
    }


def _whole(proposal: Proposal) -> Proposal:
    if not proposal.question or not proposal.answer:
        raise DatasetError("A proposal needs a question and an answer; write them, or drop it.")
    return proposal


def _written(engine: Any, prompts: Sequence[Sequence[Message]], decoding: Decoding) -> list[str]:
    last: Sequence[Any] = ()
    for drafts in engine.stream([Row(tuple(prompt)) for prompt in prompts], decoding):
        last = drafts
    return [draft.text for draft in last]


def _question(text: str) -> str:
    """The first question in what the model wrote; empty when there is none."""
    line = next((line for line in text.strip().splitlines() if line.strip()), "")
    head, mark, _ = line.partition("?")
    words = head.split()
    if words and words[0].casefold().rstrip(":") in ("question", "q"):
        words = words[1:]
    return " ".join(words) + "?" if mark and SHORTEST <= len(words) <= LONGEST else ""


def _doubts(question: str, sentence: str, passage: Passage, again: str, seen: bool) -> list[str]:
    """What speaks against a proposal, as sentences."""
    if not question:
        return ["The model wrote no question; write one, or drop it."]
    doubts = []
    asked, told = _content(question), _content(sentence)
    if not asked & _content(f"{passage.title} {passage.text}"):
        doubts.append("The question names nothing that stands in the passage.")
    if told and told <= asked:
        doubts.append("The question gives its answer away.")
    if seen:
        doubts.append("This question was proposed before.")
    if told and len(told & _content(again)) < FOUND * len(told):
        doubts.append("Asked with the passage, the model does not find this answer.")
    return doubts


def _telling(found: Sequence[str], rng: random.Random) -> str:
    """One sentence that can stand alone as an answer: of fair length, ended, and not itself a question."""
    fit = [" ".join(sentence.split()) for sentence in found]
    fit = [one for one in fit if FEWEST_WORDS <= len(one.split()) <= MOST_WORDS and one[-1] in ".!" and _content(one)]
    return rng.choice(fit) if fit else ""


def _content(text: str) -> set[str]:
    return {word for word in WORD.findall(text.casefold()) if len(word) > 3 or word.isdigit()}
