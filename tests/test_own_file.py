"""The short text file of one's own and its twenty questions, without a model."""

from benchmarks import own_file
from embedded.reading import REFUSAL


def test_the_twenty_questions_are_answered_by_the_file_but_one():
    text = own_file.FILE.read_text("utf-8")
    assert len(own_file.QUESTIONS) == 20
    assert [q for q, gold in own_file.QUESTIONS.items() if not gold or gold not in text] == ["How many bees are there?"]
    assert own_file.right("It has 48 plots [1].", "48")
    assert not own_file.right("It has 148 plots [1].", "48")
    assert own_file.right(REFUSAL, "")
