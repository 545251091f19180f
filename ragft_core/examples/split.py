"""Rows become training, validation and test rows: seeded, and such that no copy of a row stands on both sides."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from .rows import Example, plain
from .similar import NEAR, alike, near_pairs, shingles

ENOUGH = 6  # wordings of a fact, from which more are not advised
FEWEST_HELD = 4  # validation rows below which a loss says nothing


@dataclass(frozen=True)
class Split:
    """Frozen parts of a set of rows; `how` is a sentence for people."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    how: str

    def counts(self) -> dict[str, int]:
        return {name: len(getattr(self, name)) for name in ("train", "validation", "test")}


def split(rows: Sequence[Example], *, by: str = "auto", share: float = 0.1, seed: int = 0) -> Split:
    """Hold out about `share` of the rows for validation and, by groups, as much again for the test.

    `by="groups"` holds out whole groups (rows of one `group`, and near copies of each other): new questions.
    `by="forms"` holds out single rows of groups that stay in training: known facts asked in other words, which is
    what a file of facts with several questions each is to teach; holding out facts would measure what cannot
    be known. "auto" takes forms when half of the groups have three rows or more. Rows for rehearsal are all trained on.
    """
    rehearsed = tuple(row for row in rows if row.rehearsal)
    if rehearsed:  # of other things: they are there to be trained on, not to be measured
        others = [row for row in rows if not row.rehearsal]
        parts = split(others, by=by, share=share, seed=seed) if others else Split((), (), (), "No row is held out.")
        return replace(parts, train=parts.train + rehearsed)
    groups = grouped(rows)
    if by == "auto":
        by = "forms" if median(map(len, groups)) >= 3 else "groups"
    rng = random.Random(seed)
    rng.shuffle(groups)
    return _by_forms(groups, share, rng) if by == "forms" else _by_groups(groups, share)


def grouped(rows: Sequence[Example]) -> list[list[Example]]:
    """The rows by group, in file order; rows with one question or nearly the same words are one group."""
    parent = list(range(len(rows)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = n = parent[parent[n]]
        return n

    firsts: dict[tuple[str, str], int] = {}
    for n, row in enumerate(rows):
        for key in (("group", row.group),) * bool(row.group) + (("question", plain(row.question)),):
            parent[root(n)] = root(firsts.setdefault(key, n))
    for i, j in near_pairs([f"{row.question} {row.answer}" for row in rows], NEAR):
        if alike(shingles(rows[i].question), shingles(rows[j].question)) >= NEAR:
            parent[root(j)] = root(i)
    found: dict[int, list[Example]] = defaultdict(list)
    for n, row in enumerate(rows):
        found[root(n)].append(row)
    return list(found.values())


def _by_groups(groups: list[list[Example]], share: float) -> Split:
    wanted = sum(map(len, groups)) * share
    parts: list[list[Example]] = [[], [], []]  # validation, test, training
    for group in groups:
        rest = sum(map(len, parts))
        part = next((p for p in (0, 1) if len(parts[p]) < wanted and len(group) <= max(4, 2 * wanted)), 2)
        parts[part if rest + len(group) > 1 else 2] += group
    validation, test, train = parts
    if len(validation) < FEWEST_HELD or not train:
        return Split(tuple(row for group in groups for row in group), (), (), "There are too few rows to hold any out.")
    how = f"{len(validation)} rows for validation and {len(test)} for the test, in whole groups: questions kept unseen."
    return Split(tuple(train), tuple(validation), tuple(test), how)


def _by_forms(groups: list[list[Example]], share: float, rng: random.Random) -> Split:
    rows = [row for group in groups for row in group]
    copies = _copied_questions(groups)
    forms = [[row for row in group if id(row) not in copies] for group in groups if len(group) >= 3]
    fit = [group for group in forms if group]
    wanted = max(FEWEST_HELD, round(len(rows) * share))
    held = {id(rng.choice(group)) for group in fit[:wanted]}
    train = tuple(row for row in rows if id(row) not in held)
    validation = tuple(row for row in rows if id(row) in held)
    if not validation:
        return Split(train, (), (), "Every question stands twice, so none can be held out.")
    how = f"{len(validation)} rows for validation: one question form each of {len(validation)} facts that are trained."
    return Split(train, validation, (), f"{how} {_asked(len(rows) / len(groups))}")


def _asked(wordings: float) -> str:
    told = f"A fact is asked in {wordings:.1f} wordings on average"
    if wordings >= ENOUGH:
        return f"{told}."
    return f"{told}. Ask in more: answers hang less on the wording, and as they take turns, it takes little longer."


def _copied_questions(groups: list[list[Example]]) -> set[int]:
    """The rows (by `id()`) whose question nearly stands again in their group: held out, they would be leaked."""
    rows = [(n, row) for n, group in enumerate(groups) for row in group]
    copied: set[int] = set()
    for i, j in near_pairs([row.question for _, row in rows], NEAR):
        if rows[i][0] == rows[j][0]:
            copied |= {id(rows[i][1]), id(rows[j][1])}
    return copied
