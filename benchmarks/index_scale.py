"""How an index of many vectors behaves: ours, raw Chroma and brute force in numpy, side by side in one run.

`python -m benchmarks.index_scale` takes 1,000 and 10,000 vectors, `--large` 100,000 too (minutes). The vectors are
random around random centres (384 numbers, cosine), each with a text of random words; questions are noisy copies of
stored vectors. Every size runs in a process of its own, so that memory is its own. RAGFT's ingest is that of files, in
another process; the one of 100,000 is killed half way and goes on when it is started again.
"""

import argparse
import json
import math
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from ragft_core import Settings
from ragft_core.retrieval import Index
from ragft_core.retrieval.collection import HNSW
from ragft_core.searches import Search
from ragft_core.store import Store

SIZES, LARGE = (1_000, 10_000), 100_000
WIDTH, CENTRES, QUESTIONS, K = 384, 200, 200, 10
PER_DOCUMENT = 500
WORDS = [f"word{n}" for n in range(20_000)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="100,000 vectors too")
    parser.add_argument("--sizes", help="instead, by commas")
    parser.add_argument("--keep", type=Path, help="a folder to work in; run again with it, a killed run goes on")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--ingest", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.ingest:
        ingest(args.ingest, args.keep)
        return
    if args.one:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(args.one, args.keep or Path(folder))))
        return
    sizes = [int(size) for size in args.sizes.split(",")] if args.sizes else [*SIZES, *([LARGE] if args.large else [])]
    print("| vectors | way | insert/s | p50 ms | p95 ms | recall@10 | first question after opening, s | memory MB |")
    print("|---|---|---|---|---|---|---|---|")
    for size in sizes:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.index_scale", "--one", str(size), *kept(args.keep, size)],
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            sys.exit(f"{size:,} failed")
        for row in json.loads(done.stdout.splitlines()[-1]):
            cells = " | ".join(shown(*cell) for cell in row["cells"])
            print(f"| {size:,} | {row['way']} | {cells} |", flush=True)


def shown(value: float | None, digits: int) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:,.{digits}f}"


def kept(keep: Path | None, size: int) -> list[str]:
    return ["--keep", str(keep / str(size))] if keep else []


