"""The mean of the last checkpoints of one training, whether one process wrote them or two that meet half way.

Izmailov and others (2018), "Averaging Weights Leads to Wider Optima and Better Generalization".
`python -m embedded.average --out .embedded/mean.pt .embedded/look.pt ...` writes what `embedded.export` reads.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch


def average(checkpoints: Sequence[Path], out: Path, tokens: int = 0) -> None:
    """Write the mean of the weights; the rest is the last one's, but for `tokens` that all processes read together.

    ValueError when their shapes differ.
    """
    saved = [torch.load(path, weights_only=True, map_location="cpu") for path in checkpoints]
    if any(one["shape"] != saved[-1]["shape"] for one in saved):
        raise ValueError("The checkpoints are of models of different shapes.")
    mean = {name: torch.stack([one["model"][name].double() for one in saved]).mean(0) for name in saved[-1]["model"]}
    model = {name: value.float() for name, value in mean.items()}
    progress = saved[-1]["progress"] | ({"tokens": tokens} if tokens else {})
    torch.save(saved[-1] | {"model": model, "progress": progress, "averaged": len(saved)}, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--tokens", type=int, default=0, help="that all processes read; else the last one's")
    a = parser.parse_args()
    average(a.checkpoints, a.out, a.tokens)


if __name__ == "__main__":
    main()
