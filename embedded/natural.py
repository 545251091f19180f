"""Reading exercises from text and questions that people wrote, when the optional data folder is there."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from embedded import questions
from embedded.lexicon import ADJECTIVES, FILLERS, NOUNS, TASKS
from embedded.reading import Item, Passage, Reading
from embedded.values import upper_first

CREDITS = (
    "OpenStax nursing, economics and anthropology textbooks (CC BY 4.0)",
    "PowerShell-Docs (CC BY 4.0), Python Enhancement Proposals (public domain/CC0), the Rust book (MIT/Apache-2.0)",
    "classic books in the public domain",
    "BioASQ golden questions (CC BY 2.5)",
    "COVID-QA (Apache-2.0)",
    "MedQuAD (CC BY 4.0)",
)
LONGEST = (55, 90, 130)  # words of a passage: several passages must be short to fit a row
CLOZE = 0.05  # share of questions that are words in a row; most are inverted sentences
_SPLIT = re.compile(r"(?<=[a-z0-9)%\]”\"][.!?])\s+(?=[A-Z“\"])")
_ABBREVIATION = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|St|vs|Fig|No|al|etc|e\.g|i\.e)|\b[A-Z])\.$")
_STOP = set(
    """
    the a an of to in and for with on at by from that is was are were be been as it its or which has have had will
    can may this these those their they them he she his her him not more after before between about into than who if
    but also such there what when where how why does did do we you your our i my me one all any some most other no
    so only then very
    """.split()
)
_PLAIN = re.compile(r"^[\w ,.;:'’()%\"“”/+-]+$")


def sentences(text: str) -> list[str]:
    """Split prose; a piece that ends in an abbreviation is joined to the next."""
    out: list[str] = []
    for piece in _SPLIT.split(re.sub(r"\s+", " ", text)):
        if out and _ABBREVIATION.search(out[-1]):
            out[-1] += " " + piece
        else:
            out.append(piece.strip())
    return out


def usable(sentence: str) -> bool:
    words = sentence.count(" ") + 1
    return 5 <= words <= 38 and sentence[-1:] == "." and sentence[:1].isupper() and bool(_PLAIN.match(sentence))


def content_words(text: str) -> list[str]:
    return [w for w in re.findall(r"[\w'’-]+", text) if w.lower() not in _STOP and len(w) > 2]


@dataclass
class Library:
    """Runs of usable sentences by document, and questions with the sentences around their answer."""

    runs: list[tuple[str, list[str]]] = field(default_factory=list)
    # question, title, sentences, the one that answers, the words of it that do
    asked: list[tuple[str, str, list[str], str, str]] = field(default_factory=list)

    @cached_property
    def named(self) -> list[tuple[str, str, list[str], str, str]]:
        """The questions whose answer is shorter than its sentence; all, when there are none."""
        return [x for x in self.asked if x[3] != x[4]] or self.asked

    @cached_property
    def verbs(self) -> questions.Verbs:
        return questions.Verbs([s for _, run in self.runs for s in run] or [*NOUNS, *ADJECTIVES, *TASKS, *FILLERS])

    def question(self, r: random.Random, sentence: str) -> tuple[str, str] | None:
        """A question that this sentence answers and the words that do; seldom only some of its words in a row."""
        if r.random() < CLOZE:
            return cloze(r, sentence)
        return questions.ask(r, sentence, self.verbs)

    def __bool__(self) -> bool:
        return bool(self.runs)


def _rows(folder: Path, name: str) -> Iterator[dict]:
    path = folder / f"{name}.jsonl.gz"
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def _runs(text: str) -> Iterator[list[str]]:
    """Stretches of consecutive usable sentences of one text."""
    for paragraph in re.split(r"\n\s*\n", text):
        run: list[str] = []
        for sentence in sentences(paragraph):
            if usable(sentence):
                run.append(sentence)
            elif len(run) >= 2:
                yield run
                run = []
            else:
                run = []
        if len(run) >= 2:
            yield run


def _title(row: dict) -> str:
    title = row.get("title") or Path(row.get("path", "")).stem
    return re.sub(r"\s+", " ", re.sub(r"[#*_`]", " ", title)).strip()[:60]


def _best(question: str, candidates: list[str]) -> str:
    asked = {w.lower() for w in content_words(question)}
    return max(candidates, key=lambda s: len(asked & {w.lower() for w in content_words(s)}))


def _named(row: dict, parts: list[str]) -> tuple[str, str] | None:
    """The first sentence with one of the answers that people gave, and this answer as the sentence writes it."""
    for part in parts:
        for answer in (name for names in row.get("exact_answer") or [] if isinstance(names, list) for name in names):
            found = re.search(rf"(?<!\w){re.escape(answer.strip())}(?!\w)", part, re.I)
            if found and found.group():
                return part, found.group()
    return None


def _asked(folder: Path) -> Iterator[tuple[str, str, list[str], str, str]]:
    for row in _rows(folder, "bioasq_golden"):
        for snippet in row["snippets"][:3]:
            parts = [s for s in sentences(snippet["text"]) if usable(s)][:4]
            if parts:
                best = _best(row["question"], parts)
                yield row["question"], "", parts, *(_named(row, parts) or (best, best))
    for row in _rows(folder, "medquad_2000"):
        parts = [s for s in sentences(row["answer"][:900]) if usable(s)][:4]
        if len(parts) >= 2:
            gold = _best(row["question"], parts[:2])
            yield row["question"].replace(" ?", "?"), row["focus"], parts, gold, gold
    documents = {row["doc_id"]: row["text"] for row in _rows(folder, "covidqa_docs")}
    for row in _rows(folder, "covidqa_questions"):
        text, at = documents.get(row["doc_id"], ""), row["answer_start"]
        parts = [s for s in sentences(text[max(0, at - 350) : at + 450]) if usable(s)]
        answer = row["answer"].strip()
        gold = [s for s in parts if answer[:40] in s]
        if gold and row["aligned"]:
            place = parts.index(gold[0])
            value = answer.rstrip(".") if answer.rstrip(".") in gold[0] else gold[0]
            yield row["question"], "", parts[max(0, place - 2) : place + 3], gold[0], value


def load(folder: Path) -> Library:
    """Read the data folder; missing files only make the library smaller."""
    library = Library()
    budgets = {"corpus_ccby": 40000, "corpus_pd": 50000, "corpus_tech": 2500, "covidqa_docs": 12000}
    for name, budget in budgets.items():
        for row in _rows(folder, name):
            text = row["text"][1500 : 1500 + budget] if name == "corpus_pd" else row["text"][:budget]
            library.runs += [(_title(row), run) for run in _runs(text)]
    library.asked = list(_asked(folder))
    return library


def cloze(r: random.Random, sentence: str) -> tuple[str, str] | None:
    """A question made of a sentence's own words, with a fitting question word and the part it asks for left out."""
    body = sentence.rstrip(".")
    subject = re.match(r"(?:The |A |An )?((?:[\w-]+ ){0,3}[\w-]+) (is|are|was|were|means|refers to) ", sentence)
    if subject and r.random() < 0.5 and subject[1].lower() not in _STOP:
        verb = subject[2] if subject[2] in ("is", "are", "was", "were") else "is"
        return f"What {verb} {body[0].lower() + body[1 : subject.end(1)]}?", body[subject.end() :]
    words = body.split(" ")
    groups: list[tuple[str, int]] = []
    for at, word in enumerate(words):
        if re.fullmatch(r"(1[5-9]|20)\d\d,?", word):
            groups += [("When", at), ("In what year", at)]
        elif re.search(r"\d", word) or word in ("two", "three", "four", "five", "six", "seven", "ten"):
            groups += [("How many", at), ("How much", at)]
        elif at and word[:1].isupper():
            groups += [("Who", at), ("Which", at), ("Where", at)]
        elif at > 2 and word.lower() == "because":
            groups.append(("Why", at))
    asking, hole = r.choice(groups) if groups else (r.choice(["What", "How", "Why", "Which"]), len(words))
    rest = [w.strip(',;:()"“”') for at, w in enumerate(words) if not hole <= at <= hole + 1]
    keys = [at for at, w in enumerate(rest) if w.lower() not in _STOP and len(w) > 2]
    if len(keys) < 2:
        return None
    if r.random() < 0.5:
        first = r.choice(keys[: max(1, len(keys) - 1)])
        chosen = rest[first : first + r.randint(3, 8)]
    else:
        chosen = [rest[at] for at in sorted(r.sample(keys, min(len(keys), r.randint(2, 5))))]
    helper = r.choice(["", "", " did", " is", " does", " are"])
    return f"{asking}{helper} {' '.join(chosen)}?", words[hole].strip(',;:()"“”') if hole < len(words) else chosen[-1]


