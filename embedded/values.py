"""Random names, numbers, dates and other values; invented words are half of all names."""

from __future__ import annotations

import random
from collections.abc import Callable

from embedded.lexicon import (
    ADJECTIVES,
    CITIES,
    COMPANY_WORDS,
    COUNTRIES,
    DAYS,
    FIRST_NAMES,
    LAST_NAMES,
    MONTHS,
    NOUNS,
    SMALL_NUMBERS,
    TEAM_WORDS,
    words,
)

Rng = random.Random
Maker = Callable[[Rng], str]


_ONSETS = words("onsets")
_VOWELS = words("vowels")
_CODAS = ["", "", "", *words("codas")]

_pieces: list[str] = []
_names: list[str] = []
_any: list[str] = []


def use_pieces(pieces: list[str]) -> None:
    """Chain these vocabulary pieces into words as well: a token that is never copied in training is miscopied later."""
    _pieces[:] = [p for p in pieces if p.isalpha() and p.islower()]
    _names[:] = [p for p in pieces if len(p) > 2 and p.isalpha() and p[1:].islower() and p[0].isupper()]
    _any[:] = pieces


def any_piece(r: Rng) -> str:
    """Any piece of the vocabulary, marks among them; an invented word where none are known."""
    return r.choice(_any) if _any else invented(r)


def invented(r: Rng) -> str:
    if _pieces and r.random() < 0.45:
        return "".join(r.choice(_pieces) for _ in range(r.choice([1, 2, 2, 3])))
    syllables = []
    for _ in range(r.choice([1, 2, 2, 2, 3])):
        coda = r.choice(_CODAS[3:]) if r.random() < 0.35 else ""
        syllables.append(r.choice(_ONSETS) + r.choice(_VOWELS) + coda)
    return "".join(syllables) + r.choice(_CODAS)


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def invented_name(r: Rng) -> str:
    return r.choice(_names) if _names and r.random() < 0.25 else upper_first(invented(r))


def letters(r: Rng) -> str:
    return "".join(r.choice("ABCDEFGHIJKLMNOPRSTUVWXZ") for _ in range(r.randint(2, 4)))


def digits(r: Rng, count: int) -> str:
    return str(r.randint(10 ** (count - 1), 10**count - 1))


def article(word: str) -> str:
    return ("an " if word[0] in "aeiouAEIO" else "a ") + word


def count(r: Rng, highest: int = 90) -> str:
    return r.choice(SMALL_NUMBERS) if r.random() < 0.3 else str(r.randint(2, highest))


def year(r: Rng) -> str:
    return str(r.randint(1850, 2029))


def large_number(r: Rng) -> str:
    return r.choice(
        [
            digits(r, 3),
            digits(r, 4),
            f"{r.randint(1, 99)},{r.randint(0, 999):03d}",
            f"{r.randint(2, 90)} million",
            f"{r.randint(1, 30)}.{r.randint(1, 9)} million",
        ]
    )


def money(r: Rng) -> str:
    return r.choice(
        [
            f"${r.randint(2, 999)}",
            f"{r.randint(2, 999)} euros",
            f"${r.randint(1, 99)}.{r.randint(0, 99):02d}",
            f"{r.randint(1, 99)}.{r.randint(0, 99):02d} euros",
            f"{r.randint(1, 99)} dollars",
            f"€{r.randint(2, 900)}",
            f"{r.randint(3, 90)} pounds",
        ]
    )


def person(r: Rng) -> str:
    first = r.choice(FIRST_NAMES) if r.random() < 0.6 else invented_name(r)
    last = r.choice(LAST_NAMES) if r.random() < 0.4 else invented_name(r)
    form = r.random()
    if form < 0.15:
        return f"Dr. {last}"
    if form < 0.22:
        return f"Dr. {first} {last}"
    if form < 0.30:
        return f"{r.choice(['Ms.', 'Mr.', 'Mrs.'])} {last}"
    if form < 0.35:
        return f"{first} {r.choice('ABCDEFGHJKLMNPRSTW')}. {last}"
    return f"{first} {last}"


def city(r: Rng) -> str:
    return r.choice(CITIES) if r.random() < 0.5 else invented_name(r)


def country(r: Rng) -> str:
    return r.choice(COUNTRIES) if r.random() < 0.65 else invented_name(r)


def date(r: Rng) -> str:
    day, month = r.randint(1, 28), r.choice(MONTHS)
    return r.choice(
        [
            f"{day} {month}",
            f"{day} {month} {year(r)}",
            f"{month} {day}",
            f"{month} {day}, {year(r)}",
            f"{r.choice(DAYS)}, {day} {month}",
        ]
    )


def clock(r: Rng) -> str:
    half = r.choice(["am", "pm"])
    return r.choice(
        [
            f"{r.randint(1, 12)} {half}",
            f"{r.randint(1, 12)}:{r.choice(['00', '15', '30', '45'])} {half}",
            f"{r.randint(6, 23):02d}:{r.choice(['00', '30', '15', '45'])}",
            f"{r.randint(1, 12)} o'clock",
        ]
    )


def duration(r: Rng) -> str:
    return f"{count(r)} {r.choice(['days', 'weeks', 'months', 'years', 'working days', 'hours', 'minutes'])}"


def thing(r: Rng) -> str:
    noun = r.choice(NOUNS)
    return f"{r.choice(ADJECTIVES)} {noun}" if r.random() < 0.4 else noun


def company(r: Rng) -> str:
    form = r.random()
    if form < 0.7:
        return f"{invented_name(r)} {r.choice(COMPANY_WORDS)}"
    return f"{r.choice(LAST_NAMES)} & {r.choice(LAST_NAMES)}" if form < 0.85 else invented_name(r)


def team(r: Rng) -> str:
    word = r.choice(TEAM_WORDS)
    return r.choice([country(r), country(r), f"{city(r)} {word}", f"the {invented_name(r)} {word}", f"FC {city(r)}"])


def address(r: Rng) -> str:
    street = r.choice([invented_name(r), r.choice(NOUNS).title(), r.choice(LAST_NAMES)])
    return f"{r.randint(1, 200)} {street} {r.choice(['Street', 'Road', 'Avenue', 'Lane', 'Square'])}"


def phone(r: Rng) -> str:
    return r.choice(
        [
            f"{digits(r, 3)}-{digits(r, 4)}",
            f"{digits(r, 4)} {digits(r, 4)}",
            f"{digits(r, 3)} {digits(r, 4)}",
            f"0{digits(r, 2)} {digits(r, 3)} {digits(r, 3)}",
        ]
    )
