"""Steps of the embedded model's pretraining, with torch's fused attention and float32 optimiser, and with ours.

`python -m benchmarks.pretraining [--steps 8] [--cores 1]`: the same generated text, models with the same fresh weights,
compiled blocks, both ways by turns in one process; the first two steps of each (compilation) are not counted.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from embedded import network, pretrain, rows, tokenizer
from embedded.attention import causal_attention
from embedded.export import TARGET
from embedded.mix import GROWING, Mix
from embedded.muon import Muon
from embedded.network import Network, Shape

Attention = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
TOKENS = 2500  # of a step


def fused(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """What torch offers, with our arguments."""
    mixed = F.scaled_dot_product_attention(q, k[:, None], v[:, None], is_causal=True, scale=1.0, enable_gqa=True)
    return mixed, q


def way(attention: Attention, precision: torch.dtype, seed: int) -> Iterator[float]:
    """Tokens per second of one step after another."""
    words = tokenizer.load(TARGET / "tokenizer.json")
    mix = Mix(words, None, short=True)
    feed = rows.batches(words, lambda r: mix.draw(r, GROWING), random.Random(seed), 1024, 416)
    torch.manual_seed(seed)
    model = Network(Shape()).train()
    pretrain.compile_blocks(model)
    optimiser = Muon(model, precision=precision)
    while True:
        network.causal_attention = attention  # type: ignore[assignment]
        started = time.perf_counter()
        _, tokens = pretrain.learn(model, feed, TOKENS, "cpu")
        optimiser.step(1.0)
        model.zero_grad(set_to_none=True)
        yield tokens / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--cores", type=int, default=1)
    a = parser.parse_args()
    torch.set_num_threads(a.cores)
    ways = {"fused attention, float32 optimiser": way(fused, torch.float32, 1)}
    ways["ours"] = way(causal_attention, pretrain.precision("cpu"), 1)
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for step in range(a.steps + 2):
        for name, steps in ways.items():
            speed = next(steps)
            if step > 1:
                speeds[name].append(speed)
    first = statistics.median(speeds["fused attention, float32 optimiser"])
    print(f"| way | tokens/s, median of {a.steps} steps | times faster |\n|---|---|---|")
    for name, found in speeds.items():
        print(f"| {name} | {statistics.median(found):,.0f} | {statistics.median(found) / first:.2f} |")


if __name__ == "__main__":
    main()
