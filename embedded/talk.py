"""Dialogues without reading: small talk, copying drills, unknown questions, and answers in a demanded style."""

from __future__ import annotations

import random

from embedded import free_text, relations
from embedded.lexicon import ADJECTIVES, NOUNS, VERBS, words
from embedded.names import ENTITIES
from embedded.phrases import advice
from embedded.reading import UNKNOWN, WITHOUT_PASSAGES, roughen, system_prompt
from embedded.rows import Dialogue
from embedded.values import any_piece, digits, invented, invented_name, person, upper_first

SMALL_TALK = [line.split("|") for line in words("small_talk")]
_GREETINGS = words("openings")
_THANKS = words("thanks")
_FAREWELLS = words("closings")
_ASK_STYLE = [
    'Begin every answer with "{a}" and end it with "{b}".',
    'Start with "{a}" and close with "{b}".',
    'Always say "{a}" first and "{b}" last.',
]


def small_talk(r: random.Random) -> Dialogue:
    chosen = r.sample(SMALL_TALK, r.choice([1, 2, 3]))
    return Dialogue(system_prompt(r, WITHOUT_PASSAGES), [(u, a) for u, a in chosen])


def unknown(r: random.Random) -> Dialogue:
    """A question without passages: the model says that it does not know."""
    turns = []
    for _ in range(r.choice([1, 2, 3])):
        if r.random() < 0.7:
            relation = r.choice(relations.by_entity(False)[r.choice(relations.entity_types(False))])
            name = ENTITIES[relation.entity](r)
            question = relations.fill(relations.form(r, relation.questions, False), name)
        else:
            question = r.choice(free_text.sentence(r)[1])[0]
        turns.append((roughen(r, upper_first(question)), UNKNOWN))
    return Dialogue(system_prompt(r, WITHOUT_PASSAGES), turns)


def _frame(r: random.Random) -> tuple[str, str]:
    opening = r.choice([*_GREETINGS, invented_name(r)])
    if r.random() < 0.7:
        opening += f", {r.choice(_THANKS)}"
    closing = r.choice([*_FAREWELLS, upper_first(advice(r))])
    if r.random() < 0.6:
        closing += f", {person(r)}"
    return opening + r.choice([".", "!"]), closing + r.choice([".", "!"])


def in_style(r: random.Random, plain: Dialogue) -> Dialogue:
    """The same dialogue with an opening and a closing that the system prompt demands."""
    opening, closing = _frame(r)
    asked = r.choice(_ASK_STYLE).format(a=opening, b=closing)
    turns = [(u, f"{opening} {a} {closing}") for u, a in plain.turns]
    return Dialogue(f"{plain.system} {asked}".strip(), turns)


def _word(r: random.Random) -> str:
    return r.choice(
        [
            invented(r),
            any_piece(r),
            any_piece(r),
            any_piece(r),
            r.choice(NOUNS),
            r.choice(ADJECTIVES),
            invented_name(r),
            r.choice(VERBS)[1],
            digits(r, r.randint(1, 4)),
        ]
    )


def drill(r: random.Random) -> Dialogue:
    """Copy a line, look up a key, or find the sentence with given words: the skills reading is made of."""
    kind = r.random()
    if kind < 0.35:
        line = " ".join(_word(r) for _ in range(r.randint(3, 30)))
        return Dialogue("", [(r.choice(["Repeat: ", "Say this: ", "Copy: "]) + line, line)])
    if kind < 0.7:
        keys = list(dict.fromkeys(_word(r) for _ in range(r.randint(3, 10))))
        values = [" ".join(_word(r) for _ in range(r.randint(1, 3))) for _ in keys]
        table = "\n".join(f"{k}: {v}" for k, v in zip(keys, values, strict=True)) + "\n"
        asked = r.sample(range(len(keys)), min(len(keys), 6))
        return Dialogue(
            "", [((table if not n else "") + f"{keys[i]}?", f"{keys[i]}: {values[i]}") for n, i in enumerate(asked)]
        )
    lines = [" ".join(_word(r) for _ in range(r.randint(4, 9))) + "." for _ in range(r.randint(3, 7))]
    turns = []
    for number, at in enumerate(r.sample(range(len(lines)), min(len(lines), 5))):
        parts = lines[at][:-1].split(" ")
        place = r.randrange(len(parts) - 1)
        key = " ".join(r.sample(parts, 2) if r.random() < 0.5 else parts[place : place + 2])
        turns.append(((" ".join(lines) + "\n" if not number else "") + "Find: " + key, lines[at]))
    return Dialogue("", turns)
