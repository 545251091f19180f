"""Facts of random wording: the kind of value asked for and any shared words must decide, not a known relation."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from embedded.kinds import VALUES
from embedded.lexicon import FILLERS, NOUNS, VERBS
from embedded.names import ENTITIES
from embedded.reading import Item, Passage, Reading
from embedded.relations import near_miss, title_of
from embedded.values import (
    article,
    clock,
    count,
    invented,
    thing,
    upper_first,
)

SOURCE = Path(__file__).with_name("typed.txt")
_NO_NAMES = ("code", "trouble2", "region")
_KINDS = tuple(name for name in ENTITIES if name not in _NO_NAMES)
_BARE = re.compile(r"(?:the|which|What) \{a\}|\{a\}s|, \{a\}:|its \{a\}")
_OTHER_VALUES = {
    "clock": clock,
    "count": count,
    "colour": VALUES["color"],
    "reason": VALUES["clause"],
}


@dataclass(frozen=True)
class Kind:
    """One sort of value with the ways to state it and to ask for it."""

    values: tuple[str, ...]
    statements: tuple[str, ...]
    questions: tuple[str, ...]


@cache
def kinds() -> tuple[Kind, ...]:
    blocks = re.findall(r"^(?!S |Q )(.+)\nS (.+)\nQ (.+)$", SOURCE.read_text("utf-8"), re.M)
    out = []
    for head, statements, questions in blocks:
        names = head.split()
        out.append(
            Kind(tuple(n for n in names if n != "any"), tuple(statements.split("|")), tuple(questions.split("|")))
        )
    return tuple(out)


@dataclass(frozen=True)
class Fact:
    """A value in one wording; `aspect` and `verb` are the random words that a question may share."""

    kind: Kind
    statement: str
    aspect: str
    verb: tuple[str, str]
    value: str

    def fill(self, form: str, name: str) -> str:
        aspect = self.aspect if _BARE.search(form) else _with_article(self.aspect)
        text = form.replace("{a}", aspect).replace("{b}", self.verb[0]).replace("{p}", self.verb[1])
        return upper_first(text.replace("{e}", name).replace("{v}", self.value))

    def questions(self) -> list[str]:
        """Forms that use no random word which the statement lacks."""
        said = _slots(self.statement)
        return [q for q in self.kind.questions if _slots(q) <= said]


def _with_article(noun: str) -> str:
    return article(noun) if len(noun) % 2 else f"the {noun}"


def _slots(form: str) -> set[str]:
    found = {mark for mark in ("a", "b", "p") if f"{{{mark}}}" in form}
    return {"b" if mark == "p" else mark for mark in found}


def some_fact(r: random.Random) -> Fact:
    kind = r.choice(kinds())
    name = r.choice(kind.values)
    make = _OTHER_VALUES.get(name) or VALUES[name]
    aspect = invented(r) if r.random() < 0.2 else r.choice(NOUNS) if r.random() < 0.7 else thing(r)
    return Fact(kind, r.choice(kind.statements), aspect, r.choice(VERBS), make(r))


def _question(r: random.Random, fact: Fact, told: list[Fact], name: str) -> str:
    """A question that only this fact of the passage answers, or ""."""
    rivals = [f for f in told if f is not fact and f.kind is fact.kind]
    forms = fact.questions()
    if rivals:
        forms = [q for q in forms if _slots(q) & {"a", "b"}]
        forms = [q for q in forms if all(f.aspect != fact.aspect and f.verb != fact.verb for f in rivals)]
    return fact.fill(r.choice(forms), name) if forms else ""


def _absent(r: random.Random, told: list[Fact], name: str) -> str:
    """A question about this very thing which its passage does not answer."""
    other = some_fact(r)
    if any(f.kind is other.kind for f in told):
        forms = [q for q in other.kind.questions if "{a}" in q and other.aspect not in {f.aspect for f in told}]
    else:
        forms = [q for q in other.kind.questions if "{a}" in q or "{b}" in q]
    return other.fill(r.choice(forms), name) if forms else ""


def _names(r: random.Random, total: int) -> list[str]:
    kind = r.choice(_KINDS)
    names: list[str] = []
    while len(names) < total:
        name = (near_miss(r, names[0]) if names and r.random() < 0.4 else "") or ENTITIES[kind](r)
        if name not in names:
            names.append(name)
    return names


def reading(r: random.Random, passages: int) -> Reading:
    out = Reading([], [])
    names = _names(r, passages + 1)
    most = 4 if passages <= 2 else 3 if passages == 3 else 2
    for index, name in enumerate(names[:passages]):
        told = [some_fact(r) for _ in range(r.randint(min(2, most), most))]
        passage = Passage(title_of(name))
        for fact in told:
            sentence = fact.fill(fact.statement, name)
            passage.sentences.append(sentence)
            question = _question(r, fact, told, name)
            if question:
                out.items.append(Item(question, index, sentence, fact.value))
            stranger = _question(r, fact, told, names[-1])
            if stranger and r.random() < 0.12:
                out.items.append(Item(stranger))
            if r.random() < 0.1:
                passage.sentences.append(r.choice(FILLERS))
        absent = _absent(r, told, name) if r.random() < 0.6 else ""
        if absent:
            out.items.append(Item(absent))
        out.passages.append(passage)
    return out
