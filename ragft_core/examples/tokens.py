"""A lesson becomes the token ids that the model trains on, and says which of them carry the loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..chat import Chat
from ..types import Message
from .lessons import Lesson


@dataclass(frozen=True)
class Encoded:
    """Token ids of prompt and answer; those from `start` on, the answer and its end mark, carry the loss."""

    ids: tuple[int, ...]
    start: int

    @property
    def length(self) -> int:
        return len(self.ids)


class LessonCoder:
    """Encodes lessons as the engine encodes questions, so that training and answering read the same tokens."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.chat = Chat(tokenizer)
        self.ends = {tokenizer.eos_token_id} - {None}

    def encode(self, lesson: Lesson) -> Encoded:
        """Prompt as in use, then the answer with its end mark, whatever the template puts around it."""
        prompt = self.chat.encode(lesson.messages)
        ids = list(self._answer(lesson.messages, lesson.answer))
        return Encoded((*prompt, *ids), len(prompt))

    def _answer(self, messages: Sequence[Message], answer: str) -> list[int]:
        """The tokens that the template writes for an answer, up to and with its end mark."""
        answer = self.chat.neutral(answer)
        said = [dict(m) | {"content": self.chat.neutral(m["content"])} for m in messages]
        whole = self.tokenizer.apply_chat_template([*said, {"role": "assistant", "content": answer}], tokenize=False)
        before = self.chat.render(messages)
        if not whole.startswith(before):  # a template that rewrites earlier turns: the plain answer
            whole = before + answer
        ids = self.tokenizer(whole[len(before) :], add_special_tokens=False)["input_ids"]
        end = next((n for n, token in enumerate(ids) if token in self.ends), None)
        if end is None:
            return [*ids, self.tokenizer.eos_token_id]
        return ids[: end + 1]

    def preview(self, lesson: Lesson) -> dict[str, Any]:
        """A lesson for people: the exact text, each token's text, and whether it carries the loss."""
        encoded = self.encode(lesson)
        return {
            "kind": lesson.kind,
            "text": self.tokenizer.decode(encoded.ids),
            "answer": lesson.answer,
            "tokens": [
                {"text": self.tokenizer.decode([token]), "loss": n >= encoded.start}
                for n, token in enumerate(encoded.ids)
            ],
            "length": encoded.length,
            "loss_tokens": encoded.length - encoded.start,
        }
