"""A deeper model that says exactly what the one it came from says: new blocks that add nothing before they learn.

Wu and others (2024), "LLaMA Pro: Progressive LLaMA with Block Expansion": copies of blocks between the old ones, with
output projections of zero. `python -m embedded.grow --layers 8 --start assets/model --out .embedded/look.pt`.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from embedded.muon import Muon
from embedded.network import Network, Shape
from embedded.pretrain import open_model, save

SILENT = ("self_attn.o_proj", "mlp.down_proj")
LAYER = re.compile(r"model\.layers\.(\d+)\.")


def order(old: int, new: int) -> list[tuple[int, bool]]:
    """(block it comes from, whether it is a new copy) of each block of the deeper model, copies spread evenly.

    ValueError unless old < new <= 2 * old.
    """
    if not old < new <= 2 * old:
        raise ValueError(f"A model of {old} layers grows to {old + 1} to {2 * old}, not to {new}.")
    copied = {round((n + 1) * old / (new - old + 1)) - 1 for n in range(new - old)}
    copied |= set(range(old)) if new == 2 * old else set()
    return [(block, copy) for block in range(old) for copy in ((False, True) if block in copied else (False,))]


def grown(weights: dict[str, Tensor], blocks: list[tuple[int, bool]]) -> dict[str, Tensor]:
    """The deeper model's weights by name."""
    out = {name: value for name, value in weights.items() if not LAYER.match(name)}
    for place, (block, copy) in enumerate(blocks):
        head = f"model.layers.{block}."
        for name, value in weights.items():
            if name.startswith(head):
                rest = name.removeprefix(head)
                silent = copy and rest.startswith(SILENT)
                out[f"model.layers.{place}.{rest}"] = torch.zeros_like(value) if silent else value.clone()
    return out


def grow(start: Path, layers: int, out: Path) -> Network:
    """Write a checkpoint of the deeper model with a fresh optimiser; the tokens read so far are kept."""
    old, _, progress = open_model(start, Shape(), "cpu")
    model = Network(replace(old.shape, layers=layers))
    model.load_state_dict(grown(old.state_dict(), order(old.shape.layers, layers)))
    out.parent.mkdir(parents=True, exist_ok=True)
    save(out, model, Muon(model), progress)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=Path, required=True, help="checkpoint, or folder of exported weights")
    parser.add_argument("--layers", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    model = grow(a.start, a.layers, a.out)
    print(f"{sum(p.numel() for p in model.parameters())} parameters")


if __name__ == "__main__":
    main()
