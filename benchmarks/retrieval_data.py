"""Public question sets become files to index and spans to find; vectors, which take minutes, are kept between runs."""

import gzip
import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class Question:
    """What is asked, and what should be found: documents with their grades, or spans of one document."""

    text: str
    relevant: dict[str, float]
    spans: Spans | None = None


@dataclass(frozen=True)
class Task:
    """Documents by name, and questions to them. `whole`: a document is one passage, as in the published figures."""

    name: str
    texts: dict[str, str]
    questions: list[Question]
    whole: bool

    def only(self, names: Sequence[str]) -> "Task":
        """The same with some of the documents, and the questions to them."""
        asked = [question for question in self.questions if set(question.relevant) & set(names)]
        return replace(self, texts={name: self.texts[name] for name in names}, questions=asked)


def read(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def cranfield(data: Path) -> Task:
    """1,400 abstracts, two of them empty, 225 queries; a grade of 1 or more is relevant."""
    texts = {row["id"]: row["text"] for row in read(data / "cranfield_docs.jsonl.gz") if row["text"].strip()}
    grades: dict[str, dict[str, float]] = {}
    for row in read(data / "cranfield_qrels.jsonl.gz"):
        if int(row["grade"]) >= 1:
            grades.setdefault(row["qid"], {})[row["doc_id"]] = 1.0
    queries = read(data / "cranfield_queries.jsonl.gz")
    return Task("cranfield", texts, [Question(q["text"], grades.get(q["qid"], {})) for q in queries], whole=True)


def squad(data: Path) -> Task:
    """623 questions of SQuAD's dev set; the paragraph of each is to be found among all of them."""
    rows = read(data / "squad_dev_half.jsonl.gz")
    names = {text: f"p{n}" for n, text in enumerate(dict.fromkeys(row["context"] for row in rows))}
    questions = [Question(row["question"], {names[row["context"]]: 1.0}) for row in rows]
    return Task("squad_dev_half", {name: text for text, name in names.items()}, questions, whole=True)


def chunkeval(data: Path) -> Task:
    """Five corpora in one index, 472 questions with the spans that answer them."""
    rows = read(data / "chunkeval_corpora.jsonl.gz")
    texts = {row["corpus_id"]: row["text"] for row in rows}
    questions = []
    for row in read(data / "chunkeval_questions.jsonl.gz"):
        spans = [(ref["start_index"], ref["end_index"]) for ref in row["references"]]
        questions.append(Question(row["question"], {row["corpus_id"]: 1.0}, spans))
    return Task("chunkeval", texts, questions, whole=False)


TASKS: dict[str, Callable[[Path], Task]] = {"cranfield": cranfield, "squad_dev_half": squad, "chunkeval": chunkeval}


class Kept:
    """An embedding function that remembers every text's vector in a file; `count` texts were not yet in it."""

    def __init__(self, file: Path, name: str, embed: Callable[[Sequence[str]], np.ndarray]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(file, check_same_thread=False)
        self._db.execute("CREATE TABLE IF NOT EXISTS vectors (text TEXT PRIMARY KEY, vector BLOB)")
        self._name, self._embed, self.count = name, embed, 0

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        keys = [hashlib.sha256(f"{self._name}\n{text}".encode("utf-8", "replace")).hexdigest() for text in texts]
        marks = ",".join("?" * len(keys))
        known = dict(self._db.execute(f"SELECT text, vector FROM vectors WHERE text IN ({marks})", keys))
        new = [n for n, key in enumerate(keys) if key not in known]
        self.count += len(new)
        if new:
            rows = np.asarray(self._embed([texts[n] for n in new]), "<f4")
            known |= {keys[n]: row.tobytes() for n, row in zip(new, rows, strict=True)}
            with self._db:
                self._db.executemany(
                    "INSERT OR REPLACE INTO vectors VALUES (?, ?)", [(keys[n], known[keys[n]]) for n in new]
                )
        return np.stack([np.frombuffer(known[key], "<f4") for key in keys])


def found_spans(passages: Sequence[tuple[str, str]], document: str, text: str) -> Spans:
    """Where the (document, text) of found passages lie in this document; another document's are at the far end,
    where they cost precision and find nothing."""
    spans, far = [], len(text) + 1
    for source, passage in passages:
        start = text.find(passage) if source == document else -1
        if start < 0:
            start, far = far, far + len(passage)
        spans.append((start, start + len(passage)))
    return spans


def overlap(found: Spans, wanted: Spans) -> tuple[float, float, float]:
    """Recall, precision and IoU of characters, as in brandonstarxel/chunking_evaluation: what two found passages
    share counts twice as found."""
    hit = sum(length(union([(max(a, c), min(b, d)) for c, d in found])) for a, b in union(wanted))
    asked, read_ = length(union(wanted)), length(found)
    return hit / asked, hit / read_ if read_ else 0.0, hit / (read_ + asked - hit)


def union(spans: Spans) -> Spans:
    """The same characters as spans that do not touch."""
    merged: Spans = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def length(spans: Spans) -> int:
    return sum(end - start for start, end in spans if start < end)
