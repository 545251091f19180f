"""Items and a rater become a queue of blind ballots: balanced orders, shared items, nothing that names an arm."""

import hashlib
import itertools
import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..types import ARMS
from .nouns import LETTERS, Ballot, Evidence, Item, Rating, Study, Vote

MARK = re.compile(r"[ \t]*\[\d{1,4}(?:[ \t]*[,;–-][ \t]*\d{1,4})*\]")


@dataclass(frozen=True)
class Turn:
    """One place of a rater's queue: which item, shown how often before, in which order of arms."""

    item: str
    showing: int
    order: tuple[str, ...]
    order_seed: int


def seed_of(*parts: object) -> int:
    """A number below 2**63 that depends on every part and on nothing else (not on the process or the platform)."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big") >> 1


def orders(arms: Sequence[str]) -> list[list[tuple[str, ...]]]:
    """All k! orders of k arms as Latin squares: in each square every arm stands once at every position."""
    first, *rest = arms
    squares = []
    for others in itertools.permutations(rest):
        line = (first, *others)
        squares.append([line[n:] + line[:n] for n in range(len(line))])
    return squares


def queue(study: Study, items: Sequence[Item], rater: str, slot: int) -> list[Turn]:
    """What this rater judges, in which sequence, with which order of arms; the same at every call.

    Sequence and orders follow from `seed_of(study, rater, item, showing)`. Each run of k! turns uses every order of
    the k arms once, each run of k turns puts every arm once at every position (a random Latin square).
    """
    shared = shared_items(study, items)
    rest = [item for item in items if item.id not in shared]
    split = slot % study.raters
    mine = [item for item in items if item.id in shared] + rest[split :: study.raters]
    mine.sort(key=lambda item: seed_of("sequence", study.id, rater, item.id))
    shown = [(item, 0) for item in mine]
    again = [item for item in mine[: len(mine) // 2 or 1] if not item.gold][: round(study.repeats * len(mine))]
    shown += [(item, 1) for item in again]

    turns: list[Turn] = []
    stacks: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for item, showing in shown:
        seed = seed_of(study.id, rater, item.id, showing)
        stack = stacks.setdefault(item.arms, [])
        if not stack:
            stack.extend(shuffled(item.arms, seed))
        turns.append(Turn(item.id, showing, stack.pop(), seed))
    return turns


def shuffled(arms: Sequence[str], seed: int) -> list[tuple[str, ...]]:
    """Every order once: the squares in random sequence, and the lines of each in random sequence."""
    chance = random.Random(seed)
    arms = chance.sample(sorted(arms), len(arms))
    squares = orders(arms)
    chance.shuffle(squares)
    return [line for square in squares for line in chance.sample(square, len(square))]


def shared_items(study: Study, items: Sequence[Item]) -> set[str]:
    """The ids of the items that every rater judges: every gold item, and a random share of the others."""
    if study.raters == 1:
        return {item.id for item in items}
    plain = sorted((item.id for item in items if not item.gold), key=lambda id: seed_of("shared", study.id, id))
    return {item.id for item in items if item.gold} | set(plain[: math.ceil(len(plain) * study.overlap)])


def ballot(study: Study, item: Item, turn: Turn, place: int, total: int, rating: Rating | None) -> Ballot:
    """The view of one turn, with the rater's own earlier vote if there is one."""
    texts = {answer.arm: answer.text for answer in item.comparison.answers}
    if not study.show_citations:
        texts = {arm: without_marks(text) for arm, text in texts.items()}
    return Ballot(
        place=place,
        total=total,
        question=item.comparison.question,
        reference=(item.comparison.reference or "") if study.show_reference else "",
        evidence=evidence(item) if study.show_evidence else (),
        answers=tuple(texts[arm] for arm in turn.order),
        criteria=study.criteria,
        instructions=study.instructions,
        ask_guess=study.ask_guess,
        vote=by_letter(rating) if rating is not None and rating.counts else None,
    )


def evidence(item: Item) -> tuple[Evidence, ...]:
    """Every passage that any arm read, once, whoever read it."""
    passages = {p.text: p for answer in item.comparison.answers for p in answer.passages}
    return tuple(Evidence(p.title or p.source, p.text) for p in passages.values())


def without_marks(text: str) -> str:
    """The text without citation marks such as [1] or [2, 3]: only arms that read passages can write them."""
    return MARK.sub("", text)


def by_letter(rating: Rating) -> Vote:
    """A kept rating as the vote it was, arms turned back into letters."""
    letter = {arm: LETTERS[n] for n, arm in enumerate(rating.order)}
    return Vote(
        choice=rating.choice,
        scores={letter[arm]: dict(scores) for arm, scores in rating.scores.items() if arm in letter},
        confidence=rating.confidence,
        guess=letter.get(rating.guess, ""),
        flags=tuple(flag for flag in rating.flags if flag in ("told", "flagged")),
        note=rating.note,
        seconds=rating.seconds,
    )


def telling_words(study: Study, items: Sequence[Item]) -> list[tuple[str, str]]:
    """(where, word) for every arm, model or adapter name that stands in what raters will read, to warn the owner.

    Nothing is taken out: a text that names its author cannot be made blind without changing it.
    """
    labels = {arm.key: arm.label for arm in ARMS}
    found = []
    for item in items:
        setup = item.comparison.setup
        names = [*item.arms, *(labels.get(arm, "") for arm in item.arms)]
        names += [str(setup.get(key) or "") for key in ("base_model", "adapter")]
        pattern = re.compile(
            r"(?<!\w)(" + "|".join(re.escape(name) for name in sorted(set(filter(None, names)))) + r")(?!\w)", re.I
        )
        texts = [(f"answer to item {item.id}", answer.text) for answer in item.comparison.answers]
        texts.append(("the instructions", study.instructions))
        found += [(where, hit.group(0)) for where, text in texts for hit in pattern.finditer(text)]
    return list(dict.fromkeys(found))
