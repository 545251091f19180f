"""Chat messages become the token ids a model reads; no word of a document or question can become a template mark."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from .errors import ModelError, QuestionError
from .types import Message


class Chat:
    """A tokenizer with a chat template, made safe: marks of the template inside messages are spelled apart."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        marks = {token.content: number for number, token in tokenizer.added_tokens_decoder.items()}
        marks |= dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True))
        # Runs of spaces are added tokens in some tokenizers; they frame nothing and stay as they are.
        self._marks = {text: number for text, number in marks.items() if text.strip()}
        longest_first = sorted(self._marks, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def render(self, messages: Sequence[Message]) -> str:
        """The exact text the model reads, template and all."""
        return self._template([dict(m) | {"content": self.neutral(m["content"])} for m in messages])

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The ids the model reads. QuestionError when a message would still put a template mark into them."""
        ids = self._ids(self.render(messages))
        plain = self._ids(self._template([dict(m) | {"content": "x"} for m in messages]))
        if self._marks_in(ids) != self._marks_in(plain):
            raise QuestionError(
                "The question or a passage holds text that this model would read as a mark of its chat template. "
                "Remove that text."
            )
        return ids

    def count(self, messages: Sequence[Message]) -> int:
        """How many tokens the model reads."""
        return len(self._ids(self.render(messages)))

    def neutral(self, text: str) -> str:
        """The text with every template mark in it spelled apart: `<|end|>` becomes `< |end|>`."""
        while self._pattern and self._pattern.search(text):
            text = self._pattern.sub(_apart, text)
        return text

    def _template(self, messages: list[dict[str, str]]) -> str:
        from jinja2.exceptions import TemplateError

        try:
            return self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        except (TemplateError, ValueError, TypeError) as error:
            raise ModelError(
                f"The model's chat template refuses these messages ({str(error)[:200]}). Choose another chat model."
            ) from error

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def _marks_in(self, ids: Sequence[int]) -> Counter[int]:
        numbers = set(self._marks.values())
        return Counter(number for number in ids if number in numbers)


def _apart(found: re.Match[str]) -> str:
    mark = found.group()
    return f"{mark[0]} {mark[1:]}" if len(mark) > 1 else "?"
