"""Questions about sentences that people wrote, made by inverting the sentence and leaving one part of it out.

Overgenerating by such rules is Heilman and Smith's way (2010, "Good Question! Statistical Ranking for Question
Generation"), here without a parser: a verb is a word that the text also uses with -ed or -ing.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from embedded.lexicon import DAYS, MONTHS, VERBS, words
from embedded.reading import Reading

AUXILIARIES = set("is are was were has have had can could will would may might must should".split())
_BE = {"is", "are", "was", "were"}
_PRONOUNS = set("this that these those there one which who what".split())
_BREAKS = set("and but or which that who whom whose because when while if as than so where although though".split())
_PREPOSITIONS = {
    "by": "By what",
    "with": "With what",
    "for": "For what",
    "from": "From where",
    "to": "To what",
    "about": "About what",
    "into": "Into what",
    "through": "Through what",
    "against": "Against what",
    **dict.fromkeys("in on at near under above below inside outside behind along across".split(), "Where"),
    **dict.fromkeys("within until before after during since".split(), "When"),
    **dict.fromkeys("of between among".split(), ""),
}
_TIMES = set(
    """second minute hour day night morning afternoon evening week weekend month year decade century spring summer
    autumn winter noon midnight moment beginning end time today dawn""".split()
)
_CALENDAR = {name.strip("s") for name in (*MONTHS, *DAYS)}
_NUMBERS = set("two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred".split())
_LONG = set("seconds minutes hours days weeks months years".split())
_MUCH = set("euros dollars pounds cents francs percent grams litres liters kilograms milligrams mg".split())
_PERSONS = set("i you he she it we they".split())
_OPENERS = set(
    "then perhaps maybe also however let imagine not no please here now thus hence still yet everything".split()
)
_DANGLING = _BREAKS | {"the", "a", "an", "of", "is", "are"}
_MOST = 9  # words of an answer
_JOINED = re.compile(r"[,;:]? (?:and|but|so|because|since|while|until|when|where|if|although|though|yet) |[;:] ")
_NOT_FIRST = _PRONOUNS | _BREAKS | set(_PREPOSITIONS) | _OPENERS
SAME = [group.split("|") for group in words("same_meaning")]
_FUNCTION = set(words("function_words")) | _PERSONS
_OTHERS = {word: [x for x in group if x != word] for group in SAME for word in group}


@dataclass(frozen=True)
class Clause:
    """`subject` before the verb, `said` the verb as written, `helper` and `rest` as a question needs them."""

    subject: list[str]
    said: str
    helper: str
    rest: list[str]


class Verbs:
    """Which words are verbs, learnt from a text: base forms and their past and present forms."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.seen = Counter(word for text in texts for word in re.findall(r"\b[a-z]+\b", text))
        self.past = {past: base for base, past in VERBS}
        self.past.update(pair.split(":") for pair in words("irregular_past"))
        self.bases = set(self.past.values())
        for word, count in self.seen.items():
            for base in self._stems(word, "ed") if count > 1 else ():
                self.past.setdefault(word, base)
                self.bases.add(base)

    def _stems(self, word: str, ending: str) -> list[str]:
        if not word.endswith(ending) or len(word) < len(ending) + 3:
            return []
        stem = word[: -len(ending)]
        forms = [stem[:-1]] if stem[-1] == stem[-2] else []
        forms += [stem + "e", stem, *([stem[:-1] + "y"] if stem[-1] == "i" else [])]
        known = [f for f in forms if self.seen[f]]
        return [max(known, key=lambda f: self.seen[f])] if known else []

    def present(self, word: str) -> str:
        """The base form of a verb in the third person, or ""."""
        forms = [word[:-1]] if word.endswith("s") and not word.endswith("ss") else []
        forms += [word[:-2]] if word.endswith("es") else []
        forms += [word[:-3] + "y"] if word.endswith("ies") else []
        return next((f for f in forms if f in self.bases), "")

    def name(self, word: str) -> bool:
        """Written with a capital inside sentences, and not only at their beginning."""
        return word[:1].isupper() and self.seen[word.lower()] == 0 and word.lower() not in _FUNCTION


def statements(sentence: str) -> list[str]:
    """The sentence, and its parts between conjunctions, each of which may say something of its own."""
    parts = _JOINED.split(sentence)
    return [sentence, *parts] if len(parts) > 1 else [sentence]


def clause(sentence: str, verbs: Verbs) -> Clause | None:
    """The first clause of a plain statement; None where the rules do not fit."""
    parts = sentence.rstrip(". ").split()
    if not parts or parts[0].lower() in _NOT_FIRST or parts[0].endswith("ly"):
        return None
    for at, word in enumerate(parts[:9]):
        if word[-1] in ",;:" or word in _BREAKS:
            return None
        if not at or at + 1 >= len(parts):
            continue
        subject, rest = parts[:at], parts[at + 1 :]
        if parts[at - 1].lower() in ("the", "a", "an", "of") or parts[at - 1].lower() in _PREPOSITIONS:
            continue
        if word in AUXILIARIES:
            return Clause(subject, word, word, rest)
        if word in verbs.past:
            return Clause(subject, word, "did", [verbs.past[word], *rest])
        plural = parts[at - 1].endswith("s") and not verbs.name(parts[at - 1])
        base = "" if plural else verbs.present(word)
        if base:
            return Clause(subject, word, "does", [base, *rest])
        if plural and word in verbs.bases and not word.endswith("s"):
            return Clause(subject, word, "do", [word, *rest])
    return None


def _until_break(rest: list[str], start: int, stops: set[str]) -> int:
    at = start
    while at < len(rest) and at - start < _MOST:
        if rest[at].lower() in stops and at > start:
            break
        at += 1
        if rest[at - 1][-1] in ",;:":
            break
    return at


