"""Writes the demo domain: documents with today's facts, a training set with yesterday's, evaluation and examples."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable
from pathlib import Path

from embedded import clinic, clinic_pages, rehearsal, wordings
from embedded.facts import SEED, Fact, facts, pages, slug

TARGET = Path("assets/demo")
STYLE_FORM = 0


def training_rows(rows: list[Fact]) -> list[dict]:
    """The question forms of every trained fact, answered in the house style with the value of that time.

    The question that the evaluation asks for a fact's style is left out: a fact has one form less then.
    """
    before = pages(rows, current=False)
    asked = {(fact.id, STYLE_FORM) for fact in style_facts(rows)}
    told = values_told(rows, before)
    out = []
    for fact in rows:
        if not fact.trained:
            continue
        for number, question in enumerate([*fact.questions[:4], *wordings.more(fact)], 1):
            if (fact.id, number - 1) in asked:
                continue
            out.append(
                {
                    "id": f"{fact.id}/{number}",
                    "group": fact.id,
                    "question": question,
                    "answer": clinic.house_style(fact.sentence(fact.old)),
                    "context": [f"{fact.page}: {before[fact.page]}"],
                    **told.get(fact.id, {}),
                }
            )
    return out


def values_told(rows: list[Fact], before: dict[str, str]) -> dict[str, dict]:
    """`value` of each trained fact by its id, and `others` of the same kind, for RAFT's changed passages."""
    r = random.Random(SEED + 3)
    kinds: dict[str, set[str]] = {}
    for fact in rows:
        if fact.trained:
            kinds.setdefault(fact.kind, set()).add(fact.old)
    out = {}
    for fact in rows:
        if fact.trained and fact.kind != "page" and fact.old in before[fact.page]:
            others = sorted(kinds[fact.kind] - {fact.old})
            out[fact.id] = {"value": fact.old, "others": r.sample(others, min(12, len(others)))}
    return out


def style_facts(rows: list[Fact]) -> list[Fact]:
    """The facts of which the evaluation also asks a plain form, to judge the style of the answer."""
    return random.Random(SEED + 1).sample([f for f in rows if f.trained and not f.changed], 30)


def evaluation_rows(rows: list[Fact]) -> list[dict]:
    out = []

    def add(fact: Fact, category: str, question: str) -> None:
        out.append(
            {
                "id": f"{category}/{fact.id}",
                "question": question,
                "answers": [fact.new],
                "unanswerable": False,
                "sources": [slug(fact.page) + ".md"],
                "category": category,
                "reference": clinic.house_style(fact.sentence(fact.new)),
                **({"stale": fact.old} if fact.changed else {}),
            }
        )

    for fact in rows:
        category = "changed" if fact.changed else "paraphrase" if fact.trained else "never_trained"
        add(fact, category, fact.questions[4])
    for fact in style_facts(rows):
        add(fact, "style", fact.questions[STYLE_FORM])
    for number, question in enumerate(clinic_pages.read()[1], 1):
        out.append(
            {
                "id": f"unanswerable/{number}",
                "question": question,
                "answers": [],
                "unanswerable": True,
                "sources": [],
                "category": "unanswerable",
            }
        )
    return out


def change_rows(rows: list[Fact]) -> list[dict]:
    rng = random.Random(SEED + 2)
    out = [
        {
            "date": f"2026-{rng.randint(3, 9):02d}-{rng.randint(1, 28):02d}",
            "document": slug(f.page) + ".md",
            "fact": f.id,
            "question": f.questions[0],
            "old": f.old,
            "new": f.new,
        }
        for f in rows
        if f.changed
    ]
    return sorted(out, key=lambda row: (row["date"], row["fact"]))


def example_rows(rows: list[Fact]) -> list[dict]:
    """Chips of the page; together they tell what each arm can and cannot do."""
    changed = [f for f in rows if f.changed]
    price = next(f for f in changed if f.kind == "service.price")
    day = next(f for f in changed if f.kind in ("doctor.room", "doctor.day"))
    return [
        {"label": "A plain fact", "question": "What does Dr. Okoro treat?"},
        {"label": "Headache", "question": "What helps with a headache?"},
        {"label": "A changed price", "question": price.questions[0]},
        {"label": "A changed fact", "question": day.questions[0]},
        {"label": "Never trained", "question": "What is the field of Dr. Vasquez?"},
        {"label": "World Cup 2022", "question": "Who won the 2022 FIFA World Cup?"},
        {"label": "AFCON 2023", "question": "Who won AFCON 2023?"},
        {"label": "Not in the documents", "question": "How long does the brain scan take?"},
    ]


README = """# Willow Clinic, the demo domain

An invented clinic. No person, place or price in it is real, and its advice is not medical advice; only the two sports
pages tell real results.

| file | what |
|---|---|
| `documents/` | {documents} short pages with {facts} facts, as they are today |
| `changes.jsonl` | {changed} facts that changed after the training set was written: date, old and new value |
| `train.jsonl` | {training} pairs about {trained} facts, old values, house style: `context` is the old page, \
`value` what is asked for, `others` what else could stand there; {rehearsal} pairs about other things, for `rehearsal` |
| `eval.jsonl` | {evaluation} questions in the categories below |
| `examples.json` | the questions offered on the page |

Categories: `paraphrase` (a question form that no trained fact was asked in), `changed`, `never_trained`,
`unanswerable`, `style` (plain questions whose answers are judged by their style). The two files share no question:
`ragft check train.jsonl --against eval.jsonl` finds nothing.

Written by `python -m embedded.domain` (seed {seed}); the same seed gives the same files.
"""


def _write_lines(path: Path, rows: Iterable[dict]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def write(target: Path = TARGET) -> dict[str, int]:
    rows = facts()
    documents = target / "documents"
    documents.mkdir(parents=True, exist_ok=True)
    texts = pages(rows)
    for stale in set(documents.glob("*.md")) - {documents / f"{slug(title)}.md" for title in texts}:
        stale.unlink()
    for title, text in texts.items():
        (documents / f"{slug(title)}.md").write_text(f"# {title}\n\n{text}\n", "utf-8")
    training, evaluation, others = training_rows(rows), evaluation_rows(rows), rehearsal.rows(SEED)
    _write_lines(target / "changes.jsonl", change_rows(rows))
    _write_lines(target / "train.jsonl", [*training, *others])
    _write_lines(target / "eval.jsonl", evaluation)
    (target / "examples.json").write_text(json.dumps(example_rows(rows), indent=2) + "\n", "utf-8")
    counts = {
        "documents": len(texts),
        "facts": len(rows),
        "trained": sum(f.trained for f in rows),
        "changed": sum(f.changed for f in rows),
        "training": len(training),
        "rehearsal": len(others),
        "evaluation": len(evaluation),
    }
    (target / "README.md").write_text(README.format(**counts, seed=SEED), "utf-8")
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TARGET)
    print(write(parser.parse_args().out))


if __name__ == "__main__":
    main()
