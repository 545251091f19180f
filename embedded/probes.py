"""The question sets of the measurement; their names and numbers come from seeds that training never uses."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

from embedded import everyday, facts, ladder, relations
from embedded.answering import Probe, placed
from embedded.facts import Fact
from embedded.reading import Passage, Reading
from ragft_core.examples import read, split

TRAINING = Path("assets/demo/train.jsonl")
HANDWRITTEN = Path(__file__).with_name("handwritten.jsonl")  # looked at only by the measurement
SEEN = Path(__file__).with_name("handwritten_seen.jsonl")  # its answers were read while tuning: for development


def _reading_probes(r: random.Random, exercise: Reading, known: bool) -> list[Probe]:
    """One probe of an exercise: answerable, or with nothing that answers it."""
    items = [i for i in exercise.items if (i.passage is not None) == known]
    if not items:
        return []
    item = r.choice(items)
    if item.passage is None:
        order = list(exercise.passages)
        r.shuffle(order)
        return [Probe(item.question, (), order)]
    right = exercise.passages[item.passage]
    return [placed(r, item.question, (item.value,), right, [p for p in exercise.passages if p is not right])]


def relation_probes(
    count: int, passages: int, held_out_forms: bool, held_out: bool = False, known: bool = True
) -> list[Probe]:
    r = random.Random(f"measure/{passages}/{held_out_forms}/{held_out}/{known}")
    out: list[Probe] = []
    while len(out) < count:
        out += _reading_probes(r, relations.reading(r, passages, held_out_forms, held_out), known)
    return out


def everyday_probes(count: int, passages: int, known: bool = True) -> list[Probe]:
    """Ordinary prose of themes that training never draws."""
    r = random.Random(f"everyday/{passages}/{known}")
    out: list[Probe] = []
    while len(out) < count:
        out += _reading_probes(r, everyday.reading(r, passages, held_out=True), known)
    return out


def lookup_probes(rung: str, count: int, passages: int, known: bool = True) -> list[Probe]:
    r = random.Random(f"lookups/{rung}/{passages}/{known}")
    out: list[Probe] = []
    while len(out) < count:
        out += _reading_probes(r, ladder.RUNGS[rung](r, passages), known)
    return out


def handwritten_probes(passages: int, known: bool = True, path: Path = HANDWRITTEN) -> list[Probe]:
    r = random.Random(f"handwritten/{passages}/{known}")
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    pages = [Passage(row["title"], [row["text"]]) for row in rows]
    out = []
    for page, row in zip(pages, rows, strict=True):
        for question in row["questions"]:
            if bool(question["answers"]) == known:
                others = r.sample([p for p in pages if p is not page], passages - 1)
                out.append(placed(r, question["question"], tuple(question["answers"]), page, others))
    return out


def squad_probes(data: Path, count: int = 200) -> list[Probe]:
    path = data / "squad_dev_half.jsonl.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for _, line in zip(range(count), lines, strict=False)]
    out = []
    for row in rows:
        answers = row.get("answers") or row.get("answer")
        gold = (answers,) if isinstance(answers, str) else tuple(answers)
        out.append(Probe(row["question"], gold, [Passage(row["title"].replace("_", " "), [row["context"]])], 1))
    return out


class Clinic:
    """Probes of the demo domain, with today's pages or without passages."""

    def __init__(self) -> None:
        self.facts = facts.facts()
        self.trained = [f for f in self.facts if f.trained]
        self.changed = [f for f in self.facts if f.changed]
        self.fresh = [f for f in self.facts if not f.trained]
        texts = facts.pages(self.facts)
        self.pages = {title: Passage(title, [text]) for title, text in texts.items()}
        self.kind = {f.page: f.kind.split(".")[0] for f in self.facts}

    def by_heart(self, facts: list[Fact]) -> list[Probe]:
        """Each fact in a form that `ragft train` trains on: not left out of the file, nor held out for validation."""
        rows = read(TRAINING).rows
        seen: dict[str, str] = {}
        for row in split(rows).train:
            seen.setdefault(row.group, row.question)
        return [Probe(seen[f.id], (f.old,), stale=f.old) for f in facts]

    def closed(self, facts: list[Fact], form: int) -> list[Probe]:
        return [Probe(f.questions[form], (f.old,), stale=f.old) for f in facts]

    def open_book(self, facts: list[Fact], form: int = 4, passages: int = 3) -> list[Probe]:
        """The right page among others of the same kind, as a retriever would bring them."""
        r = random.Random(f"clinic/{form}/{passages}")
        out = []
        for fact in facts:
            same = [p for t, p in self.pages.items() if t != fact.page and self.kind[t] == self.kind[fact.page]]
            others = r.sample(same, min(passages - 1, len(same)))
            stale = fact.old if fact.changed else ""
            out.append(placed(r, fact.questions[form], (fact.new,), self.pages[fact.page], others, stale))
        return out
