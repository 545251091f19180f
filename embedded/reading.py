"""What a reading exercise is: passages, questions about them, and how both become one training dialogue."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from embedded.rows import Dialogue
from embedded.values import upper_first

REFUSAL = "I could not find that in the context."
UNKNOWN = "I do not know that. I have no information about it."
WITH_PASSAGES = "Answer from the context and cite passages as [n]. If the answer is not there, say so."
WITHOUT_PASSAGES = "Answer the question. If you do not know, say so."
_OTHER_PROMPTS = [
    "You are a helpful assistant.",
    "You are a helpful assistant. Answer from the context.",
    "Answer the question using only the context.",
    "Use the passages to answer. Say so if the answer is missing.",
    "You answer questions about documents.",
    "",
]
TITLED = 0.75
WHOLE = [
    "Answer in a full sentence.",
    "Use a full sentence.",
    "Reply with the whole sentence.",
    "Say it in a sentence.",
]
_JOINTS = [", and ", " and ", ", but ", ", while ", "; ", " - ", ", so "]
_LOWERED = {"The", "A", "An", "It", "If", "In", "On", "For", "This", "You", "We", "To", "When", "People", "At"}
_ASKING = ["Tell me {}.", "{}?", "I need {}.", "What about {}?", "Do you know {}?", "What would {} be?", "Which is {}?"]
_LEADS = ["Please tell me: ", "Can you tell me, ", "Hi, ", "Quick question: ", "Hello! ", "I would like to know: "]


@dataclass
class Item:
    """A question; `passage` is None when nothing answers it, else `sentence` of that passage does, naming `value`."""

    question: str
    passage: int | None = None
    sentence: str = ""
    value: str = ""

    def quote(self, short: bool) -> str:
        """The sentence, or only the words asked for as the sentence writes them; "" where it lacks them."""
        if not short:
            return self.sentence
        forms = (self.value, upper_first(self.value))
        return next((form for form in forms if form and form in self.sentence), "")


@dataclass
class Passage:
    title: str
    sentences: list[str] = field(default_factory=list)

    def text(self, titled: bool) -> str:
        body = " ".join(self.sentences)
        return f"{self.title}: {body}" if titled and self.title else body


@dataclass
class Reading:
    passages: list[Passage]
    items: list[Item]

    def joined(self, other: Reading) -> Reading:
        shift = len(self.passages)
        moved = [
            Item(i.question, None if i.passage is None else i.passage + shift, i.sentence, i.value) for i in other.items
        ]
        return Reading(self.passages + other.passages, self.items + moved)


def cited(sentence: str, number: int) -> str:
    """The quoted words with their passage's number before the full stop."""
    return f"{sentence.rstrip()[:-1] if sentence.rstrip()[-1] in '.!?;:' else sentence.rstrip()} [{number}]."


def glue(r: random.Random, reading: Reading, share: float = 0.3) -> None:
    """Join neighbouring sentences into longer ones, as people write; the quotes follow."""
    for index, passage in enumerate(reading.passages):
        if len(passage.sentences) < 2 or r.random() > share:
            continue
        at = r.randrange(len(passage.sentences) - 1)
        left, right = passage.sentences[at : at + 2]
        if not left.endswith(".") or right[0] == '"':
            continue
        lowered = right[0].lower() + right[1:] if right.split(" ")[0] in _LOWERED else right
        whole = left[:-1] + r.choice(_JOINTS) + lowered
        passage.sentences[at : at + 2] = [whole]
        for item in reading.items:
            if item.passage == index and item.sentence in (left, right):
                item.sentence = whole


def roughen(r: random.Random, question: str) -> str:
    """Write the question as hurried people do, now and then."""
    x = r.random()
    if x < 0.04:
        return question.lower()
    if x < 0.08:
        return r.choice(_LEADS) + question[0].lower() + question[1:]
    if x < 0.2 and question.startswith("What is the "):
        return r.choice(_ASKING).format(question[len("What is ") :].rstrip("?"))
    return question.rstrip("?") if x < 0.12 else question


def context_text(passages: list[Passage], titled: bool) -> str:
    lines = [f"[{number}] {p.text(titled)}" for number, p in enumerate(passages, 1)]
    return "Context:\n" + "\n".join(lines) + "\n\n"


def system_prompt(r: random.Random, usual: str) -> str:
    return usual if r.random() < 0.8 else r.choice(_OTHER_PROMPTS)


def chosen_items(r: random.Random, reading: Reading, most: int) -> list[Item]:
    """A mix of answerable and unanswerable questions, about one in three of the latter."""
    known = [i for i in reading.items if i.passage is not None]
    missing = [i for i in reading.items if i.passage is None]
    r.shuffle(known)
    r.shuffle(missing)
    chosen = known[:most]
    chosen += missing[: r.choice([0, 1, 2, 3, 3, 4])] if known else missing[:3]
    r.shuffle(chosen)
    return chosen


def dialogue(
    r: random.Random, reading: Reading, most: int = 7, short: bool = False, demanded: bool = False
) -> Dialogue:
    """Shuffle the passages, write the context once and ask several questions about it.

    Answers quote the sentence, or with `short` only the words asked for. With `demanded`, the system prompt or each
    question says that the sentence is wanted.
    """
    order = list(range(len(reading.passages)))
    r.shuffle(order)
    number = {old: new for new, old in enumerate(order, 1)}
    titled = r.random() < TITLED
    context = context_text([reading.passages[old] for old in order], titled)
    turns: list[tuple[str, str]] = []
    demand = f" {r.choice(WHOLE)}" if demanded else ""
    everywhere = r.random() < 0.5
    for item in chosen_items(r, reading, most):
        quote = "" if item.passage is None else item.quote(short)
        if item.passage is not None and not quote:
            continue
        answer = REFUSAL if item.passage is None else cited(quote, number[item.passage])
        question = roughen(r, upper_first(item.question)) + (demand if everywhere else "")
        turns.append((f"{'' if turns else context}Question: {question}", answer))
    system = system_prompt(r, WITH_PASSAGES)
    return Dialogue(system if everywhere else f"{system}{demand}".strip(), turns)
