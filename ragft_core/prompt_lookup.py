"""What a row has read and written becomes a guess at its next tokens, which the model then checks in one pass.

Prompt lookup decoding (Apoorv Saxena, 2023): an answer that copies from its passages repeats their word sequences, so
what followed the same last tokens earlier is likely to follow again. A wrong guess costs time and changes nothing.
"""

from collections.abc import Sequence

SIZES = (3, 2)  # tokens that must agree, the longer first
FIRST, MOST = 3, 8  # tokens in a guess; checking more than nine in a pass is no longer nearly free
LONGEST_REST = 16  # tokens that a row is left in peace after guess upon guess was wrong


class PromptLookup:
    """The guesses for one row, which become longer while they are right and rarer while they are wrong."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}  # where the text goes on that followed these tokens last
        self._size, self._wrong, self._rest = FIRST, 0, 0
        self._append(tokens)

    def guess(self, room: int) -> list[int]:
        """At most `room` tokens that may come next; none where nothing speaks for any."""
        if self._rest:
            return []
        for size in SIZES:
            place = self._after.get(tuple(self._tokens[-size:]))
            if place is not None:
                return self._tokens[place : place + max(0, min(self._size, room))]
        return []

    def learn(self, guess: Sequence[int], tokens: Sequence[int]) -> None:
        """Take the `tokens` that came in fact: those of the guess that were right, and one more."""
        right = len(tokens) - 1
        if guess:
            self._wrong = 0 if right else self._wrong + 1
            self._rest = 0 if right else min(2**self._wrong, LONGEST_REST)
            self._size = min(MOST, 2 * self._size) if right == len(guess) else max(FIRST, right)
        elif self._rest:
            self._rest -= 1
        self._append(tokens)

    def _append(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            for size in SIZES:
                if len(self._tokens) >= size:
                    self._after[tuple(self._tokens[-size:])] = len(self._tokens)
            self._tokens.append(token)


def agreed(guess: Sequence[int], chosen: Sequence[int]) -> list[int]:
    """The tokens that the model chose, up to the first that differs from the guess; `chosen` is one longer."""
    right = next((n for n, token in enumerate(guess) if token != chosen[n]), len(guess))
    return list(chosen[: right + 1])
