"""Names of the things that generated passages are about; often invented, often easy to confuse."""

from __future__ import annotations

from embedded.lexicon import ADJECTIVES, CITIES, COUNTRIES, LAST_NAMES, NOUNS, PRODUCT_NOUNS, TEAM_WORDS, words
from embedded.phrases import trouble
from embedded.values import Maker, Rng, company, digits, invented, invented_name, letters, person, thing, year


def _product(r: Rng) -> str:
    name = invented_name(r)
    if r.random() < 0.2:
        return f"the {name} {r.choice(['Pro', 'Max', 'Mini', digits(r, 3)])}"
    mark = r.choice([name, f"{name} {digits(r, 2)}", f"{letters(r)}-{digits(r, 2)}", r.choice(ADJECTIVES)])
    return f"the {mark} {r.choice(PRODUCT_NOUNS)}"


def _event(r: Rng) -> str:
    name = r.choice([invented_name(r), r.choice(COUNTRIES), r.choice(CITIES), letters(r)])
    word = r.choice(words("events"))
    return r.choice([f"the {year(r)} {name} {word}", f"the {name} {word}", f"the {name} {word} {year(r)}"])


def _book(r: Rng) -> str:
    noun = r.choice(NOUNS).title()
    title = r.choice(
        [
            f"The {r.choice(ADJECTIVES).title()} {noun}",
            f"{noun} and {r.choice(NOUNS).title()}",
            f"{invented_name(r)}'s {noun}",
            f"The {noun} of {invented_name(r)}",
        ]
    )
    return f'"{title}"'


def _task_subject(r: Rng) -> str:
    word = r.choice(["report", "application", "project", "course", "check", "inspection", "service"])
    return r.choice(
        [
            f"the {thing(r)} {word}",
            f"{r.choice(['a new', 'a lost', 'the yearly', 'an extra'])} {r.choice(NOUNS)}",
            f"the {invented_name(r)} {r.choice(['project', 'exam', 'form', 'permit'])}",
            f"the {r.choice(NOUNS)} {r.choice(words('services'))}",
        ]
    )


def _branch(r: Rng) -> str:
    first = r.choice([invented_name(r), r.choice(LAST_NAMES), r.choice(NOUNS).title()])
    house = r.choice(["House", "Centre", "Office", "Practice", "Hospital", "Station", "School", "Library"])
    side = r.choice(["", "", " North", " South", " Park", " Market", f" {r.choice(CITIES)}"])
    return r.choice([f"{first} {house}{side}", f"the {r.choice(NOUNS)} {r.choice(['room', 'hall', 'office', 'desk'])}"])


ENTITIES: dict[str, Maker] = {
    "product": _product,
    "shop": lambda r: (
        "the "
        + r.choice([invented_name(r), r.choice(LAST_NAMES), r.choice(NOUNS), r.choice(CITIES), r.choice(ADJECTIVES)])
        + f" {r.choice(words('shops'))}"
    ),
    "event": _event,
    "company": company,
    "person": person,
    "place2": lambda r: f"the {r.choice([invented_name(r), r.choice(LAST_NAMES)])} {r.choice(words('landmarks'))}",
    "book": _book,
    "drug": lambda r: invented_name(r) + r.choice(["ol", "in", "ex", "ine", "al", ""]),
    "task": _task_subject,
    "code": lambda r: r.choice([f"E{digits(r, 2)}", f"E-{digits(r, 2)}", digits(r, 3), letters(r) + digits(r, 2)]),
    "region": invented_name,
    "team2": lambda r: f"the {invented_name(r)} {r.choice(TEAM_WORDS)}",
    "bankp": lambda r: f"the {r.choice([invented_name(r), r.choice(ADJECTIVES)])} account",
    "club": lambda r: (
        f"the {r.choice([invented_name(r), r.choice(CITIES), r.choice(NOUNS)])} {r.choice(words('clubs'))}"
    ),
    "course": lambda r: f"the {r.choice([thing(r), invented_name(r), r.choice(NOUNS)])} {r.choice(words('courses'))}",
    "train": lambda r: r.choice(
        [f"the {invented_name(r)} Express", f"train {digits(r, 3)}", f"bus {digits(r, 2)}", f"ferry {letters(r)}"]
    ),
    "dish": lambda r: (
        f"the {r.choice([invented_name(r), r.choice(ADJECTIVES), r.choice(CITIES)])} {r.choice(words('dishes'))}"
    ),
    "post": lambda r: f"the {r.choice([*ADJECTIVES, 'head'])} {r.choice(words('posts'))}",
    "soft": lambda r: r.choice([invented_name(r), f"{invented_name(r)} {r.choice(words('programs'))}", invented(r)]),
    "river": lambda r: f"the {invented_name(r)}" + r.choice(["", " River"]),
    "device": lambda r: (
        "the "
        + r.choice(
            [invented(r), f"{r.choice(ADJECTIVES)} {invented(r)}", f"{r.choice(NOUNS)} {r.choice(PRODUCT_NOUNS)}"]
        )
    ),
    "rule": lambda r: f"the {r.choice([thing(r), invented_name(r)])} {r.choice(words('rules'))}",
    "trouble2": trouble,
    "service": lambda r: (
        f"the {r.choice([invented(r), r.choice(NOUNS), r.choice(ADJECTIVES)])} {r.choice(words('services'))}"
    ),
    "branch": _branch,
}
