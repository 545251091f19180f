"""Rows gain what RAFT shows them: hard negatives, golden passages where none were given, values to swap, subjects."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ..documents.sentences import sentences
from ..prompts import passage_line
from .rows import WORD, Example
from .similar import alike, shingles
from .subjects import with_subjects

Search = Callable[[str, int], Sequence[Any]]
NEGATIVES = 8  # frozen per row; each lesson draws a few of them
POOL = 400  # contexts of other rows among which the hardest are looked for
LONGEST_VALUE = 6  # words
DAYS = "Mondays Tuesdays Wednesdays Thursdays Fridays Saturdays Sundays".split()
LISTS = (DAYS, [day[:-1] for day in DAYS])


def with_passages(rows: Sequence[Example], search: Search | None = None, seed: int = 0) -> list[Example]:
    """The rows with negatives from the user's index (or other rows' contexts), golden passages and values.

    `search(question, k)` is asked once per group, before a run starts: its worker never opens the index.
    """
    pool = list(dict.fromkeys(text for row in rows for text in row.context))
    rng = random.Random(seed)
    rng.shuffle(pool)
    words = {text: _words([text]) for text in pool[:POOL]}
    found: dict[str, list[str]] = {}
    made = []
    for row in rows:
        key = row.group or row.question
        if search is not None and key not in found:
            found[key] = [passage_line(passage) for passage in search(row.question, NEGATIVES)]
        hits = found.get(key, [])
        golden = row.context or golden_of(row, hits)
        made.append(replace(row, context=golden, negatives=_negatives(row, golden, hits, words, rng)))
    return with_subjects(with_values(made))


def golden_of(row: Example, hits: Sequence[str]) -> tuple[str, ...]:
    """The retrieved passage that holds most of what one sentence of the answer says beyond the question."""
    asked, best, most = _words([row.question]), "", 0.0
    for sentence in sentences(row.answer):
        wanted = _words([sentence]) - asked
        for text in hits if len(wanted) > 1 else ():
            share = len(wanted & _words([text])) / len(wanted)
            if share > most:
                best, most = text, share
    return (best,) if most >= 0.6 else ()


def _negatives(
    row: Example, golden: Sequence[str], hits: Sequence[str], pool: dict[str, set[str]], rng: random.Random
) -> tuple[str, ...]:
    """Passages that look right and are not: what the index finds, then the likest contexts, then any two."""
    if not golden:
        return ()
    wanted = _words([row.question, *golden])
    likest = sorted(pool, key=lambda text: len(wanted & pool[text]) / (len(pool[text]) + 8), reverse=True)
    others = rng.sample(list(pool), min(2, len(pool)))
    chosen: list[str] = []
    for text in [*hits, *likest[: NEGATIVES + 4]]:
        if len(chosen) < NEGATIVES - 2 and text not in chosen and not _version(text, row, golden):
            chosen.append(text)
    chosen += [text for text in others if text not in chosen and not _version(text, row, golden)]
    return tuple(chosen)


def _version(text: str, row: Example, golden: Sequence[str]) -> bool:
    """Whether a passage is the golden one or a version of it (a changed page), which must not stand beside it.

    The same page about another subject is no version but the best of negatives: it lacks a word of the question.
    """
    marks = shingles(text)
    for passage in golden:
        likeness = alike(marks, shingles(passage))
        if likeness >= 0.9 or (likeness >= 0.3 and _words([row.question]) & _words([passage]) <= _words([text])):
            return True
    return False


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in WORD.findall(text.casefold()) if len(word) > 2 or word.isdigit()}


# ---------------------------------------------------------------- counterfactual values


def with_values(rows: Sequence[Example]) -> list[Example]:
    """Each row with the words of its answer that another row of the same make says otherwise, and those others.

    Rows are of one make when their answers agree but for the words of the question and one short span that
    stands in the context too: "Dr. Holt sees patients in room 14A" and "Dr. Quill ... in room 44A".
    """
    makes: dict[tuple[str, ...], set[str]] = defaultdict(set)
    counts = Counter(token for row in rows for token in set(row.answer.split()))
    style = {token for token, count in counts.items() if count * 2 > len(rows)}  # stands in most answers
    spans = [list(_spans(row, style)) if row.context and not row.value else [] for row in rows]
    for found in spans:
        for make, value in found:
            makes[make].add(value)
    made = []
    for row, found in zip(rows, spans, strict=True):
        best = max(found, key=lambda item: (min(len(makes[item[0]]), 8), -len(item[1])), default=None)
        others = sorted(other for other in makes[best[0]] if best[1] != other) if best else []
        if best and others:
            drawn = _drawn(best[1], row.id) if any(c.isdigit() for c in best[1]) else set()
            row = replace(row, value=best[1], others=tuple(sorted({*others[:12], *drawn})))
        elif not row.value and row.context:
            row = _other_figures(row)
        made.append(row)
    return made


def _spans(row: Example, style: set[str]) -> Iterable[tuple[tuple[str, ...], str]]:
    """(make, span) of the answer's short spans that stand in the context and not in the question.

    A make has at least one word of its own around the span, and spans with and without digits are two makes.
    """
    question = set(WORD.findall(row.question.casefold()))
    context = " ".join(row.context)
    tokens = row.answer.split()
    bare = [token.strip(".,;:!?\"'()[]") for token in tokens]
    known = [all(word in question for word in WORD.findall(token.casefold())) for token in bare]
    for start in range(len(tokens)):
        for end in range(start + 1, min(len(tokens), start + LONGEST_VALUE) + 1):
            value = " ".join(tokens[start:end]).strip(".,;:!?\"'()[]")
            if any(known[start:end]) or not value or value not in context:
                break
            frame = [("_" if known[n] else tokens[n]) for n in range(start)] + ["*"]
            frame += ["_" if known[n] else tokens[n] for n in range(end, len(tokens))]
            figures = any(letter.isdigit() for letter in value)
            telling = figures or any(len(word) > 3 for word in value.split())
            if telling and set(frame) - style - {"_", "*"}:
                kind = "figures" if figures else "words"
                yield (kind, *(w for n, w in enumerate(frame) if w != "_" or frame[n - 1 : n] != ["_"])), value


def _other_figures(row: Example) -> Example:
    """The row with a number or a weekday of its answer as value, and others like it."""
    context = " ".join(row.context)
    for token in (token.strip(".,;:!?\"'()[]") for token in row.answer.split()):
        if token not in context or token in row.question:
            continue
        names = next((names for names in LISTS if token in names), None)
        if names:
            return replace(row, value=token, others=tuple(name for name in names if name != token))
        if any(letter.isdigit() for letter in token):
            return replace(row, value=token, others=tuple(sorted(_drawn(token, row.id))))
    return row


def _drawn(token: str, seed: str) -> set[str]:
    """Up to eight others with digits drawn anew."""
    rng = random.Random(f"{seed}/{token}")
    return {_figures(token, rng) for _ in range(8)} - {token}


def _figures(token: str, rng: random.Random) -> str:
    """The token with its digits drawn anew, the first one not zero."""
    return "".join(str(rng.randint(1 if n == 0 else 0, 9)) if c.isdigit() else c for n, c in enumerate(token))