def measure(size: int, folder: Path) -> list[dict[str, Any]]:
    """A row per way."""
    vectors, questions, texts = made(size)
    exact = [set(map(int, np.argsort(-(vectors @ question), kind="stable")[:K])) for question in questions]
    folder.mkdir(parents=True, exist_ok=True)
    rows = [brute(vectors, questions), raw(folder / "raw", vectors, questions, exact)]
    return rows + ours(folder, vectors, questions, texts, exact, size >= LARGE)


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
    chroma = client.get_or_create_collection("raw", configuration={"hnsw": HNSW}, embedding_function=None)
    first = chroma.count()
    started = time.perf_counter()
    for at in range(first, len(vectors), 1000):
        ids = [str(n) for n in range(at, min(at + 1000, len(vectors)))]
        chroma.add(ids=ids, embeddings=vectors[at : at + 1000])
        if at % 10_000 == 0:
            print(f"Chroma alone: {at:,} in {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    insert = (len(vectors) - first) / (time.perf_counter() - started) if first < len(vectors) else None

    def ask(n: int) -> Sequence[int]:
        found = chroma.query(query_embeddings=[questions[n]], n_results=K, include=["distances"])
        return [int(key) for key in found["ids"][0]]

    speed = timed(ask, exact)
    client.close()
    client = chromadb.PersistentClient(str(folder), chromadb.config.Settings(anonymized_telemetry=False))
    started = time.perf_counter()
    chroma = client.get_collection("raw", embedding_function=None)
    ask(0)
    first_seconds = time.perf_counter() - started
    done = row("Chroma alone", insert, speed, first_seconds, resident() - before)
    client.close()
    return done


def ours(
    folder: Path, vectors: np.ndarray, questions: np.ndarray, texts: list[str], exact: list[set[int]], killed: bool
) -> list[dict[str, Any]]:
    """The product's index: database, Chroma, BM25; the vectors are given, so embedding is not in the times."""
    import llama_index.vector_stores.chroma  # noqa: F401 - seconds, once a process; not a matter of the index's size

    insert = len(texts) / ingested(folder, texts, killed)
    before = resident()
    started = time.perf_counter()
    store, index = opened(folder, vectors, questions)
    opening = time.perf_counter() - started

    def ask(mode: str) -> Callable[[int], Sequence[int]]:
        search = Search(K, mode)
        return lambda n: [number(p.text) for p in index.trace(f"question {n}", search).passages]

    def fused(n: int) -> Sequence[int]:
        return [number(p.text) for p in index.trace(f"question {n} {asked_words(n, texts)}", Search(K)).passages]

    ask("dense")(0)
    dense_first = time.perf_counter() - started
    fused(0)
    first = time.perf_counter() - started
    speeds = timed(ask("dense"), exact), timed(fused, None)
    memory = resident() - before
    index.close()
    store.close()
    print(f"{len(texts):,}: opened in {opening:.2f} s; {index.notices}", file=sys.stderr)
    return [
        row("RAGFT, dense", insert, speeds[0], dense_first, None),
        row("RAGFT, fused with BM25", None, speeds[1], first, memory),
    ]


def number(text: str) -> int:
    """Which of the made texts this is."""
    found = re.search(r"\bnumber(\d+)", text)
    assert found, text
    return int(found[1])


def asked_words(n: int, texts: list[str]) -> str:
    """Some of the words of a text, for BM25 to look up."""
    return texts[n][:200]


def opened(folder: Path, vectors: np.ndarray, questions: np.ndarray) -> tuple[Store, Index]:
    def embed(asked: Sequence[str]) -> Any:
        return [
            questions[int(text.split()[1])] if text.startswith("question ") else vectors[number(text)] for text in asked
        ]

    settings = Settings(home=folder, embedding="given", chunk_size=240, chunk_overlap=0)
    store = Store(folder / "ragft.sqlite")
    return store, Index(store, folder / "index", settings, str.split, embed=embed)


def ingested(folder: Path, texts: list[str], killed: bool) -> float:
    """Seconds in which another process indexes the texts; one that is killed half way is started again, and then it
    is the second one's speed."""
    docs = folder / "docs"
    docs.mkdir(exist_ok=True)
    for at in range(0, len(texts), PER_DOCUMENT):
        (docs / f"{at:07}.csv").write_text("text\n" + "\n".join(texts[at : at + PER_DOCUMENT]))
    command = [sys.executable, "-m", "benchmarks.index_scale", "--ingest", str(len(texts)), "--keep", str(folder)]
    started, done = time.perf_counter(), 0
    if killed and not (folder / "ragft.sqlite").exists():
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout
        for line in child.stdout:
            done = int(line)
            if done * PER_DOCUMENT >= len(texts) / 2:
                break
        child.kill()
        child.wait()
        print(f"killed after {time.perf_counter() - started:.0f} s, {done} documents were read", file=sys.stderr)
        started = time.perf_counter()
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    report = json.loads(ended.stdout.splitlines()[-1])
    if killed:
        print(f"resumed and ended in {time.perf_counter() - started:.0f} s: {report}", file=sys.stderr)
    with closing(Store(folder / "ragft.sqlite")) as store:
        assert store.count_chunks() == len(texts), store.count_chunks()
    assert report["ids are the database's"], report
    return report["seconds"] * len(texts) / report["came"] if report["came"] else math.nan


def ingest(size: int, folder: Path) -> None:
    """What the process that is killed does."""
    vectors, questions, _ = made(size)
    store, index = opened(folder, vectors, questions)
    report = index.add([folder / "docs"], lambda p: print(p.done, flush=True))
    there = index._dense._sound().ids()
    said = {"came": report.chunks, "seconds": round(report.seconds, 1), "notices": index.notices}
    said["ids are the database's"] = there == set(index._shelf.ids())
    index.close()
    store.close()
    print(json.dumps(said))


if __name__ == "__main__":
    main()
