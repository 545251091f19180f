"""Ask one question, read every arm's answer as it is written, and open earlier ones again."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import gradio as gr

from ragft_core import RagftError, demo
from ragft_core.types import DEFAULT_ARMS, Comparison

from . import panels, render
from .events import PLAIN, PRIVATE, QUIET, sentence
from .owner import Owner
from .panels import Parts
from .run_settings import RunSettings, wishes
from .turns import Turns, frames

KEYS = (
    "<span class='hint keys'><span class='kbd'>Ctrl</span> <span class='kbd'>Enter</span> compare &nbsp; "
    "<span class='kbd'>Esc</span> stop &nbsp; <span class='kbd'>/</span> focus</span>"
)
ASKED_BY_OTHERS = "What others asked is theirs: only who has a comparison's link can open it again."
CLICK_COMPARE = "() => document.querySelector('#run_btn').click()"
AFTER_RUN = "() => window.ragft.opened()"
COPY_LINK = "() => window.ragft.share()"
OPEN_ROW = """element.addEventListener('click', (event) => {
  const row = event.target.closest('a[data-run]');
  if (row && !event.ctrlKey && !event.metaKey) { event.preventDefault(); trigger('select', {run: row.dataset.run}); }
});"""


class CompareTab:
    """The tab's components and what happens on them. Handlers return Parts (see panels) for `live`."""

    def __init__(self, studio: Any, turns: Turns) -> None:
        self.studio, self.turns, self.owner = studio, turns, Owner(studio)
        self._lay_out()
        self._wire()

    # ---------------------------------------------------------------- layout

    def _lay_out(self) -> None:
        # Changes once per question that was taken; the turn follows. A gr.State would be silent outside the queue.
        self.ticket = gr.Textbox(visible="hidden", show_label=False)
        gr.HTML("<div role='status' aria-live='polite'></div>", elem_id="spoken", elem_classes="srwrap", **PLAIN)
        with gr.Column(elem_id="ask"):
            self.question = gr.Textbox(
                label="Question",
                placeholder="Ask something your documents should answer",
                lines=2,
                max_lines=6,
                elem_id="question",
                autofocus=True,
            )
            gr.HTML("<div data-part='problem'></div>", elem_id="problem", **PLAIN)
            with gr.Row(elem_id="askrow"):
                gr.HTML(KEYS, elem_classes="grow", **PLAIN)
                self.place = gr.HTML("", elem_id="place", **PLAIN)
                self.run = gr.Button("Compare", variant="primary", size="md", elem_id="run_btn")
                self.cancel = gr.Button("Cancel", size="md", elem_id="cancel_btn")
                self.stop = gr.Button("Stop", variant="stop", size="md", elem_id="stop_btn")
        self._lay_out_examples()
        self.live = panels.draw(list(DEFAULT_ARMS))
        with gr.Row(elem_id="afterbar"):
            gr.HTML("<div data-part='line'></div>", elem_classes="grow", **PLAIN)
            self.share = gr.Button("Copy link", size="sm", elem_id="share_btn")
        self.settings = RunSettings(self.studio)
        with gr.Accordion("Earlier questions", open=False, elem_id="history") as self.drawer:
            self.history = gr.HTML("", js_on_load=OPEN_ROW, elem_id="history_list", **PLAIN)

    def _lay_out_examples(self) -> None:
        self.examples = demo.examples()
        with gr.Row(elem_id="examples_row", visible=bool(self.examples)):
            gr.HTML("<span class='hint'>Try</span>", **PLAIN)
            self.chips = [gr.Button(example["label"], size="sm") for example in self.examples]

    # ---------------------------------------------------------------- wiring

    def _wire(self) -> None:
        asked = [self.question, *self.settings.fields]
        self.run.click(self.begin, asked, [self.ticket, self.live], **QUIET)
        turn = self.ticket.change(
            self.answer,
            asked,
            self.live,
            concurrency_id="model",
            concurrency_limit=1,
            show_progress="minimal",
            show_progress_on=[self.place],
            api_visibility="private",
        )
        turn.failure(self.busy, self.settings.arms, self.live, **QUIET)
        turn.then(None, js=AFTER_RUN, **PRIVATE)
        if self.owner.possible:
            turn.then(self.list_history, outputs=self.history, **QUIET)
        self.cancel.click(self.cancelled, self.settings.arms, self.live, cancels=[turn], **QUIET)
        self.stop.click(self.stop_turn, **QUIET)
        for chip, example in zip(self.chips, self.examples, strict=True):
            chip.click(lambda text=example["question"]: text, outputs=self.question, **QUIET).then(
                None, js=CLICK_COMPARE, **PRIVATE
            )
        self.settings.arms.input(panels.emptied, self.settings.arms, self.live, **QUIET)
        self.settings.was_reset.then(panels.emptied, self.settings.arms, self.live, **QUIET)
        self.share.click(None, js=COPY_LINK, **PRIVATE)
        self.drawer.expand(self.list_history, outputs=self.history, **QUIET)
        self.history.select(self.open_row, outputs=[self.question, self.live], **QUIET).then(
            None, js=AFTER_RUN, **PRIVATE
        )

    def wire_page(self, page: gr.Blocks) -> None:
        """What happens when the page opens and when its tab is closed."""
        page.load(self.settings.restored, self.settings.kept, self.settings.fields, **QUIET).then(
            self.open_link, self.settings.arms, [self.question, self.live], **QUIET
        )
        page.unload(self.stop_turn)

    # ---------------------------------------------------------------- a turn

    def begin(self, question: str, arms: list[str], *fields: Any) -> tuple[Any, Parts]:
        """Check the question: a new ticket, and with it a turn, or a sentence why not; asks nothing of the model."""
        try:
            self.studio.ask(question, **wishes((arms, *fields)))
        except RagftError as error:
            return gr.skip(), said(str(error))
        return uuid.uuid4().hex, panels.waiting(arms) | {"mode": "waiting", "spoken": "Waiting for the model."}

    def answer(self, request: gr.Request, question: str, arms: list[str], *fields: Any) -> Iterator[Parts]:
        """Stream the comparison into the panels."""
        visitor = str(request.session_hash)
        flag = self.turns.begin(visitor)
        growing, comparison = panels.Growing(arms), None
        try:
            yield growing.parts
            with closing(frames(self.studio, question, flag.is_set, **wishes((arms, *fields)))) as stream:
                for frame in stream:
                    if isinstance(frame, Comparison):
                        comparison = frame
                        yield growing.grown(frame)
                    else:
                        yield growing.loading(frame)
            ended = panels.ended(comparison) if comparison else panels.emptied(arms) | {"spoken": "Stopped."}
            yield growing.parts | ended | {"mode": "idle"}
        except Exception as error:  # noqa: BLE001 - a fault of ours must neither vanish nor take the page down
            yield growing.parts | panels.emptied(arms) | said(sentence(error))
        finally:
            self.turns.end(visitor, flag)

    def stop_turn(self, request: gr.Request) -> None:
        self.turns.stop(str(request.session_hash))

    def cancelled(self, arms: list[str]) -> Parts:
        """The visitor left the queue."""
        return panels.emptied(arms) | {"mode": "idle", "spoken": "Cancelled."}

    def busy(self, arms: list[str]) -> Parts:
        """No place was left in the queue, or the connection broke."""
        places = self.studio.settings.queue_size
        return panels.emptied(arms) | said(
            f"RAGFT is busy: all {places} places in the queue are taken. Try again in a minute."
        )

    # ---------------------------------------------------------------- saved comparisons

    def open_link(self, arms: list[str], request: gr.Request) -> tuple[Any, Parts]:
        """The comparison that the address names (`/?run=<id>`), else the panels of the chosen arms."""
        run = request.query_params.get("run")
        return self._opened(run) if run else (gr.skip(), {"arms": arms})

    def open_row(self, event: gr.EventData) -> tuple[Any, Parts]:
        return self._opened(str(event.run))

    def list_history(self) -> str:
        if not self.owner.here():
            return f"<div class='empty'>{ASKED_BY_OTHERS}</div>"
        return render.history_list(self.studio.history())

    def _opened(self, run: str) -> tuple[Any, Parts]:
        try:
            comparison = self.studio.comparison(run)
        except RagftError as error:
            return gr.skip(), said(str(error))
        return comparison.question, panels.ended(comparison)


def said(words: str) -> Parts:
    """A sentence at the question, and the page takes the next one."""
    return {"problem": render.problem(words), "mode": "idle", "spoken": words}
