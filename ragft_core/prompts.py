"""Every word the model reads, in one place and versioned, so that a saved comparison says what was asked.

All arms share these words: two arms of one comparison differ only in whether passages are there.
"""

import re
from collections.abc import Sequence

from .types import Message, Passage

PROMPT_VERSION = "1"
WITH_PASSAGES = "Answer from the context and cite passages as [n]. If the answer is not there, say so."
WITHOUT_PASSAGES = "Answer the question. If you do not know, say so."
ASK_FOR_QUESTION = (
    "Write one short question that the sentence answers, as a reader of the text would ask it. "
    "Name who or what it is about. Write the question only."
)


def messages(question: str, passages: Sequence[Passage] = ()) -> tuple[Message, ...]:
    """The chat for one arm: a system message and one user message, passages numbered from 1."""
    if not passages:
        return system_and_user(WITHOUT_PASSAGES, question)
    context = "\n".join(f"[{n}] {passage_line(passage)}" for n, passage in enumerate(passages, 1))
    return system_and_user(WITH_PASSAGES, f"Context:\n{context}\n\nQuestion: {question}")


def question_wish(passage: Passage, sentence: str) -> tuple[Message, ...]:
    """The chat that asks for a question which a sentence of the passage answers (proposed training examples)."""
    return system_and_user(ASK_FOR_QUESTION, f"Text: {passage_line(passage)}\n\nSentence: {' '.join(sentence.split())}")


def system_and_user(system: str, user: str) -> tuple[Message, ...]:
    return {"role": "system", "content": system}, {"role": "user", "content": user}


def passage_line(passage: Passage) -> str:
    """A passage on one line: only our own frame begins lines, so its text cannot pose as `Question:` or `[2]`."""
    text = " ".join(passage.text.split())
    title = " ".join(passage.title.split())
    return f"{title}: {text}" if title else text


def cited(text: str, passages: int) -> tuple[int, ...]:
    """The passage numbers, in order of first use, that `text` cites as `[n]` and that exist (1..passages)."""
    numbers = [int(n) for group in re.findall(r"\[([\d,;\s]+)\]", text) for n in re.findall(r"\d{1,4}", group)]
    return tuple(dict.fromkeys(n for n in numbers if 1 <= n <= passages))
