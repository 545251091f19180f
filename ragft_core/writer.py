"""One row's tokens become its growing draft: which token comes next, what text it makes, and when the row ends."""

from collections.abc import Collection, Sequence
from typing import Any

import torch

from .types import Decoding, Draft


class Writer:
    """A row while it is written. Knows nothing of the model: it is given ids and, to sample, its logits."""

    def __init__(
        self, prompt: Sequence[int], room: int, decoding: Decoding, tokenizer: Any, ends: Collection[int]
    ) -> None:
        self.prompt, self.tokens = list(prompt), list[int]()
        self._cap = min(decoding.max_new_tokens, room)
        self._decoding, self._tokenizer, self._ends = decoding, tokenizer, frozenset(ends)
        # A row draws from its own source, so what it writes does not depend on its neighbours.
        self._source = torch.Generator().manual_seed(decoding.seed)
        self.draft = Draft(prompt_tokens=len(self.prompt))

    @classmethod
    def failed(cls, error: str, prompt_tokens: int = 0) -> "Writer":
        """A row that cannot be written, with the sentence that says why."""
        writer = cls.__new__(cls)
        writer.prompt, writer.tokens = [], []
        writer.fail(error, prompt_tokens)
        return writer

    @property
    def capacity(self) -> int:
        """The most tokens of this row that a model ever has to remember."""
        return len(self.prompt) + self._cap

    @property
    def living(self) -> bool:
        return self.draft.state in ("reading", "writing")

    @property
    def greedy(self) -> bool:
        return self._decoding.temperature <= 0

    @property
    def left(self) -> int:
        """How many tokens may still come."""
        return self._cap - len(self.tokens)

    def fail(self, error: str, prompt_tokens: int = 0) -> None:
        self.draft = Draft(state="failed", error=error, prompt_tokens=prompt_tokens)

    def choose(self, logits: torch.Tensor) -> int:
        """The next token after `logits` (one per word of the vocabulary): the likeliest, or a seeded draw."""
        if self.greedy:
            return int(logits.argmax())
        chances = torch.softmax(logits.double().cpu() / self._decoding.temperature, -1)
        if self._decoding.top_p < 1:
            ranked, order = chances.sort(descending=True)
            kept = ranked.cumsum(-1) - ranked < self._decoding.top_p  # always keeps the likeliest
            chances = torch.zeros_like(chances).scatter(0, order[kept], ranked[kept])
        return int(torch.multinomial(chances, 1, generator=self._source))

    def write(self, token: int, seconds: float) -> None:
        """Take the token chosen `seconds` after the batch began."""
        self.tokens.append(token)
        finish = "end" if token in self._ends else "length" if len(self.tokens) >= self._cap else ""
        text = self._tokenizer.decode(self.tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        first = self.draft.first_token_seconds
        self.draft = Draft(
            # A letter of several bytes may be half written; its first half would show as U+FFFD.
            text=text if finish else text.rstrip("\ufffd"),
            tokens=len(self.tokens),
            state="done" if finish else "writing",
            finish=finish,
            prompt_tokens=len(self.prompt),
            first_token_seconds=seconds if first is None else first,
            seconds=seconds,
        )
