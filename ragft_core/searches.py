"""The nouns of retrieval: how passages are searched for, and what every step of it did. Plain frozen data."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .types import DEFAULT_COLLECTION, Passage

STEPS: dict[str, str] = {
    "sub-queries": "The model splits the question into simpler ones; each is searched for.",
    "hyde": "The model writes a made-up answer; passages near to it are found too (HyDE).",
    "step-back": "The model asks a more general question, which is searched for too.",
    "recency": "Newer passages go up, by the date field of the settings.",
    "mmr": "Passages that repeat better ones go down (maximal marginal relevance).",
    "rerank": "The best 20 are ordered again: how likely is the question, given the passage?",
    "floor": "Passages that are too far from the question are left out.",
    "neighbours": "Every passage gets the text before and after it.",
}
"""The steps that can be switched on besides the search mode, in the order in which they run, and what each does."""
ASKING = ("sub-queries", "hyde", "step-back")
"""Those that the language model writes for; `rerank` needs it too, unless a cross-encoder is set."""
MODES = {"hybrid": ("dense", "keyword"), "dense": ("dense",), "keyword": ("keyword",)}
CONDITION = re.compile(r"\s*([\w .-]+?)\s*(!=|>=|<=|=)\s*(.*?)\s*", re.DOTALL)


@dataclass(frozen=True)
class Search:
    """How passages are searched for: the mode, the optional steps among STEPS, conditions such as `source=a/*`, and the
    collection that is looked in."""

    k: int = 3
    mode: str = "hybrid"
    steps: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    collection: str = DEFAULT_COLLECTION

    def describe(self) -> dict[str, Any]:
        """For a comparison's setup."""
        steps = {"top_k": self.k, "search_mode": self.mode, "steps": list(self.steps), "where": list(self.where)}
        return steps | {"collection": self.collection}


@dataclass(frozen=True)
class Query:
    """A text that is searched for: the question itself (`kind` is "question") or what a step made of it."""

    kind: str
    text: str


@dataclass(frozen=True)
class Stage:
    """What one step did: its score of every passage it kept, best first, the ids it dropped, and a plain sentence."""

    name: str
    scores: Mapping[str, float] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    note: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Trace:
    """A search and all its steps. `seen` has every passage that a stage names; `low_evidence` is a warning or empty."""

    question: str
    queries: tuple[Query, ...] = ()
    stages: tuple[Stage, ...] = ()
    passages: tuple[Passage, ...] = ()
    seen: Mapping[str, Passage] = field(default_factory=dict)
    low_evidence: str = ""
    seconds: float = 0.0


def trace_json(trace: Trace) -> dict[str, Any]:
    """Plain JSON-ready data; of the passages that were dropped only what names them."""
    data = asdict(trace)
    data["seen"] = {
        key: {"source": passage.source, "title": passage.title, "text": passage.text[:160]}
        for key, passage in trace.seen.items()
    }
    return data


def trace_from_json(data: Mapping[str, Any]) -> Trace:
    """The inverse of `trace_json`."""
    return Trace(
        question=data["question"],
        queries=tuple(Query(**row) for row in data["queries"]),
        stages=tuple(Stage(**row | {"dropped": tuple(row["dropped"])}) for row in data["stages"]),
        passages=tuple(Passage(**row) for row in data["passages"]),
        seen={key: Passage(key, row["text"], row["source"], 0.0, row["title"]) for key, row in data["seen"].items()},
        low_evidence=data["low_evidence"],
        seconds=data["seconds"],
    )


def trace_lines(trace: Trace, most: int = 5) -> list[str]:
    """A trace for people who read a terminal: queries, then each step with its best `most` and what it dropped."""
    lines = [f"{query.kind:>12}: {query.text}" for query in trace.queries]
    for stage in trace.stages:
        lines.append(
            f"{stage.name:>12}: {len(stage.scores)} passages, {1000 * stage.seconds:.0f} ms. {stage.note}".rstrip()
        )
        for n, (key, score) in enumerate(list(stage.scores.items())[:most], 1):
            lines.append(f"{'':14}{n}. {score:8.4f}  {named(trace, key)}")
        if stage.dropped:
            names = "; ".join(named(trace, key) for key in stage.dropped[:most])
            more = f" and {len(stage.dropped) - most} more" if len(stage.dropped) > most else ""
            lines.append(f"{'':14}dropped: {names}{more}")
    return [*lines, ""]


def named(trace: Trace, key: str) -> str:
    """How a stage's passage is called: its source, heading and first words."""
    passage = trace.seen.get(key)
    if passage is None:
        return key
    words = " ".join(passage.text.split())
    return f"{passage.source} | {passage.title} | {words[:60]}"
