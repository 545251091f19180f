"""How many passages a second the embedding model takes, by batch size, and how long a question waits for a batch.

`python -m benchmarks.embedding` cuts the demo's documents as the product does and embeds them, every size in turn, in
a few rounds. The product's size is the one in bold.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from ragft_core import Settings
from ragft_core.documents import Cutter, load
from ragft_core.model import load_tokenizer
from ragft_core.retrieval.embedding import BATCH, Embedder
from ragft_core.settings import ASSETS

SIZES = (1, 8, 16, 32, 64, 128)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--passages", type=int, default=256)
    args = parser.parse_args()
    texts = passages(args.passages)
    embedder = Embedder(Settings())
    embedder.texts(texts[:BATCH])  # loads the model
    seconds: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(args.rounds):
        for size in SIZES:  # in turn, so that other work on the machine hits them alike
            started = time.perf_counter()
            for start in range(0, len(texts), size):
                embedder.texts(texts[start : start + size])
            seconds[size].append(time.perf_counter() - started)
    usual = float(np.median(seconds[BATCH]))
    print(f"{len(texts)} passages of {np.mean([len(text.split()) for text in texts]):.0f} words\n")
    print("| batch | passages/s | times the product's | one batch, s |")
    print("|---|---|---|---|")
    for size, took in seconds.items():
        middle = float(np.median(took))
        name = f"**{size}**" if size == BATCH else str(size)
        print(f"| {name} | {len(texts) / middle:.1f} | {usual / middle:.2f} | {middle * size / len(texts):.2f} |")


def passages(count: int) -> list[str]:
    """What the embedding model reads of the demo's documents, over and over up to `count`."""
    settings = Settings()
    cutter = Cutter(settings.chunk_size, settings.chunk_overlap, load_tokenizer(settings).tokenize)
    files = [path for path in sorted(Path(ASSETS / "demo" / "documents").rglob("*")) if path.is_file()]
    texts = [chunk.embedded for path in files for chunk in cutter.cut(load(path))]
    return [texts[n % len(texts)] for n in range(count)]


if __name__ == "__main__":
    main()
