"""Tiny lookups, the first rungs of reading: which passage holds a word, what stands beside a key, what is said of it.

Whole exercises alone left a model at chance: it found the kind of sentence asked for and guessed among the passages.
Each rung needs one step more than the one before. Passages hold one to three things each: where every passage answers
exactly one question, the one not named yet is a better guess than chance, and that guess was all that was learnt.
"""

from __future__ import annotations

from collections.abc import Callable

from embedded import relations
from embedded.kinds import VALUES
from embedded.lexicon import ADJECTIVES, CITIES, FIRST_NAMES, LAST_NAMES, NOUNS
from embedded.names import ENTITIES
from embedded.reading import Item, Passage, Reading
from embedded.values import Rng, digits, invented_name, upper_first

ASKED = 8
ABSENT = 2
_WHERE = ["{}", "{}?", "Where is {}?", "In which passage is {}?", "What is said of {}?"]
_WHAT = ["{}", "{}?", "What about {}?", "Tell me about {}.", "What is said of {}?"]
_KEYS: list[Callable[[Rng], list[str]]] = [
    lambda r: [r.choice(FIRST_NAMES)],
    lambda r: [invented_name(r)],
    lambda r: ["the", r.choice(NOUNS)],
    lambda r: ["the", r.choice(ADJECTIVES), r.choice(NOUNS)],
    lambda r: [r.choice(FIRST_NAMES), r.choice(LAST_NAMES)],
]
_WORDS: list[Callable[[Rng], str]] = [
    lambda r: r.choice(NOUNS),
    lambda r: r.choice(CITIES),
    lambda r: r.choice(ADJECTIVES),
    lambda r: digits(r, r.randint(1, 3)),
    invented_name,
]


def distinct(make: Callable[[], str], count: int) -> list[str]:
    """So many different words, or fewer where there are no more."""
    found: dict[str, None] = {}
    for _ in range(60 * count):
        if len(found) == count:
            break
        found.setdefault(make())
    return list(found)


def word(r: Rng) -> str:
    return r.choice(_WORDS)(r)


def keys(r: Rng, count: int) -> list[str]:
    """Names of one kind; now and then all are like the first but for one word."""
    kind = r.choice(_KEYS)
    first = kind(r)
    if len(first) == 1 or (first[0] == "the" and len(first) == 2) or r.random() > 0.35:
        return distinct(lambda: " ".join(kind(r)), count)
    at = r.choice([len(first) - 1, len(first) - 2])
    return distinct(lambda: " ".join([*first[:at], kind(r)[at], *first[at + 1 :]]), count)


def shelves(r: Rng, passages: int, sizes: tuple[int, ...] = (1, 1, 2, 3)) -> list[int]:
    """The passage of each thing, in order."""
    return [index for index in range(passages) for _ in range(r.choice(sizes))]


def placed(r: Rng, passages: int) -> Reading:
    """Words and names, nothing else; asked is which passage has one of them."""
    homes = shelves(r, r.randint(passages, 2 * passages), (1, 1, 1, 1, 2, 3))
    pool = distinct(lambda: word(r) if r.random() < 0.7 else " ".join(r.choice(_KEYS)(r)), len(homes) + ABSENT)
    frame = r.choice(_WHERE)
    known = [Item(frame.format(w), home, w, w) for home, w in zip(homes, pool, strict=False)]
    chosen = r.sample(known, max(1, len(known) // 2))
    out = Reading([], chosen + [Item(frame.format(w)) for w in pool[len(homes) :]])
    for index in range(1 + max(item.passage or 0 for item in known)):
        words = " ".join(item.value for item in known if item.passage == index)
        out.passages.append(Passage("", [upper_first(words) + "."]))
    for item in known:
        item.sentence = out.passages[item.passage or 0].sentences[0]
    return out


def told(r: Rng, passages: int) -> Reading:
    """Keys with one word behind each; asked is the word."""
    homes = shelves(r, passages)
    names, words = keys(r, len(homes) + ABSENT), distinct(lambda: word(r), len(homes))
    frame = r.choice(_WHAT)
    sentences = [f"{upper_first(name)} {said}." for name, said in zip(names, words, strict=False)]
    known = [Item(frame.format(n), *rest) for n, *rest in zip(names, homes, sentences, words, strict=False)]
    return shelved(r, names, known, [frame.format(name) for name in names[len(known) :]])


def stated(r: Rng, passages: int) -> Reading:
    """The same kind of fact of everything, so that only the name can decide."""
    homes = shelves(r, passages)
    relation = r.choice([x for x in relations.relations() if not x.held_out])
    count = len(homes) + ABSENT
    names = keys(r, count) if r.random() < 0.5 else distinct(lambda: ENTITIES[relation.entity](r), count)
    values = distinct(lambda: VALUES[relation.value](r), len(homes))
    statement, question = (relations.form(r, x, False) for x in (relation.statements, relation.questions))
    alike = r.random() < 0.5
    questions = [
        relations.fill(question if alike else relations.form(r, relation.questions, False), name) for name in names
    ]
    sentences = [
        relations.fill(statement if alike else relations.form(r, relation.statements, False), name, value)
        for name, value in zip(names, values, strict=False)
    ]
    known = [Item(*parts) for parts in zip(questions, homes, sentences, values, strict=False)]
    return shelved(r, names, known, questions[len(known) :])


def shelved(r: Rng, names: list[str], known: list[Item], missing: list[str]) -> Reading:
    """The sentences in their passages, half of these under the name of their first thing."""
    out = Reading([], known + [Item(question) for question in missing])
    for index in range(1 + max(item.passage or 0 for item in known)):
        mine = [at for at, item in enumerate(known) if item.passage == index]
        title = relations.title_of(names[mine[0]]) if mine and r.random() < 0.5 else ""
        out.passages.append(Passage(title, [known[at].sentence for at in mine]))
    return out


RUNGS = {"placed": placed, "told": told, "stated": stated}
SHARES = (0.4, 0.2, 0.4)


def reading(r: Rng) -> Reading:
    make = r.choices(list(RUNGS.values()), SHARES)[0]
    return make(r, r.choice([2, 3, 4, 5]))
