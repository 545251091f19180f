"""Random names, numbers, dates and other values; invented words are half of all names."""

from __future__ import annotations

import random
from collections.abc import Callable

from embedded.lexicon import (
    ADJECTIVES,
    ADVICE,
    CITIES,
    COMPANY_WORDS,
    COUNTRIES,
    DAYS,
    FIRST_NAMES,
    LAST_NAMES,
    MONTHS,
    NOUNS,
    REASONS,
    SMALL_NUMBERS,
    TASKS,
    TEAM_WORDS,
    TROUBLES,
    VERBS,
    words,
)

Rng = random.Random
Maker = Callable[[Rng], str]


_ONSETS = words("onsets")
_VOWELS = words("vowels")
_CODAS = ["", "", "", *words("codas")]

_pieces: list[str] = []


def use_pieces(pieces: list[str]) -> None:
    """Chain these vocabulary pieces into words as well: a token that is never copied in training is miscopied later."""
    _pieces[:] = [p for p in pieces if p.islower()]


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
    return upper_first(invented(r))


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


def reason(r: Rng) -> str:
    text = r.choice(REASONS)
    for mark, choices in (("{n}", NOUNS), ("{a}", ADJECTIVES), ("{t}", ["day", "week", "night", "month"])):
        while mark in text:
            text = text.replace(mark, r.choice(choices), 1)
    return text


def advice(r: Rng) -> str:
    def single() -> str:
        if r.random() < 0.5:
            return r.choice(ADVICE)
        word = thing(r) if r.random() < 0.75 else invented(r)
        tail = r.choice([f" with {article(r.choice(NOUNS))}", " every day", " before lunch", " at night", "", "", ""])
        return f"{r.choice(VERBS)[0]} the {word}{tail}"

    return single() if r.random() < 0.5 else f"{single()} and {single()}"


def task(r: Rng) -> str:
    if r.random() < 0.6:
        return r.choice(TASKS)
    return f"{r.choice(VERBS)[0]} the {r.choice([thing(r), invented(r)])}"


def trouble(r: Rng) -> str:
    return r.choice(TROUBLES) if r.random() < 0.7 else r.choice([article(invented(r)), invented(r)])


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


def floor(r: Rng) -> str:
    level = r.choice(["the ground floor", "the first floor", "the second floor", "the top floor", "the basement"])
    return level + r.choice(["", f" next to the {r.choice(NOUNS)}", f" behind the {r.choice(NOUNS)}"])


VALUES: dict[str, Maker] = {
    "money": money,
    "weight": lambda r: f"{r.randint(1, 95)}{r.choice(['', '.5', '.2', '.8'])} {r.choice(['kg', 'grams', 'pounds'])}",
    "duration": duration,
    "color": lambda r: r.choice(
        [r.choice(words("colours")), f"{r.choice(words('colours'))} and {r.choice(words('colours'))}"]
    ),
    "hours": lambda r: f"{count(r, 60)} {r.choice(['hours', 'hours', 'minutes', 'days'])}",
    "company": company,
    "material": lambda r: r.choice(words("materials")),
    "date": date,
    "time": clock,
    "timerange": lambda r: f"{clock(r)} to {clock(r)}",
    "weekday": lambda r: r.choice(DAYS) + r.choice(["s", ""]),
    "address": address,
    "phone": phone,
    "email": lambda r: (
        f"{r.choice(['info', 'help', 'office', 'jobs'])}@{invented(r)}.{r.choice(['com', 'org', 'net'])}"
    ),
    "team": team,
    "person": person,
    "place": lambda r: r.choice([country, country, city])(r),
    "bignum": large_number,
    "year": year,
    "city": city,
    "bigmoney": lambda r: f"{r.choice(['$', '€', ''])}{r.randint(1, 900)} {r.choice(['million', 'billion'])}",
    "days": lambda r: f"{r.randint(3, 60)} days",
    "job": lambda r: r.choice(words("jobs")),
    "gerund": lambda r: r.choice(words("hobbies")),
    "room": lambda r: digits(r, r.choice([1, 2, 3])) + r.choice(["", "", "A", "B", "C"]),
    "meters": lambda r: f"{digits(r, r.choice([2, 3]))} {r.choice(['meters', 'metres', 'feet'])}",
    "country": country,
    "num": lambda r: digits(r, r.choice([2, 3])),
    "number": lambda r: r.choice(
        [digits(r, 2), digits(r, 3), f"{r.randint(1, 20)}.{r.randint(0, 9)}", large_number(r)]
    ),
    "dose": lambda r: f"{count(r)} {r.choice(['mg', 'tablets', 'drops', 'ml', 'grams', 'capsules'])}",
    "cond": trouble,
    "things": lambda r: article(thing(r)) + r.choice(["", f" and {article(thing(r))}"]),
    "clause": reason,
    "clause2": lambda r: r.choice(
        [article(thing(r)), f"too much {r.choice(NOUNS)}", f"{r.choice(ADJECTIVES)} {invented(r)}"]
    ),
    "imp": advice,
    "todo": task,
    "speed": lambda r: f"{digits(r, r.choice([2, 3]))} {r.choice(['km/h', 'mph'])}",
    "percent": lambda r: r.choice([f"{r.randint(0, 9)}.{r.randint(1, 9)}%", f"{r.randint(1, 60)} percent"]),
    "food": lambda r: r.choice([r.choice(words("foods")), invented(r)]),
    "food2": lambda r: r.choice([r.choice(words("fields")), thing(r) + "s"]),
    "language": lambda r: r.choice(words("languages")),
    "licence": lambda r: r.choice(words("licences")),
    "memory": lambda r: f"{r.choice([digits(r, 1), digits(r, 2), digits(r, 3)])} {r.choice(['MB', 'GB', 'kB'])}",
    "power": lambda r: (
        f"{r.choice([digits(r, 2), digits(r, 3), digits(r, 1) + '.5'])} {r.choice(['watts', 'kW', 'volts'])}"
    ),
    "who": lambda r: r.choice(words("groups")),
    "floor": floor,
}
