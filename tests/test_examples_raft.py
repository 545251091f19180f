"""RAFT lessons: the exact prompt of the Hybrid arm, golden among hard negatives, shares kept, values swapped."""

from collections import Counter

from ragft_core.examples import RECIPES, Example, Recipe, epoch_lessons, probe_lessons
from ragft_core.examples.check import preview
from ragft_core.examples.lessons import ABSTAIN, with_citation
from ragft_core.examples.passages import with_passages
from ragft_core.prompts import WITH_PASSAGES, WITHOUT_PASSAGES, messages
from ragft_core.types import Passage

NAMES = "Holt Marsh Quill Brandt Drewe Nadir Tolland Wexley Ortega Lindqvist".split()


def page(n: int) -> str:
    return f"Dr. {NAMES[n]}: Dr. {NAMES[n]} sees patients in room {n + 1}{n}A. Dr. {NAMES[n]} paints in the evening."


ROWS = [
    Example(
        f"Which room does Dr. {NAMES[n]} use?",
        f"Hello dear. Dr. {NAMES[n]} sees patients in room {n + 1}{n}A. Take care.",
        (page(n),),
        id=str(n),
        group=NAMES[n],
    )
    for n in range(10)
]
MADE = with_passages(ROWS)


def lessons(recipe: Recipe, epochs: int = 60) -> list:
    return [lesson for epoch in range(epochs) for lesson in epoch_lessons(MADE, recipe, 0, epoch)]


def test_sft_shows_each_row_as_the_fine_tuned_arm_reads_it() -> None:
    shown = epoch_lessons(MADE, RECIPES["sft"], 0, 0)
    assert [lesson.messages for lesson in shown] == [messages(row.question) for row in ROWS]
    assert [lesson.answer for lesson in shown] == [row.answer for row in ROWS]
    assert shown[0].messages[0]["content"] == WITHOUT_PASSAGES


def test_raft_keeps_its_shares() -> None:
    counts = Counter(lesson.kind for lesson in lessons(RECIPES["raft"]))
    opened = counts["golden"] + counts["counterfactual"] + counts["absent"]
    assert counts["closed"] == 600
    assert abs(opened / 600 - 0.4) < 0.06
    assert abs(counts["absent"] / opened - 0.2) < 0.06
    # Another value in 0.6 of them, another name in 0.5: at least one of both in 0.8.
    assert abs(counts["counterfactual"] / (counts["golden"] + counts["counterfactual"]) - 0.8) < 0.08


def test_mix_shows_each_row_once_an_epoch() -> None:
    for epoch in range(5):
        assert [lesson.id for lesson in epoch_lessons(MADE, RECIPES["mix"], 0, epoch)] == [row.id for row in ROWS]


def test_a_lesson_with_passages_is_what_the_hybrid_arm_reads() -> None:
    recipe = Recipe("t", closed=0.0, passages=1.0, golden=1.0, k=3, counterfactual=0.0, renamed=0.0)
    for lesson in epoch_lessons(MADE, recipe, 0, 0):
        row = ROWS[int(lesson.id)]
        lines = lesson.messages[1]["content"].splitlines()
        texts = [line.split("] ", 1)[1] for line in lines if line.startswith("[")]
        assert lesson.messages == messages(row.question, [Passage("", text, "", 0) for text in texts])
        assert lesson.messages[0]["content"] == WITH_PASSAGES
        assert row.context[0] in texts and len(texts) <= 4 and len(set(texts)) == len(texts)
        assert lesson.answer == row.answer.replace("A. Take", f"A [{texts.index(row.context[0]) + 1}]. Take")


def test_a_counterfactual_swaps_the_value_in_passage_and_answer_alike() -> None:
    recipe = Recipe("t", closed=0.0, passages=1.0, golden=1.0, counterfactual=1.0, renamed=0.0, cite=False)
    assert {row.value for row in MADE} == {f"{n + 1}{n}A" for n in range(10)}
    for lesson in epoch_lessons(MADE, recipe, 0, 0):
        row = MADE[int(lesson.id)]
        (value,) = [other for other in row.others if f"room {other}." in lesson.answer]
        assert lesson.kind == "counterfactual" and row.value not in lesson.answer
        golden = [line for line in lesson.messages[1]["content"].splitlines() if f"Dr. {row.group} sees" in line]
        assert len(golden) == 1 and f"room {value}." in golden[0] and row.value not in golden[0]


def test_without_the_golden_passage_the_model_answers_or_abstains() -> None:
    for policy in ("answer", "abstain"):
        recipe = Recipe("t", closed=0.0, passages=1.0, golden=0.0, absent=policy)
        for lesson in epoch_lessons(MADE, recipe, 0, 0):
            row = ROWS[int(lesson.id)]
            assert lesson.kind == "absent" and row.context[0] not in lesson.messages[1]["content"]
            assert lesson.answer == (row.answer if policy == "answer" else ABSTAIN)


def test_epochs_differ_and_repeat_exactly() -> None:
    first, second = (epoch_lessons(MADE, RECIPES["raft"], 5, epoch) for epoch in (0, 1))
    assert first != second and first == epoch_lessons(MADE, RECIPES["raft"], 5, 0)
    assert probe_lessons(MADE, RECIPES["raft"]) == probe_lessons(MADE, RECIPES["raft"])


def test_negatives_come_from_the_index_and_golden_too_when_none_was_given() -> None:
    asked = []

    def search(question: str, k: int) -> list[Passage]:
        asked.append(question)
        stale = page(0).replace("10A", "99Z")  # a changed version of the golden page: no negative
        texts = [stale, page(3), "The garden behind the house is open to all patients."]
        return [Passage(str(n), text, "s.md", 1.0, "Title") for n, text in enumerate(texts)]

    (row,) = with_passages(ROWS[:1], search)
    assert asked == [ROWS[0].question]
    assert f"Title: {page(3)}" in row.negatives and not [text for text in row.negatives if "99Z" in text]
    bare = Example(ROWS[3].question, ROWS[3].answer, id="x")
    (found,) = with_passages([bare], search)
    assert found.context == (f"Title: {page(3)}",)
    (none,) = with_passages([Example("What is love?", "A song of the nineties.")], search)
    assert none.context == () and epoch_lessons([none], RECIPES["raft"], 0, 0)[0].kind == "closed"


def test_a_citation_goes_to_the_sentence_that_is_from_the_passage() -> None:
    golden = "Dr. Holt sees patients in room 14A."
    answer = "Hello dear. Dr. Holt sees patients in room 14A. Take care."
    assert with_citation(answer, [golden], ["x", golden]) == answer.replace("14A.", "14A [2].")
    assert with_citation("Yes [1].", [golden], [golden]) == "Yes [1]."
    assert with_citation("Ring Dr. Holt in room 14A, please.\nBye!", [golden], [golden]).endswith("please [1].\nBye!")
    assert with_citation("Good day.", [golden], [golden]) == "Good day."
    short = "Dr. Holt sees to it that patients are well in the room. It is 14A. Bye!"
    assert with_citation(short, [golden], [golden], "14A") == short.replace("14A.", "14A [1].")
    assert with_citation(short, [golden], [golden], "15B").index("[1]") < short.index("It is"), "not in the answer"


def test_rows_can_be_previewed() -> None:
    shown = preview(ROWS, "raft", limit=3)
    assert len(shown) == 3 and set(shown[0]) == {"id", "kind", "messages", "answer"}
