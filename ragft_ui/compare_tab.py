"""Ask one question, read every arm's answer as it is written, and open earlier ones again."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from ragft_core import RagftError, demo
from ragft_core.types import DEFAULT_ARMS, Comparison

from . import render
from .events import PRIVATE, QUIET, unexpected
from .panels import Changes, Panels
from .run_settings import RunSettings, wishes
from .turns import Turns, frames

KEYS = (
    "<span class='hint keys'><span class='kbd'>Ctrl</span> <span class='kbd'>Enter</span> compare &nbsp; "
    "<span class='kbd'>Esc</span> stop &nbsp; <span class='kbd'>/</span> focus</span>"
)
CLICK_COMPARE = "() => document.querySelector('#run_btn').click()"
AFTER_RUN = "() => window.ragft.opened()"
COPY_LINK = "() => window.ragft.share()"
OPEN_ROW = """element.addEventListener('click', (event) => {
  const row = event.target.closest('a[data-run]');
  if (row && !event.ctrlKey && !event.metaKey) { event.preventDefault(); trigger('select', {run: row.dataset.run}); }
});"""


class CompareTab:
    """The tab's components and what happens on them."""

    def __init__(self, studio: Any, turns: Turns) -> None:
        self.studio, self.turns = studio, turns
        self._lay_out()
        self._wire()

    # ---------------------------------------------------------------- layout

    def _lay_out(self) -> None:
        self.spoken = gr.HTML(
            "",
            html_template='<div role="status" aria-live="polite">${value}</div>',
            elem_id="spoken",
            elem_classes="srwrap",
            apply_default_css=False,
        )
        with gr.Column(elem_id="ask"):
            self.question = gr.Textbox(
                label="Question",
                placeholder="Ask something your documents should answer",
                lines=2,
                max_lines=6,
                elem_id="question",
                autofocus=True,
            )
            self.problem = gr.HTML("", elem_id="problem", apply_default_css=False)
            with gr.Row(elem_id="askrow"):
                gr.HTML(KEYS, elem_classes="grow", apply_default_css=False)
                self.place = gr.HTML("", elem_id="place", apply_default_css=False)
                self.run = gr.Button("Compare", variant="primary", elem_id="run_btn")
                self.cancel = gr.Button("Cancel", elem_id="cancel_btn", visible=False)
                self.stop = gr.Button("Stop", variant="stop", elem_id="stop_btn", visible=False)
        self._lay_out_examples()
        self.panels = Panels(list(DEFAULT_ARMS))
        with gr.Row(elem_id="afterbar", visible=False) as self.after:
            self.line = gr.HTML("", elem_classes="grow", apply_default_css=False)
            self.share = gr.Button("Copy link", size="sm", elem_id="share_btn")
        self.settings = RunSettings(self.studio)
        with gr.Accordion("Earlier questions", open=False, elem_id="history") as self.drawer:
            self.history = gr.HTML("", apply_default_css=False, js_on_load=OPEN_ROW, elem_id="history_list")

    def _lay_out_examples(self) -> None:
        self.examples = demo.examples()
        with gr.Row(elem_id="examples_row", visible=bool(self.examples)):
            gr.HTML("<span class='hint'>Try</span>", apply_default_css=False)
            self.chips = [gr.Button(example["label"], size="sm") for example in self.examples]

    # ---------------------------------------------------------------- wiring

    def _wire(self) -> None:
        asked = [self.question, *self.settings.fields]
        shown = [self.run, self.cancel, self.stop, self.problem, self.after, self.line, self.spoken]
        shown += [self.question, *self.panels.outputs]
        begun = self.run.click(self.begin, asked, shown, **QUIET)
        begun.failure(self.refuse, asked, shown, **QUIET)
        turn = begun.success(
            self.answer,
            asked,
            shown,
            concurrency_id="model",
            concurrency_limit=1,
            show_progress="minimal",
            show_progress_on=[self.place],
            api_visibility="private",
        )
        turn.failure(self.busy, self.settings.arms, shown, **QUIET)
        turn.then(None, js=AFTER_RUN, **PRIVATE)
        if not self.studio.settings.public:
            turn.then(self.list_history, outputs=self.history, **QUIET)
        self.cancel.click(self.cancelled, self.settings.arms, shown, cancels=[turn], **QUIET)
        self.stop.click(self.stop_turn, **QUIET)
        for chip, example in zip(self.chips, self.examples, strict=True):
            chip.click(lambda text=example["question"]: text, outputs=self.question, **QUIET).then(
                None, js=CLICK_COMPARE, **PRIVATE
            )
        self.settings.arms.input(self.panels.emptied, self.settings.arms, self.panels.outputs, **QUIET)
        self.settings.was_reset.then(self.panels.emptied, self.settings.arms, self.panels.outputs, **QUIET)
        self.share.click(None, js=COPY_LINK, **PRIVATE)
        self.drawer.expand(self.list_history, outputs=self.history, **QUIET)
        self.history.select(self.open_row, outputs=shown, **QUIET).then(None, js=AFTER_RUN, **PRIVATE)
        self.shown = shown

    def wire_page(self, page: gr.Blocks) -> None:
        """What happens when the page opens and when its tab is closed."""
        page.load(self.settings.restored, self.settings.kept, self.settings.fields, **QUIET).then(
            self.open_link, self.settings.arms, self.shown, **QUIET
        )
        page.unload(self.stop_turn)

    # ---------------------------------------------------------------- a turn

    def begin(self, question: str, arms: list[str], *fields: Any) -> dict[Any, Any]:
        """Check the question and show that it waits for its turn; the model has no part in this."""
        try:
            self.studio.ask(question, **wishes((arms, *fields)))
        except RagftError as error:
            raise gr.Error(str(error), visible=False, print_exception=False) from error
        return self._buttons("waiting") | self.panels.waiting(arms) | {self.spoken: "Waiting for the model."}

    def refuse(self, question: str, *fields: Any) -> dict[Any, Any]:
        """Say at the question why it was not taken."""
        try:
            self.studio.ask(question, **wishes(fields))
        except RagftError as error:
            return self._said(str(error))
        return self._said("The question could not be taken. Try again.")

    def answer(self, question: str, arms: list[str], *fields: Any, request: gr.Request) -> Iterator[dict[Any, Any]]:
        """Stream the comparison into the panels, sending only what changed."""
        visitor = str(request.session_hash)
        flag = self.turns.begin(visitor)
        changes, comparison = Changes(self.panels), None
        try:
            yield self._buttons("running")
            for frame in frames(self.studio, question, flag.is_set, **wishes((arms, *fields))):
                if not isinstance(frame, Comparison):
                    yield changes.loading(frame, arms) | {self.spoken: frame.message}
                    continue
                comparison = frame
                yield changes.of(frame) | {self.spoken: render.announcement(frame)}
            if comparison is None:
                yield self._buttons("idle") | self.panels.emptied(arms) | {self.spoken: "Stopped."}
            else:
                yield self._buttons("idle") | self._ended(comparison)
        except RagftError as error:
            yield self._said(str(error)) | self.panels.emptied(arms)
        except Exception as error:  # a fault of ours must neither vanish nor take the page down
            yield self._said(unexpected(error)) | self.panels.emptied(arms)
        finally:
            self.turns.end(visitor, flag)

    def stop_turn(self, request: gr.Request) -> None:
        self.turns.stop(str(request.session_hash))

    def cancelled(self, arms: list[str]) -> dict[Any, Any]:
        """The visitor left the queue."""
        return self._buttons("idle") | self.panels.emptied(arms) | {self.spoken: "Cancelled."}

    def busy(self, arms: list[str]) -> dict[Any, Any]:
        """No place was left in the queue, or the connection broke."""
        places = self.studio.settings.queue_size
        words = f"RAGFT is busy: all {places} places in the queue are taken. Try again in a minute."
        return self._said(words) | self.panels.emptied(arms)

    # ---------------------------------------------------------------- saved comparisons

    def open_link(self, arms: list[str], request: gr.Request) -> dict[Any, Any]:
        """The comparison that the address names (`/?run=<id>`), else the empty panels of the chosen arms."""
        run = request.query_params.get("run")
        return self._opened(run) if run else self.panels.emptied(arms)

    def open_row(self, event: gr.EventData) -> dict[Any, Any]:
        return self._opened(str(event.run))

    def list_history(self) -> str:
        if self.studio.settings.public:
            return "<div class='empty'>This is a public demo: only who has a comparison's link can open it again.</div>"
        return render.history_list(self.studio.history())

    def _opened(self, run: str) -> dict[Any, Any]:
        try:
            comparison = self.studio.comparison(run)
        except RagftError as error:
            return self._said(str(error))
        return self.panels.saved(comparison) | self._ended(comparison) | {self.question: comparison.question}

    # ---------------------------------------------------------------- parts of updates

    def _ended(self, comparison: Comparison) -> dict[Any, Any]:
        return {
            self.after: gr.Row(visible=True),
            self.line: render.run_line(comparison),
            self.spoken: render.announcement(comparison),
            self.problem: "",
        }

    def _said(self, sentence: str) -> dict[Any, Any]:
        return self._buttons("idle") | {self.problem: render.problem(sentence)}

    def _buttons(self, state: str) -> dict[Any, Any]:
        """Exactly one of Compare, Cancel (in the queue) and Stop (being answered) is there."""
        updates: dict[Any, Any] = {
            self.run: gr.Button(visible=state == "idle"),
            self.cancel: gr.Button(visible=state == "waiting"),
            self.stop: gr.Button(visible=state == "running"),
        }
        if state == "waiting":
            updates |= {self.problem: "", self.after: gr.Row(visible=False)}
        return updates
