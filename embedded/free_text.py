"""Sentences from a small free grammar, and word-salad ones, with questions that share their words."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from embedded.lexicon import ADJECTIVES, CITIES, COUNTRIES, DAYS, FILLERS, LAST_NAMES, MONTHS, NOUNS, VERBS, words
from embedded.phrases import advice, reason, task, trouble
from embedded.reading import Item, Passage, Reading
from embedded.values import (
    article,
    city,
    clock,
    company,
    count,
    country,
    date,
    duration,
    invented,
    invented_name,
    large_number,
    letters,
    money,
    person,
    thing,
    upper_first,
    year,
)

Rng = random.Random
Asked = tuple[str, list[tuple[str, str]]]
_GROUPS = words("groups_of_people")
_NO_PASSIVE = set(words("no_passive"))
_BODIES = words("bodies")


def subject(r: Rng) -> str:
    x = r.random()
    if x < 0.45:
        return person(r)
    if x < 0.75:
        return "the " + (thing(r) if r.random() < 0.75 else invented(r))
    if x < 0.9:
        return f"the {r.choice([invented_name(r), r.choice(CITIES), r.choice(LAST_NAMES)])} {r.choice(_BODIES)}"
    return company(r)


def thing_done(r: Rng) -> str:
    x = r.random()
    if x < 0.45:
        return r.choice(["the " + thing(r), article(thing(r))])
    if x < 0.65:
        return "the " + invented(r)
    if x < 0.8:
        return f"{count(r)} {r.choice(NOUNS)}s"
    return f"the {r.choice(NOUNS)} of {r.choice([invented_name(r), r.choice(CITIES), r.choice(COUNTRIES)])}"


def when(r: Rng) -> str:
    season = r.choice(["spring", "summer", "winter", "week", "night"])
    return r.choice(
        [
            f"in {year(r)}",
            f"on {r.choice(DAYS)}",
            f"on {date(r)}",
            f"in {r.choice(MONTHS)}",
            f"last {season}",
            f"at {clock(r)}",
        ]
    )


def where(r: Rng) -> str:
    return r.choice(
        [
            f"in {city(r)}",
            f"in {country(r)}",
            f"at the {thing(r)}",
            f"near the {r.choice(NOUNS)}",
            f"in the {r.choice(NOUNS)}",
        ]
    )


def how(r: Rng) -> str:
    return r.choice(
        [f"with {article(thing(r))}", f"with the help of {person(r)}", "by hand", f"with {article(invented(r))}"]
    )


_ADJUNCTS: list[tuple[str, Callable[[Rng], str], float]] = [
    ("How", how, 0.25),
    ("Where", where, 0.4),
    ("When", when, 0.45),
    ("Why", lambda r: "because " + reason(r), 0.25),
]


def deed(r: Rng) -> Asked:
    """Somebody did something, perhaps somewhere, some time, for a reason; also in the passive."""
    who, (verb, past), what = subject(r), r.choice(VERBS), thing_done(r)
    extras = {word: make(r) for word, make, share in _ADJUNCTS if r.random() < share}
    tail = "".join(" " + extras[word] for word in ("How", "Where", "When", "Why") if word in extras)
    if r.random() < 0.2:
        sentence = f"{what} {'were' if what[0].isdigit() or what.endswith('s') else 'was'} {past} by {who}{tail}."
        if past in _NO_PASSIVE:
            sentence = f"{who} {past} {what}{tail}."
    elif "When" in extras and r.random() < 0.3:
        tail = tail.replace(" " + extras["When"], "")
        sentence = f"{extras['When']}, {who} {past} {what}{tail}."
    else:
        sentence = f"{who} {past} {what}{tail}."
    asked = [(f"What did {who} {verb}?", what), (f"Who {past} {what}?", who)]
    if r.random() < 0.3:
        asked.append((f"What do we know about {who}?", what))
    asked += [(f"{word} did {who} {verb} {what}?", text) for word, text in extras.items()]
    return upper_first(sentence), asked


def _framed(r: Rng, kind: str, name: str, what: str) -> Asked:
    def fill(frame: str) -> str:
        return upper_first(frame.replace("{n}", name).replace("{w}", what))

    asked = r.sample(words(f"{kind}_questions"), 2)
    return fill(r.choice(words(f"{kind}_sentences"))), [(fill(q), what) for q in asked]


def remedy(r: Rng) -> Asked:
    return _framed(r, "remedy", trouble(r), advice(r))


def guide(r: Rng) -> Asked:
    return _framed(r, "guide", task(r), advice(r))


def definition(r: Rng) -> Asked:
    name = r.choice([invented_name(r), invented(r), article(invented(r)), "the " + r.choice(NOUNS), letters(r)])
    use = r.choice(
        ["helps people", f"is used to {r.choice(VERBS)[0]} the {r.choice(NOUNS)}", f"comes from {country(r)}",
         f"can {r.choice(VERBS)[0]} {article(r.choice(NOUNS))}", f"needs {article(thing(r))}"]
    )  # fmt: skip
    kind = r.choice(
        [f"is {article(thing(r))} that", f"is a kind of {thing(r)} which", f"means {article(thing(r))} that"]
    )
    asked = [
        f"What is {name}?",
        f"What does {name} mean?",
        f"Explain {name}.",
        f"Tell me about {name}.",
        f"Define {name}.",
    ]
    return upper_first(f"{name} {kind} {use}."), [(q, use) for q in r.sample(asked, 2)]


def permission(r: Rng) -> Asked:
    group, deed_text, may = r.choice(_GROUPS), task(r), r.choice(["may", "can", "must", "should"])
    term = r.choice(
        [f"within {duration(r)}", f"until {clock(r)}", f"for {money(r)}",
         f"on {r.choice(DAYS)}s", f"after {duration(r)}",
         f"with {article(thing(r))}", "free of charge", "only once a week"]
    )  # fmt: skip
    word = "When" if term.split()[0] in ("within", "until", "on", "after") else "On what terms"
    second = f"Can {group} {deed_text}?" if may in ("may", "can") else f"What {may} {group} do?"
    return upper_first(f"{group} {may} {deed_text} {term}."), [
        (f"{word} {may} {group} {deed_text}?", term),
        (second, term),
    ]


def statement(r: Rng) -> Asked:
    """Quantities, reports and comparisons, with decimals and capital letters inside."""
    name, number = r.choice([letters(r), invented_name(r), city(r), thing(r) + "s"]), large_number(r)
    noun, place = r.choice(NOUNS) + "s", r.choice([city(r), country(r), "the " + r.choice(NOUNS)])
    kind = r.randrange(6)
    if kind == 0:
        return f"There are {number} {noun} in {place}.", [(f"How many {noun} are there in {place}?", number)]
    if kind == 1:
        who, claim = person(r), reason(r)
        asked = [f"What does {who} say?", f"What happened according to {who}?"]
        return f"According to {who}, {claim}.", [(q, claim) for q in asked]
    if kind == 2:
        rate = f"{r.randint(1, 99)}.{r.randint(1, 9)} percent"
        asked = [f"What share of the {noun} in {place} is it?", f"How many of the {noun} in {place} are like that?"]
        return f"About {rate} of the {noun} in {place} are {r.choice(ADJECTIVES)}.", [(q, rate) for q in asked]
    if kind == 3:
        full = f"{invented_name(r)} {r.choice(NOUNS).title()} {r.choice(_BODIES).title()}"
        return f"{name} stands for {full}.", [(f"What does {name} stand for?", full)]
    if kind == 4:
        span = f"{year(r)} to {year(r)}"
        who = person(r)
        asked_of = [(f"When did {who} live in {place}?", span), (f"Where did {who} live?", place)]
        return f"From {span}, {who} lived in {place}.", asked_of
    word = r.choice(ADJECTIVES)
    one, two = thing(r), thing(r)
    return f"The {one} is more {word} than the {two}.", [(f"What is more {word} than the {two}?", one)]


_KINDS: list[tuple[Callable[[Rng], Asked], float]] = [
    (deed, 0.46), (remedy, 0.12), (guide, 0.12), (definition, 0.1), (permission, 0.08), (statement, 0.12),
]  # fmt: skip


def sentence(r: Rng) -> Asked:
    text, asked = r.choices([k for k, _ in _KINDS], [w for _, w in _KINDS])[0](r)
    return re.sub(r"\ba (?=[aeio][a-z])", "an ", text), asked


def some_title(r: Rng) -> str:
    return r.choice(
        [upper_first(thing(r)), f"{r.choice(NOUNS).title()} {r.choice(NOUNS)}", person(r), company(r),
         f"{invented_name(r)} {r.choice(NOUNS)}",
         upper_first(task(r)), city(r)]
    )  # fmt: skip


def reading(r: Rng, passages: int) -> Reading:
    out = Reading([], [])
    for index in range(passages):
        passage = Passage(some_title(r))
        for _ in range(r.choice([1, 2, 2, 3, 3, 4] if passages < 4 else [1, 2])):
            if r.random() < 0.1:
                passage.sentences.append(r.choice(FILLERS))
                continue
            text, asked = sentence(r)
            passage.sentences.append(text)
            question, value = r.choice(asked)
            out.items.append(Item(question, index, text, value))
        out.passages.append(passage)
    out.items += [Item(sentence(r)[1][0][0]) for _ in range(2)]
    return out
