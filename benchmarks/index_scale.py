"""How an index of many vectors behaves: ours, raw Chroma and brute force in numpy, side by side in one run.

`python -m benchmarks.index_scale` takes 1,000 and 10,000 vectors, `--large` 100,000 too (minutes). The vectors are
random around random centres (384 numbers, cosine), each with a text of random words; questions are noisy copies of
stored vectors. Every size runs in a process of its own, so that memory is its own.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ragft_core import Settings
from ragft_core.documents import Chunk
from ragft_core.retrieval import Index
from ragft_core.retrieval.collection import HNSW
from ragft_core.searches import Search
from ragft_core.store import Store
from ragft_core.types import Document

SIZES, LARGE = (1_000, 10_000), 100_000
WIDTH, CENTRES, QUESTIONS, K = 384, 200, 200, 10
PER_DOCUMENT = 500
WORDS = [f"word{n}" for n in range(20_000)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="100,000 vectors too")
    parser.add_argument("--sizes", help="instead, by commas")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.one)))
        return
    sizes = [int(size) for size in args.sizes.split(",")] if args.sizes else [*SIZES, *([LARGE] if args.large else [])]
    print("| vectors | way | insert/s | p50 ms | p95 ms | recall@10 | first question after opening, s | memory MB |")
    print("|---|---|---|---|---|---|---|---|")
    for size in sizes:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.index_scale", "--one", str(size)], capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(done.stderr[-1500:])
        for row in json.loads(done.stdout.splitlines()[-1]):
            cells = " | ".join("-" if value is None else f"{value:,.{digits}f}" for value, digits in row["cells"])
            print(f"| {size:,} | {row['way']} | {cells} |", flush=True)


def measure(size: int) -> list[dict[str, Any]]:
    """A row per way."""
    vectors, questions, texts = made(size)
    exact = [set(map(int, np.argsort(-(vectors @ question), kind="stable")[:K])) for question in questions]
    with tempfile.TemporaryDirectory() as folder:
        rows = [brute(vectors, questions), raw(Path(folder) / "raw", vectors, questions, exact)]
        rows += ours(Path(folder), vectors, questions, texts, exact)
    return rows


def made(size: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng, words = np.random.default_rng(0), random.Random(0)
    centres = rng.standard_normal((CENTRES, WIDTH))
    vectors = unit(centres[rng.integers(0, CENTRES, size)] + rng.standard_normal((size, WIDTH)))
    asked = rng.integers(0, size, QUESTIONS)
    questions = unit(vectors[asked] + 0.02 * rng.standard_normal((QUESTIONS, WIDTH)))
    texts = [f"number{n} " + " ".join(words.choices(WORDS, k=80)) for n in range(size)]
    return vectors, questions, texts


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("<f4")


def timed(ask: Callable[[int], Sequence[int]], exact: list[set[int]] | None) -> tuple[float, float, float | None]:
    """(p50 ms, p95 ms, recall) of all questions, after a few to warm up."""
    for n in range(5):
        ask(n)
    seconds, hits = [], 0
    for n in range(QUESTIONS):
        started = time.perf_counter()
        found = ask(n)
        seconds.append(time.perf_counter() - started)
        hits += len(exact[n] & set(found)) if exact else 0
    p50, p95 = np.percentile(seconds, [50, 95]) * 1000
    return float(p50), float(p95), hits / (QUESTIONS * K) if exact else None


def row(
    way: str, insert: float | None, speed: tuple[float, float, float | None], first: float | None, memory: float | None
) -> dict[str, Any]:
    p50, p95, recall = speed
    return {"way": way, "cells": [(insert, 0), (p50, 2), (p95, 2), (recall, 3), (first, 2), (memory, 0)]}


def resident() -> float:
    """MB of memory in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def brute(vectors: np.ndarray, questions: np.ndarray) -> dict[str, Any]:
    def ask(n: int) -> Sequence[int]:
        scores = vectors @ questions[n]
        best = np.argpartition(-scores, K)[:K]
        return best[np.argsort(-scores[best])].tolist()

    return row("numpy, brute force", None, timed(ask, None), None, vectors.nbytes / 2**20)


