"""The cards of the Documents page for retrieval: what their handlers answer, over a real index without weights."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from ragft_core import Settings
from ragft_core.request import checked_search
from ragft_core.retrieval.lookup import Piece
from ragft_core.searches import STEPS
from ragft_ui import render_retrieval
from ragft_ui.index_health import IndexHealth
from ragft_ui.passages import Passages
from ragft_ui.probe import Probe, switched_on
from ragft_ui.run_settings import conditions

from .test_retrieval import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.write(shot="# Flu shot\nThe flu shot costs 23 euros.", hours="# Hours\n## Week\nAt eight.\n## Sunday\nClosed.")
    desk.add()
    yield desk
    desk.close()


def studio(desk: Desk, **more: Any) -> SimpleNamespace:
    """As much of a Studio as the cards use."""
    settings = desk.settings.model_copy(update=more)

    def trace(question: str, k: int, mode: str | None, *more: Any) -> Any:
        return desk.index.trace(question, checked_search(settings, k, mode, *more))

    home = SimpleNamespace(folder=desk.home)
    return SimpleNamespace(
        settings=settings, retrieval=desk.index, home=home, trace=trace, documents=desk.store.documents
    )


def made(card: Any, of: SimpleNamespace) -> Any:
    with gr.Blocks():
        return card(of)


def test_the_probe_shows_every_step(desk: Desk) -> None:
    probe = made(Probe, studio(desk))
    html = probe.search("What does the flu shot cost?", 2, ["dense", "keyword", "mmr"], "source=shot*")
    assert "Flu shot" in html and "1 of 3 passages fulfil source=shot*" in html and "Variety" in html
    assert "<details class='steps'>" in html and "<b>1</b>" in html
    assert "No passage fits" in probe.search("flu", 2, ["keyword"], "source=none")
    assert "cannot be read" in probe.search("flu", 2, ["keyword"], "nonsense")
    assert "Switch on Meaning" in probe.search("flu", 2, ["mmr"], "")
    assert "no language model" in probe.search("flu", 2, ["dense", "rerank"], "")


def test_the_probe_begins_with_the_settings_steps() -> None:
    assert switched_on(Settings(steps="rerank,mmr", search_mode="dense")) == ["dense", "mmr", "rerank"]
    assert set(render_retrieval.LABELS) >= set(STEPS)
    assert conditions(" a=1; b=2\n;") == ["a=1", "b=2"] and conditions(None) == []


def test_low_evidence_is_told(desk: Desk) -> None:
    desk.settings = desk.settings.model_copy(update={"evidence_floor": 0.9})
    desk.again()
    html = made(Probe, studio(desk)).search("zebras", 2, ["dense"], "")
    assert "Low evidence" in html and "role='status'" in html


def test_a_passage_is_opened_changed_and_found(desk: Desk) -> None:
    card = made(Passages, studio(desk))
    choice, field, save, shown, said = card.open("shot.md")
    assert "The flu shot costs 23 euros." in shown and not field.visible and not save.visible and said == ""
    ((label, key),) = choice.choices
    assert label.startswith("1. The flu")
    field, save, shown, _ = card.choose("shot.md", key)
    assert field.value == "The flu shot costs 23 euros." and field.visible and save.visible and "chosen" in shown
    *_, shown, said = card.edit("shot.md", key, "The flu shot costs 31 euros.")
    assert "31 euros" in shown and "can be found after" in said
    assert desk.index.search("flu", 1)[0].text == "The flu shot costs 31 euros."
    assert "changed since" in card.edit("shot.md", key, "again")[-1]
    assert "Choose a document" in card.edit(None, None, "x")[-1]
    assert "no document" in card.open("none.md")[-1]
    assert [name for _, name in card.list_documents().choices] == ["hours.md", "shot.md"]


def test_visitors_of_a_public_demo_change_nothing(desk: Desk) -> None:
    public = studio(desk, public=True)
    card = made(Passages, public)
    (piece,) = desk.index.pieces("shot.md")
    assert "public demo" in card.edit("shot.md", piece.id, "hacked")[-1]
    assert desk.index.pieces("shot.md") == [piece]
    health = made(IndexHealth, public)
    assert "public demo" in next(health.run_rebuild())[1] and "public demo" in next(health.run_check())[1]
    assert desk.index.health().checked is None


def test_health_is_shown_checked_and_the_index_made_anew(desk: Desk) -> None:
    card = made(IndexHealth, studio(desk))
    shown, said = card.show_state()
    assert "Not on request yet" in shown and "words" in shown and said == ""
    shown, _ = list(card.run_check())[-1]
    assert "Sound" in shown and "None has changed" in shown
    (desk.docs / "shot.md").unlink()
    assert "shot.md: gone" in list(card.run_check())[-1][0]
    desk.index._dense._sound().remove([desk.index.pieces("shot.md")[0].id])
    assert "2 vectors for 3 passages" in card.show_state()[0]
    *waiting, (shown, said) = card.run_rebuild()
    assert "Rebuilding" in waiting[0][1] and "Sound" in shown and "Made anew" in said


def test_a_fault_in_a_job_is_told(desk: Desk) -> None:
    of = studio(desk)
    of.retrieval = SimpleNamespace()
    assert "Something went wrong" in list(made(IndexHealth, of).run_rebuild())[-1][1]


def test_chunk_borders_set_repetitions_apart() -> None:
    pieces = [
        Piece(0, "a", "H", "One two three. Four five six.", 8, 2),
        Piece(1, "b", "H", "Four five six. Seven.", 6, 3),
    ]
    html = render_retrieval.chunks(pieces)
    assert "<span class='again'>Four five six.</span> Seven." in html and "6 tokens, page 3" in html
    other = [pieces[0], Piece(1, "b", "Other", "Four five six. Seven.", 6, None)]
    assert "<span class='again'></span>Four" in render_retrieval.chunks(other)
    assert "Choose a document" in render_retrieval.chunks([])
    many = [Piece(n, str(n), "", f"text {n}", 2, None) for n in range(render_retrieval.PIECES + 3)]
    assert "And 3 more" in render_retrieval.chunks(many)