def _bare(parts: list[str]) -> str:
    return " ".join(parts).strip(",;:()\"“”' ")


def _asking(preposition: str, span: list[str]) -> str:
    last = re.sub(r"s$", "", span[-1].strip(",;:").lower())
    year = any(re.fullmatch(r"(1[0-9]|20)\d\d", w.strip(",;:")) for w in span)
    named = any(w.strip(",;:s") in _CALENDAR for w in span)
    if _PREPOSITIONS[preposition] == "Where" and (year or last in _TIMES or named):
        return "When"
    if preposition == "at" and re.match(r"\d", span[0]):
        return "At what time"
    if preposition == "for" and re.match(r"[$€£\d]", span[0]):
        return "For how much" if span[0][0] in "$€£" or span[-1] in _MUCH else "For how long"
    if preposition == "by" and span[0][:1].isupper():
        return "By whom"
    return _PREPOSITIONS[preposition]


def _holes(rest: list[str], verbal: bool, verbs: Verbs) -> list[tuple[str, int, int, int]]:
    """Question word, where the hole begins and ends, and where the answer in it begins."""
    found: list[tuple[str, int, int, int]] = []
    stops = _BREAKS | set(_PREPOSITIONS)
    for at, word in enumerate(rest):
        low, following = word.strip(",;:").lower(), rest[at + 1].strip(",;:").lower() if at + 1 < len(rest) else ""
        number = re.search(r"\d", word) or low in _NUMBERS
        if low == "because" and at:
            found.append(("Why", at, min(len(rest), at + 10), at + (2 if following == "of" else 1)))
        elif low in _PREPOSITIONS and at and at + 1 < len(rest):
            end = _until_break(rest, at + 1, stops - {"of"})
            purpose = low == "to" and following in verbs.bases
            asking = "Why" if purpose else _asking(low, rest[at + 1 : end])
            if asking:
                found.append((asking, at, end, at if purpose else at + 1))
        elif number and following in _LONG:
            found.append(("How long", at, at + 2, at))
        elif number and (following in _MUCH or word[0] in "$€£"):
            found.append(("How much", at, at + (2 if following in _MUCH else 1), at))
        elif number and following.endswith("s") and word[-1] not in ",;:":
            found.append((f"How many {following}", at, at + 2, at))
    if verbal and len(rest) > 1 and rest[1].lower() not in stops:
        found.append(("What", 1, _until_break(rest, 1, stops - {"of"}), 1))
    return found


def _lowered(subject: list[str], verbs: Verbs) -> list[str]:
    """The subject as it stands inside a sentence."""
    first = subject[0]
    return subject if verbs.name(first) or first.isupper() else [first[0].lower() + first[1:], *subject[1:]]


def reworded(r: random.Random, question: str, share: float) -> str:
    """Some words replaced by others of the same meaning."""
    return " ".join(r.choice(_OTHERS[w]) if w in _OTHERS and r.random() < share else w for w in question.split(" "))


def ask(r: random.Random, sentence: str, verbs: Verbs, share: float = 0.4) -> tuple[str, str] | None:
    """A question that the sentence answers, and the words of it that do; None where no rule fits."""
    parts = statements(sentence)
    found = next((c for c in (clause(part, verbs) for part in r.sample(parts, len(parts))) if c), None)
    if found is None or not any(len(w) > 2 for w in found.rest) or "not" in found.rest[:2]:
        return None
    subject, verbal = _lowered(found.subject, verbs), found.helper in ("did", "does", "do")
    # Up to the first break only: what follows says something else.
    end = _until_break(
        found.rest, 0, {"and", "but", "which", "who", "while", "when", "if"} if r.random() < 0.7 else set()
    )
    rest = found.rest[: max(1, end)]
    options = [("hole", h) for h in _holes(found.rest, verbal, verbs) if h[1] <= end + 2]
    if len(rest) <= 8 and found.subject[0].lower() not in _PERSONS:
        options.append(("subject", ("Who" if verbs.name(subject[0]) else "What", 0, 0, 0)))
    if found.said in _BE and (rest[0].lower() in ("a", "an", "the") or not options):
        options.append(("is", ("What", 0, len(rest), 0)))
    if not options:
        return None
    kind, (asking, start, stop, answer) = r.choice(options)
    if kind == "subject":
        question, value = [asking, found.said, *(rest[1:] if verbal else rest)], found.subject
    elif kind == "is":
        question, value = (
            [asking, found.said, *subject],
            rest[: _until_break(rest, 0, _BREAKS | (set(_PREPOSITIONS) - {"of"}))],
        )
    else:
        tail = found.rest[stop:end] if r.random() < 0.4 else []
        question, value = [asking, found.helper, *subject, *found.rest[:start], *tail], found.rest[answer:stop]
    while question and question[-1].lower() in _DANGLING:
        question.pop()
    text, said = _bare(question), _bare(value)
    if not said or not 3 <= len(text.split(" ")) <= 18 or ("(" in said) != (")" in said):
        return None
    return reworded(r, text, share) + "?", said


def invert(r: random.Random, reading: Reading, verbs: Verbs, share: float) -> None:
    """Ask for another part of some sentences than their generator does, and some questions in other words."""
    asked = {item.question for item in reading.items}
    for item in reading.items:
        made = ask(r, item.sentence, verbs) if item.passage is not None and r.random() < share else None
        if made and made[0] not in asked and item.sentence.count(made[1]) == 1:
            item.question, item.value = made
            asked.add(made[0])
        elif r.random() < share:
            item.question = reworded(r, item.question, 0.3)
