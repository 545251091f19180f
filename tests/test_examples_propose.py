"""Proposed examples: the answer stands in the passage, what the model writes is doubted, nothing counts untaken."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragft_core import NotFoundError, Studio, cli
from ragft_core.examples import DatasetError
from ragft_core.examples.check import check
from ragft_core.examples.propose import AT_ONCE, Proposal, _question, propose, save_examples
from ragft_core.testing import EchoEngine, OnePageIndex
from ragft_core.types import Decoding, Draft, Passage, Row

PAGES = [
    Passage(f"p{n}", f"The {word} house opens at {n} in the morning. It is small.", f"{word}.md", 0.0, "Houses")
    for n, word in enumerate("amber birch cedar dune elder flint grape hazel iris jade".split())
]


class Asking(EchoEngine):
    """Writes a fair question for a sentence, and finds the sentence again; `spoil` changes either."""

    def __init__(self, spoil: Any = lambda text, reading: text) -> None:
        super().__init__()
        self.spoil, self.batches = spoil, list[int]()

    def stream(self, rows: Sequence[Row], decoding: Decoding) -> Iterator[tuple[Draft, ...]]:
        self.batches.append(len(rows))
        texts = []
        for row in rows:
            said = row.messages[-1]["content"]
            assert row.adapter is None, "the bare base proposes"
            if said.startswith("Context:"):
                texts.append(self.spoil(said.splitlines()[1].split(": ", 1)[1], True))
            else:
                thing = said.rsplit("Sentence: ", 1)[1].split()[1]
                texts.append(self.spoil(f"When does the {thing} house open?", False))
        yield tuple(Draft(state="reading") for _ in texts)
        yield tuple(Draft(text=text, state="done") for text in texts)


def test_each_proposal_has_its_source_and_a_sentence_of_it_as_answer() -> None:
    engine = Asking()
    made = list(propose(engine, PAGES, count=9))
    assert len(made) == 9 == len({one.id for one in made}) and engine.batches == [AT_ONCE, AT_ONCE, 1, 1]
    pages = {page.id: page for page in PAGES}
    for one in made:
        assert one.answer in pages[one.id].text and one.answer.startswith("The ") and one.passage == pages[one.id].text
        assert one.source == pages[one.id].source and one.state == "proposed" and one.doubts == ()
        assert one.question.startswith("When does the ") and one.question.split()[3] in one.answer
    assert [one.id for one in made] == [one.id for one in propose(Asking(), PAGES, count=9)]
    assert [one.id for one in made] != [one.id for one in propose(Asking(), PAGES, count=9, seed=1)]


@pytest.mark.parametrize(
    ("asks", "finds", "doubt"),
    [
        ("no idea", None, "wrote no question"),
        ("What of Paris and Rome?", None, "nothing that stands in the passage"),
        (None, "I do not know.", "does not find this answer"),
        ("When does a house open, say?", None, "proposed before"),
    ],
)
def test_what_speaks_against_a_proposal_is_said(asks: Any, finds: Any, doubt: str) -> None:
    made = list(propose(Asking(lambda text, reading: (finds if reading else asks) or text), PAGES, count=3))
    assert len(made) == 3
    assert doubt in " ".join(made[-1].doubts)


def test_a_question_that_holds_its_answer_is_doubted() -> None:
    page = Passage("x", "The river mill grinds barley slowly today.", "x.md", 0.0, "Mills")
    told = "Is it the river mill that grinds barley slowly today?"
    (one,) = propose(Asking(lambda text, reading: text if reading else told), [page])
    assert one.doubts == ("The question gives its answer away.",)


def test_passages_without_a_sentence_of_their_own_are_passed_over() -> None:
    pages = [Passage("a", "Short.", "a", 0.0), Passage("b", "Is this a question that nobody has answered?", "b", 0.0)]
    assert list(propose(Asking(), pages)) == [] and list(propose(Asking(), [])) == []


def test_only_what_was_taken_becomes_examples(tmp_path: Path) -> None:
    one, two, three, four = propose(Asking(), PAGES, count=4)
    with pytest.raises(DatasetError, match="No proposal was accepted"):
        save_examples([one, two.drop()], tmp_path / "x.jsonl")
    taken = [one.accept(), two.edit(" What is it? ", " A house. "), three.drop(), four]
    assert [proposal.state for proposal in taken] == ["accepted", "edited", "dropped", "proposed"]
    assert save_examples(taken, tmp_path / "x.jsonl") == 2
    rows = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text("utf-8").splitlines()]
    assert rows[1]["question"] == "What is it?" and rows[0]["source"] == one.source
    checked = check(tmp_path / "x.jsonl")
    assert [row.context for row in checked.reading.rows] == [(one.passage,), (two.passage,)] and not checked.blocking
    empty = Proposal("a", "", "An answer.", "s", "p")
    for take in (empty.accept, lambda: one.edit("", "x"), lambda: one.edit("x?", " ")):
        with pytest.raises(DatasetError, match="needs a question and an answer"):
            take()


def test_closing_the_iterator_stops_asking() -> None:
    engine = Asking()
    made = propose(engine, PAGES, count=10)
    next(made)
    made.close()  # type: ignore[attr-defined]
    assert len(engine.batches) == 2


@given(st.text(max_size=80))
def test_whatever_the_model_writes_is_a_question_or_nothing(text: str) -> None:
    found = _question(text)
    assert found == "" or (found.endswith("?") and 3 <= len(found.split()) <= 41 and "\n" not in found)


def test_the_studio_and_the_command_propose(
    studio: Studio, home: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    studio._loaded._engine = Asking(lambda text, reading: text if reading else "Why is the sky blue in light air?")
    (one,) = studio.propose()
    assert one.source == "sky.md" and "scatters" in one.answer
    with pytest.raises(NotFoundError, match="Index documents first"):
        studio.propose(sources=["other.md"])
    studio.close()
    monkeypatch.setattr(cli, "Studio", lambda s: Studio(s, engine=studio._loaded._engine, retrieval=OnePageIndex()))
    command = cli.parser().parse_args(
        ["propose", "--home", str(home), "--no-demo", "--json", str(tmp_path / "p.jsonl")]
    )
    data, lines = command.run(command, studio.settings)
    assert len(data["proposals"]) == 1 == len(data["written"]) and "1 without a doubt" in lines[-1]
    assert check(tmp_path / "p.jsonl").reading.rows[0].question == "Why is the sky blue in light air?"
