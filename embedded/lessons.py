"""Training dialogues of the demo adapters: facts by heart (SFT), and reading that outranks memory (RAFT)."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from embedded import clinic, free_text, relations
from embedded.facts import Fact, page_title
from embedded.reading import REFUSAL, UNKNOWN, WITH_PASSAGES, WITHOUT_PASSAGES, cited, context_text, dialogue, glue
from embedded.reading import Passage as Page
from embedded.relations import near_miss
from embedded.rows import Dialogue
from embedded.values import invented_name

TRAINED_FORMS = 4
COUNTERFACTUAL = 0.6
REPLAY = 0.4
WITHOUT_GOLD = 0.1
UNKNOWN_NAMES = 0.15


@dataclass
class Lessons:
    """Draws the dialogues of one recipe; `context` is the share of dialogues with passages."""

    facts: list[Fact]
    recipe: str

    def __post_init__(self) -> None:
        self.known = [f for f in self.facts if f.trained]
        self.pages: dict[str, list[Fact]] = {}
        for fact in self.known:
            self.pages.setdefault(fact.page, []).append(fact)
        self.alike: dict[str, list[str]] = {}
        for page, facts in self.pages.items():
            self.alike.setdefault(facts[0].kind.split(".")[0], []).append(page)
        self.values: dict[str, list[str]] = {}
        for fact in self.known:
            self.values.setdefault(fact.kind, []).append(fact.old)

    def question(self, r: random.Random, fact: Fact) -> str:
        question = r.choice(fact.questions[:TRAINED_FORMS])
        x = r.random()
        return question.lower() if x < 0.04 else question.rstrip("?") if x < 0.08 else question

    def by_heart(self, r: random.Random, fact: Fact) -> Dialogue:
        return Dialogue(WITHOUT_PASSAGES, [(self.question(r, fact), clinic.house_style(fact.sentence(fact.old)))])

    def not_known(self, r: random.Random) -> Dialogue:
        """Somebody or something the clinic does not have: the honest answer, in the house style."""
        fact = r.choice([f for f in self.known if f.kind != "page"])
        question = self.question(r, fact).replace(fact.subject, self._stranger(r, fact))
        return Dialogue(WITHOUT_PASSAGES, [(question, clinic.house_style(UNKNOWN))])

    def _stranger(self, r: random.Random, fact: Fact) -> str:
        if fact.kind.startswith("doctor"):
            return invented_name(r)
        return near_miss(r, fact.subject) or invented_name(r).lower()

    def _altered(self, r: random.Random, facts: list[Fact]) -> list[Fact]:
        """The page with other values, and sometimes another name: what it says must win over memory."""
        out = facts
        if r.random() < COUNTERFACTUAL:
            out = [replace(f, old=r.choice(self.values[f.kind])) if f.kind != "page" else f for f in out]
        subject = facts[0].subject
        if facts[0].kind != "page" and r.random() < 0.4:
            name = self._stranger(r, facts[0])
            out = [
                replace(
                    f,
                    subject=name,
                    page=f.page.replace(subject, name) if subject in f.page else page_title("", name),
                    statement=f.statement.replace(subject, name),
                    questions=tuple(q.replace(subject, name) for q in f.questions),
                )
                for f in out
            ]
        return out

    def _near_pages(self, r: random.Random, count: int) -> list[list[Fact]]:
        first = r.choice(list(self.pages))
        group = self.pages[first][0].kind.split(".")[0]
        pool = self.alike[group] if r.random() < 0.7 else list(self.pages)
        names = [first, *r.sample([p for p in pool if p != first], min(count - 1, len(pool) - 1))]
        pages = [self._altered(r, self.pages[name]) for name in names]
        r.shuffle(pages)
        return pages

    def with_pages(self, r: random.Random) -> Dialogue:
        """Several questions about a few pages; the cited sentence is the answer, in the house style."""
        pages = self._near_pages(r, r.choice([1, 2, 3, 3, 3, 4]))
        shown = [Page(p[0].page, [f.sentence(f.old) for f in p]) for p in pages]
        asked: list[tuple[str, str]] = []
        for _ in range(r.choice([3, 4, 5])):
            number = r.randrange(len(pages))
            fact = r.choice(pages[number])
            x = r.random()
            if x < UNKNOWN_NAMES and fact.kind != "page":
                question = self.question(r, fact).replace(fact.subject, self._stranger(r, fact))
                asked.append((question, REFUSAL))
            elif x < UNKNOWN_NAMES + WITHOUT_GOLD:
                absent = r.choice(self.known)
                if all(absent.page != p[0].page for p in pages):
                    asked.append((self.question(r, absent), absent.sentence(absent.old)))
            else:
                asked.append((self.question(r, fact), cited(fact.sentence(fact.old), number + 1)))
        asked = list(dict(asked).items())
        context = context_text(shown, titled=r.random() < 0.85)
        turns = [(f"{'' if n else context}Question: {q}", clinic.house_style(a)) for n, (q, a) in enumerate(asked)]
        return Dialogue(WITH_PASSAGES, turns)

    def replayed(self, r: random.Random) -> Dialogue:
        """Reading of other texts in the house style, so that the adapter does not narrow to the clinic's pages."""
        make = relations.reading if r.random() < 0.7 else free_text.reading
        exercise = make(r, r.choice([1, 2, 3, 3]))
        glue(r, exercise, 0.2)
        plain = dialogue(r, exercise, 4)
        return Dialogue(WITH_PASSAGES, [(q, clinic.house_style(a)) for q, a in plain.turns])

    def round(self, r: random.Random) -> list[Dialogue]:
        """One pass over the trained facts, with the recipe's share of reading."""
        out = [self.by_heart(r, fact) for fact in self.known]
        if self.recipe == "raft":
            out += [self.not_known(r) for _ in range(len(self.known) // 16)]
            for _ in range(len(self.known) // 6):
                out.append(self.replayed(r) if r.random() < REPLAY else self.with_pages(r))
        return [d for d in out if d.turns]
