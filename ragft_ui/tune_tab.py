"""The Fine-tune tab: from a file of examples to an adapter that is known to work, and into Compare."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from . import render, render_tune
from .adapter_list import AdapterList
from .drafts import Drafts
from .events import PLAIN, PRIVATE, QUIET, sentence
from .owner import Owner
from .run_list import RunList
from .tune_examples import ExamplesCard
from .tune_form import RecipeForm
from .tune_groups import GroupForm
from .tune_propose import ProposeForm
from .tune_watch import RunView

# The run that is shown stands in the address, so that a reload shows it again; on a phone it lies below the form.
SHOWN = """(run) => { const address = new URL(location.href);
  if (run) address.searchParams.set('training', run); else address.searchParams.delete('training');
  history.replaceState(null, '', address);
  document.querySelector('#run_card')?.scrollIntoView({ block: 'nearest' });
  return run; }"""

LEFT = """(adapter) => { const address = new URL(location.href);
  if (adapter) { address.searchParams.delete('training'); history.replaceState(null, '', address); }
  return adapter; }"""


class TuneTab:
    """Left what goes in, right the run that is shown, all runs and all adapters."""

    def __init__(self, studio: Any) -> None:
        self.studio = studio
        public = not Owner(studio).possible
        if public:
            gr.HTML(f"<div class='empty'>{render_tune.PUBLIC}</div>", **PLAIN)
        with gr.Column(visible=not public, elem_id="tune"):
            with gr.Row(equal_height=False, elem_classes="halves"):
                with gr.Column(scale=5, min_width=300):
                    self.examples = ExamplesCard(studio, Drafts(studio))
                    self.propose = ProposeForm(studio, self.examples.drafts)
                    self.examples.choose_after(self.propose.made, self.propose.saved)
                    left = gr.Column()
                with gr.Column(scale=7, min_width=300):
                    self.watch = RunView(studio)
                    self.runs = RunList(studio, self.watch.run)
                    self.adapters = AdapterList(studio)
            with left:
                self.form = RecipeForm(studio, self.examples.drafts, self.examples, self.watch.run)
                self.groups = GroupForm(studio, self.form)
        self.lists = [self.runs.table, self.runs.group, self.adapters.table, self.adapters.undo]
        self._wire()

    def _wire(self) -> None:
        watch = self.watch
        looking = (watch.opened, [watch.run, watch.seen], watch.shown)
        for shown in (self.form.started, self.runs.chosen, *self.groups.started):
            shown.then(*looking, **QUIET).then(None, watch.run, js=SHOWN, **PRIVATE)
        watch.state.change(self.list_all, watch.run, self.lists, **QUIET)
        self.used = watch.use.click(self.use, watch.adapter, [self.adapters.chosen, watch.problem], **PRIVATE)

    def wire_page(
        self, page: gr.Blocks, tabs: gr.Tabs, tab: gr.Tab, use_after: Callable[[Any, gr.Textbox, gr.Tabs], None]
    ) -> None:
        """Follow a run's link when the page opens; look when the tab is chosen; hand an adapter to Compare."""
        self.tabs = tabs
        self.examples.wire_page(page, tab)
        page.load(self.arrive, None, [tabs, self.watch.run], **QUIET)
        tab.select(self.watch.look, [self.watch.run, self.watch.seen], self.watch.shown, **QUIET).then(
            self.list_all, self.watch.run, self.lists, **QUIET
        )
        for event in (self.used, self.adapters.picked):
            use_after(event, self.adapters.chosen, tabs)
            event.then(None, self.adapters.chosen, js=LEFT, **PRIVATE)

    def arrive(self, request: gr.Request) -> dict[Any, Any]:
        """A link `/?training=<run>` opens this tab with that run."""
        run = request.query_params.get("training")
        if not run or not Owner(self.studio).here():
            return {self.watch.run: ""}
        return {self.tabs: gr.Tabs(selected="tune"), self.watch.run: run[:100]}

    def list_all(self, chosen: str | None) -> list[Any]:
        return [self.runs.rows(chosen), self.runs.groups(), self.adapters.rows(), self.adapters.can_undo()]

    def use(self, adapter: str) -> list[Any]:
        """The adapter of the run that is shown, for Compare."""
        try:
            Owner(self.studio).check(render_tune.PUBLIC)
            return [self.adapters.usable(adapter), ""]
        except Exception as error:  # noqa: BLE001 - told, and logged when it is a fault of ours
            return ["", render.problem(sentence(error))]
