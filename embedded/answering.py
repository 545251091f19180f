"""Greedy answers of a loaded model to many prompts at once, and how an answer is judged."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from embedded.reading import REFUSAL, UNKNOWN, WITH_PASSAGES, WITHOUT_PASSAGES, Passage, context_text


@dataclass
class Probe:
    """One question to put to a model and what a right answer contains; no `gold` means that nothing answers it."""

    question: str
    gold: tuple[str, ...] = ()
    passages: list[Passage] = field(default_factory=list)
    number: int = 0  # the right passage, counted from one
    stale: str = ""

    def messages(self) -> list[dict[str, str]]:
        if not self.passages:
            return [{"role": "system", "content": WITHOUT_PASSAGES}, {"role": "user", "content": self.question}]
        user = f"{context_text(self.passages, titled=True)}Question: {self.question}"
        return [{"role": "system", "content": WITH_PASSAGES}, {"role": "user", "content": user}]


def placed(
    r: random.Random, question: str, gold: tuple[str, ...], right: Passage, others: list[Passage], stale: str = ""
) -> Probe:
    """A probe whose right passage stands at a random place among the others."""
    passages = [right, *others]
    r.shuffle(passages)
    return Probe(question, gold, passages, passages.index(right) + 1, stale)


@torch.inference_mode()
def answer_all(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, probes: Sequence[Probe], most: int = 64, rows: int = 24
) -> list[str]:
    """Answers in the order of the probes; prompts of similar length share a batch."""
    texts = [tokenizer.apply_chat_template(p.messages(), add_generation_prompt=True, tokenize=False) for p in probes]
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    out = [""] * len(texts)
    for start in range(0, len(order), rows):
        chosen = order[start : start + rows]
        batch = tokenizer([texts[i] for i in chosen], add_special_tokens=False, return_tensors="pt", padding=True)
        batch.pop("token_type_ids", None)
        ids = model.generate(**batch, max_new_tokens=most, do_sample=False)
        for i, row in zip(chosen, ids[:, batch["input_ids"].shape[1] :], strict=True):
            out[i] = tokenizer.decode(row, skip_special_tokens=True).strip()
    return out


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower().translate(str.maketrans("", "", '"“”'))).strip()


def has_value(answer: str, gold: Sequence[str]) -> bool:
    """A gold value occurs as whole words or figures: "5" is not found in "25"."""
    return any(re.search(rf"(?<![\w]){re.escape(plain(g))}(?![\w])", plain(answer)) for g in gold)


def refused(answer: str) -> bool:
    return REFUSAL in answer or UNKNOWN.split(".")[0] in answer


def cites(answer: str, number: int) -> bool:
    return f"[{number}]" in answer


def share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else float("nan")


def _bare(text: str) -> list[str]:
    text = "".join(c for c in re.sub(r"\[\d+\]", "", text.lower()) if c not in string.punctuation)
    return [w for w in text.split() if w not in ("a", "an", "the")]


def exact_match(answer: str, gold: str) -> bool:
    return _bare(answer) == _bare(gold)


def f1(answer: str, gold: str) -> float:
    got, want = _bare(answer), _bare(gold)
    left = list(want)
    common = 0
    for word in got:
        if word in left:
            left.remove(word)
            common += 1
    return 2 * common / (len(got) + len(want)) if got or want else 0.0


def interval(flags: Sequence[bool], seed: int = 0, draws: int = 1000) -> tuple[float, float]:
    """95 % bootstrap interval of a share."""
    r = random.Random(seed)
    shares = sorted(share(r.choices(flags, k=len(flags))) for _ in range(draws))
    return shares[int(0.025 * draws)], shares[int(0.975 * draws)]
