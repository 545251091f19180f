"""Turn dialogues into weighted token rows and rows into batches of nearly equal length."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from tokenizers import Tokenizer
from torch import Tensor

from embedded import tokenizer as tk

QUESTION_MARK = "Question: "


@dataclass
class Dialogue:
    """One training text: a system prompt and pairs of user message and answer."""

    system: str
    turns: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Weights:
    """How much each kind of token counts in the loss."""

    answer: float = 1.0
    first: float = 2.0  # the first words of an answer choose the sentence, the rest is mere copying
    cited: float = 3.0  # the first token, the number of the passage, and where the text goes on in several ways
    question: float = 0.3
    context: float = 0.3
    share: float = 0.1  # of question and context tokens; the head reads no others


def encode(
    tokenizer: Tokenizer, dialogue: Dialogue, rng: random.Random, w: Weights, longest: int = 10_000
) -> tuple[list[int], list[float]]:
    """Token ids as the chat template gives them, with the loss weight of each token as a target.

    Turns that do not fit into `longest` tokens are left out.
    """
    ids, weights = [tk.BOS], [0.0]
    bracket = tk.text_ids(tokenizer, " [")[-1]
    if dialogue.system:
        part = tk.turn_ids(tokenizer, tk.SYSTEM, dialogue.system)
        ids += part
        weights += [0.0] * len(part)
    for user, answer in dialogue.turns:
        part, answered = tk.turn_ids(tokenizer, tk.USER, user), tk.turn_ids(tokenizer, tk.ASSISTANT, answer)
        if len(ids) + len(part) + len(answered) > longest:
            break
        tail = len(tk.text_ids(tokenizer, user[user.rfind(QUESTION_MARK) :])) if QUESTION_MARK in user else len(part)
        ids += part
        for place in range(len(part)):
            in_context = place < len(part) - 1 - tail
            counted = place and rng.random() < w.share
            weights.append((w.context if in_context else w.question) if counted else 0.0)
        weights[-1] = 0.0
        chosen = _forks(ids, answered)[1:]
        ids += answered
        counted = _answer_weights(answered[1:], bracket, w)
        weights += [0.0, *(max(n, w.cited) if fork else n for n, fork in zip(counted, chosen, strict=True))]
    return ids, weights


def _answer_weights(part: list[int], bracket: int, w: Weights) -> list[float]:
    out = [w.first if place < 3 else w.answer for place in range(len(part))]
    for place, token in enumerate(part[:-1]):
        if token == bracket:
            out[place + 1] = w.cited
    if part and w.first > w.answer:
        out[0] = w.cited  # chooses between the sentences and a refusal
    return out


def _forks(read: list[int], answer: list[int]) -> list[bool]:
    """Whether a token of the answer follows two that are followed by several different ones in what was read.

    A sentence is chosen there, not where it begins: those of one page begin alike.
    """
    nexts: dict[tuple[int, int], set[int]] = {}
    for first, second, third in zip(read, read[1:], read[2:], strict=False):
        nexts.setdefault((first, second), set()).add(third)
    return [
        place > 1 and len(nexts.get((answer[place - 2], answer[place - 1]), ())) > 1 for place in range(len(answer))
    ]


@dataclass
class Batch:
    ids: Tensor
    where: Tensor
    targets: Tensor
    weights: Tensor
    tokens: int


def collate(rows: list[tuple[list[int], list[float]]], length: int) -> Batch:
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    weights = torch.zeros(len(rows), length)
    for at, (row_ids, row_weights) in enumerate(rows):
        ids[at, : len(row_ids)] = torch.tensor(row_ids)
        weights[at, : len(row_weights)] = torch.tensor(row_weights)
    nexts = weights[:, 1:]
    row, column = nexts.nonzero(as_tuple=True)
    return Batch(ids, row * length + column, ids[:, 1:][row, column], nexts[row, column], sum(len(r[0]) for r in rows))


def batches(
    tokenizer: Tokenizer,
    draw: Callable[[random.Random], Dialogue],
    rng: random.Random,
    tokens: int = 2048,
    longest: int = 384,
    grain: int = 32,
) -> Iterator[Batch]:
    """Endless micro-batches; rows wait in buckets of equal padded length, so little padding is computed."""
    buckets: dict[int, list[tuple[list[int], list[float]]]] = {}
    kinds = Weights()
    while True:
        row = encode(tokenizer, draw(rng), rng, kinds, longest)
        if not any(row[1]):
            continue
        length = -(-len(row[0]) // grain) * grain
        bucket = buckets.setdefault(length, [])
        bucket.append(row)
        if len(bucket) * length >= tokens:
            yield collate(bucket, length)
            bucket.clear()
