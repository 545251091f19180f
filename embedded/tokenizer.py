"""Byte-level BPE tokenizer: training, the special tokens and the one chat format shared by training and use."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIAL = ["<|pad|>", "<|bos|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
PAD, BOS, SYSTEM, USER, ASSISTANT, END = range(6)
VOCAB = 6144

# A space opens every answer, so that its first word has the same token as inside a passage.
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m['role'] == 'assistant' %}{{ '<|assistant|> ' + (m['content'] | trim) + '<|end|>' }}"
    "{% else %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def train(texts: Iterable[str], vocab: int = VOCAB) -> Tokenizer:
    """Train on `texts`; digits stay single so that numbers are copied figure by figure."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=3,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def load(path: Path) -> Tokenizer:
    return Tokenizer.from_file(str(path))


def text_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids


def word_pieces(tokenizer: Tokenizer) -> list[str]:
    """The pieces of the vocabulary that are ASCII and visible, the raw material of invented words."""
    pieces = {token.replace("Ġ", "") for token in tokenizer.get_vocab() if not token.startswith("<|")}
    return sorted(p for p in pieces if p.isascii() and p)


def turn_ids(tokenizer: Tokenizer, role: int, content: str) -> list[int]:
    """Tokens of one message exactly as the chat template renders it."""
    body = " " + content.strip() if role == ASSISTANT else content
    return [role, *text_ids(tokenizer, body), END]
