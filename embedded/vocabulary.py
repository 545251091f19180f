"""Trains the tokenizer on generated text, the word lists and, where present, the natural corpora."""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer

from embedded import domain, facts, lexicon, tokenizer, values
from embedded.mix import GROWING, Mix
from embedded.pretrain import HOME

EXERCISES = 7000
NATURAL_RUNS = 20000


def texts(mix: Mix, seed: int = 7) -> Iterator[str]:
    r = random.Random(seed)
    values.use_pieces(lexicon.NOUNS)  # invented words of real ones: the merges go to words that exist
    for _ in range(EXERCISES):
        drawn = mix.draw(r, GROWING)
        yield "\n".join([drawn.system, *(part for turn in drawn.turns for part in turn)])
    words = lexicon.NOUNS + lexicon.ADJECTIVES + lexicon.FIRST_NAMES + lexicon.LAST_NAMES
    words += lexicon.CITIES + lexicon.COUNTRIES
    words += [form for verb in lexicon.VERBS for form in verb]
    for word in sorted(set(words)):
        yield " ".join([word] * 12) + " " + " ".join([word.capitalize()] * 6)
    for phrase in lexicon.ADVICE + lexicon.TASKS + lexicon.TROUBLES + lexicon.FILLERS:
        yield (phrase + " ") * 6
    for row in domain.training_rows(facts.facts())[::4]:
        yield row["question"] + " " + row["answer"]
    for _, run in mix.library.runs[:NATURAL_RUNS]:
        yield " ".join(run)


def write(target: Path, data: Path | None) -> Tokenizer:
    made = tokenizer.train(texts(Mix(None, data)))
    target.parent.mkdir(parents=True, exist_ok=True)
    made.save(str(target))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HOME / "tokenizer.json")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    a = parser.parse_args()
    print(write(a.out, a.data if a.data.is_dir() else None).get_vocab_size())


if __name__ == "__main__":
    main()
