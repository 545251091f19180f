"""Examples proposed from the user's documents by the loaded model, for a person to take, edit or leave."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import gradio as gr

from ragft_core import DatasetError
from ragft_core.examples.propose import Proposal, save_examples
from ragft_core.types import Progress

from . import render, render_documents, render_examples, render_tune
from .drafts import Drafts
from .events import PLAIN, PRIVATE, sentence
from .owner import Owner

SAID = """() => [[...document.querySelectorAll('#proposals li[data-id]')].map((row) => ({ id: row.dataset.id,
  take: row.querySelector('input').checked, question: row.querySelector('.pq').value,
  answer: row.querySelector('.pa').value }))]"""
Updates = dict[Any, Any]


class ProposeForm:
    """`made` is the event after which `saved` names a new file of examples (empty: none)."""

    def __init__(self, studio: Any, drafts: Drafts) -> None:
        self.studio, self.drafts = studio, drafts
        with gr.Accordion("Propose examples from my documents", open=False, elem_id="propose"):
            gr.HTML(render_examples.PROPOSE_HEAD, **PLAIN)
            self.count = gr.Number(10, precision=0, minimum=1, maximum=100, label="How many", info="One per passage.")
            with gr.Row(elem_classes="actions"):
                self.ask = gr.Button("Propose", size="sm", elem_id="propose_btn")
            self.list = gr.HTML("", elem_id="proposals", **PLAIN)
            with gr.Row(elem_classes="actions"):
                self.save = gr.Button("Save those marked", size="sm", visible=False, elem_id="propose_save")
            self.said = gr.HTML("", elem_id="propose_said", **PLAIN)
        self.kept = gr.State(())
        self.judged = gr.JSON(visible=False)
        self.saved = gr.Textbox(visible="hidden", show_label=False)
        self.ask.click(
            self.propose, self.count, [self.list, self.said, self.kept, self.save], concurrency_id="model", **PRIVATE
        )
        self.made = self.save.click(
            self.keep, [self.kept, self.judged], [self.said, self.saved, self.list, self.save], js=SAID, **PRIVATE
        )

    def propose(self, count: float | None) -> Iterator[Updates]:
        """The model asks, a sentence of the passage answers; nothing is an example before it was taken."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            wanted, found = int(count or 10), list[Proposal]()
            yield {self.said: "", self.save: gr.Button(visible=False), self.list: working(0, wanted)}
            with closing(self.studio.propose(wanted)) as coming:
                for proposal in coming:
                    found.append(proposal)
                    yield {self.list: working(len(found), wanted)}
            shown = render_examples.proposals(found)
            yield {self.list: shown, self.kept: tuple(found), self.save: gr.Button(visible=bool(found))}
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            yield {self.list: "", self.said: render.problem(sentence(error))}

    def keep(self, proposed: Sequence[Proposal], judged: Any) -> Updates:
        """Write what was taken, as it stands now, as a new file of examples."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            answers = judged if isinstance(judged, list) else []
            said = {str(one.get("id")): one for one in answers if isinstance(one, Mapping) and one.get("take")}
            taken = [decided(one, said[one.id]) for one in proposed or () if one.id in said]
            if not taken:
                raise DatasetError("Mark at least one proposal first.")
            self.drafts.folder.mkdir(mode=0o700, exist_ok=True)
            target = self.drafts.folder / f"proposed-{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl"
            rows = save_examples(taken, target)
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return {self.said: render.problem(sentence(error)), self.saved: ""}
        words = f"<p class='sub' role='status'><b>{rows} examples saved and chosen</b> ({target.name}).</p>"
        return {self.said: words, self.saved: target.name, self.list: "", self.save: gr.Button(visible=False)}


def decided(proposal: Proposal, said: Mapping[str, Any]) -> Proposal:
    """The proposal accepted as it is, or edited. DatasetError without a question or an answer."""
    question, answer = str(said.get("question", "")).strip(), str(said.get("answer", "")).strip()
    if (question, answer) == (proposal.question, proposal.answer):
        return proposal.accept()
    return proposal.edit(question, answer)


def working(done: int, total: int) -> str:
    return render_documents.progress(Progress(done, total, "proposed by the model"), label="Proposing")