def _window(r: random.Random, run: list[str], longest: int) -> list[str]:
    """Neighbouring sentences of at most so many words together, but for a longer first one."""
    start = r.randrange(max(1, len(run) - 2))
    out: list[str] = []
    for sentence in run[start : start + r.randint(2, max(4, longest // 15))]:
        if out and sum(s.count(" ") + 1 for s in out) + sentence.count(" ") > longest:
            break
        out.append(sentence)
    return out


def prose_reading(r: random.Random, library: Library, passages: int) -> Reading:
    """Real paragraphs with questions made of their sentences; up to three about other texts are unanswerable."""
    out = Reading([], [])
    start = r.randrange(len(library.runs))
    longest = r.choice({1: LONGEST, 2: LONGEST[:2]}.get(passages, LONGEST[:1]))
    for index in range(passages):
        # Neighbours in the library come from the same document: near in topic, so harder to choose among.
        place = start + index if r.random() < 0.5 else r.randrange(len(library.runs))
        title, run = library.runs[place % len(library.runs)]
        passage = Passage(title, _window(r, run, longest))
        out.passages.append(passage)
        for sentence in passage.sentences * 2:
            made = library.question(r, sentence)
            if made and made[0] not in (item.question for item in out.items):
                out.items.append(Item(made[0], index, sentence, made[1]))
    for _ in range(3):
        # What the next paragraphs say is near in topic and not there, so harder to miss than what another text says.
        beyond = (start + passages + r.randrange(3)) % len(library.runs)
        _, run = library.runs[beyond] if r.random() < 0.5 else r.choice(library.runs)
        made = library.question(r, r.choice(run))
        if made:
            out.items.append(Item(made[0]))
    return out


def asked_reading(r: random.Random, library: Library, passages: int) -> Reading:
    """Questions people asked; the answer is the sentence that holds it, other passages answer other questions."""
    out = Reading([], [])
    for index in range(passages):
        question, title, parts, gold, value = r.choice(library.asked if r.random() < 0.4 else library.named)
        out.passages.append(Passage(title, list(parts)))
        out.items.append(Item(upper_first(question), index, gold, value))
        for sentence in parts:
            made = library.question(r, sentence) if sentence != gold and r.random() < 0.6 else None
            if made:
                out.items.append(Item(made[0], index, sentence, made[1]))
    out.items.append(Item(upper_first(r.choice(library.asked)[0])))
    return out