def raw(folder: Path, vectors: np.ndarray, questions: np.ndarray, exact: list[set[int]]) -> dict[str, Any]:
    """Chroma by itself, with the graph's settings that we use."""
    import chromadb

    before = resident()
    client = chromadb.PersistentClient(str(folder), chromadb.config.Settings(anonymized_telemetry=False))
    chroma = client.create_collection("raw", configuration={"hnsw": HNSW}, embedding_function=None)
    started = time.perf_counter()
    for at in range(0, len(vectors), 1000):
        ids = [str(n) for n in range(at, min(at + 1000, len(vectors)))]
        chroma.add(ids=ids, embeddings=vectors[at : at + 1000])
    insert = len(vectors) / (time.perf_counter() - started)

    def ask(n: int) -> Sequence[int]:
        found = chroma.query(query_embeddings=[questions[n]], n_results=K, include=["distances"])
        return [int(key) for key in found["ids"][0]]

    speed = timed(ask, exact)
    client.close()
    client = chromadb.PersistentClient(str(folder), chromadb.config.Settings(anonymized_telemetry=False))
    started = time.perf_counter()
    chroma = client.get_collection("raw", embedding_function=None)
    ask(0)
    first = time.perf_counter() - started
    done = row("Chroma alone", insert, speed, first, resident() - before)
    client.close()
    return done


def ours(
    folder: Path, vectors: np.ndarray, questions: np.ndarray, texts: list[str], exact: list[set[int]]
) -> list[dict[str, Any]]:
    """The product's index: database, Chroma, BM25; the vectors are given, so embedding is not in the times."""
    import llama_index.vector_stores.chroma  # noqa: F401 - seconds, once a process; not a matter of the index's size

    before, by_text = resident(), {f"question {n}": question for n, question in enumerate(questions)}
    settings = Settings(home=folder, embedding="given", chunk_size=240, chunk_overlap=0)
    embed = lambda asked: [by_text[text] for text in asked]  # noqa: E731
    store = Store(folder / "ragft.sqlite")
    index = Index(store, folder / "index", settings, str.split, embed=embed)
    chunks = [Chunk("", text, 80) for text in texts]
    numbers = {chunk.id: n for n, chunk in enumerate(chunks)}
    started = time.perf_counter()
    for at in range(0, len(chunks), PER_DOCUMENT):
        some = chunks[at : at + PER_DOCUMENT]
        index._shelf.save_vectors({chunk.id: vectors[numbers[chunk.id]] for chunk in some})
        name = f"{at}.txt"
        document = Document(str(at), name, name, "", 0, len(some), "")
        index._changed(index._shelf.put(document, f"/{name}", "made", some))
    insert = len(chunks) / (time.perf_counter() - started)

    def ask(mode: str) -> Callable[[int], Sequence[int]]:
        search = Search(K, mode)
        return lambda n: [numbers[passage.id] for passage in index.trace(f"question {n}", search).passages]

    def fused(n: int) -> Sequence[int]:
        by_text[texts[n][:200]] = questions[n]
        return [numbers[passage.id] for passage in index.trace(texts[n][:200], Search(K, "hybrid")).passages]

    fused(0)  # makes the keyword index
    speeds = timed(ask("dense"), exact), timed(fused, None)
    index.close()
    started = time.perf_counter()
    index = Index(store, folder / "index", settings, str.split, embed=embed)
    opened = time.perf_counter() - started
    ask("dense")(0)
    dense_first = time.perf_counter() - started
    fused(0)
    first = time.perf_counter() - started
    memory = resident() - before
    index.close()
    store.close()
    print(f"{len(chunks):,}: opened in {opened:.2f} s", file=sys.stderr)
    return [
        row("RAGFT, dense", insert, speeds[0], dense_first, None),
        row("RAGFT, fused with BM25", None, speeds[1], first, memory),
    ]


if __name__ == "__main__":
    main()
