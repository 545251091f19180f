"""Values of several words: reasons, advice, tasks, causes, signs, fields of work, floors."""

from __future__ import annotations

from embedded.lexicon import ADJECTIVES, ADVICE, NOUNS, REASONS, TASKS, TROUBLES, VERBS, words
from embedded.values import Rng, article, digits, duration, invented, thing


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
    x = r.random()
    if x < 0.4:
        return r.choice(TASKS)
    if x < 0.7:
        return r.choice(
            [
                f"bring your {thing(r)}",
                f"do not {r.choice(VERBS)[0]} for {duration(r)}",
                f"wear {article(thing(r))}",
                f"{r.choice(VERBS)[0]} your {thing(r)} {r.choice(['the evening before', 'in time'])}",
                f"stay away from {thing(r)}",
            ]
        )
    return f"{r.choice(VERBS)[0]} the {r.choice([thing(r), invented(r)])}"


def origin(r: Rng) -> str:
    """What something comes from, as a noun phrase of one to some words."""
    return r.choice(
        [
            article(thing(r)),
            f"too {r.choice(['much', 'little'])} {r.choice(NOUNS)}{r.choice(['', f' or {r.choice(NOUNS)}'])}",
            f"a lack of {r.choice(NOUNS)}",
            f"{r.choice(ADJECTIVES)} {r.choice([invented(r), r.choice(NOUNS)])}",
            f"{thing(r)} and {thing(r)}",
            f"{thing(r)} {r.choice(['in', 'on', 'near', 'at'])} the {r.choice(NOUNS)}",
            f"{r.choice(words('hobbies'))} for {r.choice(['many hours', 'a whole day', 'too long'])}",
        ]
    )


def sign(r: Rng) -> str:
    """By what one knows that something is serious, as a clause."""
    time = r.choice(["day", "night", "week", "month"])
    return r.choice(
        [
            f"it lasts longer than {duration(r)}",
            f"it {r.choice(['comes back', 'gets worse', 'happens'])} every {time}",
            f"it does not {r.choice(['stop', 'get better', 'go away'])} after {duration(r)}",
            f"you cannot {r.choice(VERBS)[0]}{r.choice(['', f' for {duration(r)}'])}",
            f"you {r.choice(['see', 'feel', 'hear', 'lose'])} {article(thing(r))}",
            f"your {r.choice(NOUNS)} {r.choice(['hurts', 'swells', 'turns red', 'feels numb', 'falls out'])}",
            f"you also have {trouble(r)}",
            reason(r),
        ]
    )


def field(r: Rng) -> str:
    """What somebody works in."""
    x = r.random()
    if x < 0.4:
        return r.choice(words("fields"))
    kind = r.choice(["care", "medicine", "health", "surgery", "repair", "law", "history", "pain"])
    return f"{thing(r)} {kind}" if x < 0.7 else thing(r) + "s"


def trouble(r: Rng) -> str:
    return r.choice(TROUBLES) if r.random() < 0.7 else r.choice([article(invented(r)), invented(r)])


def floor(r: Rng) -> str:
    level = f"the {r.choice(['ground', 'first', 'second', 'third', 'fourth', 'top', 'lower'])} floor"
    where = [
        f"{r.choice(['next to', 'behind', 'opposite', 'beside', 'left of', 'by'])} the {thing(r)}",
        f"opposite room {digits(r, 2)}",
        f"at the end of the {r.choice(NOUNS)}",
        "under the roof",
        "",
        "",
    ]
    return "the basement" if r.random() < 0.1 else f"{level} {r.choice(where)}".rstrip()
