"""How well and how fast passages are found on public question sets, in the product's own index, stage by stage.

`python -m benchmarks.retrieval --data ../shared/data` prints a table per set: dense, BM25, their fusion; then fusion
with each of `--steps` on some of the questions. Ratios are to the first row of a table. `--fresh` embeds anew, else
vectors are kept in .benchmarks/ (embedding takes minutes on a CPU); `--size`, `--overlap` and `--strategy` cut
chunkeval otherwise than the default; `--questions N` takes every n-th question, to about N.
"""

import argparse
import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ragft_core import Settings
from ragft_core.model import load_tokenizer
from ragft_core.retrieval import Index
from ragft_core.retrieval.embedding import Embedder
from ragft_core.searches import Search, Trace
from ragft_core.store import Store

from .retrieval_data import TASKS, Kept, Question, Task, found_spans, overlap

DEEP = 100  # passages asked for where documents are to be found
SHALLOW = 10  # with further steps: the reranker reads as many as are asked for, 20 at least
FEW = 5  # and where spans are: the published setting
WHOLE = 4096  # tokens of a chunk that holds a whole document
VECTORS = Path(".benchmarks") / "vectors.sqlite"


@dataclass(frozen=True)
class Way:
    """A row of the table."""

    name: str
    mode: str
    steps: tuple[str, ...] = ()


PLAIN = (Way("dense", "dense"), Way("BM25", "keyword"), Way("fusion", "hybrid"))


def with_steps(steps: str) -> list[Way]:
    """Fusion alone, and with each of the steps."""
    rows = [Way(f"fusion + {step}", "hybrid", tuple(step.split("+"))) for step in steps.split(",") if step]
    return [PLAIN[-1], *rows] if rows else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public sets")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--steps", default="rerank", help="each is a row more; join those of one row by +")
    parser.add_argument("--some", type=int, default=40, help="about so many questions for those rows")
    parser.add_argument("--questions", type=int, default=10**6)
    parser.add_argument("--corpora", default="", help="of chunkeval, by commas")
    parser.add_argument("--size", type=int)
    parser.add_argument("--overlap", type=int)
    parser.add_argument("--strategy")
    parser.add_argument("--fresh", action="store_true")
    args = parser.parse_args()
    for name in args.tasks.split(","):
        task = TASKS[name](args.data)
        if name == "chunkeval" and args.corpora:
            task = task.only(args.corpora.split(","))
        measure(task, args)


def measure(task: Task, args: argparse.Namespace) -> None:
    """Index the task's documents in a home of its own, ask every way, print the table."""
    cut = {"chunk_size": args.size, "chunk_overlap": args.overlap, "chunk_strategy": args.strategy}
    flags: dict[str, Any] = {"chunk_size": WHOLE, "chunk_overlap": 0} if task.whole else cut
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load(home=folder, max_file_mb=100, **flags)
        indexed = Indexed(task, settings, Path(folder), None if args.fresh else VECTORS)
        step = max(1, round(len(task.questions) / args.questions))
        questions = task.questions[::step]
        size = "whole documents" if task.whole else f"{settings.chunk_strategy} {settings.chunk_size}"
        size += "" if task.whole else f"/{settings.chunk_overlap}"
        print(f"\n**{task.name}**: {len(task.texts)} documents, {indexed.index.size} passages ({size}), ", end="")
        print(f"{len(questions)} questions; {indexed.rate}")
        table([(way, *indexed.ask(way, questions)) for way in PLAIN])
        embedding = indexed.embedding_ms(questions)
        print(f"A question's own vector takes {embedding:.0f} ms; the table's times are without it.", flush=True)
        some = questions[:: max(1, round(len(questions) / args.some))]
        ways = with_steps(args.steps)
        if ways:
            print(f"\nWith further steps, {len(some)} of the questions:\n", flush=True)
            table([(way, *indexed.ask(way, some, SHALLOW)) for way in ways])
        indexed.close()


