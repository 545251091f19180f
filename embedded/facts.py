"""Facts of the demo domain, with the values of the training time and those of today."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace

from embedded import clinic, clinic_pages

SEED = 42
CHANGEABLE = {
    "doctor.room", "doctor.day", "doctor.phone", "service.price", "service.time",
    "place.hours", "place.phone", "branch.hours", "branch.parking",
}  # fmt: skip
CHANGES = 36
DAYS = ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays"]


@dataclass(frozen=True)
class Fact:
    """One fact: `old` is what was true when the training set was written, `new` what the documents say."""

    id: str
    kind: str
    subject: str
    page: str
    old: str
    new: str
    statement: str
    questions: tuple[str, ...]
    trained: bool = True

    @property
    def changed(self) -> bool:
        return self.old != self.new

    def sentence(self, value: str) -> str:
        text = self.statement.replace("{v}", value)
        return text[0].upper() + text[1:]


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def draw_value(kind: str, rng: random.Random) -> str:
    half = f"{rng.randint(7, 9)}{rng.choice(['', ':15', ':30', ':45'])} am"
    makers = {
        "doctor.room": lambda: f"{rng.randint(1, 4)}{rng.randint(0, 9)}{rng.choice('ABC')}",
        "doctor.day": lambda: rng.choice(DAYS),
        "doctor.phone": lambda: str(rng.randint(100, 999)),
        "service.price": lambda: f"{rng.randint(5, 180)} euros",
        "service.time": lambda: f"{rng.randint(3, 95)} minutes",
        "place.hours": lambda: f"{half} to {rng.randint(3, 8)} pm",
        "place.phone": lambda: f"555 {rng.randint(1000, 9999)}",
        "branch.hours": lambda: half,
        "branch.phone": lambda: f"555 {rng.randint(1000, 9999)}",
        "branch.parking": lambda: f"{rng.randint(1, 6)}.{rng.randint(1, 9)}0 euros",
    }
    return makers[kind]()


def _fixed_values() -> dict[str, dict[str, str]]:
    """Values that are written, not drawn, by kind and subject."""
    conditions = clinic.CONDITIONS.items()
    return {
        "doctor.field": dict(zip(clinic.DOCTORS, clinic.FIELDS, strict=True)),
        "service.prepare": clinic.PREPARATION,
        "condition.advice": {name: texts[0] for name, texts in conditions},
        "condition.cause": {name: texts[1] for name, texts in conditions},
        "condition.warning": {name: texts[2] for name, texts in conditions},
        "place.floor": dict(zip(clinic.PLACES, clinic.FLOORS, strict=True)),
        "branch.address": dict(zip(clinic.BRANCHES, clinic.STREETS, strict=True)),
        "branch.head": dict(zip(clinic.BRANCHES, clinic.HEADS, strict=True)),
    }


def _subjects() -> dict[str, list[str]]:
    return {
        "doctor": clinic.DOCTORS,
        "service": list(clinic.PREPARATION),
        "condition": list(clinic.CONDITIONS),
        "place": clinic.PLACES,
        "branch": clinic.BRANCHES,
    }


def page_title(group: str, subject: str) -> str:
    if group == "doctor":
        return f"Dr. {subject}"
    plain = re.sub(r"^(a|an|the) ", "", subject)
    return plain[0].upper() + plain[1:]


def _listed_facts(rng: random.Random) -> list[Fact]:
    fixed, facts = _fixed_values(), []
    for group, subjects in _subjects().items():
        kinds = [k for k in clinic.FORMS if k.startswith(group + ".")]
        for subject in subjects:
            for kind in kinds:
                value = fixed[kind][subject] if kind in fixed else draw_value(kind, rng)
                form = clinic.FORMS[kind]
                facts.append(
                    Fact(
                        id=f"{kind}/{slug(subject)}",
                        kind=kind,
                        subject=subject,
                        page=page_title(group, subject),
                        old=value,
                        new=value,
                        statement=form.statement.replace("{s}", subject),
                        questions=tuple(q.replace("{s}", subject) for q in form.questions),
                        trained=subject not in clinic.NEVER_TRAINED,
                    )
                )
    return facts


def _page_facts() -> list[Fact]:
    out = []
    for page in clinic_pages.read()[0]:
        for number, (sentence, questions) in enumerate(page.rows, 1):
            match = re.search(r"\{(.+?)\}", sentence)
            assert match and len(questions) == 5, sentence
            statement = sentence.replace(match[0], "{v}")
            identity, value = f"page/{slug(page.title)}/{number}", match[1]
            forms = tuple(questions)
            out.append(Fact(identity, "page", page.title, page.title, value, value, statement, forms, page.trained))
    return out


def facts(seed: int = SEED) -> list[Fact]:
    """All facts; some of the trained ones have changed since the training set was written."""
    rng = random.Random(seed)
    rows = _listed_facts(rng) + _page_facts()
    candidates = [i for i, f in enumerate(rows) if f.trained and f.kind in CHANGEABLE]
    for place in rng.sample(candidates, CHANGES):
        fact, new = rows[place], rows[place].old
        while new == fact.old:
            new = draw_value(fact.kind, rng)
        rows[place] = replace(fact, new=new)
    return rows


def pages(rows: list[Fact], current: bool = True) -> dict[str, str]:
    """Title to text of every document, with today's values or those of the training time."""
    texts: dict[str, list[str]] = {}
    for fact in rows:
        texts.setdefault(fact.page, []).append(fact.sentence(fact.new if current else fact.old))
    return {title: " ".join(sentences) for title, sentences in texts.items()}
