"""A question goes through the steps of a search, one visible stage after another, and comes out as passages."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..searches import ASKING, MODES, Query, Search, Stage, Trace
from ..settings import Settings
from ..types import Passage
from .conditions import date_of, fresh, fulfils
from .dense import Dense
from .embedding import Embedder
from .fusion import fuse
from .keyword import Keyword
from .lookup import fields_of
from .neighbours import widened
from .order import diverse
from .queries import transformed
from .rerank import CrossEncoder, reranked
from .shelf import Shelf

if TYPE_CHECKING:
    import numpy as np

POOL = 50  # candidates that each way of searching hands to the fusion, at least
RERANKED = 20  # candidates that the reranker reads: it is the slow step
EXACT = 5000  # up to so many passages that fulfil the conditions are compared one by one

Model = Callable[[], Any]
"""Gives the language model (an engine); called only by a step that needs one."""


@dataclass(frozen=True)
class Parts:
    """What a search works with; `words` gives the keyword index as it is now."""

    shelf: Shelf
    dense: Dense
    embedder: Embedder
    words: Callable[[], Keyword]
    settings: Settings
    cross: CrossEncoder | None = None


def trace(parts: Parts, question: str, search: Search, model: Model) -> Trace:
    """Run a search through its steps. A step that cannot do its work says so in its note and changes nothing."""
    started = time.perf_counter()
    run = Run(parts, question, search, model)
    for kind in ASKING:
        if kind in search.steps:
            run.ask(kind)
    run.find()
    if "recency" in search.steps:
        run.weigh_by_date()
    if "mmr" in search.steps:
        run.spread()
    if "rerank" in search.steps:
        run.rerank()
    if "floor" in search.steps:
        run.cut_far()
    passages = run.passages()
    return Trace(
        question,
        tuple(run.queries),
        tuple(run.stages),
        tuple(passages),
        run.seen,
        run.low_evidence(passages),
        time.perf_counter() - started,
    )


class Run:
    """One search on its way: `ranked` has the candidates with their latest score, best first."""

    def __init__(self, parts: Parts, question: str, search: Search, model: Model) -> None:
        self.parts, self.search, self.model = parts, search, model
        self.pool = max(POOL, 4 * search.k)
        self.queries = [Query("question", question)]
        self.stages: list[Stage] = []
        self.ranked: dict[str, float] = {}
        self.seen: dict[str, Passage] = {}
        self._allowed = self._chosen()

    @property
    def question(self) -> str:
        return self.queries[0].text

    @cached_property
    def vector(self) -> "np.ndarray":
        return self.parts.embedder.question(self.question)

    # ---------------------------------------------------------------- finding

    def ask(self, kind: str) -> None:
        """Let the model make more queries of the question."""
        started = time.perf_counter()
        queries, note = transformed(kind, self.question, self.model)
        self.queries += queries
        self.stages.append(Stage(kind, {}, (), note, time.perf_counter() - started))

    def find(self) -> None:
        """Dense and keyword search for every query, fused by rank; the passages of all candidates are read."""
        rankings: list[list[str]] = []
        for name in MODES[self.search.mode]:
            started = time.perf_counter()
            search = self._dense if name == "dense" else self._keyword
            # a made-up answer is near in meaning; its words are made up
            found = [search(query) for query in self.queries if name == "dense" or query.kind != "hyde"]
            best: dict[str, float] = {}
            for scores in found:
                for key, score in scores.items():
                    best[key] = max(score, best.get(key, score))
            rankings += [list(scores) for scores in found]
            self._stage(name, dict(sorted(best.items(), key=lambda pair: -pair[1])), started)
        if len(rankings) > 1:
            started = time.perf_counter()
            self._stage("fused", fuse(*rankings), started)
        self.ranked = dict(self.stages[-1].scores)
        named = {key: None for stage in self.stages for key in stage.scores}
        self.seen = self.parts.shelf.passages(list(named), self.search.collection)
        self.ranked = {key: score for key, score in self.ranked.items() if key in self.seen}  # some were just forgotten

    def _dense(self, query: Query) -> dict[str, float]:
        vector = self.vector if query.kind == "question" else self.parts.embedder.texts([query.text])[0]
        if self._allowed is None:
            return self.parts.dense.nearest(vector, self.pool)
        if len(self._allowed) <= EXACT:
            near = self._cosines(list(self._allowed), vector)
            return dict(sorted(near.items(), key=lambda pair: (-pair[1], pair[0]))[: self.pool])
        asked, total = 20 * self.pool, self.parts.dense.count()
        while True:
            near = self.parts.dense.nearest(vector, min(asked, total))
            chosen = [pair for pair in near.items() if pair[0] in self._allowed]
            if len(chosen) >= self.pool or asked >= total:
                return dict(chosen[: self.pool])
            asked *= 8

    def _keyword(self, query: Query) -> dict[str, float]:
        return self.parts.words().best(query.text, self.pool, self._allowed)

    def _chosen(self) -> set[str] | None:
        """The passages of the collection that fulfil the conditions; None: all there are."""
        started, shelf = time.perf_counter(), self.parts.shelf
        there = shelf.within(self.search.collection)
        self._empty = there == set()
        if there is None and not self.search.where:
            return None
        total = f"{shelf.store.count_chunks():,}"
        if there is not None:
            note = f"{len(there):,} of {total} passages are in the collection {self.search.collection}."
            self.stages.append(Stage("collection", {}, (), note, time.perf_counter() - started))
            total = f"these {len(there):,}"
        if not self.search.where:
            return there
        started, fits = time.perf_counter(), fulfils(self.search.where)
        chosen = {key for key, of in fields_of(shelf, collection=self.search.collection) if fits(of)}
        note = f"{len(chosen):,} of {total} passages fulfil {' and '.join(self.search.where)}."
        self.stages.append(Stage("where", {}, (), note, time.perf_counter() - started))
        return chosen

    # ---------------------------------------------------------------- ordering

    def weigh_by_date(self) -> None:
        """Multiply every score by the weight of its date; without any date nothing changes."""
        started, s = time.perf_counter(), self.parts.settings
        of = dict(fields_of(self.parts.shelf, list(self.ranked)))
        dates = {key: date_of(of.get(key, {}).get(s.recency_field.casefold())) for key in self.ranked}
        if not any(dates.values()):
            note = f"No passage has a date in the field {s.recency_field}; nothing changed."
            return self._stage("recency", self.ranked, started, note)
        weights = fresh(dates, s.recency_days)
        low = min(0.0, *self.ranked.values())  # a cosine below 0 must not rise by a small weight
        weighed = {key: (score - low) * weights[key] for key, score in self.ranked.items()}
        dated = sum(date is not None for date in dates.values())
        note = f"{dated} of {len(dates)} have a date in the field {s.recency_field}; a score halves towards 1/2 "
        note += f"in {s.recency_days:g} days."
        return self._stage("recency", _falling(weighed), started, note)

    def spread(self) -> None:
        started = time.perf_counter()
        keys = list(self.ranked)
        vectors = self.parts.shelf.vectors(keys)
        self._stage("mmr", diverse(self.ranked, vectors, self.parts.settings.mmr_weight), started)

    def rerank(self) -> None:
        """Only the best candidates are read; the others are dropped."""
        started = time.perf_counter()
        best = dict(list(self.ranked.items())[: max(RERANKED, self.search.k)])
        texts = {key: self.seen[key] for key in best}
        scores, note = reranked(self.question, texts, self.parts.cross, self.model)
        if scores:
            if self.parts.settings.rerank_fused:
                note += " Their order is fused with the one before."
            order = fuse(list(best), list(scores)) if self.parts.settings.rerank_fused else scores
            self._stage("rerank", {key: scores[key] for key in order}, started, note)
        else:
            self._stage("rerank", self.ranked, started, note)

    def cut_far(self) -> None:
        """Drop what is below the floor, by cosine to the question."""
        started, floor = time.perf_counter(), self.parts.settings.evidence_floor
        near = self._cosines(list(self.ranked))
        kept = {key: score for key, score in self.ranked.items() if near.get(key, 0.0) >= floor}
        note = f"{len(self.ranked) - len(kept)} of {len(self.ranked)} have a cosine below {floor:g}."
        self._stage("floor", {key: near[key] for key in kept}, started, note)
        self.ranked = kept

    # ---------------------------------------------------------------- the end

    def passages(self) -> list[Passage]:
        """The best `k`, each with what every stage gave it, and with its neighbours if so wished."""
        best = list(self.ranked)[: self.search.k]
        given = {stage.name: dict(stage.scores) for stage in self.stages if stage.scores}
        if "dense" in given:  # what only its words found has a cosine all the same
            given["dense"] |= self._cosines([key for key in best if key not in given["dense"]])
        found = [
            replace(
                self.seen[key],
                score=self.ranked[key],
                scores={name: scores[key] for name, scores in given.items() if key in scores},
            )
            for key in best
        ]
        if "neighbours" in self.search.steps and found:
            started = time.perf_counter()
            found, note = widened(found, self.parts.shelf, self.parts.settings.neighbours)
            self.stages.append(Stage("neighbours", {}, (), note, time.perf_counter() - started))
        return found

    def low_evidence(self, passages: Sequence[Passage]) -> str:
        """A warning where even the nearest passage is far from the question; keyword search alone cannot tell."""
        floor = self.parts.settings.evidence_floor
        cosines = [passage.scores["dense"] for passage in passages if "dense" in passage.scores]
        if self._empty:
            return f"The collection {self.search.collection} has no documents yet; others have. Choose one of them."
        if not passages and "floor" in self.search.steps:
            return f"Low evidence: no passage comes near the question (cosine {floor:g} or more)."
        if not cosines or max(cosines) >= floor:
            return ""
        return (
            f"Low evidence: even the nearest passage is far from the question (cosine {max(cosines):.2f}, "
            f"below {floor:g}). The documents may not hold the answer."
        )

    def _cosines(self, keys: Sequence[str], vector: "np.ndarray | None" = None) -> dict[str, float]:
        if not keys:
            return {}
        asked = self.vector if vector is None else vector
        return {key: float(asked @ other) for key, other in self.parts.shelf.vectors(keys).items()}

    def _stage(self, name: str, scores: Mapping[str, float], started: float, note: str = "") -> None:
        """Write down a stage; once candidates are there, it is their new order."""
        dropped = tuple(key for key in self.ranked if key not in scores)
        self.stages.append(Stage(name, dict(scores), dropped, note, time.perf_counter() - started))
        if self.ranked:
            self.ranked = dict(scores)


def _falling(scores: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(scores.items(), key=lambda pair: -pair[1]))  # equal ones stay in their order
