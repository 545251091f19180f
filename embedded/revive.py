"""Gives tokens that were hardly trained embeddings that differ, so that they can be learnt and copied.

Land and Bartolo (2024), "Fishing for Magikarp: Automatically Detecting Under-trained Tokens in Large Language Models":
such tokens end up with nearly the same embedding, and a model that reads one writes another.
`python -m embedded.revive --checkpoint .embedded/mean.pt --out .embedded/look.pt --short-answers`
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from embedded import rows
from embedded import tokenizer as tk
from embedded.mix import GROWING, LOOKUPS, Mix

ALIKE = 0.95  # cosine to the nearest other embedding
SELDOM, OFTEN = 20, 60  # times the answer in the sample: below, a token may be revived; from here on it is a pattern


def counts(tokenizer: Tokenizer, mix: Mix, tokens: int, seed: int = 0) -> Tensor:
    """How often each token is to be written with full weight in a sample of the mix of about this many tokens."""
    feed = rows.batches(tokenizer, lambda r: mix.draw(r, GROWING), random.Random(seed), 1024, 416)
    found = torch.zeros(tokenizer.get_vocab_size(), dtype=torch.long)
    read = 0
    while read < tokens:
        batch = next(feed)
        read += batch.tokens
        found += torch.bincount(batch.targets[batch.weights >= 1], minlength=len(found))
    return found


def alike(embeddings: Tensor) -> Tensor:
    """The cosine of each embedding [tokens, width] to its nearest other one."""
    unit = torch.nn.functional.normalize(embeddings.float(), dim=1)
    near = unit @ unit.T
    return near.fill_diagonal_(-1).max(1).values


def revived(embeddings: Tensor, found: Tensor, seed: int = 0) -> tuple[Tensor, list[int]]:
    """The embeddings, those of seldom written lookalikes drawn anew as the often written ones lie; and which these are.

    ValueError when too few tokens are written often to tell how they lie.
    """
    often = embeddings[found >= OFTEN]
    if len(often) < 2:
        raise ValueError(f"Only {len(often)} tokens are written {OFTEN} times; count more tokens.")
    chosen = ((alike(embeddings) > ALIKE) & (found < SELDOM)).nonzero().flatten().tolist()
    noise = torch.randn(len(chosen), embeddings.shape[1], generator=torch.Generator().manual_seed(seed))
    out = embeddings.clone()
    out[chosen] = often.mean(0) + noise * often.std(0)
    return out, chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, default=Path(".embedded/tokenizer.json"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--tokens", type=int, default=600_000)
    parser.add_argument("--short-answers", action="store_true")
    parser.add_argument("--lookups", type=float, default=LOOKUPS)
    a = parser.parse_args()
    saved = torch.load(a.checkpoint, weights_only=True, map_location="cpu")
    tokenizer = tk.load(a.tokenizer)
    found = counts(tokenizer, Mix(tokenizer, a.data, a.short_answers, a.lookups), a.tokens)
    name = "model.embed_tokens.weight"
    saved["model"][name], chosen = revived(saved["model"][name], found)
    torch.save(saved, a.out)
    print(f"{len(chosen)} of {len(found)} tokens begin anew")


if __name__ == "__main__":
    main()
