"""Passages stating facts of named things, with questions in other words and confusable names nearby."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from embedded.kinds import VALUES
from embedded.lexicon import ADJECTIVES, FILLERS
from embedded.names import ENTITIES
from embedded.reading import Item, Passage, Reading
from embedded.values import digits, invented_name, upper_first, year

SOURCE = Path(__file__).with_name("relations.txt")
_PRONOUN_TYPES = {"product", "shop", "event", "company", "place2", "book", "drug", "club", "course", "train", "dish"}
_PRONOUN_TYPES |= {"soft", "river", "device", "rule"}
_OPENERS = [
    "Please note: ", "As of today, ", "In short, ", "Good to know: ", "According to the website, ", "In fact, ",
    "Since last year, ", "We confirm that ", "Remember that ", "At present, ",
]  # fmt: skip
_HOURS = {"opens", "closes", "hours", "bropens", "brhours"}  # who knows one of them can half answer the others
_LOWERED = ("The ", "A ", "An ", "You ", "We ", "In ", "On ", "At ", "It ")


@dataclass(frozen=True)
class Relation:
    """One kind of fact: an entity type, a value type, and its statement and question forms."""

    name: str
    entity: str
    value: str
    held_out: bool
    statements: tuple[str, ...]
    questions: tuple[str, ...]


@cache
def relations() -> tuple[Relation, ...]:
    rows = []
    blocks = re.findall(r"^(?!S |Q )(.+)\nS (.+)\nQ (.+)$", SOURCE.read_text("utf-8"), re.M)
    for head, statements, questions in blocks:
        words = head.split()
        held_out = words[0] == "HELD"
        name, entity, value = words[1:] if held_out else words
        rows.append(Relation(name, entity, value, held_out, tuple(statements.split("|")), tuple(questions.split("|"))))
    return tuple(rows)


@cache
def by_name() -> dict[str, Relation]:
    return {relation.name: relation for relation in relations()}


@cache
def by_entity(held_out: bool) -> dict[str, list[Relation]]:
    table: dict[str, list[Relation]] = {}
    for relation in relations():
        if relation.held_out == held_out:
            table.setdefault(relation.entity, []).append(relation)
    return table


@cache
def entity_types(held_out: bool) -> tuple[str, ...]:
    """One entry per relation, so that types with many relations come more often."""
    return tuple(x.entity for x in relations() if x.held_out == held_out)


def form(r: random.Random, forms: tuple[str, ...], test: bool) -> str:
    """The last of four or more forms is never trained on; tests use it alone."""
    if test:
        return forms[-1]
    return r.choice(forms[:-1] if len(forms) >= 4 else forms)


def fill(template: str, entity: str, value: str = "") -> str:
    return upper_first(template.replace("{e}", entity).replace("{v}", value))


def near_miss(r: random.Random, entity: str) -> str:
    """A name that differs from `entity` in one word, or "" where that cannot be done."""
    words = entity.split(" ")
    start = 1 if words[0] in ("the", "Dr.", "Ms.", "Mr.", "Mrs.", "a", "an") else 0
    if len(words) - start < 1 or (len(words) == 1 and r.random() < 0.5):
        return ""
    at = r.randrange(start, len(words))
    old = words[at]
    if re.fullmatch(r"[12]\d{3}", old):
        words[at] = year(r)
    elif old.isdigit():
        words[at] = digits(r, len(old))
    elif old[0].isupper():
        words[at] = invented_name(r)
    else:
        words[at] = r.choice(ADJECTIVES)
    return " ".join(words)


def title_of(entity: str) -> str:
    return upper_first(re.sub(r"^(the|a|an) ", "", entity).strip('"'))


def state(r: random.Random, relation: Relation, entity: str, value: str, test: bool, pronoun: bool) -> str:
    name = "it" if pronoun and relation.entity in _PRONOUN_TYPES else entity
    sentence = fill(form(r, relation.statements, test), name, value)
    if r.random() < 0.1:
        low = sentence[0].lower() + sentence[1:] if sentence.startswith(_LOWERED) else sentence
        sentence = r.choice(_OPENERS) + low
    return sentence


def _names(r: random.Random, entity_type: str, count: int) -> list[str]:
    names: list[str] = []
    while len(names) < count:
        name = (near_miss(r, names[0]) if names and r.random() < 0.45 else "") or ENTITIES[entity_type](r)
        if name not in names:
            names.append(name)
    return names


def reading(
    r: random.Random,
    passages: int,
    test: bool = False,
    held_out: bool = False,
    often: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Reading:
    """Passages about things of one type; often all state the same kinds of facts, so that the name must decide.

    Every other time one of the relations that are wanted `often` is among them; those `without` never are.
    """
    table = by_entity(held_out)
    wanted = by_name()[r.choice(often)] if often and r.random() < 0.5 else None
    entity_type = wanted.entity if wanted else r.choice(entity_types(held_out))
    pool = table[entity_type] + (by_entity(False).get(entity_type, []) if held_out else [])
    pool = [relation for relation in pool if relation.name not in without]
    if not pool:
        return reading(r, passages, test, held_out, often, without)
    most = 4 if passages <= 2 else 3 if passages <= 3 else 2
    shared = r.sample(pool, min(len(pool), r.randint(1, most)))
    if wanted and wanted not in shared:
        shared[0] = wanted
    alike = r.random() < (0.8 if wanted else 0.6)
    names = _names(r, entity_type, passages)
    pronouns = r.random() < 0.12
    out = Reading([], [])
    told: list[tuple[Relation, str]] = []
    for index, name in enumerate(names):
        kinds = list(shared) if alike else r.sample(pool, min(len(pool), r.randint(1, most)))
        if held_out and index == 0 and table[entity_type][0] not in kinds:
            kinds[0] = table[entity_type][0]
        r.shuffle(kinds)
        passage = Passage(title_of(name))
        for relation in kinds:
            value = VALUES[relation.value](r)
            sentence = state(r, relation, name, value, test, pronouns and bool(passage.sentences))
            passage.sentences.append(sentence)
            question = fill(form(r, relation.questions, test), name)
            out.items.append(Item(question, index, sentence, value))
            told.append((relation, name))
            if r.random() < 0.15:
                passage.sentences.append(r.choice(FILLERS))
        out.passages.append(passage)
        near = _HOURS if any(x.name in _HOURS for x in kinds) else set()
        unsaid = [x for x in pool if x not in kinds and x.name not in near]
        if unsaid and r.random() < 0.75:
            out.items.append(Item(fill(form(r, r.choice(unsaid).questions, test), name)))
    for _ in range(3):
        relation, name = r.choice(told)
        other = (near_miss(r, name) if r.random() < 0.7 else "") or ENTITIES[entity_type](r)
        if other not in names:
            out.items.append(Item(fill(form(r, relation.questions, test), other)))
    return out
