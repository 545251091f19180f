"""Questions that people asked: the words that answer, as the sentence writes them."""

import gzip
import json
import random

import pytest

from embedded import natural
from embedded.reading import dialogue

TEXT = "Nobody knew the cause at first. The fever is caused by the Lassa virus in most people. It was found in 1969."


@pytest.fixture
def library(tmp_path):
    def write(name, rows):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)

    write(
        "bioasq_golden",
        [
            {"question": "Which virus is it?", "exact_answer": [["LASSA VIRUS"]], "snippets": [{"text": TEXT}]},
            {"question": "Is the fever caused by a virus?", "exact_answer": "yes", "snippets": [{"text": TEXT}]},
            {"question": "Which drug helps?", "exact_answer": [["rib"]], "snippets": [{"text": TEXT}]},
        ],
    )
    answers = ["in 1969.", "The fever is caused by the Lassa virus in most people. It was found"]
    write("covidqa_docs", [{"doc_id": 1, "text": TEXT}])
    write(
        "covidqa_questions",
        [
            {"doc_id": 1, "question": f"Q{n}?", "answer": a, "answer_start": TEXT.index(a), "aligned": True}
            for n, a in enumerate(answers)
        ],
    )
    return natural.load(tmp_path)


def test_the_words_that_answer_are_found_in_their_sentence(library):
    found = {question: (gold, value) for question, _, _, gold, value in library.asked}
    caused = "The fever is caused by the Lassa virus in most people."
    assert found["Which virus is it?"] == (caused, "Lassa virus")
    assert found["Is the fever caused by a virus?"] == (caused, caused)  # nothing shorter answers
    assert found["Which drug helps?"][1] in TEXT and found["Which drug helps?"][1].endswith(
        "."
    )  # "rib" is no word of it
    assert found["Q0?"] == ("It was found in 1969.", "in 1969")
    assert [row[0] for row in library.named] == ["Which virus is it?", "Q0?"]


def test_short_answers_are_these_words_and_quotes_the_sentence(library):
    r = random.Random(1)
    said = {True: "", False: ""}
    for short in said:
        for _ in range(40):
            turns = dialogue(r, natural.asked_reading(r, library, 1), short=short).turns
            said[short] += " ".join(answer for _, answer in turns)
    assert "Lassa virus [1]." in said[True] and "in 1969 [1]." in said[True]
    assert "by the Lassa virus in most people [1]." in said[False]


def test_without_short_ones_all_questions_are_asked(library):
    rest = natural.Library([], [row for row in library.asked if row[3] == row[4]])
    assert rest.named == rest.asked
