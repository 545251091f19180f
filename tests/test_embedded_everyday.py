"""Ordinary prose: its templates are whole, answers stand in their sentences, held-out themes stay out of training."""

import random
import re

from embedded import everyday
from embedded.amounts import AMOUNTS, number, spelled
from embedded.everyday import Template, themes
from embedded.probes import everyday_probes

ALL = [*themes(False), *themes(True)]


def test_every_template_has_known_slots_and_questions_for_one_of_them():
    assert len(ALL) > 300 and sum(len(theme.templates) for theme in ALL) > 900
    for template in (template for theme in ALL for template in theme.templates):
        slots = re.findall(r"\{(.+?)\}", template.text)
        assert slots and template.questions, template.text
        assert all("/" in slot or slot in AMOUNTS for slot in slots), template.text
        for slot, forms in template.questions.items():
            assert 1 <= slot <= len(slots), template.text
            assert all(form.endswith("?") and f"{{{slot}}}" not in form for form in forms), template.text


def test_an_answer_stands_in_its_sentence_and_no_slot_is_left_open():
    r = random.Random(1)
    for theme in ALL:
        for template in theme.templates:
            sentence, asked = template.draw(r)
            assert sentence[0] == sentence[0].upper() and "{" not in sentence + "".join(q for q, _ in asked)
            assert all(value.casefold() in sentence.casefold() for _, value in asked), sentence


def test_a_question_repeats_the_text_of_another_slot():
    template = Template("{Ann/Bo/Cy} paid {money}.", {2: ["How much did {1} pay?"]})
    sentence, asked = template.draw(random.Random(2))
    ((question, value),) = asked
    assert sentence == f"{question.split()[3]} paid {value}."


def test_passages_say_part_of_a_theme_and_the_rest_is_asked_in_vain():
    r, missing = random.Random(3), 0
    for _ in range(200):
        reading = everyday.reading(r, 3)
        assert len({passage.title for passage in reading.passages}) == 3
        for item in reading.items:
            if item.passage is None:
                missing += 1
                assert not item.sentence
            else:
                assert item.sentence in reading.passages[item.passage].sentences
                assert item.quote(True), item
    assert missing > 200


def test_held_out_themes_are_never_trained():
    assert not {theme.titles[0] for theme in themes(False)} & {theme.titles[0] for theme in themes(True)}
    titles = {title for theme in themes(True) for title in theme.titles}
    r = random.Random(4)
    assert all(p.title in titles for _ in range(20) for p in everyday.reading(r, 2, held_out=True).passages)
    assert everyday.reading(random.Random(5), 2) == everyday.reading(random.Random(5), 2)


def test_the_measurement_asks_about_held_out_themes_alone():
    titles = {title for theme in themes(True) for title in theme.titles}
    for known in (True, False):
        probes = everyday_probes(12, 3, known)
        assert len(probes) == 12 and all(p.title in titles for probe in probes for p in probe.passages)
        assert all(bool(probe.gold) == known for probe in probes)


def test_numbers_are_written_in_words_and_in_digits():
    assert [spelled(n) for n in (1, 13, 20, 42, 99)] == ["one", "thirteen", "twenty", "forty-two", "ninety-nine"]
    drawn = [number(random.Random(n)) for n in range(200)]
    assert any(text.isdigit() for text in drawn) and any("-" in text for text in drawn)
    assert all(AMOUNTS[name](random.Random(7)) == AMOUNTS[name](random.Random(7)) for name in AMOUNTS)