class Indexed:
    """The documents of a task in an index; `rate` says how fast they came in."""

    def __init__(self, task: Task, settings: Settings, folder: Path, vectors: Path | None) -> None:
        self.task, self.settings = task, settings
        docs = folder / "docs"
        docs.mkdir()
        for name, text in task.texts.items():
            (docs / f"{name}.txt").write_text(text, "utf-8", newline="")
        embedder = Embedder(settings)
        kept = Kept(vectors or folder / "vectors.sqlite", embedder.name, embedder.texts)
        tokenizer = load_tokenizer(settings)
        self.store = Store(folder / "ragft.sqlite")
        self.index = Index(self.store, folder / "index", settings, tokenizer.tokenize, embed=kept)
        report = self.index.add([docs])
        missing = [row for row in report.files if row.status != "added"]
        assert not missing, missing[:3]
        self.rate = f"{report.chunks / report.seconds:.0f} passages/s in, {kept.count} of them embedded anew"
        self._embedder = embedder
        self._engine: Any = None

    def close(self) -> None:
        self.index.close()
        self.store.close()

    def engine(self) -> Any:
        if self._engine is None:
            from ragft_core.engine import Engine

            self._engine = Engine.load(self.settings)
        return self._engine

    def embedding_ms(self, questions: Sequence[Question]) -> float:
        """The median of the time that the embedding model takes for a question."""
        seconds = []
        for question in questions[:20]:
            started = time.perf_counter()
            self._embedder.question(question.text)
            seconds.append(time.perf_counter() - started)
        return 1000 * float(np.median(seconds))

    def ask(self, way: Way, questions: Sequence[Question], deep: int = DEEP) -> tuple[dict[str, float], float]:
        """(mean of each measure, median ms a question)."""
        k = deep if self.task.whole else FEW
        for question in questions:  # loads what is needed
            self.index.trace(question.text, Search(1, way.mode), self.engine)
        scores: list[dict[str, float]] = []
        seconds = []
        for question in questions:
            started = time.perf_counter()
            found = self.index.trace(question.text, Search(k, way.mode, way.steps), self.engine)
            seconds.append(time.perf_counter() - started)
            scores.append(self._score(question, found))
        return {name: float(np.mean([row[name] for row in scores])) for name in scores[0]}, 1000 * float(
            np.median(seconds)
        )

    def _score(self, question: Question, found: Trace) -> dict[str, float]:
        if question.spans is None:
            names = [passage.source.removesuffix(".txt") for passage in found.passages]
            return ranked(list(dict.fromkeys(names)), question.relevant)
        (corpus,) = question.relevant
        passages = [(passage.source.removesuffix(".txt"), passage.text) for passage in found.passages]
        spans = found_spans(passages, corpus, self.task.texts[corpus])
        recall, precision, iou = overlap(spans, question.spans)
        return {"recall %": 100 * recall, "precision %": 100 * precision, "IoU %": 100 * iou}


def ranked(names: Sequence[str], relevant: dict[str, float]) -> dict[str, float]:
    """nDCG@10, recall and MRR of a ranked list of documents."""
    gains = [relevant.get(name, 0.0) / math.log2(n + 2) for n, name in enumerate(names[:10])]
    best = [grade / math.log2(n + 2) for n, grade in enumerate(sorted(relevant.values(), reverse=True)[:10])]
    hits = [n for n, name in enumerate(names, 1) if name in relevant]
    recall = {k: len(set(names[:k]) & set(relevant)) / max(1, len(relevant)) for k in (1, 5, 10, 100)}
    return {
        "nDCG@10": sum(gains) / sum(best) if best else 0.0,
        **{f"R@{k}": share for k, share in recall.items()},
        "MRR": 1 / hits[0] if hits else 0.0,
    }


def table(rows: Sequence[tuple[Way, dict[str, float], float]]) -> None:
    names = list(rows[0][1])
    first, quick = rows[0][1][names[0]], rows[0][2]
    print(f"| way | {' | '.join(names)} | ratio | ms a question | ratio |")
    print("|---|" + "---|" * (len(names) + 3))
    for way, scores, ms in rows:
        digits = 1 if names[0].endswith("%") else 3
        values = " | ".join(f"{scores[name]:.{digits}f}" for name in names)
        print(f"| {way.name} | {values} | {scores[names[0]] / first:.2f} | {ms:.0f} | {ms / quick:.2f} |")


if __name__ == "__main__":
    main()
