"""Several runs from one file, to be compared: SFT against RAFT at equal steps, a small sweep, a learning curve."""

from collections.abc import Callable, Iterator
from html import escape
from typing import Any

import gradio as gr

from ragft_core import training
from ragft_core.types import Progress

from . import render, render_documents, render_tune
from .events import PLAIN, PRIVATE, sentence
from .owner import Owner
from .tune_form import RecipeForm

HEAD = (
    "<p class='sub'>With the examples and settings above; the runs train one after the other, and the table beside "
    "<b>Runs</b> compares them.</p><ul class='plainlist'><li><b>Duel</b>: SFT and RAFT from the same rows at equal "
    "steps.</li><li><b>Sweep</b>: ranks 8 and 16, each at half, once and twice the learning rate (6 runs).</li>"
    "<li><b>Learning curve</b>: 25, 50 and 100 % of the rows. Would more examples help?</li></ul>"
)
Update = dict[Any, Any]


class GroupForm:
    """`started` are the events after which the form's `run` names the first of the new runs."""

    def __init__(self, studio: Any, form: RecipeForm) -> None:
        self.studio, self.form = studio, form
        with gr.Accordion("Several runs to compare", open=False, elem_id="groups"):
            gr.HTML(HEAD, **PLAIN)
            with gr.Row(elem_classes="actions wraps"):
                verbs = {"duel": "SFT against RAFT", "sweep": "Sweep", "curve": "Learning curve"}
                self.buttons = {
                    name: gr.Button(words, size="sm", elem_id=f"{name}_btn") for name, words in verbs.items()
                }
            self.said = gr.HTML("", elem_id="group_said", **PLAIN)
        handlers = {"duel": self.duel, "sweep": self.sweep, "curve": self.curve}
        self.started = [
            button.click(handlers[name], form.inputs, [self.said, form.run], concurrency_id="start", **PRIVATE)
            for name, button in self.buttons.items()
        ]

    def duel(self, *values: Any) -> Iterator[Update]:
        """Train SFT and RAFT at equal steps."""
        yield from self._begin(
            values, lambda settings, path, wanted, *plan, **more: training.start_duel(settings, path, *plan, **more)
        )

    def sweep(self, *values: Any) -> Iterator[Update]:
        """Train with a few ranks and learning rates."""
        yield from self._begin(
            values,
            lambda settings, path, wanted, *plan, **more: training.start_sweep(
                settings, path, wanted.recipe, *plan, **more
            ),
        )

    def curve(self, *values: Any) -> Iterator[Update]:
        """Train on growing parts of the rows."""
        yield from self._begin(
            values,
            lambda settings, path, wanted, *plan, **more: training.start_curve(
                settings, path, wanted.recipe, *plan, **more
            ),
        )

    def _begin(self, values: tuple[Any, ...], verb: Callable[..., training.Group]) -> Iterator[Update]:
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            yield {self.said: render_documents.progress(Progress(0, 0, "Preparing the runs"), label="Preparing")}
            draft, wanted, name, more = self.form.asked(values)
            group = verb(self.studio.settings, draft.path, wanted, wanted.preset, wanted.steps, name, **more)
            room = self.form.room(draft, wanted, group.runs[-1])
            words = f"<b>{escape(group.name)}</b>: {len(group.runs)} runs have started; they train in turn.{room}"
            yield {self.said: f"<p class='sub' role='status'>{words}</p>", self.form.run: group.runs[0].id}
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            yield {self.said: render.problem(sentence(error))}
