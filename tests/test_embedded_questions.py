"""Questions made of sentences by rules: what is asked, what answers it, and which sentences are left alone."""

import random

import pytest

from embedded import natural, questions
from embedded.mix import Mix
from embedded.reading import Item, Passage, Reading

TEXT = """
they carried the lamp and will carry it again, carrying more. he studied what we study. the shop stopped to stop.
plants need water and needed it, needed it again. the keeper opened the door; people open doors, opened them.
he studied more, and carried more, and stopped again. the nurse keeps notes. people keep bees. a wide harbour
"""


@pytest.fixture
def verbs():
    return questions.Verbs([TEXT])


def every(sentence, verbs):
    """All questions that the rules find, with what answers them."""
    found = (questions.ask(random.Random(n), sentence, verbs, share=0.0) for n in range(60))
    return {made for made in found if made}


def test_verbs_are_learnt_from_their_forms_with_ed(verbs):
    assert {verbs.past[w] for w in ("carried", "studied", "stopped", "needed")} == {"carry", "study", "stop", "need"}
    assert verbs.past["went"] == "go"
    assert verbs.present("carries") == "carry" and verbs.present("needs") == "need"
    assert verbs.present("lamps") == "" and verbs.present("glass") == ""


def test_names_are_the_words_that_the_text_never_writes_small(verbs):
    assert verbs.name("Lisbon")
    assert not verbs.name("The") and not verbs.name("Plants") and not verbs.name("lamp")


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        ("The keeper opened the door in 1912.", "When did the keeper open the door?", "1912"),
        ("The keeper opened the door in Lisbon.", "Where did the keeper open the door?", "Lisbon"),
        ("The keeper opened the door at 7:15 am.", "At what time did the keeper open the door?", "7:15 am"),
        ("The keeper opened the door in Lisbon.", "What opened the door in Lisbon?", "The keeper"),
        ("Lisbon needs water.", "What does Lisbon need?", "water"),
        ("Lisbon needs water.", "Who needs water?", "Lisbon"),
        ("The plants need water.", "What do the plants need?", "water"),
        ("The lamp was carried by Ines.", "By whom was the lamp carried?", "Ines"),
        ("The lamp is a wide harbour.", "What is the lamp?", "a wide harbour"),
        ("The door was shut because it rained.", "Why was the door shut?", "it rained"),
        ("The lamp can be carried for two hours.", "How long can the lamp be carried for?", "two hours"),
        ("The shop will open for 12 euros.", "For how much will the shop open?", "12 euros"),
        ("The shop may carry 40 lamps.", "How many lamps may the shop carry?", "40 lamps"),
        ("The door was opened to carry the lamp.", "Why was the door opened?", "to carry the lamp"),
    ],
)
def test_a_statement_is_inverted(verbs, sentence, question, answer):
    assert (question, answer) in every(sentence, verbs)


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        ".",
        "Carry.",
        "This needs water.",
        "When the keeper opened the door, it rained.",
        "Suddenly the keeper opened the door.",
        "The keeper, an old man, opened the door.",
        "The lamp is not a harbour.",
        "Nothing here to see",
        "( ) ; : ,",
    ],
)
def test_a_sentence_that_no_rule_fits_is_left_alone(verbs, sentence):
    assert not every(sentence, verbs)


def test_the_answer_is_always_words_of_the_sentence(verbs):
    sentences = [
        "Plants need water and it needs them.",
        "The keeper opened (and shut) the door (of the shop) in 1912, in Lisbon.",
        "The lamp was carried by Ines for two hours with care, because the door, which was shut, needed water.",
    ]
    found = [(s, *made) for s in sentences for made in every(s, verbs)]
    assert len(found) > 5
    for sentence, question, answer in found:
        assert answer in sentence and question.endswith("?") and len(question.split()) <= 18


def test_each_part_of_a_joined_sentence_is_asked_about(verbs):
    found = every("There was no lamp, so Ines needed water and the keeper opened the door in 1912.", verbs)
    assert {("What did Ines need?", "water"), ("When did the keeper open the door?", "1912")} <= found


def test_a_pronoun_is_asked_about_but_is_no_answer(verbs):
    found = every("She needed water in Lisbon.", verbs)
    assert ("Where did she need water?", "Lisbon") in found
    assert not any(answer.lower() == "she" for _, answer in found)


def test_words_are_replaced_by_others_of_their_meaning_only():
    r = random.Random(3)
    assert questions.reworded(r, "Where did the doctor buy it?", 0.0) == "Where did the doctor buy it?"
    for _ in range(20):
        words = questions.reworded(r, "Where did the doctor buy it?", 1.0).split()
        assert words[:3] == ["Where", "did", "the"] and words[3] == "physician" and words[4] in ("purchase", "get")


def test_no_word_stands_in_its_own_group_twice():
    assert all(len(group) == len(set(group)) >= 2 for group in questions.SAME)


def test_an_exercise_is_asked_for_other_parts_where_that_is_unambiguous(verbs):
    def exercise():
        told = ["The keeper opened the door in 1912.", "Lisbon needs water."]
        items = [Item("Which year?", 0, told[0], "1912"), Item("What?", 0, told[1], "water"), Item("Nothing?")]
        return Reading([Passage("", told)], items)

    seen = set()
    for n in range(40):
        reading = exercise()
        questions.invert(random.Random(n), reading, verbs, share=1.0)
        assert reading.items[2].question == "Nothing?"
        assert all(item.value in item.sentence for item in reading.items)
        seen |= {(item.question, item.value) for item in reading.items}
    assert {("What does Lisbon need?", "water"), ("Who needs water?", "Lisbon")} <= seen
    untouched = exercise()
    questions.invert(random.Random(1), untouched, verbs, share=0.0)
    assert untouched == exercise()


def test_two_items_are_never_asked_alike(verbs):
    told = "Lisbon needs water."
    reading = Reading([Passage("", [told])], [Item(f"Q{n}?", 0, told, "water") for n in range(8)])
    questions.invert(random.Random(1), reading, verbs, share=1.0)
    asked = [item.question for item in reading.items]
    assert len(set(asked)) == len(asked) and "What does Lisbon need?" in asked


def test_prose_is_asked_by_inverting_and_absent_questions_come_from_elsewhere():
    runs = [
        ("Keepers", ["The keeper opened the door in 1912.", "Plants need water and care."]),
        ("Lisbon", ["The harbour was carried by Ines for two hours.", "Lisbon is a wide harbour."]),
    ]
    library, r = natural.Library(runs), random.Random(5)
    asked = [item for _ in range(60) for item in natural.prose_reading(r, library, 1).items]
    assert "When did the keeper open the door?" in {i.question for i in asked if i.passage is not None}
    assert any(i.passage is None for i in asked)
    assert all(i.value in i.sentence for i in asked if i.passage is not None)


@pytest.mark.parametrize("short", [True, False])
def test_only_short_answers_ask_for_other_parts(short, monkeypatch):
    inverted = []
    monkeypatch.setattr(questions, "invert", lambda *given: inverted.append(given))
    mix, r = Mix(None, None, short, 0.0), random.Random(7)
    assert all(mix.draw(r, 10**9).turns for _ in range(60))
    assert bool(inverted) == short
